"""The gate: what closes a price, for how long, and what clears it (promises A3–A13)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from markets.domain import messages as m
from markets.domain.rules import (
    NO_FENCE,
    UNKNOWN_FENCE,
    Circumstances,
    Code,
    Confirmation,
    FeedHealth,
    Fence,
    FixtureFacts,
    Gap,
    Hold,
    MarketFacts,
    Reason,
    Verdict,
    gate,
)
from markets.domain.state import Result
from markets.domain.values import FixtureStatus, HoldOwner, MarketStatus, ResultStatus, Scope, SelectionStatus
from tests.domain import says

NOW = says.at(100)
MS = timedelta(milliseconds=1)
FIXTURE = FixtureFacts(1, True, FixtureStatus.SCHEDULED, False, "football", "5:55", says.coverage())
FEED = FeedHealth("wire", heard_at=NOW)
AROUND = Circumstances(NOW, FIXTURE, FEED, fence=NO_FENCE, store_confirmed_at=NOW)
PRE_MATCH = MarketFacts(10, says.market("7"), seen_at=NOW)
IN_PLAY = MarketFacts(10, says.market("7", in_play=True), seen_at=NOW)
BOTH = pytest.mark.parametrize("market", [PRE_MATCH, IN_PLAY], ids=["pre-match", "in-play"])


def around(feed: dict[str, Any] | None = None, fixture: dict[str, Any] | None = None, **more: Any) -> Circumstances:
    return replace(AROUND, feed=replace(FEED, **(feed or {})), fixture=replace(FIXTURE, **(fixture or {})), **more)


def verdict(market: MarketFacts = PRE_MATCH, at: Circumstances = AROUND, selection: m.Selection | None = None) -> Verdict:
    return gate(selection or market.market.selections[0], 100, market, at)


def codes(*args: Any, **kwargs: Any) -> list[Code]:
    found = verdict(*args, **kwargs)
    assert found.tradable is (not found.reasons)
    return [reason.code for reason in found.reasons]


@BOTH
def test_it_opens_when_nothing_holds(market: MarketFacts) -> None:
    assert verdict(market) == Verdict(True, (), NOW + timedelta(seconds=25))


@BOTH
def test_every_reason_has_words_and_says_what_clears_it(market: MarketFacts) -> None:
    worst = Circumstances(NOW, replace(FIXTURE, status=FixtureStatus.UNKNOWN, coverage=None), FeedHealth("wire", None, enabled=False))
    reasons = verdict(replace(market, market=replace(market.market, status=MarketStatus.CLOSED)), worst).reasons
    assert len(reasons) >= 6
    assert all(reason.words and reason.clears for reason in reasons)


# A3


@BOTH
@pytest.mark.parametrize(("silent", "open_"), [(timedelta(0), True), (timedelta(seconds=25) - MS, True), (timedelta(seconds=25), False)])
def test_a3_the_lease_lapses_exactly_at_its_end(market: MarketFacts, silent: timedelta, open_: bool) -> None:
    found = verdict(market, around({"heard_at": NOW - silent}))
    assert found.tradable is open_
    if open_:
        assert found.until == NOW - silent + timedelta(seconds=25)
    else:
        assert [(r.code, r.since) for r in found.reasons] == [(Code.LEASE, NOW)]


@BOTH
def test_a3_a_feed_never_heard_or_heard_in_the_future_is_down(market: MarketFacts) -> None:
    assert codes(market, around({"heard_at": None})) == [Code.LEASE]
    assert codes(market, around({"heard_at": NOW + timedelta(hours=1)})) == [Code.LEASE]
    assert codes(market, around({"heard_at": NOW + timedelta(milliseconds=5)})) == []


def test_a3_a_feed_that_is_switched_off_offers_nothing() -> None:
    assert codes(at=around({"enabled": False})) == [Code.DISABLED]


# A4


@BOTH
@pytest.mark.parametrize(("age", "open_"), [(2 * timedelta(seconds=1) - MS, True), (timedelta(seconds=2), False)])
def test_a4_a_message_waiting_for_two_seconds_suspends(market: MarketFacts, age: timedelta, open_: bool) -> None:
    assert codes(market, around({"oldest_pending_at": NOW - age})) == ([] if open_ else [Code.BACKLOG])


@BOTH
def test_a4_it_stays_closed_until_the_feed_has_been_quick_for_a_while(market: MarketFacts) -> None:
    assert codes(market, around({"slow_until": NOW + MS})) == [Code.BACKLOG]
    assert codes(market, around({"slow_until": NOW})) == [Code.BACKLOG]
    assert codes(market, around({"slow_until": NOW - MS})) == []


def test_a10_an_unknown_backlog_suspends() -> None:
    assert codes(at=around({"backlog_known": False})) == [Code.BACKLOG]


# A5


def gaps(*found: Gap, confirmations: tuple[Confirmation, ...] = ()) -> Circumstances:
    return around({"gaps": found}, confirmations=confirmations)


def gap(seconds: float = 0, **more: Any) -> Gap:
    return Gap(7, NOW + timedelta(seconds=seconds), "cut off", **more)


@BOTH
@pytest.mark.parametrize(("opened", "open_"), [(-0.001, True), (0, False), (1, False)])
def test_a5_only_a_message_kept_after_the_gap_proves_a_market(market: MarketFacts, opened: float, open_: bool) -> None:
    assert codes(market, gaps(gap(opened))) == ([] if open_ else [Code.GAP])


def test_a5_a_gap_of_another_fixture_holds_nothing_here() -> None:
    assert codes(at=gaps(gap(fixture_id=2))) == []
    assert codes(at=gaps(gap(fixture_id=1))) == [Code.GAP]


@pytest.mark.parametrize(
    ("word", "clears"),
    [
        ({}, True),
        ({"fixture_id": 1}, True),
        ({"market_id": 10}, True),
        ({"gap_id": 7}, True),
        ({"fixture_id": 1, "market_id": 10, "gap_id": 7}, True),
        ({"fixture_id": 2}, False),
        ({"market_id": 11}, False),
        ({"gap_id": 8}, False),
        ({"gap_id": 7, "market_id": 11}, False),
    ],
)
def test_a5_a_confirmation_clears_what_it_names(word: dict[str, int], clears: bool) -> None:
    later = Confirmation(NOW + MS, **word)
    assert codes(at=gaps(gap(), confirmations=(later,))) == ([] if clears else [Code.GAP])
    assert codes(at=gaps(gap(), confirmations=(replace(later, at=NOW),))) == [Code.GAP]


@pytest.mark.parametrize(("word", "clears"), [({}, True), ({"gap_id": 7}, True), ({"fixture_id": 1}, False), ({"market_id": 10}, False)])
def test_b7_a_quarantined_message_is_cleared_by_its_own_confirmation_only(word: dict[str, int], clears: bool) -> None:
    held = gap(-50, sticky=True, frame_id=3)
    assert codes(at=gaps(held)) == [Code.QUARANTINE]
    assert codes(at=gaps(held, confirmations=(Confirmation(NOW, **word),))) == ([] if clears else [Code.QUARANTINE])


def test_a5_each_gap_needs_its_own_proof() -> None:
    two = (replace(gap(), id=1), replace(gap(), id=2))
    assert codes(at=gaps(*two, confirmations=(Confirmation(NOW + MS, gap_id=1),))) == [Code.GAP]


# A8, A9


@pytest.mark.parametrize("status", [s for s in MarketStatus if s is not MarketStatus.OPEN])
def test_a9_a_market_that_is_not_open_is_closed(status: MarketStatus) -> None:
    assert codes(replace(PRE_MATCH, market=says.market("7", status=status))) == [Code.MARKET]


@pytest.mark.parametrize("status", [s for s in SelectionStatus if s is not SelectionStatus.TRADING])
def test_a9_a_selection_that_is_not_trading_is_closed(status: SelectionStatus) -> None:
    assert codes(selection=says.selection("1", status=status)) == [Code.SELECTION]


@pytest.mark.parametrize("status", [s for s in FixtureStatus if s is not FixtureStatus.SCHEDULED])
def test_a9_a_fixture_that_is_not_scheduled_is_closed(status: FixtureStatus) -> None:
    assert codes(at=around(fixture={"status": status})) == [Code.FIXTURE_STATUS]


def test_u11_a_stub_is_closed() -> None:
    assert codes(at=around(fixture={"has_details": False})) == [Code.NO_FIXTURE]


@pytest.mark.parametrize(
    ("price", "open_"), [("1.00", False), ("1.01", True), ("1001", True), ("1001.01", False), ("NaN", False), ("Infinity", False)]
)
def test_a8_only_prices_in_range_are_whole(price: str, open_: bool) -> None:
    assert codes(selection=says.selection("1", price)) == ([] if open_ else [Code.PRICE])


def test_a8_a_price_with_a_problem_is_told_in_its_words() -> None:
    odd = replace(says.selection("1"), price_problem="decimal 2.00 and fraction 3/1 disagree")
    assert verdict(selection=odd).reasons[0].words == "decimal 2.00 and fraction 3/1 disagree"
    assert codes(selection=says.selection("1", None)) == [Code.PRICE]


def test_u4_a_selection_not_in_the_last_message_is_closed() -> None:
    assert codes(selection=replace(says.selection("1"), listed=False)) == [Code.NOT_LISTED]


# A11


@pytest.mark.parametrize(("left", "open_"), [(MS, True), (timedelta(0), False), (-MS, False)])
def test_a11_pre_match_closes_exactly_at_its_expiry(left: timedelta, open_: bool) -> None:
    market = replace(PRE_MATCH, market=replace(PRE_MATCH.market, expiry=NOW + left))
    assert codes(market) == ([] if open_ else [Code.EXPIRED])
    if open_:
        assert verdict(market).until == NOW + left


def test_a11_expiry_says_nothing_of_in_play() -> None:
    assert codes(replace(IN_PLAY, market=replace(IN_PLAY.market, expiry=NOW))) == []


@pytest.mark.parametrize(
    "fact", [{"started": True}, {"match_states": (says.summary(),)}, {"match_states": (says.summary(in_play=False, ended=True),)}]
)
def test_u13_pre_match_markets_end_with_the_start(fact: dict[str, Any]) -> None:
    assert codes(at=around(fixture=fact)) == [Code.STARTED]
    assert codes(IN_PLAY, around(fixture=fact)) == []


@BOTH
def test_a11_a_result_closes_for_good(market: MarketFacts) -> None:
    won = Result(says.result("7", s1=ResultStatus.WINNER, s2=ResultStatus.NONE))
    confirmed = around(confirmations=(Confirmation(NOW + MS),))
    assert codes(replace(market, result=won, result_seen_at=NOW), confirmed) == [Code.RESULTED]


@pytest.mark.parametrize(("word", "clears"), [({}, True), ({"market_id": 10}, True), ({"gap_id": 1}, False), ({"market_id": 11}, False)])
def test_u10_a_withdrawn_result_opens_by_confirmation_only(word: dict[str, int], clears: bool) -> None:
    back = replace(PRE_MATCH, result=Result(says.result("7", s1=ResultStatus.NONE)), result_seen_at=NOW)
    assert codes(back) == [Code.RESULT_WITHDRAWN]
    assert codes(back, around(confirmations=(Confirmation(NOW, **word),))) == [Code.RESULT_WITHDRAWN]
    assert codes(back, around(confirmations=(Confirmation(NOW + MS, **word),))) == ([] if clears else [Code.RESULT_WITHDRAWN])
    assert codes(replace(back, result_seen_at=None), around(confirmations=(Confirmation(NOW + MS),))) == [Code.RESULT_WITHDRAWN]


@pytest.mark.parametrize(
    ("coverage", "expected", "open_"),
    [
        (says.coverage(), True, True),
        (None, True, False),
        (None, False, True),
        (says.coverage(booked=False), False, False),
        (says.coverage(licensed=False), False, False),
        (m.Coverage(True, (m.CoverageFeed("MatchState", True),)), True, False),
        (m.Coverage(True, (m.CoverageFeed("TradingState", True),)), True, False),
    ],
)
def test_u9_in_play_needs_a_booked_and_licensed_coverage(coverage: m.Coverage | None, expected: bool, open_: bool) -> None:
    at = around({"coverage_expected": expected}, {"coverage": coverage})
    assert codes(IN_PLAY, at) == ([] if open_ else [Code.COVERAGE])
    assert codes(PRE_MATCH, at) == []


def test_u6_bet_accept_false_holds_in_play_only() -> None:
    at = around(fixture={"match_states": (says.summary(in_play=False, accepts=False),)})
    assert codes(IN_PLAY, at) == [Code.BET_ACCEPT]
    assert codes(PRE_MATCH, at) == []


# Fence, store, simulated


def test_a1_a_raised_fence_holds_in_play() -> None:
    raised = Fence(reasons=(Reason(Code.POINT, "a point is in play", NOW, "its end"),))
    assert codes(IN_PLAY, around(fence=raised)) == [Code.POINT]
    assert codes(PRE_MATCH, around(fence=raised)) == []
    assert codes(IN_PLAY, around(fence=Fence())) == []


@BOTH
def test_a10_unknown_fences_suspend_everything(market: MarketFacts) -> None:
    assert codes(market, around(fence=UNKNOWN_FENCE)) == [Code.FENCE]


@BOTH
@pytest.mark.parametrize(("ago", "open_"), [(2 * timedelta(seconds=1) - MS, True), (timedelta(seconds=2), False), (None, False)])
def test_f4_a_store_that_does_not_answer_suspends_everything(market: MarketFacts, ago: timedelta | None, open_: bool) -> None:
    at = around(store_confirmed_at=None if ago is None else NOW - ago)
    assert codes(market, at) == ([] if open_ else [Code.STORE])


@pytest.mark.parametrize("simulated", [{"feed": {"simulated": True}}, {"fixture": {"simulated": True}}])
def test_p5_simulated_fixtures_are_for_demo_bookmakers(simulated: dict[str, Any]) -> None:
    assert codes(at=around(**simulated)) == [Code.SIMULATED]
    assert codes(at=around(**simulated, demo=True)) == []


# Holds


def hold(scope: Scope, target: str = "", ends_at: datetime | None = None) -> Hold:
    return Hold(1, HoldOwner.TRADER, scope, target, NOW, "Ann", "odd money", ends_at)


@BOTH
@pytest.mark.parametrize(
    ("scope", "target", "reaches"),
    [
        (Scope.EVERYTHING, "", True),
        (Scope.SPORT, "football", True),
        (Scope.SPORT, "tennis", False),
        (Scope.COMPETITION, "5:55", True),
        (Scope.COMPETITION, "6:55", False),
        (Scope.FIXTURE, "1", True),
        (Scope.FIXTURE, "10", False),
        (Scope.MARKET, "10", True),
        (Scope.MARKET, "1", False),
        (Scope.SELECTION, "100", True),
        (Scope.SELECTION, "10", False),
    ],
)
def test_c5_a_hold_reaches_its_scope_and_no_further(market: MarketFacts, scope: Scope, target: str, reaches: bool) -> None:
    assert codes(market, around(holds=(hold(scope, target),))) == ([Code.HOLD] if reaches else [])


def test_a_hold_tells_who_why_and_since_when() -> None:
    reason = verdict(at=around(holds=(hold(Scope.FIXTURE, "1"),))).reasons[0]
    assert (reason.words, reason.since, reason.clears) == ("fixture suspended by Ann (trader): odd money", NOW, "its release")


@pytest.mark.parametrize(("left", "held"), [(MS, True), (timedelta(0), False)])
@pytest.mark.parametrize("scope", [(Scope.EVERYTHING, ""), (Scope.SELECTION, "100")])
def test_a_hold_ends_at_its_end(left: timedelta, held: bool, scope: tuple[Scope, str]) -> None:
    assert codes(at=around(holds=(hold(*scope, ends_at=NOW + left),))) == ([Code.HOLD] if held else [])


def test_a7_releasing_one_hold_never_frees_another_s() -> None:
    both = (hold(Scope.MARKET, "10"), replace(hold(Scope.MARKET, "10"), id=2, owner=HoldOwner.PANIC))
    assert codes(at=around(holds=both)) == [Code.HOLD, Code.HOLD]
    assert codes(at=around(holds=both[1:])) == [Code.HOLD]


def test_it_gives_every_reason_at_once() -> None:
    at = around({"heard_at": None}, holds=(hold(Scope.EVERYTHING),))
    market = replace(PRE_MATCH, market=says.market("7", status=MarketStatus.SUSPENDED))
    found = codes(market, at, says.selection("1", "1.00", SelectionStatus.SUSPENDED))
    assert set(found) == {Code.SELECTION, Code.PRICE, Code.HOLD, Code.LEASE, Code.MARKET}
