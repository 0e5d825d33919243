"""What a table-tennis match is worth: exact chances of games and matches from one chance of a point, and a price for a chance.

The model is small and honest: every point is won by the home player with the same chance ``p``, whoever serves.
"""

from __future__ import annotations

from functools import lru_cache
from math import erf, sqrt

from feeds.playing.table_tennis import Pair, Play, Side, game_over

MARGIN = 1.05
SHORTEST, LONGEST = 1.01, 501.0
DECIDED = 0.985
"""A chance beyond which nothing is offered."""
FRESH = Pair()
LONGEST_GAME = 60  # points; beyond it the rest counts as even
_LADDER = ((2.0, 0.01), (3.0, 0.02), (5.0, 0.05), (10.0, 0.1), (20.0, 0.5), (50.0, 1.0), (LONGEST, 5.0))

Ends = tuple[tuple[Pair, float], ...]
"""Final scores, each with its chance."""


@lru_cache(512)
def game_ends(p: float, points: Pair) -> Ends:
    """How the game in play ends."""
    ends: dict[Pair, float] = {}
    open_ = {points: 1.0}
    while open_:
        after: dict[Pair, float] = {}
        for at, chance in open_.items():
            for side, share in ((Side.HOME, p), (Side.AWAY, 1 - p)):
                then = at.plus(side)
                into = ends if game_over(then) or then.sum >= LONGEST_GAME else after
                into[then] = into.get(then, 0.0) + chance * share
        open_ = after
    return tuple(ends.items())


def game_won(p: float, points: Pair) -> float:
    """Chance that the home player wins the game; a game of endless length is shared."""
    return sum(chance * (0.5 if at.home == at.away else at.home > at.away) for at, chance in game_ends(p, points))


def match_ends(p: float, play: Play) -> Ends:
    """How many games each player wins in the end."""
    if play.over:
        return ((play.games, 1.0),)
    ends: dict[Pair, float] = {}
    open_, won = {play.games: 1.0}, game_won(p, play.points)
    while open_:
        after: dict[Pair, float] = {}
        for at, chance in open_.items():
            for side, share in ((Side.HOME, won), (Side.AWAY, 1 - won)):
                then = at.plus(side)
                into = ends if max(then.home, then.away) >= play.to_win else after
                into[then] = into.get(then, 0.0) + chance * share
        open_, won = after, game_won(p, FRESH)
    return tuple(ends.items())


def match_won(p: float, play: Play) -> float:
    return sum(chance for at, chance in match_ends(p, play) if at.home > at.away)


def games_beyond(p: float, play: Play, line: float) -> float:
    """Chance that the home player's games and ``line`` exceed the other's games."""
    return sum(chance for at, chance in match_ends(p, play) if at.home + line > at.away)


def points_beyond(p: float, play: Play, line: float) -> float:
    """As :func:`games_beyond`, of the points of the game in play."""
    return sum(chance for at, chance in game_ends(p, play.points) if at.home + line > at.away)


def game_total_over(p: float, play: Play, line: float) -> float:
    """Chance that the game in play has more points than ``line``."""
    return sum(chance for at, chance in game_ends(p, play.points) if at.sum > line)


def total_over(p: float, play: Play, line: float) -> float:
    """Chance that the match has more points than ``line``: normal for each number of games that it may still take."""
    here, later = _mean_and_variance(p, play.points), _mean_and_variance(p, FRESH)
    played = sum(game.sum for game in play.played)
    over = 0.0
    for at, chance in match_ends(p, play):
        more = at.sum - play.number
        mean, variance = played + here[0] + more * later[0], here[1] + more * later[1]
        over += chance * _normal_above(line, mean, variance)
    return over


def expected_total(p: float, play: Play) -> float:
    """Points of the whole match, on average, from its beginning."""
    each = _mean_and_variance(p, FRESH)[0]
    return sum(chance * at.sum * each for at, chance in match_ends(p, play))


@lru_cache(512)
def _mean_and_variance(p: float, points: Pair) -> tuple[float, float]:
    """Of the points of a game."""
    ends = game_ends(p, points)
    mean = sum(chance * at.sum for at, chance in ends)
    return mean, sum(chance * (at.sum - mean) ** 2 for at, chance in ends)


def _normal_above(line: float, mean: float, variance: float) -> float:
    return 0.5 * (1 - erf((line - mean) / sqrt(2 * max(variance, 0.01))))


def price(chance: float) -> float | None:
    """With the margin on top, on a ladder; ``None`` where it is as good as decided."""
    if not 1 - DECIDED < chance < DECIDED:
        return None
    fair = 1 / (chance * MARGIN)
    step = next(step for limit, step in _LADDER if fair < limit or limit == LONGEST)
    return round(min(max(round(fair / step) * step, SHORTEST), LONGEST), 2)
