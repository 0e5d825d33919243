"""Order as a proof that nothing was missed, where a feed's setting says that it is contiguous (decision U3, promise A5 ii)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from markets.domain.fold import Folded, Hole
from markets.models import Confirmation, Gap

from . import sources
from .factstore import Held

MOST_GAPS = 16


def notes(folded: Folded, contiguous: bool) -> tuple[str, ...]:
    """A jump is noted; that it is also a gap is said where the feed's orders are contiguous."""
    if folded.hole is None:
        return ()
    return (f"{_words(folded.hole)} not seen{': a gap' if contiguous else ''}",)


class Origin(Struct, frozen=True):
    """Where a message's order counts and what its frame was."""

    source_id: int
    stream: str
    kept_at: datetime
    frame_id: int


def follow(held: Held, folded: Folded, origin: Origin) -> None:
    """Open a gap for every order jumped over; close the one of an order that comes after all."""
    if folded.hole is not None:
        for cause in _causes(folded.hole):
            sources.open_gap(origin.source_id, cause, fixture_ref=held.ref, frame_id=origin.frame_id, at=origin.kept_at)
    if folded.fills is not None:
        cause = _words(Hole(origin.stream, folded.fills, folded.fills)) + " missing"
        missing = Gap.objects.filter(source_id=origin.source_id, fixture_id=held.id, cause=cause, closed_at__isnull=True)
        for gap_id in missing.values_list("pk", flat=True):
            sources.close_gap(gap_id, sources.ORDER_PROOF, "the missing message came")


def prove(source_id: int, fixtures: Mapping[int, datetime]) -> None:
    """Fixtures (row id → when kept) whose orders went on without a hole: nothing of theirs was missed in the feed's gaps before that.

    Each gets its own word for each gap, as a trader would give it; a quarantined message is not answered by this.
    """
    if not fixtures:
        return
    gaps = list(Gap.objects.filter(source_id=source_id, fixture=None, sticky=False, closed_at=None).values_list("pk", "opened_at"))
    given = set(Confirmation.objects.filter(gap__in=[gap_id for gap_id, _ in gaps]).values_list("fixture_id", "gap_id"))
    Confirmation.objects.bulk_create(
        Confirmation(source_id=source_id, fixture_id=fixture_id, gap_id=gap_id, at=kept_at, by=sources.ORDER_PROOF)
        for fixture_id, kept_at in fixtures.items()
        for gap_id, opened_at in gaps
        if kept_at > opened_at and (fixture_id, gap_id) not in given
    )


def _causes(hole: Hole) -> list[str]:
    """One gap each, so that each can be filled; a long hole is one gap that no single message fills."""
    if hole.last - hole.first >= MOST_GAPS:
        return [f"{_words(hole)} missing"]
    return [f"{_words(Hole(hole.stream, order, order))} missing" for order in range(hole.first, hole.last + 1)]


def _words(hole: Hole) -> str:
    orders = f"order {hole.first}" if hole.first == hole.last else f"orders {hole.first} to {hole.last}"
    return f"{orders} of stream {hole.stream}" if hole.stream else orders
