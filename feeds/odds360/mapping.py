"""What SportMicro and Odds360 send, as the desk's messages (000; feeds.md 3.2; decisions O1–O3, O6, U12). Pure.

Nothing here opens a price by guess: a status, a kind of frame or a shape that is not known holds the match until a whole payload comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from feeds.errors import Unreadable
from markets.domain.following import SUSPENSION
from markets.domain.messages import (
    Competition,
    Competitor,
    Doubt,
    FixtureDetails,
    Market,
    MarketResult,
    MarketSet,
    MatchState,
    Message,
    Part,
    Ref,
    ResultSet,
    Selection,
    SelectionResult,
    Upstream,
    UpstreamChange,
    UpstreamSet,
)
from markets.domain.sports.catalogue import SPORT_BY_REF
from markets.domain.sports.groups import kebab
from markets.domain.values import Extent, FixtureStatus, MarketStatus, ResultStatus, SelectionStatus

from . import wire
from .subjects import Kind, Subject, parted
from .wire import Notes, Object, Odds, Row, Standing, content_digest, same_content

__all__ = ["Hint", "content_digest", "hint", "parse", "same_content"]

SCORE = "MatchSummary"
"""The match state that shows the score of a row."""
_LONGEST_GROUP, _LONGEST_MARKET, _LONGEST_TYPE, _LONGEST_SELECTION = 40, 100, 64, 64
_LONGEST_KEY = 120
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

_UPCOMING, _LIVE = (FixtureStatus.SCHEDULED, False), (FixtureStatus.SCHEDULED, True)
_BREAK, _DELAY = (FixtureStatus.INTERRUPTED, True), (FixtureStatus.INTERRUPTED, False)
_PUT_OFF, _OFF = (FixtureStatus.POSTPONED, False), (FixtureStatus.CANCELLED, False)
_OVER = (FixtureStatus.FINISHED, False)
_STATUSES = {
    "live": _LIVE, "inprogress": _LIVE, "inplay": _LIVE, "playing": _LIVE, "started": _LIVE, "running": _LIVE,
    "upcoming": _UPCOMING, "notstarted": _UPCOMING, "scheduled": _UPCOMING, "prematch": _UPCOMING, "notstartedyet": _UPCOMING,
    "interrupted": _BREAK, "suspended": _BREAK, "paused": _BREAK, "delayed": _DELAY,
    "postponed": _PUT_OFF, "cancelled": _OFF, "canceled": _OFF, "abandoned": _OFF, "deleted": _OFF,
    "finished": _OVER, "ended": _OVER, "closed": _OVER, "complete": _OVER, "completed": _OVER, "over": _OVER, "walkover": _OVER,
    "retired": _OVER, "defaulted": _OVER, "awarded": _OVER,
}  # fmt: skip
"""Words of a status without blanks, hyphens and capitals → what the match is, and whether it is under way."""
_BY_SAFETY = (
    FixtureStatus.FINISHED,
    FixtureStatus.CANCELLED,
    FixtureStatus.POSTPONED,
    FixtureStatus.UNRECOGNISED,
    FixtureStatus.INTERRUPTED,
    FixtureStatus.SCHEDULED,
)
_RESULTS = {status.value.lower(): status for status in ResultStatus if status not in (ResultStatus.NONE, ResultStatus.UNRECOGNISED)}
_ALIVE = frozenset({"beat", "heartbeat", "ping", "pong", "keepalive"})


class Hint(Struct, frozen=True):
    """For routing: the frame's stream says which match it is about."""

    guid: str = ""
    fixture_ref: str = ""
    seq: int | None = None
    urgent: bool = False


def hint(_head: bytes, stream: str) -> Hint:
    """Never raises."""
    try:
        return Hint(fixture_ref=parted(stream).ref)
    except ValueError:
        return Hint()


