"""What is published: gate and chain over every selection (promises A7, A8, A12)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from markets.domain import messages as m
from markets.domain.pricing import Override
from markets.domain.publish import MarketRow, PublishedMarket, PublishedSelection, SelectionRow, Terms, publish
from markets.domain.rules import (
    NO_FENCE,
    UNKNOWN_FENCE,
    Circumstances,
    Code,
    Confirmation,
    FeedHealth,
    FixtureFacts,
    Gap,
    Hold,
    Limits,
    MarketFacts,
    gate,
)
from markets.domain.state import Result
from markets.domain.values import FixtureStatus, HoldOwner, MarketStatus, OverrideKind, ResultStatus, Scope, SelectionStatus
from tests.domain import says

NOW = says.at(100)
MS = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
FIXTURE = FixtureFacts(1, True, FixtureStatus.SCHEDULED, False, "football", "5:55", says.coverage())
AROUND = Circumstances(NOW, FIXTURE, FeedHealth("wire", NOW), fence=NO_FENCE, store_confirmed_at=NOW)


def row(market: m.Market, seen_at: datetime = NOW, **facts: Any) -> MarketRow:
    selections = tuple(SelectionRow(100 + n, s.id, f"runner-{s.id}") for n, s in enumerate(market.selections))
    return MarketRow(10, "match-result", "full-time", MarketFacts(10, market, seen_at, **facts), selections)


def one(market: m.Market, terms: Terms | None = None, around: Circumstances = AROUND) -> PublishedMarket:
    return publish((row(market),), terms or Terms(), around)[0]


def override(ends: timedelta, value: str = "2.5") -> Terms:
    return Terms(overrides={100: Override(1, OverrideKind.PRICE, D(value), NOW - SECOND, NOW + ends, "Ann")}, versions={100: 4})


def test_it_publishes_price_feed_price_and_version() -> None:
    market = one(says.market("7"), override(60 * SECOND))
    first, second = market.selections
    assert (first.price, first.feed_price, first.version, first.tradable) == (D("2.50"), D("2.00"), 4, True)
    assert (second.price, second.version, second.override) == (D("3.00"), 0, None)
    assert (market.tradable, market.reasons) == (True, ())


def test_it_finds_a_selection_by_its_id_not_by_its_place() -> None:
    stored = row(says.market("7"))
    turned = replace(stored, selections=stored.selections[::-1])
    names = {s.key: s.feed_price for s in publish((turned,), Terms(), AROUND)[0].selections}
    assert names == {"runner-1": D("2.00"), "runner-2": D("3.00")}


def test_it_closes_a_row_that_the_facts_do_not_name() -> None:
    stored = row(says.market("7"))
    more = replace(stored, selections=(*stored.selections, SelectionRow(102, "9", "runner-9")))
    lost = publish((more,), Terms(), AROUND)[0].selections[2]
    assert (lost.tradable, lost.price) == (False, None)
    assert Code.NOT_LISTED in [reason.code for reason in lost.reasons]


@pytest.mark.parametrize(("in_play", "ceiling"), [(True, 2000), (False, 10_000)])
def test_a12_a_price_is_valid_for_two_or_ten_seconds_at_most(in_play: bool, ceiling: int) -> None:
    assert [s.valid_for_ms for s in one(says.market("7", in_play=in_play)).selections] == [ceiling, ceiling]


@pytest.mark.parametrize(
    ("ends", "heard_ago", "expiry", "expected"),
    [
        (timedelta(seconds=1.5), timedelta(0), None, 1500),
        (60 * SECOND, 24 * SECOND, None, 1000),
        (60 * SECOND, timedelta(0), 700 * MS, 700),
        (timedelta(microseconds=1900), timedelta(0), None, 1),
    ],
)
def test_a12_the_earliest_deadline_counts(ends: timedelta, heard_ago: timedelta, expiry: timedelta | None, expected: int) -> None:
    market = replace(says.market("7"), expiry=NOW + expiry if expiry else None)
    around = replace(AROUND, feed=FeedHealth("wire", NOW - heard_ago))
    assert one(market, override(ends), around).selections[0].valid_for_ms == expected


def test_a12_a_suspended_price_is_valid_for_nothing() -> None:
    market = one(says.market("7", status=MarketStatus.SUSPENDED))
    assert [s.valid_for_ms for s in market.selections] == [0, 0]
    assert (market.tradable, market.reasons[0].code) == (False, Code.MARKET)
    assert market.selections[0].price == D("2.00")


def test_a_market_whose_selections_are_all_closed_is_not_tradable() -> None:
    closed = says.market("7", says.selection("1", None), says.selection("2", status=SelectionStatus.SUSPENDED))
    assert (one(closed).tradable, one(closed).reasons) == (False, ())


def test_a8_outside_the_limits_is_shown_but_not_tradable() -> None:
    first = one(says.market("7"), around=replace(AROUND, limits=Limits(D("2.01"), D(50)))).selections[0]
    assert (first.price, first.tradable, [r.code for r in first.reasons]) == (D("2.00"), False, [Code.LIMITS])


@pytest.mark.parametrize(
    ("selections", "book"),
    [
        ((says.selection("1", "2.00"), says.selection("2", "4.00")), D("75.00")),
        ((says.selection("1", "2.00"), says.selection("2", None)), None),
        ((says.selection("1", "2.00"), says.selection("2", None, SelectionStatus.NON_RUNNER)), D("50.00")),
        ((says.selection("1", "2.00"), replace(says.selection("2"), listed=False)), D("50.00")),
        ((says.selection("1", "2.00", SelectionStatus.SUSPENDED), says.selection("2", "2.00")), D("100.00")),
    ],
)
def test_it_adds_up_the_book(selections: tuple[m.Selection, ...], book: D | None) -> None:
    assert one(says.market("7", *selections)).book_percent == book


# Whatever comes, in any combination

ticks = st.integers(-30_000, 30_000).map(lambda ms: NOW + timedelta(milliseconds=ms))
maybe = st.none() | ticks
confirmations = st.lists(
    st.builds(Confirmation, ticks, st.sampled_from([None, 1, 2]), st.sampled_from([None, 10, 11]), st.sampled_from([None, 1, 2])),
    max_size=2,
).map(tuple)
gaps = st.lists(
    st.builds(Gap, st.integers(1, 3), ticks, st.just("cut"), st.sampled_from([None, 1, 2]), st.booleans()), max_size=2
).map(tuple)  # fmt: skip
holds = st.lists(
    st.builds(Hold, st.just(1), st.sampled_from(HoldOwner), st.sampled_from(Scope), st.sampled_from(["", "1", "10", "100", "football"]),
              ticks, st.just("Ann"), st.just(""), maybe),
    max_size=2,
).map(tuple)  # fmt: skip
feeds = st.builds(
    FeedHealth, st.just("wire"), st.sampled_from([NOW, NOW - SECOND]) | maybe, st.just(25.0), st.none() | ticks, st.none() | ticks, gaps,
    st.booleans(), st.booleans(), st.sampled_from([True, True, False]), st.sampled_from([True, True, False]),
)  # fmt: skip
fixtures = st.builds(
    FixtureFacts, st.just(1), st.sampled_from([True, True, False]), st.sampled_from([FixtureStatus.SCHEDULED, *FixtureStatus]),
    st.booleans(), st.just("football"), st.just("5:55"), st.sampled_from([None, says.coverage(), says.coverage(licensed=False)]),
    st.sampled_from([(), (says.summary(),), (says.summary(accepts=False),)]), st.booleans(),
)  # fmt: skip


def mostly(usual: Any, *others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Often what is needed to be open, so that open prices are among the examples."""
    return st.integers(0, 9).flatmap(lambda n: st.one_of(*others) if n == 0 else st.just(usual))


