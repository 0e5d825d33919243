"""Folding, entity by entity (decisions U1–U5, U10, U13; promise A6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from markets.domain import messages as m
from markets.domain.fold import Folded, Hole, fold
from markets.domain.state import FixtureState, Mark
from markets.domain.values import FixtureStatus, MarketStatus, ResultStatus, SelectionStatus
from tests.domain.says import at, coverage, details, market, message, result, selection, stamp, summary

SUSPENDED = MarketStatus.SUSPENDED
EMPTY = FixtureState()


def told(
    state: FixtureState, *parts: m.Part | m.Market | m.MarketResult, kept: float = 1, order: int | None = None, **stamped: object
) -> Folded:
    return fold(state, message(*parts), stamp(kept, order=order, **stamped))  # type: ignore[arg-type]


def after(*steps: Folded) -> FixtureState:
    return steps[-1].state


def test_a6_a_lower_order_never_changes_what_a_higher_one_set() -> None:
    state = told(EMPTY, market("7"), details(), coverage(), summary(), result("7", s1=ResultStatus.WINNER), order=5).state
    other = (market("7", status=SUSPENDED), details(name="X"), coverage(False), summary(accepts=False), result("7", s1=ResultStatus.LOSER))
    late = told(state, *other, kept=2, order=4)
    assert (late.applied_parts, late.late_parts) == (0, 5)
    assert late.state is state
    assert late.fills == 4


def test_u1_order_counts_for_each_market_by_itself() -> None:
    state = told(told(EMPTY, market("7"), order=1).state, market("7"), order=3).state
    partly = told(state, market("7", selection("1", "9")), market("8"), kept=2, order=2)
    assert (partly.applied_parts, partly.late_parts, partly.touched) == (1, 1, ("8",))
    assert partly.state.markets["7"] is state.markets["7"]


def test_u1_orders_of_two_streams_are_not_compared() -> None:
    state = told(EMPTY, market("7"), order=50, stream="a", sent=1).state
    newer = told(state, market("7", selection("1", "9")), kept=2, order=3, stream="b", sent=2)
    assert newer.state.markets["7"].selections[0].price == Decimal(9)
    older = told(newer.state, market("7", selection("1", "5")), kept=3, order=51, stream="a", sent=1.5)
    assert (older.applied_parts, older.late_parts) == (0, 1)
    assert older.state.markets is newer.state.markets or older.state.markets == newer.state.markets


def test_an_equal_order_of_another_message_may_close_but_not_reprice() -> None:
    state = told(EMPTY, market("7"), order=5).state
    equal = told(state, market("7", selection("1", "9")), kept=2, order=5)
    assert (equal.applied_parts, equal.state) == (0, state)
    closing = told(state, market("7", selection("1", "9"), status=SUSPENDED), kept=2, order=5)
    assert closing.applied_parts == 1
    assert closing.state.markets["7"].status is SUSPENDED
    assert closing.state.markets["7"].selections == state.markets["7"].selections
    assert closing.state.marks == state.marks


def test_u2_an_older_message_without_order_closes_and_never_reopens() -> None:
    open_ = told(EMPTY, market("7", selection("1", "2.00"), selection("2", "3.00")), sent=10).state
    closed = told(open_, market("7", selection("1", "9.99", SelectionStatus.SUSPENDED)), kept=2, sent=5)
    first, second = closed.state.markets["7"].selections
    assert (first.status, first.price, second.listed) == (SelectionStatus.SUSPENDED, Decimal(2), True)
    assert closed.closed == ("7",)
    shut = told(open_, market("7", status=SUSPENDED), sent=20).state
    reopening = told(shut, market("7"), kept=3, sent=15)
    assert (reopening.applied_parts, reopening.state) == (0, shut)


def test_u2_an_older_message_does_not_count_as_seen() -> None:
    state = told(EMPTY, market("7"), kept=1, sent=10).state
    closing = told(state, market("7", status=SUSPENDED), kept=9, sent=5).state
    assert closing.marks["market:7"].seen_at == state.marks["market:7"].seen_at


def test_u2_without_any_provider_time_the_later_kept_one_is_newer() -> None:
    state = told(EMPTY, market("7"), kept=5).state
    assert told(state, market("7", selection("1", "9")), kept=5).applied_parts == 1
    assert told(state, market("7", selection("1", "9")), kept=4).applied_parts == 0


def test_u2_a_time_ahead_of_ours_freezes_no_price() -> None:
    """ADR 0009: a stamp of next year is no time to compare with, for this message or for those after it."""
    state = told(EMPTY, market("7", selection("1", "1.50")), kept=1, sent=1).state
    ahead = told(state, market("7", selection("1", "1.90")), kept=2, sent=365 * 86_400)
    assert ahead.state.markets["7"].selections[0].price == Decimal("1.90")
    assert any("ahead" in note for note in ahead.notes)
    after_it = told(ahead.state, market("7", selection("1", "2.10")), kept=3, sent=3)
    assert (after_it.applied_parts, after_it.late_parts, after_it.notes) == (1, 0, ())
    assert after_it.state.markets["7"].selections[0].price == Decimal("2.10")


def test_u2_a_clock_that_is_a_little_ahead_is_believed() -> None:
    state = told(EMPTY, market("7"), kept=1, sent=50).state
    assert told(state, market("7", selection("1", "9")), kept=2, sent=49).applied_parts == 0


def test_u2_a_time_ahead_that_was_stored_before_is_not_compared_with() -> None:
    state = FixtureState(markets={"7": market("7")}, marks={"market:7": Mark(at(1), at(365 * 86_400))})
    assert told(state, market("7", selection("1", "9")), kept=2, sent=2).state.markets["7"].selections[0].price == Decimal(9)


def test_a6_an_order_that_cannot_be_read_may_close_and_never_reprices() -> None:
    """ADR 0009: nobody can say that it is newer."""
    state = told(EMPTY, market("7", selection("1", "1.50")), order=10, sent=1).state
    lost = told(state, market("7", selection("1", "1.90")), kept=2, sent=2, order_lost=True)
    assert (lost.applied_parts, lost.state) == (0, state)
    closing = told(state, market("7", selection("1", "1.90"), status=SUSPENDED), kept=2, sent=2, order_lost=True).state
    assert (closing.markets["7"].status, closing.markets["7"].selections[0].price) == (SUSPENDED, Decimal("1.50"))
    assert told(EMPTY, market("7"), order_lost=True).applied_parts == 1


def test_a6_orders_below_nought_are_orders() -> None:
    state = told(EMPTY, market("7"), order=-5).state
    assert told(state, market("7", selection("1", "9")), kept=2, order=-6).late_parts == 1
    assert told(state, market("7", selection("1", "9")), kept=2, order=-4).applied_parts == 1


def test_u2_an_older_message_closes_details_coverage_and_match_state() -> None:
    state = told(EMPTY, details(), coverage(), summary(in_play=False), sent=10).state
    older = told(
        state, details(FixtureStatus.DELETED, name="X"), coverage(booked=False), summary(accepts=False, in_play=False), kept=2, sent=5
    )
    assert older.applied_parts == 3
    assert older.deleted
    assert older.state.details is not None
    assert (older.state.details.name, older.state.details.status) == ("Ajax v PSV", FixtureStatus.DELETED)
    assert older.state.coverage == coverage(booked=False)
    assert older.state.match_states["FootballMatchSummary"].bet_accept_ok is False
    reopening = told(older.state, details(), coverage(), summary(in_play=False), kept=3, sent=6)
    assert (reopening.applied_parts, reopening.state) == (0, older.state)


def test_u2_an_older_message_may_result_and_never_withdraw() -> None:
    state = told(EMPTY, result("7", s1=ResultStatus.NONE), sent=10).state
    resulted = told(state, result("7", s1=ResultStatus.WINNER), kept=2, sent=5)
    assert (resulted.resulted, resulted.state.results["7"].revision) == (("7",), 2)
    withdrawing = told(resulted.state, result("7", s1=ResultStatus.NONE), kept=3, sent=6)
    assert withdrawing.state is resulted.state


def test_u3_a_jump_of_orders_is_told() -> None:
    state = told(EMPTY, market("7"), order=3).state
    assert told(state, market("7"), kept=2, order=7).hole == Hole("", 4, 6)
    assert told(state, market("7"), kept=2, order=4).hole is None
    assert told(EMPTY, market("7"), order=9).hole is None


def test_u4_a_market_left_out_is_unchanged_and_a_selection_left_out_is_not_listed() -> None:
    state = told(EMPTY, market("7"), market("8")).state
    next_ = told(state, market("7", selection("2", "3.00"), selection("3", "4.00")), kept=2)
    assert next_.state.markets["8"] is state.markets["8"]
    assert [(s.id, s.listed) for s in next_.state.markets["7"].selections] == [("2", True), ("3", True), ("1", False)]
    assert (next_.closed, next_.opened) == (("7",), ("7",))
    back = told(next_.state, market("7"), kept=3).state
    assert [(s.id, s.listed) for s in back.markets["7"].selections] == [("1", True), ("2", True), ("3", False)]


def test_u4_a_newer_fixture_replaces_the_whole_description() -> None:
    state = told(EMPTY, details(is_off=False)).state
    newer = told(state, m.FixtureDetails("New", "Match", FixtureStatus.SCHEDULED, "Scheduled", None, None), kept=2).state
    assert newer.details is not None
    assert (newer.details.competitors, newer.details.start, newer.details.is_off) == ((), None, None)


def test_u5_a_changed_line_is_told_and_keeps_the_market() -> None:
    state = told(EMPTY, market("7", line="2.5")).state
    assert told(state, market("7", line="2.5"), kept=2).line_moved == ()
    moved = told(state, market("7", line="3.5"), kept=2)
    assert (moved.line_moved, list(moved.state.markets)) == (("7",), ["7"])


def test_u6_an_unknown_part_is_told_and_the_rest_applied() -> None:
    folded = told(EMPTY, m.UnknownPart("Weather"), market("7"))
    assert (folded.unknown, folded.applied_parts) == (("Weather",), 2)


def test_u10_a_later_result_is_a_correction_and_the_same_again_is_not() -> None:
    first = told(EMPTY, result("7", s1=ResultStatus.WINNER)).state
    again = told(first, result("7", s1=ResultStatus.WINNER), kept=2)
    assert (again.resulted, again.state.results["7"]) == ((), first.results["7"])
    corrected = told(again.state, result("7", s1=ResultStatus.LOSER), kept=3).state
    withdrawn = told(corrected, result("7", s1=ResultStatus.NONE), kept=4).state
    assert (corrected.results["7"].revision, withdrawn.results["7"].revision, withdrawn.results["7"].result.withdrawn) == (2, 3, True)


def test_u10_the_same_result_in_another_order_of_its_selections_is_no_correction() -> None:
    first = told(EMPTY, result("7", s1=ResultStatus.WINNER, s2=ResultStatus.LOSER)).state
    again = told(first, result("7", s2=ResultStatus.LOSER, s1=ResultStatus.WINNER), kept=2)
    assert (again.resulted, again.state.results["7"]) == ((), first.results["7"])


@pytest.mark.parametrize("part", [details(is_off=True), summary(in_play=True), summary("FullTime", in_play=False, ended=True)])
def test_u13_started_is_never_taken_back(part: m.Part) -> None:
    state = told(EMPTY, part).state
    assert state.started
    assert told(state, details(is_off=False), summary(in_play=False), kept=2).state.started


def test_u13_being_off_in_an_older_message_starts_the_fixture() -> None:
    state = told(EMPTY, details(is_off=False), sent=10).state
    older = told(state, details(is_off=True), kept=2, sent=5)
    assert (older.state.started, older.applied_parts, older.state.details) == (True, 1, state.details)


def test_the_same_facts_again_keep_every_market_and_only_renew_the_marks() -> None:
    state = told(EMPTY, market("7"), market("8"), order=1).state
    again = told(state, market("7"), market("8"), kept=2, order=2)
    assert (again.applied_parts, again.touched, again.closed, again.opened) == (2, (), (), ())
    assert all(again.state.markets[ref] is state.markets[ref] for ref in state.markets)
    assert again.state.marks["market:7"].orders == {"": 2}
    assert again.state.marks["market:7"] is again.state.marks["market:8"]


def test_a_message_without_parts_changes_nothing() -> None:
    folded = told(EMPTY)
    assert (folded.state, folded.applied_parts, folded.late_parts) == (EMPTY, 0, 0)


def test_a_selection_named_twice_keeps_no_price() -> None:
    folded = told(EMPTY, market("7", selection("1", "2.0"), selection("1", "3.0"), selection("2", "4.0")))
    assert [(s.id, s.price) for s in folded.state.markets["7"].selections] == [("1", None), ("2", Decimal(4))]
    assert folded.opened == ("7",)


def test_closed_and_opened_speak_of_what_the_feed_offers() -> None:
    first = told(EMPTY, market("7"))
    assert (first.opened, first.closed) == (("7",), ())
    shut = told(first.state, market("7", status=SUSPENDED), kept=2)
    assert (shut.opened, shut.closed) == ((), ("7",))
    unpriced = told(first.state, market("7", selection("1", None), selection("2", "3.00")), kept=2)
    assert (unpriced.opened, unpriced.closed) == ((), ("7",))
    repriced = told(first.state, market("7", selection("1", "2.2"), selection("2", "3.00")), kept=2)
    assert (repriced.opened, repriced.closed, repriced.touched) == ((), (), ("7",))
