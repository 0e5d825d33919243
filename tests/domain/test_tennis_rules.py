"""Counting tennis: every documented scoring type, who serves, when it is over (feeds.md 1.4; ITF Rules of Tennis)."""

from __future__ import annotations

import pytest

from markets.domain.sports.tennis import Games, Score, Server, Side
from markets.domain.sports.tennis_rules import (
    KINDS,
    NO_LAST_TIE_BREAK,
    Format,
    Play,
    format_of,
    in_tie_break,
    legal_set,
    point,
    start,
)
from tests.domain.tennis_ends import legal_end

A, B = Side.A, Side.B


def played(play: Play, winners: str) -> Play:
    for by in winners:
        play = point(play, Side(by))
    return play


def games(play: Play, winners: str) -> Play:
    """Whole games to love; a tie-break to its end."""
    for by in winners:
        before = play.score
        while play.score.games == before.games and play.score.sets == before.sets:
            play = point(play, Side(by))
    return play


def calls(play: Play) -> str:
    return f"{play.score.points_a}-{play.score.points_b}"


def of(scoring: str, sets: int = 3, tie_break: str = "") -> Format:
    found = format_of(scoring, sets, tie_break)
    assert found is not None
    return found


def test_points_are_called_and_a_game_needs_two_clear() -> None:
    play, heard = start(of("Standard"), A), []
    for by in "AABBABAB":
        play = point(play, Side(by))
        heard.append(calls(play))
    assert heard == ["15-0", "30-0", "30-15", "30-30", "40-30", "40-40", "A-40", "40-40"]
    assert played(play, "BB").score.games == Games(0, 1)


@pytest.mark.parametrize("scoring", ["StandardWithNoAdv", "SuddenDeath", "ModernSetWithNoAdv", "ATPShortSetNoAdv"])
def test_without_advantage_one_point_decides_at_forty_all(scoring: str) -> None:
    assert played(start(of(scoring), A), "AAABBBB").score.games == Games(0, 1)


def test_a_set_ends_at_six_with_two_clear() -> None:
    assert games(start(of("Standard"), A), "AAAAAA").score.previous == (Games(6, 0),)
    assert games(start(of("Standard"), A), "AAAAABBBBB" + "AA").score.previous == (Games(7, 5),)


def test_a_tie_break_is_counted_in_numbers_and_won_by_two() -> None:
    play = games(start(of("Standard"), A), "AAAAABBBBBBA")
    assert (play.score.games, play.score.game_type, calls(play)) == (Games(6, 6), "TieBreakGame", "0-0")
    play = played(play, "ABABABABABAB" + "A")
    assert calls(play) == "7-6"
    assert played(play, "A").score.previous == (Games(7, 6),)


def test_servers_change_after_one_then_after_two_points_of_a_tie_break() -> None:
    play = games(start(of("Standard"), A), "AAAAABBBBBBA")
    servers = []
    for by in "ABABABA":
        servers.append(play.server.side)
        play = point(play, Side(by))
    assert servers == [A, B, B, A, A, B, B]


def test_who_received_first_in_the_tie_break_serves_first_in_the_next_set() -> None:
    play = games(start(of("Standard"), A), "AAAAABBBBBBA" + "A")
    assert (play.score.sets, play.server.side) == (Games(1, 0), B)


def test_four_players_of_a_doubles_serve_in_turn() -> None:
    play, servers = start(of("Standard"), B, doubles=True), []
    for _ in range(5):
        servers.append(play.server)
        play = games(play, "A")
    assert servers == [Server(B, 1), Server(A, 1), Server(B, 2), Server(A, 2), Server(B, 1)]


@pytest.mark.parametrize(
    ("scoring", "short_of", "winning", "ended"),
    [
        ("ShortSets", "AAABBBBA", "A", Games(5, 4)),
        ("ShortSets", "AAABB", "A", Games(4, 2)),
        ("ProSet", "AAAAAAABBBBBBBAB", "A", Games(9, 8)),
        ("ProSet", "AAAAAAABBBBBB", "A", Games(8, 6)),
        ("ModernSetShort", "AAABBB", "A", Games(4, 3)),
        ("ATPShortSetNoAdv", "AAABBB", "B", Games(3, 4)),
        ("ModernSetLong", "AAAAABBBBB", "A", Games(6, 5)),
    ],
)
def test_shorter_and_longer_sets_end_where_they_should(scoring: str, short_of: str, winning: str, ended: Games) -> None:
    play = games(start(of(scoring), A), short_of)
    assert play.score.previous == ()
    assert games(play, winning).score.previous == (ended,)


