"""The reader's side of the fences: counts what it announces and remembers what of it is not durable yet."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4

from msgspec import Struct

from .fencewords import NOTHING_HELD, Beat, Kept, Match, Said, Word


class Announced(Struct, frozen=True):
    """A packet as its first bytes show it. ``seq`` ``None``: no number that can be read. ``urgent``: PointStarted or Alarm (T2).

    ``read_at``: this process's aware UTC time when its last byte was read.
    """

    source_id: int
    ref: str
    seq: int | None
    urgent: bool
    read_at: datetime


class _Waiting(Struct):
    """One announcement that is not durable yet; ``failed``: its frame could not be kept."""

    number: int
    seq: int | None
    failed: bool = False


class Announcer:
    """Turns packets into words and hands them to ``send``, which must return at once. From any thread."""

    def __init__(self, send: Callable[[Word], None]) -> None:
        self._send = send
        self._reader = uuid4().hex[:12]
        self._lock = threading.Lock()
        self._counts: dict[int, int] = defaultdict(int)
        self._waiting: dict[Match, list[_Waiting]] = {}

    def announce(self, packet: Announced) -> None:
        """Sent under the lock, so that words leave in the order of their numbers."""
        with self._lock:
            self._counts[packet.source_id] += 1
            number = self._counts[packet.source_id]
            self._waiting.setdefault((packet.source_id, packet.ref), []).append(_Waiting(number, packet.seq))
            said = Said(packet.source_id, packet.ref, packet.seq, packet.urgent, packet.read_at, self._reader, number)
            self._send(said)

    def kept(self, source_id: int, ref: str, seq: int | None) -> None:
        """The oldest such announcement is durable, and with it every earlier one of the match whose keeping had failed: the stream has
        been resumed since, from the last packet that was kept."""
        with self._lock:
            waiting = self._waiting.get((source_id, ref), [])
            mine = next((w for w in waiting if w.seq == seq and not w.failed), None)
            if mine is None:
                return
            left = [w for w in waiting if w is not mine and not (w.failed and w.number < mine.number)]
            self._remember((source_id, ref), left)
            up_to = left[0].number - 1 if left else self._counts[source_id]
            self._send(Kept(source_id, ref, self._reader, up_to))

    def failed(self, source_id: int, ref: str, seq: int | None) -> None:
        """The oldest such announcement could not be kept: it fences until a later packet of its match is kept."""
        with self._lock:
            mine = next((w for w in self._waiting.get((source_id, ref), ()) if w.seq == seq and not w.failed), None)
            if mine is not None:
                mine.failed = True

    def beat(self, source_id: int, held: Mapping[str, str] = NOTHING_HELD) -> None:
        with self._lock:
            unkept = tuple(ref for (source, ref), waiting in self._waiting.items() if source == source_id and waiting)
            self._send(Beat(source_id, self._reader, self._counts[source_id], unkept, held))

    def _remember(self, match: Match, waiting: list[_Waiting]) -> None:
        if waiting:
            self._waiting[match] = waiting
        else:
            self._waiting.pop(match, None)
