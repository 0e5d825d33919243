"""The strip of the last minutes below the timeline: what the match closed, and the wait for a price after it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from msgspec import Struct

from markets import db
from markets.domain.sports.tennis import Kind
from markets.live.frames import milliseconds
from markets.models import PriceTick, Selection, TimelineEntry
from tests.domain.points import between
from tests.services.court import Court, court
from tests.services.world import World

pytestmark = pytest.mark.django_db
BAND = re.compile(r'<rect class="closed (\w+)" data-from="(\d+)" data-to="(\d*)"')


ENDED = timedelta(seconds=30)
"""The point's end, before the court was made."""


class Played(Struct):
    """A point of 5 s that ended at ``ended``."""

    court: Court
    ended: datetime

    def point(self, seconds: float = 0) -> None:
        """Told: it ended then, and began 5 s before."""
        for at, kind, mark in ((seconds - 5, Kind.POINT_STARTED, "started"), (seconds, Kind.SCORED, "point")):
            when = self.ended + timedelta(seconds=at)
            TimelineEntry.objects.create(fixture=self.court.match, kind=kind.value, mark=mark, words=mark, at=when, kept_at=when)

    def bands(self, desk: Client) -> list[tuple[str, int, int | None]]:
        """Class of each band, and milliseconds after the point's end from when until when."""
        page = desk.get(f"/fixture/{self.court.fixture.pk}/points").content.decode()
        assert "waiting for a price after the point</li>" in page, "the legend"
        zero = milliseconds(self.ended)
        return [(mark, int(since) - zero, int(until) - zero if until else None) for mark, since, until in BAND.findall(page)]

    def price(self, seconds: float) -> None:
        self.court.price(self.ended + timedelta(seconds=seconds))

    def tick(self, seconds: float, *, offered: bool = True) -> None:
        at = self.ended + timedelta(seconds=seconds)
        selection = Selection.objects.filter(market__fixture=self.court.fixture).order_by("pk")[0]
        PriceTick.objects.create(
            day=at.date(), at=at, fixture_id=self.court.fixture.pk, selection_id=selection.pk, price="1.83", offered=offered
        )


@pytest.fixture
def played(world: World) -> Played:
    made = court(of=world)
    ended = db.now().replace(microsecond=0) - ENDED
    made.tell(between(0, at=lambda second: ended + timedelta(seconds=second)))
    return Played(made, ended)


def test_the_wait_is_a_band_of_its_own_until_a_price_came(desk: Client, played: Played) -> None:
    played.point()
    played.price(10)
    assert played.bands(desk) == [("started", -5000, 0), ("wait", 0, 10_000)]


def test_a_wait_that_goes_on_has_no_end(desk: Client, played: Played) -> None:
    played.point()
    played.price(-20)
    assert played.bands(desk) == [("started", -5000, 0), ("wait", 0, None)]


def test_of_several_prices_after_the_point_the_first_ends_the_wait(desk: Client, played: Played) -> None:
    played.point()
    played.price(10)
    played.tick(2)
    played.tick(6)
    assert played.bands(desk) == [("started", -5000, 0), ("wait", 0, 2000)]


def test_a_price_that_is_not_offered_ends_no_wait(desk: Client, played: Played) -> None:
    played.point()
    played.price(10)
    played.tick(2, offered=False)
    assert played.bands(desk) == [("started", -5000, 0), ("wait", 0, 10_000)]


def test_the_strip_reaches_back_beyond_the_lines_that_are_shown(desk: Client, played: Played) -> None:
    played.price(10)
    for number in range(60):
        played.point(-560 + number * 9)
    played.point()
    bands = [mark for mark, *_ in played.bands(desk)]
    assert bands.count("started") == 61
    shown = desk.get(f"/fixture/{played.court.fixture.pk}/points").content.decode()
    assert shown.count("data-line=") == 80
