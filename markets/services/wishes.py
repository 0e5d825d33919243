"""Judging a wished override against what the store holds: today's feed price, the bookmaker's limits, the rest of the market."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from markets.domain import pricing
from markets.domain.rules import Limits
from markets.domain.tolerance import CENT, HUNDRED, Assessment, Tolerance, assess, unfit
from markets.domain.values import OverrideKind, SelectionStatus
from markets.models import Bookmaker, Override, Selection

from .typed import problem


class Wish(Struct, frozen=True):
    """What somebody wants to set, as typed."""

    kind: OverrideKind
    value: Decimal
    seconds: int
    reason: str = ""
    through_points: bool = False


def tolerance(of: Bookmaker) -> Tolerance:
    return Tolerance(of.soft_limit_percent, of.hard_limit_percent, of.low_price, of.high_price, of.max_override_seconds)


def form_problems(wish: Wish, limits: Tolerance) -> dict[str, str]:
    """Field → words for what no price could make right."""
    problems = {
        "value": unfit(wish.kind, wish.value, limits),
        "seconds": duration_problem(wish.seconds, limits),
        "reason": problem(wish.reason),
    }
    return {field: words for field, words in problems.items() if words}


def duration_problem(seconds: int, limits: Tolerance) -> str:
    return "" if 1 <= seconds <= limits.max_seconds else f"a duration is 1 to {limits.max_seconds} seconds"


def price_now(kind: OverrideKind, value: Decimal, feed_price: Decimal | None, of: Bookmaker, now: datetime) -> Decimal | None:
    """The price that an override gives with today's feed price; its own value where a fixed price has no feed price beside it."""
    if feed_price is None:
        return value if kind is OverrideKind.PRICE else None
    return pricing.chain(feed_price, of.margin_percent, _tentative(kind, value, now), _limits(of), now).published


def base_price(selection: Selection, of: Bookmaker, now: datetime) -> Decimal | None:
    """The feed's price after the bookmaker's margin."""
    return pricing.chain(selection.price, of.margin_percent, None, _limits(of), now).published


def judge(wish: Wish, selection: Selection, of: Bookmaker, now: datetime) -> tuple[Assessment, Decimal | None]:
    """What is to be said of a wish that has no form problem, and the book of the market with it in percent."""
    base = base_price(selection, of, now)
    price = price_now(wish.kind, wish.value, selection.price, of, now)
    if price is None and base is not None:
        return Assessment(refused_words="that makes no price", field="value"), None
    book = book_with(selection, price, of, now)
    return assess(price, base, book, tolerance(of)), book


def book_with(selection: Selection, price: Decimal | None, of: Bookmaker, now: datetime) -> Decimal | None:
    """The sum of 100/price over the market's runners as the bookmaker would publish them; None when one lacks a price."""
    in_effect = {
        o.selection_id: o for o in Override.objects.filter(bookmaker=of, market=selection.market_id, ended_at=None, ends_at__gt=now)
    }
    prices: list[Decimal | None] = []
    for other in Selection.objects.filter(market=selection.market_id):
        if other.pk == selection.pk:
            prices.append(price)
        elif _runs(other):
            prices.append(_published(other, in_effect.get(other.pk), of, now))
    whole = [p for p in prices if p]
    return sum((HUNDRED / p for p in whole), Decimal(0)).quantize(CENT) if len(whole) == len(prices) else None


def _runs(selection: Selection) -> bool:
    return selection.status != SelectionStatus.NON_RUNNER and selection.facts.get("listed", True)


def _published(selection: Selection, override: Override | None, of: Bookmaker, now: datetime) -> Decimal | None:
    if override is None:
        return base_price(selection, of, now)
    return price_now(OverrideKind(override.kind), override.value, selection.price, of, now)


def _limits(of: Bookmaker) -> Limits:
    return Limits(of.low_price, of.high_price)


def _tentative(kind: OverrideKind, value: Decimal, now: datetime) -> pricing.Override:
    return pricing.Override(0, kind, value, now, now + timedelta(seconds=1), "")
