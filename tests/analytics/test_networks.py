"""Tests of what an address tells before it is forgotten."""

from __future__ import annotations

import ipaddress
from array import array
from datetime import UTC, date, datetime

import pytest

from analytics.networks import (
    NetworkClass,
    Networks,
    Ranges,
    SafeNetwork,
    Table,
    country_number,
    number_of,
    write_table,
)

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def ranges(*rows):
    return Ranges(*(array("Q", column) for column in zip(*rows, strict=True)))


def table(name, **fields):
    return Table(name=name, version="1", sha256="0" * 64, loaded_at=NOON.isoformat(), **fields)


def number(text):
    return number_of(ipaddress.ip_address(text))


@pytest.fixture
def origin(tmp_path):
    def look_up(text, *tables, agent="", now=NOON):
        for one in tables:
            write_table(tmp_path, one)
        return Networks(tmp_path).origin(ipaddress.ip_address(text), user_agent=agent, now=now)

    return look_up


class TestWithoutTables:
    @pytest.mark.parametrize(
        ("address", "country"),
        [("8.8.8.8", "US"), ("193.0.6.139", "NL"), ("2a00:1450:4001::", "IE")],
    )
    def test_countries_are_those_of_the_registries(self, origin, address, country):
        assert origin(address).country == country

    @pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.9", "203.0.113.9", "fe80::1"])
    def test_home_networks_are_local_and_in_no_country(self, origin, address):
        assert origin(address) == origin("10.0.0.1")
        assert origin(address).network_class == NetworkClass.LOCAL

    def test_an_unknown_address_tells_nothing(self, tmp_path):
        unknown = Networks(tmp_path).origin(None, user_agent="", now=NOON)

        assert (unknown.country, unknown.network_class, unknown.as_number) == ("", "", 0)


class TestTables:
    def test_win_over_the_package(self, origin):
        countries = table("countries", ranges={4: ranges((0, 2**32 - 1, country_number("CH")))})

        assert origin("8.8.8.8", countries).country == "CH"

    def test_find_the_as_number_and_what_is_named_by_it(self, origin):
        numbers = table(
            "as_numbers",
            ranges={
                4: ranges((number("8.8.8.0"), number("8.8.8.255"), 15169)),
                6: ranges((number("2a00::"), number("2a00:ffff::"), 64500)),
            },
        )
        hosting = table("hosting", as_numbers=frozenset({15169}))

        assert origin("8.8.8.8", numbers, hosting).network_class == NetworkClass.HOSTING
        assert origin("8.8.9.1").as_number == 0
        assert origin("2a00:5::1").as_number == 64500
        assert origin("2a00:5::1").network_class == NetworkClass.PUBLIC

    def test_of_relays_win_over_those_of_hosts(self, origin):
        everything = {4: ranges((0, 2**32 - 1, 1))}

        found = origin(
            "8.8.8.8", table("hosting", ranges=everything), table("relay", ranges=everything)
        )

        assert found.network_class == NetworkClass.RELAY

    def test_that_are_damaged_are_as_good_as_absent(self, origin, tmp_path):
        (tmp_path / "hosting.networks").write_bytes(b"nonsense")

        assert origin("8.8.8.8").network_class == NetworkClass.PUBLIC

    def test_are_used_by_a_process_that_runs(self, tmp_path, monkeypatch):
        monkeypatch.setattr("analytics.networks.LOOK_AGAIN_SECONDS", 0.0)
        running = Networks(tmp_path)
        address = ipaddress.ip_address("8.8.8.8")
        before = running.origin(address, user_agent="", now=NOON)

        write_table(tmp_path, table("tor", ranges={4: ranges((0, 2**32 - 1, 1))}))

        after = running.origin(address, user_agent="", now=NOON)
        assert (before.network_class, after.network_class) == ("", NetworkClass.TOR)


class TestSafeNetworks:
    @pytest.fixture
    def safe(self):
        one = SafeNetwork(number("8.8.8.0"), number("8.8.8.255"), 4, date(2026, 4, 1), "Campus")
        return table("safe", safe=(one,))

    def test_are_known_by_network_and_agent(self, origin, safe):
        assert origin("8.8.8.8", safe, agent="Campus/1").network_class == NetworkClass.SAFE
        assert origin("8.8.8.8", agent="Other/1").network_class == NetworkClass.PUBLIC
        assert origin("8.8.9.8", agent="Campus/1").network_class == NetworkClass.PUBLIC

    def test_have_no_effect_when_they_have_ended(self, origin, safe):
        ended = datetime(2026, 4, 1, tzinfo=UTC)

        assert origin("8.8.8.8", safe, agent="Campus/1", now=ended).network_class == ""
