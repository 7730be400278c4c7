"""Tests of the form of a hit."""

from __future__ import annotations

import json
import uuid

import msgspec
import pytest

from analytics.hits import BadHitLine, Hit, HitKind, new_hit_id, unpack

HIT = Hit(
    time_ms=1_773_489_600_000,
    hit_id="0" * 32,
    episode_id=7,
    show_id=3,
    asset_id=None,
    kind=HitKind.TRACK,
    method="GET",
    status=302,
    requested_range="bytes=0-1",
    answer_start=0,
    answer_length=0,
    salt_day="2026-03-14",
    listener="a" * 32,
    previous_listener="",
    user_agent="AntennaPod/3.4",
    referrer_host="",
    is_prefetch=False,
)


class TestPack:
    def test_comes_back_as_it_was(self):
        assert unpack(HIT.pack()) == HIT

    @pytest.mark.parametrize("text", ["a\nb", "a\rb", "\x00", "é 🎧", '"],[', "\u2028"])
    def test_stays_one_line_whatever_the_text(self, text):
        line = msgspec.structs.replace(HIT, user_agent=text).pack()

        assert line.splitlines(keepends=True) == [line]
        assert unpack(line).user_agent == text

    def test_refuses_half_a_character(self):
        with pytest.raises(ValueError, match="surrogate"):
            msgspec.structs.replace(HIT, user_agent="\ud800").pack()


class TestUnpack:
    def test_reads_lines_of_the_first_version(self):
        """Seventeen fields: no country, no audience, no bytes delivered."""
        line = json.dumps(json.loads(HIT.pack())[:18]).encode()

        assert unpack(line) == HIT

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\n",
            b"nonsense",
            b"1",
            b"null",
            b"[]",
            b"{}",
            b"[1]",
            b"[2" + HIT.pack()[2:],
            HIT.pack()[:-20],
            HIT.pack().replace(b'"track"', b'"other"'),
            HIT.pack().replace(b"false", b"0"),
            HIT.pack().replace(b"302", b"true"),
            b"[" * 100_000,
            b"\xff\xfe",
        ],
    )
    def test_refuses_what_is_no_hit(self, line):
        with pytest.raises(BadHitLine):
            unpack(line)

    def test_refuses_further_fields(self):
        with pytest.raises(BadHitLine):
            unpack(json.dumps([*json.loads(HIT.pack()), 1]).encode())


class TestNewHitId:
    def test_is_a_version_7_uuid_that_sorts_by_time(self):
        early, late = new_hit_id(time_ms=1_000), new_hit_id(time_ms=2_000)

        assert uuid.UUID(early).version == 7
        assert uuid.UUID(early).variant == uuid.RFC_4122
        assert early < late

    def test_differs_within_one_millisecond(self):
        assert len({new_hit_id(time_ms=1) for _ in range(1_000)}) == 1_000
