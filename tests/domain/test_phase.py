"""Phase is derived (decision U12)."""

from __future__ import annotations

import pytest

from markets.domain.fold import fold
from markets.domain.messages import Market, MarketResult, Part
from markets.domain.phase import phase
from markets.domain.state import FixtureState
from markets.domain.values import MarketStatus, Phase, ResultStatus
from tests.domain.says import details, market, message, result, stamp, summary


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), Phase.UPCOMING),
        ((details(), market("7")), Phase.UPCOMING),
        ((details(is_off=True),), Phase.LIVE),
        ((market("7", in_play=True),), Phase.LIVE),
        ((market("7", in_play=True, status=MarketStatus.SUSPENDED),), Phase.LIVE),
        ((market("7", in_play=True, status=MarketStatus.CLOSED),), Phase.UPCOMING),
        ((summary(in_play=True),), Phase.LIVE),
        ((summary(in_play=True), summary("FullTime", in_play=False, ended=True)), Phase.FINISHED),
        ((market("7", in_play=True), result("7", s1=ResultStatus.WINNER)), Phase.FINISHED),
        ((market("7", in_play=True), market("8"), result("7", s1=ResultStatus.WINNER)), Phase.LIVE),
        ((market("7", in_play=True), result("7", s1=ResultStatus.NONE)), Phase.LIVE),
        ((result("7", s1=ResultStatus.WINNER),), Phase.UPCOMING),
    ],
)
def test_u12_phase_follows_from_what_was_told(parts: tuple[Part | Market | MarketResult, ...], expected: Phase) -> None:
    assert phase(fold(FixtureState(), message(*parts), stamp(0)).state) is expected
