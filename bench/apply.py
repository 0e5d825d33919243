"""Applying 20 markets of which a fifth changed, in batches, beside Django's own ``bulk_create`` of all their rows.

Needs a migrated database that may be written to; what it writes stays in sources of its own.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

from django.db import connection, transaction
from msgspec.structs import replace

from bench.figure import Figure, interleaved
from markets import db
from markets.domain import facts
from markets.domain import messages as m
from markets.domain.values import FixtureStatus, MarketStatus, SelectionStatus
from markets.models import Fixture, Market, MarketType, Selection, Source
from markets.services import ingest

MARKETS = 20
FIXTURES = 50
BATCH = {"postgresql": 64, "sqlite": 16}


def figures() -> list[Figure]:
    return [rate()]


def rate(rounds: int = 9) -> Figure:
    """Messages a second through ``ingest.apply`` (facts, ticks, audit, marks) ÷ the same rows through the ORM."""
    size = BATCH[connection.vendor]
    measured, floor = interleaved(rounds, _applying(size), _writing_all_rows())
    return Figure(
        f"apply 20 markets, 20 % changed ({connection.vendor})", size / measured, "messages/s", "≥ 2", 1 / floor, "ORM bulk_create"
    )


def _applying(size: int) -> Callable[[], None]:
    source = _source()
    lives = [life(str(number)) for number in range(FIXTURES)]
    _apply(source, [next(messages) for messages in lives])
    turns = itertools.cycle(lives)
    return lambda: _apply(source, [next(next(turns)) for _ in range(size)])


def _apply(source: Source, batch: list[m.Message]) -> None:
    now = db.now()
    with transaction.atomic():
        ingest.apply(source, [ingest.Incoming(message, now, 1) for message in batch])


def life(ref: str) -> Iterator[m.Message]:
    """A fixture with its markets, then one whole MarketSet after another in which every fifth market has new prices."""
    markets = [_market(number, Decimal("2.00")) for number in range(MARKETS)]
    details = m.FixtureDetails(f"Fixture {ref}", "Match", FixtureStatus.SCHEDULED, "Scheduled", db.now(), m.Ref("10", "Football"))
    yield m.Message(str(uuid.uuid4()), ref, (details, m.MarketSet(tuple(markets))), db.now(), 1, "bench")
    for order in itertools.count(2):
        for number in range(order % 5, MARKETS, 5):
            markets[number] = _market(number, Decimal(150 + (order * 7 + number) % 200) / 100)
        if not order % 10:
            markets[0] = replace(markets[0], status=MarketStatus.SUSPENDED)
        yield m.Message(str(uuid.uuid4()), ref, (m.MarketSet(tuple(markets)),), db.now(), order, "bench")


def _market(number: int, price: Decimal) -> m.Market:
    prices = (price, price + 1, price + 2)
    trading = SelectionStatus.TRADING
    selections = (
        m.Selection(f"{number}{place}", f"Runner {place}", trading, "Trading", outcome=m.Ref(str(place), f"Outcome {place}"), price=value)
        for place, value in enumerate(prices)
    )
    name = f"Market {number}"
    return m.Market(str(number), 0, name, MarketStatus.OPEN, str(number), name, True, "Open", selections=tuple(selections))


def _source() -> Source:
    slug = f"bench-{uuid.uuid4().hex[:12]}"
    return Source.objects.create(slug=slug, provider="bench", name=slug)


def _writing_all_rows() -> Callable[[], None]:
    """One message's rows, all of them, as Django would upsert them: one transaction a message."""
    source = _source()
    fixtures = [Fixture.objects.create(source=source, ref=str(number), changed_at=db.now()) for number in range(FIXTURES)]
    kind, _ = MarketType.objects.get_or_create(provider="bench", ref="floor", defaults={"name": "Floor"})
    ready = [_rows(fixture, kind) for fixture in fixtures]
    for rows in ready:
        _upsert(*rows)
    turns = itertools.cycle(ready)
    return lambda: _upsert(*next(turns))


def _rows(fixture: Fixture, kind: MarketType) -> tuple[list[Market], list[Selection]]:
    markets, selections = [], []
    for number in range(MARKETS):
        said = _market(number, Decimal("2.00"))
        row = Market(
            fixture=fixture, ref=said.ref, key=said.ref, type=kind, name=said.name, status="Open", in_play=True,
            expiry=db.now() + timedelta(hours=1), facts=json.loads(facts.encode_market(said)), revision=1,
        )  # fmt: skip
        markets.append(row)
        selections += [
            Selection(market=row, ref=s.id, key=s.id, position=place, name=s.name, status="Trading", price=s.price,
                      facts=json.loads(facts.encode(s)), revision=1)
            for place, s in enumerate(said.selections)
        ]  # fmt: skip
    return markets, selections


def _upsert(markets: list[Market], selections: list[Selection]) -> None:
    for market in markets:
        market.pk = None
    for selection in selections:
        selection.pk = None
    with transaction.atomic():
        Market.objects.bulk_create(
            markets,
            update_conflicts=True,
            unique_fields=["fixture", "ref"],
            update_fields=["name", "status", "in_play", "facts", "revision"],
        )
        for selection in selections:
            selection.market_id = selection.market.pk
        Selection.objects.bulk_create(
            selections,
            update_conflicts=True,
            unique_fields=["market", "ref"],
            update_fields=["name", "status", "price", "facts", "revision"],
        )