def parse(body: bytes, stream: str) -> Message:
    """One frame, kept with ``stream`` (:mod:`feeds.odds360.subjects`).

    Raises :class:`feeds.errors.Unreadable`, naming the match, so that only this one is held (B7).
    """
    try:
        subject = parted(stream)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    try:
        return _Reading(subject).message(wire.document(body))
    except Unreadable as error:
        raise Unreadable(error.reason, error.line, "", (subject.ref,) if subject.ref else ()) from error


def brings_odds(message: Message) -> bool:
    """Whether it says of some selection what it costs, or that it is closed, and all of it could be placed."""
    if any(isinstance(part, Doubt) for part in message.parts):
        return False
    markets = (market for part in message.parts if isinstance(part, MarketSet) for market in part.markets)
    told = (one for market in markets if market.status is not MarketStatus.UNRECOGNISED for one in market.selections)
    return any(not one.price_problem and one.status is not SelectionStatus.UNRECOGNISED for one in told)


class _Reading:
    """One frame on its way to a message."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.notes = Notes()

    def message(self, said: Any) -> Message:
        if not self.subject.ref:
            raise Unreadable("it names no match that could be read")
        parts = tuple(self._unplaced()) + tuple(self._parts(said))
        return Message("", self.subject.ref, parts, notes=tuple(self.notes.words))

    def _unplaced(self) -> Iterator[Part]:
        """Nobody knows what it is newer than: whatever it opens waits for the whole payload."""
        if self.subject.unplaced:
            yield Doubt(f"a frame of the {self.subject.kind} stream has no number, though those before it have")

    def _parts(self, said: Any) -> Iterator[Part]:
        match self.subject.kind:
            case Kind.MATCH:
                yield from self._row(*self._found(said))
            case Kind.ODDS:
                yield from self._payload(*self._found(said))
            case Kind.UPDATES | Kind.OVERRIDES:
                yield from self._frame(said)
            case Kind.VERIFY:
                yield from self._verified(said)

    # Answers

    def _found(self, said: Any) -> tuple[Object, Object | None]:
        """The object about our match, and what it is listed under."""
        rows = list(wire.rows_in(said))
        others = [wire.other_match(found, self.subject.ref) for found, _ in rows]
        able = [found for found, other in zip(rows, others, strict=True) if not other]
        own = [found for found in able if wire.refs_of(found[0])]
        if len(own) == 1:
            return own[0]
        if own:
            raise Unreadable("it names the match twice")
        if len(rows) == 1 and able:
            return able[0]
        other = next(filter(None, others), "")
        raise Unreadable(f"it is about another match: {other}" if other else "it holds no match")

    def _row(self, said: Object, above: Object | None) -> Iterator[Part]:
        """A row may be a page old when it comes: odds in it are not newer than those of the match's own payload and streams."""
        row = wire.row_of(said, above)
        if not row.describes:
            raise Unreadable("it says nothing of the match that is known")
        if said.get("odds") is not None:
            self.notes.add("the odds of a list's row are not applied")
        yield self._details(row)
        if row.score != (None, None):
            yield _score(row)

    def _payload(self, said: Object, above: Object | None) -> Iterator[Part]:
        """All that there is of the match: whatever it leaves out is no longer listed (O2)."""
        yield from self._described(wire.row_of(said, above))
        yield from self._odds(said, Extent.WHOLE)
        yield from self._overrides(said, whole=True)

    def _described(self, row: Row) -> Iterator[Part]:
        if row.describes or row.sport:
            yield self._details(row)

    def _verified(self, said: Any) -> Iterator[Part]:
        """The provider's own check of a payload: what it doubts is held, what it confirms opens nothing."""
        if not isinstance(said, dict):
            raise Unreadable("the check is no JSON object")
        self._agree(said)
        problems = said.get("problems")
        if said.get("verified") is not True or problems:
            words = "; ".join(wire.text_of(one, 60) for one in problems[:3]) if isinstance(problems, list) else ""
            yield Doubt("the provider's own check fails" + (f": {words}" if words else ""))
        self.notes.add("the provider's own check")

    # Frames of the streams

    def _frame(self, said: Any) -> Iterator[Part]:
        if isinstance(said, list):
            yield from self._entries(said)
            return
        self._agree(said, by_id=said.get("type") is not None or not wire.is_override(said))
        if said.get("seq") is wire.TWICE:
            raise Unreadable("it has two numbers")
        kind = wire.text_of(said.get("type"), 40).lower()
        match kind:
            case "snapshot":
                yield from self._told(said, Extent.WHOLE)
            case "update":
                yield from self._told(said, Extent.CHANGES)
            case "suspend":
                yield from self._suspended(said)
            case "gone":
                self.notes.add("the provider has the match no more")
                yield MarketSet((), Extent.WHOLE)
            case _ if kind in _ALIVE:
                self.notes.add("a heartbeat")
            case _ if said.get("type") is None:
                yield from self._untyped(said)
            case _:
                yield Doubt(f"a frame of the kind “{kind or 'unreadable'}” is not known")

    def _agree(self, said: Object, *, by_id: bool = True) -> None:
        if other := wire.other_match(said, self.subject.ref, by_id=by_id):
            raise Unreadable(f"it is about another match: {other}")

    def _agreed(self, entries: list[Any]) -> None:
        """The ``id`` of an entry is its own."""
        for one in entries:
            if isinstance(one, dict):
                self._agree(one, by_id=False)

    def _told(self, said: Object, extent: Extent) -> Iterator[Part]:
        """A frame of a kind that we know, of either stream. What it says of the match counts as in a payload."""
        yield from self._match_status(said)
        if self.subject.kind is Kind.UPDATES or said.get("odds") is not None:
            yield from self._odds(said, extent)
        if self.subject.kind is Kind.OVERRIDES and said.get("override") is None and said.get("overrides") is None:
            raise Unreadable("a frame of the overrides without any")
        yield from self._overrides(said, whole=extent is Extent.WHOLE or self.subject.kind is Kind.UPDATES)

    def _suspended(self, said: Object) -> Iterator[Part]:
        """Whatever it names is closed; without names, all of the match."""
        yield from self._match_status(said)
        odds = said.get("odds")
        found = wire.odds_of(odds, said.get("markets")) if isinstance(odds, dict) and odds else None
        if found is None or found.unreadable or not found.markets:
            yield MarketSet((), Extent.NONE)
        else:
            yield from self._market_parts(replace(found, markets=tuple(map(_closed, found.markets))), Extent.CHANGES)
            yield from self._beside(found, said.get("markets"))

    def _untyped(self, said: Object) -> Iterator[Part]:
        """Shapes that a provider may well have (feeds.md 3.2 UNKNOWN), told apart by what they hold."""
        if wire.is_override(said):
            yield from self._entries([said])
        elif said.get("odds") is not None:
            yield from self._match_status(said)
            yield from self._odds(said, Extent.WHOLE if wire.refs_of(said) else Extent.CHANGES)
            yield from self._overrides(said, whole=False)
        elif said.get("override") is not None or said.get("overrides") is not None:
            yield from self._match_status(said)
            yield from self._overrides(said, whole=False)
        elif self.subject.kind is Kind.UPDATES and _is_open_map(said):
            yield from self._odds({"odds": said}, Extent.CHANGES)
        elif any(isinstance(value, dict | list) for value in said.values()):
            yield Doubt("a frame of a shape that is not known")
        else:
            yield from self._bare(said)

    def _bare(self, said: Object) -> Iterator[Part]:
        """A frame without odds. A word that is no status of a match may be one of the connection: it closes what is open now, no more."""
        row = wire.row_of(said)
        strange = [word for word in row.statuses if word not in _STATUSES and not wire.opens(word)]
        if row.told and all(word in _STATUSES for word in row.statuses):
            yield self._details(row)
        if strange or wire.standing_beside(said) not in (Standing.UNSAID, Standing.OPEN):
            yield MarketSet((), Extent.NONE)
        elif not row.told:
            self.notes.add("it says nothing of odds")

    def _match_status(self, said: Object) -> Iterator[Part]:
        """What a frame says of the match itself, where it gives its status."""
        if (row := wire.row_of(said)).told:
            yield self._details(row)

    def _entries(self, said: list[Any]) -> Iterator[Part]:
        """A bare list: overrides, or on the stream of updates selections with their new prices."""
        if self.subject.kind is Kind.OVERRIDES:
            yield from self._overrides({"override": said}, whole=False)
            return
        self._agreed(said)
        odds: dict[str, Object] = {}
        for one in said:
            found = wire.override_of(one)
            if found is None or not found.group:
                yield Doubt("an entry of an update names no selection")
                continue
            places, key = odds.setdefault(found.group, {}), f"{found.market}#{found.outcome}"
            places[key] = wire.TWICE if key in places else one
        if odds:
            yield from self._odds({"odds": odds}, Extent.CHANGES)

    # Odds

    def _odds(self, said: Object, extent: Extent) -> Iterator[Part]:
        odds = said.get("odds")
        if not isinstance(odds, dict):
            raise Unreadable("it holds no odds that can be read")
        found = wire.odds_of(odds, said.get("markets"))
        standing = wire.most_closed((found.standing, wire.standing_beside(said)))
        yield from self._market_parts(replace(found, standing=standing), extent)
        if extent is Extent.CHANGES:
            yield from self._beside(found, said.get("markets"))

    def _beside(self, odds: Odds, about: object) -> Iterator[Part]:
        """A market that is closed where its odds are not told; all of the match where nobody can say which market that is."""
        closed = wire.closed_beside(odds, about)
        if not all(market.group for market in closed) or odds.standing is Standing.UNKNOWN:
            yield MarketSet((), Extent.NONE)
        elif closed:
            yield MarketSet(self._markets(Odds(closed)), Extent.CHANGES)

    def _market_parts(self, odds: Odds, extent: Extent) -> Iterator[Part]:
        if odds.unreadable:
            words = f"odd groups that cannot be read: {', '.join(wire.cleaned(group, 40) for group in odds.unreadable[:5])}"
            self.notes.add(words)
            if extent is Extent.CHANGES:
                yield Doubt(words)
        yield MarketSet(self._markets(odds), extent)
        yield from self._gone(odds, extent)
        if results := tuple(_results(odds)):
            yield ResultSet(results)

    def _gone(self, odds: Odds, extent: Extent) -> Iterator[Part]:
        """``null`` in a change takes back what was there; a whole payload leaves it out by that. Which markets a group had is not ours to
        know here, so one that is gone waits for the next whole payload."""
        if extent is not Extent.CHANGES:
            return
        if markets := tuple(self._market(one, odds.standing) for one in odds.markets if one.gone):
            yield MarketSet(markets, Extent.GONE)
        if odds.gone:
            yield MarketSet((), Extent.NONE)
            yield Doubt(f"odd groups are gone: {', '.join(wire.cleaned(group, 40) for group in odds.gone[:5])}")

    def _markets(self, odds: Odds) -> tuple[Market, ...]:
        found: dict[str, Market] = {}
        for said in odds.markets:
            if said.gone:
                continue
            market = self._market(said, odds.standing)
            if market.id in found:
                self.notes.add(f"named twice: market {market.id}")
                market = replace(market, status=MarketStatus.UNRECOGNISED, status_text="named twice in one message", selections=())
            found[market.id] = market
        return tuple(found.values())

    def _market(self, said: wire.Market, over: Standing) -> Market:
        group = _group(said.group)
        status, text = _market_status(wire.most_closed((over, said.standing)), said.readable)
        if not said.readable:
            self.notes.add(f"market “{wire.cleaned(said.key, 60)}” holds no outcomes that can be read")
        name = said.name or wire.cleaned(said.key, 200)
        return Market(
            id=_market_id(group, said.key),
            sequence=None,
            name=name,
            status=status,
            type_id=wire.name_of(f"{group}/{said.key}", _LONGEST_TYPE),
            type_name=f"{name} ({group})"[:200],
            in_play=False,
            status_text=text,
            is_handicap=said.line is not None,
            line=said.line,
            selections=tuple(self._selection(one) for one in said.outcomes),
            key=wire.name_of(said.key, _LONGEST_KEY),
            group=group,
            follows_match=True,
        )

    def _selection(self, said: wire.Outcome) -> Selection:
        price, status = said.price, _SELECTIONS[said.standing]
        if price.problem and not price.absent:
            self.notes.add(f"selection “{wire.cleaned(said.key, 60)}”: {price.problem}")
        if price.absent and status is SelectionStatus.TRADING:
            status = SelectionStatus.UNPRICED
        return Selection(
            id=wire.name_of(said.key, _LONGEST_SELECTION),
            name=said.name or wire.cleaned(said.key, 200),
            status=status,
            status_text=said.standing.word,
            competitor_id=said.competitor_id,
            price=price.value,
            price_text=price.text,
            price_problem="" if price.absent else price.problem,
            key=wire.name_of(said.key, _LONGEST_KEY),
            listed=not said.gone,
        )

    # Overrides

    def _overrides(self, said: Object, *, whole: bool) -> Iterator[Part]:
        entries = said.get("override", said.get("overrides"))
        if entries is None:
            return
        listed = entries if isinstance(entries, list) else [entries]
        if len(listed) > wire.MOST_SELECTIONS:
            raise Unreadable(f"it has {len(listed)} overrides, more than {wire.MOST_SELECTIONS}")
        self._agreed(listed)
        changes = []
        for one in listed:
            found = wire.override_of(one)
            if found is None:
                yield Doubt("an override of the provider's names no selection")
            else:
                changes.append(_change(found))
        yield UpstreamSet(tuple(changes), whole)

    # Details

    def _details(self, row: Row) -> FixtureDetails:
        status, live = _status(row)
        if row.start is None and row.start_text:
            self.notes.add(f"start_time “{row.start_text}” is no time with an offset: left out")
        if status is FixtureStatus.UNRECOGNISED:
            self.notes.add(f"the status “{'/'.join(row.statuses)}” is not known")
        sides = _sides(row)
        return FixtureDetails(
            name=row.name or " v ".join(side.name or side.id for side in sides),
            type="Match",
            status=status,
            status_text="" if status is FixtureStatus.UNKNOWN else "/".join(filter(None, (*row.statuses, row.reason))),
            start=row.start,
            sport=self._sport(row),
            competition=_competition(row),
            season=Ref(row.season.id, row.season.name) if row.season.id else None,
            competitors=sides,
            is_off=live,
            partial=True,
        )

    def _sport(self, row: Row) -> Ref | None:
        said = "-".join(row.sport.lower().split()) or self.subject.sport
        if not _SLUG.fullmatch(said) or len(said) > _LONGEST_GROUP:
            return None
        known = SPORT_BY_REF.get(said)
        return Ref(said, known.name if known else said.replace("-", " ").title())