surroundings = st.builds(
    Circumstances, st.just(NOW), mostly(FIXTURE, fixtures), mostly(FeedHealth("wire", NOW), feeds), mostly((), holds),
    confirmations, mostly(NO_FENCE, st.just(UNKNOWN_FENCE)), mostly(NOW, maybe), st.booleans(),
)  # fmt: skip
prices = mostly("2.2", st.sampled_from([None, "0.5", "1.00", "1.01", "1.5", "1001", "1002"]))
selections = st.builds(says.selection, st.just("1"), prices, mostly(SelectionStatus.TRADING, st.sampled_from(SelectionStatus)))
results = st.sampled_from(
    [Result(says.result("7", s1=ResultStatus.WINNER)), Result(says.result("7", s1=ResultStatus.NONE)), Result(says.result("7"))]
)


@st.composite
def rows(draw: st.DrawFn) -> MarketRow:
    status = draw(mostly(MarketStatus.OPEN, st.sampled_from(MarketStatus)))
    market = replace(says.market("7", draw(selections), status=status, in_play=draw(st.booleans())), expiry=draw(maybe))
    return row(market, draw(mostly(NOW + SECOND, ticks)), result=draw(mostly(None, results)), result_seen_at=draw(maybe))


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    if draw(st.booleans()):
        return Terms(draw(st.sampled_from([D(0), D(5)])))
    value = draw(st.decimals("-5", "1100", places=2))
    made = Override(1, draw(st.sampled_from(OverrideKind)), value, draw(ticks), draw(ticks), "Ann")
    return Terms(D(0), {100: made})


