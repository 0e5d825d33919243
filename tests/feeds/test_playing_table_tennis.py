"""Table tennis as it is played by chance: every match obeys the game's rules, and a seed plays it again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.playing.table_tennis import Happening, Match, Pair, Play, Side, Strength, What

pytestmark = pytest.mark.modeless

SEEDS = st.integers(0, 2**32)
FORMATS = st.sampled_from((5, 7))


def played(seed: int, best_of: int = 5, serving: float = 0.53, receiving: float = 0.49) -> list[Happening]:
    return list(Match(best_of, Strength(serving, receiving), Random(seed)).happenings())


@given(SEEDS, FORMATS)
def test_every_game_goes_to_eleven_two_clear_and_no_point_further(seed: int, best_of: int) -> None:
    for game in played(seed, best_of)[-1].play.played:
        high, low = max(game.home, game.away), min(game.home, game.away)
        assert high == 11 if low < 10 else high == low + 2


@given(SEEDS, FORMATS)
def test_a_match_ends_when_one_has_won_more_than_half_of_the_games(seed: int, best_of: int) -> None:
    whole = played(seed, best_of)
    end = whole[-1]
    assert end.what is What.END
    assert max(end.play.games.home, end.play.games.away) == best_of // 2 + 1
    assert min(end.play.games.home, end.play.games.away) <= best_of // 2
    assert end.side is end.play.games.ahead
    assert not any(happening.play.over for happening in whole[:-2])


@given(SEEDS)
def test_each_point_is_one_more_than_before(seed: int) -> None:
    totals = [h.play.total for h in played(seed) if h.what in (What.POINT, What.GAME)]
    assert totals == list(range(1, len(totals) + 1))


@given(SEEDS)
def test_the_serve_changes_after_two_points_and_after_each_from_ten_all(seed: int) -> None:
    match = Match(5, Strength(), Random(seed))
    before, run = match.play, 1
    for happening in match.happenings():
        if happening.what is not What.POINT:
            before, run = happening.play, 1
            continue
        now = happening.play
        if before.points.sum:
            run = run + 1 if now.server is before.server else 1
            assert run <= (2 if now.points.sum < 20 else 1)
        before = now


def test_whoever_received_first_in_a_game_serves_first_in_the_next() -> None:
    play = Play(5, Side.HOME)
    assert play.server is Side.HOME
    for _ in range(11):
        play = play.point(Side.AWAY)
    assert play.played == (Pair(0, 11),)
    assert play.server is Side.AWAY
    assert play.point(Side.HOME).point(Side.HOME).server is Side.HOME


def test_at_ten_all_the_one_who_began_the_game_serves() -> None:
    play = Play(5, Side.HOME, (), Pair(10, 10))
    assert [play.server, play.point(Side.HOME).server] == [Side.HOME, Side.AWAY]
    assert not play.point(Side.HOME).played
    assert play.point(Side.HOME).point(Side.HOME).played == (Pair(12, 10),)


def test_no_point_follows_the_end() -> None:
    over = Play(5, Side.HOME, (Pair(11, 0),) * 3)
    with pytest.raises(ValueError, match="over"):
        over.point(Side.HOME)


@given(SEEDS)
def test_play_stops_after_each_game_and_at_most_once_for_each_player_beside(seed: int) -> None:
    whole = played(seed)
    stops = [h for h in whole if h.what is What.TIMEOUT]
    assert len({h.side for h in stops}) == len(stops)
    resumed = sum(h.what is What.PLAY for h in whole)
    assert resumed == len(stops) + len(whole[-1].play.played) - 1
    assert whole[0].what is What.BEGIN


def test_the_stronger_player_wins_more_often() -> None:
    won = sum(played(seed, serving=0.58, receiving=0.54)[-1].side is Side.HOME for seed in range(200))
    assert won > 150


def test_a_seed_plays_the_same_match_again() -> None:
    assert played(7) == played(7)
    assert played(7) != played(8)
