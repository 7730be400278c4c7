"""Tests of the search that ends each run: it finds addresses in every form, and goes through all files."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import sys

import pytest
from rest_framework.test import APIRequestFactory

from tests import client_addresses
from tests.client_addresses import CLIENT, LOOPBACKS, check_files, check_folders

PACKED = [ipaddress.ip_address(text).packed for text in LOOPBACKS]
NETWORK = ipaddress.ip_address(CLIENT).packed[:8]


@pytest.fixture
def folder(tmp_path):
    """A folder as an instance has it, below one that the search starts from; gone in the end."""
    made = tmp_path / "one" / "var"
    (made / "spool").mkdir(parents=True)
    yield made
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.unlink()


@pytest.mark.parametrize(
    "content",
    [CLIENT.encode(), NETWORK, NETWORK.hex().encode(), *(one.encode() for one in LOOPBACKS)],
)
@pytest.mark.parametrize("name", ["var/spool/a.hits", "var/podwright.sqlite3", "err-1"])
def test_finds_each_form_in_files_and_output(folder, tmp_path, monkeypatch, name, content):
    # Where one piece of the file ends and the next one begins.
    monkeypatch.setattr(client_addresses, "_PIECE_BYTES", 5_004)
    check_folders([tmp_path])
    (folder.parent / name).write_bytes(b"x" * 5_000 + content + b"y")

    with pytest.raises(AssertionError, match="holds the address"):
        check_folders([tmp_path])


def test_finds_what_is_compressed(folder, tmp_path):
    (folder / "day.gz").write_bytes(gzip.compress(CLIENT.encode()))

    with pytest.raises(AssertionError, match="holds the address"):
        check_folders([tmp_path])


def test_takes_four_bytes_for_chance_unless_all_are_there(folder, tmp_path):
    (folder / "a").write_bytes(PACKED[0])
    check_folders([tmp_path])
    (folder / "b").write_bytes(PACKED[1])

    with pytest.raises(AssertionError, match="packed"):
        check_folders([tmp_path])
    assert check_files([folder / "is gone"]) is None


def test_the_suites_clients_come_from_there():
    given = APIRequestFactory().get("/", REMOTE_ADDR="198.51.100.1").META["REMOTE_ADDR"]
    assert given == "198.51.100.1"
    assert APIRequestFactory().get("/").META["REMOTE_ADDR"] == CLIENT


def test_so_do_its_connections():
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers = set()
        for _ in range(4):
            with socket.create_connection(server.getsockname()):
                accepted, peer = server.accept()
                accepted.close()
                peers.add(peer[0])
    assert peers == (set(LOOPBACKS) if sys.platform == "linux" else {"127.0.0.1"})
