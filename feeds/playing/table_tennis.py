"""A table-tennis match, made up point by point by the game's rules. Pure; a seed plays it again.

Games go to 11, two clear; the serve changes after every two points, and after every point from 10–10 on; whoever received first in a game
serves first in the next; a match is the best of five or seven games. ``Match.happenings`` is its whole life, each with the seconds that
pass before it at a real table. Who tells of it, and what it is worth, is for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, StrEnum, auto
from random import Random

from msgspec import Struct

GAME_POINTS, CLEAR = 11, 2
SERVES = 2
DEUCE = 2 * (GAME_POINTS - 1)
"""Points played at 10–10, from which on every point changes the serve."""
RALLY_SECONDS = (6.0, 16.0)  # from one point's end to the next one's
BREAK_SECONDS, TIMEOUT_SECONDS = 60.0, 60.0
WARM_UP_SECONDS = 120.0
TIMEOUT_CHANCE = 0.012  # of a point, for a player who still has his only one


class Side(StrEnum):
    """As odds name them."""

    HOME = "home"
    AWAY = "away"

    @property
    def other(self) -> Side:
        return Side.AWAY if self is Side.HOME else Side.HOME


class Pair(Struct, frozen=True):
    """Points of a game, or games of a match."""

    home: int = 0
    away: int = 0

    @property
    def sum(self) -> int:
        return self.home + self.away

    @property
    def ahead(self) -> Side:
        """Meaningful where they differ."""
        return Side.HOME if self.home > self.away else Side.AWAY

    def plus(self, side: Side) -> Pair:
        return Pair(self.home + 1, self.away) if side is Side.HOME else Pair(self.home, self.away + 1)


def game_over(points: Pair) -> bool:
    return max(points.home, points.away) >= GAME_POINTS and abs(points.home - points.away) >= CLEAR


class Play(Struct, frozen=True):
    """How a match stands. ``played``: the points of its finished games; ``points``: of the one in play. ``first``: who serves first."""

    best_of: int
    first: Side
    played: tuple[Pair, ...] = ()
    points: Pair = Pair()

    @property
    def to_win(self) -> int:
        return self.best_of // 2 + 1

    @property
    def games(self) -> Pair:
        won = [game.ahead for game in self.played]
        return Pair(won.count(Side.HOME), won.count(Side.AWAY))

    @property
    def number(self) -> int:
        """Of the game in play, or of the one that ended the match; from 1."""
        return len(self.played) + (not self.over)

    @property
    def over(self) -> bool:
        return max(self.games.home, self.games.away) >= self.to_win

    @property
    def total(self) -> int:
        """Points played in all."""
        return sum(game.sum for game in self.played) + self.points.sum

    @property
    def server(self) -> Side:
        """Of the next point."""
        turn = self.points.sum // SERVES if self.points.sum < DEUCE else self.points.sum
        return self.first if (turn + len(self.played)) % 2 == 0 else self.first.other

    def point(self, winner: Side) -> Play:
        """After ``winner`` took the point. Raises ``ValueError`` when the match is over."""
        if self.over:
            raise ValueError("the match is over")
        points = self.points.plus(winner)
        if game_over(points):
            return Play(self.best_of, self.first, (*self.played, points))
        return Play(self.best_of, self.first, self.played, points)


class What(Enum):
    """What can happen. BEGIN comes first and END last; a time-out and the break after a game end with PLAY."""

    BEGIN = auto()
    POINT = auto()
    GAME = auto()
    TIMEOUT = auto()
    PLAY = auto()
    END = auto()


class Happening(Struct, frozen=True):
    """``wait``: seconds since the one before. ``play``: the match after it. ``side``: who won the point, game or match, or stopped play.
    GAME is the point that won a game, END follows the one that won the match.
    """

    what: What
    wait: float
    play: Play
    side: Side | None = None


class Strength(Struct, frozen=True):
    """Chance (0–1) that the home player wins a point: on own serve, and when receiving."""

    serving: float = 0.5
    receiving: float = 0.5

    def of(self, server: Side) -> float:
        return self.serving if server is Side.HOME else self.receiving

    @property
    def mean(self) -> float:
        return (self.serving + self.receiving) / 2


class Match:
    """One match; ``happenings`` may be gone through once, ``play`` is how it stands then."""

    def __init__(self, best_of: int, strength: Strength, random: Random) -> None:
        self.strength, self._random = strength, random
        self.play = Play(best_of, random.choice(tuple(Side)))
        self._timeouts = list(Side)

    def happenings(self) -> Iterator[Happening]:
        """From the first serve to the end."""
        yield Happening(What.BEGIN, WARM_UP_SECONDS, self.play)
        while not self.play.over:
            yield self._point()
            yield from self._pause()
        yield Happening(What.END, 5.0, self.play, self.play.games.ahead)

    def _point(self) -> Happening:
        home = self._random.random() < self.strength.of(self.play.server)
        winner = Side.HOME if home else Side.AWAY
        games = len(self.play.played)
        self.play = self.play.point(winner)
        what = What.GAME if len(self.play.played) > games else What.POINT
        return Happening(what, self._random.uniform(*RALLY_SECONDS), self.play, winner)

    def _pause(self) -> Iterator[Happening]:
        if self.play.over:
            return
        if not self.play.points.sum:
            yield Happening(What.PLAY, BREAK_SECONDS, self.play)
        elif self._timeouts and self._random.random() < TIMEOUT_CHANCE:
            side = self._timeouts.pop(self._random.randrange(len(self._timeouts)))
            yield Happening(What.TIMEOUT, 2.0, self.play, side)
            yield Happening(What.PLAY, TIMEOUT_SECONDS, self.play)