def test_a_pro_set_is_the_whole_match() -> None:
    assert games(start(of("ProSet", 3), A), "AAAAAAAA").winner is A


@pytest.mark.parametrize("scoring", ["MatchTieBreak", "SuddenDeath"])
def test_a_match_tie_break_to_ten_stands_for_the_last_set(scoring: str) -> None:
    play = games(start(of(scoring), A), "AAAAAA" + "BBBBBB")
    assert (play.score.sets, play.score.game_type) == (Games(1, 1), "MatchTieBreakGame")
    play = played(play, "A" * 9 + "B" * 9)
    assert (calls(play), play.over) == ("9-9", False)
    play = played(play, "BB")
    assert (play.winner, play.score.previous[-1], play.score.sets) == (B, Games(0, 1), Games(1, 2))


def test_the_last_set_may_go_on_to_twelve_all() -> None:
    play = games(start(of("LastSetTiebreak12"), A), "AAAAAA" + "BBBBBB" + "AB" * 6)
    assert not in_tie_break(play.format, play.score)
    play = games(play, "AB" * 6)
    assert in_tie_break(play.format, play.score)
    assert games(play, "B").score.previous[-1] == Games(12, 13)


def test_a_last_set_without_tie_break_goes_on_until_two_clear() -> None:
    play = games(start(of("Standard", 3, NO_LAST_TIE_BREAK), A), "AAAAAA" + "BBBBBB" + "AB" * 20)
    assert (play.score.games, play.over) == (Games(20, 20), False)
    assert games(play, "AA").winner is A


def test_a_match_that_is_over_stays_as_it_is() -> None:
    play = games(start(of("Standard", 1), A), "AAAAAA")
    assert play.over
    assert point(play, B) is play


@pytest.mark.parametrize(
    ("scoring", "sets"), [("Unknown", 3), ("", 3), ("Standard", None), ("Standard", 2), ("Standard", -1), ("Golden", 3)]
)
def test_what_is_not_documented_has_no_format(scoring: str, sets: int | None) -> None:
    assert format_of(scoring, sets) is None


def test_every_documented_scoring_type_has_a_format() -> None:
    documented = {
        "Standard", "StandardWithNoAdv", "ShortSets", "ProSet", "MatchTieBreak", "SuddenDeath", "ModernSetShort", "ModernSetLong",
        "ModernSetWithNoAdv", "LastSetTiebreak12", "ATPShortSetNoAdv",
    }  # fmt: skip
    assert set(KINDS) == documented


@pytest.mark.parametrize(
    ("scoring", "said", "last", "legal"),
    [
        ("Standard", Games(6, 4), False, True),
        ("Standard", Games(6, 5), False, False),
        ("Standard", Games(7, 6), False, True),
        ("Standard", Games(8, 6), False, False),
        ("LastSetTiebreak12", Games(8, 6), True, True),
        ("LastSetTiebreak12", Games(14, 12), True, False),
        ("MatchTieBreak", Games(1, 0), True, True),
        ("MatchTieBreak", Games(6, 4), True, False),
    ],
)
def test_it_tells_how_a_set_can_end(scoring: str, said: Games, last: bool, legal: bool) -> None:
    assert legal_set(of(scoring), said, last) is legal


@pytest.mark.parametrize(
    "said",
    [
        Score(previous=(Games(6, 4),), sets=Games(1, 0)),
        Score(previous=(Games(6, 4), Games(6, 5)), sets=Games(2, 0)),
        Score(previous=(Games(6, 4), Games(6, 4), Games(6, 4)), sets=Games(3, 0)),
        Score(previous=(Games(6, 4), Games(4, 6)), sets=Games(2, 0)),
    ],
)
def test_it_tells_how_a_match_cannot_end(said: Score) -> None:
    assert not legal_end(of("Standard"), said)
