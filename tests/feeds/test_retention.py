"""What is kept how long, and what is never cut (P7)."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from feeds import retention
from feeds.models import Frame, MessageGuid
from markets import db, partitions
from markets.models import IdempotencyKey, PriceTick, Source, TimelineEntry
from tests.feeds import frames, points

pytestmark = pytest.mark.django_db


def age(row: Frame, days: int) -> None:
    """As if it had been kept that many days ago, in the partition of its day."""
    kept_at = db.now() - timedelta(days=days)
    if connection.vendor == "postgresql":
        partitions.ensure("feeds_frame", [kept_at.date()])
    Frame.objects.filter(pk=row.pk).update(day=kept_at.date(), kept_at=kept_at)
    MessageGuid.objects.filter(frame_id=row.pk).update(day=kept_at.date())


def test_p7_old_frames_go_and_what_waits_for_somebody_stays(settings: Settings) -> None:
    source = frames.feed()
    applied, broken, dismissed, young = frames.send(source, frames.market_set(1), b"nothing", b"else", frames.market_set(2))
    Frame.objects.filter(pk=dismissed.pk).update(resolution="dismissed")
    waiting = Frame.objects.get(pk=frames.keep(source, frames.market_set(3))[0])
    for row in (applied, broken, dismissed, waiting):
        age(row, settings.DESK_RAW_DAYS + 1)
    retention.retain()
    assert set(Frame.objects.values_list("pk", flat=True)) == {broken.pk, waiting.pk, young.pk}
    assert list(MessageGuid.objects.values_list("frame_id", flat=True)) == [young.pk]
    assert frames.drain_all() == 1
    retention.retain()
    assert set(Frame.objects.values_list("pk", flat=True)) == {broken.pk, young.pk}


def test_p7_an_embedded_desk_keeps_at_most_so_many_raw_bytes(settings: Settings) -> None:
    if connection.vendor != "sqlite":
        settings.DESK_RAW_BYTES = 1
        retention.retain()
        return
    source = frames.feed()
    rows = frames.send(source, *(frames.market_set(n) for n in range(6)))
    settings.DESK_RAW_BYTES = rows[0].size * 2
    retention.STEP, whole = 2, retention.STEP
    try:
        retention.retain()
    finally:
        retention.STEP = whole
    assert list(Frame.objects.order_by("pk").values_list("pk", flat=True)) == [row.pk for row in rows[4:]]


def test_p7_an_embedded_desk_gives_free_pages_back_many_at_a_time() -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ballast (body)")
        cursor.execute("INSERT INTO ballast VALUES (zeroblob(8000000))")
        cursor.execute("DROP TABLE ballast")
        before = cursor.execute("PRAGMA page_count").fetchone()[0]
        begun = time.monotonic()
        retention.retain()
        assert time.monotonic() - begun < 5
        assert cursor.execute("PRAGMA freelist_count").fetchone()[0] == 0
        assert before - cursor.execute("PRAGMA page_count").fetchone()[0] >= 8_000_000 // 4096


def tick(source: Source, at: datetime, selection: int) -> int:
    one = PriceTick.objects.create(day=at.date(), at=at, fixture_id=1, selection_id=selection, price="1.5", offered=True)
    return int(one.pk)


def test_p7_ticks_are_whole_for_two_days_then_one_a_minute(settings: Settings) -> None:
    source = frames.feed()
    retention._thinned_to = 0
    old = (db.now() - timedelta(days=3)).replace(second=0, microsecond=0)
    gone = tick(source, db.now() - timedelta(days=settings.DESK_TICK_DAYS + 1), 1)
    minute = [tick(source, old + timedelta(seconds=n), 1) for n in (1, 20, 40, 61)]
    other = tick(source, old, 2)
    young = [tick(source, db.now() + timedelta(seconds=n), 1) for n in (-2, -1)]
    retention.retain()
    assert set(PriceTick.objects.values_list("pk", flat=True)) == {minute[2], minute[3], other, *young}
    assert gone not in PriceTick.objects.values_list("pk", flat=True)


def test_answers_to_idempotency_keys_are_kept_a_day() -> None:
    for hours, key in ((25, "old"), (23, "young")):
        IdempotencyKey.objects.create(
            caller="user:1", key=key, body_digest="", status=200, answer={}, created_at=db.now() - timedelta(hours=hours)
        )
    retention.retain()
    assert [one.key for one in IdempotencyKey.objects.all()] == ["young"]


def test_p7_timelines_are_kept_as_long_as_ticks(settings: Settings) -> None:
    source = points.feed()
    points.send(source, *points.match(most=12))
    old, *young = TimelineEntry.objects.order_by("pk")
    TimelineEntry.objects.filter(pk=old.pk).update(kept_at=db.now() - timedelta(days=settings.DESK_TICK_DAYS, seconds=1))
    retention.retain()
    assert list(TimelineEntry.objects.order_by("pk")) == young


@pytest.mark.scaled
class TestPartitions:
    """On PostgreSQL only."""

    def test_p7_there_are_partitions_for_today_and_three_days_to_come(self) -> None:
        today = db.now().date()
        days = {today + timedelta(days=n) for n in range(4)}
        for table in ("feeds_frame", "markets_pricetick"):
            assert days <= set(partitions.existing(table))

    def test_p7_a_day_is_dropped_whole(self) -> None:
        row, broken = frames.send(frames.feed(), frames.market_set(1), b"nothing")
        for one in (row, broken):
            age(one, 30)
        day = (db.now() - timedelta(days=30)).date()
        assert day in partitions.existing("feeds_frame")
        retention.retain()
        assert day not in partitions.existing("feeds_frame")
        assert Frame.objects.get().day == Frame.KEPT
        assert Frame.objects.get().pk == broken.pk

    def test_it_takes_rows_of_a_day_without_partition_and_sorts_them_in_later(self) -> None:
        (row,) = frames.send(frames.feed(), frames.market_set(1))
        Frame.objects.filter(pk=row.pk).update(day=date(2001, 2, 3))
        partitions.ensure("feeds_frame", [date(2001, 2, 3)])
        assert Frame.objects.get().day == date(2001, 2, 3)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM feeds_frame_20010203")
            assert cursor.fetchone()[0] == 1

    def test_bodies_are_compressed_by_lz4(self) -> None:
        frames.keep(frames.feed(), frames.market_set(1) + b" " * 10_000)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_column_compression(body) FROM feeds_frame")
            assert cursor.fetchone()[0] == "lz4"
