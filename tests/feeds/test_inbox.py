"""Keeping and draining: what a frame's way through the inbox promises (A4, A6, B1–B7, F1)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from feeds import accounting, inbox, lanes, memory, settle
from feeds.keeping import lane_of
from feeds.models import FEED_LANE, Frame, MessageGuid
from markets import db
from markets.models import AuditRecord, Fixture, Gap, Selection, SourceLiveness
from markets.services import ingest
from tests.feeds import frames

pytestmark = pytest.mark.django_db


def books(slug: str = "genius") -> dict[str, Any]:
    """The feed's books, checked to balance."""
    (entry,) = [one for one in accounting.accounting() if one["feed"] == slug]
    assert entry["received"] == sum(entry[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending"))
    return entry


def test_b1_the_exact_bytes_are_kept_with_their_hints() -> None:
    source = frames.feed()
    body = frames.market_set(100, message=frames.guid(1))
    (frame_id,) = frames.keep(source, body)
    row = Frame.objects.get(pk=frame_id)
    assert bytes(row.body) == body
    assert (row.size, row.outcome, row.hint_guid, row.hint_fixture) == (len(body), None, frames.guid(1), "100")
    assert row.lane == lane_of(source.pk, "100")
    assert row.day == row.kept_at.date()


def test_b1_an_empty_and_a_binary_body_are_kept_too() -> None:
    source = frames.feed()
    bodies = [b"", bytes(range(256))]
    ids = frames.keep(source, *bodies)
    assert [bytes(Frame.objects.get(pk=one).body) for one in ids] == bodies
    assert {Frame.objects.get(pk=one).lane for one in ids} == {FEED_LANE}


def test_it_gives_frames_of_one_group_different_times_in_their_order() -> None:
    ids = frames.keep(frames.feed(), *(frames.market_set(1) for _ in range(20)))
    times = list(Frame.objects.filter(pk__in=ids).order_by("pk").values_list("kept_at", flat=True))
    assert ids == sorted(ids)
    assert times == sorted(set(times))


def test_it_applies_what_was_kept_in_its_order() -> None:
    source = frames.feed()
    rows = frames.send(source, *(frames.market_set(100, f"1.{n}") for n in range(10, 90)))
    assert {row.outcome for row in rows} == {"applied"}
    assert str(Selection.objects.get().price) == "1.8900"
    assert books()["applied"] == 80


def test_b2_a_repeat_is_a_duplicate_whatever_retry_says_and_changes_nothing() -> None:
    source = frames.feed()
    once, again = (frames.market_set(100, message=frames.guid(1), retry=retry) for retry in (0, 1))
    frames.send(source, once)
    before = ingest.feed_hash(source.pk)
    (row,) = frames.send(source, again)
    (same,) = frames.send(source, once)
    assert (row.outcome, same.outcome) == ("duplicate", "duplicate")
    assert ingest.feed_hash(source.pk) == before
    assert (books()["applied"], books()["duplicate"]) == (1, 2)


def test_b2_a_repeat_within_one_batch_is_a_duplicate_too() -> None:
    source = frames.feed()
    body = frames.market_set(100, message=frames.guid(1))
    assert [row.outcome for row in frames.send(source, body, body, body)] == ["applied", "duplicate", "duplicate"]


def test_b2_a_repeat_whose_guid_is_spelled_in_another_way_is_a_duplicate() -> None:
    source, guid = frames.feed(), frames.guid(1)
    body = frames.market_set(100, message=guid)
    spelled = [body.replace(guid.encode(), other.encode()) for other in ("{" + guid + "}", guid.upper())]
    assert [row.outcome for row in frames.send(source, body, *spelled)] == ["applied", "duplicate", "duplicate"]


def test_b2_the_same_guid_with_other_content_is_quarantined_and_alarmed(caplog: pytest.LogCaptureFixture) -> None:
    source = frames.feed()
    frames.send(source, frames.market_set(100, "1.85", message=frames.guid(1)))
    with caplog.at_level(logging.ERROR):
        (row,) = frames.send(source, frames.market_set(100, "9.85", message=frames.guid(1)))
    assert row.outcome == "quarantined"
    assert "same guid" in row.reason
    assert "same guid" in caplog.text
    gap = Gap.objects.get()
    assert gap.fixture == Fixture.objects.get(ref="100")
    assert not gap.sticky
    assert str(Selection.objects.get().price) == "1.8500"


def test_b2_a_repeat_of_a_quarantined_frame_is_a_duplicate() -> None:
    source = frames.feed()
    frames.send(source, frames.market_set(100, "1.85", message=frames.guid(1)))
    conflict = frames.market_set(100, "9.85", message=frames.guid(1))
    broken = frames.broken(100, frames.guid(2))
    assert [row.outcome for row in frames.send(source, conflict, conflict, broken, broken)] == [
        "quarantined", "duplicate", "quarantined", "duplicate",
    ]  # fmt: skip


def test_b2_two_feeds_may_use_one_guid() -> None:
    body = frames.market_set(100, message=frames.guid(1))
    assert [frames.send(frames.feed(slug), body)[0].outcome for slug in ("one", "two")] == ["applied", "applied"]


@pytest.mark.parametrize("body", [b"", b"no xml", b"<Other/>", b"<!DOCTYPE a><Updategram/>"])
def test_b3_unreadable_frames_are_quarantined_and_hold_the_feed(body: bytes) -> None:
    source = frames.feed()
    (row,) = frames.send(source, body)
    assert row.outcome == "quarantined"
    assert row.reason
    gap = Gap.objects.get()
    assert (gap.source, gap.fixture, gap.sticky, gap.frame_id) == (source, None, True, row.pk)
    assert books()["state"] == "held"


def test_b7_a_truncated_frame_holds_its_fixture_only() -> None:
    source = frames.feed()
    row, good = frames.send(source, frames.broken(100), frames.market_set(200))
    assert (row.outcome, good.outcome) == ("quarantined", "applied")
    gap = Gap.objects.get()
    assert gap.fixture is not None
    assert (gap.fixture.ref, gap.sticky, gap.opened_at) == ("100", False, row.kept_at)


def test_b7_a_message_about_two_fixtures_holds_these_only() -> None:
    source = frames.feed()
    two = frames.market_set(100).replace(b"</Updategram>", b"<Coverage><FixtureId>200</FixtureId></Coverage></Updategram>")
    (row,) = frames.send(source, two)
    assert (row.outcome, row.fixture_ref) == ("quarantined", "")
    assert sorted(Gap.objects.values_list("fixture__ref", "sticky")) == [("100", False), ("200", False)]
    record = AuditRecord.objects.get(action="quarantined")
    assert (record.fixture_id, record.object_words) == (None, "fixture 100, 200")


def test_b7_a_message_that_cannot_be_applied_stops_nobody_else(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    source = frames.feed()
    apply = ingest.apply

    def poisoned(of: ingest.SourceLike, batch: list[ingest.Incoming]) -> list[ingest.Applied]:
        if any(one.message.guid == frames.guid("poison") for one in batch):
            raise ArithmeticError("a fault in the house")
        return apply(of, batch)

    monkeypatch.setattr(ingest, "apply", poisoned)
    rows = frames.send(
        source, frames.market_set(100, "1.50"), frames.market_set(100, message=frames.guid("poison")), frames.market_set(100, "1.70")
    )
    assert [row.outcome for row in rows] == ["applied", "quarantined", "applied"]
    assert rows[1].reason.startswith("internal error: ArithmeticError")
    assert str(rows[1].pk) in caplog.text
    assert str(Selection.objects.get().price) == "1.7000"
    assert books()["quarantined"] == 1


def test_it_moves_a_frame_whose_fixture_is_another_than_hinted() -> None:
    source = frames.feed()
    ids = frames.keep(source, frames.market_set(100))
    Frame.objects.filter(pk__in=ids).update(lane=FEED_LANE)
    frames.drain_all()
    row = Frame.objects.get(pk=ids[0])
    assert (row.lane, row.outcome) == (lane_of(source.pk, "100"), "applied")


def test_f1_a_quarantined_message_that_suspends_has_one_audit_record() -> None:
    frames.send(frames.feed(), frames.broken(100, frames.guid(5)))
    record = AuditRecord.objects.get(action="quarantined")
    assert (record.actor, record.fixture_id) == ("feed:genius", Fixture.objects.get().pk)


def test_a4_a_backlog_leaves_its_mark_until_it_has_been_quick_for_three_seconds() -> None:
    source = frames.feed()
    ids = frames.keep(source, frames.market_set(100))
    Frame.objects.filter(pk__in=ids).update(kept_at=db.now() - 2 * settle.SLOW)
    frames.drain_all()
    until = SourceLiveness.objects.get(source=source).slow_until
    assert until is not None
    assert 2 < (until - db.now()).total_seconds() <= 3
    assert books()["state"] == "slow"
    ids = frames.keep(source, frames.market_set(100))
    Frame.objects.filter(pk__in=ids).update(kept_at=db.now() - 1.5 * settle.QUICK)
    frames.drain_all()
    later = SourceLiveness.objects.get(source=source).slow_until
    assert later is not None
    assert later > until


def test_b5_pending_ones_are_counted_with_their_age() -> None:
    source = frames.feed()
    frames.keep(source, *(frames.market_set(n) for n in range(5)))
    entry = books()
    assert (entry["pending"], entry["received"]) == (5, 5)
    assert entry["oldestPendingMs"] >= 0
    frames.drain_all()
    assert (books()["pending"], books()["oldestPendingMs"], books()["applied"]) == (0, None, 5)


def test_it_tells_the_story_of_a_message() -> None:
    source = frames.feed()
    body = frames.market_set(100, message=frames.guid(1))
    frames.keep(source, body)
    (pending,) = accounting.messages("genius", frames.guid(1))
    assert pending["outcome"] is None
    frames.send(source, frames.market_set(100, message=frames.guid(1), retry=1))
    first, second = accounting.messages("genius", frames.guid(1))
    assert (first["outcome"], first["retry"], first["fixtureId"]) == ("applied", 0, "100")
    assert (second["outcome"], second["retry"]) == ("duplicate", 1)
    assert second["appliedAt"].endswith("Z")
    assert accounting.messages("genius", frames.guid(2)) == accounting.messages("other", frames.guid(1)) == []


def test_it_takes_no_more_bytes_at_once_than_a_worker_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    source = frames.feed()
    monkeypatch.setattr(lanes, "BATCH_BYTES", 2_000)
    frames.keep(source, *(frames.market_set(100) for _ in range(10)))
    lane = lane_of(source.pk, "100")
    assert 1 <= len(lanes._take([lane])[0]) < 10
    assert inbox.drain(lane) == 10


def test_what_waits_in_several_lanes_is_applied_in_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes._PACE, "messages", 16)
    source = frames.feed()
    frames.keep(source, *(frames.market_set(100 + n) for n in range(8)))
    numbers = {lane_of(source.pk, str(100 + n)) for n in range(8)}
    assert len(numbers) > 4
    assert inbox.drain(*numbers) == 8
    first, *_, last = sorted(filter(None, Frame.objects.values_list("applied_at", flat=True)))
    assert last - first == timedelta(microseconds=7)


def test_a_flood_in_one_lane_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "BATCH", 3)
    source = frames.feed()
    low, high = sorted(("7", "8"), key=lambda ref: lane_of(source.pk, ref))
    frames.keep(source, *(frames.market_set(int(ref)) for ref in (low, low, high, low, low, low)))
    taken = lanes._take([lane_of(source.pk, ref) for ref in (low, high)])[0]
    assert [row.hint_fixture for row in taken] == [low, low, high]


def test_a_large_frame_is_taken_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    source = frames.feed()
    monkeypatch.setattr(memory, "LARGE", len(frames.market_set(101)))
    frames.keep(source, frames.market_set(7), frames.market_set(101), frames.market_set(8))
    numbers = [lane_of(source.pk, ref) for ref in ("7", "101", "8")]
    taken = []
    while found := lanes._take(numbers)[0]:
        taken.append({row.hint_fixture for row in found})
        inbox.drain(*{row.lane for row in found})
    assert {"101"} in taken
    assert sorted(ref for refs in taken for ref in refs) == ["101", "7", "8"]


def test_it_forgets_nothing_when_a_guid_was_never_readable() -> None:
    frames.send(frames.feed(), b"no xml", b"no xml")
    assert books()["quarantined"] == 2
    assert not MessageGuid.objects.exists()


class TestKeeper:
    """The group commit, with its own thread and connection."""

    pytestmark = pytest.mark.django_db(transaction=True)

    async def _keep(self, bodies: list[bytes], source_id: object) -> list[int]:
        keeper = inbox.Keeper()
        keeper.start()
        try:
            return await frames.keep_together(keeper, source_id, bodies)  # type: ignore[arg-type]
        finally:
            await asyncio.to_thread(keeper.stop)

    def test_b1_what_was_acknowledged_is_there(self) -> None:
        source = frames.feed()
        bodies = [frames.market_set(n % 10) for n in range(100)]
        ids = asyncio.run(self._keep(bodies, source))
        assert [bytes(Frame.objects.get(pk=one).body) for one in ids] == bodies
        assert books()["pending"] == 100

    def test_it_refuses_in_words_when_the_database_does(self) -> None:
        source = frames.feed()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE feeds_receivedcount RENAME TO away")
        try:
            with pytest.raises(inbox.CannotStore, match="refused"):
                asyncio.run(self._keep([frames.market_set(1)], source))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE away RENAME TO feeds_receivedcount")
        assert not Frame.objects.exists()
        assert len(asyncio.run(self._keep([frames.market_set(1)], source))) == 1

    def test_it_refuses_when_too_much_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = frames.feed()
        monkeypatch.setattr(inbox, "MAX_WAITING_BYTES", 10)
        with pytest.raises(inbox.CannotStore, match="too many"):
            asyncio.run(self._keep([frames.market_set(1)], source))

    def test_it_refuses_when_the_disk_is_nearly_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = frames.feed()
        monkeypatch.setattr(inbox, "low_disk", lambda: True)
        with pytest.raises(inbox.CannotStore, match="disk"):
            asyncio.run(self._keep([frames.market_set(1)], source))

    def test_it_keeps_nothing_for_a_sender_that_gave_up(self, settings: Settings) -> None:
        source = frames.feed()

        async def give_up() -> None:
            keeper = inbox.Keeper()
            task = asyncio.create_task(keeper.keep(frames.arrived(source, frames.market_set(1))))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            keeper.start()
            await keeper.keep(frames.arrived(source, frames.market_set(2)))
            await asyncio.to_thread(keeper.stop)

        asyncio.run(give_up())
        assert [row.hint_fixture for row in Frame.objects.all()] == ["2"]
