"""How long raw frames, ticks and the timelines of matches are kept (decision P7).

PostgreSQL drops whole days; SQLite deletes in small steps between which others get the pen, and gives the pages back. Frames without
outcome and quarantined ones that nobody resolved are never cut.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import takewhile

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Model, Q, Sum

from markets import db, partitions
from markets.models import IdempotencyKey, PriceTick, TimelineEntry

from . import connection
from .models import Frame, MessageGuid

logger = logging.getLogger(__name__)

FRAMES = "feeds_frame"
TICKS = "markets_pricetick"
WHOLE_TICKS = timedelta(hours=48)
ANSWERS = timedelta(hours=24)
STEP = 200
_LOOK = 5_000
_PAGES = 250
_BREATH_SECONDS = 0.005
_NEEDED = Q(outcome__isnull=True) | Q(outcome="quarantined", resolution="")
_NEEDED_SQL = "outcome IS NULL OR (outcome = 'quarantined' AND resolution = '')"
_running = threading.Lock()


def start(stop: threading.Event | None = None) -> None:
    """Keep house in a thread of its own, unless one does already: a worker has messages to apply."""
    if not _running.locked():
        threading.Thread(target=_keep_house, args=(stop or threading.Event(),), name="housekeeping", daemon=True).start()


def _keep_house(stop: threading.Event) -> None:
    with _running:
        connection.own()
        try:
            make_partitions()
            retain(stop)
        except Exception:
            logger.exception("housekeeping failed; it is tried again in an hour")
        finally:
            connection.release()


def make_partitions() -> None:
    """Days to come, for both tables; nothing to do on SQLite."""
    for table in (FRAMES, TICKS):
        partitions.ahead(table, db.now().date())


def retain(stop: threading.Event | None = None) -> None:
    """Cut what is older than ``DESK_RAW_DAYS`` and ``DESK_TICK_DAYS`` (timelines too); embedded also what exceeds ``DESK_RAW_BYTES``."""
    now = db.now()
    stop = stop or threading.Event()
    raw_from = now.date() - timedelta(days=settings.DESK_RAW_DAYS)
    ticks_from = now.date() - timedelta(days=settings.DESK_TICK_DAYS)
    if database.vendor == "postgresql":
        _drop_days(FRAMES, raw_from, _NEEDED_SQL)
        _drop_days(TICKS, ticks_from)
    _cut(Frame, Frame.objects.filter(day__lt=raw_from).exclude(_NEEDED).order_by("pk").values_list("pk", flat=True).iterator(), stop)
    _cut(MessageGuid, MessageGuid.objects.filter(day__lt=raw_from).values_list("pk", flat=True).iterator(), stop)
    _cut(IdempotencyKey, IdempotencyKey.objects.filter(created_at__lt=now - ANSWERS).values_list("pk", flat=True).iterator(), stop)
    _cut_ticks(ticks_from, stop)
    _cut_timelines(now - timedelta(days=settings.DESK_TICK_DAYS), stop)
    _thin_ticks(now - WHOLE_TICKS, stop)
    if database.vendor == "sqlite":
        _fit(settings.DESK_RAW_BYTES, stop)
        _give_back(stop)


def _drop_days(table: str, first_kept: date, keep: str = "") -> None:
    for day in partitions.existing(table):
        if day < first_kept:
            partitions.drop(table, day, keep=keep, kept_day=Frame.KEPT if keep else None)
            logger.info("%s: dropped %s", table, day)


def _cut(model: type[Model], ids: Iterable[int], stop: threading.Event) -> None:
    """Delete these in small transactions."""
    waiting = list(ids)
    for first in range(0, len(waiting), STEP):
        if stop.is_set():
            return
        with transaction.atomic():
            model._default_manager.filter(pk__in=waiting[first : first + STEP]).delete()
        time.sleep(_BREATH_SECONDS)


def _cut_ticks(first_kept: date, stop: threading.Event) -> None:
    """Ticks lie in order of time, so the oldest are the first."""
    while not stop.is_set():
        rows = PriceTick.objects.order_by("pk").values_list("pk", "day")[:_LOOK]
        if not (old := [pk for pk, _ in takewhile(lambda row: row[1] < first_kept, rows)]):
            return
        _cut(PriceTick, old, stop)


def _cut_timelines(before: datetime, stop: threading.Event) -> None:
    """Lines of timelines lie in order of time too; they are kept as long as ticks."""
    while not stop.is_set():
        rows = TimelineEntry.objects.order_by("pk").values_list("pk", "kept_at")[:_LOOK]
        if not (old := [pk for pk, _ in takewhile(lambda row: row[1] < before, rows)]):
            return
        _cut(TimelineEntry, old, stop)


_thinned_to = 0


def _thin_ticks(before: datetime, stop: threading.Event) -> None:
    """Of ticks older than ``before`` only the last of each minute. Each process goes over what lies behind it once."""
    global _thinned_to  # noqa: PLW0603
    while not stop.is_set():
        rows = PriceTick.objects.filter(pk__gt=_thinned_to).order_by("pk").values_list("pk", "selection_id", "at")[:_LOOK]
        old = list(takewhile(lambda row: row[2] < before, rows))
        if not old:
            return
        _cut(PriceTick, _but_last_of_minute(old), stop)
        _thinned_to = old[-1][0]


def _but_last_of_minute(ticks: Sequence[tuple[int, int, datetime]]) -> list[int]:
    last = {(selection, at.replace(second=0, microsecond=0)): pk for pk, selection, at in ticks}
    stays = set(last.values())
    return [pk for pk, _, _ in ticks if pk not in stays]


def _fit(limit: int, stop: threading.Event) -> None:
    """Raw bytes to at most ``limit``, oldest first (an embedded desk has one disk)."""
    excess = (Frame.objects.aggregate(total=Sum("size"))["total"] or 0) - limit
    while excess > 0 and not stop.is_set():
        oldest = list(Frame.objects.exclude(_NEEDED).order_by("id").values_list("id", "size")[:STEP])
        if not oldest:
            logger.warning("raw frames exceed their limit by %d bytes, and none may be cut", excess)
            return
        _cut(Frame, [id_ for id_, _ in oldest], stop)
        excess -= sum(size for _, size in oldest)


def _give_back(stop: threading.Event) -> None:
    """Free pages back to the file system, some at a time. SQLite's module for Python steps once, so one statement gives one page."""
    while not stop.is_set():
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("PRAGMA freelist_count")
            if not (free := cursor.fetchone()[0]):
                return
            for _ in range(min(free, _PAGES)):
                cursor.execute("PRAGMA incremental_vacuum(1)")
        time.sleep(_BREATH_SECONDS)
