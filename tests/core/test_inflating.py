from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from core.inflating import BodyDamagedError, EncodingUnknownError, plain_pieces

TEXT = b"".join(b"line %d of a long and winding article\n" % number for number in range(5_000))


def in_pieces(data, size=777):
    return [data[start : start + size] for start in range(0, len(data), size)]


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("GZIP ", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 100),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
@pytest.mark.parametrize("size", [1, 777, 10_000_000])
def test_gives_back_the_text(encoding, data, size):
    assert b"".join(plain_pieces(in_pieces(data, size), encoding=encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_empty_body_stays_empty(encoding):
    assert b"".join(plain_pieces([], encoding=encoding)) == b""


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_refuses_an_encoding_that_was_not_asked_for(encoding):
    with pytest.raises(EncodingUnknownError):
        plain_pieces([b"x"], encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"this is not gzip at all"),
        ("gzip", gzip.compress(TEXT)[:-20]),
        ("gzip", gzip.compress(TEXT)[:-4] + b"\xff\xff\xff\xff"),
        ("deflate", b"\xff\xff\xff\xff"),
        ("deflate", zlib.compress(TEXT)[:-20]),
    ],
)
def test_refuses_damaged_data(encoding, data):
    with pytest.raises(BodyDamagedError):
        b"".join(plain_pieces([data], encoding=encoding))


def test_a_bomb_is_unpacked_no_further_than_it_is_read():
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()

    piece = next(plain_pieces([bomb], encoding="gzip"))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 0 < len(piece) <= 65_536
    assert peak < 2_000_000
