"""What the audit says of a bound fixture when its match goes back on its word: a score after a result, an outcome by hand (T6, U10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from markets.domain import facts
from markets.domain.fences import SPORTS
from markets.domain.fold import Folded
from markets.domain.sports.tennis import Tennis, doubted
from markets.domain.state import FixtureState, result_mark
from markets.models import Binding, Fixture, FixtureMarks, Market, Result

from . import audit, streams
from .factstore import Held

WENT_BACK = "score went back after result"
DISPUTED = "outcome by hand disputed"


class Origin(Struct, frozen=True):
    """The message: source's slug, its guid, the database time."""

    slug: str
    guid: str
    at: datetime


def records(held: Held, before: FixtureState, folded: Folded, origin: Origin) -> Iterator[audit.Record]:
    """One for each fixture concerned: of a match's message, those bound to it; of a result's message, the fixture itself."""
    if folded.undone:
        yield from _undone(held, folded.state.tennis, origin)
    if words := _dispute(before.tennis, folded.state.tennis):
        for fixture in Fixture.objects.filter(pk__in=streams.bound_to([held])):
            yield _record(fixture, DISPUTED, words, origin)
    if folded.resulted and held.sport_slug in SPORTS:
        yield from _resulted(held, folded, origin)


def _undone(held: Held, match: Tennis | None, origin: Origin) -> Iterator[audit.Record]:
    for fixture in Fixture.objects.filter(pk__in=streams.bound_to([held])):
        stored = FixtureMarks.objects.filter(pk=fixture.pk).values_list("marks", flat=True).first()
        marks = facts.marks_from(stored) if stored else {}
        results = Result.objects.filter(fixture=fixture, withdrawn=False).values_list("market_ref", flat=True)
        found = {ref: mark for ref in results if (mark := marks.get(result_mark(ref)))}
        words = {ref: said for ref, mark in found.items() if (said := doubted(match, mark.seen_at))}
        if words:
            yield _record(fixture, WENT_BACK, next(iter(words.values())), origin, tuple(words))


def _resulted(held: Held, folded: Folded, origin: Origin) -> Iterator[audit.Record]:
    """A result that comes while the umpire still corrects the score."""
    refs = tuple(ref for ref in folded.resulted if not folded.state.results[ref].result.withdrawn)
    bound = Binding.objects.filter(fixture_id=held.id, ended_at=None).values_list("points__point_state__state", flat=True).first()
    match = facts.tennis_from(bound) if bound else None
    marks = folded.state.marks
    words = {ref: said for ref in refs if (said := doubted(match, marks[result_mark(ref)].seen_at))}
    if words:
        yield _record(Fixture.objects.get(pk=held.id), WENT_BACK, next(iter(words.values())), origin, tuple(words))


def _dispute(before: Tennis | None, after: Tennis | None) -> str:
    if after is None or after.hand is None or before is None or before.hand is None:
        return ""
    return after.hand.disputed if after.hand.disputed != before.hand.disputed else ""


def _record(fixture: Fixture, action: str, reason: str, origin: Origin, refs: tuple[str, ...] = ()) -> audit.Record:
    names = dict(Market.objects.filter(fixture=fixture, ref__in=refs).values_list("ref", "name"))
    return audit.Record(
        at=origin.at,
        actor=f"feed:{origin.slug}",
        actor_name=origin.slug,
        action=action,
        fixture_id=fixture.pk,
        object_words=str(fixture),
        after={"markets": {ref: names.get(ref, "") for ref in refs}} if refs else None,
        reason=reason,
        message=origin.guid,
    )
