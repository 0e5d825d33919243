"""The course of a stream: begun anew, numbers that went back, alarms that took numbers, scores taken back (T2, T6; A1, A9, A11)."""

from __future__ import annotations

from typing import Any

from markets.domain import facts, fences
from markets.domain.fences import Policy
from markets.domain.fold import Folded, fold
from markets.domain.heard import Heard
from markets.domain.messages import Message
from markets.domain.rules import Code, Gap
from markets.domain.sports import tennis
from markets.domain.sports.tennis import TURN, Kind, Packet, Side, Tennis, begun_anew, doubted, taken_by_alarms
from markets.domain.state import FixtureState
from tests.domain.points import signs
from tests.domain.says import at, stamp
from tests.domain.umpire import Umpire, score


def folded(match: Tennis, seq: int, kind: Kind, second: float, **more: Any) -> Folded:
    packet = Packet(seq, kind, kind.value, at=at(second), **more)
    return fold(FixtureState(tennis=match), Message(f"e#{seq}", "e", (packet,), at(second)), stamp(second))


def after_a_wild_number() -> tuple[Umpire, Tennis]:
    """Three points; then number 5000 came, and was applied when nothing had filled the gap before it."""
    umpire = Umpire().begins()
    for points in ("15-0", "30-0", "40-0"):
        umpire.plays(score(points))
    wild = Packet(5000, Kind.TIME, "TimeAnnouncement", at=at(umpire.seconds + 0.5), jumped=True)
    return umpire, umpire.hands(wild)


def test_t2_a_number_of_the_past_with_a_time_of_now_closes_until_the_numbers_go_on() -> None:
    umpire, wild = after_a_wild_number()
    state = tennis.reduce(wild, Packet(5001, Kind.STATUS, "", at=at(40), state="InProgress"), at(40)).match
    assert state.between_points
    back = folded(state, umpire.seq + 1, Kind.TIME, 50)
    match = back.state.tennis
    assert match is not None
    assert (match.between_points, match.course.back, back.late_parts, back.applied_parts) == (False, umpire.seq + 1, 1, 0)
    assert back.point_closed == f"numbers went back: packet {umpire.seq + 1} came after packet 5001"
    assert [(e.mark, e.words) for e in back.entries] == [("gap", back.point_closed)]
    assert folded(match, umpire.seq + 2, Kind.TIME, 51).state.tennis is match  # said once
    on = folded(match, 5002, Kind.STATUS, 60, state="InProgress").state.tennis
    assert on is not None
    assert (on.course.back, on.between_points) == (None, True)


def test_t2_what_comes_late_with_its_own_time_says_nothing_against_the_numbers() -> None:
    umpire, wild = after_a_wild_number()
    late = folded(wild, umpire.seq + 1, Kind.TIME, 1)
    assert late.state.tennis is wild
    assert (late.late_parts, late.entries) == (1, ())


def test_a1_a_point_that_starts_closes_although_its_number_went_back() -> None:
    umpire, wild = after_a_wild_number()
    state = tennis.reduce(wild, Packet(5001, Kind.STATUS, "", at=at(40), state="InProgress"), at(40)).match
    started = folded(state, umpire.seq + 1, Kind.POINT_STARTED, 50).state.tennis
    assert started is not None
    assert started.in_point
    assert started.course.back == umpire.seq + 1


def test_t2_begun_anew_the_replay_makes_the_match_that_never_erred() -> None:
    umpire, wild = after_a_wild_number()
    straight = Umpire().begins()
    anew: Tennis = begun_anew(wild, at(100))
    assert not anew.between_points
    assert (anew.applied, anew.started, anew.card, anew.points) == (None, True, wild.card, 0)
    for packet in umpire.packets[:-1]:
        anew = tennis.reduce(anew, packet, at(101)).match
    for points in ("15-0", "30-0", "40-0"):
        straight.plays(score(points))
    assert (anew.score, anew.applied, anew.points, anew.unknown) == (straight.now.score, straight.now.applied, 3, "")
    assert anew.between_points
    assert facts.tennis_from(facts.encode(anew)) == anew


def test_t2_begun_anew_takes_back_no_alarm_and_no_start() -> None:
    umpire, _ = after_a_wild_number()
    lost = umpire.says(Kind.ALARM, number=9)
    anew = begun_anew(lost, at(100))
    assert anew.alarm
    assert not anew.between_points