def _is_open_map(said: Object) -> bool:
    """Whether it can only be groups of odds."""
    named = wire.row_of(said).told or "markets" in said
    return bool(said) and not named and all(isinstance(value, dict) for value in said.values())


def _closed(market: wire.Market) -> wire.Market:
    """Every outcome that it names is suspended, until a later frame names it again."""
    outcomes = tuple(replace(one, standing=wire.most_closed((one.standing, Standing.SUSPENDED))) for one in market.outcomes)
    return replace(market, outcomes=outcomes)


def _status(row: Row) -> tuple[FixtureStatus, bool | None]:
    """The most closed of all the words that a row has for it; the reason counts only where it closes."""
    if not row.told:
        return FixtureStatus.UNKNOWN, None
    found = [_STATUSES.get(word, (FixtureStatus.UNRECOGNISED, False)) for word in row.statuses]
    why = _STATUSES.get("".join(c for c in row.reason.lower() if c.isalnum()))
    if why is not None and why[0] is not FixtureStatus.SCHEDULED:
        found.append(why)
    statuses = {status for status, _ in found}
    return next(status for status in _BY_SAFETY if status in statuses), any(live for _, live in found)


def _sides(row: Row) -> tuple[Competitor, ...]:
    sides = ((row.home, "Home"), (row.away, "Away"))
    if not any(named.id or named.name for named, _ in sides):
        return ()
    return tuple(Competitor(named.id, named.name, home_away=side) for named, side in sides)


