"""Tennis: a match of :mod:`feeds.playing.tennis` as this provider tells it, priced from the chance of each point."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import TypeVar

from feeds.playing.court import Court, Happened
from feeds.playing.people import Person
from feeds.playing.tennis import Happening, Match, What, plan, progress
from markets.domain.sports import tennis_rules as rules
from markets.domain.sports.tennis import Games, Score
from markets.domain.sports.tennis import Side as Team

from .documents import Node
from .life import Clock, Ids, Kind, Life, Line, Pick, Side
from .names import COMPETITIONS

T = TypeVar("T")
MATCH = Kind(322, "Match")
GAME_SCORE = Kind(11103, "Numbered Game Score")
SET_WINNER = Kind(990101, "Numbered Set Winner")
GAME_WINNER = Kind(990102, "Numbered Game Winner (Set, Game)")
GAME_ENDS = ((0, "to love"), (15, "to 15"), (30, "to 30"), (40, "from deuce"))
FORMS = 1000
Rates = tuple[float, float, float]
"""Chance of each side to hold its serve, and of the first to take a tie-break."""
TIGHT = 0.12
"""A game so near to even is suspended by this provider itself while a point is played."""


@lru_cache(8192)
def race(chance: float, won: int, lost: int, to: int, clear: int) -> float:
    """Chance of whoever takes each point with ``chance`` to be first at ``to``, ``clear`` (1 or 2) ahead."""
    if max(won, lost) >= to and abs(won - lost) >= clear:
        return float(won > lost)
    if clear == 2 and min(won, lost) >= to - 1:
        deuce = chance**2 / (chance**2 + (1 - chance) ** 2)
        return deuce if won == lost else (chance + (1 - chance) * deuce if won > lost else chance * deuce)
    return chance * race(chance, won + 1, lost, to, clear) + (1 - chance) * race(chance, won, lost + 1, to, clear)


@lru_cache(8192)
def set_chance(rates: Rates, ours: int, theirs: int, serving: int, to: int, tie_break_at: int | None) -> float:
    """Chance that side 0 takes the set, at the beginning of a game that side ``serving`` serves."""
    if tie_break_at is not None and ours == theirs == tie_break_at:
        return rates[2]
    if (max(ours, theirs) >= to and abs(ours - theirs) >= 2) or max(ours, theirs) == (tie_break_at or 99) + 1:
        return float(ours > theirs)
    if ours == theirs >= to + 1:  # two games clear from even, whoever serves first
        first, second = rates[0] * (1 - rates[1]), (1 - rates[0]) * rates[1]
        return first / (first + second)
    game = rates[0] if serving == 0 else 1 - rates[1]
    won = set_chance(rates, ours + 1, theirs, 1 - serving, to, tie_break_at)
    return game * won + (1 - game) * set_chance(rates, ours, theirs + 1, 1 - serving, to, tie_break_at)


class Tennis(Life):
    """With a ``court`` it follows what happens there, in its time; without one it plays a match of its own, a message a turn."""

    sport, sport_id = "tennis", 24
    match_line: Line
    set_line: Line
    game_line: Line
    score_line: Line

    def __init__(self, random: Random, ids: Ids, clock: Clock, start: datetime, stage: float = 0.0, court: Court | None = None) -> None:
        self.court = court
        self.match = court.match if court else Match(plan(random, random.randint(1, FORMS)), random)
        self.at = self.match.opening
        self.format = self.at.format
        self.serve = self._by_side(self.match.plan.serve)
        self.game_in_match = 1
        self.opened = self.in_point = self.shut = self.finished = False
        super().__init__(random, ids, clock, start, stage)
        self.competition = COMPETITIONS["tennis"][self.match.plan.tournament]
        if court:
            self._join(court)

    def _join(self, court: Court) -> None:
        for happened in court.history:
            for _ in self.react(happened.what):
                pass
        court.listen(self._happened)

    def _happened(self, happened: Happened) -> None:
        self.unsaid.extend(self.react(happened.what))
        if self.unsaid:
            self.wake()

    # who plays

    def sides(self) -> tuple[Side, Side]:
        home, away = self._by_side((self.match.plan.team_a, self.match.plan.team_b))
        return self._side(home, "Home"), self._side(away, "Away")

    def _side(self, team: tuple[Person, ...], home_away: str) -> Side:
        players = [self._player(person, home_away) for person in team]
        if len(players) == 1:
            return players[0]
        name = "/".join(person.last for person in team)
        return Side(next(self.ids.competitor), name, home_away, "DoublesPartnership", members=players)

    def _player(self, person: Person, home_away: str) -> Side:
        return Side(next(self.ids.competitor), f"{person.last}, {person.first[0]}", home_away, "Person", person.first, person.last)

    def _by_side(self, pair: tuple[T, T]) -> list[T]:
        """TeamA's and TeamB's as home's and away's."""
        return list(pair) if self.match.plan.a_is_home else [pair[1], pair[0]]

    def properties(self) -> Node:
        final = "MatchTieBreak" if self.format.last_is_tie_break else "Advantage" if self.format.last_tie_break_at is None else "TieBreak"
        return Node(
            "TennisProperties",
            [
                Node("NumberOfSets", self.format.sets),
                Node("FinalSet", final),
                Node("ScoringSystemForServiceGames", "StandardAdvantage" if self.format.advantage else "NoAd"),
                Node("CourtSurface", "Clay"),
            ],
        )

    # where it stands, home first

    def _index(self, side: Team | None) -> int:
        return int((side is Team.A) != self.match.plan.a_is_home)

    def _games(self, games: Games) -> tuple[int, int]:
        home, away = self._by_side((games.a, games.b))
        return home, away

    @property
    def _score(self) -> Score:
        return self.at.score

    @property
    def set_number(self) -> int:
        return sum(self._games(self._score.sets)) + 1

    @property
    def game_in_set(self) -> int:
        return sum(self._games(self._score.games)) + 1

    @property
    def progress(self) -> float:
        return progress(self.at)

    @property
    def tie_break(self) -> bool:
        return rules.in_tie_break(self.format, self._score)

    # chances

    def _rates(self) -> Rates:
        clear = 2 if self.format.advantage else 1
        holds = [round(race(round(serve, 3), 0, 0, 4, clear), 4) for serve in self.serve]
        return holds[0], holds[1], round(race(self._rally(), 0, 0, self.format.tie_break_to, 2), 4)

    def _rally(self) -> float:
        """Chance of the first side in a point that either may serve."""
        return round((self.serve[0] + 1 - self.serve[1]) / 2, 3)

    def _game(self) -> float:
        """Chance of side 0 in the game that is being played."""
        points = self._by_side(self.at.points)
        if self.tie_break:
            last = rules.deciding(self.format, self._score.sets)
            return race(self._rally(), *points, self.format.last_tie_break_to if last else self.format.tie_break_to, 2)
        serving = self._index(self.at.server.side)
        chance = race(round(self.serve[serving], 3), points[serving], points[1 - serving], 4, 2 if self.format.advantage else 1)
        return chance if serving == 0 else 1 - chance

    def _set(self) -> float:
        if self.tie_break:
            return self._game()
        serving, (ours, theirs) = self._index(self.at.server.side), self._games(self._score.games)
        won, lost = (self._set_from(ours + first, theirs + 1 - first, 1 - serving) for first in (1, 0))
        game = self._game()
        return game * won + (1 - game) * lost

    def _set_from(self, ours: int, theirs: int, serving: int) -> float:
        last = rules.deciding(self.format, self._score.sets)
        return set_chance(
            self._rates(), ours, theirs, serving, self.format.games, self.format.last_tie_break_at if last else self.format.tie_break_at
        )

    def _match(self) -> float:
        won, lost = self._games(self._score.sets)
        if max(won, lost) >= self.format.needed:
            return float(won > lost)
        now = self._set()
        return now * self._match_from(won + 1, lost) + (1 - now) * self._match_from(won, lost + 1)

    def _match_from(self, won: int, lost: int) -> float:
        """At the beginning of a set."""
        needed = self.format.needed
        if max(won, lost) >= needed:
            return float(won > lost)
        chance = self._whole_set(last=won == lost == needed - 1)
        return chance * self._match_from(won + 1, lost) + (1 - chance) * self._match_from(won, lost + 1)

    def _whole_set(self, last: bool) -> float:
        if last and self.format.last_is_tie_break:
            return race(self._rally(), 0, 0, self.format.last_tie_break_to, 2)
        at = self.format.last_tie_break_at if last else self.format.tie_break_at
        return sum(set_chance(self._rates(), 0, 0, serving, self.format.games, at) for serving in (0, 1)) / 2

    def _price(self, line: Line) -> None:
        if line.kind is GAME_SCORE:
            self._price_game_score(line)
            return
        chance = {MATCH: self._match, SET_WINNER: self._set, GAME_WINNER: self._game}[line.kind]()
        line.picks[0].chance, line.picks[1].chance = chance, 1 - chance

    def _price_game_score(self, line: Line) -> None:
        """Each way a game can end: who takes it, and to what; shares by how far the loser has come."""
        home, points = self._game(), self._by_side(self.at.points)
        for position, pick in enumerate(line.picks):
            winner, end = divmod(position, len(GAME_ENDS))
            loser_has = min(3, points[1 - winner])
            shares = [0.0 if at < loser_has else weight for at, weight in enumerate((0.16, 0.27, 0.27, 0.30))]
            pick.chance = (home if winner == 0 else 1 - home) * shares[end] / sum(shares)

    # markets

    def _two(self) -> list[Pick]:
        return [self.pick(self.home.name, self.home, (25, "Player 1")), self.pick(self.away.name, self.away, (26, "Player 2"))]

    def _game_ends(self) -> list[Pick]:
        home = [self.pick(f"{self.home.name} {words}", self.home, low=points) for points, words in GAME_ENDS]
        return home + [self.pick(f"{self.away.name} {words}", self.away, high=points) for points, words in GAME_ENDS]

    def open_pre_match(self) -> list[Line]:
        lines = [self.line(MATCH, self._two(), None, "Match Result")]
        for line in lines:
            self._price(line)
        return lines

    def drift(self) -> None:
        for side in (0, 1):
            self.serve[side] = min(0.75, max(0.52, self.serve[side] + self.random.gauss(0, 0.003)))
        for line in self.live or self.pre:
            self._price(line)

    def _open_set(self) -> None:
        name, number = f"Set Winner (Set {self.set_number})", self.set_number
        self.set_line = self.again(self.set_line, self._two(), number, name) if number > 1 else self.line(SET_WINNER, self._two(), 1, name)
        self.live.append(self.set_line)

    def _open_game(self) -> None:
        in_set = self.set_number + 1000 * self.game_in_set
        winner = f"Game Winner (Set {self.set_number}, Game {self.game_in_set})"
        score = f"Game Score (Game {self.game_in_match})"
        if self.game_in_match == 1:
            self.game_line = self.line(GAME_WINNER, self._two(), in_set, winner)
            self.score_line = self.line(GAME_SCORE, self._game_ends(), 1, score)
        else:
            self.game_line = self.again(self.game_line, self._two(), in_set, winner)
            self.score_line = self.again(self.score_line, self._game_ends(), self.game_in_match, score)
        self.live += [self.game_line] if self.tie_break else [self.game_line, self.score_line]

    # play

    @property
    def ready(self) -> bool:
        """What happens on the court is told at once; only between, there is time for a drift of the prices."""
        between = bool(self.live) and not self.unsaid and not self.shut
        return self.court is None or not self.in_play or self.finished or between

    def begun(self) -> bool:
        return super().begun() or bool(self.unsaid)

    def play(self) -> Iterator[Node]:
        self.in_play = True
        if self.court is None:
            for happening in self.match.happenings():
                yield from self.react(happening)
            return
        while not self.finished or self.unsaid:
            yield self.unsaid.popleft() if self.unsaid else self._meanwhile()

    def catch_up(self, play: Iterator[Node]) -> None:
        if self.court is None:
            super().catch_up(play)

    def _meanwhile(self) -> Node:
        """Nothing happened: prices drift, as far as there are any."""
        if not self.live:
            return self.coverage()
        if self.shut:
            return self.markets(self.live, "Suspended")
        self.drift()
        return self.moved() or self.markets([self.match_line])

    def react(self, happening: Happening) -> Iterator[Node]:
        """What this provider says of it."""
        before, self.at = self.at, happening.play
        match happening.what:
            case What.PLAY:
                yield from self._resumed()
            case What.POINT:
                yield from self._point_started()
            case What.REPLAYED:
                self.in_point = False
                yield self._repriced()
            case What.SCORED:
                self.in_point = False
                yield from self._scored(before, happening)
            case What.SUSPENDED | What.TREATMENT | What.CORRECTION:
                yield self._suspended()
            case What.FINISHED:
                yield from self._over(happening)
            case _:
                return

    def _resumed(self) -> Iterator[Node]:
        """Play begins, or goes on after a break; a point that is still being played stays as it is."""
        if not self.opened:
            self.opened = True
            self.match_line = self.line(MATCH, self._two(), 1, "Match Result")
            self.live = [self.match_line]
            self._open_set()
            self._open_game()
        if not self.in_point:
            yield self._repriced()

    def _point_started(self) -> Iterator[Node]:
        self.in_point = True
        if abs(self._game() - 0.5) < TIGHT:
            yield self._suspended()

    def _suspended(self) -> Node:
        self.shut = True
        return self.markets(self.live, "Suspended")

    def _repriced(self) -> Node:
        """All of it, moved or not: a receiver may wait for a word from after the point."""
        self.shut = False
        self.drift()
        return self.markets(self.live)

    def _scored(self, before: rules.Play, happening: Happening) -> Iterator[Node]:
        if happening.game is not None:
            yield from self._game_won(before, self._index(happening.game))
        if happening.set is not None:
            yield from self._set_won(self._index(happening.set))
        if self.at.over:
            yield self._suspended()
            return
        if happening.game is not None:
            self._open_game()
        yield self._repriced()

    def _game_won(self, before: rules.Play, winner: int) -> Iterator[Node]:
        points = self._by_side(before.points)
        lines = [line for line in self.live if line in (self.game_line, self.score_line)]
        self.game_line.picks[winner].result = "Winner"
        if self.score_line in lines:
            self.score_line.picks[winner * len(GAME_ENDS) + min(3, points[1 - winner])].result = "Winner"
        points[winner] += 1
        yield from self.settle(lines, (points[0], points[1]))
        self.game_in_match += 1

    def _set_won(self, winner: int) -> Iterator[Node]:
        self.set_line.picks[winner].result = "Winner"
        yield from self.settle([self.set_line], self._games(self._score.previous[-1]))
        if not self.at.over:
            self._open_set()

    def _over(self, happening: Happening) -> Iterator[Node]:
        """A match that is given up is void."""
        winner = None if happening.how == "Retired" else self._index(happening.side)
        for line in (*self.live, *self.pre):
            for position, pick in enumerate(line.picks):
                pick.result = "Pushed" if winner is None else "Winner" if position == winner else "Loser"
        score = self._games(self._score.sets)
        yield from self.settle(list(self.live), score)
        if self.pre:
            yield self.results(self.pre, score)
        self.finished = True
