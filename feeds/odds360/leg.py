"""One stream of a match, without I/O: the road it is on, and the numbers of its frames. Times are monotonic seconds.

Three roads, best first: WebSocket, event stream, polling (000 "Subscribe to live updates"; decision O2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum, StrEnum, auto
from typing import Any

import msgspec
from msgspec import Struct

from feeds.errors import Absent, Gone, Hopeless, Refused, Trouble, Unreadable

from . import wire

_FARTHEST = 1_000_000
"""Frames that may be missing at once; a number further ahead is none of this stream."""
_REMEMBERED = 16
"""Frames of a connection that are known again when they come twice."""
_NUMBER_LENGTH = 19


class Road(StrEnum):
    WEBSOCKET = "ws"
    EVENTS = "sse"
    POLL = "poll"


PUSHING = (Road.WEBSOCKET, Road.EVENTS)
_BEST_FIRST = tuple(Road)


def worst_of(roads: Iterable[Road]) -> Road | None:
    """``None`` of none."""
    return max(roads, key=_BEST_FIRST.index, default=None)


class Habits(Struct, frozen=True, forbid_unknown_fields=True):
    """What rules the ways in, each a setting of the feed, in seconds.

    ``ping``: between two pings of ours; ``push_lease``: how long anything heard on a stream counts, and of a stream that has sent beats
    how long its silence may last; ``events_silence``: an event stream without a byte for so long is made anew. ``poll``: between re-reads
    while a stream is not open; they count for two of them. ``live_reread``, ``upcoming_reread``: between re-reads otherwise;
    ``upcoming_lease``: how long one counts before the match. ``live_data``: how long data of a live match counts (O2).

    ``tries``: failures of a road before the next is taken; ``proven``: a connection that lasted so long was no failure.
    ``better_after`` … ``better_longest``: until a better road is tried again. ``refused_wait``, ``absent_wait``: where it was refused, or
    is not there. ``heartbeat_types``: frames of these types say nothing and are not kept.
    """

    ping: float = 3.0
    push_lease: float = 10.0
    events_silence: float = 45.0
    poll: float = 5.0
    live_reread: float = 20.0
    live_data: float = 60.0
    upcoming_reread: float = 120.0
    upcoming_lease: float = 300.0
    tries: int = 2
    proven: float = 5.0
    better_after: float = 30.0
    better_longest: float = 600.0
    refused_wait: float = 60.0
    absent_wait: float = 60.0
    heartbeat_types: tuple[str, ...] = ("beat", "heartbeat", "keepalive", "ping", "pong")


class Envelope(Struct):
    """What a frame may say of itself; the vendor shows none of it, what we serve has all of it."""

    type: Any = None
    seq: Any = None
    prevSeq: Any = None
    revision: Any = None
    bookmakerRevision: Any = None
    status_type: Any = None
    status: Any = None
    phase: Any = None


_envelope = msgspec.json.Decoder(Envelope)
_NOBODY = Envelope()


class Order(Enum):
    """How a frame's number follows those before it on its connection. ``MISSING``: others came before it. ``UNNUMBERED``: it has none on a
    stream that counts, so that nobody can say whether any are missing. ``AGAIN``: the very frame came before. ``WRONG``: it is behind
    them, too far ahead, or cannot be read, so that nobody can say what it follows (A6)."""

    NEXT = auto()
    MISSING = auto()
    UNNUMBERED = auto()
    AGAIN = auto()
    WRONG = auto()


class Leg:
    """One stream of a match: the road it is on, and whether it is open."""

    def __init__(self, habits: Habits, roads: tuple[Road, ...]) -> None:
        self.open_on: Road | None = None
        self.heard_at = 0.0
        self.closed_at = 0.0
        self.last_loss = ""
        self.connections = 0
        self._habits = habits
        self._roads = roads
        self._place = 0
        self._failures = 0
        self._opened_at = 0.0
        self._beaten = False
        self._seq: int | None = None
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)
        self._better_at: float | None = None
        self._better_wait = habits.better_after

    @property
    def road(self) -> Road:
        """Where to connect next, or that nothing but polling is left for now."""
        return self._roads[self._place]

    @property
    def fallen_to(self) -> Road | None:
        """The road that it has to take instead of the best one; ``None`` on that."""
        return self.road if self._place else None

    @property
    def better_at(self) -> float | None:
        """When to try the roads of :meth:`better` again; ``None`` on the best."""
        return self._better_at if self._place else None

    def better(self) -> tuple[Road, ...]:
        """The roads that are better than the present one, best first."""
        return self._roads[: self._place]

    def opened(self, road: Road, now: float) -> None:
        """A connection stands, on the road that was due or on a better one."""
        place = self._roads.index(road)
        if place != self._place:
            self._place, self._failures, self._better_at = place, 0, now + self._better_wait
        self.open_on, self._opened_at, self.heard_at = road, now, now
        self.connections += 1
        self._beaten, self._seq = False, None
        self._recent.clear()

    def alive(self, now: float) -> None:
        """Bytes, a ping, or the answer to one; where beats are sent, only frames count (A3: open but silent is down)."""
        if not self._beaten or self.open_on is Road.EVENTS:
            self.heard_at = now

    def silent_at(self) -> float:
        """When the connection counts as dead unless something is heard."""
        if self.open_on is Road.EVENTS and not self._beaten:
            return self.heard_at + self._habits.events_silence
        return self.heard_at + self._habits.push_lease

    def numbered(self, said: Envelope, body: bytes, beat: bool, now: float) -> Order:
        """Take a frame's numbers. The position moves only forwards, and never further than a stream can have gone."""
        self.heard_at = now
        self._beaten |= beat
        seq, last = number_of(said.seq), self._seq
        if seq is None:
            return Order.NEXT if last is None else self._withoutnumber_of(said, beat)
        if last is not None and not last < seq <= last + _FARTHEST:
            return self._behind(seq == last, body, beat)
        self._seq = seq
        self._recent.append(hash(body))
        before = number_of(said.prevSeq)
        if last is None or said.type == "snapshot":
            return Order.NEXT
        follows = before == last if before is not None else seq == last + 1
        return Order.NEXT if follows else Order.MISSING

    def _withoutnumber_of(self, said: Envelope, beat: bool) -> Order:
        """On a stream that counts; what says nothing needs no place in it."""
        if said.seq is not None:
            return Order.WRONG
        return Order.NEXT if beat else Order.UNNUMBERED

    def _behind(self, same: bool, body: bytes, beat: bool) -> Order:
        if beat and same:
            return Order.NEXT  # a beat is not counted: it has the number of the frame before it
        return Order.AGAIN if hash(body) in self._recent else Order.WRONG

    def lost(self, trouble: Trouble, now: float) -> None:
        """The connection ended."""
        lasted = now - self._opened_at >= self._habits.proven
        if lasted and not self._place:
            self._better_wait = self._habits.better_after
        self._failures = 0 if lasted else self._failures
        self.open_on, self.closed_at = None, now
        self.failed(trouble, now, counts=not lasted)

    def failed(self, trouble: Trouble, now: float, *, counts: bool = True) -> None:
        """It could not be made, or ended early."""
        self.last_loss = trouble.words
        match trouble:
            case Refused():
                self._fall(self._place + 1, now, self._habits.refused_wait)
            case Absent() | Gone():
                self._fall(self._place + 1, now, self._habits.absent_wait)
            case Hopeless():
                self._fall(self._place + 1, now)
            case _:
                self._failures += counts
                if self._failures >= self._habits.tries:
                    self._fall(self._place + 1, now)

    def not_better(self, trouble: Trouble, now: float) -> None:
        """The better roads were tried and failed: not again for twice as long."""
        self._lengthen()
        self._better_at = now + self._better_wait
        if self.open_on is None:
            self.last_loss = trouble.words

    def _fall(self, place: int, now: float, wait: float | None = None) -> None:
        if place < len(self._roads):
            self._place, self._failures = place, 0
            self._better_at = now + (self._better_wait if wait is None else wait)
            self._lengthen()

    def _lengthen(self) -> None:
        self._better_wait = min(self._better_wait * 2, self._habits.better_longest)


def envelope_of(body: bytes) -> Envelope:
    """What the quick reader refuses is read as the store will (:mod:`feeds.odds360.wire`), so that no number escapes by its spelling."""
    try:
        return _envelope.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _read_slowly(body)


def _read_slowly(body: bytes) -> Envelope:
    try:
        said = wire.document(body)
    except Unreadable:
        return _NOBODY
    if not isinstance(said, dict):
        return _NOBODY
    return Envelope(*(said.get(name) for name in Envelope.__struct_fields__))


def number_of(said: object) -> int | None:
    """A count, also sent as text; ``None`` for anything else."""
    if isinstance(said, str) and len(said) <= _NUMBER_LENGTH and said.isascii() and said.isdecimal():
        said = int(said)
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**63 else None
