"""Confirm re-opening: what would open is shown, then opened, and nothing that went wrong since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from markets import db
from markets.models import AuditRecord, Confirmation, Gap
from markets.selectors import health, offer
from markets.services import confirmations, sources
from markets.services.confirmations import Target
from markets.services.errors import Forbidden, NotFound, Refused
from tests.services.world import STAFF, World, add_fixture, add_market, facts_of


@pytest.fixture(autouse=True)
def _no_backlog() -> Iterator[None]:
    before = health._backlog_reader
    health.register_backlog_reader(lambda using: {})
    yield
    health.register_backlog_reader(before)


def tradable(world: World, fixture: int | None = None) -> list[str]:
    """Names of the selections that Alpha is offered."""
    found = offer.offers(world.alpha.pk, [fixture or world.fixture.pk])
    return [s.name for each in found.values() for market in each.published for s in market.selections if s.tradable]


def test_a5_what_would_open_is_listed_with_prices_and_opens_on_confirmation(world: World) -> None:
    assert len(tradable(world)) == 3
    sources.open_gap(world.source.pk, "nobody was receiving for 5.0 s")
    assert tradable(world) == []
    shown = confirmations.would_open(world.trader(), world.alpha.pk, [Target(fixture=world.fixture.pk)])
    assert [(o.selection, o.price) for o in shown.openings] == [
        ("Runner 0", Decimal("2.00")),
        ("Runner 1", Decimal("3.50")),
        ("Runner 2", Decimal("4.00")),
    ]
    assert tradable(world) == []
    done = confirmations.confirm(
        world.trader(), world.alpha.pk, [Target(fixture=world.fixture.pk)], as_of=shown.as_of, reason="checked by phone"
    )
    assert len(done.openings) == 3
    assert len(tradable(world)) == 3


def test_f1_a_confirmation_is_audited_with_what_it_opened(world: World) -> None:
    sources.open_gap(world.source.pk, "a hole")
    shown = confirmations.would_open(world.trader(), world.alpha.pk, [Target(market=world.market.pk)])
    confirmations.confirm(world.trader(), world.alpha.pk, [Target(market=world.market.pk)], as_of=shown.as_of, reason="seen")
    record = AuditRecord.objects.get(action="re-opening confirmed")
    assert (record.actor, record.bookmaker_id, record.fixture_id, record.market_id, record.reason) == (
        "user:1", world.alpha.pk, world.fixture.pk, world.market.pk, "seen",
    )  # fmt: skip
    assert [(o["selection"], o["price"]) for o in facts_of(record.after)["opened"]] == [
        ("Runner 0", "2.00"),
        ("Runner 1", "3.50"),
        ("Runner 2", "4.00"),
    ]


def test_a5_a_gap_after_the_list_stays_closed(world: World) -> None:
    sources.open_gap(world.source.pk, "first")
    shown = confirmations.would_open(world.trader(), world.alpha.pk, [Target(source=world.source.pk)])
    sources.open_gap(world.source.pk, "second")
    confirmations.confirm(world.trader(), world.alpha.pk, [Target(source=world.source.pk)], as_of=shown.as_of)
    assert tradable(world) == []


def test_a5_a_list_too_old_or_from_the_future_is_refused(world: World) -> None:
    for as_of in (db.now() - timedelta(minutes=6), db.now() + timedelta(minutes=1)):
        with pytest.raises(Refused) as refused:
            confirmations.confirm(world.trader(), world.alpha.pk, [Target(source=world.source.pk)], as_of=as_of)
        assert refused.value.code == "stale"


def test_a7_a_confirmation_opens_nothing_that_something_else_holds(world: World) -> None:
    sources.open_gap(world.source.pk, "a hole")
    sources.heard(world.source.pk, db.now())
    type(world.market).objects.filter(pk=world.market.pk).update(status="Suspended")
    world.market.facts["status"] = "Suspended"
    type(world.market).objects.filter(pk=world.market.pk).update(facts=world.market.facts)
    type(world.fixture).objects.filter(pk=world.fixture.pk).update(revision=2)
    assert confirmations.would_open(world.trader(), world.alpha.pk, [Target(source=world.source.pk)]).openings == ()


def test_e1_a_trader_confirms_for_the_own_bookmaker_only(world: World) -> None:
    sources.open_gap(world.source.pk, "a hole")
    confirmations.confirm(world.trader(world.beta), world.beta.pk, [Target(source=world.source.pk)], as_of=db.now())
    assert tradable(world) == []
    assert Gap.objects.get().closed_at is None
    with pytest.raises(Forbidden):
        confirmations.confirm(world.supervisor(), None, [Target(source=world.source.pk)], as_of=db.now())
    with pytest.raises(NotFound):
        confirmations.would_open(world.trader(), world.beta.pk, [Target(source=world.source.pk)])


def test_staff_confirm_for_all_and_the_gap_is_over(world: World) -> None:
    gap = sources.open_gap(world.source.pk, "a hole")
    shown = confirmations.would_open(STAFF, None, [Target(gap=gap)])
    assert {o.bookmaker for o in shown.openings} == {"Alpha", "Beta"}
    confirmations.confirm(STAFF, None, [Target(gap=gap)], as_of=shown.as_of, reason="the provider says so")
    row = Gap.objects.get()
    assert (row.closed_by, row.closed_reason, row.closed_at is None) == ("Staff", "the provider says so", False)
    assert len(tradable(world)) == 3


def test_b7_staff_do_not_close_the_gap_of_a_quarantined_message(world: World) -> None:
    sources.open_gap(world.source.pk, "unreadable", fixture_ref=world.fixture.ref, sticky=True, frame_id=7)
    confirmations.confirm(STAFF, None, [Target(source=world.source.pk)], as_of=db.now())
    assert Gap.objects.get().closed_at is None


def test_many_are_confirmed_at_once_with_one_record_each(world: World) -> None:
    other = add_fixture(world.source, world.fixture.sport, "101")
    add_market(other, "8", ("1.90", "1.90"))
    sources.open_gap(world.source.pk, "a hole")
    both = [Target(fixture=world.fixture.pk), Target(fixture=other.pk)]
    shown = confirmations.would_open(world.trader(), world.alpha.pk, both)
    assert len(shown.openings) == 5
    done = confirmations.confirm(world.trader(), world.alpha.pk, both, as_of=shown.as_of)
    assert len(done.openings) == 5
    assert AuditRecord.objects.filter(action="re-opening confirmed").count() == 2
    assert Confirmation.objects.count() == 2
    assert len(tradable(world, other.pk)) == 2


def test_e1_unknown_and_hidden_targets_answer_alike(world: World) -> None:
    hidden = add_fixture(world.source, world.fixture.sport, "102", simulated=True)
    for target in (Target(fixture=hidden.pk), Target(fixture=10**9), Target(market=10**9), Target(gap=10**9), Target(source=10**9)):
        with pytest.raises(NotFound):
            confirmations.would_open(world.trader(), world.alpha.pk, [target])
    with pytest.raises(Refused):
        confirmations.would_open(world.trader(), world.alpha.pk, [Target()])


def test_p4_a_viewer_confirms_nothing(world: World) -> None:
    with pytest.raises(Forbidden):
        confirmations.would_open(world.viewer(), world.alpha.pk, [Target(fixture=world.fixture.pk)])
