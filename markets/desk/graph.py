"""Prices drawn on the server as SVG paths; numbers only, so that nothing from a feed reaches the markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from markets.selectors.ticks import Span, Tick

WIDTH, HEIGHT, FOOT = 380.0, 118.0, 12.0
SPARK_WIDTH, SPARK_HEIGHT = 84.0, 20.0
Height = Callable[[Decimal], float]


class Label(Struct, frozen=True):
    x: float
    y: float
    words: str


class Graph(Struct, frozen=True):
    """``feed`` and ``published`` are path data, ``bands`` (x, width) of suspensions; ``words`` says the same to those who do not see it."""

    feed: str
    published: str
    bands: tuple[tuple[float, float], ...]
    rules: tuple[float, ...]
    labels: tuple[Label, ...]
    words: str


def sparkline(ticks: Sequence[Tick], since: datetime, until: datetime) -> str:
    """Path data in a box of 84 × 20; empty without a price."""
    priced = [t for t in ticks if t.price is not None]
    if not priced:
        return ""
    low, high = _range([t.price for t in priced if t.price is not None])
    return _stairs(priced, since, until, SPARK_WIDTH, lambda p: _down(p, low, high, 2, SPARK_HEIGHT - 2))


def draw(ticks: Sequence[Tick], overrides: Sequence[Span], held: Sequence[Span], since: datetime, until: datetime) -> Graph | None:
    """The graph of one selection between two instants; ``None`` when the feed gave no price in it."""
    priced = [t for t in ticks if t.price is not None]
    if not priced:
        return None
    low, high = _range([p for p in [*(t.price for t in priced), *(o.value for o in overrides)] if p is not None])

    def y(price: Decimal) -> float:
        return _down(price, low, high, FOOT, HEIGHT - FOOT)

    middle = (low + high) / 2
    bands = [*_unoffered(ticks, until), *((h.since, h.until or until) for h in held)]
    return Graph(
        feed=_stairs(priced, since, until, WIDTH, y),
        published=" ".join(_flat(o, since, until, y) for o in overrides),
        bands=tuple(band for a, b in bands if (band := _band(a, b, since, until))[1] > 0),
        rules=tuple(y(p) for p in (high, middle, low)),
        labels=(*(Label(2, y(p) - 3, f"{p:.2f}") for p in (high, middle, low)), *_times(since, until)),
        words=f"Feed price from {priced[0].price:.2f} to {priced[-1].price:.2f}, scale {low:.2f} to {high:.2f}; {len(overrides)} overrides",
    )


def _stairs(ticks: Sequence[Tick], since: datetime, until: datetime, width: float, y: Height) -> str:
    """From the first tick on: what the price was before it is not known here."""
    levels = [(_across(t.at, since, until, width), y(t.price)) for t in ticks if t.price is not None]
    steps = [f"H{x:.1f}V{level:.1f}" for x, level in levels[1:]]
    return "".join([f"M{levels[0][0]:.1f} {levels[0][1]:.1f}", *steps, f"H{width:.1f}"])


def _flat(span: Span, since: datetime, until: datetime, y: Height) -> str:
    if span.value is None:
        return ""
    start, end = _across(span.since, since, until, WIDTH), _across(span.until or until, since, until, WIDTH)
    return f"M{start:.1f} {y(span.value):.1f}H{end:.1f}"


def _unoffered(ticks: Sequence[Tick], until: datetime) -> list[tuple[datetime, datetime]]:
    ends = [*(t.at for t in ticks[1:]), until]
    return [(t.at, end) for t, end in zip(ticks, ends, strict=True) if not t.offered]


def _band(start: datetime, end: datetime, since: datetime, until: datetime) -> tuple[float, float]:
    left, right = _across(start, since, until, WIDTH), _across(end, since, until, WIDTH)
    return round(left, 1), round(right - left, 1)


def _across(at: datetime, since: datetime, until: datetime, width: float) -> float:
    share = (at - since) / (until - since) if until > since else 0.0
    return min(max(share, 0.0), 1.0) * width


def _down(price: Decimal, low: Decimal, high: Decimal, top: float, bottom: float) -> float:
    return top + float((high - price) / (high - low)) * (bottom - top)


def _range(prices: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    low, high = min(prices), max(prices)
    if high - low < Decimal("0.04"):
        low, high = low - Decimal("0.02"), high + Decimal("0.02")
    return low, high


def _times(since: datetime, until: datetime) -> tuple[Label, Label]:
    return Label(2, HEIGHT + 10, f"{since:%H:%M}"), Label(WIDTH - 32, HEIGHT + 10, f"{until:%H:%M}")


def window(until: datetime, minutes: int) -> tuple[datetime, datetime]:
    return until - timedelta(minutes=minutes), until
