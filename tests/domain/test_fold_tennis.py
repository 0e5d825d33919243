"""Packets folded into their fixture, and prices that count after a point (decisions T2, T5, U12, U13; promises A2, A6, B6, F1)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from markets.domain import facts
from markets.domain.feedhash import state_hash
from markets.domain.fold import Folded, fold
from markets.domain.order import AHEAD, Stamp
from markets.domain.phase import phase
from markets.domain.sports.tennis import Kind, Packet
from markets.domain.state import POINTS, FixtureState, Mark, market_mark
from markets.domain.values import MarketStatus, Phase
from tests.domain.says import at, details, market, message, stamp
from tests.domain.umpire import Umpire, score

EMPTY = FixtureState()


def told(state: FixtureState, *packets: Packet, kept: float = 1) -> list[Folded]:
    steps: list[Folded] = []
    for number, packet in enumerate(packets):
        steps.append(fold(steps[-1].state if steps else state, message(packet), stamp(kept + number)))
    return steps


def a_point() -> list[Packet]:
    umpire = Umpire().begins()
    umpire.plays(score("15-0"))
    return umpire.packets


def test_packets_make_the_match_of_their_fixture_and_lines_of_its_timeline() -> None:
    steps = told(EMPTY, *a_point())
    match = steps[-1].state.tennis
    assert match is not None
    assert (match.applied, match.score, match.settled_kept) == (6, score("15-0"), at(6))
    assert [step.entries[0].words for step in steps[-2:]] == ["point started, H. SQUIRE to serve", "point to H. SQUIRE"]
    assert [(step.applied_parts, step.late_parts) for step in steps] == [(1, 0)] * 6


def test_f1_it_tells_which_packet_closes_and_which_settles() -> None:
    steps = told(EMPTY, *a_point())
    assert [(step.point_closed, step.point_opened) for step in steps[2:]] == [
        ("", False),
        ("", True),
        ("point in play", False),
        ("", True),
    ]


def test_a6_a_late_packet_changes_nothing() -> None:
    packets = a_point()
    state = told(EMPTY, *packets)[-1].state
    (late,) = told(state, packets[4], kept=9)
    assert (late.state, late.applied_parts, late.late_parts, late.entries) == (state, 0, 1, ())
    assert late.notes == ("older than applied, left as it is: packet 5",)


def test_t2_a_packet_beyond_a_gap_is_not_applied_unless_the_gap_is_given_up() -> None:
    packets = a_point()
    state = told(EMPTY, *packets[:4])[-1].state
    (beyond,) = told(state, packets[5], kept=9)
    assert (beyond.state, beyond.applied_parts, beyond.late_parts) == (state, 0, 1)
    assert "packet 6 lies beyond a gap of its stream: not applied" in beyond.notes
    (given_up,) = told(state, replace(packets[5], jumped=True), kept=9)
    assert given_up.state.tennis is not None
    assert (given_up.applied_parts, given_up.state.tennis.applied) == (1, 6)
    assert given_up.point_closed == "packet 5 never came"


def test_t6_an_undone_point_is_flagged() -> None:
    umpire = Umpire().begins()
    umpire.plays(score("15-0"))
    umpire.says(Kind.UNDO, score=score())
    steps = told(EMPTY, *umpire.packets)
    assert [step.undone for step in steps] == [False] * 6 + [True]


def test_u13_the_first_point_starts_the_fixture_for_good() -> None:
    umpire = Umpire()
    umpire.state("Warmup")
    umpire.starts()
    warm, started = told(EMPTY, *umpire.packets)
    assert (warm.state.started, started.state.started) == (False, True)


def test_u12_the_point_feed_says_when_a_match_is_live_and_finished() -> None:
    umpire = Umpire().begins()
    umpire.state("Retire")
    phases = [phase(step.state) for step in told(EMPTY, *umpire.packets)]
    assert phases == [Phase.UPCOMING] * 3 + [Phase.LIVE, Phase.FINISHED]


def test_a_match_of_which_packets_came_is_no_stub() -> None:
    first, second = told(EMPTY, *a_point()[:2])
    assert first.state.marks == {POINTS: Mark(at(1))}
    assert second.state.marks == first.state.marks


def test_details_and_packets_of_one_match_stand_side_by_side() -> None:
    state = fold(told(EMPTY, *a_point())[-1].state, message(details()), stamp(9)).state
    assert state.details is not None
    assert state.tennis is not None


def test_b6_the_feed_hash_has_the_match_but_none_of_our_times() -> None:
    packets = a_point()
    early, late = told(EMPTY, *packets)[-1].state, told(EMPTY, *packets, kept=1000.25)[-1].state
    assert early.tennis != late.tennis
    assert state_hash("1", early) == state_hash("1", late)
    assert state_hash("1", early) != state_hash("1", told(EMPTY, *packets[:-1])[-1].state)


def test_a_match_is_stored_and_read_back_whole() -> None:
    match = told(EMPTY, *a_point())[-1].state.tennis
    assert facts.tennis_from(facts.encode(match)) == match


# Prices after a point


def mark(state: FixtureState) -> Mark:
    return state.marks[market_mark("7")]


def priced(state: FixtureState, kept: float, sent: float | None = None, retry: int = 0, order: int | None = None) -> FixtureState:
    sent_at = None if sent is None else at(sent)
    return fold(state, message(market("7")), Stamp(at(kept), sent_at, order, retry=retry)).state


def test_t5_a_price_that_was_told_at_the_first_try_is_fresh() -> None:
    state = priced(EMPTY, 1, 0.5)
    assert (mark(state).fresh_kept, mark(state).fresh_sent) == (at(1), at(0.5))
    state = priced(state, 2, 1.5)
    assert (mark(state).fresh_kept, mark(state).fresh_sent) == (at(2), at(1.5))


def test_t5_a_price_that_came_at_a_further_try_is_applied_but_not_fresh() -> None:
    state = priced(EMPTY, 1, 0.5, retry=1)
    assert (mark(state).seen_at, mark(state).fresh_kept, mark(state).fresh_sent) == (at(1), None, None)
    state = priced(priced(state, 2, 1.5), 3, 2.5, retry=2)
    assert (mark(state).seen_at, mark(state).fresh_kept, mark(state).fresh_sent) == (at(3), None, None)


@pytest.mark.parametrize("order", [None, 4])
def test_t5_what_is_not_newer_refreshes_nothing(order: int | None) -> None:
    state = priced(EMPTY, 1, 1, order=5 if order else None)
    closing = message(market("7", status=MarketStatus.SUSPENDED))
    after = fold(state, closing, Stamp(at(9), at(0.5), order)).state
    assert (mark(after).fresh_kept, mark(after).fresh_sent) == (at(1), at(1))


def test_a_time_far_ahead_is_no_time_of_a_fresh_price() -> None:
    ahead = AHEAD.total_seconds() + 5
    state = priced(EMPTY, 1, 1 + ahead)
    assert (mark(state).fresh_kept, mark(state).fresh_sent) == (at(1), None)


def test_fresh_times_are_stored_with_their_marks() -> None:
    state = priced(EMPTY, 1, 0.5)
    assert facts.marks_from(facts.encode_marks(state.marks)) == state.marks
