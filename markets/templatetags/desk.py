"""What the templates of the desk need beside Django's own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template

from markets.desk import words
from markets.live.cells import MarketView, PriceView

register = template.Library()
MARKS = {"suspended": "S", "override": "OVR", "none": ""}
LINE_MARKS = {"point": "✓", "started": "▶", "alert": "!", "alarm": "‼", "undo": "↶", "gap": "≠", "unknown": "?"}


@register.simple_tag
def fresh_key() -> str:
    """An Idempotency-Key for one command (promise C3)."""
    return secrets.token_urlsafe(18)


@register.filter
def three_way(market: MarketView | None) -> Sequence[PriceView | None]:
    """Home, draw, away; two selections leave the draw empty, and what is beyond three is on the fixture's page."""
    prices = list(market.prices) if market else []
    match len(prices):
        case 0:
            return (None, None, None)
        case 1:
            return (prices[0], None, None)
        case 2:
            return (prices[0], None, prices[1])
        case _:
            return tuple(prices[:3])


@register.filter
def mark(state: str) -> str:
    """The letter of a price cell's state, since colour alone says nothing."""
    return MARKS.get(state, "")


@register.filter
def line_mark(mark: str) -> str:
    """The sign of a timeline's line; a state has none."""
    return LINE_MARKS.get(mark, "·")


@register.filter
def at(values: Sequence[Any], index: int) -> Any:
    """The value at a place, empty beyond the end."""
    return values[index] if index < len(values) else ""


@register.filter
def from_ms(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


@register.filter
def ms(value: datetime | None) -> int | str:
    return "" if value is None else int(value.timestamp() * 1000)


@register.filter
def at_clock(value: datetime | None) -> str:
    return words.clock_time(value) if value else "–"


@register.filter
def price(value: Decimal | None) -> str:
    return words.price_words(value)


@register.filter
def fault(value: str) -> str:
    return words.fault_words(value)


@register.filter
def percent(value: Decimal | None) -> str:
    return words.percent_words(value)


@register.filter
def age(value: datetime | None, now: datetime) -> str:
    return words.age_words(value or None, now)  # of nothing, a template makes an empty text


@register.filter
def lasting(seconds: float) -> str:
    return words.duration_words(int(seconds))


@register.filter
def lag(seconds: float | None) -> str:
    """``22 ms``, ``3.2 s``; a dash where nothing was waited for."""
    return words.lag_words(seconds)


_ROADS = {"ws": "WebSocket", "sse": "SSE", "poll": "polling"}


@register.filter
def road(value: str) -> str:
    """How a match's streams come: of updates, and of overrides where they come otherwise."""
    return ", overrides ".join(_ROADS.get(one, one) for one in value.split("+")) or "–"


@register.filter
def as_words(value: Any) -> str:
    return words.json_words(value)


@register.filter
def as_change(value: Any) -> str:
    return words.change_words(value)


@register.filter
def about(value: str) -> str:
    """What an audit record is about, in words."""
    return words.object_words(value)


@register.filter
def signed(value: Decimal | None) -> str:
    """A change in percent with its sign."""
    return "–" if value is None else f"{value:+.1f}%"


@register.filter
def target(names: dict[str, str], hold: Any) -> str:
    """What a hold reaches, in words."""
    return names.get(f"{hold.scope}:{hold.target}", f"{hold.scope} {hold.target}")
