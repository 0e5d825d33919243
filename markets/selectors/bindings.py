"""Bound and unbound: matches of point feeds beside the fixtures that they may be (decision T7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from msgspec import Struct

from markets import db
from markets.domain import facts
from markets.domain.fences import SPORTS
from markets.domain.matching import Look, Proposal, fixture_look, match_look, match_sides, propose
from markets.domain.messages import FixtureDetails
from markets.domain.sports.tennis import Tennis, back_words
from markets.domain.values import Phase
from markets.models import Binding, Bookmaker, Fixture

from .board import NEAR, at_hand, visible

MOST = 300


class MatchRow(Struct, frozen=True):
    """A match of a point feed that is bound to nothing. ``bindable``: its players are known."""

    id: int
    source: str
    ref: str
    name: str
    start: datetime | None
    state: str
    bindable: bool


class FixtureRow(Struct, frozen=True):
    """A fixture of a sport with a point feed that is bound to none. ``proposal``: the match that fits best, where one fits."""

    id: int
    source: str
    name: str
    competition: str
    start: datetime | None
    phase: str
    simulated: bool
    match: MatchRow | None = None
    proposal: Proposal | None = None


class BoundRow(Struct, frozen=True):
    """A binding that stands; ``by`` and ``why`` are empty where another bookmaker's trader made it (E1). ``stuck``: why the match's stream
    may be begun anew, empty while it goes on.
    """

    fixture_id: int
    fixture: str
    ref: str
    match: str
    source: str
    team_a_home: bool
    bound_at: datetime
    by: str
    why: str
    broken_at: datetime | None
    broken_cause: str
    stuck: str = ""


class MatchPlace(Struct, frozen=True):
    """Where a match of a point feed is seen: in the fixture that it is bound to, or in none."""

    fixture_id: int | None


class Listing(Struct, frozen=True):
    """Everything of one bookmaker's page."""

    bound: tuple[BoundRow, ...]
    fixtures: tuple[FixtureRow, ...]
    matches: tuple[MatchRow, ...]


class _Match(Struct, frozen=True):
    row: MatchRow
    look: Look
    simulated: bool


def listing(bookmaker_id: UUID, using: str = "default") -> Listing:
    """Bound, and unbound on both sides, of the fixtures that the bookmaker may see; the proposals beside them. Four queries."""
    matches = _unbound_matches(bookmaker_id, using)
    fixtures = [_fixture_row(row, matches) for row in _unbound_fixtures(bookmaker_id, using)[:MOST]]
    fixtures.sort(key=lambda row: (row.proposal is None, -(row.proposal.score if row.proposal else 0)))
    return Listing(tuple(_bound(bookmaker_id, using)), tuple(fixtures), tuple(match.row for match in matches))


def proposal(bookmaker_id: UUID, fixture_id: int, using: str = "default") -> FixtureRow | None:
    """One unbound fixture with the match that fits it best; ``None`` when it is bound, of another sport or not to be seen."""
    row = _unbound_fixtures(bookmaker_id, using).filter(pk=fixture_id).first()
    return _fixture_row(row, _unbound_matches(bookmaker_id, using)) if row is not None else None


def place_of(bookmaker_id: UUID, match_id: int, using: str = "default") -> MatchPlace | None:
    """``None`` when it is no match of a point feed, or not to be known of (promise E1)."""
    rows = _matches(bookmaker_id, using)
    if rows is None or not rows.filter(pk=match_id).exists():
        return None
    standing = Binding.objects.using(using).filter(points=match_id, ended_at=None, fixture__in=visible(bookmaker_id, using).order_by())
    return MatchPlace(standing.values_list("fixture_id", flat=True).first())


def _fixture_row(row: Fixture, matches: Sequence[_Match]) -> FixtureRow:
    details = _details(row)
    best = _best(fixture_look(details), [match for match in matches if match.simulated == row.simulated])
    return FixtureRow(
        id=row.pk,
        source=row.source.slug,
        name=row.name,
        competition=row.competition_name,
        start=row.start,
        phase=row.phase,
        simulated=row.simulated,
        match=best[0].row if best else None,
        proposal=best[1] if best else None,
    )


def _best(look: Look, matches: Iterable[_Match]) -> tuple[_Match, Proposal] | None:
    fits = [(match, found) for match in matches if match.row.bindable and (found := propose(look, match.look))]
    return max(fits, key=lambda fit: fit[1].score, default=None)


def _unbound_fixtures(bookmaker_id: UUID, using: str) -> QuerySet[Fixture]:
    of_sport = at_hand(bookmaker_id, using).filter(sport__slug__in=SPORTS)
    return of_sport.exclude(Exists(Binding.objects.filter(fixture=OuterRef("pk"), ended_at=None)))


def _unbound_matches(bookmaker_id: UUID, using: str) -> list[_Match]:
    """Matches that are not over and bound to nothing."""
    rows = _matches(bookmaker_id, using)
    if rows is None:
        return []
    rows = rows.filter(source__enabled=True).exclude(phase=Phase.FINISHED.value)
    rows = rows.exclude(Exists(Binding.objects.filter(points=OuterRef("pk"), ended_at=None)))
    rows = rows.filter(changed_at__gt=db.now(using) - NEAR)
    return [_match_row(row) for row in rows.select_related("source", "point_state").order_by("start", "ref")[:MOST]]


def _matches(bookmaker_id: UUID, using: str) -> QuerySet[Fixture] | None:
    """Of point feeds, for who may see their sport; simulated ones for demo bookmakers only (P5)."""
    of = Bookmaker.objects.using(using).filter(pk=bookmaker_id, sports__slug__in=SPORTS).first()
    if of is None:
        return None
    rows = Fixture.objects.using(using).filter(source__provider__in=SPORTS)
    return rows if of.demo else rows.filter(simulated=False, source__simulated=False)


def _match_row(row: Fixture) -> _Match:
    details, match = _details(row), _match(row)
    look = match_look(details, match)
    shown = MatchRow(
        id=row.pk,
        source=row.source.slug,
        ref=row.ref,
        name=f"{' / '.join(look.first) or 'not known'} v {' / '.join(look.second) or 'not known'}",
        start=row.start,
        state=match.state if match else "NotStarted",
        bindable=match_sides(details, match).known,
    )
    return _Match(shown, look, row.simulated)


def _bound(bookmaker_id: UUID, using: str) -> Iterable[BoundRow]:
    rows = Binding.objects.using(using).filter(ended_at=None, fixture__in=visible(bookmaker_id, using).order_by())
    rows = rows.exclude(fixture__phase=Phase.FINISHED.value).select_related("fixture", "points__source", "points__point_state")
    for row in rows.order_by("-broken_at", "fixture__start", "pk")[:MOST]:
        yield BoundRow(
            fixture_id=row.fixture_id,
            fixture=row.fixture.name,
            ref=row.points.ref,
            match=row.points.name,
            source=row.points.source.slug,
            team_a_home=row.team_a_home,
            bound_at=row.bound_at,
            by=row.by if row.bookmaker_id == bookmaker_id else "",
            why=row.why if row.bookmaker_id == bookmaker_id else "",
            broken_at=row.broken_at,
            broken_cause=row.broken_cause,
            stuck=_stuck(_match(row.points)),
        )


def _stuck(match: Tennis | None) -> str:
    return back_words(match) if match is not None and match.course.back is not None and not match.ended else ""


def _details(row: Fixture) -> FixtureDetails | None:
    return facts.details_from(row.details) if row.details else None


def _match(row: Any) -> Tennis | None:
    state = getattr(row, "point_state", None)
    return facts.tennis_from(state.state) if state is not None else None
