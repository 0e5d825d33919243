"""Writing facts: only the rows that differ from what is stored, for all fixtures of a batch together.

A few statements for a batch, however many its rows, instead of the ORM (measured by ``make bench``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from markets.domain import facts
from markets.domain.messages import Competitor, FixtureDetails, Market, Selection
from markets.domain.phase import phase
from markets.domain.sports.tennis import Entry
from markets.domain.state import FixtureState
from markets.domain.values import FixtureStatus, MarketStatus, SelectionStatus
from markets.selectors.points import PROVIDERS

from . import keys, lookups, rows, timeline
from .factstore import Held, MarketIds, SelectionIds

NO_SELECTIONS: dict[str, SelectionIds] = {}


class Tick(Struct, frozen=True):
    """A selection's feed price or status as one message left it; ``at`` is the time its frame was kept."""

    market_ref: str
    selection_ref: str
    at: datetime
    price: Decimal | None
    offered: bool


class Change(Struct, frozen=True):
    """One fixture's way from what is stored to what is to be stored."""

    held: Held
    state: FixtureState
    touched: tuple[str, ...]
    ticks: tuple[Tick, ...]
    entries: tuple[Entry, ...] = ()


def ticks(before: FixtureState, after: FixtureState, touched: Iterable[str], at: datetime) -> list[Tick]:
    """A tick for every selection of the touched markets whose price or offer differs."""
    found: list[Tick] = []
    for ref in touched:
        market, was = after.markets[ref], _offers(before.markets.get(ref))
        for selection_id, offer in _offers(market).items():
            if was.get(selection_id) != offer:
                found.append(Tick(ref, selection_id, at, *offer))
    return found


def _offers(market: Market | None) -> dict[str, tuple[Decimal | None, bool]]:
    if market is None:
        return {}
    is_open = market.status is MarketStatus.OPEN
    return {s.id: (s.price, is_open and s.listed and s.status is SelectionStatus.TRADING and not s.overruled) for s in market.selections}


class _SelectionRows(Struct, frozen=True):
    """Selection rows to insert and to update, of all fixtures."""

    news: list[tuple[Any, ...]]
    updates: list[tuple[Any, ...]]


_Places = dict[str, tuple[int, Selection]]


_MARKET = {
    "type_id": "bigint", "name": "text", "status": "text", "in_play": "boolean", "expiry": "timestamptz",
    "facts": "jsonb", "revision": "bigint",
}  # fmt: skip
_SELECTION = {"position": "integer", "name": "text", "status": "text", "price": "numeric", "facts": "jsonb", "revision": "bigint"}
_RESULT = {"fixture_id": "bigint", "market_ref": "text", "facts": "jsonb", "revision": "integer", "withdrawn": "boolean"}
_STATE = {"fixture_id": "bigint", "element": "text", "state": "jsonb"}
_MARKS = {"fixture_id": "bigint", "marks": "bytea"}
_POINTS = {"fixture_id": "bigint", "state": "jsonb"}
_ENTRY = {
    "fixture_id": "bigint", "seq": "bigint", "kind": "text", "mark": "text", "words": "text", "score": "text", "delay": "text",
    "at": "timestamptz", "kept_at": "timestamptz",
}  # fmt: skip
_TICK = {
    "day": "date", "at": "timestamptz", "fixture_id": "bigint", "selection_id": "bigint", "price": "numeric", "offered": "boolean",
}  # fmt: skip
_SEEN = {"revision": "bigint", "id": "bigint"}
_FIXTURE_FACTS = {
    "has_details": "boolean", "status": "text", "start": "timestamptz", "phase": "text", "started": "boolean", "total_odds": "integer",
    "name": "text", "competition_ref": "text", "competition_name": "text", "home_ref": "text", "home_name": "text", "away_ref": "text",
    "away_name": "text", "sport_id": "bigint", "match_id": "bigint", "details": "jsonb", "coverage": "jsonb",
    "revision": "bigint", "changed_at": "timestamptz", "id": "bigint",
}  # fmt: skip


