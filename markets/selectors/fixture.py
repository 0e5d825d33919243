"""What the feeds told us of fixtures, as values ready for the gate: :func:`load`."""

# ruff: noqa: S608 -- only this module's own names are put into the SQL; every value travels as a parameter

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from markets.domain.facts import marks_from
from markets.domain.fences import Points, joint_phase
from markets.domain.links import Link
from markets.domain.messages import Coverage, FixtureDetails, Market, MatchState, Selection
from markets.domain.publish import MarketRow, SelectionRow
from markets.domain.rules import FixtureFacts, MarketFacts
from markets.domain.sports.tennis import Tennis
from markets.domain.state import FixtureState, Mark, Result, market_mark, result_mark
from markets.domain.values import FixtureStatus, Phase

from .bundle import Dialect, marks, of, rows

NEVER = datetime.min.replace(tzinfo=UTC)
"""When an entity without a mark was last named: before every gap."""


class FixtureSnapshot(Struct, frozen=True):
    """One fixture at one revision, shared by every bookmaker; nothing in it says what is open.

    ``scoreboard``: that of the match state that shows one, plain JSON values. ``results``: all of them by market ref, those of
    markets never seen included (U10). ``markets`` in the order in which they came. ``sport``: slug, empty for a stub.
    ``state``: the feed's facts by themselves, as the feed hash takes them (P8). ``points``: the match of a point feed that it is bound
    to; ``revision`` and ``phase`` are those of both together, ``revision`` never goes down under a binding. ``linked_match_ids``: public
    numbers of the fixtures of other feeds that are the same match.
    """

    id: int
    source_id: int
    source: str
    ref: str
    match_id: int | None
    sport: str
    sport_name: str
    name: str
    competition_ref: str
    competition_name: str
    home_name: str
    away_name: str
    phase: Phase
    revision: int
    total_odds: int
    simulated: bool
    start: datetime | None
    changed_at: datetime
    details: FixtureDetails | None
    facts: FixtureFacts
    markets: tuple[MarketRow, ...]
    results: dict[str, Result]
    scoreboard: dict[str, Any]
    started: bool = False
    points: Points | None = None
    linked_match_ids: tuple[int, ...] = ()

    @property
    def state(self) -> FixtureState:
        return FixtureState(
            details=self.details,
            markets={row.facts.market.ref: row.facts.market for row in self.markets},
            results=self.results,
            coverage=self.facts.coverage,
            match_states={state.element: state for state in self.facts.match_states},
            started=self.started,
        )


def load(fixture_ids: Collection[int], using: str = "default") -> dict[int, FixtureSnapshot]:
    """Fixture id → snapshot; ids that do not exist are left out. One query whatever the number."""
    ids = tuple(fixture_ids)
    if not ids:
        return {}
    found = _Found()
    for kind, fixture_id, *columns in rows(using, _sql(Dialect(using), marks(ids)), ids * 10):
        found.add(kind, fixture_id, *columns)
    return {fixture_id: found.snapshot(fixture_id) for fixture_id in found.fixtures}


def revisions(fixture_ids: Collection[int], using: str = "default") -> dict[int, int]:
    """Fixture id → the revision that its snapshot would have. One query."""
    ids = tuple(fixture_ids)
    if not ids:
        return {}
    sql = (
        "SELECT f.id, f.revision + COALESCE(p.revision, 0) + COALESCE(l.version, 0) FROM markets_fixture f"
        " LEFT JOIN markets_binding b ON b.fixture_id = f.id AND b.ended_at IS NULL LEFT JOIN markets_fixture p ON p.id = b.points_id"
        " LEFT JOIN markets_link l ON l.ended_at IS NULL AND (l.fixture_id = f.id OR l.other_id = f.id)"
        f" WHERE f.id IN ({marks(ids)})"
    )
    return dict(rows(using, sql, ids))


