"""One match's ways in, without I/O: when the payload is due, what a frame is to us, how long prices live.

Push first, by the roads of :mod:`feeds.odds360.leg`; while a stream is not open, re-reads of the whole payload at the polling interval
stand in for it, and a better road is tried again after a while. The owner does what :meth:`MatchLink.due_at` and
:class:`feeds.odds360.leg.Leg` say, and tells what came of it. Times are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum

from feeds.errors import Absent, Gone, Refused, Retryable, Trouble, Unreadable
from feeds.outgoing import Line, Read, Report, Vital

from . import answers, mapping
from .leg import Envelope, Habits, Leg, Order, Road, envelope_of, number_of, worst_of
from .revisions import UNTOLD, Revision, revision_of
from .subjects import Kind, subject

STREAMS = (Kind.UPDATES, Kind.OVERRIDES)
_REFUSING_CODES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
_GONE_CODES = frozenset({4404})
_PATIENCE = 3
"""How often an answer that a frame has overtaken is asked for anew at once."""
_PAUSE = 1.0
"""Seconds before it is asked for again after that: sooner or later nothing comes for as long as an answer takes."""
_LONGEST_JUDGED = 256 << 10
"""Bytes of a frame that may renew the data of a match; the payload that is asked for anew (O2) does for longer ones."""


class Mode(StrEnum):
    """``upcoming``: before the match, prices are asked for now and then; no streams."""

    LIVE = "live"
    UPCOMING = "upcoming"


class Heard(Read, frozen=True):
    """``unplaced``: to be kept as a frame of which nobody knows when it was said (:func:`feeds.odds360.subjects.unplaced`)."""

    unplaced: bool = False


class MatchLink:
    """All that is known of the ways in of one match. ``roads``: those that the feed has, best first, polling last. ``status_at``: when a
    frame last told what becomes of the match."""

    def __init__(self, ref: str, habits: Habits, roads: tuple[Road, ...]) -> None:
        self.ref = ref
        self.mode = Mode.UPCOMING
        self.poll = habits.poll
        self.rereads = 0
        self.missing = ""
        self.status_at = float("-inf")
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
        self._unsure = False
        self._told = dict.fromkeys(STREAMS, UNTOLD)
        self._answer = UNTOLD
        self._low: tuple[Revision, float] | None = None
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
        said = envelope_of(body)
        beat = text and isinstance(said.type, str) and said.type in self._habits.heartbeat_types
        order = self.legs[kind].numbered(said, body, beat, now)
        match order:
            case Order.AGAIN:
                return Heard(False)
            case Order.WRONG:
                self._miss(words := f"a frame of the {kind} stream has a number that does not follow")
                return Heard(False, trouble=Retryable(words))
            case Order.MISSING:
                self._miss(f"frames of the {kind} stream are missing before number {number_of(said.seq)}")
        if beat and mapping.is_bare_beat(body):
            return Heard(False)
        unplaced = order is Order.UNNUMBERED or self._is_late(kind, revision_of(said))
        if unplaced:
            self._hole()  # the frame itself holds the match, in the transaction that applies it
        self._take(kind, said, body, unplaced, now)
        return Heard(True, unplaced=unplaced)

    def _take(self, kind: Kind, said: Envelope, body: bytes, unplaced: bool, now: float) -> None:
        """What a frame that is to be kept means for the payload and the data."""
        self._count(said)
        gone = said.type == "gone"
        over = answers.over_by(said.status_type, said.status, said.phase)
        self._finished = gone or (self._finished if over is None else over)
        if gone or over is not None:
            self.status_at = now
        self._wanted |= gone
        revision = revision_of(said)
        self._told[kind] = self._told[kind].highest(revision)
        if revision.told and not unplaced:
            self._low = None
        if kind is Kind.UPDATES:
            self._brought = not unplaced and self._renews(now) and self._brings_odds(body)

    def _count(self, said: Envelope) -> None:
        """A frame was read: what is asked for already may be older, and no number says so of one that only closes."""
        self._frames += 1
        self._unsure |= said.type not in ("update", "snapshot") or not revision_of(said).told

    def _is_late(self, kind: Kind, revision: Revision) -> bool:
        """Whether a frame is older than what its stream told before, on whichever connection, or than the payload (A6)."""
        return revision.behind(self._told[kind]) or revision.behind(self._answer)

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
        self._doubt()

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
        self._frames_asked, self._unsure = self._frames, False
        self.rereads += 1

    def overtaken(self, revision: Revision, now: float) -> bool:
        """Whether an answer proves nothing and is asked for anew: frames came while it was on its way and its numbers are not beyond all
        that was told, or they are behind it.

        A match of which frames come all the time gets its payload at the first moment in which none does for as long as an answer takes;
        meanwhile its frames say what holds.
        """
        known = self._known()
        if revision.behind(known) and not self._begun_anew(revision):
            self._trouble = Retryable(f"an answer is older than what was told: revision {revision.match} after {known.match}")
            return self._again(now + self.poll)
        if self._frames != self._frames_asked and (self._unsure or not revision.beyond(self._known())):
            self._overtaken += 1
            return self._again(now if self._overtaken < _PATIENCE else now + _PAUSE)
        self._overtaken, self._low = 0, None
        self._answer = self._answer.highest(revision)
        return False

    def _again(self, at: float) -> bool:
        self._asking, self._wanted, self._not_before = False, True, at
        return True

    def _known(self) -> Revision:
        known = self._answer
        for told in self._told.values():
            known = known.highest(told)
        return known

    def _begun_anew(self, revision: Revision) -> bool:
        """Whether the provider counts from the start again: for as long as data may live, whatever it answered was behind, and went on from
        the answer before, and no stream told of what was known. Nothing that was still behind could have counted for so long (O2)."""
        asked_at = self._asked_at or 0.0
        since = asked_at if self._low is None or revision.behind(self._low[0]) else self._low[1]
        self._low = (revision, since)
        if asked_at - since < self._habits.live_data:
            return False
        self._told, self._answer = dict.fromkeys(STREAMS, UNTOLD), UNTOLD
        return True

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
        self._doubt()

    def _doubt(self) -> None:
        """What is on its way was asked for before, and proves nothing."""
        self._wanted = self._must_keep = self._unsure = True
        self._frames += 1

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