class Writer:
    """Writes each kind of row at once, for all fixtures of a batch; ``write`` gives what is stored afterwards."""

    def __init__(self, provider: str, now: datetime) -> None:
        self._provider = provider
        self._now = now
        self._numbers = keys.Numbers()

    def write(self, changes: Sequence[Change]) -> list[Held]:
        """Store the changes and raise each fixture's revision."""
        if not changes:
            return []
        helds = self._fixtures(changes)
        helds = self._markets(list(zip(changes, helds, strict=True)))
        pairs = list(zip(changes, helds, strict=True))
        _write_results(changes)
        _write_match_states(changes)
        _write_marks(changes)
        _write_ticks(pairs)
        _write_points(changes)
        return helds

    # Fixtures

    def _fixtures(self, changes: Sequence[Change]) -> list[Held]:
        helds = [self._advanced(change) for change in changes]
        summarised = [_summary(c.held.state, c.touched) == _summary(c.state, c.touched) for c in changes]
        same = [(self._now, h.revision, h.id) for h, unchanged in zip(helds, summarised, strict=True) if unchanged]
        rows.update("markets_fixture", {"changed_at": "timestamptz", **_SEEN}, same)
        whole = [self._fixture_row(h) for h, unchanged in zip(helds, summarised, strict=True) if not unchanged]
        rows.update("markets_fixture", _FIXTURE_FACTS, whole)
        return helds

    def _advanced(self, change: Change) -> Held:
        held = change.held
        if change.state.details is not held.state.details:
            held = self._identified(held, change.state.details)
        return replace(held, revision=held.revision + 1, state=change.state)

    def _identified(self, held: Held, details: FixtureDetails | None) -> Held:
        """The sport's row and, with the first sport, the public number. A sport in which that number is taken is not taken over."""
        if details is None or details.sport is None:
            return replace(held, sport_id=None, sport_slug=None, name=details.name if details else "")
        sport = lookups.sport(self._provider, details.sport)
        number = held.match_id
        if self._provider in PROVIDERS:
            number = None  # a match of a point feed is offered to nobody by itself (T7)
        elif number is None:
            number = self._numbers.give(sport.id, held.ref)
        elif sport.id != held.sport_id and self._numbers.taken(sport.id, number):
            return replace(held, name=details.name)
        return replace(held, sport_id=sport.id, sport_slug=sport.slug, match_id=number, name=details.name)

    def _fixture_row(self, held: Held) -> tuple[Any, ...]:
        columns = _fixture_columns(held.state)
        columns |= {"sport_id": held.sport_id, "match_id": held.match_id, "revision": held.revision, "changed_at": self._now, "id": held.id}
        return tuple(columns[name] for name in _FIXTURE_FACTS)

    # Markets and selections

    def _markets(self, pairs: Sequence[tuple[Change, Held]]) -> list[Held]:
        """Only rows whose own facts differ are rewritten; a market with changed selections gets its new revision."""
        news, updates, seen = [], [], []
        for change, held in pairs:
            for ref in change.touched:
                market, was = change.state.markets[ref], change.held.state.markets.get(ref)
                if was is None:
                    news.append((held, market))
                elif _same_but_selections(was, market):
                    seen.append((held.revision, held.markets[ref].id))
                else:
                    updates.append((held, market))
        types = self._types([*news, *updates])
        fresh = self._insert_markets(news, types)
        changed = [(*_market_columns(market, types, held.revision), held.markets[market.ref].id) for held, market in updates]
        rows.update("markets_market", _MARKET | {"id": "bigint"}, changed)
        rows.update("markets_market", _SEEN, seen)
        return _write_selections(pairs, fresh)

    def _types(self, markets: Sequence[tuple[Held, Market]]) -> dict[str, int]:
        return lookups.type_ids(self._provider, ((market, held.sport_slug) for held, market in markets)) if markets else {}

    @staticmethod
    def _insert_markets(news: Sequence[tuple[Held, Market]], types: dict[str, int]) -> dict[tuple[int, str], MarketIds]:
        taken: dict[int, keys.Keys] = {}
        public: dict[tuple[int, str], str] = {}
        made = []
        for held, market in news:
            if held.id not in taken:
                taken[held.id] = keys.Keys(row.key for row in held.markets.values())
            key = public[held.id, market.ref] = keys.market_key(market, taken[held.id])
            made.append((held.id, market.ref, key, *_market_columns(market, types, held.revision)))
        columns = {"fixture_id": "bigint", "ref": "text", "key": "text"} | _MARKET
        found = rows.insert("markets_market", columns, made, ("id", "fixture_id", "ref"))
        return {(fixture_id, ref): MarketIds(row_id, public[fixture_id, ref], NO_SELECTIONS) for row_id, fixture_id, ref in found}


