"""Reads stored or sent JSON into typed values, and refuses what has another shape by its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class JsonReader:
    """Every method gives the value or raises `refusal`, whose field is the place: `chapters[0].title`.

    `place` is where the mapping stands, empty for the top.
    """

    refusal: type[Invalid]

    def mapping(self, data: object, place: str) -> Mapping[str, object]:
        """`data` itself, if it is an object."""
        if not isinstance(data, Mapping):
            raise self._refused(place, "is not an object")
        return data

    def items(
        self, data: Mapping[str, object], name: str, place: str, *, required: bool = True
    ) -> Sequence[object]:
        """The list called `name`; empty where it is missing and not `required`."""
        value = data.get(name, None if required else [])
        if not isinstance(value, list | tuple):
            raise self._refused(_within(place, name), "is not a list")
        return value

    def text(self, data: Mapping[str, object], name: str, place: str) -> str:
        """The text called `name`."""
        value = data.get(name)
        if not isinstance(value, str):
            raise self._refused(_within(place, name), "is not text")
        return value

    def seconds(self, data: Mapping[str, object], name: str, place: str) -> float:
        """The number called `name`."""
        value = data.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refused(_within(place, name), "is not a number")
        try:
            return float(value)
        except OverflowError:
            raise self._refused(_within(place, name), "is too large") from None

    def count(self, data: Mapping[str, object], name: str, place: str) -> int:
        """The whole number from 0 called `name`."""
        value = data.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._refused(_within(place, name), "is not a whole number")
        return value

    def _refused(self, where: str, fault: str) -> Invalid:
        return self.refusal(f"{where} {fault}.", field=where)


def _within(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
