"""The scoreboard in one line."""

from __future__ import annotations

from typing import Any

import pytest

from markets.live.scores import score_text

pytestmark = pytest.mark.modeless

QUARTERS = [
    {"name": "Q1", "home": 20, "away": 18},
    {"name": "Q2", "home": 24, "away": 21},
    {"name": "Q3", "home": None, "away": None},
]
BASKETBALL = {"home": 44, "away": 39, "minute": None, "phase": "ThirdQuarter", "periods": QUARTERS}


@pytest.mark.parametrize(
    ("scoreboard", "line"),
    [
        ({}, ""),
        ({"home": 1, "away": 0, "minute": 63, "phase": "SecondHalf", "periods": []}, "1-0 63'"),
        ({"home": 1, "away": 1, "minute": None, "phase": "HalfTime", "periods": []}, "1-1 half time"),
        (BASKETBALL, "44-39 Q2"),
        ({"home": 3, "away": None, "minute": None, "phase": "", "periods": []}, "3-–"),
        ({"home": None, "away": None, "minute": None, "phase": "NotStarted"}, "not started"),
    ],
)
def test_it_says_the_score_and_when(scoreboard: dict[str, Any], line: str) -> None:
    assert score_text(scoreboard) == line
