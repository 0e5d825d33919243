"""How prices moved: the feed's ticks, and what people laid over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Q
from msgspec import Struct

from markets.domain.pricing import plain
from markets.domain.values import Scope
from markets.models import Hold, Override, PriceTick, Selection


class Tick(Struct, frozen=True):
    """From ``at`` on the feed's price was this; ``offered``: market Open and selection Trading."""

    at: datetime
    price: Decimal | None
    offered: bool


class Moved(Struct, frozen=True):
    """One tick as the public history serves it. ``feed_value``: the provider's price, before margin and overrides."""

    match_id: int
    odd_type: str
    odd_key: str
    time: datetime
    feed_value: Decimal | None
    offered: bool


class Stretch(Struct, frozen=True):
    """Which ticks of a fixture: from ``since`` to before ``until``; empty ``market`` or ``outcome``: all of them (public keys)."""

    since: datetime
    until: datetime
    market: str = ""
    outcome: str = ""


class Span(Struct, frozen=True):
    """From when until when something lay over the feed's price; ``until`` None: it still does. ``value``: an override's price."""

    since: datetime
    until: datetime | None
    value: Decimal | None = None


def recent(selection_ids: Collection[int], since: datetime, until: datetime, using: str = "default") -> dict[int, list[Tick]]:
    """Selection id → its ticks in order. One query."""
    rows = PriceTick.objects.using(using).filter(selection_id__in=selection_ids, at__gte=since, day__in=_days(since, until))
    found: dict[int, list[Tick]] = defaultdict(list)
    for selection_id, at, price, offered in rows.order_by("at", "id").values_list("selection_id", "at", "price", "offered"):
        found[selection_id].append(Tick(at, price, offered))
    return dict(found)


def history(fixture_id: int, match_id: int, asked: Stretch, limit: int, offset: int, using: str = "default") -> list[Moved]:
    """A match's ticks in order. Two queries."""
    keys = _keys(fixture_id, asked, using)
    rows = PriceTick.objects.using(using).filter(fixture_id=fixture_id, at__gte=asked.since, at__lt=asked.until)
    rows = rows.filter(day__in=_days(asked.since, asked.until), selection_id__in=keys).order_by("at", "id")
    columns = rows.values_list("selection_id", "at", "price", "offered")[offset : offset + limit]
    return [Moved(match_id, *keys[selection], at, _plain(price), offered) for selection, at, price, offered in columns]


def _plain(price: Decimal | None) -> Decimal | None:
    """Without the zeros that the column pads, in which the two stores differ."""
    return None if price is None else Decimal(plain(price))


def _keys(fixture_id: int, asked: Stretch, using: str) -> dict[int, tuple[str, str]]:
    """Selection id → (odd group, odd key)."""
    rows = Selection.objects.using(using).filter(market__fixture=fixture_id)
    if asked.market:
        rows = rows.filter(market__key=asked.market)
    if asked.outcome:
        rows = rows.filter(key=asked.outcome)
    found = rows.values_list("id", "market__type__odd_group", "market__key", "key")
    return {id_: (group, f"{market}#{outcome}") for id_, group, market, outcome in found}


def overridden(bookmaker_id: UUID, selection_id: int, since: datetime, using: str = "default") -> list[Span]:
    """The prices that people set for a selection, ended ones too. One query."""
    rows = Override.objects.using(using).filter(bookmaker_id=bookmaker_id, selection_id=selection_id, kind="price")
    rows = rows.filter(Q(ended_at=None, ends_at__gte=since) | Q(ended_at__gte=since)).order_by("set_at")
    return [Span(o.set_at, o.ended_at or o.ends_at, o.value) for o in rows]


class Place(Struct, frozen=True):
    """Row ids of a selection and what it lies in."""

    fixture: int
    market: int
    selection: int


def held(bookmaker_id: UUID, place: Place, since: datetime, using: str = "default") -> list[Span]:
    """When people suspended it, at whatever scope up to its fixture, or everything. One query."""
    reach = (
        Q(scope=Scope.SELECTION.value, target=str(place.selection))
        | Q(scope=Scope.MARKET.value, target=str(place.market))
        | Q(scope=Scope.FIXTURE.value, target=str(place.fixture))
        | Q(scope=Scope.EVERYTHING.value)
    )
    rows = Hold.objects.using(using).filter(reach, Q(bookmaker_id=bookmaker_id) | Q(bookmaker=None))
    rows = rows.filter(Q(released_at=None) | Q(released_at__gte=since)).order_by("since")
    return [Span(h.since, h.released_at or h.ends_at) for h in rows]


def _days(since: datetime, until: datetime) -> list[date]:
    """The day partitions that the window touches."""
    first, last = since.date(), until.date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
