"""One match's ways in, without I/O: which road each stream takes, when the payload is due, what a frame is to us, how long prices live.

Three roads, best first: WebSocket, event stream, polling (000 "Subscribe to live updates"; decision O2). Push first; while a stream is not
open, re-reads of the whole payload at the polling interval stand in for it, and a better road is tried again after a while. The owner does
what :meth:`MatchLink.due_at` and :class:`Leg` say, and tells what came of it. Times are monotonic seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum, StrEnum, auto
from typing import Any

import msgspec
from msgspec import Struct

from feeds.errors import Absent, Gone, Hopeless, Refused, Retryable, Trouble, Unreadable
from feeds.outgoing import Line, Read, Report, Vital

from . import mapping, wire
from .subjects import Kind, subject

STREAMS = (Kind.UPDATES, Kind.OVERRIDES)
_REFUSING_CODES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
_GONE_CODES = frozenset({4404})
_PATIENCE = 3
"""How often an answer that a frame has overtaken is asked for anew before it counts."""
_FARTHEST = 1_000_000
"""Frames that may be missing at once; a number further ahead is none of this stream."""
_REMEMBERED = 16
"""Frames of a connection that are known again when they come twice."""
_LONGEST_JUDGED = 256 << 10
"""Bytes of a frame that may renew the data of a match; the payload that is asked for anew (O2) does for longer ones."""
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


class Mode(StrEnum):
    """``upcoming``: before the match, prices are asked for now and then; no streams."""

    LIVE = "live"
    UPCOMING = "upcoming"


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


class _Envelope(Struct):
    """What a frame may say of itself; the vendor shows none of it, what we serve has all of it."""

    type: Any = None
    seq: Any = None
    prevSeq: Any = None
    revision: Any = None


_envelope = msgspec.json.Decoder(_Envelope)
_NOBODY = _Envelope()


class Order(Enum):
    """How a frame's number follows those before it on its connection. ``MISSING``: others came before it. ``UNNUMBERED``: it has none on a
    stream that counts, so that nobody can say whether any are missing. ``AGAIN``: the very frame came before. ``WRONG``: it is behind
    them, too far ahead, or cannot be read, so that nobody can say what it follows (A6)."""

    NEXT = auto()
    MISSING = auto()
    UNNUMBERED = auto()
    AGAIN = auto()
    WRONG = auto()


class Heard(Read, frozen=True):
    """``unplaced``: to be kept as a frame of which nobody knows when it was said (:func:`feeds.odds360.subjects.unplaced`)."""

    unplaced: bool = False


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

    def numbered(self, said: _Envelope, body: bytes, beat: bool, now: float) -> Order:
        """Take a frame's numbers. The position moves only forwards, and never further than a stream can have gone."""
        self.heard_at = now
        self._beaten |= beat
        seq, last = _number(said.seq), self._seq
        if seq is None:
            return Order.NEXT if last is None else self._without_number(said, beat)
        if last is not None and not last < seq <= last + _FARTHEST:
            return self._behind(seq == last, body, beat)
        self._seq = seq
        self._recent.append(hash(body))
        before = _number(said.prevSeq)
        if last is None or said.type == "snapshot":
            return Order.NEXT
        follows = before == last if before is not None else seq == last + 1
        return Order.NEXT if follows else Order.MISSING

    def _without_number(self, said: _Envelope, beat: bool) -> Order:
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


