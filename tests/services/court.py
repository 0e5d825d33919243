"""A tennis court beside the small world: a fixture with one in-play market, bound to the match of a point feed, all of it healthy."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from markets import db
from markets.domain import facts
from markets.domain.heard import Heard
from markets.domain.rules import Code
from markets.domain.sports.tennis import Tennis
from markets.domain.state import Mark, market_mark
from markets.models import Binding, Bookmaker, Fixture, FixtureMarks, PointLiveness, PointState, Source, SourceLiveness, Sport
from markets.selectors import offer
from tests.domain.points import between
from tests.services.world import World, add_fixture, add_market
from tests.services.world import world as make_world


class Listening:
    """A process that has joined the fences; ``announced``: the highest number it heard of."""

    def __init__(self, announced: int | None = None) -> None:
        self.announced = announced

    def heard(self, source_id: int, ref: str) -> Heard:
        return Heard(joined=True, announced=self.announced, silent_in=2.0)


class Court(Struct):
    world: World
    umpire: Source
    fixture: Fixture
    match: Fixture
    binding: Binding

    @property
    def alpha(self) -> Bookmaker:
        return self.world.alpha

    def offer(self, of: Bookmaker | None = None, ears: Any = None) -> offer.Offer:
        return offer.offers((of or self.alpha).pk, [self.fixture.pk], ears=ears or Listening())[self.fixture.pk]

    def open(self, of: Bookmaker | None = None, ears: Any = None) -> int:
        return sum(s.tradable for m in self.offer(of, ears).published for s in m.selections)

    def codes(self, of: Bookmaker | None = None) -> set[Code]:
        return {r.code for m in self.offer(of).published for s in m.selections for r in s.reasons}

    def beat(self) -> None:
        """Everything is heard now: making many courts takes longer than a lease."""
        SourceLiveness.objects.update(heard_at=db.now())
        PointLiveness.objects.update(heard_at=db.now())

    def tell(self, match: Tennis) -> None:
        """As though the point feed had told it."""
        PointState.objects.update_or_create(fixture=self.match, defaults={"state": json.loads(facts.encode(match))})

    def price(self, kept: datetime, *, fresh: bool = True) -> None:
        """As though a message had priced the market at ``kept``."""
        mark = Mark(kept, fresh_kept=kept if fresh else None)
        FixtureMarks.objects.filter(fixture=self.fixture).update(marks=facts.encode_marks({market_mark("7"): mark}))


def court(ref: str = "500", of: World | None = None) -> Court:
    """Between points for 30 s, priced 20 s ago."""
    world = of or make_world()
    tennis = Sport.objects.get(slug="tennis")
    for bookmaker in (world.alpha, world.beta):
        bookmaker.sports.add(tennis)
        bookmaker.point_sports.set([tennis])
    umpire = _umpire()
    fixture = add_fixture(world.source, tennis, ref)
    Fixture.objects.filter(pk=fixture.pk).update(coverage=_LICENSED)
    market, _ = add_market(fixture, "7", ("1.80", "2.00"))
    type(market).objects.filter(pk=market.pk).update(in_play=True, facts=market.facts | {"in_play": True})
    match = Fixture.objects.create(
        source=umpire, ref=f"2026-580-MS{ref}", sport=tennis, name="Squire v Rodionov", changed_at=db.now(), phase="live", revision=40
    )
    PointLiveness.objects.create(source=umpire, ref=match.ref, heard_at=db.now(), state="live", changed_at=db.now())
    binding = Binding.objects.create(
        fixture=fixture, points=match, home_refs=["1"], away_refs=["2"], team_a_refs=["A"], team_b_refs=["B"], team_a_home=True,
        bound_at=db.now(), by="Ann",
    )  # fmt: skip
    made = Court(world, umpire, fixture, match, binding)
    now = db.now()
    made.tell(between(-30, at=lambda second: now + timedelta(seconds=second)))
    made.price(now - timedelta(seconds=20))
    return made


def _umpire() -> Source:
    umpire, _ = Source.objects.get_or_create(slug="umpire", defaults={"provider": "tennis", "name": "Umpire", "lease_seconds": 15})
    SourceLiveness.objects.update_or_create(source=umpire, defaults={"heard_at": db.now(), "listening_at": db.now()})
    return umpire


_LICENSED = {
    "is_booked": True,
    "feeds": [{"type": "MatchState", "licensed": True}, {"type": "TradingState", "licensed": True}],
}
