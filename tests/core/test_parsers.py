from __future__ import annotations

import io

import pytest
from rest_framework.exceptions import ParseError

from core.parsers import MAX_JSON_BYTES, BodyTooLarge, BoundedJSONParser


def parse(body):
    return BoundedJSONParser().parse(io.BytesIO(body))


class TestBoundedJSONParser:
    def test_reads_utf_8_with_and_without_a_byte_order_mark(self):
        assert parse('{"a": "ü"}'.encode()) == parse('{"a": "ü"}'.encode("utf-8-sig")) == {"a": "ü"}

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"{'a': 1}",
            b"\xff",
            b'"\\ud800"',
            b'{"\\udfff": 1}',
            b"NaN",
            b"-Infinity",
            b"9" * 5_000,
            b"[" * 60 + b"]" * 60,
            b'{"a":' * 100_000,
        ],
    )
    def test_refuses_what_cannot_be_stored_or_walked(self, body):
        with pytest.raises(ParseError):
            parse(body)

    def test_speaks_of_numbers_as_their_sender_knows_them(self):
        with pytest.raises(ParseError, match="too many digits"):
            parse(b"9" * 5_000)

    def test_reads_no_more_than_its_limit(self):
        stream = io.BytesIO(b" " * (MAX_JSON_BYTES * 2))

        with pytest.raises(BodyTooLarge):
            BoundedJSONParser().parse(stream)

        assert stream.tell() == MAX_JSON_BYTES + 1
