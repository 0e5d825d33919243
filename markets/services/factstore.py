"""The stored facts of fixtures: read under their lock, kept in memory by revision.

A fixture's facts are taken from memory only when the row, locked, has the very revision that was committed with them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast
from msgspec import Struct

from markets import db
from markets.domain import facts
from markets.domain.messages import Market, Selection
from markets.domain.state import FixtureState
from markets.models import Fixture, FixtureMarks, MatchStateRow, Result
from markets.models import Market as MarketModel
from markets.models import Selection as SelectionModel

MOST_SELECTIONS = 60_000


class SelectionIds(Struct, frozen=True):
    """A stored selection: row id and public key."""

    id: int
    key: str


class MarketIds(Struct, frozen=True):
    """A stored market: row id, public key, and its selections by the provider's id."""

    id: int
    key: str
    selections: dict[str, SelectionIds]


class Held(Struct, frozen=True):
    """A fixture as stored: its row's columns that matter to writing, its facts and the row ids of its parts."""

    id: int
    ref: str
    revision: int
    created_at: datetime
    sport_id: int | None
    sport_slug: str | None
    match_id: int | None
    name: str
    state: FixtureState
    markets: dict[str, MarketIds]


class Cache:
    """The newest committed facts of the fixtures lately written, bounded by their selections."""

    def __init__(self, most_selections: int = MOST_SELECTIONS) -> None:
        self._most = most_selections
        self._held: OrderedDict[int, tuple[Held, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, fixture_id: int, revision: int, created_at: datetime) -> Held | None:
        """The facts of exactly this revision of exactly this row."""
        with self._lock:
            found = self._held.get(fixture_id)
            if found is None or found[0].revision != revision or found[0].created_at != created_at:
                return None
            self._held.move_to_end(fixture_id)
            return found[0]

    def put(self, helds: Iterable[Held]) -> None:
        """Call after commit only: what was rolled back must never be found here."""
        with self._lock:
            for held in helds:
                self._replace(held)
            while self._weight > self._most and len(self._held) > 1:
                self._weight -= self._held.popitem(last=False)[1][1]

    def _replace(self, held: Held) -> None:
        weight = 10 + sum(len(market.selections) for market in held.markets.values())
        self._weight += weight - self._held.get(held.id, (held, 0))[1]
        self._held[held.id] = (held, weight)
        self._held.move_to_end(held.id)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._weight = 0


CACHE = Cache()
_LOCK = (
    "SELECT f.id, f.ref, f.revision, f.created_at, f.sport_id, s.slug, f.match_id, f.name"
    " FROM markets_fixture f LEFT JOIN markets_sport s ON s.id = f.sport_id WHERE f.source_id = %s AND f.ref IN ({refs}) ORDER BY f.id"
)


def lock(source_id: int, refs: Collection[str], simulated: bool, now: datetime) -> dict[str, Held]:
    """Lock the fixtures of ``refs``, in one order, and give their facts; those never seen become stubs (U11)."""
    rows = _locked(source_id, refs)
    if missing := sorted(set(refs) - rows.keys()):
        stubs = [Fixture(source_id=source_id, ref=ref, simulated=simulated, changed_at=now) for ref in missing]
        Fixture.objects.bulk_create(stubs, ignore_conflicts=True)
        rows |= _locked(source_id, missing)
    return {ref: _held(row) for ref, row in rows.items()}


def _locked(source_id: int, refs: Collection[str]) -> dict[str, tuple[Any, ...]]:
    """Without the key: inserting rows that point to a fixture need not wait for whoever writes its facts."""
    if not refs:
        return {}
    tail = " FOR NO KEY UPDATE OF f" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(refs=", ".join(["%s"] * len(refs))) + tail, [source_id, *refs])
        return {row[1]: row for row in cursor.fetchall()}


def wait_for_commands(fixture_ids: Collection[int]) -> None:
    """Until every command that already inserted something for these locked fixtures has ended, so that it can be seen.

    Inserting takes the key of the fixture's row; the whole row is free only after that transaction.
    """
    if fixture_ids:
        list(Fixture.objects.select_for_update(of=("self",)).filter(pk__in=fixture_ids).order_by("pk").values_list("pk"))


def _held(row: Sequence[Any]) -> Held:
    fixture_id, _, revision, created_at, *_ = row
    return CACHE.get(fixture_id, revision, db.utc(created_at)) or _load(row)


def _load(row: Sequence[Any]) -> Held:
    fixture_id, ref, revision, created_at, sport_id, slug, match_id, name = row
    markets, ids = _markets(fixture_id, "default")
    state = _state(fixture_id, markets, "default")
    return Held(fixture_id, ref, revision, db.utc(created_at), sport_id, slug, match_id, name, state, ids)


def feed_state(fixture_id: int, using: str = "default") -> FixtureState:
    """The stored feed facts of a fixture, in six queries."""
    return _state(fixture_id, _markets(fixture_id, using)[0], using)


def _state(fixture_id: int, markets: dict[str, Market], using: str) -> FixtureState:
    fixture = Fixture.objects.using(using).annotate(d=_text("details"), c=_text("coverage"), t=_text("point_state__state"))
    details, coverage, started, tennis = fixture.values_list("d", "c", "started", "t").get(pk=fixture_id)
    marks = FixtureMarks.objects.using(using).filter(pk=fixture_id).values_list("marks", flat=True).first()
    results = Result.objects.using(using).filter(fixture_id=fixture_id).order_by("pk").values_list("market_ref", _text("facts"))
    states = MatchStateRow.objects.using(using).filter(fixture_id=fixture_id).order_by("pk").values_list("element", _text("state"))
    return FixtureState(
        details=facts.details_from(details) if details else None,
        markets=markets,
        results={ref: facts.result_from(stored) for ref, stored in results},
        coverage=facts.coverage_from(coverage) if coverage else None,
        match_states={element: facts.match_state_from(stored) for element, stored in states},
        marks=facts.marks_from(marks) if marks else {},
        started=started,
        tennis=facts.tennis_from(tennis) if tennis else None,
    )


def _markets(fixture_id: int, using: str) -> tuple[dict[str, Market], dict[str, MarketIds]]:
    selections = _selections(fixture_id, using)
    rows = MarketModel.objects.using(using).filter(fixture_id=fixture_id).order_by("pk")
    markets: dict[str, Market] = {}
    ids: dict[str, MarketIds] = {}
    for market_id, ref, key, stored in rows.values_list("id", "ref", "key", _text("facts")):
        own = selections.get(market_id, [])
        markets[ref] = facts.market_from(stored, (selection for selection, _ in own))
        ids[ref] = MarketIds(market_id, key, {selection.id: row for selection, row in own})
    return markets, ids


def _selections(fixture_id: int, using: str) -> dict[int, list[tuple[Selection, SelectionIds]]]:
    rows = SelectionModel.objects.using(using).filter(market__fixture_id=fixture_id).order_by("market_id", "position", "pk")
    found: dict[int, list[tuple[Selection, SelectionIds]]] = {}
    for market_id, selection_id, key, stored in rows.values_list("market_id", "id", "key", _text("facts")):
        found.setdefault(market_id, []).append((facts.selection_from(stored), SelectionIds(selection_id, key)))
    return found


def _text(column: str) -> Any:
    """JSON as the database keeps it: read once by ``msgspec``, not by ``json`` before."""
    return Cast(column, TextField())
