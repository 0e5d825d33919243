"""Tennis by its rules: who wins each point → score, server, end (ITF Rules of Tennis, appendix VI for the shorter kinds). Pure.

The words are the umpire feed's (feeds.md 1.4). The feed's pages name its scoring types and explain none, so that :data:`KINDS` is the
usual meaning of each name; for ``SuddenDeath`` and the three ``Modern…`` it is our reading. What a match *is* the feed says by its
scores; these rules make matches (simulator, tests) and tell what a score must look like at the end.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from .tennis_values import Games, Score, Server, Side

STANDARD_GAME = "StandardGame"  # documented; the names of the other two are not
TIE_BREAK_GAME = "TieBreakGame"
MATCH_TIE_BREAK_GAME = "MatchTieBreakGame"

NO_LAST_TIE_BREAK = "NoTieBreakInFinalSet"
_CALLS = ("0", "15", "30", "40")


class Format(Struct, frozen=True):
    """How a match is counted.

    ``sets``: best of. ``games``: wins a set, two clear. ``tie_break_at``: games each at which a tie-break to ``tie_break_to`` points
    decides the set, ``None`` for never. ``advantage``: two points clear after 40–40, else one point decides. The ``last_…`` are those of
    the deciding set; ``last_is_tie_break``: it is one tie-break to ``last_tie_break_to`` points, and counts as 1–0 in games.
    """

    sets: int = 3
    games: int = 6
    tie_break_at: int | None = 6
    tie_break_to: int = 7
    advantage: bool = True
    last_tie_break_at: int | None = 6
    last_tie_break_to: int = 7
    last_is_tie_break: bool = False

    @property
    def needed(self) -> int:
        """Sets that win the match."""
        return self.sets // 2 + 1


_SHORT = Format(games=4, tie_break_at=4, last_tie_break_at=4)
_MODERN = Format(games=4, tie_break_at=3, last_tie_break_at=3)

KINDS: dict[str, Format] = {
    "Standard": Format(),
    "StandardWithNoAdv": Format(advantage=False),
    "ShortSets": _SHORT,
    "ProSet": Format(sets=1, games=8, tie_break_at=8, last_tie_break_at=8),
    "MatchTieBreak": Format(last_is_tie_break=True, last_tie_break_to=10),
    "SuddenDeath": Format(advantage=False, last_is_tie_break=True, last_tie_break_to=10),
    "ModernSetShort": _MODERN,
    "ModernSetLong": Format(tie_break_at=5, last_tie_break_at=5),
    "ModernSetWithNoAdv": replace(_MODERN, advantage=False),
    "LastSetTiebreak12": Format(last_tie_break_at=12),
    "ATPShortSetNoAdv": replace(_MODERN, advantage=False),
}
"""By ``scoringType``, best of three where the name does not say."""


def format_of(scoring: str, sets: int | None, tie_break: str = "") -> Format | None:
    """What the card of a match says; ``None`` where the type is not documented or the number of sets is not known."""
    kind = KINDS.get(scoring)
    if kind is None or sets is None or not 1 <= sets <= 9 or sets % 2 == 0:
        return None
    kind = replace(kind, sets=1 if kind.sets == 1 else sets)
    if tie_break == NO_LAST_TIE_BREAK and not kind.last_is_tie_break:
        return replace(kind, last_tie_break_at=None)
    return kind


class Play(Struct, frozen=True):
    """A match between two points: ``points`` won in this game, ``turn`` of the servers' ``order`` (two, in doubles four)."""

    format: Format
    order: tuple[Server, ...]
    score: Score
    points: tuple[int, int] = (0, 0)
    turn: int = 0

    @property
    def server(self) -> Server:
        """Who serves the next point; in a tie-break one, then two each."""
        ahead = (sum(self.points) + 1) // 2 if in_tie_break(self.format, self.score) else 0
        return self.order[(self.turn + ahead) % len(self.order)]

    @property
    def winner(self) -> Side | None:
        return winner(self.format, self.score)

    @property
    def over(self) -> bool:
        return self.winner is not None


