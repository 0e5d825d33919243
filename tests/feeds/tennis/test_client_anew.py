"""A reader whose stream a person has begun anew: it asks for the whole of it, and counts on (T2, T3)."""

from __future__ import annotations

import asyncio

import pytest

from feeds import anew
from markets.domain.sports.tennis import TURN
from markets.models import Fixture, Sport
from tests.feeds import points
from tests.feeds.tennis import following as f
from tests.feeds.tennis.provider import Provider, packet
from tests.services.world import add_fixture, world

pytestmark = pytest.mark.django_db(transaction=True)
ONE = "2026-0540-MS001"


def _applied_and_begun_anew() -> None:
    points.drain()
    small = world()
    tennis, _ = Sport.objects.get_or_create(slug="tennis", defaults={"name": "Tennis"})
    small.alpha.sports.add(tennis)
    fixture = add_fixture(small.source, tennis, "900")
    points.bind(fixture, Fixture.objects.get(ref=ONE))
    anew.begin(small.trader(), small.alpha.pk, fixture.pk, "a wild number")


def test_t2_it_asks_for_the_whole_stream_within_seconds_and_numbers_go_on_above_all_earlier_ones() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                provider[ONE].say(*(packet(n) for n in range(1, 13)))
                await f.until(lambda: len(f.bodies(ONE)) == 12)
                await f.ask(_applied_and_begun_anew)
                await f.until(lambda: len(f.bodies(ONE)) == 24)
                assert await f.ask(lambda: f.seqs(ONE)) == [*range(1, 13), *range(TURN + 1, TURN + 13)]
                provider[ONE].say(packet(13))
                await f.until(lambda: f.seqs(ONE)[-1] == TURN + 13)
                await f.until(lambda: f.state(ONE) == "live")
        assert provider[ONE].asked == ["", ""]

    asyncio.run(scene())