def offered(stored: MarketRow, decided: Terms, around: Circumstances) -> PublishedSelection:
    return publish((stored,), decided, around)[0].selections[0]


def deadlines(stored: MarketRow, found: PublishedSelection, around: Circumstances) -> list[datetime]:
    market = stored.facts.market
    ends = [around.feed.heard_at + 25 * SECOND] if around.feed.heard_at else []
    ends += [market.expiry] if market.expiry and not market.in_play else []
    return ends + ([found.override.ends_at] if found.override else [])


@given(rows(), terms(), surroundings)
def test_a12_nothing_is_ever_tradable_at_or_after_a_deadline_or_outside_the_limits(
    stored: MarketRow, decided: Terms, around: Circumstances
) -> None:
    found = offered(stored, decided, around)
    if not found.tradable:
        assert found.reasons
        assert found.valid_for_ms == 0
        return
    assert found.price is not None
    assert around.limits.low <= found.price <= around.limits.high
    assert 0 <= found.valid_for_ms <= (2000 if stored.facts.market.in_play else 10_000)
    for end in deadlines(stored, found, around):
        assert end > NOW
        assert NOW + timedelta(milliseconds=found.valid_for_ms) <= end


@given(rows(), terms(), surroundings, holds, gaps)
def test_a7_another_hold_or_gap_never_opens_anything(
    stored: MarketRow, decided: Terms, around: Circumstances, more_holds: tuple[Hold, ...], more_gaps: tuple[Gap, ...]
) -> None:
    feed = replace(around.feed, gaps=around.feed.gaps + more_gaps)
    tighter = replace(around, holds=around.holds + more_holds, feed=feed)
    assert offered(stored, decided, around).tradable or not offered(stored, decided, tighter).tradable


@given(rows(), terms(), surroundings)
def test_a9_taking_away_what_is_known_never_opens_anything(stored: MarketRow, decided: Terms, around: Circumstances) -> None:
    open_before = offered(stored, decided, around).tradable
    less = [
        replace(around, fence=UNKNOWN_FENCE),
        replace(around, store_confirmed_at=None),
        replace(around, confirmations=()),
        replace(around, demo=False),
        replace(around, feed=replace(around.feed, heard_at=None)),
        replace(around, feed=replace(around.feed, backlog_known=False)),
        replace(around, fixture=replace(around.fixture, has_details=False)),
    ]
    assert all(open_before or not offered(stored, decided, known).tradable for known in less)


@given(rows(), terms(), surroundings)
def test_a7_no_override_makes_tradable_what_the_gate_holds(stored: MarketRow, decided: Terms, around: Circumstances) -> None:
    verdict = gate(stored.facts.market.selections[0], 100, stored.facts, around)
    found = offered(stored, decided, around)
    assert verdict.tradable or not found.tradable
    assert set(verdict.reasons) <= set(found.reasons)
