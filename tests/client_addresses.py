"""Where the suite's clients come from, and the search for it in everything that instances have kept.

Django's test clients come from CLIENT, connections to the suite's own servers from LOOPBACKS in turn.
After a run no file below a DATA_DIR, no output of a running instance and no database of the tests may
hold any of them, as text, in hexadecimal digits or packed (contracts/analytics.md R71).
"""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import os
import socket
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.test import RequestFactory

#: All of these mean nothing elsewhere. A network of IPv6 is as good as an address (R22).
CLIENT = "2001:db8:5ca1:ab1e:7e57:c11e:47ad:d4e5"
_NETWORK = "2001:db8:5ca1:ab1e"
LOOPBACKS = ("127.93.41.217", "127.164.238.91")

_PACKED = ipaddress.ip_address(CLIENT).packed
_LOOPBACKS_PACKED = tuple(ipaddress.ip_address(text).packed for text in LOOPBACKS)
#: Each alone is a finding.
_FORMS = (
    _NETWORK.encode(),
    _PACKED[:8],
    _PACKED[:8].hex().encode(),
    *(text.encode() for text in LOOPBACKS),
    *(packed.hex().encode() for packed in _LOOPBACKS_PACKED),
)
_PIECE_BYTES = 2**24
_LONGEST_FORM = 64
_OF_INSTANCES = frozenset({"spool", "salts", "broker"})
_PRINTED = ("out-*", "err-*")


def come_from_known_addresses() -> None:
    """Give all clients of this process the addresses that are searched for in the end."""
    bare_environ = RequestFactory._base_environ

    def base_environ(factory: RequestFactory, **request: Any) -> dict[str, Any]:
        return bare_environ(factory, **{"REMOTE_ADDR": CLIENT, **factory.defaults, **request})

    RequestFactory._base_environ = base_environ  # type: ignore[method-assign]
    if sys.platform != "linux":
        # Elsewhere 127.0.0.1 is the only address of the loopback.
        return
    turns = itertools.cycle(LOOPBACKS)
    connect = socket.create_connection

    def create_connection(address: Any, *arguments: Any, **named: Any) -> socket.socket:
        source = arguments[1] if len(arguments) > 1 else named.pop("source_address", None)
        if source is None and address[0] == "127.0.0.1":
            source = (next(turns), 0)
        return connect(address, *arguments[:1], source_address=source, **named)

    socket.create_connection = create_connection


def check_folders(roots: Iterable[Path]) -> None:
    """Fail when an instance below one of `roots` has kept an address of a client."""
    for folder in itertools.chain.from_iterable(_instances(root) for root in roots):
        printed = [path for form in _PRINTED for path in folder.parent.glob(form)]
        check_files([*(path for path in folder.rglob("*") if path.is_file()), *printed])


def check_postgresql(connection: psycopg.Connection[Any], name: str) -> None:
    """Fail when a file of the database `name` holds an address; rows that are deleted count too."""
    # Only what the server has written out is in its files.
    connection.execute("CHECKPOINT")
    row = connection.execute(
        "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    if row is not None:
        check_files((Path(row[0]) / "base" / str(row[1])).glob("*"))


def check_files(paths: Iterable[Path]) -> None:
    """Fail when one of the files holds an address of a client, or all of them the packed ones."""
    unseen = set(_LOOPBACKS_PACKED)
    for path in paths:
        for content in _contents(path):
            found = [form for form in _FORMS if content.find(form) >= 0]
            assert not found, f"{path} holds the address of a client: {found}"
            # Four bytes may meet by chance; all of these do not.
            unseen -= {packed for packed in unseen if content.find(packed) >= 0}
    assert unseen, "Files hold the addresses of clients, packed."


def _instances(root: Path) -> Iterator[Path]:
    for folder, names, _files in os.walk(root):
        if _OF_INSTANCES.intersection(names):
            yield Path(folder)
            names.clear()


def _contents(path: Path) -> Iterator[bytes]:
    """The file's bytes in pieces that overlap, and what is compressed in it; none if it is gone.

    They are read, not mapped: a server that cuts its file meanwhile would end who looks at the map.
    """
    try:
        with path.open("rb") as file:
            end = b""
            while piece := file.read(_PIECE_BYTES):
                yield end + piece
                end = piece[-_LONGEST_FORM:]
        if path.suffix == ".gz":
            yield gzip.decompress(path.read_bytes())
    except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error):
        return
