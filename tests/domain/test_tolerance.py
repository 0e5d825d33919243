"""How far a person's price may go."""

from __future__ import annotations

from decimal import Decimal

import pytest

from markets.domain.tolerance import Tolerance, assess, change, unfit
from markets.domain.values import OverrideKind

D = Decimal
LIMITS = Tolerance(D(5), D(50), D("1.01"), D("1001"), 86_400)


def test_it_measures_the_change_with_its_sign() -> None:
    assert change(D("1.80"), D("2.00")) == D("-10.00")
    assert change(D("1.80"), None) is None


def test_it_accepts_within_the_soft_limit_at_once() -> None:
    judged = assess(D("2.10"), D("2.00"), D("104"), LIMITS)
    assert (judged.change_percent, judged.beyond_soft, judged.confirm_words, judged.refused_words) == (D("5.00"), False, "", "")


def test_it_asks_again_beyond_the_soft_limit_and_names_it() -> None:
    judged = assess(D("2.11"), D("2.00"), D("104"), LIMITS)
    assert judged.beyond_soft
    assert "soft limit of 5 %" in judged.confirm_words


def test_it_refuses_beyond_the_hard_limit_and_names_it() -> None:
    judged = assess(D("3.01"), D("2.00"), D("104"), LIMITS)
    assert "hard limit of 50 %" in judged.refused_words


def test_it_asks_again_when_the_book_falls_below_a_hundred() -> None:
    assert "99.50 %" in assess(D("2.02"), D("2.00"), D("99.50"), LIMITS).confirm_words


def test_it_asks_again_without_a_feed_price() -> None:
    assert "no feed price" in assess(D("2.02"), None, None, LIMITS).confirm_words


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (OverrideKind.PRICE, D("1.00")),
        (OverrideKind.PRICE, D("1001.01")),
        (OverrideKind.PRICE, D("NaN")),
        (OverrideKind.PRICE, D("Infinity")),
        (OverrideKind.PRICE, D("1E-9")),
        (OverrideKind.PRICE, D("1.855")),
        (OverrideKind.OFFSET, D("2000")),
        (OverrideKind.PERCENT, D("-100")),
        (OverrideKind.PERCENT, D("1E+9")),
    ],
)
def test_it_refuses_what_is_no_price_in_range(kind: OverrideKind, value: Decimal) -> None:
    assert unfit(kind, value, LIMITS)


def test_it_refuses_a_price_made_outside_the_range() -> None:
    assert "1.01 to 1001" in assess(D("0.50"), D("2.00"), None, LIMITS).refused_words


def test_it_takes_trailing_noughts_for_nothing() -> None:
    assert unfit(OverrideKind.PRICE, D("1.8500"), LIMITS) == ""


@pytest.mark.parametrize("text", ["1e999999999", "-1e999999999", "1e10", "1e-999999999", "1.9" + "0" * 50 + "1", "1.901"])
def test_a_number_of_any_size_is_judged_by_its_exact_value(text: str) -> None:
    assert unfit(OverrideKind.PRICE, Decimal(text), LIMITS)


def test_zeros_after_the_last_place_count_for_nothing() -> None:
    assert unfit(OverrideKind.PRICE, Decimal("1.90" + "0" * 60), LIMITS) == ""
