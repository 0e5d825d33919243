"""The state of a fixture as board and page show it: who closes it, in one word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from markets import db
from markets.domain.values import MarketStatus, Scope
from markets.live.cells import FixtureView, board_cells, fixture_cells
from markets.models import Fixture, Market, SourceLiveness
from markets.selectors import health, offer
from markets.services import holds, sources
from tests.services.world import World, add_market, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Iterator[World]:
    before = health._backlog_reader
    health.register_backlog_reader(lambda using: {})
    yield world()
    health.register_backlog_reader(before)


def seen(house: World) -> FixtureView:
    found = offer.offers(house.alpha.pk, [house.fixture.pk])[house.fixture.pk]
    view = fixture_cells(found)
    assert board_cells(found).cell == view.cell
    return view


def state(house: World) -> tuple[str, str]:
    cell = seen(house).cell
    return cell.state, cell.state_words


def feed_suspends(house: World, *markets: Market) -> None:
    for market in markets:
        market.facts["status"] = MarketStatus.SUSPENDED.value
        Market.objects.filter(pk=market.pk).update(status=MarketStatus.SUSPENDED, facts=market.facts)
    Fixture.objects.filter(pk=house.fixture.pk).update(revision=2)


def test_while_something_is_open_it_is_the_phase(house: World) -> None:
    other, _ = add_market(house.fixture, "8", ("1.90", "1.90"))
    feed_suspends(house, other)
    assert state(house) == ("soon", "SOON")


def test_all_suspended_by_the_feed_is_susp(house: World) -> None:
    other, _ = add_market(house.fixture, "8", ("1.90", "1.90"))
    feed_suspends(house, house.market, other)
    assert state(house) == ("suspended", "SUSP")


def test_a5_a_gap_is_held_while_the_feed_is_heard(house: World) -> None:
    sources.open_gap(house.source.pk, "nobody was receiving for 5.0 s")
    assert state(house) == ("held", "HELD")
    assert "nobody was receiving" in seen(house).cell.reason


def test_b7_a_quarantined_message_is_held(house: World) -> None:
    sources.open_gap(house.source.pk, "message quarantined: line 1", fixture_ref=house.fixture.ref, frame_id=7)
    assert state(house) == ("held", "HELD")


def test_a_hold_is_held(house: World) -> None:
    holds.suspend(house.trader(), house.alpha.pk, Scope.FIXTURE, str(house.fixture.pk))
    assert state(house) == ("held", "HELD")


def test_held_is_said_while_the_desk_alone_holds_anything(house: World) -> None:
    other, _ = add_market(house.fixture, "8", ("1.90", "1.90"))
    feed_suspends(house, other)
    holds.suspend(house.trader(), house.alpha.pk, Scope.MARKET, str(house.market.pk))
    assert state(house) == ("held", "HELD")


def test_a3_only_a_feed_that_is_not_heard_is_stale(house: World) -> None:
    sources.open_gap(house.source.pk, "a hole")
    SourceLiveness.objects.filter(source=house.source).update(heard_at=db.now() - timedelta(seconds=40))
    assert state(house) == ("stale", "STALE")
