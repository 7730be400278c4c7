"""The contract's timestamps: words and segments with their speakers, in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from episodes.models import Episode
from production.timeline import TimedSentence, TimedWord, Timeline
from studio.models import Host


def timestamps_object(
    episode: Episode, timeline: Timeline, *, hosts: Sequence[Host], granularity: str
) -> dict[str, object]:
    """Words, or segments (one speaker's utterance) with nested words.

    `speaker` is an index into `speakers`. Where a voice does not tell the times of its words, each
    sentence's time is shared out by length, and `word_times` says so.
    """
    names = list(dict.fromkeys(sentence.speaker for sentence in timeline.sentences))
    by_name = {host.name: host.public_id for host in hosts}
    exact = all(sentence.words for sentence in timeline.sentences)
    shown: dict[str, object] = {
        "episode_id": str(episode.uuid),
        "granularity": granularity,
        "speakers": [{"host_id": by_name.get(name), "name": name} for name in names],
        "word_times": "exact" if exact else "estimated",
    }
    if granularity == "segment":
        shown["segments"] = [_segment(turn, names) for turn in _turns(timeline)]
    else:
        shown["words"] = [
            _word(word, names.index(sentence.speaker))
            for sentence in timeline.sentences
            for word in words_of(sentence)
        ]
    return shown


def words_of(sentence: TimedSentence) -> tuple[TimedWord, ...]:
    """The sentence's words with the times that are known, else with their share by length."""
    if sentence.words:
        return sentence.words
    words = sentence.text.split()
    total = sum(map(len, words)) or 1
    length = sentence.end - sentence.start
    timed: list[TimedWord] = []
    start = sentence.start
    for word in words:
        end = min(sentence.end, start + length * len(word) / total)
        timed.append(TimedWord(word, start, end))
        start = end
    return tuple(timed)


def _turns(timeline: Timeline) -> Iterator[list[TimedSentence]]:
    for _key, turn in groupby(timeline.sentences, key=lambda one: (one.chapter, one.segment)):
        yield list(turn)


def _segment(turn: Sequence[TimedSentence], names: Sequence[str]) -> dict[str, object]:
    speaker = names.index(turn[0].speaker)
    return {
        "text": " ".join(sentence.text for sentence in turn),
        "speaker": speaker,
        "start": round(turn[0].start, 3),
        "end": round(turn[-1].end, 3),
        "words": [_word(word, speaker) for sentence in turn for word in words_of(sentence)],
    }


def _word(word: TimedWord, speaker: int) -> dict[str, object]:
    return {
        "word": word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "speaker": speaker,
    }