def _market_columns(market: Market, types: dict[str, int], revision: int) -> tuple[Any, ...]:
    said = facts.encode_market(market)
    return types[market.type_id], market.name[:300], market.status.value, market.in_play, market.expiry, said, revision


def _write_selections(pairs: Sequence[tuple[Change, Held]], fresh: dict[tuple[int, str], MarketIds]) -> list[Held]:
    differing = _SelectionRows([], [])
    after = [_compare_fixture(change, held, fresh, differing) for change, held in pairs]
    columns = {"market_id": "bigint", "ref": "text", "key": "text"} | _SELECTION
    found = rows.insert("markets_selection", columns, differing.news, ("id", "market_id", "ref"))
    rows.update("markets_selection", _SELECTION | {"id": "bigint"}, differing.updates)
    markets = _with_new_selections(after, differing.news, found)
    return [replace(held, markets=own) for (_, held), own in zip(pairs, markets, strict=True)]


def _compare_fixture(
    change: Change, held: Held, fresh: dict[tuple[int, str], MarketIds], differing: _SelectionRows
) -> dict[str, MarketIds]:
    markets = dict(held.markets)
    for ref in change.touched:
        row = markets[ref] = markets.get(ref) or fresh[held.id, ref]
        _compare_market(row, _places(change.held.state.markets.get(ref)), change.state.markets[ref], held.revision, differing)
    return markets


def _compare_market(row: MarketIds, places: _Places, market: Market, revision: int, differing: _SelectionRows) -> None:
    taken = keys.Keys(selection.key for selection in row.selections.values())
    for place, selection in enumerate(market.selections):
        if selection.id not in row.selections:
            key = keys.outcome_key(selection, taken)
            differing.news.append((row.id, selection.id, key, *_selection_columns(place, selection), revision))
        elif places.get(selection.id) != (place, selection):
            differing.updates.append((*_selection_columns(place, selection), revision, row.selections[selection.id].id))


def _selection_columns(place: int, selection: Selection) -> tuple[Any, ...]:
    return place, selection.name[:300], selection.status.value, selection.price, facts.encode(selection)


def _write_results(changes: Sequence[Change]) -> None:
    changed = [
        (change.held.id, ref, facts.encode(result), result.revision, result.result.withdrawn)
        for change in changes
        for ref, result in change.state.results.items()
        if change.held.state.results.get(ref) is not result
    ]
    rows.upsert("markets_result", _RESULT, 2, changed)


def _write_match_states(changes: Sequence[Change]) -> None:
    changed = [
        (change.held.id, element, facts.encode(state))
        for change in changes
        for element, state in change.state.match_states.items()
        if change.held.state.match_states.get(element) is not state
    ]
    rows.upsert("markets_matchstaterow", _STATE, 2, changed)


def _write_marks(changes: Sequence[Change]) -> None:
    changed = [(c.held.id, facts.encode_marks(c.state.marks)) for c in changes if c.state.marks != c.held.state.marks]
    rows.upsert("markets_fixturemarks", _MARKS, 1, changed)


def _write_ticks(pairs: Sequence[tuple[Change, Held]]) -> None:
    made = [
        (tick.at.date(), tick.at, held.id, held.markets[tick.market_ref].selections[tick.selection_ref].id, tick.price, tick.offered)
        for change, held in pairs
        for tick in change.ticks
    ]
    rows.insert("markets_pricetick", _TICK, made)