def _competition(row: Row) -> Competition | None:
    """The league; a tournament only by its name, since its ids are others."""
    if row.league.id or row.league.name:
        region = Ref(row.region.id, row.region.name) if row.region.id else None
        return Competition(row.league.id, row.league.name, region=region)
    return Competition("", row.tournament.name) if row.tournament.name else None


def _score(row: Row) -> MatchState:
    home, away = row.score
    return MatchState(SCORE, row.reason, scoreboard={"home": home, "away": away, "phase": row.reason})


def _group(said: str) -> str:
    """In kebab-case where it comes back as it was, else verbatim; without what separates it from its market."""
    group = kebab(said)
    return wire.marked(group.replace("/", "-"), group, _LONGEST_GROUP) if "/" in group else wire.name_of(group, _LONGEST_GROUP)


def _market_id(group: str, key: str) -> str:
    return wire.name_of(f"{group}/{key}", _LONGEST_MARKET)


def _market_status(standing: Standing, readable: bool) -> tuple[MarketStatus, str]:
    """Words only where the message gives a status: a change that gives none leaves it as it was."""
    match standing:
        case Standing.UNSAID:
            return MarketStatus.OPEN, ""
        case Standing.OPEN:
            return MarketStatus.OPEN, "open"
        case Standing.SUSPENDED:
            return MarketStatus.SUSPENDED, "suspended"
        case Standing.CLOSED:
            return MarketStatus.CLOSED, "closed"
        case Standing.UNKNOWN:
            return MarketStatus.UNRECOGNISED, "a status that is not known" if readable else "unreadable"


