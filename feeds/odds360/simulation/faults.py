"""What can go wrong between the provider and a reader, as dials."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from random import Random

from msgspec import Struct

from feeds.playing.faults import drawn


class Fault(StrEnum):
    """Of one REST answer: TOO_MANY (429 with Retry-After), ERROR (500), SLOW, CUT (half a body, then the connection ends), HTML (a page
    with status 200), TRUNCATED (JSON that stops in the middle), CHANGED (another shape), TWICE (a list names its first match twice),
    VANISHED (a match is in no list for a while).

    Of one change on a stream: GAP (it comes to nobody), REPEATED (it comes twice), BROKEN (a frame that is no JSON comes before it), OTHER
    (it comes in a shape that nobody knows), DROPPED (all its connections end), SILENT (sockets stay open and answer pings, but nothing is
    said any more), HALF_OPEN (the other end is gone without a word: it neither reads nor writes).
    """

    TOO_MANY = "too_many"
    ERROR = "error"
    SLOW = "slow"
    CUT = "cut"
    HTML = "html"
    TRUNCATED = "truncated"
    CHANGED = "changed"
    TWICE = "twice"
    VANISHED = "vanished"
    GAP = "gap"
    REPEATED = "repeated"
    BROKEN = "broken"
    OTHER = "other"
    DROPPED = "dropped"
    SILENT = "silent"
    HALF_OPEN = "half_open"


OF_STREAMS = (Fault.GAP, Fault.REPEATED, Fault.BROKEN, Fault.OTHER, Fault.DROPPED, Fault.SILENT, Fault.HALF_OPEN)
OF_ANSWERS = tuple(fault for fault in Fault if fault not in OF_STREAMS)


class Faults(Struct, frozen=True):
    """Chances 0–1, by the name of the fault: for each answer, or for each change of a stream."""

    too_many: float = 0.0
    error: float = 0.0
    slow: float = 0.0
    cut: float = 0.0
    html: float = 0.0
    truncated: float = 0.0
    changed: float = 0.0
    twice: float = 0.0
    vanished: float = 0.0
    gap: float = 0.0
    repeated: float = 0.0
    broken: float = 0.0
    other: float = 0.0
    dropped: float = 0.0
    silent: float = 0.0
    half_open: float = 0.0

    def draw(self, random: Random, among: Iterable[Fault]) -> Fault | None:
        """At most one."""
        return drawn(random, self, among)


class Orders:
    """Faults that somebody wants of the next answers: each once, of a path that begins as told."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Fault]] = deque()

    def add(self, fault: Fault, path: str = "/", times: int = 1) -> None:
        self._waiting.extend([(path, fault)] * times)

    def take(self, path: str) -> Fault | None:
        found = next((order for order in self._waiting if path.startswith(order[0])), None)
        if found is None:
            return None
        self._waiting.remove(found)
        return found[1]
