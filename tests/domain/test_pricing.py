"""The price chain: margin, override, ladder, limits (promises A8, C1)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.pricing import Override, chain
from markets.domain.rules import Limits
from markets.domain.values import OverrideKind
from tests.domain import says

NOW = says.at(100)
MS = timedelta(milliseconds=1)
LIMITS = Limits()
PRICES = st.decimals("1.01", "1001", places=4)


def override(kind: OverrideKind, value: str, *, set_at: timedelta = -MS, ends: timedelta = timedelta(seconds=60)) -> Override:
    return Override(1, kind, D(value), NOW + set_at, NOW + ends, "Ann")


def published(feed: str | None, margin: str = "0", over: Override | None = None, limits: Limits = LIMITS) -> D | None:
    return chain(None if feed is None else D(feed), D(margin), over, limits, NOW).published


@pytest.mark.parametrize(
    ("feed", "margin", "price"),
    [
        ("1.85", "0", "1.85"),
        ("1.8571", "0", "1.85"),
        ("1.859999", "0", "1.85"),
        ("2.10", "5", "2.00"),
        ("2.00", "5", "1.90"),
        ("11", "10", "10.00"),
    ],
)
def test_it_takes_the_margin_and_rounds_down(feed: str, margin: str, price: str) -> None:
    assert published(feed, margin) == D(price)


@pytest.mark.parametrize(
    ("kind", "value", "price"),
    [
        (OverrideKind.PRICE, "2.5", "2.50"),
        (OverrideKind.OFFSET, "0.10", "2.10"),
        (OverrideKind.OFFSET, "-0.10", "1.90"),
        (OverrideKind.PERCENT, "10", "2.20"),
        (OverrideKind.PERCENT, "-10", "1.80"),
    ],
)
def test_it_makes_an_override_s_price_from_the_price_after_margin(kind: OverrideKind, value: str, price: str) -> None:
    found = chain(D("2.10"), D(5), override(kind, value), LIMITS, NOW)
    assert (found.published, found.until) == (D(price), NOW + timedelta(seconds=60))
    assert [step.name for step in found.steps] == ["feed", "margin", "override", "ladder"]


@pytest.mark.parametrize(("ends", "in_effect"), [(MS, True), (timedelta(0), False), (-MS, False)])
def test_c1_an_override_is_over_exactly_at_its_end(ends: timedelta, in_effect: bool) -> None:
    found = chain(D(2), D(0), override(OverrideKind.PRICE, "3", ends=ends), LIMITS, NOW)
    assert (found.published, found.override is not None) == (D(3) if in_effect else D(2), in_effect)


def test_c1_an_override_is_not_in_effect_before_it_was_set() -> None:
    assert published("2", over=override(OverrideKind.PRICE, "3", set_at=MS)) == D(2)
    assert published("2", over=override(OverrideKind.PRICE, "3", set_at=timedelta(0))) == D(3)


@pytest.mark.parametrize("kind", list(OverrideKind))
def test_a7_without_a_feed_price_there_is_none(kind: OverrideKind) -> None:
    found = chain(None, D(5), override(kind, "3"), LIMITS, NOW)
    assert (found.published, found.problem) == (None, "")
    assert found.override is not None
    assert published(None) is None


@pytest.mark.parametrize(("price", "inside"), [("1.04", False), ("1.05", True), ("50", True), ("50.01", False)])
def test_a8_a_price_outside_the_limits_is_shown_with_its_problem(price: str, inside: bool) -> None:
    found = chain(D(price), D(0), None, Limits(D("1.05"), D(50)), NOW)
    assert found.published == D(price)
    assert bool(found.problem) is not inside


@pytest.mark.parametrize("value", ["-5", "-1.5", "NaN", "Infinity", "1E+30"])
def test_it_publishes_nothing_that_is_no_price(value: str) -> None:
    found = chain(D(2), D(0), override(OverrideKind.OFFSET, value), LIMITS, NOW)
    assert found.published is None
    assert found.problem


def test_it_explains_every_step() -> None:
    found = chain(D("2.10"), D("5.00"), override(OverrideKind.PERCENT, "10.0000"), LIMITS, NOW)
    assert [(step.name, step.words) for step in found.steps] == [
        ("feed", "as the feed sent it"), ("margin", "margin of 5 %"), ("override", "+10 % by Ann"), ("ladder", "down to two decimals"),
    ]  # fmt: skip


@given(PRICES, st.decimals("0", "50", places=2))
def test_it_never_publishes_more_than_the_chain_gave(feed: D, margin: D) -> None:
    found = chain(feed, margin, None, LIMITS, NOW)
    if found.published is not None:
        assert found.published <= feed
        assert found.published == found.published.quantize(D("0.01"))
        assert feed / (1 + margin / 100) - found.published < D("0.01")


@given(
    PRICES,
    st.sampled_from(OverrideKind),
    st.decimals(-1000, 1000, places=4),
    st.decimals("1.01", "5", places=2),
    st.decimals("5", "1001", places=2),
)
def test_a8_without_a_problem_the_price_is_inside_the_limits(feed: D, kind: OverrideKind, value: D, low: D, high: D) -> None:
    found = chain(feed, D(5), override(kind, str(value)), Limits(low, high), NOW)
    assert found.problem or (found.published is not None and low <= found.published <= high)
