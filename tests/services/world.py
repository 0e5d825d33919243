"""A small world for tests of the services: one source, two sports, a fixture with a market of three, two bookmakers and their people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct

from markets import db
from markets.domain import facts
from markets.domain import messages as m
from markets.domain.values import FixtureStatus, MarketStatus, Role, SelectionStatus
from markets.models import Bookmaker, Fixture, FixtureMarks, Market, MarketType, Selection, Source, SourceLiveness, Sport
from markets.services.actor import Actor

PRICES = ("2.00", "3.50", "4.00")


class World(Struct):
    source: Source
    fixture: Fixture
    market: Market
    selections: list[Selection]
    alpha: Bookmaker
    beta: Bookmaker

    @property
    def first(self) -> Selection:
        return self.selections[0]

    def trader(self, of: Bookmaker | None = None, number: int = 1) -> Actor:
        return person(number, (of or self.alpha).pk, Role.TRADER)

    def supervisor(self, of: Bookmaker | None = None) -> Actor:
        return person(90, (of or self.alpha).pk, Role.SUPERVISOR)

    def viewer(self) -> Actor:
        return person(80, self.alpha.pk, Role.VIEWER)


STAFF = Actor(id="user:99", name="Staff", user_id=99, staff=True)


def facts_of(stored: Any) -> dict[str, Any]:
    """The ``before`` or ``after`` of an audit record that must have one."""
    assert isinstance(stored, dict)
    return stored


def person(number: int, bookmaker: UUID, role: Role) -> Actor:
    return Actor(id=f"user:{number}", name=f"Person {number}", user_id=number, roles={bookmaker: role}, request_id=f"r{number}")


def world(prices: Iterable[str] = PRICES) -> World:
    """Everything fresh and healthy: the feed was heard just now."""
    football, _ = Sport.objects.get_or_create(slug="football", defaults={"name": "Football"})
    source = Source.objects.create(slug="wire", provider="updategram", name="Wire", created_at=db.now())
    SourceLiveness.objects.update_or_create(source=source, defaults={"heard_at": db.now(), "listening_at": db.now()})
    fixture = add_fixture(source, football, "100")
    market, selections = add_market(fixture, "7", prices)
    alpha = add_bookmaker("Alpha", football)
    beta = add_bookmaker("Beta", football)
    return World(source, fixture, market, selections, alpha, beta)


def add_bookmaker(name: str, *sports: Sport) -> Bookmaker:
    made = Bookmaker.objects.create(name=name)
    made.sports.set(sports)
    return made


def add_fixture(source: Source, sport: Sport | None, ref: str, *, simulated: bool = False) -> Fixture:
    details = m.FixtureDetails("Ajax v PSV", "Match", FixtureStatus.SCHEDULED, "Scheduled", db.now() + timedelta(hours=2), m.Ref("1"))
    made = Fixture.objects.create(
        source=source, ref=ref, match_id=int(ref), sport=sport, name="Ajax v PSV", has_details=True, status="Scheduled",
        start=details.start,
        competition_ref="55", competition_name="Eredivisie", changed_at=db.now(), simulated=simulated, total_odds=3,
        details=json.loads(facts.encode(details)), revision=1,
    )  # fmt: skip
    FixtureMarks.objects.create(fixture=made, marks=facts.encode_marks({}))
    return made


def add_market(fixture: Fixture, ref: str, prices: Iterable[str], *, expires_in: timedelta | None = None) -> tuple[Market, list[Selection]]:
    kind, _ = MarketType.objects.get_or_create(provider="updategram", ref="1", defaults={"name": "Match result"})
    expiry = db.now() + expires_in if expires_in is not None else None
    said = m.Market(ref, None, "Match result", MarketStatus.OPEN, "1", "Match result", in_play=False, status_text="Open", expiry=expiry)
    made = Market.objects.create(
        fixture=fixture, ref=ref, key=f"match-result-{ref}", type=kind, name=said.name, status="Open", in_play=False, expiry=expiry,
        facts=json.loads(facts.encode_market(said)), revision=1,
    )  # fmt: skip
    return made, [_add_selection(made, place, price) for place, price in enumerate(prices)]


def _add_selection(market: Market, place: int, price: str) -> Selection:
    whole = Decimal(price) if price else None
    said = m.Selection(f"{market.ref}{place}", f"Runner {place}", SelectionStatus.TRADING, "Trading", price=whole, price_text=price)
    return Selection.objects.create(
        market=market, ref=said.id, key=f"runner-{place}", position=place, name=said.name, status="Trading", price=whole,
        facts=json.loads(facts.encode(said)), revision=1,
    )  # fmt: skip
