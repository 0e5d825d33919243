"""What SportMicro and Odds360 send, as the desk's messages (000; feeds.md 3.2; decisions O1–O3, O6, U12). Pure.

Nothing here opens a price by guess: a status, a kind of frame or a shape that is not known holds the match until a whole payload comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from feeds.errors import Unreadable
from markets.domain import messages
from markets.domain.messages import Doubt, FixtureDetails, MarketSet, Message, Part, ResultSet, UpstreamSet
from markets.domain.values import Extent, FixtureStatus, MarketStatus, SelectionStatus

from .details import STATUSES, details_of, score_of
from .odds import MOST_SELECTIONS, Market, Odds, odds_of
from .offers import market_of, markets_of, results_of
from .overrides import change_of, is_override, override_of
from .prices import Standing, closes, most_closed, opens
from .rows import Row, other_match, refs_of, row_of, rows_in, standing_of_match
from .subjects import Kind, Subject, parted
from .wire import TWICE, Notes, Object, cleaned, content_digest, document, same_content, text_of

__all__ = ["Hint", "content_digest", "hint", "parse", "same_content"]

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
        return _Reading(subject).message(document(body))
    except Unreadable as error:
        raise Unreadable(error.reason, error.line, "", (subject.ref,) if subject.ref else ()) from error


def brings_odds(message: Message) -> bool:
    """Whether it says of some selection what it costs, or that it is closed, and all of it could be placed."""
    if any(isinstance(part, Doubt) for part in message.parts):
        return False
    markets = (market for part in message.parts if isinstance(part, MarketSet) for market in part.markets)
    told = (one for market in markets if market.status is not MarketStatus.UNRECOGNISED for one in market.selections)
    return any(not one.price_problem and one.status is not SelectionStatus.UNRECOGNISED for one in told)


def is_bare_beat(body: bytes) -> bool:
    """Whether a heartbeat says no more than that: a few durations of ours apart (docs/api.md), nothing of prices."""
    try:
        said = document(body)
    except Unreadable:
        return False
    return isinstance(said, dict) and not _tells(said)


def _tells(said: Object) -> bool:
    members = (said.get(name) for name in ("markets", "override", "overrides"))
    return any(members) or closes(standing_of_match(said)) or not _is_untold(said.get("odds"))


def _is_untold(odds: Any) -> bool:
    """Whether nothing stands in it but for how long prices may be believed."""
    if isinstance(odds, dict):
        return all(name == "validForMs" or _is_untold(value) for name, value in odds.items())
    return odds is None


class _Reading:
    """One frame on its way to a message."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.notes = Notes()

    def message(self, said: Any) -> Message:
        if not self.subject.ref:
            raise Unreadable("it names no match that could be read")
        parts = tuple(self._parts(said))
        if self.subject.unplaced:
            parts = tuple(self._unplaced(parts))
        return Message("", self.subject.ref, parts, notes=tuple(self.notes.words))

    def _unplaced(self, parts: Iterable[Part]) -> Iterator[Part]:
        """Nobody knows what it is newer than: it may close, and the match waits for the whole payload (A6)."""
        yield Doubt(f"a frame of the {self.subject.kind} stream has no number, though those before it have, or an older revision")
        for part in parts:
            yield from _closing(part)

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
        rows = list(rows_in(said))
        others = [other_match(found, self.subject.ref) for found, _ in rows]
        able = [found for found, other in zip(rows, others, strict=True) if not other]
        own = [found for found in able if refs_of(found[0])]
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
        row = row_of(said, above)
        if not row.describes:
            raise Unreadable("it says nothing of the match that is known")
        if said.get("odds") is not None:
            self.notes.add("the odds of a list's row are not applied")
        yield details_of(row, self.subject.sport, self.notes)
        if row.score != (None, None):
            yield score_of(row)

    def _payload(self, said: Object, above: Object | None) -> Iterator[Part]:
        """All that there is of the match: whatever it leaves out is no longer listed (O2)."""
        yield from self._described(row_of(said, above))
        yield from self._odds(said, Extent.WHOLE)
        yield from self._overrides(said, whole=True)

    def _described(self, row: Row) -> Iterator[Part]:
        if row.describes or row.sport:
            yield details_of(row, self.subject.sport, self.notes)

    def _verified(self, said: Any) -> Iterator[Part]:
        """The provider's own check of a payload: what it doubts is held, what it confirms opens nothing."""
        if not isinstance(said, dict):
            raise Unreadable("the check is no JSON object")
        self._agree(said)
        problems = said.get("problems")
        if said.get("verified") is not True or problems:
            words = "; ".join(text_of(one, 60) for one in problems[:3]) if isinstance(problems, list) else ""
            yield Doubt("the provider's own check fails" + (f": {words}" if words else ""))
        self.notes.add("the provider's own check")

    # Frames of the streams

    def _frame(self, said: Any) -> Iterator[Part]:
        if isinstance(said, list):
            yield from self._entries(said)
            return
        self._agree(said, by_id=said.get("type") is not None or not is_override(said))
        if said.get("seq") is TWICE:
            raise Unreadable("it has two numbers")
        kind = text_of(said.get("type"), 40).lower()
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
                yield from self._beat(said)
            case _ if said.get("type") is None:
                yield from self._untyped(said)
            case _:
                yield Doubt(f"a frame of the kind “{kind or 'unreadable'}” is not known")

    def _beat(self, said: Object) -> Iterator[Part]:
        """What it tells beside its being one counts as a change."""
        if not _tells(said):
            self.notes.add("a heartbeat")
        elif isinstance(said.get("odds"), dict):
            yield from self._told(said, Extent.CHANGES)
        else:
            yield from self._overrides(said, whole=False)
            yield MarketSet((), Extent.NONE)

    def _agree(self, said: Object, *, by_id: bool = True) -> None:
        if other := other_match(said, self.subject.ref, by_id=by_id):
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
        found = odds_of(odds, said.get("markets")) if isinstance(odds, dict) and odds else None
        if found is None or found.unreadable or not found.markets:
            yield MarketSet((), Extent.NONE)
        else:
            yield from self._market_parts(replace(found, markets=tuple(map(_closed, found.markets))), Extent.CHANGES)

    def _untyped(self, said: Object) -> Iterator[Part]:
        """Shapes that a provider may well have (feeds.md 3.2 UNKNOWN), told apart by what they hold."""
        if is_override(said):
            yield from self._entries([said])
        elif said.get("odds") is not None:
            yield from self._match_status(said)
            yield from self._odds(said, Extent.WHOLE if refs_of(said) else Extent.CHANGES)
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
        row = row_of(said)
        strange = [word for word in row.statuses if word not in STATUSES and not opens(word)]
        if row.told and all(word in STATUSES for word in row.statuses):
            yield details_of(row, self.subject.sport, self.notes)
        if strange or closes(standing_of_match(said)):
            yield MarketSet((), Extent.NONE)
        elif not row.told:
            self.notes.add("it says nothing of odds")

    def _match_status(self, said: Object) -> Iterator[Part]:
        """What a frame says of the match itself, where it gives its status."""
        if (row := row_of(said)).told:
            yield details_of(row, self.subject.sport, self.notes)

    def _entries(self, said: list[Any]) -> Iterator[Part]:
        """A bare list: overrides, or on the stream of updates selections with their new prices."""
        if self.subject.kind is Kind.OVERRIDES:
            yield from self._overrides({"override": said}, whole=False)
            return
        self._agreed(said)
        odds: dict[str, Object] = {}
        for one in said:
            found = override_of(one)
            if found is None or not found.group:
                yield Doubt("an entry of an update names no selection")
                continue
            places, key = odds.setdefault(found.group, {}), f"{found.market}#{found.outcome}"
            places[key] = TWICE if key in places else one
        if odds:
            yield from self._odds({"odds": odds}, Extent.CHANGES)

    # Odds

    def _odds(self, said: Object, extent: Extent) -> Iterator[Part]:
        odds = said.get("odds")
        if not isinstance(odds, dict):
            raise Unreadable("it holds no odds that can be read")
        found = odds_of(odds, said.get("markets"))
        standing = most_closed((found.standing, standing_of_match(said)))
        yield from self._market_parts(replace(found, standing=standing), extent)

    def _market_parts(self, odds: Odds, extent: Extent) -> Iterator[Part]:
        if odds.unreadable:
            words = f"odd groups that cannot be read: {', '.join(cleaned(group, 40) for group in odds.unreadable[:5])}"
            self.notes.add(words)
            if extent is Extent.CHANGES:
                yield Doubt(words)
        yield MarketSet(markets_of(odds, self.notes), extent)
        yield from self._gone(odds, extent)
        yield from self._closed(odds, extent)
        if results := tuple(results_of(odds)):
            yield ResultSet(results)

    def _gone(self, odds: Odds, extent: Extent) -> Iterator[Part]:
        """``null`` in a change takes back what was there; a whole payload leaves it out by that. Which markets a group had is not ours to
        know here, so one that is gone waits for the next whole payload."""
        if extent is not Extent.CHANGES:
            return
        if markets := tuple(market_of(one, odds.standing, self.notes) for one in odds.markets if one.gone):
            yield MarketSet(markets, Extent.GONE)
        if odds.gone:
            yield MarketSet((), Extent.NONE)
            yield Doubt(f"odd groups are gone: {', '.join(cleaned(group, 40) for group in odds.gone[:5])}")

    def _closed(self, odds: Odds, extent: Extent) -> Iterator[Part]:
        """What is closed without its odds being told, where it is still listed then; all of the match where nobody can say what that is."""
        markets = markets_of(Odds(tuple(one for one in odds.closed if one.group)), self.notes)
        if extent is not Extent.CHANGES:
            return
        if closes(odds.standing) or len(markets) < len(odds.closed):
            yield MarketSet((), Extent.NONE)
        elif markets:
            yield MarketSet(markets, Extent.CHANGES)

    # Overrides

    def _overrides(self, said: Object, *, whole: bool) -> Iterator[Part]:
        entries = said.get("override", said.get("overrides"))
        if entries is None:
            return
        listed = entries if isinstance(entries, list) else [entries]
        if len(listed) > MOST_SELECTIONS:
            raise Unreadable(f"it has {len(listed)} overrides, more than {MOST_SELECTIONS}")
        self._agreed(listed)
        changes = []
        for one in listed:
            found = override_of(one)
            if found is None:
                yield Doubt("an override of the provider's names no selection")
            else:
                changes.append(change_of(found))
        yield UpstreamSet(tuple(changes), whole)


