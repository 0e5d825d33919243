"""From the provider's sockets to what a bookmaker is offered: a match opens, closes with its connection, and heals (A3, A5; O1, O2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from feeds import accounting
from feeds.keeping import Arrived, Writer
from feeds.odds360.simulation.contest import Status
from feeds.odds360.simulation.stream import Pace
from feeds.odds360.simulator import Odds360Simulator
from feeds.odds360.subjects import Kind, subject
from markets.models import Bookmaker, Fixture, Gap, Source, Sport
from markets.selectors import health, offer
from tests.feeds.odds360 import following as f
from tests.services.court import Listening

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _backlog_is_known() -> Iterator[None]:
    before = health._backlog_reader
    health.register_backlog_reader(accounting.oldest_pending)
    yield
    health.register_backlog_reader(before)


def still() -> Odds360Simulator:
    """One live match whose prices hardly move."""
    return f.play(matches=1, upcoming=0, speed=0.02, pace=Pace(beat=0.3, drift=600.0, retry=1.0))


def ref_of(provider: Odds360Simulator) -> str:
    return str(next(provider.roster.all(Status.LIVE)).card.id)


def house() -> Bookmaker:
    made, _ = Bookmaker.objects.get_or_create(name="Alpha", defaults={"demo": True})
    made.sports.set([Sport.objects.get(slug="table-tennis")])
    return made


def offered(ref: str) -> tuple[int, set[str]]:
    """After all work is done: how many prices of the match are open, and the codes of what holds the others."""
    f.work()
    fixture = Fixture.objects.filter(ref=ref).first()
    if fixture is None:
        return 0, {"no such fixture"}
    (found,) = offer.offers(house().pk, [fixture.pk], ears=Listening()).values()
    of_all = [s for market in found.published for s in market.selections]
    return sum(s.tradable for s in of_all), {reason.code for s in of_all for reason in s.reasons}


async def test_a_match_opens_closes_with_its_connection_and_opens_again() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        ref = ref_of(provider)
        async with f.running():
            await f.until(lambda: offered(ref)[0] > 0, 20)
        await f.until(lambda: (found := offered(ref))[0] == 0 and "lease" in found[1], 15)
        async with f.running():
            await f.until(lambda: offered(ref)[0] > 0, 20)


async def test_a5_what_holds_a_match_whose_prices_stand_still_is_cleared_by_asking_anew() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        ref = ref_of(provider)

        def quarantine() -> None:
            source = Source.objects.get(provider="odds360")
            Writer().write([Arrived(source.pk, datetime.now(UTC), "text/html", "", b"<html>502</html>", subject(Kind.VERIFY, ref))])
            f.work()
            assert Gap.objects.filter(fixture__ref=ref, closed_at=None).exists()
            assert offered(ref)[0] == 0

        async with f.running():
            await f.until(lambda: offered(ref)[0] > 0, 20)
            await f.ask(quarantine)
            await f.until(lambda: offered(ref)[0] > 0, 15)
