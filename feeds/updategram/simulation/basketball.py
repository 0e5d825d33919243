"""Basketball: points as they fall, prices from a normal margin that narrows with the time left."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from .documents import Node
from .life import Kind, Life, Line, Pick, Side
from .names import club
from .odds import normal_above

STEP = 20
QUARTER = 600
MATCH_DEVIATION, TOTAL_DEVIATION = 12.0, 17.0

WINNER = Kind(990201, "Match Winner (incl. Overtime)")
SPREAD = Kind(990202, "Points Handicap", True)
TOTAL = Kind(990203, "Total Points Over/Under", True)
QUARTER_WINNER = Kind(990204, "Quarter Winner")
QUARTERS = ("FirstQuarter", "SecondQuarter", "ThirdQuarter", "FourthQuarter")


class Basketball(Life):
    sport, sport_id = "basketball", 4
    quarter_line: Line

    def sides(self) -> tuple[Side, Side]:
        self.pace = [self.random.uniform(76, 92), self.random.uniform(74, 90)]  # points a match
        self.quarters: list[list[int]] = [[0, 0]]
        self.seconds, self.phase = 0, "PreMatch"
        home = club(self.random, "basketball")
        away = club(self.random, "basketball", home)
        return Side(next(self.ids.competitor), home, "Home"), Side(next(self.ids.competitor), away, "Away")

    def properties(self) -> Node:
        return Node("BasketballProperties", [Node("BasketballAssociation", "FIBA")])

    @property
    def progress(self) -> float:
        return min(1.0, self.seconds / (4 * QUARTER))

    @property
    def score(self) -> tuple[int, int]:
        return sum(q[0] for q in self.quarters), sum(q[1] for q in self.quarters)

    # chances

    def _price(self, line: Line) -> None:
        home = self._chance(line)
        line.picks[0].chance, line.picks[1].chance = home, 1 - home

    def _chance(self, line: Line) -> float:
        left = 1 - self.progress
        now, pace = self.score, self.pace
        if line.kind is TOTAL:
            return normal_above(line.handicap or 0, sum(now) + sum(pace) * left, TOTAL_DEVIATION * sqrt(left))
        if line.kind is QUARTER_WINNER:
            quarter = self.quarters[-1]
            rest = (QUARTER - self.seconds % QUARTER) / QUARTER / 4
            return normal_above(0, quarter[0] - quarter[1] + (pace[0] - pace[1]) * rest, MATCH_DEVIATION * sqrt(rest))
        margin = now[0] - now[1] + (pace[0] - pace[1]) * left
        return normal_above(-(line.handicap or 0), margin, MATCH_DEVIATION * sqrt(left))

    def drift(self) -> None:
        for side in (0, 1):
            self.pace[side] = min(110.0, max(55.0, self.pace[side] + self.random.gauss(0, 0.4)))
        for line in self.live or self.pre:
            self._price(line)

    # markets

    def _two(self) -> list[Pick]:
        return [self.pick(self.home.name, self.home, (1, "Home")), self.pick(self.away.name, self.away, (3, "Away"))]

    def _total_line(self) -> float:
        return round(sum(self.score) + sum(self.pace) * (1 - self.progress)) + 0.5

    def _spread_line(self) -> float:
        left = 1 - self.progress
        return -(round(self.score[0] - self.score[1] + (self.pace[0] - self.pace[1]) * left) + 0.5)

    def _common(self, sequence: int | None) -> list[Line]:
        return [
            self.line(WINNER, self._two(), sequence),
            self.line(SPREAD, self._two(), sequence, handicap=self._spread_line()),
            self.line(TOTAL, [self.pick("Over"), self.pick("Under")], sequence, handicap=self._total_line()),
        ]

    def open_pre_match(self) -> list[Line]:
        lines = self._common(None)
        for line in lines:
            self._price(line)
        return lines

    # play

    def play(self) -> Iterator[Node]:
        self.in_play, self.phase = True, QUARTERS[0]
        yield self.summary()
        self.live = self._common(1)
        for number in range(1, 5):
            yield from self._quarter(number)
        while self.score[0] == self.score[1]:
            self.quarters[-1][self.random.randrange(2)] += 2  # overtime, told in one go
        yield from self._final()

    def _quarter(self, number: int) -> Iterator[Node]:
        self.phase = QUARTERS[number - 1]
        if number > 1:
            self.quarters.append([0, 0])
        self._open_quarter(number)
        self.drift()
        yield self.markets(self.live)
        while self.seconds < number * QUARTER:
            yield from self._possession()
        yield from self._quarter_over()

    def _open_quarter(self, number: int) -> None:
        name = f"Quarter Winner ({number})"
        self.quarter_line = (
            self.again(self.quarter_line, self._two(), number, name) if number > 1 else self.line(QUARTER_WINNER, self._two(), 1, name)
        )
        self.live.append(self.quarter_line)

    def _possession(self) -> Iterator[Node]:
        self.seconds += STEP
        for side in (0, 1):
            if self.random.random() < self.pace[side] / (4 * QUARTER) * STEP / 2.1:
                self.quarters[-1][side] += self.random.choice((2, 2, 2, 3, 1))
        if self.random.random() < 0.04:
            yield from self._move_lines()
        self.drift()
        yield self.moved() or self.summary()
        if self.random.random() < 0.3:
            yield self.summary()

    def _move_lines(self) -> Iterator[Node]:
        """The line follows the score; while it moves the market is suspended."""
        lines = [line for line in self.live if line.kind in (SPREAD, TOTAL)]
        yield self.markets(lines, "Suspended")
        for line in lines:
            line.handicap = self._total_line() if line.kind is TOTAL else self._spread_line()

    def _quarter_over(self) -> Iterator[Node]:
        home, away = self.quarters[-1]
        for position, pick in enumerate(self.quarter_line.picks):
            pick.result = "Pushed" if home == away else ("Winner" if (home > away) == (position == 0) else "Loser")
        yield from self.settle([self.quarter_line], (home, away))

    def _judge(self, lines: list[Line]) -> None:
        home, away = self.score
        for line in lines:
            line_value = line.handicap or 0
            first = home + away > line_value if line.kind is TOTAL else home - away + line_value > 0
            line.picks[0].result, line.picks[1].result = ("Winner", "Loser") if first else ("Loser", "Winner")

    def _final(self) -> Iterator[Node]:
        self.phase = "PostMatch"
        lines = list(self.live)
        self._judge([*lines, *self.pre])
        yield from self.settle(lines, self.score)
        if self.pre:
            yield self.results(self.pre, self.score)
        yield self.summary(accept=False)

    def summary(self, accept: bool = True) -> Node:
        names = ("FirstQuarterScore", "SecondQuarterScore", "ThirdQuarterScore", "FourthQuarterScore")
        played = [self._score(name, *quarter) for name, quarter in zip(names, self.quarters, strict=False)]
        left = QUARTER - self.seconds % QUARTER
        return Node(
            "BasketballMatchSummary",
            [
                Node("FixtureId", self.fixture_id),
                Node("Scores", [*played, self._score("CurrentScore", *self.score)]),
                self._score("FoulCount", len(self.quarters), len(self.quarters)),
                Node("Possession", "Home" if self.seconds % 40 else "Away"),
                Node("CurrentPhase", self.phase),
                Node("OvertimeCount", 0),
                Node("IsClockRunning", self.phase != "PostMatch"),
                Node("TimeToPeriod", f"PT{left // 60}M{left % 60}S"),
                Node("BetAcceptOk", accept),
            ],
        )

    def _score(self, name: str, home: int, away: int) -> Node:
        return Node(name, [Node("Home", home), Node("Away", away)])
