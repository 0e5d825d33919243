"""The price chain: feed price → margin → override → limits and ladder → published.

Pure; every step is kept so that a trader can be told where a price comes from.

*Margin* is proportional: a margin of m % makes every implied probability m % larger, so price = feed price / (1 + m / 100).
The book of a whole market then grows by exactly m %, and long prices shrink in the same proportion as short ones.
*Ladder*: two decimals, rounded down, so that the desk never offers more than the chain gave.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from msgspec import Struct

from .rules import Limits
from .values import OverrideKind


class Override(Struct, frozen=True):
    """A trader's price for one selection of one bookmaker until ``ends_at`` (C1).

    ``confirmed_at``: a person's word that it still holds, which counts as setting it again (A2).
    """

    id: int
    kind: OverrideKind
    value: Decimal
    set_at: datetime
    ends_at: datetime
    by: str
    reason: str = ""
    through_points: bool = False
    owner_id: str = ""
    confirmed_at: datetime | None = None

    @property
    def meant_at(self) -> datetime:
        """When a person last said that it holds."""
        return max(self.set_at, self.confirmed_at or self.set_at)


class Step(Struct, frozen=True):
    name: str
    value: Decimal | None
    words: str


class Chain(Struct, frozen=True):
    """``published`` is ``None`` when no price results; ``until`` is the override's end when one shaped the price.

    ``problem`` says in words why a price that can be shown must not be offered (limits); empty when it may be.
    """

    published: Decimal | None
    steps: tuple[Step, ...]
    override: Override | None = None
    until: datetime | None = None
    problem: str = ""


LADDER = Decimal("0.01")
_ONE = Decimal(1)
_HUNDRED = Decimal(100)


def chain(feed_price: Decimal | None, margin_percent: Decimal, override: Override | None, limits: Limits, now: datetime) -> Chain:
    """The published price with the steps that made it.

    An override shapes it only while ``set_at <= now < ends_at`` (C1), and only where the feed has a price: without one there
    is nothing to offer, whatever the trader typed (A7).
    """
    if override is None or not override.set_at <= now < override.ends_at:
        return _without_override(feed_price, margin_percent, limits)
    if feed_price is None:
        return Chain(None, (_NO_FEED_PRICE,), override, override.ends_at)
    before = _margin_steps(feed_price, margin_percent)
    shaped = _overridden(override, before[-1])
    return _finish((*before, shaped), limits, override)


def margined(feed_price: Decimal, margin_percent: Decimal) -> Decimal:
    """``feed_price`` after the margin, before rounding."""
    return feed_price / (_ONE + margin_percent / _HUNDRED) if margin_percent else feed_price


def plain(value: Decimal, *, sign: bool = False) -> str:
    """Without the zeros that a column pads: 5.00 → ``5``, +10.0000 → ``+10``."""
    trimmed = value.normalize()
    return f"{trimmed:+f}" if sign else f"{trimmed:f}"


@lru_cache(maxsize=32_768)
def _without_override(feed_price: Decimal | None, margin_percent: Decimal, limits: Limits) -> Chain:
    """Cached: prices repeat across markets and ticks."""
    if feed_price is None:
        return Chain(None, (_NO_FEED_PRICE,))
    return _finish(_margin_steps(feed_price, margin_percent), limits, None)


def _margin_steps(feed_price: Decimal, margin_percent: Decimal) -> tuple[Step, ...]:
    feed = Step("feed", feed_price, "as the feed sent it")
    if not margin_percent:
        return (feed,)
    return (feed, Step("margin", margined(feed_price, margin_percent), f"margin of {plain(margin_percent)} %"))


def _overridden(override: Override, before: Step) -> Step:
    base = before.value or Decimal(0)
    match override.kind:
        case OverrideKind.PRICE:
            value, words = override.value, f"price {plain(override.value)}"
        case OverrideKind.OFFSET:
            value, words = base + override.value, f"offset {plain(override.value, sign=True)}"
        case OverrideKind.PERCENT:
            value, words = base * (_ONE + override.value / _HUNDRED), f"{plain(override.value, sign=True)} %"
    return Step("override", value, f"{words} by {override.by}")


def _finish(steps: tuple[Step, ...], limits: Limits, override: Override | None) -> Chain:
    raw = steps[-1].value or Decimal(0)
    until = override.ends_at if override else None
    rounded = _down(raw)
    if rounded is None or rounded < _ONE:
        return Chain(None, steps, override, until, f"{plain(raw)} is not a price")
    step = Step("ladder", rounded, "down to two decimals")
    problem = "" if limits.low <= rounded <= limits.high else f"{rounded} is outside the limits {plain(limits.low)} to {plain(limits.high)}"
    return Chain(rounded, (*steps, step), override, until, problem)


def _down(price: Decimal) -> Decimal | None:
    """``None`` for what two decimals cannot hold."""
    if not price.is_finite() or abs(price) >= _LARGEST:
        return None
    return price.quantize(LADDER, ROUND_FLOOR)


_NO_FEED_PRICE = Step("feed", None, "the feed gives no price")
_LARGEST = Decimal(10) ** 12
