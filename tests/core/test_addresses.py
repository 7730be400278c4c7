from __future__ import annotations

import ipaddress
import threading

import pytest

from core.addresses import (
    AddressRefused,
    HostUnknown,
    LookupTimedOut,
    dialable_addresses,
    is_public,
    is_web_port,
    resolve_by_system,
)

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def dialable(host, *answers, port=443, allow=()):
    return dialable_addresses(host, port, resolve=lambda _host: answers, allow=allow, timeout=60)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2a00::5efe:10.0.0.1",
        "2a00::200:5efe:10.0.0.1",
    ],
)
def test_a_special_address_is_not_public(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80f::200e",
    ],
)
def test_an_ordinary_address_is_public(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("port", [0, 1, 22, 25, 53, 110, 143, 587, 1023, 3306, 5432, 6379, 11211])
def test_a_port_of_another_protocol_is_not_a_web_port(port):
    assert not is_web_port(port)


@pytest.mark.parametrize("port", [80, 443, 1024, 3000, 8000, 8080, 8443, 65_535])
def test_usual_ports_are_web_ports(port):
    assert is_web_port(port)


class TestDialableAddresses:
    def test_keeps_the_order_and_drops_repeats(self):
        found = dialable("site.example", "2606:4700::1", "1.1.1.1", "1.1.1.1")

        assert found == ["2606:4700::1", "1.1.1.1"]

    def test_refuses_a_host_of_which_one_address_is_private(self):
        with pytest.raises(AddressRefused, match=r"mixed\.example"):
            dialable("mixed.example", "1.1.1.1", "10.0.0.1")

    def test_refuses_a_link_local_address_with_a_scope(self):
        with pytest.raises(AddressRefused):
            dialable("link.example", "fe80::1%eth0")

    def test_refuses_a_port_of_another_protocol_on_a_public_address(self):
        with pytest.raises(AddressRefused, match="Port 25 "):
            dialable("mail.example", "1.1.1.1", port=25)

    def test_allows_what_the_operator_allowed_on_any_port(self):
        assert dialable("intranet", "127.0.0.9", port=22, allow=[LOOPBACK]) == ["127.0.0.9"]

    def test_still_refuses_other_private_networks(self):
        with pytest.raises(AddressRefused):
            dialable("intranet", "10.0.0.1", allow=[LOOPBACK])

    def test_does_not_take_a_mapped_address_for_the_allowed_one(self):
        with pytest.raises(AddressRefused):
            dialable("intranet", "::ffff:127.0.0.1", allow=[LOOPBACK])

    def test_says_that_a_host_without_address_is_unknown(self):
        with pytest.raises(HostUnknown, match=r"nowhere\.example"):
            dialable("nowhere.example")

    @pytest.mark.parametrize(
        "failure", [OSError("no such host"), UnicodeError("label too long")], ids=type
    )
    def test_says_that_a_host_whose_look_up_fails_is_unknown(self, failure):
        def fail(_host):
            raise failure

        with pytest.raises(HostUnknown):
            dialable_addresses("nowhere.example", 443, resolve=fail, allow=(), timeout=60)

    def test_does_not_wait_for_a_name_server_longer_than_told(self):
        release = threading.Event()

        def wait(_host):
            release.wait(30)
            return ["1.1.1.1"]

        try:
            with pytest.raises(LookupTimedOut):
                dialable_addresses("slow.example", 443, resolve=wait, allow=(), timeout=0.05)
        finally:
            release.set()


@pytest.mark.parametrize(
    "notation", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "0"]
)
def test_odd_notations_of_loopback_are_refused_after_resolution(notation):
    with pytest.raises(AddressRefused):
        dialable_addresses(notation, 80, resolve=resolve_by_system, allow=(), timeout=60)
