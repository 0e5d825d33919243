"""A fixture bound to the match of a point feed: what is heard of the match closes its sockets, on time and by itself (A1, A2, A3, A10)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from markets import db
from markets.domain import messages as m
from markets.domain.heard import Ears
from markets.domain.sports.tennis import Kind, Packet
from markets.live import fencebook, fences
from markets.live.frames import milliseconds
from markets.models import Binding, Fixture, MarketType, PointLiveness, ReopenRule, Source, SourceLiveness
from markets.selectors import offer, points
from markets.services import ingest
from tests.live.listening import Feed, bookmaker, listening, selections, serving, show_on_board, signed_in
from tests.live.reading import Beats, Page, on_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])
REF = "2026-580-MS001"


class Umpire:
    """A point feed whose packets are announced, and then applied by the real ingest, when a test says so."""

    def __init__(self) -> None:
        self.source = Source.objects.create(slug="umpire", provider="tennis", name="Umpire", lease_seconds=15)
        self.heard()
        self.seq = 0
        self.beats = Beats(self.source.pk)

    def heard(self, ago: float = 0.0) -> None:
        at = db.now() - timedelta(seconds=ago)
        SourceLiveness.objects.update_or_create(source=self.source, defaults={"heard_at": db.now()})
        line = {"heard_at": at, "state": "live", "changed_at": at}
        PointLiveness.objects.update_or_create(source=self.source, ref=REF, defaults=line)

    def announce(self, seq: int, *, urgent: bool = False) -> float:
        began = time.monotonic()
        fences.announce(fences.Announced(self.source.pk, REF, seq, urgent, datetime.now(UTC)))
        return began

    def keep(self, seq: int) -> None:
        fences.kept(self.source.pk, REF, seq, 1)

    def apply(self, kind: Kind, state: str = "") -> None:
        """Announced, kept and applied."""
        self.seq += 1
        self.announce(self.seq, urgent=kind in (Kind.POINT_STARTED, Kind.ALARM))
        self.keep(self.seq)
        self.only_apply(kind, state)

    def only_apply(self, kind: Kind, state: str = "") -> None:
        packet = Packet(self.seq, kind, kind.value, at=datetime.now(UTC), state=state)
        message = m.Message(f"{REF}#{self.seq}", REF, (packet,), sent_at=packet.at)
        with transaction.atomic():
            ingest.apply(self.source, [ingest.Incoming(message, db.now(), self.seq)])


class Courtside(Page, kw_only=True):
    """The fixture is bound, its market is in play: open between points."""

    umpire: Umpire
    feed: Feed

    def price(self, price: str) -> None:
        self.feed.market("100", prices=(price, "3.50", "4.00"), in_play=True)

    def heard_by(self, ears: Ears) -> bool:
        """Whether a process that hears this would serve anything as open."""
        (found,) = offer.offers(self.alpha.pk, [self.fixture.pk], ears=ears).values()
        return any(s.tradable for market in found.published for s in market.selections)


@pytest.fixture
def umpire(transactional_db: None) -> Iterator[Umpire]:
    one = Umpire()
    yield one
    one.beats.stop()


@pytest.fixture
def side(umpire: Umpire) -> Iterator[Courtside]:
    feed = Feed(coverage_expected=False)
    fixture = feed.fixture("100")
    umpire.apply(Kind.STATUS, "InProgress")
    match = Fixture.objects.get(source=umpire.source)
    Binding.objects.create(
        fixture=fixture, points=match, home_refs=[], away_refs=[], team_a_refs=[], team_b_refs=[], team_a_home=True, bound_at=db.now()
    )
    time.sleep(0.15)
    feed.market("100", in_play=True)
    show_on_board()
    alpha = bookmaker("Alpha")
    with serving() as server, listening(server, f"fixture/{fixture.pk}", signed_in("ann", alpha)) as ear:
        first = selections(fixture)[0]
        made = Courtside(umpire=umpire, feed=feed, fixture=fixture, alpha=alpha, server=server, ear=ear, first=first)
        made.waits(True)
        yield made


def test_a1_an_announcement_closes_at_once_and_only_its_application_and_a_price_open(side: Courtside) -> None:
    side.umpire.announce(2, urgent=True)
    side.waits(False)
    assert not side.heard_by(fences.ears())
    side.umpire.seq = 2
    side.umpire.keep(2)
    side.price("2.10")
    time.sleep(1.3)
    assert not side.is_open, "kept, but not applied"
    side.umpire.only_apply(Kind.POINT_STARTED)
    side.umpire.apply(Kind.REPLAYED)
    time.sleep(1.3)
    assert not side.is_open, "no price since"
    side.price("2.20")
    side.waits(True)
    assert side.heard_by(fences.ears())
    assert side.ear.broken == []


def test_a1_each_announcement_closes_long_before_the_tick_of_a_second(side: Courtside) -> None:
    took = [closed_by_a_point(side) for _ in range(5)]
    assert sorted(took)[2] < 0.1, took
    assert max(took) < 0.3, took


def closed_by_a_point(side: Courtside) -> float:
    """Seconds; it is played again, and everything is open as before."""
    side.umpire.seq += 1
    began = side.umpire.announce(side.umpire.seq, urgent=True)
    side.waits(False)
    took = time.monotonic() - began
    side.umpire.keep(side.umpire.seq)
    side.umpire.only_apply(Kind.POINT_STARTED)
    side.umpire.apply(Kind.REPLAYED)
    time.sleep(0.15)
    side.price("2.10")
    side.waits(True)
    return took


def test_a3_a_reader_that_stops_beating_closes_on_time_though_nothing_else_happens(side: Courtside) -> None:
    def once() -> int:
        late = side.closes(side.umpire.beats.fall_silent(REF))
        assert "silent" in side.ear.prices[side.first].reason
        assert not side.heard_by(fences.ears())
        side.umpire.beats.speak()
        side.waits(True)
        return late

    on_time(once)


def test_a3_a_match_that_is_not_heard_closes_on_time_though_its_feed_is(side: Courtside) -> None:
    def once() -> int:
        side.umpire.heard(ago=13)
        heard_at = PointLiveness.objects.get(ref=REF).heard_at
        assert heard_at is not None
        late = side.closes(heard_at + timedelta(seconds=15))
        side.umpire.heard()
        side.waits(True)
        return late

    on_time(once)


def test_a2_a_market_that_was_opted_in_opens_by_time_alone(side: Courtside) -> None:
    kind = MarketType.objects.get(provider="updategram", ref="2")
    ReopenRule.objects.create(bookmaker=side.alpha, type=kind, seconds="1.5")
    side.umpire.apply(Kind.POINT_STARTED)
    side.waits(False)
    began = milliseconds(db.now())
    side.umpire.apply(Kind.REPLAYED)
    side.waits(True)
    assert 1500 <= side.turned(True) - began <= 2000


def test_d3_a_lost_ring_of_the_match_is_healed_by_the_tick(side: Courtside) -> None:
    revision = side.ear.fixtures[side.fixture.pk].revision
    Fixture.objects.filter(source=side.umpire.source).update(revision=99)
    side.ear.wait(lambda e: e.fixtures[side.fixture.pk].revision > max(revision, 98), 2)


def test_a10_where_nobody_can_say_what_is_pending_nothing_is_open(side: Courtside) -> None:
    reader = points._pending_reader
    points.register_pending_reader(None)
    try:
        fences.registry().close()
        fences.registry().open([])
        time.sleep(1.5)
        assert not side.heard_by(fences.ears())
    finally:
        points.register_pending_reader(reader)
    fences.beat(side.umpire.source.pk)


def test_a10_a_process_that_does_not_listen_shows_a_bound_fixture_closed(side: Courtside) -> None:
    assert side.heard_by(fences.ears())
    assert not side.heard_by(fencebook.FenceBook())
