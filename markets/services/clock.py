"""What time alone changes, painted and audited (promises C1, F1). No price depends on it: readers compare deadlines themselves.

Several processes sweep at once: a row is claimed by lock or by conditional update, so that each change has one record.
When nothing is due a sweep is five reads and takes no transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from django.db import transaction
from django.db.models import Count, Q

from markets import db
from markets.domain.rules import BACKLOG_LIMIT, FeedHealth
from markets.domain.values import MarketStatus, Phase
from markets.models import ClockMark, Fixture, Hold, Market, Override, SourceLiveness
from markets.selectors.health import load_health

from . import clearing, doorbell, expiring, idempotency, revisions, throttle
from .actor import CLOCK
from .audit import Record, record_many

BATCH = 500
INSTANTS = 50
EXPIRY = "expiry"
TIDY = "tidy"
EVERY = timedelta(seconds=30)
GAPS = "gaps"
GAPS_EVERY = timedelta(seconds=5)
SILENT = "silent"
BEHIND = "behind"
LIVE = "live"
WORDS = {
    (SILENT, True): "feed silent",
    (SILENT, False): "feed heard",
    (BEHIND, True): "feed behind",
    (BEHIND, False): "feed caught up",
}


def sweep(now: datetime | None = None) -> int:
    """Record what fell due by ``now`` (database time); returns how many records were written. Safe in several processes at once."""
    at = now or db.now()
    written = _overrides(at) + _holds(at) + _feeds(at) + _expiries(at)
    _tidy(at)
    _clear_gaps(at)
    return written


def _overrides(now: datetime) -> int:
    """One transaction a bookmaker and fixture, the order in which commands lock."""
    due = Override.objects.filter(ended_at=None, ends_at__lte=now).order_by("ends_at").values_list("bookmaker_id", "fixture_id", "id")
    return sum(_end_overrides([row[2] for row in rows], now) for _, rows in groupby(sorted(due[:BATCH]), key=itemgetter(0, 1)))


def _end_overrides(ids: list[int], now: datetime) -> int:
    with transaction.atomic():
        locked = Override.objects.select_for_update(skip_locked=True, of=("self",)).select_related("selection__market__fixture")
        return expiring.overrides(list(locked.filter(pk__in=ids, ended_at=None, ends_at__lte=now)))


def _holds(now: datetime) -> int:
    due = Hold.objects.filter(released_at=None, ends_at__lte=now).order_by("ends_at")[:BATCH]
    return sum(_end_hold(hold, now) for hold in due)


def _end_hold(hold: Hold, now: datetime) -> int:
    with transaction.atomic():
        revisions.lock_for_hold(hold)
        locked = Hold.objects.select_for_update(skip_locked=True, of=("self",))
        return expiring.holds(list(locked.filter(pk=hold.pk, released_at=None, ends_at__lte=now)))


def _feeds(now: datetime) -> int:
    """Leases and backlogs against what was last recorded of each source."""
    recorded = {row.source_id: row for row in SourceLiveness.objects.all()}
    health = load_health()
    return sum(_record_feed(recorded[i], feed, now) for i, feed in health.items() if i in recorded and feed.enabled)


def _record_feed(row: SourceLiveness, feed: FeedHealth, now: datetime) -> int:
    before, after = _recorded(row.recorded_state), _state(feed, now)
    if feed.heard_at is None or before == after:
        return 0
    claim = SourceLiveness.objects.filter(Q(recorded_at=None) | Q(recorded_at__lt=now), pk=row.pk, recorded_state=row.recorded_state)
    with transaction.atomic():
        if not claim.update(recorded_state=" ".join(sorted(after)) or LIVE, recorded_at=now):
            return 0
        changed = sorted(before ^ after)
        record_many([_feed_record(feed, cause, began=cause in after, now=now) for cause in changed])
        doorbell.ring(doorbell.source(row.pk))
    return len(changed)


def _recorded(state: str) -> frozenset[str]:
    """Causes recorded; a feed never recorded counts as silent, so that its first sign of life has its record."""
    if state == LIVE:
        return frozenset()
    return frozenset({SILENT}) if state == "unknown" else frozenset(state.split())


def _state(feed: FeedHealth, now: datetime) -> frozenset[str]:
    silent = feed.heard_at is None or now >= feed.heard_at + timedelta(seconds=feed.lease_seconds)
    oldest = feed.oldest_pending_at
    late = oldest is not None and now - oldest >= BACKLOG_LIMIT
    behind = late or (feed.slow_until is not None and now <= feed.slow_until)
    return frozenset(cause for cause, holds in ((SILENT, silent), (BEHIND, behind)) if holds)


def _feed_record(feed: FeedHealth, cause: str, *, began: bool, now: datetime) -> Record:
    at = _since(feed, cause, began, now)
    return Record(
        at=at,
        actor=CLOCK.id,
        actor_name=CLOCK.name,
        action=WORDS[cause, began],
        object_words=f"feed {feed.source}",
        before={cause: not began},
        after={cause: began},
        reason=f"silent for over {feed.lease_seconds:g} s" if (cause, began) == (SILENT, True) else "",
        via=CLOCK.via,
    )


def _since(feed: FeedHealth, cause: str, began: bool, now: datetime) -> datetime:
    """When it happened, as far as the store tells; never later than now."""
    at: datetime | None = None
    if cause == SILENT and feed.heard_at is not None:
        at = feed.heard_at + timedelta(seconds=feed.lease_seconds) if began else feed.heard_at
    elif cause == BEHIND and began and feed.oldest_pending_at is not None:
        at = feed.oldest_pending_at + BACKLOG_LIMIT
    elif cause == BEHIND and not began:
        at = feed.slow_until
    return min(at, now) if at is not None else now


def _expiries(now: datetime) -> int:
    """Pre-match markets past their expiry: one record a fixture and instant."""
    mark = _mark(EXPIRY, now)
    due = Market.objects.filter(in_play=False, expiry__gt=mark.at, expiry__lte=now, status=MarketStatus.OPEN.value, fixture__started=False)
    due = due.exclude(fixture__phase=Phase.FINISHED.value)
    instants = list(due.order_by("expiry").values_list("expiry", flat=True).distinct()[:INSTANTS])
    if not instants:
        _move(mark, now, now if now - mark.at > EVERY else None)
        return 0
    found = due.filter(expiry__in=instants).values_list("fixture_id", "expiry").annotate(Count("id")).order_by("expiry", "fixture_id")
    records = _expiry_records(list(found))
    with transaction.atomic():
        if not _move(mark, now, instants[-1] if len(instants) == INSTANTS else now):
            return 0
        record_many(records)
    return len(records)


def _expiry_records(found: list[tuple[int, datetime, int]]) -> list[Record]:
    names = {f.pk: str(f) for f in Fixture.objects.filter(pk__in={row[0] for row in found}).only("name", "source_id", "ref")}
    return [
        Record(
            at=expiry,
            actor=CLOCK.id,
            actor_name=CLOCK.name,
            action="pre-match expired",
            fixture_id=fixture_id,
            object_words=names[fixture_id],
            after={"markets": count, "expiry": expiry.isoformat()},
            via=CLOCK.via,
        )
        for fixture_id, expiry, count in found
    ]


def _mark(name: str, now: datetime) -> ClockMark:
    """The mark, made at ``now`` when there is none: what passed before the desk's first sweep was never open."""
    found = ClockMark.objects.filter(name=name).first()
    return found or ClockMark.objects.get_or_create(name=name, defaults={"at": now})[0]


def _move(mark: ClockMark, now: datetime, to: datetime | None) -> bool:
    """Claim the time up to ``to``; false when another sweeper was first, or there is nothing to claim."""
    if to is None or not mark.at < to <= now:
        return False
    return bool(ClockMark.objects.filter(name=mark.name, at=mark.at).update(at=to))


def _tidy(now: datetime) -> None:
    """Every half minute somebody cuts what is kept for a time only."""
    mark = _mark(TIDY, now)
    if now - mark.at > EVERY and _move(mark, now, now):
        idempotency.forget(now, BATCH)
        throttle.forget(now, BATCH)


def _clear_gaps(now: datetime) -> None:
    """Every five seconds somebody closes the gaps that hold nothing any more."""
    mark = _mark(GAPS, now)
    if now - mark.at > GAPS_EVERY and _move(mark, now, now):
        clearing.close_cleared(now)
