"""Folding one message into what a feed has told us of a fixture (decisions U1–U6, U9, U10, U13, T2).

Pure: the same state, message and stamp give the same answer, whatever the database or the clock. Every entity (fixture details,
each market, each result, coverage, each match state) is compared by its own mark, see ``markets.domain.order``; packets of a point feed
are compared by their number, see ``markets.domain.sports.tennis``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from .following import OVERRIDES, by_place, changed, completed, following, overridden, speaks_of_all, suspended, unlisted, with_line
from .messages import (
    Coverage,
    Doubt,
    FixtureDetails,
    Market,
    MarketResult,
    MarketSet,
    MatchState,
    Message,
    Part,
    ResultSet,
    Selection,
    UnknownPart,
    Upstream,
    UpstreamSet,
)
from .offering import grants_in_play, offered
from .order import AHEAD, Stamp, Standing, marked, set_by, standing
from .sports.tennis import Entry, Packet, Place, Tennis, behind, closed_words, place, reduce, unplaced
from .state import COVERAGE, DETAILS, MESSAGES, POINTS, FixtureState, Mark, Result, market_mark, match_state_mark, result_mark
from .values import Extent, FixtureStatus, MarketStatus, SelectionStatus

__all__ = ["Folded", "Hole", "Stamp", "fold"]


class Hole(Struct, frozen=True):
    """Orders of a stream, first to last, that came after nobody has seen (U3)."""

    stream: str
    first: int
    last: int


class Folded(Struct, frozen=True):
    """The state after the message, and what the message did; the refs are those of markets.

    ``applied_parts`` and ``late_parts`` count entities; nothing applied and something late means superseded.
    ``touched``: markets whose value changed. ``closed``, ``opened``: markets in which the feed offers fewer, more selections than before.
    ``resulted``: markets with a new or corrected result. ``unknown``: elements that hold the fixture (U6). ``doubts``: why nothing told
    before can be relied on, in words (A5).
    ``hole``: orders jumped over; ``fills``: an order that came late; ``continues``: the very next order of its stream.
    ``entries``: new lines of the match's timeline. ``undone``: its score went back, so that what was settled on the last point is wrong.
    ``point_closed``: the message took the match out of "in progress, between points": why, in words (see ``closed_words``), else empty.
    ``point_opened``: it brought the match there, which opens nothing by itself (A2).
    """

    state: FixtureState
    applied_parts: int
    late_parts: int
    notes: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    line_moved: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    resulted: tuple[str, ...] = ()
    deleted: bool = False
    unknown: tuple[str, ...] = ()
    hole: Hole | None = None
    fills: int | None = None
    continues: bool = False
    entries: tuple[Entry, ...] = ()
    undone: bool = False
    point_closed: str = ""
    point_opened: bool = False
    doubts: tuple[str, ...] = ()


_AHEAD_NOTE = (f"its time is over {AHEAD.total_seconds():.0f} s ahead of ours: not compared",)


def fold(state: FixtureState, message: Message, stamp: Stamp) -> Folded:
    """``state`` with ``message`` applied entity by entity; unchanged markets keep their identity.

    A message that changes nothing and leaves no newer mark gives back ``state`` itself.
    """
    folding = _Folding(state, message, stamp)
    for part in message.parts:
        folding.take(part)
    return folding.done()


class _Folding:
    """One message on its way into a state; the dicts are copied once, the values are never changed."""

    def __init__(self, state: FixtureState, message: Message, stamp: Stamp) -> None:
        self.before = state
        self.stamp = stamp
        self.details = state.details
        self.coverage = state.coverage
        self.started = state.started
        self.tennis = state.tennis
        self.markets = dict(state.markets)
        self.results = dict(state.results)
        self.match_states = dict(state.match_states)
        self.marks = dict(state.marks)
        self.notes = [*message.notes, *(_AHEAD_NOTE if stamp.ahead else ())]
        self.applied = 0
        self.late: list[str] = []
        self.touched: dict[str, None] = {}
        self.line_moved: dict[str, None] = {}
        self.resulted: dict[str, None] = {}
        self.unknown: list[str] = []
        self.doubts: list[str] = []
        self.entries: list[Entry] = []
        self.undone = False
        self._compared: dict[int, tuple[Mark, Standing, Mark]] = {}
        self._fresh: Mark | None = None
        self._partly: dict[int, tuple[Mark, Mark]] = {}

    def take(self, part: Part) -> None:
        match part:
            case MarketSet():
                self._market_set(part)
            case UpstreamSet():
                self._upstream(part)
            case ResultSet():
                for result in part.results:
                    self._result(result)
            case FixtureDetails():
                self._details(part)
            case Coverage():
                self._coverage(part)
            case MatchState():
                self._match_state(part)
            case Packet():
                self._packet(part)
            case UnknownPart():
                self._unknown(part)
            case Doubt():
                self._doubt(part)
            case _:
                assert_never(part)

    def _market_set(self, part: MarketSet) -> None:
        named = {market.ref for market in part.markets}
        match part.extent:
            case Extent.MARKETS | Extent.CHANGES:
                self._each(part)
            case Extent.WHOLE:
                self._each(part)
                self._left_out([ref for ref in self.markets if ref not in named])
            case Extent.GONE:
                self._left_out([ref for ref in self.markets if ref in named])
            case Extent.NONE:
                self._suspend_all()
            case _:
                assert_never(part.extent)

    def _each(self, part: MarketSet) -> None:
        for market in part.markets:
            self._market(market, part.extent)

    def _suspend_all(self) -> None:
        self.applied += 1
        for ref, market in list(self.markets.items()):
            self._set_market(ref, market, suspended(market))

    def _market(self, market: Market, extent: Extent) -> None:
        ref = market.ref
        how = self._compare(market_mark(ref), f"market {ref}")
        if how is Standing.LATE:
            return
        current = self.markets.get(ref)
        if how is Standing.NEWER and extent is Extent.CHANGES and not speaks_of_all(current, market):
            self._mark_partly(ref)
        after = self._newer_market(current, market, extent) if how is Standing.NEWER or current is None else _closed_by(current, market)
        self._count(how, after is not current, f"market {ref}")
        self._set_market(ref, current, after)

    def _newer_market(self, current: Market | None, market: Market, extent: Extent) -> Market:
        market = self._without_repeats(market)
        if current is not None:
            market = changed(current, market) if extent is Extent.CHANGES else _with_absent(current, with_line(current, market))
        after = following(market, self.details, self._overrides())
        if current is None:
            return after
        if current.line != after.line:
            self.line_moved[after.ref] = None
        return current if after == current else after

    def _left_out(self, refs: Iterable[str]) -> None:
        """No longer listed. What was told of a market since is not taken back by an older silence."""
        for ref in refs:
            if self._compare(market_mark(ref), f"market {ref}") is Standing.NEWER:
                current = self.markets[ref]
                self._set_market(ref, current, unlisted(current))

    def _set_market(self, ref: str, current: Market | None, after: Market) -> None:
        if after is not current:
            self.markets[ref] = after
            self.touched[ref] = None

    def _mark_partly(self, ref: str) -> None:
        """Of what the message leaves out nobody knows whether it is still so: only what came before proves it (A2, A5)."""
        before, after = self.before.marks.get(market_mark(ref)), self.marks[market_mark(ref)]
        if before is None:
            return
        if id(after) not in self._partly:
            whole = replace(after, whole_at=before.proven_at, fresh_kept=before.fresh_kept, fresh_sent=before.fresh_sent)
            self._partly[id(after)] = (after, whole)
        self.marks[market_mark(ref)] = self._partly[id(after)][1]

    def _upstream(self, part: UpstreamSet) -> None:
        how = self._compare(match_state_mark(OVERRIDES), "overrides")
        if how is not Standing.NEWER:
            return
        current = self.match_states.get(OVERRIDES)
        after = overridden(current, part)
        self._count(how, after != current, "overrides")
        if after != current:
            self.match_states[OVERRIDES] = after

    def _overrides(self) -> Mapping[str, Upstream]:
        state = self.match_states.get(OVERRIDES)
        return by_place(state.overrides) if state and state.overrides else {}

    def _without_repeats(self, market: Market) -> Market:
        """A selection named twice in one market has no one price: it is kept without any (A8)."""
        by_id = {s.id: s for s in market.selections}
        if len(by_id) == len(market.selections):
            return market
        counts = [s.id for s in market.selections]
        repeated = {i for i in by_id if counts.count(i) > 1}
        self.notes.append(f"market {market.ref}: named twice: selection {', '.join(sorted(repeated))}")
        kept = (replace(s, price=None, price_problem="named twice in one message") if s.id in repeated else s for s in by_id.values())
        return replace(market, selections=tuple(kept))

    def _result(self, result: MarketResult) -> None:
        ref = result.ref
        how = self._compare(result_mark(ref), f"result {ref}")
        if how is Standing.LATE:
            return
        current = self.results.get(ref)
        after = _newer_result(current, result) if how is Standing.NEWER else _resulted_by(current, result)
        self._count(how, after is not current, f"result {ref}")
        if after is not current and after is not None:
            self.results[ref] = after
            self.resulted[ref] = None

    def _details(self, details: FixtureDetails) -> None:
        how = self._compare(DETAILS, "fixture")
        if how is Standing.LATE:
            return
        current = self.details
        details = completed(current, details)
        after = details if how is Standing.NEWER or current is None else _ended_by(current, details)
        self._count(how, self._start(details.is_off) or after != current, "fixture")
        if after != current:
            self.details = after

    def _coverage(self, coverage: Coverage) -> None:
        how = self._compare(COVERAGE, "coverage")
        if how is Standing.LATE:
            return
        withdraws = grants_in_play(self.coverage) and not grants_in_play(coverage)
        after = coverage if how is Standing.NEWER or withdraws else self.coverage
        self._count(how, after != self.coverage, "coverage")
        if after != self.coverage:
            self.coverage = after

    def _match_state(self, match_state: MatchState) -> None:
        element = match_state.element
        how = self._compare(match_state_mark(element), element)
        if how is Standing.LATE:
            return
        current = self.match_states.get(element)
        after = match_state if how is Standing.NEWER or current is None else _refused_by(current, match_state)
        self._count(how, self._start(match_state.in_play or match_state.ended) or after != current, element)
        if after != current:
            self.match_states[element] = after

    def _packet(self, packet: Packet) -> None:
        known = self.tennis
        self._numbers_went_back(packet)
        packet = unplaced(known, packet)
        where = place(self.tennis, packet)
        if where is Place.LATE or (where is Place.BEYOND and not packet.jumped):
            self.late.append(f"packet {packet.seq}")
            if where is Place.BEYOND:
                self.notes.append(f"packet {packet.seq} lies beyond a gap of its stream: not applied")
            return
        reduced = reduce(self.tennis, packet, self.stamp.kept_at)
        self.tennis = reduced.match
        self._start(reduced.match.started)
        self.applied += 1
        self.entries += reduced.entries
        self.notes += reduced.notes
        self.undone = self.undone or reduced.undone
        self.marks.setdefault(POINTS, Mark(self.stamp.kept_at))

    def _numbers_went_back(self, packet: Packet) -> None:
        found = behind(self.tennis, place(self.tennis, packet), packet, self.stamp.kept_at)
        if found is not None:
            self.tennis = found.match
            self.entries += found.entries
            self.notes += found.notes

    def _unknown(self, part: UnknownPart) -> None:
        self.applied += 1
        self.unknown.append(part.element)
        self.notes.append(f"{part.element} is not known: the fixture is held")

    def _doubt(self, part: Doubt) -> None:
        self.applied += 1
        if part.words not in self.doubts:
            self.doubts.append(part.words)
            self.notes.append(f"{part.words}: the fixture is held")

    def _follow(self) -> None:
        """Markets that are in play as their match is; and what the provider's people have overridden in them."""
        same = self.details is self.before.details and self.match_states.get(OVERRIDES) is self.before.match_states.get(OVERRIDES)
        if same:
            return
        overrides = self._overrides()
        for ref, market in list(self.markets.items()):
            self._set_market(ref, market, following(market, self.details, overrides))

    def _start(self, begun: bool | None) -> bool:
        """Started is never taken back (U13); true when this is news."""
        news = bool(begun) and not self.started
        self.started = self.started or news
        return news

    def _compare(self, entity: str, words: str) -> Standing:
        """Standing by the mark before the message, so that an entity named twice in it is set twice."""
        how, mark = self._standing(self.before.marks.get(entity))
        self.marks[entity] = mark
        if how is Standing.LATE:
            self.late.append(words)
        return how

    def _standing(self, mark: Mark | None) -> tuple[Standing, Mark]:
        """Entities set by the same message share their mark, so it is compared once for all of them."""
        if mark is None:
            self._fresh = self._fresh or set_by(self.stamp)
            return Standing.NEWER, self._fresh
        if found := self._compared.get(id(mark)):
            return found[1], found[2]
        how = standing(mark, self.stamp)
        after = marked(mark, self.stamp, how)
        self._compared[id(mark)] = (mark, how, after)
        return how, after

    def _count(self, how: Standing, changed: bool, words: str) -> None:
        if how is Standing.NEWER or changed:
            self.applied += 1
        else:
            self.late.append(words)

    def done(self) -> Folded:
        self._follow()
        closed, opened = self._offering()
        hole, fills, continues = self._continuity()
        was_open, is_open = _between_points(self.before.tennis), _between_points(self.tennis)
        return Folded(
            state=self._state(),
            applied_parts=self.applied,
            late_parts=len(self.late),
            notes=(*self.notes, *_late_note(self.late)),
            touched=tuple(self.touched),
            line_moved=tuple(self.line_moved),
            closed=closed,
            opened=opened,
            resulted=tuple(self.resulted),
            deleted=_deleted(self.details) and not _deleted(self.before.details),
            unknown=tuple(self.unknown),
            doubts=tuple(self.doubts),
            hole=hole,
            fills=fills,
            continues=continues,
            entries=tuple(self.entries),
            undone=self.undone,
            point_closed=closed_words(self.tennis) if was_open and not is_open else "",
            point_opened=is_open and not was_open,
        )

    def _offering(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        shifts = [(ref, offered(self.before.markets.get(ref)), offered(self.markets[ref])) for ref in self.touched]
        return tuple(r for r, was, now in shifts if was - now), tuple(r for r, was, now in shifts if now - was)

    def _continuity(self) -> tuple[Hole | None, int | None, bool]:
        """The fixture's own mark keeps the highest order of each stream, whatever the entities (U3)."""
        order, stream = self.stamp.order, self.stamp.stream
        if order is None:
            return None, None, False
        mark = self.before.marks.get(MESSAGES)
        highest = mark.orders.get(stream) if mark else None
        if highest is not None and order <= highest:
            return None, order if order < highest else None, False
        self.marks[MESSAGES] = Mark(self.stamp.kept_at, None, {**(mark.orders if mark else {}), stream: order})
        if highest is None or order == highest + 1:
            return None, None, highest is not None
        return Hole(stream, highest + 1, order - 1), None, False

    def _state(self) -> FixtureState:
        after = FixtureState(
            details=self.details,
            markets=self.markets,
            results=self.results,
            coverage=self.coverage,
            match_states=self.match_states,
            marks=self.marks,
            started=self.started,
            tennis=self.tennis,
        )
        return self.before if after == self.before else after


def _with_absent(current: Market, market: Market) -> Market:
    """A selection that a newer message leaves out is kept, not listed (U4)."""
    named = {s.id for s in market.selections}
    absent = tuple(s if not s.listed else replace(s, listed=False) for s in current.selections if s.id not in named)
    return replace(market, selections=market.selections + absent) if absent else market


def _closed_by(current: Market, older: Market) -> Market:
    """``current`` with what an older message closes in it; prices and openings of the older one are left out (U2)."""
    sent = {s.id: s for s in older.selections}
    selections = tuple(_suspended_by(s, sent.get(s.id)) for s in current.selections)
    closes = current.status is MarketStatus.OPEN and older.status is not MarketStatus.OPEN
    if not closes and all(a is b for a, b in zip(selections, current.selections, strict=True)):
        return current
    status, text = (older.status, older.status_text) if closes else (current.status, current.status_text)
    return replace(current, status=status, status_text=text, selections=selections)


def _suspended_by(current: Selection, older: Selection | None) -> Selection:
    trading = SelectionStatus.TRADING
    if older is None or current.status is not trading or older.status is trading:
        return current
    return replace(current, status=older.status, status_text=older.status_text)


def _newer_result(current: Result | None, result: MarketResult) -> Result:
    """A later result replaces and counts as a correction; the same one again does not (U10)."""
    if current is None:
        return Result(result)
    return current if _in_one_order(current.result) == _in_one_order(result) else Result(result, current.revision + 1)


def _in_one_order(result: MarketResult) -> MarketResult:
    """The order in which a result names its selections means nothing."""
    return replace(result, selections=tuple(sorted(result.selections, key=lambda s: s.selection_id)))


def _resulted_by(current: Result | None, older: MarketResult) -> Result | None:
    """An older message may result what has none now, never change or withdraw a result (U2)."""
    if older.withdrawn or (current is not None and not current.result.withdrawn):
        return current
    return _newer_result(current, older)


def _ended_by(current: FixtureDetails, older: FixtureDetails) -> FixtureDetails:
    scheduled = FixtureStatus.SCHEDULED
    if current.status is not scheduled or older.status is scheduled:
        return current
    return replace(current, status=older.status, status_text=older.status_text)


def _refused_by(current: MatchState, older: MatchState) -> MatchState:
    return replace(current, bet_accept_ok=False) if older.bet_accept_ok is False else current


def _between_points(match: Tennis | None) -> bool:
    return match is not None and match.between_points


def _deleted(details: FixtureDetails | None) -> bool:
    return details is not None and details.status is FixtureStatus.DELETED


def _late_note(late: Iterable[str]) -> tuple[str, ...]:
    words = list(dict.fromkeys(late))
    if not words:
        return ()
    shown = ", ".join(words[:5]) + (f" and {len(words) - 5} more" if len(words) > 5 else "")
    return (f"older than applied, left as it is: {shown}",)
