"""Durations, numbers, ids and booleans as texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from feeds.updategram import grammar

pytestmark = pytest.mark.modeless


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT1H30M", 5400), ("PT30M", 1800), ("PT45M", 2700), ("PT1H", 3600), ("PT90S", 90), ("PT18M30.5S", 1110), ("P1D", 86_400),
        ("P1DT1S", 86_401), ("P", None), ("PT", None), ("", None), ("1:30:00", None), ("P1M", None), ("P1Y", None), ("-PT1H", None),
        ("PT1H30", None), ("PT99999999999S", None),
    ],
)  # fmt: skip
def test_it_reads_durations_in_seconds(text: str, expected: int | None) -> None:
    assert grammar.seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", "5"), ("5235368.0", "5235368"), ("007", "7"), ("-3", "-3"), ("5.5", ""), ("", ""), ("x", ""), ("9" * 30, ""), ("٣", "")],
)
def test_it_reads_an_id_in_one_spelling(text: str, expected: str) -> None:
    assert grammar.identifier(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.5", Decimal("2.5")),
        ("-0.75", Decimal("-0.75")),
        ("+1", Decimal(1)),
        ("1e3", None),
        ("NaN", None),
        ("1_0", None),
        ("", None),
        (".5", None),
    ],
)
def test_it_reads_plain_signed_decimals(text: str, expected: Decimal | None) -> None:
    assert grammar.decimal(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("True", True), ("FALSE", False), ("1", True), ("0", False), ("yes", None), ("", None), ("truest", None)]
)
def test_it_reads_booleans(text: str, expected: bool | None) -> None:
    assert grammar.boolean(text) is expected
