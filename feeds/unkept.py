"""What one feed's reader has read and the store does not have: prices are held by it at once, in memory (promises A4, A5, F4).

A frame may wait for a store that is locked, which no backlog shows, or be refused by one that is full. So it is told with every beat of
the reader (:func:`markets.live.fences.beat`), which needs no store. What waits for too long holds the feed. What is lost holds its match
until the store has a gap of it, which only what is asked for anew closes. Only the reader's loop touches it; times are monotonic seconds.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from msgspec import Struct

from markets.live.fences import EVERY

LONGEST_WAIT = 1.0
"""With the half second between two beats, and what it takes to tell of them, within the two seconds of A4."""
SETTLES = 3.0
"""A4: for so long nothing may have waited that long before prices open by themselves."""
_WAITS = "what was read of the feed waits to be stored"


class _Lost(Struct, eq=False):
    """One loss, known by itself: a second of the same match is another."""

    words: str


class Unkept:
    """``waiting`` around each attempt to keep something; ``lost`` where it failed."""

    def __init__(self) -> None:
        self._since: dict[object, float] = {}
        self._settled_at = 0.0
        self._losses: dict[str, _Lost] = {}
        self._told: dict[str, _Lost] = {}

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While something that was read waits to be durable."""
        mine = object()
        self._since[mine] = time.monotonic()
        try:
            yield
        finally:
            del self._since[mine]

    def lost(self, ref: str, words: str) -> None:
        """What was read of this match is nowhere; ``ref`` is empty where it names none."""
        self._losses[ref] = _Lost(f"what came could not be stored: {words}")

    def gaps(self) -> dict[str, str]:
        """Match → why the store is to have a gap of it, in words."""
        self._told = dict(self._losses)
        return {ref: one.words for ref, one in self._told.items()}

    def opened(self, refs: Collection[str]) -> None:
        """The gaps last told of these are in the store; what was lost meanwhile is another."""
        for ref in refs:
            if ref in self._told and self._losses.get(ref) is self._told[ref]:
                del self._losses[ref]

    def held(self, now: float) -> dict[str, str]:
        """Match → why its prices are held now, in words."""
        if self._since and now - min(self._since.values()) >= LONGEST_WAIT:
            self._settled_at = now + SETTLES
        held = {ref: one.words for ref, one in self._losses.items()}
        return held | {EVERY: _WAITS} if now < self._settled_at else held
