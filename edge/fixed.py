"""An address that always says the same: a feed that moved, or ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge.answers import Answer


class FixedEntry:
    """One ready answer."""

    __slots__ = ("_answer", "address", "slot", "stamp", "used", "weight")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.address = ""
        self.slot = self.stamp = self.weight = 0
        self.used = True

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """The answer, without its body for HEAD."""
        return (
            self._answer._replace(body=[]) if environ["REQUEST_METHOD"] == "HEAD" else self._answer
        )

    def kept(self, is_current: Callable[[], bool]) -> None:
        """There is nothing that a web server could send by itself."""

    def measure(self) -> int:
        """There is nothing that could be had again."""
        return 0

    def shed(self) -> None:
        """There is nothing to give up."""
