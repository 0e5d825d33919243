"""How far a person's price may go: the range, the soft and the hard limit (docs/trader-guide.md "Limits").

Pure. A change is measured in percent against the feed's price *after the bookmaker's margin*: what customers see without the override.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from .values import OverrideKind

HUNDRED = Decimal(100)
CENT = Decimal("0.01")
MOST_DIGITS = 9
"""Before the point; beyond it arithmetic may overflow, and no limit is that high."""
PLACES = {OverrideKind.PRICE: 2, OverrideKind.OFFSET: 2, OverrideKind.PERCENT: 4}


class Tolerance(Struct, frozen=True):
    """A bookmaker's limits; percentages of change, prices in decimal odds, the longest override in seconds."""

    soft_percent: Decimal
    hard_percent: Decimal
    low: Decimal
    high: Decimal
    max_seconds: int


class Assessment(Struct, frozen=True):
    """``field`` names the input that ``refused_words`` speaks of; both empty when nothing forbids the price.

    ``beyond_soft``: a reason is due. ``confirm_words`` non-empty: a second confirmation is due.
    """

    price: Decimal | None = None
    change_percent: Decimal | None = None
    beyond_soft: bool = False
    confirm_words: str = ""
    refused_words: str = ""
    field: str = ""


def change(price: Decimal | None, base: Decimal | None) -> Decimal | None:
    """By how many percent ``price`` leaves ``base``, signed, to two places."""
    if price is None or not base:
        return None
    return ((price - base) * HUNDRED / base).quantize(CENT, ROUND_HALF_UP)


def assess(price: Decimal | None, base: Decimal | None, book_after: Decimal | None, limits: Tolerance) -> Assessment:
    """Judge a wished price against ``base``. Without a feed price nothing can be compared, so it needs a confirmation."""
    if price is not None and not limits.low <= price <= limits.high:
        return Assessment(price, refused_words=f"{price} is outside the allowed range {limits.low} to {limits.high}", field="value")
    moved = change(price, base)
    if moved is not None and abs(moved) > limits.hard_percent:
        words = f"{moved:+} % from the feed is beyond the hard limit of {limits.hard_percent} %"
        return Assessment(price, moved, True, refused_words=words, field="value")
    beyond = moved is not None and abs(moved) > limits.soft_percent
    return Assessment(price, moved, beyond, confirm_words=_confirm_words(moved, beyond, book_after, limits))


def unfit(kind: OverrideKind, value: Decimal, limits: Tolerance) -> str:
    """Why ``value`` cannot be one of its kind at all, in words; empty when it can."""
    if not value.is_finite():
        return "not a number"
    return _misshapen(value, PLACES[kind]) or _out_of_range(kind, value, limits)


def _misshapen(value: Decimal, places: int) -> str:
    """Nothing but zeros may follow ``places`` digits after the point, however many digits there are."""
    if value.adjusted() > MOST_DIGITS:
        return "far too large"
    rounded = value.quantize(Decimal(1).scaleb(-places))
    return "" if value == rounded else f"at most {places} places after the point"


def _out_of_range(kind: OverrideKind, value: Decimal, limits: Tolerance) -> str:
    if kind is OverrideKind.PRICE and not limits.low <= value <= limits.high:
        return f"{value} is outside the allowed range {limits.low} to {limits.high}"
    if kind is OverrideKind.PERCENT and not -HUNDRED < value <= 10 * HUNDRED:
        return "a percentage lies above −100 and at most at 1000"
    if kind is OverrideKind.OFFSET and abs(value) > limits.high:
        return f"an offset is at most {limits.high}"
    return ""


def _confirm_words(moved: Decimal | None, beyond: bool, book_after: Decimal | None, limits: Tolerance) -> str:
    if moved is None:
        return "there is no feed price to compare with"
    if beyond:
        return f"{moved:+} % from the feed is beyond the soft limit of {limits.soft_percent} %"
    if book_after is not None and book_after < HUNDRED:
        return f"the book would be {book_after} %"
    return ""