def start(format: Format, first: Side, doubles: bool = False) -> Play:
    """A match before its first point."""
    sides = (first, other(first))
    order = tuple(Server(s, m) for m in (1, 2) for s in sides) if doubles else tuple(Server(s) for s in sides)
    return _counted(Play(format, order, Score()))


def other(side: Side) -> Side:
    return Side.B if side is Side.A else Side.A


def winner(format: Format, score: Score) -> Side | None:
    """Who has won the match by the sets, ``None`` while it goes on."""
    if max(score.sets.a, score.sets.b) < format.needed:
        return None
    return Side.A if score.sets.a > score.sets.b else Side.B


def deciding(format: Format, sets: Games) -> bool:
    """Whether the set that follows ``sets`` is the last one possible."""
    return sets.a == sets.b == format.needed - 1


def in_tie_break(format: Format, score: Score) -> bool:
    last = deciding(format, score.sets)
    if last and format.last_is_tie_break:
        return True
    at = format.last_tie_break_at if last else format.tie_break_at
    return at is not None and score.games == Games(at, at)


def point(play: Play, by: Side) -> Play:
    """``play`` with a point won; a match that is over stays as it is."""
    if play.over:
        return play
    points = (play.points[0] + (by is Side.A), play.points[1] + (by is Side.B))
    if not _game_won(play, points):
        return _counted(replace(play, points=points))
    return _counted(_game(replace(play, points=(0, 0), turn=play.turn + 1), by, in_tie_break(play.format, play.score)))


def _game_won(play: Play, points: tuple[int, int]) -> bool:
    if in_tie_break(play.format, play.score):
        to, clear = _tie_break_to(play.format, play.score), 2
    else:
        to, clear = 4, 2 if play.format.advantage else 1
    return max(points) >= to and abs(points[0] - points[1]) >= clear


def _tie_break_to(format: Format, score: Score) -> int:
    return format.last_tie_break_to if deciding(format, score.sets) else format.tie_break_to


def _game(play: Play, by: Side, tie_break: bool) -> Play:
    score = play.score
    games = _plus(score.games, by)
    if not tie_break and not _set_won(play.format, games):
        return replace(play, score=replace(score, games=games))
    after = replace(score, games=Games(0, 0), previous=(*score.previous, games), sets=_plus(score.sets, by))
    return replace(play, score=after)


def _set_won(format: Format, games: Games) -> bool:
    """By games alone; the game of a tie-break wins its set whatever this says."""
    return max(games.a, games.b) >= format.games and abs(games.a - games.b) >= 2


def _plus(games: Games, side: Side) -> Games:
    return Games(games.a + (side is Side.A), games.b + (side is Side.B))


def _counted(play: Play) -> Play:
    """With the points in the feed's texts."""
    tie_break = in_tie_break(play.format, play.score)
    a, b = map(str, play.points) if tie_break else _called(*play.points)
    return replace(play, score=replace(play.score, points_a=a, points_b=b, game_type=_game_type(play, tie_break)))


def _game_type(play: Play, tie_break: bool) -> str:
    if not tie_break:
        return STANDARD_GAME
    last = play.format.last_is_tie_break and deciding(play.format, play.score.sets)
    return MATCH_TIE_BREAK_GAME if last else TIE_BREAK_GAME


def _called(a: int, b: int) -> tuple[str, str]:
    if max(a, b) <= 3:
        return _CALLS[a], _CALLS[b]
    if a == b:
        return "40", "40"
    return ("A", "40") if a > b else ("40", "A")


def legal_set(format: Format, games: Games, last: bool) -> bool:
    """Whether a set can end like this."""
    high, low = max(games.a, games.b), min(games.a, games.b)
    if last and format.last_is_tie_break:
        return (high, low) == (1, 0)
    at = format.last_tie_break_at if last else format.tie_break_at
    if at is not None and (high, low) == (at + 1, at):
        return True
    if high == format.games:
        return low <= format.games - 2
    return high > format.games and high - low == 2 and (at is None or low < at)