def _sql(d: Dialect, ids: str) -> str:
    """Rows of (kind, fixture id, id, parent id, position, ref, key, body, more)."""
    return " UNION ALL ".join(
        f"SELECT {columns} IN ({ids})"
        for columns in (
            f"'fixture', f.id, f.id, 0, 0, f.ref, {d.text('f.coverage')}, {_fixture_json(d)}, {d.text('f.details')} FROM markets_fixture f"
            " JOIN markets_source s ON s.id = f.source_id LEFT JOIN markets_sport p ON p.id = f.sport_id WHERE f.id",
            f"'marks', k.fixture_id, 0, 0, 0, '', '', {d.binary_text('k.marks')}, '' FROM markets_fixturemarks k WHERE k.fixture_id",
            f"'market', m.fixture_id, m.id, 0, CASE WHEN t.is_main THEN 1 ELSE 0 END, m.ref, m.key, {d.text('m.facts')}, t.odd_group"
            " FROM markets_market m JOIN markets_markettype t ON t.id = m.type_id WHERE m.fixture_id",
            f"'selection', m.fixture_id, n.id, n.market_id, n.position, n.ref, n.key, {d.text('n.facts')}, ''"
            " FROM markets_selection n JOIN markets_market m ON m.id = n.market_id WHERE m.fixture_id",
            f"'result', r.fixture_id, r.id, 0, 0, r.market_ref, '', {d.text('r.facts')}, '' FROM markets_result r WHERE r.fixture_id",
            f"'points', b.fixture_id, b.points_id, q.source_id, q.revision, q.ref, q.name, {_points_json(d)}, {d.text('t.state')}"
            " FROM markets_binding b JOIN markets_fixture q ON q.id = b.points_id JOIN markets_source v ON v.id = q.source_id"
            " LEFT JOIN markets_pointstate t ON t.fixture_id = b.points_id WHERE b.ended_at IS NULL AND b.fixture_id",
            f"'link', l.fixture_id, l.other_id, 0, l.version, o.ref, o.name, {_link_json(d)}, ''"
            " FROM markets_link l JOIN markets_fixture o ON o.id = l.other_id JOIN markets_source v ON v.id = o.source_id"
            " WHERE l.ended_at IS NULL AND l.fixture_id",
            f"'led', l.other_id, l.fixture_id, 0, l.version, o.ref, o.name, {_link_json(d)}, ''"
            " FROM markets_link l JOIN markets_fixture o ON o.id = l.fixture_id JOIN markets_source v ON v.id = o.source_id"
            " WHERE l.ended_at IS NULL AND l.other_id",
            "'chosen', f.id, c.id, 0, 0, v.slug, c.odd_group, '', '' FROM markets_sourcechoice c"
            " JOIN markets_fixture f ON f.sport_id = c.sport_id JOIN markets_source v ON v.id = c.source_id WHERE f.id",
            f"'state', x.fixture_id, x.id, 0, 0, x.element, '', {d.text('x.state')}, '' FROM markets_matchstaterow x WHERE x.fixture_id",
        )
    )


def _fixture_json(d: Dialect) -> str:
    named = of("f", "name", "competition_ref", "competition_name", "home_name", "away_name")
    standing = of("f", "has_details", "status", "phase", "started", "total_odds", "simulated", "revision")
    return d.json(
        **of("f", "source_id", "match_id"),
        **named,
        **standing,
        source="s.slug",
        source_simulated="s.simulated",
        sport="p.slug",
        sport_name="p.name",
        start=d.time("f.start"),
        changed_at=d.time("f.changed_at"),
    )


def _points_json(d: Dialect) -> str:
    return d.json(source="v.slug", team_a_home="b.team_a_home", broken_at=d.time("b.broken_at"), broken_cause="b.broken_cause")


def _link_json(d: Dialect) -> str:
    return d.json(
        other="v.slug", match_id="o.match_id", crossed="l.crossed", broken_at=d.time("l.broken_at"), broken_cause="l.broken_cause"
    )


class _Fixture(Struct, frozen=True):
    source_id: int
    source: str
    source_simulated: int | bool
    match_id: int | None
    sport: str | None
    sport_name: str | None
    name: str
    has_details: int | bool
    status: str
    start: datetime | None
    competition_ref: str
    competition_name: str
    home_name: str
    away_name: str
    phase: Phase
    started: int | bool
    total_odds: int
    simulated: int | bool
    revision: int
    changed_at: datetime


