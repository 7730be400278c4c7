"""What a web process keeps in memory of published artefacts, bounded in number and in bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from edge.answers import Answer

MOST_ENTRIES = 20_000
#: For the most wanted: feeds' bytes are in files too, which the system keeps in memory for all
#: processes together, and reading one costs a tenth of a request.
MOST_BYTES = 8_000_000


class Entry(Protocol):
    """One address's artefact, as it was when `stamp` was its show's (core/changes.py).

    `address` and `weight` belong to the shelf: where it stands, and what `measure` last said.
    """

    address: str
    slot: int
    stamp: int
    used: bool
    weight: int

    def kept(self, is_current: Callable[[], bool]) -> None:
        """Called once the entry is kept; `is_current` tells whether it is still the present one."""
        ...

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """The answer to a GET or HEAD."""
        ...

    def measure(self) -> int:
        """Bytes of memory that `shed` would free."""
        ...

    def shed(self) -> None:
        """Give up what can be had or made again."""
        ...


class Shelf:
    """Entries by address. Reading takes no lock; what was not used for a round makes room first."""

    def __init__(self, *, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self.weight = 0
        #: A lookup is one call of the dictionary itself.
        self.get = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, address: str, entry: Entry) -> None:
        """Keep `entry` in place of an older one, unless it brings more than there is room for."""
        with self._lock:
            self._take(address)
            entry.address, entry.weight = address, entry.measure()
            self._place(address, entry)
            if not self._make_room():
                self._take(address)

    def weigh(self, entry: Entry) -> bool:
        """Take in that an entry's weight changed; False when there is no room for what it took.

        There is no more to it when the entry is not on the shelf (any more).
        """
        with self._lock:
            if self._entries.get(entry.address) is not entry:
                return True
            self.weight -= entry.weight
            entry.weight = entry.measure()
            self.weight += entry.weight
            return self._make_room()

    def drop(self, address: str) -> None:
        """Forget the entry of an address."""
        with self._lock:
            self._take(address)

    def _take(self, address: str) -> Entry | None:
        entry = self._entries.pop(address, None)
        if entry is not None:
            self.weight -= entry.weight
        return entry

    def _place(self, address: str, entry: Entry) -> None:
        self._entries[address] = entry
        self.weight += entry.weight

    def _make_room(self) -> bool:
        """Second chance: the oldest gives up, unless it was used since its turn last came."""
        # Twice round at most: the first round takes the chances away, the second the entries.
        for _ in range(2 * len(self._entries)):
            if len(self._entries) <= self._most_entries:
                break
            self._take_turn(too_many=True)
        if self.weight > self._most_bytes:
            # One look for each who needs room. With more of them, where more is in use than there is
            # room for, all push each other out again and again, and the heap falls to pieces.
            self._take_turn(too_many=False)
        return self.weight <= self._most_bytes

    def _take_turn(self, *, too_many: bool) -> None:
        address = next(iter(self._entries), "")
        entry = self._take(address)
        if entry is None:
            return
        if entry.used:
            entry.used = False
        elif too_many:
            return
        else:
            entry.shed()
            entry.weight = entry.measure()
            if entry.weight:
                # What it cannot give up (feeds, while the disk is full) goes with it.
                return
        self._place(address, entry)
