from __future__ import annotations

import ipaddress

import pytest

from core.errors import Invalid
from core.web_addresses import UrlInvalid
from webhooks.targets import PlainHttpRefused, TargetRefused, check_target, pinned_resolver

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
PUBLIC = ["93.184.216.34"]


def literally(host):
    """Knows addresses only."""
    return [str(ipaddress.ip_address(host))]


def missing(host):
    raise OSError(host)


class TestCheckTarget:
    def test_takes_public_https(self):
        check_target("https://example.com/hook", allow=[], resolve=lambda _: PUBLIC)

    def test_takes_https_hosts_that_have_no_address_yet(self):
        check_target("https://example.com/hook", allow=[], resolve=missing)

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://169.254.169.254/latest/meta-data",
            "https://192.168.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd00::1]/",
            "https://93.184.216.34:6379/",
        ],
    )
    def test_refuses_private_addresses_and_odd_ports(self, url):
        with pytest.raises(TargetRefused) as refused:
            check_target(url, allow=[], resolve=literally)

        assert refused.value.field == "url"

    @pytest.mark.parametrize(
        "url", ["https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/"]
    )
    def test_refuses_loopback_in_odd_notations(self, url):
        with pytest.raises(Invalid):
            check_target(url, allow=[])

    def test_refuses_names_that_mix_public_and_private(self):
        with pytest.raises(TargetRefused):
            check_target("https://example.com/", allow=[], resolve=lambda _: [*PUBLIC, "10.0.0.1"])

    @pytest.mark.parametrize("allow", [[], LOOPBACK])
    @pytest.mark.parametrize("resolve", [lambda _: PUBLIC, missing])
    def test_refuses_plain_http_outside_of_the_allowed_networks(self, allow, resolve):
        with pytest.raises(TargetRefused, match="https"):
            check_target("http://example.com/", allow=allow, resolve=resolve)

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "https://127.0.0.1:9000/"])
    def test_takes_both_schemes_inside_of_the_allowed_networks(self, url):
        check_target(url, allow=LOOPBACK, resolve=literally)


class TestPinnedResolver:
    def test_knows_only_what_was_checked(self):
        answers = iter([PUBLIC, ["127.0.0.1"]])
        resolve = pinned_resolver("https://example.com/", allow=[], resolve=lambda _: next(answers))

        assert resolve("example.com") == PUBLIC
        assert resolve("example.com") == PUBLIC

    def test_refuses_http_once_its_host_has_moved_to_the_public(self):
        with pytest.raises(PlainHttpRefused):
            pinned_resolver("http://example.com/", allow=LOOPBACK, resolve=lambda _: PUBLIC)

    def test_refuses_other_schemes(self):
        with pytest.raises(UrlInvalid):
            pinned_resolver("ftp://example.com/", allow=LOOPBACK, resolve=lambda _: PUBLIC)
