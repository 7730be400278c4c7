from __future__ import annotations

import io
import struct

import pytest

from core.errors import Invalid, UnsupportedType
from episodes.sound_files import measure_sound
from tests.factories import sounds


def measure(content):
    return measure_sound(io.BytesIO(content))


class TestAccepted:
    @pytest.mark.parametrize(
        ("content", "mime_type", "extension"),
        [
            (sounds.mp3(), "audio/mpeg", "mp3"),
            (sounds.tagged_mp3(), "audio/mpeg", "mp3"),
            (sounds.wav(), "audio/wav", "wav"),
            (sounds.ogg("VORBIS"), "audio/ogg", "ogg"),
            (sounds.ogg("OPUS"), "audio/ogg", "ogg"),
            (sounds.aac(), "audio/aac", "aac"),
            (sounds.m4a(), "audio/x-m4a", "m4a"),
        ],
        ids=["mp3", "tagged mp3", "wav", "vorbis", "opus", "aac", "m4a"],
    )
    def test_are_known_and_measured(self, content, mime_type, extension):
        facts = measure(content)

        assert (facts.mime_type, facts.extension) == (mime_type, extension)
        assert facts.duration_seconds == pytest.approx(sounds.SECONDS, abs=0.1)

    @pytest.mark.parametrize(
        ("content", "before"),
        [
            (sounds.mp3(), 0),
            (sounds.tagged_mp3(tag_bytes=5_000), 5_010),
            (sounds.wav(), 44),
            (sounds.aac(), 0),
            (sounds.m4a(), sounds.m4a().index(b"mdat") + 4),
        ],
        ids=["mp3", "tagged mp3", "wav", "aac", "m4a"],
    )
    def test_have_their_sound_after_their_head(self, content, before):
        assert measure(content).header_bytes == before

    def test_include_a_wav_that_was_written_to_a_pipe(self):
        whole = sounds.wav()

        facts = measure(whole[:40] + b"\xff\xff\xff\xff" + whole[44:])

        assert facts.duration_seconds == pytest.approx(sounds.SECONDS, abs=0.01)

    def test_include_an_m4a_whose_chapters_have_pictures(self):
        content = sounds.mp4(sounds.track(b"soun"), sounds.track(b"vide"))

        assert measure(content).mime_type == "audio/x-m4a"


class TestOthers:
    @pytest.mark.parametrize(
        "content",
        [
            b"<!doctype html><html><script>alert(1)</script></html>" * 40,
            b"<html>" + sounds.mp3(),
            b"GIF89a" + sounds.mp3(),
            b"PK\x03\x04" + sounds.mp3(),
            b"\xff\xfb\x90\x00<html>" * 400,
            b"\xff\xfe<\x00h\x00t\x00m\x00l\x00",
            sounds.encoded("FLAC", "PCM_16"),
            sounds.mp4(sounds.track(b"soun"), sounds.track(b"vide"), brand=b"isom"),
            b"OggS" + bytes(22) + b"\x01\x07\x80theora",
            b"RIFF\x00\x00\x00\x00AVI " + bytes(100),
            b"ID3\x03\x00\x00\x00\x00\x00\x05hello<html></html>" + bytes(100),
            b"\0",
            b"ID3",
        ],
        ids=lambda content: content[:12].hex(),
    )
    def test_are_refused_as_another_type(self, content):
        with pytest.raises(UnsupportedType, match="audio"):
            measure(content)


class TestDamaged:
    @pytest.mark.parametrize(
        "content",
        [
            sounds.mp3()[: len(sounds.mp3()) // 2],
            sounds.wav()[:-1_000],
            sounds.wav()[:30],
            sounds.ogg()[:-100],
            sounds.m4a()[:-1],
            sounds.m4a()[:60],
            sounds.tagged_mp3()[:3_000],
            sounds.mp4(sounds.track(b"soun", seconds=0)),
            sounds.atom(b"ftyp", b"M4A ") + sounds.atom(b"mdat", b"x"),
            sounds.mp4(sounds.track(b"soun"), b"\0\0\0\1free\0\0\0\0\0\0\0\x01"),
            sounds.atom(b"ftyp", b"M4A ") + sounds.atom(b"moov", b"\0\0\0\x08free" * 60_000),
            b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 60_000,
        ],
        ids=lambda content: f"{content[:12].hex()}-{len(content)}",
    )
    def test_are_refused_as_incomplete(self, content):
        with pytest.raises(Invalid, match=r"damaged or incomplete|cut off") as refusal:
            measure(content)

        assert not isinstance(refusal.value, UnsupportedType)

    def test_include_atoms_nested_without_end(self):
        content = b""
        for _ in range(2_000):
            content = sounds.atom(b"moov", content)

        with pytest.raises(Invalid, match="nested too deeply"):
            measure(sounds.atom(b"ftyp", b"M4A ") + content)

    @pytest.mark.parametrize("name", ["mp3", "tagged_mp3", "wav", "ogg", "aac", "m4a"])
    def test_never_break_the_measuring_wherever_they_are_cut_or_changed(self, name):
        whole = getattr(sounds, name)()
        for place in [*range(0, 300, 7), *range(300, len(whole), len(whole) // 40)]:
            for content in (
                whole[:place],
                whole[:place] + b"\xff\xff\xff\xff" + whole[place + 4 :],
                whole[:place] + struct.pack(">I", 0) + whole[place + 4 :],
            ):
                try:
                    facts = measure(content)
                except Invalid:
                    continue
                assert facts.duration_seconds > 0
