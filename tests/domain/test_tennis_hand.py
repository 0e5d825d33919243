"""An outcome set by hand: it ends the match, the feed may dispute it, and only a person takes it back (T6; U12, A7)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from markets.domain import facts, feedhash, fences
from markets.domain.phase import phase
from markets.domain.sports.tennis import Games, Hand, Kind, Outcome, Packet, Side, Tennis, closed_words, end_words, set_by_hand, taken_back
from markets.domain.state import FixtureState
from markets.domain.values import Phase
from tests.domain.points import signs
from tests.domain.says import at
from tests.domain.umpire import Umpire, score


def hand(outcome: Outcome = Outcome.RETIRED, winner: Side | None = Side.B, sets: Games | None = None, second: float = 60) -> Hand:
    return Hand(outcome, winner, sets, at(second), "Ann", "b1")


def playing() -> Umpire:
    umpire = Umpire().begins()
    umpire.plays(score("15-0"))
    umpire.seconds = 60
    return umpire


def ended(umpire: Umpire, said: Hand | None = None) -> Tennis:
    umpire.match = set_by_hand(umpire.now, said or hand()).match
    return umpire.match


def test_u12_it_ends_the_match_and_its_fixture() -> None:
    umpire = playing()
    assert umpire.open
    match = ended(umpire)
    assert (match.ended, match.outcome, match.between_points) == (True, "", False)
    assert phase(FixtureState(tennis=match)) is Phase.FINISHED
    assert fences.joint_phase(Phase.LIVE, signs(match).points) is Phase.FINISHED
    assert closed_words(match) == "match over: J. RODIONOV won by retirement, set by hand"
    assert facts.tennis_from(facts.encode(match)) == match


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (hand(Outcome.WINNER, Side.A, Games(2, 1)), "H. SQUIRE won, 2–1 in sets, set by hand"),
        (hand(Outcome.WALKOVER, Side.B, Games(1, 0)), "J. RODIONOV won by walkover, 0–1 in sets, set by hand"),
        (hand(Outcome.RETIRED, None), "retirement, set by hand"),
        (hand(Outcome.ABANDONED, None, Games(1, 0)), "abandoned, sets: H. SQUIRE 1, J. RODIONOV 0, set by hand"),
    ],
)
def test_it_is_said_in_words_without_a_name_of_who_set_it(said: Hand, words: str) -> None:
    assert end_words(ended(playing(), said)) == words


def test_t6_play_that_goes_on_is_flagged_once_and_opens_nothing() -> None:
    umpire = playing()
    ended(umpire)
    umpire.starts()
    assert umpire.last is not None
    assert umpire.now.hand is not None
    said = umpire.now.hand.disputed
    assert said == f"packet {umpire.seq} says otherwise: point started, H. SQUIRE to serve"
    assert [e.mark for e in umpire.last.entries] == ["started", "alert"]
    umpire.scores(score("30-0"))
    umpire.state("InProgress")
    umpire.plays(score("40-0"))
    assert umpire.now.hand is not None
    assert umpire.now.hand.disputed == said
    assert (umpire.open, umpire.now.ended) == (False, True)


@pytest.mark.parametrize(
    ("said", "kind", "facts", "agrees"),
    [
        (hand(), Kind.STATUS, {"state": "Retire"}, True),
        (hand(), Kind.STATUS, {"state": "Finished"}, False),
        (hand(Outcome.WINNER, Side.A), Kind.FINISHED, {"team": Side.A, "reason": "Normally"}, True),
        (hand(Outcome.WINNER, Side.A), Kind.FINISHED, {"team": Side.B, "reason": "Normally"}, False),
        (hand(), Kind.STATUS, {"state": "Suspended"}, True),
        (hand(), Kind.TIME, {}, True),
    ],
)
def test_t6_the_feed_disagrees_by_what_it_says_of_the_end(said: Hand, kind: Kind, facts: dict[str, object], agrees: bool) -> None:
    umpire = playing()
    ended(umpire, said)
    umpire.says(kind, **facts)
    assert umpire.now.hand is not None
    assert (umpire.now.hand.disputed == "") is agrees
    assert umpire.now.ended


def test_t6_what_was_kept_before_it_says_nothing_against_it() -> None:
    umpire = playing()
    ended(umpire, hand(second=600))
    umpire.starts()
    assert umpire.now.hand is not None
    assert umpire.now.hand.disputed == ""


def test_t6_taken_back_the_next_live_word_counts_and_nothing_opens_before_it() -> None:
    umpire = playing()
    ended(umpire)
    umpire.match = taken_back(umpire.now, at(61)).match
    assert (umpire.now.ended, umpire.open, umpire.now.hand) == (False, False, None)
    umpire.says(Kind.TIME)
    assert not umpire.open
    umpire.plays(score("30-0"))
    assert umpire.open


def test_t6_taken_back_a_match_that_its_feed_has_ended_stays_over() -> None:
    umpire = playing()
    ended(umpire)
    umpire.state("Retire")
    assert taken_back(umpire.now, at(99)).match.ended


def test_p8_who_said_it_is_no_part_of_the_feed_hash() -> None:
    match = ended(playing())
    other = replace(match, hand=hand(Outcome.ABANDONED, None))
    assert feedhash.state_hash("e", FixtureState(tennis=match)) == feedhash.state_hash("e", FixtureState(tennis=other))


def test_a_packet_without_a_number_may_dispute_it_too() -> None:
    umpire = playing()
    ended(umpire)
    umpire.hands(Packet(None, Kind.POINT_STARTED, "PointStarted", at=at(70)))
    assert umpire.now.hand is not None
    assert umpire.now.hand.disputed.startswith("a packet says otherwise")
