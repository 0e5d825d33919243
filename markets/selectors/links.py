"""Fixtures that two feeds may both know: proposed, linked, and one beside the other (docs/architecture.md 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from msgspec import Struct

from markets.domain import facts
from markets.domain.matching import Look, Proposal, fixture_look, fixture_sides, propose
from markets.domain.values import Phase
from markets.models import Fixture, Link

from .board import at_hand, visible

MOST = 300


class SideRow(Struct, frozen=True):
    """A fixture of one feed."""

    id: int
    source: str
    name: str
    competition: str
    start: datetime | None
    simulated: bool


class PairRow(Struct, frozen=True):
    """Two fixtures that may be one match; ``proposal.team_a_home`` false: the sides are crossed."""

    fixture: SideRow
    other: SideRow
    proposal: Proposal


class LinkRow(Struct, frozen=True):
    """A link that stands; ``by`` and ``why`` are empty where another bookmaker's trader made it (E1)."""

    fixture: SideRow
    other: SideRow
    crossed: bool
    linked_at: datetime
    by: str
    why: str
    broken_at: datetime | None
    broken_cause: str


class Listing(Struct, frozen=True):
    """``alone``: fixtures that can be linked by hand, of sports that more than one feed knows."""

    pairs: tuple[PairRow, ...]
    linked: tuple[LinkRow, ...]
    alone: tuple[SideRow, ...]


class _Side(Struct, frozen=True):
    row: SideRow
    source_id: int
    look: Look


def listing(bookmaker_id: UUID, using: str = "default") -> Listing:
    """Everything of one bookmaker's page. Two queries."""
    by_sport = _unlinked(bookmaker_id, using)
    pairs = [pair for sides in by_sport.values() for pair in _pairs(sides)]
    pairs.sort(key=lambda pair: -pair.proposal.score)
    alone = tuple(side.row for sides in by_sport.values() for side in sides)
    return Listing(tuple(pairs[:MOST]), tuple(_linked(bookmaker_id, using)), alone)


def _unlinked(bookmaker_id: UUID, using: str) -> dict[int, list[_Side]]:
    """By sport, of sports of which more than one feed tells; near, not over, competitors known."""
    by_sport: dict[int, list[_Side]] = defaultdict(list)
    for row in _open(bookmaker_id, using)[: 2 * MOST]:
        details = facts.details_from(row.details) if row.details else None
        if row.sport_id is not None and fixture_sides(details).known:
            by_sport[row.sport_id].append(_Side(_side(row), row.source_id, fixture_look(details)))
    return {sport: sides for sport, sides in by_sport.items() if len({side.source_id for side in sides}) > 1}


def _open(bookmaker_id: UUID, using: str) -> QuerySet[Fixture]:
    standing = Link.objects.filter(Q(fixture=OuterRef("pk")) | Q(other=OuterRef("pk")), ended_at=None)
    return at_hand(bookmaker_id, using).exclude(Exists(standing))


def _pairs(sides: Sequence[_Side]) -> Iterator[PairRow]:
    """The best other for each, each fixture once; the fixture that was known first leads."""
    fits = [
        (found.score, one, other, found)
        for at, one in enumerate(sides)
        for other in sides[at + 1 :]
        if one.source_id != other.source_id and one.row.simulated == other.row.simulated and (found := propose(one.look, other.look))
    ]
    taken: set[int] = set()
    for _, one, other, found in sorted(fits, key=lambda fit: -fit[0]):
        lead, led = sorted((one.row, other.row), key=lambda row: row.id)
        if not {lead.id, led.id} & taken:
            taken |= {lead.id, led.id}
            yield PairRow(lead, led, found)


def _linked(bookmaker_id: UUID, using: str) -> Iterable[LinkRow]:
    seen = visible(bookmaker_id, using).order_by()
    rows = Link.objects.using(using).filter(ended_at=None, fixture__in=seen, other__in=seen).exclude(fixture__phase=Phase.FINISHED.value)
    for row in rows.select_related("fixture__source", "other__source").order_by("-broken_at", "fixture__start", "pk")[:MOST]:
        own = row.bookmaker_id == bookmaker_id
        yield LinkRow(
            fixture=_side(row.fixture),
            other=_side(row.other),
            crossed=row.crossed,
            linked_at=row.linked_at,
            by=row.by if own else "",
            why=row.why if own else "",
            broken_at=row.broken_at,
            broken_cause=row.broken_cause,
        )


def _side(row: Fixture) -> SideRow:
    return SideRow(row.pk, row.source.slug, row.name, row.competition_name, row.start, row.simulated)
