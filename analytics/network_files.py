"""Reads the files that an operator loads about networks: countries, AS numbers, hosts, relays, safe ones."""

from __future__ import annotations

import csv
import hashlib
import ipaddress
import re
from array import array
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial

from analytics.networks import (
    AS_NUMBERS,
    COUNTRIES,
    SAFE,
    TABLES,
    Ranges,
    SafeNetwork,
    Table,
    country_number,
    number_of,
)
from core.errors import Invalid

#: A safe network has to be looked at again after so long (R32).
SAFE_DAYS = 90
_AS_NUMBER = re.compile(r"AS(\d{1,10})\Z", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_MEMBER = 1

Row = tuple[int, int, int, int]


class NetworkFileUnreadable(Invalid):
    """A line cannot be used; the message names it and what is wrong."""

    code = "network_file_unreadable"


def parse_table(name: str, content: bytes, *, version: str, now: datetime) -> Table:
    """The table `name` of a file. Raises `NetworkFileUnreadable`.

    Lines are `first,last,value` or `network,value`; members of a class (hosting, vpn, tor, relay)
    are a network, an address, a range or an AS number; safe ones `network,last day,agent`. Lines
    that begin with # are comments, columns beyond those needed are left out.
    """
    if name not in TABLES:
        raise NetworkFileUnreadable(f"There is no table {name}; there are {', '.join(TABLES)}.")
    digest = hashlib.sha256(content).hexdigest()
    table = partial(
        Table,
        name=name,
        version=version or digest[:12],
        sha256=digest,
        loaded_at=now.isoformat(),
    )
    lines = list(_lines(content))
    if name == SAFE:
        return table(safe=tuple(_safe(cells, number, now.date()) for number, cells in lines))
    numbers = {
        int(found[1]) for _, cells in lines if (found := _AS_NUMBER.match(cells[0])) is not None
    }
    rows = [_row(name, cells, number) for number, cells in lines if not _AS_NUMBER.match(cells[0])]
    if numbers and name in {COUNTRIES, AS_NUMBERS}:
        raise NetworkFileUnreadable(f"{name} is a table of networks, not of AS numbers.")
    return table(ranges=_ranges(name, rows), as_numbers=frozenset(numbers))


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NetworkFileUnreadable("The file is not a text in UTF-8.") from None
    for number, cells in enumerate(csv.reader(text.splitlines()), 1):
        if cells and cells[0].strip() and not cells[0].startswith("#"):
            yield number, [cell.strip() for cell in cells]


def _row(name: str, cells: list[str], number: int) -> Row:
    first, last, rest = _span(cells, number)
    if name == COUNTRIES:
        code = rest[0].upper() if rest else ""
        if not _COUNTRY.match(code):
            raise NetworkFileUnreadable(f"Line {number}: {code or 'nothing'} is no country code.")
        value = country_number(code)
    elif name == AS_NUMBERS:
        text = rest[0].upper().removeprefix("AS") if rest else ""
        if not (text.isascii() and text.isdigit() and len(text) <= 10):  # noqa: PLR2004
            raise NetworkFileUnreadable(f"Line {number}: {text or 'nothing'} is no AS number.")
        value = int(text)
    else:
        value = _MEMBER
    return first.version, number_of(first), number_of(last), value


def _span(
    cells: list[str], number: int
) -> tuple[
    ipaddress.IPv4Address | ipaddress.IPv6Address,
    ipaddress.IPv4Address | ipaddress.IPv6Address,
    list[str],
]:
    try:
        if "/" in cells[0]:
            network = ipaddress.ip_network(cells[0], strict=False)
            return network[0], network[-1], cells[1:]
        first = ipaddress.ip_address(cells[0])
        try:
            last = ipaddress.ip_address(cells[1]) if len(cells) > 1 else first
        except ValueError:
            return first, first, cells[1:]
    except ValueError:
        raise NetworkFileUnreadable(f"Line {number}: {cells[0][:50]} is no network.") from None
    if first.version != last.version or int(first) > int(last):
        raise NetworkFileUnreadable(f"Line {number}: the range does not go from low to high.")
    return first, last, cells[2:]


def _safe(cells: list[str], number: int, today: date) -> SafeNetwork:
    first, last, rest = _span(cells, number)
    try:
        ends_on = date.fromisoformat(rest[0] if rest else "")
    except ValueError:
        raise NetworkFileUnreadable(
            f"Line {number}: the second column must be the day it ends on, such as {today}."
        ) from None
    if ends_on > today + timedelta(days=SAFE_DAYS):
        raise NetworkFileUnreadable(
            f"Line {number}: a safe network ends within {SAFE_DAYS} days, then it is checked anew."
        )
    agent = rest[1] if len(rest) > 1 else ""
    return SafeNetwork(number_of(first), number_of(last), first.version, ends_on, agent)


def _ranges(name: str, rows: Iterable[Row]) -> dict[int, Ranges]:
    by_version: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
    for version, first, last, value in rows:
        by_version[version].append((first, last, value))
    return {
        version: _disjoint(name, sorted(found)) for version, found in by_version.items() if found
    }


def _disjoint(name: str, rows: list[tuple[int, int, int]]) -> Ranges:
    firsts, lasts, values = array("Q"), array("Q"), array("Q")
    for first, last, value in rows:
        if lasts and first <= lasts[-1]:
            if value == values[-1]:
                lasts[-1] = max(lasts[-1], last)
                continue
            # Of IPv6 only 64 bits are kept, so small neighbours may share a border.
            if first == lasts[-1] and first < last:
                first += 1  # noqa: PLW2901 - the border belongs to the earlier one
            elif first == lasts[-1]:
                continue
            else:
                raise NetworkFileUnreadable(f"Two ranges of {name} overlap with different values.")
        firsts.append(first)
        lasts.append(last)
        values.append(value)
    return Ranges(firsts, lasts, values)
