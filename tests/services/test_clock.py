"""What time alone changes has one record within two seconds, one a cause and scope (promise F1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from markets import db
from markets.domain.values import OverrideKind, Scope
from markets.models import AuditRecord, BookmakerFixture, ClockMark, Fixture, IdempotencyKey, Override, SourceLiveness
from markets.selectors import health
from markets.services import clock, holds, overrides, sources
from tests.services.threads import at_once
from tests.services.world import World, add_fixture, add_market, facts_of

PENDING: dict[int, datetime] = {}


@pytest.fixture(autouse=True)
def _backlog() -> Iterator[None]:
    """The backlog as these tests say it is."""
    before = health._backlog_reader
    PENDING.clear()
    health.register_backlog_reader(lambda using: dict(PENDING))
    yield
    health.register_backlog_reader(before)


def actions(prefix: str = "") -> list[str]:
    return [a for a in AuditRecord.objects.order_by("id").values_list("action", flat=True) if a.startswith(prefix)]


def price(world: World, place: int = 0, seconds: int = 1) -> None:
    overrides.set_override(
        world.trader(), world.alpha.pk, world.selections[place].pk,
        kind=OverrideKind.PRICE, value=world.selections[place].price or Decimal(2), seconds=seconds, confirmed=True,
    )  # fmt: skip


def test_c1_an_override_is_ended_at_its_own_deadline_however_late_the_sweep(world: World) -> None:
    price(world)
    clock.sweep(db.now() + timedelta(hours=3))
    clock.sweep(db.now() + timedelta(hours=3))
    row = Override.objects.get()
    assert (row.ended_at, row.ended_cause) == (row.ends_at, "expired")
    record = AuditRecord.objects.get(action="override expired")
    assert (record.actor, record.via, record.at, record.bookmaker_id) == ("clock", "clock", row.ends_at, world.alpha.pk)
    assert facts_of(record.before)["value"] == "2.00"
    assert BookmakerFixture.objects.get().revision == 2


def test_c2_nothing_ends_before_its_deadline(world: World) -> None:
    price(world, seconds=60)
    holds.suspend(world.trader(), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk), seconds=60)
    clock.sweep()
    assert (actions("override e"), actions("hold")) == ([], [])


def test_f1_sweepers_at_once_write_one_record_of_each_change(committed: World) -> None:
    for place in range(3):
        price(committed, place)
    holds.suspend(committed.trader(), committed.alpha.pk, Scope.FIXTURE, str(committed.fixture.pk), seconds=1)
    holds.suspend(committed.trader(), committed.alpha.pk, Scope.EVERYTHING, "", seconds=1)
    add_market(committed.fixture, "8", ("2.00", "2.00"), expires_in=timedelta(seconds=1))
    clock.sweep()
    time.sleep(1.1)
    later = db.now() + timedelta(seconds=60)
    results = at_once(*([lambda: clock.sweep(later)] * 4))
    assert all(isinstance(r, int) for r in results), results
    found = actions()
    assert found.count("override expired") == 3
    assert found.count("hold ended") == 2
    assert found.count("pre-match expired") == 1
    assert found.count("feed silent") == 1


def test_f1_a_lease_that_lapses_and_returns_has_one_record_each(world: World) -> None:
    clock.sweep()
    assert actions("feed") == ["feed heard"]
    heard = SourceLiveness.objects.get().heard_at
    assert heard is not None
    lapse = heard + timedelta(seconds=25)
    clock.sweep(lapse - timedelta(milliseconds=1))
    assert actions("feed") == ["feed heard"]
    for late in (0, 1, 2):
        clock.sweep(lapse + timedelta(seconds=late))
    assert actions("feed") == ["feed heard", "feed silent"]
    assert AuditRecord.objects.get(action="feed silent").at == lapse
    sources.heard(world.source.pk, lapse + timedelta(seconds=3))
    for late in (3, 4):
        clock.sweep(lapse + timedelta(seconds=late))
    assert actions("feed") == ["feed heard", "feed silent", "feed heard"]


def test_f1_a_backlog_has_one_record_when_it_begins_and_one_when_it_is_over(world: World) -> None:
    start = db.now()
    clock.sweep(start)
    PENDING[world.source.pk] = start
    for seconds in (1, 2, 2.5):
        clock.sweep(start + timedelta(seconds=seconds))
    assert actions("feed") == ["feed heard", "feed behind"]
    assert AuditRecord.objects.get(action="feed behind").at == start + timedelta(seconds=2)
    PENDING.clear()
    sources.mark_slow(world.source.pk, start + timedelta(seconds=6))
    for seconds in (4, 6, 6.5, 7):
        clock.sweep(start + timedelta(seconds=seconds))
    assert actions("feed") == ["feed heard", "feed behind", "feed caught up"]


def test_f1_silence_and_backlog_are_two_causes(world: World) -> None:
    start = db.now()
    clock.sweep(start)
    PENDING[world.source.pk] = start
    clock.sweep(start + timedelta(seconds=40))
    assert sorted(actions("feed")[1:]) == ["feed behind", "feed silent"]
    assert SourceLiveness.objects.get().recorded_state == "behind silent"


def test_f1_a_sweeper_that_looked_earlier_does_not_take_a_record_back(world: World) -> None:
    now = db.now()
    for seconds in (0, 40, 1):
        clock.sweep(now + timedelta(seconds=seconds))
    assert actions("feed") == ["feed heard", "feed silent"]


def test_f1_a_pre_match_expiry_has_one_record_a_fixture_and_instant(world: World) -> None:
    clock.sweep()
    other = add_fixture(world.source, world.fixture.sport, "101")
    for ref in ("8", "9"):
        add_market(world.fixture, ref, ("2.00", "2.00"), expires_in=timedelta(0))
    for fixture in (world.fixture, other):
        market, _ = add_market(fixture, "10", ("2.00", "2.00"))
        type(market).objects.filter(pk=market.pk).update(expiry=ClockMark.objects.get(name="expiry").at + timedelta(seconds=5))
    later = db.now() + timedelta(seconds=10)
    clock.sweep(later)
    clock.sweep(later + timedelta(seconds=60))
    records = AuditRecord.objects.filter(action="pre-match expired")
    assert {r.fixture_id for r in records} == {world.fixture.pk, other.pk}
    assert sorted(facts_of(r.after)["markets"] for r in records) == [1, 1, 1, 1]


def test_f1_a_market_that_was_closed_anyway_has_no_record_of_its_expiry(world: World) -> None:
    clock.sweep()
    market, _ = add_market(world.fixture, "8", ("2.00", "2.00"), expires_in=timedelta(seconds=1))
    type(market).objects.filter(pk=market.pk).update(status="Suspended")
    add_market(world.fixture, "9", ("2.00", "2.00"), expires_in=timedelta(seconds=1))
    Fixture.objects.filter(pk=world.fixture.pk).update(started=True)
    clock.sweep(db.now() + timedelta(seconds=5))
    assert actions("pre-match") == []


def test_when_nothing_is_due_a_sweep_only_reads(world: World, django_assert_max_num_queries: object) -> None:
    clock.sweep()
    with django_assert_max_num_queries(9) as seen:  # type: ignore[operator] # on PostgreSQL the time is one of them
        assert clock.sweep() == 0
    assert not [q["sql"] for q in seen.captured_queries if not q["sql"].startswith(("SELECT", "WITH"))]


def test_p2_answers_older_than_a_day_are_cut(world: World) -> None:
    clock.sweep()
    old = db.now() - timedelta(hours=25)
    IdempotencyKey.objects.create(caller="user:1@all", key="k", body_digest="d", status=200, answer={}, created_at=old)
    clock.sweep(db.now() + timedelta(seconds=31))
    assert not IdempotencyKey.objects.exists()
