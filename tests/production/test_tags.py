from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mutagen.id3 import ID3
from mutagen.mp3 import MP3

from production.encoding import Mp3Writer
from production.tags import CHAPTERS_MAX, Cover, EpisodeTags, TagChapter, header_length, write_tags

COVER = Cover(content=b"\x89PNG\r\n\x1a\n" + bytes(5_000), mime_type="image/png")
CHAPTERS = (TagChapter("Intro", 0.0, 1.25), TagChapter("Größe & Maß", 1.25, 2.0))


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    path = tmp_path / "episode.mp3"
    with path.open("wb") as file:
        writer = Mp3Writer(file)
        writer.write(np.zeros(48_000, np.float32))
        writer.finish()
    return path


class TestWriteTags:
    def test_writes_what_players_show(self, audio: Path) -> None:
        write_tags(
            audio,
            EpisodeTags(
                title="Was Agenten lasen",
                artist="Ada Author",
                album="Daily AI Briefing",
                language="de-AT",
                year=2026,
                duration=2.0,
                cover=COVER,
                chapters=CHAPTERS,
            ),
        )

        tag = ID3(audio, translate=False)
        assert tag.version == (2, 3, 0)
        assert str(tag["TIT2"]) == "Was Agenten lasen"
        assert str(tag["TPE1"]) == "Ada Author"
        assert str(tag["TALB"]) == "Daily AI Briefing"
        assert str(tag["TLAN"]) == "deu"
        assert str(tag["TYER"]) == "2026"
        assert str(tag["TLEN"]) == "2000"
        assert tag["APIC:"].data == COVER.content
        assert tag["APIC:"].mime == "image/png"
        assert list(tag["CTOC:toc"].child_element_ids) == ["chp0", "chp1"]
        second = tag["CHAP:chp1"]
        assert (second.start_time, second.end_time) == (1_250, 2_000)
        assert str(second.sub_frames["TIT2"]) == "Größe & Maß"

    def test_stores_chapters_in_their_order_whatever_their_titles(self, audio: Path) -> None:
        titles = ["A title that is long", "Short", "Something between"]
        chapters = [TagChapter(title, index, index + 1) for index, title in enumerate(titles)]

        write_tags(audio, EpisodeTags(title="x", chapters=chapters, cover=COVER))

        content = audio.read_bytes()
        places = [content.index(title.encode("utf-16-le")) for title in titles]
        assert places == sorted(places)
        assert content.count(b"CHAP") == len(titles)

    def test_returns_the_bytes_before_the_sound(self, audio: Path) -> None:
        sound = audio.read_bytes()

        length = write_tags(audio, EpisodeTags(title="T", cover=COVER, chapters=CHAPTERS))

        content = audio.read_bytes()
        assert content[length:] == sound
        assert content[length : length + 2] == b"\xff\xf3"
        assert length == header_length(audio) > len(COVER.content)

    def test_replaces_an_earlier_tag(self, audio: Path) -> None:
        write_tags(audio, EpisodeTags(title="Old", artist="Old", chapters=CHAPTERS))
        write_tags(audio, EpisodeTags(title="New"))

        tag = ID3(audio)
        assert str(tag["TIT2"]) == "New"
        assert "TPE1" not in tag
        assert not tag.getall("CHAP")

    def test_leaves_the_sound_playable(self, audio: Path) -> None:
        write_tags(audio, EpisodeTags(title="T", cover=COVER))

        info = MP3(audio).info
        assert info.length == pytest.approx(2.0, abs=0.1)
        assert info.bitrate == 64_000
        assert info.channels == 1

    @pytest.mark.parametrize(
        "title", ["a\x00b", "a\r\n\tb", "a\u2028b", "a\ud800 b", " \x1b a \x7f b "]
    )
    def test_keeps_hostile_titles_on_one_line(self, audio: Path, title: str) -> None:
        write_tags(audio, EpisodeTags(title=title, chapters=[TagChapter(title, 0.0, 1.0)]))

        tag = ID3(audio)
        assert tag["TIT2"].text == ["a b"]
        assert tag["CHAP:chp0"].sub_frames["TIT2"].text == ["a b"]

    def test_leaves_out_a_language_without_a_code(self, audio: Path) -> None:
        write_tags(audio, EpisodeTags(title="T", language="tlh"))

        assert "TLAN" not in ID3(audio)

    def test_writes_as_many_chapters_as_id3_can_count(self, audio: Path) -> None:
        many = [TagChapter(f"Part {n}", n / 200, (n + 1) / 200) for n in range(CHAPTERS_MAX + 9)]

        write_tags(audio, EpisodeTags(title="T", chapters=many))

        assert len(ID3(audio).getall("CHAP")) == CHAPTERS_MAX


class TestHeaderLength:
    @pytest.mark.parametrize("content", [b"", b"ID3", b"\xff\xf3\x84\xc4" * 10])
    def test_is_nothing_without_a_tag(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "file"
        path.write_bytes(content)

        assert header_length(path) == 0