_SELECTIONS = {
    Standing.UNSAID: SelectionStatus.TRADING,
    Standing.OPEN: SelectionStatus.TRADING,
    Standing.SUSPENDED: SelectionStatus.SUSPENDED,
    Standing.CLOSED: SelectionStatus.SUSPENDED,
    Standing.UNKNOWN: SelectionStatus.UNRECOGNISED,
}


def _results(odds: Odds) -> Iterator[MarketResult]:
    """Of markets whose every outcome has one (docs/api.md): a part of a result would count as a correction of the whole."""
    for market in odds.markets:
        found = [_result(one) for one in market.outcomes]
        told = tuple(one for one in found if one is not None)
        if told and len(told) == len(found):
            yield MarketResult(_market_id(_group(market.group), market.key), None, told)


def _result(outcome: wire.Outcome) -> SelectionResult | None:
    said = outcome.result
    status = _RESULTS.get(wire.text_of(said.get("status"), 20).lower()) if said else None
    if said is None or status is None:
        return None
    return SelectionResult(
        selection_id=wire.name_of(outcome.key, _LONGEST_SELECTION),
        status=status,
        status_text=status.value,
        percentage_win=wire.line_of(said.get("percentageWin")),
        percentage_push=wire.line_of(said.get("percentagePush")),
        place=wire.integer_of(said.get("place")),
        count_in_place=wire.integer_of(said.get("countInPlace")),
    )


def _change(said: wire.Override) -> UpstreamChange:
    price = said.price.value
    return UpstreamChange(
        group=_group(said.group) if said.group else "",
        market=wire.name_of(said.market, _LONGEST_KEY),
        outcome=wire.name_of(said.outcome, _LONGEST_KEY),
        override=None if said.ended else Upstream(price, said.suspended or price is None),
        id=said.id,
        value=_set_to(said),
        ends=said.ends.isoformat() if said.ends else "",
    )


def _set_to(said: wire.Override) -> str:
    """The price of an override in its one spelling; an entry that leaves it out is a suspension, unless it only says what ended."""
    if said.price.absent:
        return SUSPENSION if said.valued or not said.ended else ""
    return str(said.price.value.normalize()) if said.price.value is not None else f"?{said.price.text}"