class _Points(Struct, frozen=True):
    source: str
    team_a_home: int | bool
    broken_at: datetime | None
    broken_cause: str


class _Link(Struct, frozen=True):
    other: str
    match_id: int | None
    crossed: int | bool
    broken_at: datetime | None
    broken_cause: str


class _Linked(Struct, frozen=True):
    """``leads``: this fixture does; ``version`` counts in both revisions."""

    other_id: int
    version: int
    leads: bool
    row: _Link


_fixture = msgspec.json.Decoder(_Fixture)
_link = msgspec.json.Decoder(_Link)
_details = msgspec.json.Decoder(FixtureDetails | None)
_coverage = msgspec.json.Decoder(Coverage | None)
_market = msgspec.json.Decoder(Market)
_selection = msgspec.json.Decoder(Selection)
_result = msgspec.json.Decoder(Result)
_state = msgspec.json.Decoder(MatchState)
_points = msgspec.json.Decoder(_Points)
_tennis = msgspec.json.Decoder(Tennis | None)

_STATUSES = {status.value: status for status in FixtureStatus}
_SelectionColumns = tuple[int, int, SelectionRow, Selection]
_MarketColumns = tuple[int, str, str, bool, Market]


class _Found:
    """The rows of one answer, decoded and put under their fixture."""

    def __init__(self) -> None:
        self.fixtures: dict[int, tuple[_Fixture, str, FixtureDetails | None, Coverage | None]] = {}
        self.marks: dict[int, dict[str, Mark]] = {}
        self.markets: dict[int, list[_MarketColumns]] = {}
        self.selections: dict[int, list[_SelectionColumns]] = {}
        self.results: dict[int, dict[str, Result]] = {}
        self.states: dict[int, list[MatchState]] = {}
        self.points: dict[int, Points] = {}
        self.links: dict[int, _Linked] = {}
        self.chosen: dict[int, dict[str, str]] = {}

    def add(self, kind: str, fixture_id: int, *columns: Any) -> None:
        row_id, parent, position, ref, key, body, more = columns
        match kind:
            case "selection":
                value = (position, row_id, SelectionRow(row_id, ref, key), _selection.decode(body))
                self.selections.setdefault(parent, []).append(value)
            case "market":
                self.markets.setdefault(fixture_id, []).append((row_id, key, more, bool(position), _market.decode(body)))
            case "result":
                self.results.setdefault(fixture_id, {})[ref] = _result.decode(body)
            case "state":
                self.states.setdefault(fixture_id, []).append(_state.decode(body))
            case "points":
                self.points[fixture_id] = _bound(columns)
            case "link" | "led":
                self.links[fixture_id] = _Linked(row_id, position, kind == "link", _link.decode(body))
            case "chosen":
                self.chosen.setdefault(fixture_id, {})[key] = ref
            case "marks":
                self.marks[fixture_id] = marks_from(body.encode())
            case _:
                details, coverage = _details.decode(more or "null"), _coverage.decode(key or "null")
                self.fixtures[fixture_id] = (_fixture.decode(body), ref, details, coverage)

    def snapshot(self, fixture_id: int) -> FixtureSnapshot:
        row, ref, details, coverage = self.fixtures[fixture_id]
        points = self.points.get(fixture_id)
        linked = self.links.get(fixture_id)
        states = tuple(self.states.get(fixture_id, ()))
        return FixtureSnapshot(
            id=fixture_id,
            source_id=row.source_id,
            source=row.source,
            ref=ref,
            match_id=row.match_id,
            sport=row.sport or "",
            sport_name=row.sport_name or "",
            name=row.name,
            competition_ref=row.competition_ref,
            competition_name=row.competition_name,
            home_name=row.home_name,
            away_name=row.away_name,
            phase=joint_phase(row.phase, points),
            revision=row.revision + (points.revision if points else 0) + (linked.version if linked else 0),
            total_odds=row.total_odds,
            simulated=bool(row.simulated or row.source_simulated),
            start=row.start,
            changed_at=row.changed_at,
            details=details,
            facts=msgspec.structs.replace(_facts(fixture_id, row, details, coverage, states, points), link=self._linked(fixture_id, row)),
            markets=self._market_rows(fixture_id),
            results=self.results.get(fixture_id, {}),
            scoreboard=_scoreboard(states),
            started=bool(row.started),
            points=points,
            linked_match_ids=(linked.row.match_id,) if linked and linked.row.match_id is not None else (),
        )

    def _linked(self, fixture_id: int, row: _Fixture) -> Link | None:
        linked = self.links.get(fixture_id)
        if linked is None:
            return None
        said = linked.row
        return Link(
            other_id=linked.other_id,
            own=row.source,
            other=said.other,
            leads=linked.leads,
            crossed=bool(said.crossed),
            chosen=self.chosen.get(fixture_id, {}),
            broken_at=said.broken_at,
            broken_cause=said.broken_cause,
        )

    def _market_rows(self, fixture_id: int) -> tuple[MarketRow, ...]:
        return tuple(self._market_row(fixture_id, m) for m in sorted(self.markets.get(fixture_id, ()), key=lambda m: m[0]))

    def _market_row(self, fixture_id: int, columns: _MarketColumns) -> MarketRow:
        row_id, key, group, main, market = columns
        chosen = sorted(self.selections.get(row_id, ()), key=lambda s: s[:2])
        msgspec.structs.force_setattr(market, "selections", tuple(s[3] for s in chosen))  # nobody else holds it yet
        facts = self._market_facts(fixture_id, row_id, group, market)
        return MarketRow(row_id, key, group, facts, tuple(s[2] for s in chosen), main)

    def _market_facts(self, fixture_id: int, row_id: int, group: str, market: Market) -> MarketFacts:
        marked = self.marks.get(fixture_id, {})
        seen, result_seen = marked.get(market_mark(market.ref)), marked.get(result_mark(market.ref))
        return MarketFacts(
            id=row_id,
            market=market,
            seen_at=seen.proven_at if seen else NEVER,
            result=self.results.get(fixture_id, {}).get(market.ref),
            result_seen_at=result_seen.seen_at if result_seen else None,
            fresh_kept=seen.fresh_kept if seen else None,
            fresh_sent=seen.fresh_sent if seen else None,
            group=group,
        )