class MatchLink:
    """All that is known of the ways in of one match. ``roads``: those that the feed has, best first, polling last."""

    def __init__(self, ref: str, habits: Habits, roads: tuple[Road, ...]) -> None:
        self.ref = ref
        self.mode = Mode.UPCOMING
        self.poll = habits.poll
        self.rereads = 0
        self.missing = ""
        self.legs = {kind: Leg(habits, roads) for kind in STREAMS}
        self._habits = habits
        self._asked_at: float | None = None
        self._asking = False
        self._wanted = True
        self._not_before = 0.0
        self._good_at: float | None = None
        self._data_at: float | None = None
        self._content: bytes | None = None
        self._must_keep = True
        self._frames = self._frames_asked = self._overtaken = 0
        self._revision: int | None = None
        self._holes = 0
        self._trouble: Trouble | None = None
        self._over = False
        self._finished = False
        self._brought = False

    # What happens to the streams

    def live(self, now: float) -> None:
        """The match is played: streams from now on, and the payload at once."""
        if self.mode is not Mode.LIVE:
            self.mode = Mode.LIVE
            self._wanted = True
            for leg in self.legs.values():
                leg.closed_at = now

    def opened(self, kind: Kind, road: Road, now: float) -> None:
        """Whatever was said before the connection stood is in the payload only."""
        self.legs[kind].opened(road, now)
        self._wanted = True

    def lost(self, kind: Kind, trouble: Trouble, now: float) -> Trouble:
        """A stream ended; the trouble as it is to be treated. The net takes over at once."""
        trouble = _as_said(trouble)
        self.legs[kind].lost(trouble, now)
        self._wanted = True
        return trouble

    def received(self, kind: Kind, body: bytes, now: float, *, text: bool = True) -> Heard:
        """Judge one frame. Never raises for content; what is no beat is kept, whatever it is, unless it came before or its number is wrong:
        then the stream is begun anew, and the payload says what holds."""
        said = _read(body)
        beat = text and isinstance(said.type, str) and said.type in self._habits.heartbeat_types
        order = self.legs[kind].numbered(said, body, beat, now)
        match order:
            case Order.AGAIN:
                return Heard(False)
            case Order.WRONG:
                self._miss(words := f"a frame of the {kind} stream has a number that does not follow")
                return Heard(False, trouble=Retryable(words))
            case Order.MISSING:
                self._miss(f"frames of the {kind} stream are missing before number {_number(said.seq)}")
            case Order.UNNUMBERED:
                self._hole()  # the frame itself holds the match, in the transaction that applies it
        if not beat:
            self._take(kind, said, body, order, now)
        return Heard(not beat, unplaced=order is Order.UNNUMBERED)

    def _take(self, kind: Kind, said: _Envelope, body: bytes, order: Order, now: float) -> None:
        """What a frame that is to be kept means for the payload and the data."""
        self._frames += 1
        self._finished = said.type == "gone"
        self._wanted |= self._finished
        if (revision := _number(said.revision)) is not None:
            self._revision = max(self._revision or 0, revision)
        if kind is Kind.UPDATES:
            self._brought = order is not Order.UNNUMBERED and self._renews(now) and self._brings_odds(body)

    def kept(self, kind: Kind, now: float) -> None:
        """A frame of a stream is durable: the payload says something new to the store even where it says what it said before."""
        self._content = None
        if kind is Kind.UPDATES and self._brought:
            self._data_at = now

    def _renews(self, now: float) -> bool:
        """Whether data now would be worth reading: their life is told in parts of it."""
        return self._data_at is None or now >= self._data_at + self._habits.live_data / 6

    def _brings_odds(self, body: bytes) -> bool:
        """Whether a frame of the updates says odds that can be read: nothing else is data (O2)."""
        if len(body) > _LONGEST_JUDGED:
            return False
        try:
            return mapping.brings_odds(mapping.parse(body, subject(Kind.UPDATES, self.ref)))
        except Unreadable:
            return False

    def gap_opened(self) -> None:
        """The store waits for a newer message of every market: the next good payload is kept, whatever it says (A5)."""
        self.missing = ""
        self._must_keep = self._wanted = True

    # What happens to the payload

    def due_at(self, now: float) -> float:
        """When the whole payload is to be asked for; never while it is."""
        if self._asking or self._over:
            return float("inf")
        if self._wanted or self._asked_at is None:
            return max(now, self._not_before)
        return max(self._asked_at + self._interval(), self._not_before)

    def asked(self, now: float) -> None:
        self._asking, self._wanted, self._asked_at = True, False, now
        self._frames_asked = self._frames
        self.rereads += 1

    def overtaken(self, revision: int | None) -> bool:
        """Whether a frame came while the answer was on its way, so that nobody can say which is newer: then ask anew.

        A ``revision`` in it that is not below any frame's says it.
        """
        if self._frames == self._frames_asked:
            self._overtaken = 0
            return False
        if revision is not None and self._revision is not None and revision >= self._revision:
            return False
        self._asking, self._wanted = False, True
        self._overtaken = (self._overtaken + 1) % _PATIENCE
        return bool(self._overtaken)

    def news(self, content: bytes) -> bool:
        """Whether an answer of this content is to be kept."""
        return self._must_keep or content != self._content

    def answered(self, content: bytes, *, over: bool = False) -> None:
        """A good payload came, and is kept where it is news; ``over``: the match is, by it."""
        self._asking, self._trouble, self._finished = False, None, over
        self._content, self._must_keep = content, False
        self._good_at = self._data_at = self._asked_at

    def unreadable(self, content: bytes) -> None:
        """An answer that holds no payload is kept once; call :meth:`missed` too. The next good one is news."""
        self._content = content

    def missed(self, trouble: Trouble, wait: float, now: float) -> None:
        """No good payload came; not again for ``wait``."""
        self._asking, self._wanted = False, True
        self._not_before = now + wait
        self._trouble = trouble

    def ended(self) -> None:
        """Nothing more is expected."""
        self._over = True

    # What follows

    @property
    def gone(self) -> bool:
        """The provider knows no such match (404)."""
        return isinstance(self._trouble, Gone | Absent)

    @property
    def finished(self) -> bool:
        """By the provider's last word on it, nothing is played any more, though lists may still have it."""
        return self._finished or self.gone

    def fallen_to(self) -> Road | None:
        """The worst road that a stream has to take while the match is played; ``None`` where all have the best one."""
        if self.mode is not Mode.LIVE or self.finished:
            return None
        return worst_of(filter(None, (leg.fallen_to for leg in self.legs.values())))

    def vital(self, now: float) -> Vital:
        """What the gate needs (O2): the way in whose life ends first."""
        if self._over:
            return Vital(None, 0.0, self._data_at, "", self.rereads)
        heard_at, lease = (None, 0.0) if self.gone else self._shortest(now)
        return Vital(heard_at, lease, self._data_at, self._roads(), self.rereads)

    def lost_at(self, now: float) -> float | None:
        """Since when nothing has come for at least one stream; ``None`` while all is well."""
        if self.mode is Mode.UPCOMING:
            lapses = [(self._good_at or now) + self._habits.upcoming_lease]
        else:
            lapses = [self._lapse(leg) for leg in self.legs.values() if leg.open_on is None]
        return min((at for at in lapses if at <= now), default=None)

    def report(self, now: float) -> Report:
        state, words = self._state(now)
        reconnects = sum(max(0, leg.connections - 1) for leg in self.legs.values())
        return Report(state, words, None, self._holes, reconnects)

    def _miss(self, words: str) -> None:
        self.missing = words
        self._hole()

    def _hole(self) -> None:
        """The payload is asked for at once, and kept whatever it says."""
        self._holes += 1
        self._wanted = self._must_keep = True

    def _interval(self) -> float:
        if self.mode is Mode.UPCOMING:
            return self._habits.upcoming_reread
        return min(self._habits.live_reread, *(self._net(leg) for leg in self.legs.values()))

    def _net(self, leg: Leg) -> float:
        """Seconds from one re-read to the next that this stream asks for: an event stream is alive by its bytes or by them (O2)."""
        if leg.open_on is None:
            return self.poll
        if leg.open_on is Road.EVENTS and self._asked_at is not None:
            return max(self.poll, leg.heard_at + self.poll - self._asked_at)
        return self._habits.live_reread

    def _shortest(self, now: float) -> tuple[float | None, float]:
        if self.mode is Mode.UPCOMING:
            return self._good_at, self._habits.upcoming_lease
        lives = [self._life(leg) for leg in self.legs.values()]
        return min(lives, key=lambda life: life[0] + life[1] if life[0] is not None else 0.0)

    def _life(self, leg: Leg) -> tuple[float | None, float]:
        """When this stream was heard, by whichever way counts for it, and how long that counts."""
        if leg.open_on is Road.WEBSOCKET:
            return leg.heard_at, self._habits.push_lease
        if leg.open_on is Road.EVENTS:
            return max(leg.heard_at, self._good_at or 0.0), self._habits.push_lease
        return self._good_at, 2 * self.poll

    def _lapse(self, leg: Leg) -> float:
        """When a stream that is not open was heard no more: as it closed, or two intervals after the last payload since."""
        good = self._good_at
        return good + 2 * self.poll if good is not None and good >= leg.closed_at else leg.closed_at

    def _roads(self) -> str:
        if self.mode is Mode.UPCOMING:
            return "pre-match"
        ways = [str(leg.open_on or Road.POLL) for leg in self.legs.values()]
        return ways[0] if ways[0] == ways[1] else "+".join(ways)

    def _state(self, now: float) -> tuple[Line, str]:
        if self._over:
            return Line.ENDED, ""
        if self.gone and self._trouble is not None:
            return Line.WAITING, f"the provider has no such match: {self._trouble.words}"
        if self._holding(now):
            return Line.LIVE, self._remark()
        if self._trouble is None:
            return Line.CONNECTING if self._good_at is None else Line.LOST, self._losses()
        return (Line.LOST if isinstance(self._trouble, Retryable) else Line.REFUSED), self._trouble.words

    def _holding(self, now: float) -> bool:
        heard_at, lease = self._shortest(now)
        counts = self._habits.live_data if self.mode is Mode.LIVE else self._habits.upcoming_lease
        return heard_at is not None and now <= heard_at + lease and self._data_at is not None and now <= self._data_at + counts

    def _remark(self) -> str:
        if self._trouble is not None:
            return f"re-read: {self._trouble.words}"
        return self._losses() if self.mode is Mode.LIVE else ""

    def _losses(self) -> str:
        told: dict[str, list[str]] = {}
        for kind, leg in self.legs.items():
            if leg.last_loss:
                told.setdefault(f"{'again' if leg.open_on else 'by polling'} after: {leg.last_loss}", []).append(kind)
        return "; ".join(f"{' and '.join(kinds)} {words}" for words, kinds in told.items())


def _as_said(trouble: Trouble) -> Trouble:
    """A close whose code says that we are not let in, or that there is no such match."""
    code = getattr(trouble, "code", None)
    if code in _REFUSING_CODES:
        return Refused(f"the provider refuses the token: {trouble.words}")
    return Absent(trouble.words) if code in _GONE_CODES else trouble


def _read(body: bytes) -> _Envelope:
    """What the quick reader refuses is read as the store will (:mod:`feeds.odds360.wire`), so that no number escapes by its spelling."""
    try:
        return _envelope.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _read_slowly(body)


def _read_slowly(body: bytes) -> _Envelope:
    try:
        said = wire.document(body)
    except Unreadable:
        return _NOBODY
    if not isinstance(said, dict):
        return _NOBODY
    return _Envelope(said.get("type"), said.get("seq"), said.get("prevSeq"), said.get("revision"))


def _number(said: object) -> int | None:
    """A count, also sent as text; ``None`` for anything else."""
    if isinstance(said, str) and len(said) <= _NUMBER_LENGTH and said.isascii() and said.isdecimal():
        said = int(said)
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**63 else None
