"""Sets of listeners: exact up to 1,000 hashes, above a HyperLogLog sketch of 16,384 registers.

The sketch does not depend on the order of what is added, so a recount gives equal bytes; that is
why it is our own: the estimators of the kept libraries remember the order. Estimator: Ertl 2017,
"New cardinality estimation algorithms for HyperLogLog sketches", section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

EXACT_UP_TO = 1_000
_BITS = 14
REGISTERS = 1 << _BITS
_TAIL_BITS = 64 - _BITS
#: Relative standard error of one estimate above EXACT_UP_TO.
STANDARD_ERROR = 1.04 / math.sqrt(REGISTERS)

Hashes = NDArray[np.uint64]
Registers = NDArray[np.uint8]


class ListenerHashes:
    """A set of 64-bit hashes, which are uniform because they are keyed."""

    __slots__ = ("_exact", "_registers")

    def __init__(self, members: bytes = b"", *, is_sketch: bool = False) -> None:
        self._registers: Registers | None = None
        self._exact: Hashes = np.empty(0, np.uint64)
        if is_sketch:
            self._registers = np.frombuffer(members, np.uint8).copy()
        else:
            self._exact = np.frombuffer(members, "<u8").astype(np.uint64, copy=False)

    @property
    def is_sketch(self) -> bool:
        """True when the number is an estimate."""
        return self._registers is not None

    def add(self, hashes: Iterable[int]) -> None:
        """Add hashes; what is held already changes nothing."""
        new = np.fromiter(hashes, np.uint64)
        if self._registers is not None:
            _note(self._registers, new)
            return
        self._exact = np.union1d(self._exact, new)
        if len(self._exact) > EXACT_UP_TO:
            self._registers = np.zeros(REGISTERS, np.uint8)
            _note(self._registers, self._exact)
            self._exact = np.empty(0, np.uint64)

    def packed(self) -> bytes:
        """What the constructor takes back, with `is_sketch`."""
        if self._registers is not None:
            return self._registers.tobytes()
        return self._exact.astype("<u8").tobytes()

    def count(self) -> int:
        """How many there are."""
        if self._registers is not None:
            return round(_estimate(self._registers))
        return len(self._exact)


def union_count(sets: Iterable[ListenerHashes]) -> tuple[int, bool]:
    """How many distinct listeners all `sets` hold together, and whether that is exact.

    Lists alone give an exact number, however long they are together.
    """
    held = list(sets)
    lists = [one._exact for one in held if one._registers is None]  # noqa: SLF001 - own class
    exact = np.concatenate(lists) if lists else np.empty(0, np.uint64)
    sketches = [one._registers for one in held if one._registers is not None]  # noqa: SLF001
    if not sketches:
        return _distinct(exact), True
    registers = np.zeros(REGISTERS, np.uint8)
    for one in sketches:
        np.maximum(registers, one, out=registers)
    _note(registers, exact)
    return round(_estimate(registers)), False


def _distinct(hashes: Hashes) -> int:
    """How many different ones; each list came in order, which the stable sort makes use of."""
    if not len(hashes):
        return 0
    ordered = np.sort(hashes, kind="stable")
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def _note(registers: Registers, hashes: Hashes) -> None:
    if not len(hashes):
        return
    places = (hashes >> np.uint64(_TAIL_BITS)).astype(np.int64)
    tails = hashes & np.uint64((1 << _TAIL_BITS) - 1)
    # The position of the first one bit, counted from 1; a tail of zeros only counts them all. The
    # tails have 50 bits, so a float of 53 holds their logarithm's whole part exactly.
    _, exponents = np.frexp(tails.astype(np.float64))
    ranks = (_TAIL_BITS + 1 - exponents).astype(np.uint8)
    np.maximum.at(registers, places, ranks)


def _estimate(registers: Registers) -> float:
    counts = np.bincount(registers, minlength=_TAIL_BITS + 2)
    size = float(REGISTERS)
    sum_ = size * _tau(1.0 - counts[_TAIL_BITS + 1] / size)
    for rank in range(_TAIL_BITS, 0, -1):
        sum_ = 0.5 * (sum_ + float(counts[rank]))
    sum_ += size * _sigma(float(counts[0]) / size)
    if math.isinf(sum_):
        return 0.0
    return size * size / (2 * math.log(2)) / sum_


def _sigma(share: float) -> float:
    if share == 1.0:
        return math.inf
    weight, total = 1.0, share
    while True:
        share *= share
        before = total
        total += share * weight
        weight += weight
        if total == before:
            return total


def _tau(share: float) -> float:
    if share in {0.0, 1.0}:
        return 0.0
    weight, total = 1.0, 1.0 - share
    while True:
        share = math.sqrt(share)
        before = total
        weight *= 0.5
        total -= (1.0 - share) ** 2 * weight
        if total == before:
            return total / 3
