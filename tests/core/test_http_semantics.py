"""Tests of the pure HTTP rules."""

from __future__ import annotations

import pytest

from core.http_semantics import (
    ByteRange,
    RangeUnsatisfiable,
    accepts_gzip,
    none_match_hits,
    range_still_valid,
    requested_range,
    wants_html,
)

TAG = '"abc"'


class TestNoneMatchHits:
    @pytest.mark.parametrize(
        "header", [TAG, f"W/{TAG}", f'"x", {TAG}', f' {TAG} ,"y"', "*", " * ", f'"x"{TAG}']
    )
    def test_finds_the_tag(self, header):
        assert none_match_hits(header, TAG)

    @pytest.mark.parametrize(
        "header", [None, "", "abc", '"abcd"', '"ab"', '"abc', "W/abc", "," * 5_000, "*, *"]
    )
    def test_finds_nothing_else(self, header):
        assert not none_match_hits(header, TAG)

    def test_compares_weakly_on_both_sides(self):
        assert none_match_hits(TAG, f"W/{TAG}")

    def test_takes_any_of_several_tags(self):
        assert none_match_hits('"abc-gzip"', TAG, '"abc-gzip"')


class TestRangeStillValid:
    def test_is_true_without_if_range(self):
        assert range_still_valid(None, TAG)

    def test_is_true_for_the_strong_tag(self):
        assert range_still_valid(f" {TAG} ", TAG)

    @pytest.mark.parametrize("header", [f"W/{TAG}", '"x"', "Sat, 14 Mar 2026 12:00:00 GMT"])
    def test_is_false_for_anything_else(self, header):
        assert not range_still_valid(header, TAG)


class TestRequestedRange:
    @pytest.mark.parametrize(
        ("header", "start", "length"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=0-1", 0, 2),
            ("bytes=0-", 0, 100),
            ("bytes=10-19", 10, 10),
            ("bytes=90-1000", 90, 10),
            ("bytes=99-", 99, 1),
            ("bytes=-1", 99, 1),
            ("bytes=-1000", 0, 100),
            ("Bytes = 5-6 ", 5, 2),
        ],
    )
    def test_is_cut_to_the_file(self, header, start, length):
        assert requested_range(header, size=100) == ByteRange(start, length)

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=0-1,5-9",
            "items=0-1",
            "bytes=0-1;q=1",
            "bytes=٣-٤",
            "bytes=" + "9" * 5_000 + "-",
            "bytes=" + "9" * 21 + "-",
        ],
    )
    def test_is_the_whole_file_when_it_cannot_be_honoured(self, header):
        assert requested_range(header, size=100) is None

    @pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
    def test_refuses_what_lies_outside(self, header):
        with pytest.raises(RangeUnsatisfiable):
            requested_range(header, size=100)

    def test_says_where_the_part_lies(self):
        assert ByteRange(2, 4).content_range(100) == "bytes 2-5/100"


class TestAcceptsGzip:
    @pytest.mark.parametrize(
        "header",
        [
            "gzip",
            "GZIP",
            "deflate, gzip",
            "gzip;q=0.5",
            "x-gzip",
            "*",
            "br;q=1, gzip; q=0.1",
            "gzip;q",
        ],
    )
    def test_is_true_when_the_client_takes_it(self, header):
        assert accepts_gzip(header)

    @pytest.mark.parametrize(
        "header",
        [None, "", "identity", "gzip;q=0", "gzip;q=0.000", "br", "*;q=0", "gzip;q=0.1, identity"],
    )
    def test_is_false_otherwise(self, header):
        assert not accepts_gzip(header)


class TestWantsHtml:
    def test_is_true_for_a_browser(self):
        assert wants_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")

    @pytest.mark.parametrize(
        "header", [None, "", "*/*", "application/rss+xml", "text/html;q=0", "text/*"]
    )
    def test_is_false_for_a_podcast_app(self, header):
        assert not wants_html(header)