def _bound(columns: tuple[Any, ...]) -> Points:
    """Of a ``points`` row without kind and owner."""
    points_id, source_id, revision, ref, name, body, state = columns
    row = _points.decode(body)
    return Points(
        fixture_id=points_id,
        source_id=source_id,
        source=row.source,
        ref=ref,
        name=name,
        revision=revision,
        team_a_home=bool(row.team_a_home),
        match=_tennis.decode(state or "null"),
        broken_at=row.broken_at,
        broken_cause=row.broken_cause,
    )


def _facts(
    fixture_id: int,
    row: _Fixture,
    details: FixtureDetails | None,
    coverage: Coverage | None,
    states: tuple[MatchState, ...],
    points: Points | None,
) -> FixtureFacts:
    begun = bool(points and points.match and points.match.started)
    return FixtureFacts(
        id=fixture_id,
        has_details=bool(row.has_details),
        status=_status(row.status),
        started=begun or bool(row.started) or bool(details and details.is_off),
        sport=row.sport or "",
        competition=f"{row.source_id}:{row.competition_ref}" if row.competition_ref else "",
        coverage=coverage,
        match_states=states,
        simulated=bool(row.simulated or row.source_simulated),
        status_text=details.status_text if details else "",
    )


def _status(word: str) -> FixtureStatus:
    """A word that we do not know is held (U6)."""
    return _STATUSES.get(word, FixtureStatus.UNRECOGNISED)


def _scoreboard(states: tuple[MatchState, ...]) -> dict[str, Any]:
    """A summary's board before a details' one."""
    shown = sorted((s for s in states if s.scoreboard), key=lambda s: (not s.element.endswith("MatchSummary"), s.element))
    return shown[0].scoreboard if shown else {}
