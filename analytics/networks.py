"""What an address tells before it is forgotten: country, AS number and kind of network."""

from __future__ import annotations

import json
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import iptocc
import structlog

from core.client_address import Address

log = structlog.get_logger(__name__)

#: How soon a table that the operator loads is used by processes that run already.
LOOK_AGAIN_SECONDS = 60.0
_SUFFIX = ".networks"
_HELD_ADDRESSES = 65_536


class NetworkClass(StrEnum):
    """What kind of network a listener's address lies in (contracts/analytics.md R32, R38-R40)."""

    PUBLIC = ""
    LOCAL = "local"
    HOSTING = "hosting"
    VPN = "vpn"
    TOR = "tor"
    RELAY = "relay"
    SAFE = "safe"


#: Tables of an operator, the first that knows an address wins.
CLASS_TABLES = (NetworkClass.RELAY, NetworkClass.TOR, NetworkClass.VPN, NetworkClass.HOSTING)
COUNTRIES, AS_NUMBERS, SAFE = "countries", "as_numbers", "safe"
TABLES = (COUNTRIES, AS_NUMBERS, *(str(one) for one in CLASS_TABLES), SAFE)


@dataclass(frozen=True, slots=True)
class Origin:
    """`country` is ISO 3166 alpha-2 or "", `as_number` 0 when it is not known."""

    country: str = ""
    network_class: NetworkClass = NetworkClass.PUBLIC
    as_number: int = 0


@dataclass(frozen=True, slots=True)
class SafeNetwork:
    """A shared network whose listeners are many; without effect from `ends_on` on (R32)."""

    first: int
    last: int
    version: int
    ends_on: date
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Disjoint ranges of one IP version in ascending order; of IPv6 the upper 64 bits only."""

    firsts: array[int]
    lasts: array[int]
    values: array[int]

    def value(self, number: int) -> int | None:
        """The value of the range that holds `number`."""
        place = bisect_right(self.firsts, number) - 1
        if place < 0 or number > self.lasts[place]:
            return None
        return self.values[place]


@dataclass(frozen=True, slots=True)
class Table:
    """One loaded list: who made it when, and its ranges by IP version.

    `as_numbers` are the members of a class table that are named by AS number.
    """

    name: str
    version: str
    sha256: str
    loaded_at: str
    ranges: dict[int, Ranges] = field(default_factory=dict)
    as_numbers: frozenset[int] = frozenset()
    safe: tuple[SafeNetwork, ...] = ()

    def value(self, address: Address) -> int | None:
        """The value of the range that `address` lies in."""
        ranges = self.ranges.get(address.version)
        return ranges.value(number_of(address)) if ranges else None


class Networks:
    """The tables below one folder, looked at again now and then; one object serves all threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[str, Table] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._looked_at = -LOOK_AGAIN_SECONDS
        self._held = lru_cache(_HELD_ADDRESSES)(self._origin)

    def origin(self, address: Address | None, *, user_agent: str, now: datetime) -> Origin:
        """What is known of `address`; never raises for want of a table."""
        if address is None:
            return Origin()
        self._look_again()
        known = self._held(address)
        safe = self._tables.get(SAFE)
        if safe is not None and _is_safe(safe, address, user_agent=user_agent, day=now.date()):
            return Origin(known.country, NetworkClass.SAFE, known.as_number)
        return known

    def tables(self) -> dict[str, Table]:
        """The tables in force by name."""
        self._look_again()
        return dict(self._tables)

    def _origin(self, address: Address) -> Origin:
        as_number = self._value(AS_NUMBERS, address) or 0
        if address.is_private or address.is_loopback or address.is_link_local:
            # Home servers and tests: no data centre, and in no country (R40).
            return Origin("", NetworkClass.LOCAL, as_number)
        return Origin(self._country(address), self._class(address, as_number), as_number)

    def _country(self, address: Address) -> str:
        code = self._value(COUNTRIES, address)
        if code:
            return chr(code >> 8) + chr(code & 0xFF)
        return iptocc.country_code(str(address)) or ""

    def _class(self, address: Address, as_number: int) -> NetworkClass:
        for name in CLASS_TABLES:
            table = self._tables.get(name)
            if table and (as_number in table.as_numbers or table.value(address) is not None):
                return name
        return NetworkClass.PUBLIC

    def _value(self, name: str, address: Address) -> int | None:
        table = self._tables.get(name)
        return table.value(address) if table else None

    def _look_again(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN_SECONDS:
            return
        self._looked_at = now
        stamps = {name: stamp for name in TABLES if (stamp := _stamp(self.folder, name))}
        if stamps != self._stamps:
            self._tables = dict(_read_all(self.folder, stamps))
            self._stamps = stamps
            self._held.cache_clear()


def number_of(address: Address) -> int:
    """An IPv4 address as a number, of an IPv6 address the upper 64 bits."""
    return int(address) if address.version == 4 else int(address) >> 64  # noqa: PLR2004


def country_number(code: str) -> int:
    """Two letters in one number, as tables hold them."""
    return ord(code[0]) << 8 | ord(code[1])


def write_table(folder: Path, table: Table) -> None:
    """Put `table` into force: processes see the old one or the new one, never a half."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    head = {
        "name": table.name,
        "version": table.version,
        "sha256": table.sha256,
        "loaded_at": table.loaded_at,
        "ranges": {str(version): len(ranges.firsts) for version, ranges in table.ranges.items()},
        "as_numbers": sorted(table.as_numbers),
        "safe": [
            [one.first, one.last, one.version, one.ends_on.isoformat(), one.agent]
            for one in table.safe
        ],
    }
    draft = folder / f".{table.name}"
    with draft.open("wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        for ranges in table.ranges.values():
            for column in (ranges.firsts, ranges.lasts, ranges.values):
                file.write(array("Q", column).tobytes())
    draft.replace(folder / f"{table.name}{_SUFFIX}")


def read_table(path: Path) -> Table:
    """The table that `write_table` wrote. Raises `OSError`, `ValueError`, `KeyError`."""
    with path.open("rb") as file:
        head = json.loads(file.readline())
        ranges = {}
        for version, count in head["ranges"].items():
            columns = [array("Q"), array("Q"), array("Q")]
            for column in columns:
                column.frombytes(file.read(count * 8))
            ranges[int(version)] = Ranges(*columns)
    return Table(
        name=head["name"],
        version=head["version"],
        sha256=head["sha256"],
        loaded_at=head["loaded_at"],
        ranges=ranges,
        as_numbers=frozenset(head["as_numbers"]),
        safe=tuple(
            SafeNetwork(first, last, version, date.fromisoformat(ends_on), agent)
            for first, last, version, ends_on, agent in head["safe"]
        ),
    )


def _read_all(folder: Path, names: Iterable[str]) -> Iterable[tuple[str, Table]]:
    for name in names:
        try:
            yield name, read_table(folder / f"{name}{_SUFFIX}")
        except (OSError, ValueError, KeyError) as error:
            log.warning("network_table_unreadable", table=name, error=type(error).__name__)


def _stamp(folder: Path, name: str) -> tuple[int, int] | None:
    try:
        status = (folder / f"{name}{_SUFFIX}").stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _is_safe(table: Table, address: Address, *, user_agent: str, day: date) -> bool:
    number = number_of(address)
    return any(
        one.version == address.version
        and one.first <= number <= one.last
        and day < one.ends_on
        and one.agent in user_agent
        for one in table.safe
    )


@lru_cache(maxsize=8)
def networks(folder: Path) -> Networks:
    """The tables of this process in `folder`."""
    return Networks(folder)
