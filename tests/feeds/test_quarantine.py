"""The two ways out of the quarantine: apply it after all, or go on without it (B7, E1, F1)."""

from __future__ import annotations

import pytest

from feeds import accounting, quarantine
from feeds.models import Frame
from markets.models import AuditRecord, Confirmation, Gap, Selection, Source
from markets.services import ingest, sources
from markets.services.errors import Forbidden, NotFound, Refused
from tests.feeds import frames
from tests.services.world import STAFF, World, world

pytestmark = pytest.mark.django_db


def faulty(source: Source, body: bytes, monkeypatch: pytest.MonkeyPatch) -> Frame:
    """A frame that met a fault of ours, which is mended since."""
    with monkeypatch.context() as broken:
        broken.setattr(ingest, "apply", lambda *_: 1 / 0)
        (row,) = frames.send(source, body)
    return row


def test_b7_a_retry_applies_it_as_if_new_and_ends_what_it_held(monkeypatch: pytest.MonkeyPatch) -> None:
    source = frames.feed()
    row = faulty(source, frames.market_set(100, "1.50"), monkeypatch)
    assert quarantine.retry(row.pk, STAFF) == "applied"
    assert str(Selection.objects.get().price) == "1.5000"
    assert Gap.objects.get().closed_at
    (entry,) = accounting.accounting()
    assert (entry["applied"], entry["quarantined"], entry["received"], entry["state"]) == (1, 0, 1, "ok")
    assert AuditRecord.objects.filter(action="quarantine retried", actor=STAFF.id).count() == 1
    with pytest.raises(NotFound):
        quarantine.retry(row.pk, STAFF)


def test_b7_a_retry_never_undoes_what_is_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    source = frames.feed()
    row = faulty(source, frames.market_set(100, "1.50", order=1), monkeypatch)
    frames.send(source, frames.market_set(100, "1.70", order=2))
    assert quarantine.retry(row.pk, STAFF) == "superseded"
    assert str(Selection.objects.get().price) == "1.7000"


def test_it_refuses_with_the_reason_when_it_still_cannot_be_applied() -> None:
    source = frames.feed()
    frames.send(source, frames.market_set(100, message=frames.guid(1)))
    broken, conflict = frames.send(source, frames.broken(100), frames.market_set(100, "9.00", message=frames.guid(1)))
    with pytest.raises(Refused, match="still cannot be read: line 1"):
        quarantine.retry(broken.pk, STAFF)
    with pytest.raises(Refused, match="same guid"):
        quarantine.retry(conflict.pk, STAFF)
    assert Frame.objects.filter(outcome="quarantined", resolution="").count() == 2
    (entry,) = accounting.accounting()
    assert (entry["quarantined"], entry["applied"], entry["received"]) == (2, 1, 3)


def test_it_shows_what_waits_and_the_exact_bytes() -> None:
    source = frames.feed()
    body = frames.broken(100, frames.guid(3))
    row, whole = frames.send(source, body, b"nothing")
    shown = quarantine.pending()
    assert [one.frame_id for one in shown] == [whole.pk, row.pk]
    assert (shown[1].fixture_ref, shown[1].guid, shown[1].size, shown[1].feed) == ("100", frames.guid(3), len(body), "genius")
    assert shown[1].fixture_id is not None
    assert shown[0].fixture_id is None
    assert quarantine.raw(row.pk) == body
    with pytest.raises(NotFound):
        quarantine.raw(0)


def test_b7_staff_dismiss_for_all_with_a_reason() -> None:
    (row,) = frames.send(frames.feed(), b"nothing")
    with pytest.raises(Refused):
        quarantine.dismiss(row.pk, STAFF, " ")
    quarantine.dismiss(row.pk, STAFF, "a test message")
    assert Gap.objects.get().closed_reason == "message dismissed: a test message"
    row.refresh_from_db()
    assert (row.resolution, row.resolved_by, row.outcome) == ("dismissed", STAFF.name, "quarantined")
    assert AuditRecord.objects.get(action="quarantine dismissed").reason == "a test message"
    assert quarantine.pending() == []


@pytest.fixture
def house() -> World:
    return world()


def test_e1_a_trader_dismisses_for_his_own_bookmaker_only(house: World) -> None:
    (row,) = frames.send(house.source, frames.broken(house.fixture.ref))
    trader = acting(house)
    quarantine.dismiss(row.pk, trader, "seen")
    assert Confirmation.objects.get().bookmaker == house.alpha
    assert Gap.objects.get().closed_at is None
    assert quarantine.pending(bookmaker_id=house.alpha.pk) == []
    assert [one.frame_id for one in quarantine.pending(bookmaker_id=house.beta.pk)] == [row.pk]


def test_f1_a_traders_dismissal_is_one_record_that_names_the_message(house: World) -> None:
    (row,) = frames.send(house.source, frames.broken(house.fixture.ref, frames.guid(4)))
    quarantine.dismiss(row.pk, acting(house), "seen")
    record = AuditRecord.objects.exclude(action="quarantined").get()
    assert (record.action, record.message, record.fixture_id) == ("quarantine dismissed", frames.guid(4), house.fixture.pk)
    assert (record.bookmaker_id, record.reason, record.actor) == (house.alpha.pk, "seen", "user:1")


@pytest.mark.parametrize("how", ["closed", "never opened"])
def test_b7_a_message_that_holds_nothing_any_more_can_be_dismissed(house: World, how: str) -> None:
    (row,) = frames.send(house.source, frames.broken(house.fixture.ref, frames.guid(5)))
    if how == "closed":
        sources.close_gap(Gap.objects.get().pk, "feed", "a newer message came")
    else:
        Gap.objects.all().delete()
    quarantine.dismiss(row.pk, acting(house), "seen")
    assert quarantine.pending(bookmaker_id=house.alpha.pk) == []
    assert [one.frame_id for one in quarantine.pending(bookmaker_id=house.beta.pk)] == [row.pk]
    assert AuditRecord.objects.get(action="quarantine dismissed").message == frames.guid(5)
    assert not Gap.objects.filter(closed_at=None).exists()


def acting(house: World, *, viewer: bool = False):  # type: ignore[no-untyped-def]
    import msgspec

    return msgspec.structs.replace(house.viewer() if viewer else house.trader(), bookmaker=house.alpha.pk)


def test_it_forbids_viewers_and_strangers(house: World) -> None:
    (row,) = frames.send(house.source, frames.broken(house.fixture.ref))
    for actor in (acting(house, viewer=True), house.trader()):
        with pytest.raises(Forbidden):
            quarantine.dismiss(row.pk, actor, "seen")
        with pytest.raises(Forbidden):
            quarantine.retry(row.pk, actor)
