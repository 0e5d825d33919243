"""Recording that a deadline passed. Readers have acted on it already; this closes the row and writes its one record (C1, F1)."""

from __future__ import annotations

from collections.abc import Sequence

from markets.domain.values import Scope
from markets.models import Hold, Override

from . import reach, revisions, standing
from .actor import CLOCK
from .audit import Record, record_many
from .errors import NotFound

EXPIRED = "expired"


def overrides(due: Sequence[Override]) -> int:
    """Close overrides whose rows the caller has locked, at their own deadline; returns how many."""
    for row in due:
        row.ended_at, row.ended_cause = row.ends_at, EXPIRED
    Override.objects.bulk_update(due, ["ended_at", "ended_cause"])
    record_many([_override_record(row) for row in due])
    revisions.raise_fixtures((row.bookmaker_id, row.fixture_id) for row in due)
    return len(due)


def holds(due: Sequence[Hold]) -> int:
    """Close timed holds whose rows the caller has locked, at their own deadline; returns how many."""
    for row in due:
        row.released_at, row.released_by = row.ends_at, CLOCK.name
    Hold.objects.bulk_update(due, ["released_at", "released_by"])
    record_many([_hold_record(row) for row in due])
    for row in due:
        revisions.raise_for_hold(row)
    return len(due)


def _override_record(row: Override) -> Record:
    return Record(
        at=row.ends_at,
        actor=CLOCK.id,
        actor_name=CLOCK.name,
        action="override expired",
        bookmaker_id=row.bookmaker_id,
        fixture_id=row.fixture_id,
        market_id=row.market_id,
        selection_id=row.selection_id,
        object_words=standing.words_of(row.selection),
        before=standing.override_facts(row),
        via=CLOCK.via,
    )


def _hold_record(row: Hold) -> Record:
    return Record(
        at=row.ends_at or row.since,
        actor=CLOCK.id,
        actor_name=CLOCK.name,
        action="hold ended",
        bookmaker_id=row.bookmaker_id,
        fixture_id=row.fixture_id,
        market_id=int(row.target) if row.scope == Scope.MARKET else None,
        selection_id=int(row.target) if row.scope == Scope.SELECTION else None,
        object_words=_hold_words(row),
        before={"by": row.by, "owner": row.owner, "since": row.since.isoformat(), "reason": row.reason},
        via=CLOCK.via,
    )


def _hold_words(row: Hold) -> str:
    """As when it was laid; its target may have gone since."""
    try:
        return f"{row.scope}: {reach.resolve(None, Scope(row.scope), row.target).words}"
    except NotFound:
        return f"{row.scope}: {row.target}"
