"""What is recorded of a source's life: heard, listening, slow, gaps (promises A3–A5).

Every write is one statement, so that receivers and drains never wait for each other longer than that.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from markets import db
from markets.models import Fixture, Gap, Source, SourceLiveness

from . import doorbell

HOLE = timedelta(seconds=3)
ORDER_PROOF = "the provider's order"


def register(source: Source) -> None:
    """Give a new source its liveness row."""
    SourceLiveness.objects.get_or_create(source=source)


def heard(source_id: int, at: datetime) -> None:
    """An authenticated heartbeat or message came at ``at``; an older time never replaces a newer one."""
    row = SourceLiveness.objects.filter(Q(heard_at__isnull=True) | Q(heard_at__lt=at), source_id=source_id)
    if not row.update(heard_at=at):
        SourceLiveness.objects.bulk_create([SourceLiveness(source_id=source_id, heard_at=at)], ignore_conflicts=True)


def mark_slow(source_id: int, until: datetime) -> None:
    """The source has a backlog: closed until ``until`` at least (A4); the latest word counts."""
    SourceLiveness.objects.filter(source_id=source_id).update(slow_until=until)


def listening(source_id: int) -> bool:
    """Stamp that somebody receives for this source; true when nobody had for over 3 s, and a gap was opened (A5).

    While there is no hole it is one statement; the hole is found under the row's lock, so that of several receivers exactly one finds it.
    """
    now = db.now()
    if SourceLiveness.objects.filter(source_id=source_id, listening_at__range=(now - HOLE, now)).update(listening_at=now):
        return False
    with transaction.atomic():
        before = _exchange_listening(source_id, now)
        if before is None or now - before <= HOLE:
            return False
        open_gap(source_id, f"nobody was receiving for {(now - before).total_seconds():.1f} s")
        return True


def _exchange_listening(source_id: int, now: datetime) -> datetime | None:
    row = SourceLiveness.objects.select_for_update().filter(source_id=source_id).first()
    if row is None:
        SourceLiveness.objects.bulk_create([SourceLiveness(source_id=source_id, listening_at=now)], ignore_conflicts=True)
        return None
    SourceLiveness.objects.filter(source_id=source_id).update(listening_at=max(now, row.listening_at or now))
    return row.listening_at


def open_gap(
    source_id: int,
    cause: str,
    *,
    fixture_ref: str | None = None,
    sticky: bool = False,
    frame_id: int | None = None,
    at: datetime | None = None,
) -> int:
    """Record a reason to believe that something was missed; of one fixture, or of the whole feed. Its id.

    ``at``: database time from which on newer messages clear it, now unless said otherwise. Takes the place of earlier open ones of the
    same scope, where neither is sticky or belongs to a message: whatever clears the later would have cleared those.
    """
    fixture_id = ensure_fixture(source_id, fixture_ref) if fixture_ref else None
    gap = Gap.objects.create(
        source_id=source_id, fixture_id=fixture_id, opened_at=at or db.now(), cause=cause[:300], sticky=sticky, frame_id=frame_id
    )
    if frame_id is None and not sticky:
        _merge_earlier(gap)
    _ring(source_id, fixture_id)
    return int(gap.pk)


def _merge_earlier(gap: Gap) -> None:
    """By ids, so that of two that open at once only the first is closed."""
    same_scope = Gap.objects.filter(Q(fixture=gap.fixture_id), source_id=gap.source_id, sticky=False, frame_id=None, closed_at=None)
    earlier = same_scope.filter(pk__lt=gap.pk, opened_at__lte=gap.opened_at)
    earlier.update(closed_at=db.now(), closed_by="feed", closed_reason="merged into a later gap")


def close_gap(gap_id: int, by: str, reason: str) -> None:
    """End a gap; closing it twice changes nothing."""
    open_row = Gap.objects.filter(pk=gap_id, closed_at__isnull=True)
    if open_row.update(closed_at=db.now(), closed_by=by[:150], closed_reason=reason[:300]):
        gap = Gap.objects.get(pk=gap_id)
        _ring(gap.source_id, gap.fixture_id)


def ensure_fixture(source_id: int, ref: str) -> int:
    """The row id of a fixture, making a stub when it was never seen (U11)."""
    if (found := _fixture_id(source_id, ref)) is not None:
        return found
    simulated = Source.objects.values_list("simulated", flat=True).get(pk=source_id)
    stub = Fixture(source_id=source_id, ref=ref, simulated=simulated, changed_at=db.now())
    Fixture.objects.bulk_create([stub], ignore_conflicts=True)
    return int(Fixture.objects.values_list("pk", flat=True).get(source_id=source_id, ref=ref))


def _fixture_id(source_id: int, ref: str) -> int | None:
    return Fixture.objects.filter(source_id=source_id, ref=ref).values_list("pk", flat=True).first()


def _ring(source_id: int, fixture_id: int | None) -> None:
    doorbell.ring(f"s:{source_id}" if fixture_id is None else f"f:{fixture_id}")