def _write_points(changes: Sequence[Change]) -> None:
    """What a point feed told: the match as it stands, and the new lines of its timeline in their order."""
    changed = [(c.held.id, facts.encode(c.state.tennis)) for c in changes if c.state.tennis is not c.held.state.tennis]
    rows.upsert("markets_pointstate", _POINTS, 1, changed)
    rows.insert("markets_timelineentry", _ENTRY, [_entry(c.held.id, e) for c in changes for e in _fresh(c)])


def _fresh(change: Change) -> list[Entry]:
    return timeline.fresh(change.held.id, change.state.tennis, change.entries)


def _entry(fixture_id: int, entry: Entry) -> tuple[Any, ...]:
    texts = (entry.kind[:60], entry.mark[:12], entry.words[:300], entry.score[:80], entry.delay[:20])
    return fixture_id, entry.seq, *texts, entry.at, entry.at_kept


def _with_new_selections(
    fixtures: list[dict[str, MarketIds]], news: Sequence[tuple[Any, ...]], found: Iterable[tuple[Any, ...]]
) -> list[dict[str, MarketIds]]:
    public = {(row[0], row[1]): row[2] for row in news}
    added: dict[int, dict[str, SelectionIds]] = {}
    for row_id, market_id, ref in found:
        added.setdefault(market_id, {})[ref] = SelectionIds(row_id, public[market_id, ref])
    if not added:
        return fixtures
    return [
        {ref: replace(row, selections=row.selections | added[row.id]) if row.id in added else row for ref, row in rows.items()}
        for rows in fixtures
    ]


def _places(market: Market | None) -> _Places:
    return {s.id: (place, s) for place, s in enumerate(market.selections)} if market else {}


def _same_but_selections(was: Market, market: Market) -> bool:
    return replace(was, selections=()) == replace(market, selections=())


def _summary(state: FixtureState, touched: Iterable[str]) -> tuple[Any, ...]:
    """What the fixture row repeats of the facts, as far as the touched markets can have changed it."""
    return state.details, state.coverage, state.started, phase(state), priced(state, touched)


def priced(state: FixtureState, refs: Iterable[str]) -> int:
    """Selections with a price, suspended ones included (O4); those that the last message left out do not count."""
    markets = (state.markets[ref] for ref in refs if ref in state.markets)
    return sum(s.listed and s.price is not None for market in markets for s in market.selections)


def _fixture_columns(state: FixtureState) -> dict[str, Any]:
    details, coverage = state.details, state.coverage
    return {
        "has_details": details is not None,
        "status": (details.status if details else FixtureStatus.UNKNOWN).value,
        "start": details.start if details else None,
        "phase": phase(state).value,
        "started": state.started,
        "total_odds": priced(state, state.markets),
        "details": facts.encode(details) if details else None,
        "coverage": facts.encode(coverage) if coverage else None,
        **_names(details),
    }


def _names(details: FixtureDetails | None) -> dict[str, str]:
    competition = details.competition if details else None
    home, away = _sides(details.competitors) if details else (None, None)
    return {
        "name": details.name[:300] if details else "",
        "competition_ref": competition.id[:64] if competition else "",
        "competition_name": competition.name[:300] if competition else "",
        "home_ref": home.id[:64] if home else "",
        "home_name": home.name[:300] if home else "",
        "away_ref": away.id[:64] if away else "",
        "away_name": away.name[:300] if away else "",
    }


def _sides(competitors: Sequence[Competitor]) -> tuple[Competitor | None, Competitor | None]:
    """Home and away as the provider says; of two that carry no side, in their order."""
    by_side = {competitor.home_away.casefold(): competitor for competitor in competitors}
    if "home" in by_side or "away" in by_side:
        return by_side.get("home"), by_side.get("away")
    return (competitors[0], competitors[1]) if len(competitors) == 2 else (None, None)
