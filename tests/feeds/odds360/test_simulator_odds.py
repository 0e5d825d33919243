"""What the simulated provider thinks that a match is worth: exact where it can be checked, and moving with the score."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.odds360.simulation import chances
from feeds.odds360.simulation.book import CLOSED, Book
from feeds.odds360.simulation.contest import Card, Contest, Habits
from feeds.odds360.simulation.people import LEAGUES, PLAYERS, League
from feeds.odds360.simulation.stream import Pace
from feeds.odds360.simulation.voice import Spelling
from feeds.playing.table_tennis import Match, Pair, Play, Side, Strength, What

pytestmark = pytest.mark.modeless

POINTS = st.floats(0.4, 0.6).map(lambda p: round(p, 3))
EVEN = Play(5, Side.HOME)


@given(POINTS, st.integers(0, 10), st.integers(0, 10))
def test_the_chances_of_all_ends_of_a_game_add_up(p: float, home: int, away: int) -> None:
    ends = chances.game_ends(p, Pair(home, away))
    assert sum(chance for _, chance in ends) == pytest.approx(1)
    assert all(end.home >= home and end.away >= away for end, _ in ends)


def test_even_players_have_even_chances() -> None:
    assert chances.game_won(0.5, Pair()) == pytest.approx(0.5)
    assert chances.match_won(0.5, EVEN) == pytest.approx(0.5)
    assert chances.games_beyond(0.5, EVEN, -1.5) + chances.games_beyond(0.5, EVEN, 1.5) == pytest.approx(1)


def test_deuce_is_worth_what_the_formula_of_deuce_says() -> None:
    p = 0.55
    assert chances.game_won(p, Pair(10, 10)) == pytest.approx(p * p / (p * p + (1 - p) ** 2), abs=1e-4)


def test_the_model_agrees_with_matches_that_are_played() -> None:
    """2,000 matches from 1–0 and 5–3 on; the deviation of a share of that many is 1.1 %."""
    at = Play(5, Side.HOME, (Pair(11, 6),), Pair(5, 3))
    won = total = 0
    for seed in range(2000):
        random, play = Random(seed), at
        while not play.over:
            play = play.point(Side.HOME if random.random() < 0.51 else Side.AWAY)
        won += play.games.ahead is Side.HOME
        total += play.total > 80.5
    assert won / 2000 == pytest.approx(chances.match_won(0.51, at), abs=0.045)
    assert total / 2000 == pytest.approx(chances.total_over(0.51, at, 80.5), abs=0.06)


@given(POINTS, st.integers(0, 9), st.integers(0, 9))
def test_a_point_won_makes_its_winner_likelier(p: float, home: int, away: int) -> None:
    play = Play(5, Side.HOME, (), Pair(home, away))
    after = play.point(Side.HOME)
    assert chances.match_won(p, after) > chances.match_won(p, play)


def test_a_price_has_its_margin_and_ends_where_all_is_decided() -> None:
    assert chances.price(0.5) == 1.9
    assert chances.price(0.99) is None
    assert chances.price(0.01) is None
    assert chances.price(0.016) == 60.0


def whole_match(seed: int) -> tuple[Book, Match]:
    match = Match(5, Strength(), Random(seed))
    book = Book(4711, 1, 2, 0.5, match.play)
    for happening in match.happenings():
        if happening.what in (What.POINT, What.GAME):
            book.reprice(0.5, happening.play)
    return book, match


@given(st.integers(0, 2**32))
def test_at_the_end_every_market_is_closed_and_has_one_winner(seed: int) -> None:
    book, match = whole_match(seed)
    assert all(market.status == CLOSED for market in book.markets.values())
    for market in book.markets.values():
        assert sorted(str(one.result) for one in market.selections) == ["Loser", "Winner"]
    winner = next(one.key for one in book.markets["match-winner"].selections if one.result == "Winner")
    assert winner == match.play.games.ahead
    games = {market.game for market in book.markets.values() if market.game}
    assert games == set(range(1, len(match.play.played) + 1))


@given(st.integers(0, 2**32))
def test_no_two_selections_of_a_match_share_an_id_or_a_key(seed: int) -> None:
    book, _ = whole_match(seed)
    ids = [one.id for market in book.markets.values() for one in market.selections]
    assert len(ids) == len(set(ids))
    assert all(market.key == key for key, market in book.markets.items())


def test_only_the_game_in_play_is_listed() -> None:
    play = Play(5, Side.HOME, (), Pair(10, 4))
    book = Book(4711, 1, 2, 0.5, play)
    changed = book.reprice(0.5, play.point(Side.HOME))
    assert {"set-1-winner", "set-2-winner"} <= set(changed.selections)
    assert {market.game for market in book.offered()} == {None, 2}
    assert book.find("set-1-winner#home") is None
    assert book.find("set-2-winner#home") is not None


@given(st.integers(0, 2**32), st.floats(0.05, 1.0), st.sampled_from(LEAGUES))
def test_a_match_that_has_been_played_for_a_while_still_goes_on(seed: int, stage: float, league: League) -> None:
    card = Card(4711, league, PLAYERS[0], PLAYERS[1], datetime(2026, 11, 20, 16, tzinfo=UTC))
    contest = Contest(card, Random(seed), Habits(), Pace(), Spelling(), lambda: None)
    contest.begin_at(stage)
    assert contest.play.total > 0
    assert not contest.play.over
    assert any(not contest.voice.held(market, one) for market in contest.book.offered() for one in market.selections)
