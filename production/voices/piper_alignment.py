"""Exact word times of piper voices: makes a model tell its phoneme lengths, and joins them to words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: Numbers of the protocol buffer fields of ONNX that are needed here.
MODEL_GRAPH, GRAPH_NODE, GRAPH_OUTPUT, VALUE_NAME = 7, 1, 12, 1
NODE_OUTPUT, NODE_OPERATION = 2, 4

#: Kinds of fields: numbers, eight bytes, length-delimited, four bytes.
VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
#: Seven bits of a number are in each byte; the eighth tells that more follow.
LOW_BITS, MORE = 0x7F, 0x80

#: Weak forms differ by a sound or two from the word said alone; whole words do not.
WEAKENED = 2
STRESS_MARKS = "ˈˌ"
PAUSE_MARKS = ".,:;!?"


def with_length_output(model: bytes) -> bytes:
    """Make the lengths of a VITS model's phonemes an output of its graph, beside the audio.

    The lengths are what the graph's only Ceil node gives. Protocol buffers merge when they are
    concatenated, so the new output is simply appended; this saves the onnx package (60 MB). A
    model without exactly one such node, or one that has the output already, comes back as it is.
    """
    try:
        name, known = _length_tensor(memoryview(model))
    except (IndexError, ValueError):
        return model
    if not name or known:
        return model
    output = _field(GRAPH_OUTPUT, _field(VALUE_NAME, name))
    return model + _field(MODEL_GRAPH, output)


def _length_tensor(model: memoryview) -> tuple[bytes, bool]:
    """Find the name of the Ceil node's output, and whether the graph gives it out already."""
    found: list[bytes] = []
    outputs: set[bytes] = set()
    for number, graph in _fields(model):
        if number != MODEL_GRAPH:
            continue
        for kind, value in _fields(graph):
            if kind == GRAPH_NODE:
                parts = list(_fields(value))
                if (NODE_OPERATION, b"Ceil") in [(part, bytes(data)) for part, data in parts]:
                    found += [bytes(data) for part, data in parts if part == NODE_OUTPUT]
            elif kind == GRAPH_OUTPUT:
                outputs |= {bytes(data) for part, data in _fields(value) if part == VALUE_NAME}
    return (found[0], found[0] in outputs) if len(found) == 1 else (b"", False)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the number and content of each length-delimited field, skipping the others."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        kind = tag & 7
        if kind == VARINT:
            _, position = _number(message, position)
        elif kind in {FIXED64, FIXED32}:
            position += 8 if kind == FIXED64 else 4
        elif kind == DELIMITED:
            length, position = _number(message, position)
            yield tag >> 3, message[position : position + length]
            position += length
        else:
            raise ValueError("not a protocol buffer")


def _number(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & LOW_BITS) << shift
        shift += 7
        if byte < MORE:
            return value, position


def _field(number: int, content: bytes) -> bytes:
    length = len(content)
    encoded = bytearray()
    while length > LOW_BITS:
        encoded.append(length & LOW_BITS | MORE)
        length >>= 7
    return bytes([number << 3 | DELIMITED]) + bytes(encoded) + bytes([length]) + content


@dataclass(frozen=True, slots=True)
class TimedPhoneme:
    """One phoneme (or mark) of a rendered sentence with its place in samples."""

    phoneme: str
    start: int
    end: int


@dataclass(slots=True)
class _Group:
    """Phonemes between two spaces: a word, or several that espeak says in one breath."""

    phonemes: list[TimedPhoneme]

    @property
    def sound(self) -> str:
        return "".join(phoneme.phoneme for phoneme in self.phonemes)


def words_in(
    text: str, phonemes: Sequence[TimedPhoneme], say: Callable[[str], str]
) -> tuple[tuple[str, int, int], ...]:
    """Join the words of `text` with `phonemes`: (word, start, end) in samples, in order.

    `say` gives the phonemes of one word alone, groups separated by spaces. espeak may say a word
    as several groups ("1872") or several words as one group ("of the"). Whenever the two sides do
    not agree to the end, the answer is empty: times are exact or absent.
    """
    groups = _grouped(phonemes)
    words: list[tuple[str, int, int]] = []
    for word in text.split():
        expected = [_bare(part) for part in say(word).split() if _bare(part)]
        if not expected:
            continue
        taken = _take(groups, expected)
        if not taken:
            return ()
        words.append((word, taken[0].start, taken[-1].end))
    return () if groups else tuple(words)


def _take(groups: list[_Group], expected: list[str]) -> list[TimedPhoneme]:
    """Remove from the front of `groups` what `expected` sounds like; empty when it is not there."""
    if len(groups) < len(expected):
        return []
    taken: list[TimedPhoneme] = []
    for position, sound in enumerate(expected):
        group = groups[0]
        merged = len(group.sound) > len(sound) and group.sound.startswith(sound)
        last = position == len(expected) - 1
        if merged and last and len(group.sound) >= len(sound) + WEAKENED:
            taken += group.phonemes[: len(sound)]
            group.phonemes = group.phonemes[len(sound) :]
        elif abs(len(group.sound) - len(sound)) <= WEAKENED:
            taken += groups.pop(0).phonemes
        else:
            return []
    return taken


def _grouped(phonemes: Sequence[TimedPhoneme]) -> list[_Group]:
    groups = [_Group([])]
    for phoneme in phonemes:
        if phoneme.phoneme.isspace():
            groups.append(_Group([]))
        elif _bare(phoneme.phoneme):
            groups[-1].phonemes.append(phoneme)
    return [group for group in groups if group.phonemes]


def _bare(sound: str) -> str:
    return "".join(mark for mark in sound if mark not in STRESS_MARKS + PAUSE_MARKS + "^$_ ")
