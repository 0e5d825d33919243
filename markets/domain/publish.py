"""What one bookmaker is offered of one fixture at one instant: gate and chain over every selection.

Pure. REST, pages and pushed frames all serve exactly this value, so that they cannot disagree.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from .messages import Selection
from .pricing import Chain, Override, Step, chain
from .rules import Circumstances, Code, MarketFacts, Reason, Survey, Verdict, after_point, market_verdict, selection_verdict, survey
from .values import OverrideKind, SelectionStatus

IN_PLAY_MS = 2_000
PRE_MATCH_MS = 10_000


class SelectionRow(Struct, frozen=True):
    """A stored selection's surrogate id and public key beside the provider's value (found by ``provider_id``)."""

    id: int
    provider_id: str
    key: str


class MarketRow(Struct, frozen=True):
    """A stored market: surrogate id, public key, odd group (kebab-case), facts, and its selections in order.

    ``main``: its type is shown on the board.
    """

    id: int
    key: str
    group: str
    facts: MarketFacts
    selections: tuple[SelectionRow, ...]
    main: bool = False


class Terms(Struct, frozen=True):
    """What a bookmaker's people decided about a fixture. ``overrides`` and ``versions`` are by selection row id."""

    margin_percent: Decimal = Decimal(0)
    overrides: dict[int, Override] = {}
    versions: dict[int, int] = {}


class PublishedSelection(Struct, frozen=True):
    """``price`` is readable even when suspended. ``valid_for_ms`` is 0 unless tradable (A12).

    ``override`` is the one in effect; it may be hidden by a suspension, which never ends it (P3).
    """

    id: int
    key: str
    provider_id: str
    name: str
    price: Decimal | None
    feed_price: Decimal | None
    tradable: bool
    reasons: tuple[Reason, ...]
    valid_for_ms: int
    override: Override | None
    steps: tuple[Step, ...]
    version: int


class PublishedMarket(Struct, frozen=True):
    """``tradable``: nothing holds the market and at least one of its selections is. ``reasons``: what holds all of them.

    ``book_percent``: sum of 100/price over the runners in the feed's last message, ``None`` when one lacks a price.
    """

    id: int
    key: str
    group: str
    tradable: bool
    reasons: tuple[Reason, ...]
    book_percent: Decimal | None
    selections: tuple[PublishedSelection, ...]


def publish(markets: tuple[MarketRow, ...], terms: Terms, around: Circumstances) -> tuple[PublishedMarket, ...]:
    """Every market of one fixture for one bookmaker; what holds for all of them is worked out once."""
    seen = survey(around)
    return tuple(publish_market(market, terms, seen) for market in markets)


class _Shelf(Struct, frozen=True):
    """What the selections of one market share."""

    facts: MarketFacts
    verdict: Verdict
    terms: Terms
    seen: Survey
    ceiling_ms: int


def publish_market(row: MarketRow, terms: Terms, seen: Survey) -> PublishedMarket:
    """One market under a survey of its fixture."""
    market = row.facts.market
    verdict = market_verdict(row.facts, seen)
    shelf = _Shelf(row.facts, verdict, terms, seen, IN_PLAY_MS if market.in_play else PRE_MATCH_MS)
    selections = tuple(_publish_selection(r, value, shelf) for r, value in zip(row.selections, _aligned(row), strict=True))
    tradable = verdict.tradable and any(s.tradable for s in selections)
    book = _book(selections, market.selections)
    return PublishedMarket(row.id, row.key, row.group, tradable, verdict.reasons, book, selections)


def _aligned(row: MarketRow) -> tuple[Selection, ...]:
    """The provider's values in the order of the rows; a row without one is not listed."""
    values = row.facts.market.selections
    if len(values) == len(row.selections) and all(r.provider_id == v.id for r, v in zip(row.selections, values, strict=True)):
        return values
    by_id = {v.id: v for v in values}
    return tuple(by_id.get(r.provider_id) or _missing(r.provider_id) for r in row.selections)


def _missing(provider_id: str) -> Selection:
    return Selection(provider_id, "", SelectionStatus.UNRECOGNISED, listed=False)


def _publish_selection(row: SelectionRow, value: Selection, shelf: _Shelf) -> PublishedSelection:
    terms, around = shelf.terms, shelf.seen.around
    priced = chain(value.price, terms.margin_percent, terms.overrides.get(row.id), around.limits, around.now)
    verdict = selection_verdict(value, row.id, shelf.facts, shelf.verdict, shelf.seen)
    verdict = _within_limits(_meant_now(verdict, priced.override, shelf), priced)
    return PublishedSelection(
        id=row.id,
        key=row.key,
        provider_id=row.provider_id,
        name=value.name,
        price=priced.published,
        feed_price=value.price,
        tradable=verdict.tradable,
        reasons=verdict.reasons,
        valid_for_ms=_valid_for_ms(verdict.until, priced.until, around.now, shelf.ceiling_ms) if verdict.tradable else 0,
        override=priced.override,
        steps=priced.steps,
        version=terms.versions.get(row.id, 0),
    )


def _meant_now(verdict: Verdict, override: Override | None, shelf: _Shelf) -> Verdict:
    """A2: a price typed before the point's end says nothing of the match after it. The override itself goes on (P3)."""
    if override is None or override.kind is not OverrideKind.PRICE or override.through_points or not shelf.facts.market.in_play:
        return verdict
    fence = shelf.seen.around.fence
    if after_point(override.meant_at, fence):
        return verdict
    clears = "a confirmation that it still holds, another override, or its end"
    return Verdict(False, (*verdict.reasons, Reason(Code.OLD_OVERRIDE, "override from before the point", fence.settled_kept, clears)))


def _within_limits(verdict: Verdict, priced: Chain) -> Verdict:
    if priced.published is not None and not priced.problem:
        return verdict
    if not priced.problem:  # the feed has no price, which the gate has said already
        return Verdict(False, verdict.reasons or (Reason(Code.PRICE, "no price"),))
    reason = Reason(Code.LIMITS, priced.problem, clears="a price within the limits, or other limits")
    return Verdict(False, (*verdict.reasons, reason))


def _valid_for_ms(held_until: datetime | None, override_until: datetime | None, now: datetime, ceiling: int) -> int:
    """A12, in whole milliseconds and never beyond the earliest deadline."""
    if override_until is not None and (held_until is None or override_until < held_until):
        held_until = override_until
    if held_until is None:
        return ceiling
    return max(0, min(ceiling, (held_until - now) // _MILLISECOND))


def _book(selections: tuple[PublishedSelection, ...], values: tuple[Selection, ...]) -> Decimal | None:
    out = {v.id for v in values if v.status is SelectionStatus.NON_RUNNER or not v.listed}
    prices = [s.price for s in selections if s.provider_id not in out]
    if not prices:
        return None
    total = Decimal(0)
    for price in prices:
        if price is None:
            return None
        total += _HUNDRED / price
    return total.quantize(_BOOK_STEP)


_HUNDRED = Decimal(100)
_BOOK_STEP = Decimal("0.01")
_MILLISECOND = timedelta(milliseconds=1)
