from __future__ import annotations

import json

import pytest

from production.chapters import normal_play_time, to_json_chapters, visible_chapters
from production.timeline import TimedChapter, Timeline


def a_timeline(*titles):
    chapters = tuple(
        TimedChapter(title, position * 10.0004, (position + 1) * 10.0004)
        for position, title in enumerate(titles)
    )
    return Timeline(100.0, "en", (), chapters)


class TestVisibleChapters:
    def test_are_the_titled_ones(self):
        titles = [one.title for one in visible_chapters(a_timeline("", "One", " ", "Two"))]

        assert titles == ["One", "Two"]

    @pytest.mark.parametrize("titles", [(), ("",), ("Only",), ("", "Only")])
    def test_are_none_when_fewer_than_two_have_titles(self, titles):
        assert visible_chapters(a_timeline(*titles)) == ()


class TestToJsonChapters:
    def test_lists_starts_and_titles(self):
        document = json.loads(to_json_chapters(a_timeline("Öne", '<Two> & "three"')))

        assert document == {
            "version": "1.2.0",
            "chapters": [
                {"startTime": 0.0, "title": "Öne"},
                {"startTime": 10.0, "title": '<Two> & "three"'},
            ],
        }

    def test_is_the_same_bytes_each_time(self):
        assert to_json_chapters(a_timeline("A", "B")) == to_json_chapters(a_timeline("A", "B"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00.000"),
        (59.9996, "00:01:00.000"),
        (3723.45, "01:02:03.450"),
        (360000, "100:00:00.000"),
        (-1, "00:00:00.000"),
    ],
)
def test_normal_play_time_has_milliseconds(seconds, text):
    assert normal_play_time(seconds) == text
