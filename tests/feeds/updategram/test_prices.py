"""Only whole prices (A8, U7): the grammar, and everything that can be hidden in or around a number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.updategram import grammar
from feeds.updategram.wire import parse
from markets.domain.messages import MarketSet, Selection

from .building import PRICE, market, market_set, selection, updategram

pytestmark = pytest.mark.modeless


def priced(price: str, status: str = "Trading") -> Selection:
    (part,) = parse(updategram(market_set(market(selection(price, status=status))))).parts
    assert isinstance(part, MarketSet)
    return part.markets[0].selections[0]


def fraction(decimal: str) -> str:
    return f"<Numerator>17</Numerator><Denominator>20</Denominator><Decimal>{decimal}</Decimal>"


@pytest.mark.parametrize(
    ("numerator", "denominator", "decimal"),
    [
        ("17", "20", "1.85"),
        ("1", "100", "1.01"),
        ("1000", "1", "1001"),
        ("24", "1", "25.0"),
        ("1", "3", "1.33"),
        ("17.0", "20.0", " 1.850 "),
    ],
)
def test_a8_a_whole_price_is_read(numerator: str, denominator: str, decimal: str) -> None:
    found = priced(f"<Numerator>{numerator}</Numerator><Denominator>{denominator}</Denominator><Decimal>{decimal}</Decimal>")
    assert (found.price, found.price_problem) == (Decimal(decimal.strip()), "")


BAD_NUMBERS = [
    "NaN", "Infinity", "-1.85", "+1.85", "1E0", "1e2", "1.85e0", "1_0.5", "1,85", "1.8.5", ".85", "1.", "01.85", "0x1.8", "１.85",
    "٣", "1.85%", "1 .85", "1\n.85", "", " ", "1.00", "1001.01", "0", "1.84999999999999999999999999999", "9" * 400,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_NUMBERS)
def test_a8_anything_but_a_plain_number_in_range_is_no_price(text: str) -> None:
    found = priced(fraction(text))
    assert found.price is None
    assert found.price_problem


MARKUP = [
    "1&x;.85", "1&#46;85", "1&#x2e;85", "&#49;.85", "1.85&amp;", "1.8&#53;", "<![CDATA[1.85]]>", "1.8<![CDATA[5]]>",
    "1<!-- -->.85", "1<?p?>.85", "1.85<!-- -->", "<!-- -->1.85", "1<b/>.85", "1<b>.8</b>5", "<b>1.85</b>", "1.85<?p?>",
    "1.8&unknown;5", "1 & 2",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("element", ["Decimal", "Numerator", "Denominator"])
def test_e4_a_price_with_markup_inside_is_never_a_number(text: str, element: str) -> None:
    plain = {"Decimal": "1.85", "Numerator": "17", "Denominator": "20"}[element]
    found = priced(PRICE.replace(f">{plain}<", f">{text}<"))
    assert found.price is None
    assert found.price_problem == "markup inside the price"


@pytest.mark.parametrize("text", ["1&#46;85", "1<![CDATA[.85]]>", "1&x;.85"])
def test_e4_markup_is_seen_in_every_spelling_of_the_document(text: str) -> None:
    body = updategram(market_set(market(selection(fraction(text)))))
    plain = body.decode()
    prefixed = plain.replace("<", "<g:").replace("<g:/", "</g:").replace("<g:!", "<!").replace("xmlns=", "xmlns:g=").encode()
    attributed = plain.replace("<Decimal>", '<Decimal a=">">').encode()
    for spelling in (body, plain.encode("utf-16"), plain.encode("utf-16-be"), prefixed, attributed):
        (part,) = parse(spelling).parts
        assert isinstance(part, MarketSet)
        assert part.markets[0].selections[0].price is None


def test_a8_the_rest_of_a_message_with_one_bad_price_is_applied() -> None:
    body = updategram(
        market_set(market(selection(fraction("1&x;.85")), selection(selection_id="2"), more="<ExternalId>A &amp; B</ExternalId>"))
    )
    message = parse(body)
    (part,) = message.parts
    assert isinstance(part, MarketSet)
    assert [s.price for s in part.markets[0].selections] == [None, Decimal("1.85")]
    assert part.markets[0].external_id == "A & B"
    assert message.notes == ("selection 300053292: markup inside the price",)


@pytest.mark.parametrize(
    ("price", "problem"),
    [
        ("", "no price"),
        ("<Decimal>1.85</Decimal>", "decimal price without a fraction"),
        ("<Numerator>17</Numerator><Denominator>20</Denominator>", "fraction without a decimal price"),
        ('<Numerator>17</Numerator><Denominator>20</Denominator><Decimal i:nil="true" />', "fraction without a decimal price"),
        ('<Numerator>17</Numerator><Denominator>20</Denominator><Decimal i:nil="true">1.85</Decimal>', "fraction without a decimal price"),
        ("<Numerator>17</Numerator><Decimal>1.85</Decimal>", "half of the fraction is missing"),
        ("<Numerator>17</Numerator><Denominator>0</Denominator><Decimal>1.85</Decimal>", "fraction cannot be read"),
        ("<Numerator>-17</Numerator><Denominator>-20</Denominator><Decimal>1.85</Decimal>", "fraction cannot be read"),
        ("<Numerator>17</Numerator><Denominator>20</Denominator><Decimal>1.87</Decimal>", "disagree"),
        (PRICE + "<Decimal>2.5</Decimal>", "no plain number"),
    ],
)
def test_a8_a_missing_or_contradictory_price_suspends_the_selection(price: str, problem: str) -> None:
    found = priced(price)
    assert found.price is None
    assert problem in found.price_problem


def test_a8_decimal_and_fraction_may_differ_by_a_hundredth() -> None:
    assert priced(fraction("1.86")).price == Decimal("1.86")
    assert priced(fraction("1.84")).price == Decimal("1.84")
    assert priced(fraction("1.8601")).price is None


def test_it_notes_a_missing_price_of_a_trading_selection_only() -> None:
    assert parse(updategram(market_set(market(selection("", status="Unpriced"))))).notes == ()
    assert parse(updategram(market_set(market(selection(""))))).notes == ("selection 300053292: no price",)


@given(st.text(max_size=30), st.text(max_size=12), st.text(max_size=12))
def test_a8_any_three_texts_make_a_whole_price_or_a_problem(decimal: str, numerator: str, denominator: str) -> None:
    check(grammar.price(decimal, numerator, denominator))


numberish = st.text(alphabet="0123456789.,-+eE_ xNan∞٣", max_size=12)


@given(numberish, numberish, numberish)
def test_a8_number_like_texts_make_a_whole_price_or_a_problem(decimal: str, numerator: str, denominator: str) -> None:
    check(grammar.price(decimal, numerator, denominator))


@given(st.integers(1, 2_000_000), st.integers(0, 5), st.integers(-3, 3))
def test_a8_prices_in_range_whose_fraction_agrees_are_whole(units: int, places: int, off: int) -> None:
    value = Decimal(units).scaleb(-places)
    shown = f"{value:f}"
    numerator = int((value - 1) * 10_000) + off * 40
    found = grammar.price(shown, str(numerator), "10000")
    agrees = abs((value - 1) - Decimal(numerator) / 10_000) <= Decimal("0.01")
    whole = grammar.LOWEST <= value <= grammar.HIGHEST and numerator >= 0 and agrees
    assert found.value == (value if whole else None)


def check(found: grammar.Price) -> None:
    assert (found.value is None) == bool(found.problem)
    if found.value is not None:
        assert grammar.LOWEST <= found.value <= grammar.HIGHEST
        assert found.numerator is not None
        assert found.denominator
        assert abs(found.value - 1 - Decimal(found.numerator) / found.denominator) <= Decimal("0.0100001")