def _is_open_map(said: Object) -> bool:
    """Whether it can only be groups of odds."""
    named = row_of(said).told or "markets" in said
    return bool(said) and not named and all(isinstance(value, dict) for value in said.values())


def _closing(part: Part) -> Iterator[Part]:
    """What of it opens nothing."""
    match part:
        case MarketSet():
            yield replace(part, markets=tuple(map(_shut, part.markets)))
        case UpstreamSet():
            yield UpstreamSet(tuple(one for one in part.changes if one.override is not None and one.override.suspended))
        case FixtureDetails(status=FixtureStatus.SCHEDULED):
            return
        case _:
            yield part


def _shut(market: messages.Market) -> messages.Market:
    """None of its selections is offered; its own status is left as it was where it says that it is open."""
    told = [replace(one, status=SelectionStatus.SUSPENDED) if one.status is SelectionStatus.TRADING else one for one in market.selections]
    text = "" if market.status is MarketStatus.OPEN else market.status_text
    return replace(market, selections=tuple(told), status_text=text)


def _closed(market: Market) -> Market:
    """Every outcome that it names is suspended, until a later frame names it again."""
    outcomes = tuple(replace(one, standing=most_closed((one.standing, Standing.SUSPENDED))) for one in market.outcomes)
    return replace(market, outcomes=outcomes)