def test_t3_numbers_never_go_down_over_all_beginnings() -> None:
    umpire, wild = after_a_wild_number()
    anew = begun_anew(wild, at(100))
    again = begun_anew(tennis.reduce(anew, umpire.packets[0], at(101)).match, at(102))
    assert [m.number for m in (wild, anew, again)] == [5000, TURN - 1, 2 * TURN - 1]
    old, new = Heard(True, announced=5000, silent_in=2.0), Heard(True, announced=TURN + 1, silent_in=2.0)
    assert (old.beyond(wild.number), old.beyond(anew.number), new.beyond(anew.number)) == (False, False, True)
    words = [r.words for r in _fence(anew, new).reasons if r.code is Code.FENCE]
    assert words == ["packet 1 of the match was announced and is not applied yet"]


def _fence(match: Tennis, heard: Heard, *gaps: Gap) -> Any:
    return fences.fence(signs(match, heard=heard, gaps=gaps), Policy(required=True), at(100))


def test_it_is_said_when_a_stream_does_not_go_on_by_itself_and_only_then() -> None:
    umpire, wild = after_a_wild_number()
    held = Gap(1, at(50), "packets 11–4999 never came", 77, sticky=True)

    def stuck(match: Tennis, *gaps: Gap) -> str:
        return fences.stuck(signs(match, gaps=gaps))

    assert stuck(wild) == ""
    assert stuck(wild, held) == held.cause
    assert stuck(wild, Gap(2, at(50), "other match", 10**6, sticky=True), Gap(3, at(50), "lost", 77)) == ""
    back = folded(wild, umpire.seq + 1, Kind.TIME, 90).state.tennis
    assert back is not None
    assert stuck(back).startswith("numbers went back")
    assert stuck(begun_anew(back, at(100)), Gap(4, at(100), tennis.ANEW, 77, sticky=True)) == ""


# Alarms (ADR 0011)


def test_alarms_account_for_missing_numbers_that_are_theirs_and_for_no_others() -> None:
    umpire = Umpire().begins()
    umpire.plays(score("15-0"))
    last = umpire.seq
    for number in (last + 1, last + 2):
        umpire.says(Kind.ALARM, number=number)
    assert taken_by_alarms(umpire.now, last + 1, last + 2)
    assert not taken_by_alarms(umpire.now, last + 1, last + 3)
    assert not taken_by_alarms(None, 1, 1)
    umpire.seq = last + 2
    umpire.hands(Packet(last + 3, Kind.TIME, "TimeAnnouncement", at=at(umpire.seconds + 1), jumped=True))
    assert umpire.now.course.alarms == ()


def test_a9_after_numbers_of_alarms_only_a_whole_live_point_opens() -> None:
    umpire = Umpire().begins()
    umpire.plays(score("15-0"))
    umpire.says(Kind.ALARM, number=umpire.seq + 1)
    umpire.seq += 2
    umpire.hands(Packet(umpire.seq, Kind.SCORED, "PointScored", at=at(umpire.seconds + 1), score=score("30-0"), jumped=True))
    assert not umpire.open
    umpire.starts()
    assert not umpire.open
    umpire.scores(score("40-0"))
    assert umpire.open


# Scores taken back (T6)


def game() -> Umpire:
    umpire = Umpire().begins()
    for points in ("15-0", "30-0", "40-0"):
        umpire.plays(score(points))
    umpire.plays(score("0-0", "1-0"))
    return umpire


def test_u10_a_result_from_between_a_score_and_its_undo_is_doubted() -> None:
    umpire = game()
    told = umpire.seconds
    umpire.seconds += 10
    umpire.says(Kind.UNDO, score=score("40-0"))
    match = umpire.now
    assert doubted(match, at(told - 0.5)) == ""
    assert doubted(match, at(told + 5)) == "score went back after result: 1–0, 0–0 → 0–0, 40–0"
    assert doubted(match, at(umpire.seconds + 60))  # the umpire corrects still
    umpire.plays(score("40-15"), Side.B)
    corrected = umpire.seconds
    assert doubted(umpire.now, at(told + 5))
    assert doubted(umpire.now, at(corrected + 1)) == ""
    assert doubted(umpire.now, None) == doubted(None, at(told)) == ""


def test_u10_a_score_that_goes_back_by_several_points_doubts_from_the_first_of_them() -> None:
    umpire = game()
    first = 10.0  # the second point of the game was scored then or later
    umpire.seconds += 20
    umpire.says(Kind.UNDO, score=score("15-0"))
    span = umpire.now.course.undone[-1]
    assert span.since is not None
    assert span.since <= at(first)
    assert [words for words, _ in umpire.now.course.trail][-1] == "0–0, 15–0"


def test_u10_a_score_from_before_what_is_remembered_doubts_every_result() -> None:
    umpire = game()
    umpire.hands(Packet(umpire.seq + 1, Kind.UNDO, "Undo", at=at(umpire.seconds), score=score("0-15", "0-0")))
    assert doubted(umpire.now, at(-(10**6)))
