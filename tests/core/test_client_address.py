"""Tests of finding the client behind proxies."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from core.client_address import client_address, packed_network

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def found(peer, forwarded=None, *, trusted=PROXIES):
    environ = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    address = client_address(environ, trusted=trusted)
    return None if address is None else str(address)


class TestClientAddress:
    def test_is_the_peer(self):
        assert found("203.0.113.9") == "203.0.113.9"

    def test_ignores_what_an_untrusted_peer_forwards(self):
        assert found("203.0.113.9", "198.51.100.1") == "203.0.113.9"

    def test_ignores_forwarding_when_no_proxy_is_trusted(self):
        assert found("10.0.0.1", "198.51.100.1", trusted=()) == "10.0.0.1"

    @pytest.mark.parametrize(
        ("forwarded", "expected"),
        [
            ("198.51.100.1", "198.51.100.1"),
            ("1.2.3.4, 198.51.100.1", "198.51.100.1"),
            ("1.2.3.4, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("fe80::1%eth0", "fe80::1"),
        ],
    )
    def test_is_the_right_most_untrusted_entry_behind_a_proxy(self, forwarded, expected):
        assert found("10.0.0.1", forwarded) == expected

    @pytest.mark.parametrize("forwarded", ["", "unknown", "1.2.3.4, nonsense", "1.2.3.4,", "\x00"])
    def test_stops_at_an_entry_that_is_no_address(self, forwarded):
        assert found("10.0.0.1", forwarded) == "10.0.0.1"

    def test_is_the_farthest_proxy_when_all_are_trusted(self):
        assert found("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"

    def test_walks_a_bounded_list(self):
        assert found("10.0.0.1", "203.0.113.9" + ", 10.0.0.2" * 10_000) == "10.0.0.2"

    @pytest.mark.parametrize("peer", ["", "/run/web.sock", "localhost"])
    def test_is_nothing_without_a_peer_address(self, peer):
        assert found(peer) is None
        assert found(peer, "198.51.100.1", trusted=()) is None

    def test_is_the_forwarded_one_behind_a_proxy_on_a_unix_socket(self):
        assert found("", "1.2.3.4, 198.51.100.1") == "198.51.100.1"


class TestPackedNetwork:
    def test_keeps_ipv4_whole(self):
        assert packed_network(ip_address("192.0.2.7")) == bytes([192, 0, 2, 7])

    def test_cuts_ipv6_to_its_network(self):
        near, far = ip_address("2001:db8:1:2:3::4"), ip_address("2001:db8:1:2:ffff::9")

        assert packed_network(near) == packed_network(far)
        assert len(packed_network(near)) == 8
