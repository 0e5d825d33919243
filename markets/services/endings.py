"""Overrides that a message ends: moved line, result, deleted fixture (promise C2, decision U5), each audited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from markets.domain.fold import Folded
from markets.models import Override

from . import audit, revisions
from .factstore import Held

LINE_MOVED = "line moved"
RESULTED = "resulted"
DELETED = "deleted"


def causes(held: Held, folded: Folded) -> dict[int, str]:
    """Market row ids whose overrides end, each with its cause; the widest cause wins."""
    ended = dict.fromkeys(folded.line_moved, LINE_MOVED) | dict.fromkeys(_resulted(folded), RESULTED)
    if folded.deleted:
        ended = dict.fromkeys(held.markets, DELETED)
    return {held.markets[ref].id: cause for ref, cause in ended.items() if ref in held.markets}


def _resulted(folded: Folded) -> list[str]:
    """A withdrawal gives back no override and ends none."""
    return [ref for ref in folded.resulted if not folded.state.results[ref].result.withdrawn]


class Origin(Struct, frozen=True):
    """The message that ends an override: source's slug, guid, and the database time."""

    slug: str
    guid: str
    at: datetime


def end(held: Held, ended: Mapping[int, str], origin: Origin) -> int:
    """End what is in effect on these markets; returns how many overrides ended.

    The selections' books are locked first and in one order, as every command on an override does. One whose time is over is left to
    the clock, so that its end has one record with the right cause.
    """
    if not ended:
        return 0
    in_effect = Override.objects.filter(fixture_id=held.id, market_id__in=list(ended), ended_at__isnull=True, ends_at__gt=origin.at)
    if not (pairs := sorted(in_effect.values_list("selection_id", "bookmaker_id"))):
        return 0
    books = [revisions.lock_book(bookmaker_id, selection_id) for selection_id, bookmaker_id in pairs]
    overrides = list(in_effect.select_for_update(no_key=True, of=("self",)).select_related("selection", "market"))
    for override in overrides:
        Override.objects.filter(pk=override.pk).update(ended_at=origin.at, ended_cause=ended[override.market_id])
    for book in books:
        revisions.raise_version(book)
    revisions.raise_fixtures((override.bookmaker_id, held.id) for override in overrides)
    audit.record_many([_record(override, held, ended[override.market_id], origin) for override in overrides])
    return len(overrides)


def _record(override: Override, held: Held, cause: str, origin: Origin) -> audit.Record:
    return audit.Record(
        at=origin.at,
        actor=f"feed:{origin.slug}",
        actor_name=origin.slug,
        action="override ended",
        bookmaker_id=override.bookmaker_id,
        fixture_id=held.id,
        market_id=override.market_id,
        selection_id=override.selection_id,
        object_words=f"{held.name}: {override.market.name}: {override.selection.name}",
        before={"kind": override.kind, "value": str(override.value), "endsAt": override.ends_at.isoformat(), "by": override.by},
        after={"ended": cause},
        reason=cause,
        message=origin.guid,
    )
