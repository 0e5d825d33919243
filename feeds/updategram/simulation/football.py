"""Football: two Poisson scorers, repriced from the goals that are still to come."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from .documents import Node, moment
from .life import Kind, Life, Line, Pick, Side
from .names import club
from .odds import poisson

STEP = 30
HALF = 45 * 60

MATCH_RESULT = Kind(2, "Match Result")
HANDICAP = Kind(82, "Asian Handicap", True)
CORRECT_SCORE = Kind(91, "Correct Score")
TOTAL = Kind(990001, "Total Goals Over/Under", True)
BOTH = Kind(990002, "Both Teams To Score")
NEXT_GOAL = Kind(990003, "Next Goal")
HALF_TIME = Kind(990004, "Half Time Result")
SCORES = ((1, 0), (2, 0), (2, 1), (3, 1), (0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


class Football(Life):
    sport, sport_id = "football", 10

    def sides(self) -> tuple[Side, Side]:
        self.rates = [self.random.uniform(0.9, 2.2), self.random.uniform(0.7, 1.9)]
        self.goals, self.corners, self.seconds, self.phase = [0, 0], [0, 0], 0, "PreMatch"
        home = club(self.random, "football")
        away = club(self.random, "football", home)
        return Side(next(self.ids.competitor), home, "Home"), Side(next(self.ids.competitor), away, "Away")

    def properties(self) -> Node:
        return Node(
            "FootballProperties", [Node("ExtraTimeProperties", []), Node("MatchDuration", "PT1H30M"), Node("ExtraTimeDuration", "PT30M")]
        )

    @property
    def progress(self) -> float:
        return self.seconds / (2 * HALF)

    # chances

    def _to_come(self, until: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        left = max(0, until - self.seconds) / (2 * HALF)
        return poisson(round(self.rates[0] * left, 4)), poisson(round(self.rates[1] * left, 4))

    def _scores(self, until: int = 2 * HALF) -> list[tuple[int, int, float]]:
        home, away = self._to_come(until)
        return [(self.goals[0] + h, self.goals[1] + a, p * q) for h, p in enumerate(home) for a, q in enumerate(away)]

    def _price(self, line: Line) -> None:
        if line.kind is NEXT_GOAL:
            self._price_next_goal(line)
            return
        scores = self._scores(HALF if line.kind is HALF_TIME else 2 * HALF)
        for position, pick in enumerate(line.picks):
            pick.chance = sum(p for h, a, p in scores if self._wins(line, position, pick, h, a))
            if line.kind is HANDICAP:  # a push gives the stake back: the price speaks of the rest
                pushed = sum(p for h, a, p in scores if h - a + (line.handicap or 0) == 0)
                pick.chance /= max(0.05, 1 - pushed)

    def _price_next_goal(self, line: Line) -> None:
        home, away = (rate * max(0.0, 1 - self.progress) for rate in self.rates)
        none = exp(-home - away)
        share = home / (home + away) if home + away else 0.5
        for pick, chance in zip(line.picks, ((1 - none) * share, none, (1 - none) * (1 - share)), strict=True):
            pick.chance = chance

    def _wins(self, line: Line, position: int, pick: Pick, home: int, away: int) -> bool:
        if line.kind in (MATCH_RESULT, HALF_TIME):
            return (home > away, home == away, home < away)[position]
        if line.kind is CORRECT_SCORE:
            return (home, away) == (pick.low, pick.high)
        if line.kind is TOTAL:
            return (home + away > (line.handicap or 0)) == (position == 0)
        if line.kind is BOTH:
            return (home > 0 and away > 0) == (position == 0)
        margin = home - away + (line.handicap or 0)
        return margin > 0 if position == 0 else margin < 0

    # markets

    def _three(self) -> list[Pick]:
        return [
            self.pick(self.home.name, self.home, (1, "Home")),
            self.pick("Draw", None, (2, "Draw")),
            self.pick(self.away.name, self.away, (3, "Away")),
        ]

    def _two_sides(self) -> list[Pick]:
        return [self.pick(self.home.name, self.home, (1, "Home")), self.pick(self.away.name, self.away, (3, "Away"))]

    def _common(self, sequence: int | None) -> list[Line]:
        spread = round((self.rates[1] - self.rates[0]) * 2) / 2 + 0.0  # no minus before a nought
        lines = [self.line(MATCH_RESULT, self._three(), sequence), self.line(HANDICAP, self._two_sides(), sequence, handicap=spread)]
        for goals in (1.5, 2.5, 3.5):
            picks = [self.pick(f"Over {goals}"), self.pick(f"Under {goals}")]
            lines.append(self.line(TOTAL, picks, sequence, f"Total Goals Over/Under {goals}", goals))
        scores = [self.pick(f"{h}-{a}", low=h, high=a) for h, a in SCORES]
        lines += [self.line(BOTH, [self.pick("Yes"), self.pick("No")], sequence), self.line(CORRECT_SCORE, scores, sequence)]
        return lines

    def open_pre_match(self) -> list[Line]:
        lines = self._common(None)
        for line in lines:
            self._price(line)
        return lines

    def drift(self) -> None:
        for side in (0, 1):
            self.rates[side] = min(3.5, max(0.3, self.rates[side] * exp(self.random.gauss(0, 0.015))))
        for line in self.live or self.pre:
            self._price(line)

    # play

    def play(self) -> Iterator[Node]:
        yield from self._kick_off("FirstHalf")
        self.live = [
            *self._common(0),
            self.line(NEXT_GOAL, self._next_goal(), 0, "Next Goal (1)"),
            self.line(HALF_TIME, self._three(), 0),
        ]
        self.drift()
        yield self.markets(self.live)
        yield from self._half(HALF)
        self.phase = "HalfTime"
        yield self.summary()
        yield from self._decided(HALF_TIME)
        yield self.summary()
        yield from self._kick_off("SecondHalf")
        yield from self._half(2 * HALF)
        yield from self._full_time()

    def _next_goal(self) -> list[Pick]:
        return [self.pick(self.home.name, self.home), self.pick("No more goals"), self.pick(self.away.name, self.away)]

    def _kick_off(self, phase: str) -> Iterator[Node]:
        self.phase, self.in_play = phase, True
        yield self.summary()

    def _half(self, until: int) -> Iterator[Node]:
        while self.seconds < until:
            self.seconds += STEP
            self.drift()
            chance = self.random.random()
            scoring = sum(self.rates) * STEP / (2 * HALF)
            if chance < scoring:
                yield from self._goal()
            elif chance > 0.97:
                yield from self._danger()
            elif chance > 0.85:
                self.corners[self.random.randrange(2)] += 1
                yield self.summary()
            else:
                yield self.moved() or self.summary()

    def _danger(self) -> Iterator[Node]:
        yield self.summary(accept=False)
        yield self.markets(self.live, "Suspended")
        yield self.summary()
        yield self.markets(self.live)

    def _goal(self) -> Iterator[Node]:
        yield self.markets(self.live, "Suspended")
        yield self.summary(accept=False)
        side = 0 if self.random.random() < self.rates[0] / sum(self.rates) else 1
        self.goals[side] += 1
        yield self.summary(accept=False)
        yield from self._next(side)
        yield from self._decided()
        self.drift()
        yield self.summary()
        yield self.markets(self.live)

    def _next(self, side: int) -> Iterator[Node]:
        """Settle the goal market and open it again under the next sequence."""
        line = next(line for line in self.live if line.kind is NEXT_GOAL)
        line.picks[0 if side == 0 else 2].result = "Winner"
        yield from self.settle([line], (self.goals[0], self.goals[1]))
        goals = sum(self.goals)
        self.live.append(self.again(line, self._next_goal(), goals, f"Next Goal ({goals + 1})"))

    def _decided(self, kind: Kind | None = None) -> Iterator[Node]:
        """Markets that the score has decided already, or those of one kind at the end of its time."""
        home, away = self.goals
        lines = [line for line in self.live if line.kind is kind]
        if kind is None:
            lines = [line for line in self.live if line.kind is TOTAL and home + away > (line.handicap or 0)]
            lines += [line for line in self.live if line.kind is BOTH and home and away]
        self._judge(lines)
        yield from self.settle(lines, (home, away))

    def _judge(self, lines: list[Line]) -> None:
        home, away = self.goals
        for line in lines:
            for position, pick in enumerate(line.picks):
                if line.kind is NEXT_GOAL:
                    pick.result = "Winner" if position == 1 else "Loser"
                elif line.kind is HANDICAP and home - away + (line.handicap or 0) == 0:
                    pick.result = "Pushed"
                else:
                    pick.result = "Winner" if self._wins(line, position, pick, home, away) else "Loser"

    def _full_time(self) -> Iterator[Node]:
        self.phase = "PostMatch"
        score = (self.goals[0], self.goals[1])
        lines = list(self.live)
        self._judge(lines)
        yield from self.settle(lines, score)
        if self.pre:
            self._judge(self.pre)
            yield self.results(self.pre, score)
        yield self.summary(accept=False)

    def summary(self, accept: bool = True) -> Node:
        counters = {"Goals": self.goals, "Corners": self.corners, "YellowCards": [0, 0], "StraightRedCards": [0, 0]}
        running = self.phase in {"FirstHalf", "SecondHalf"}
        elapsed = self.seconds - (HALF if self.phase == "SecondHalf" else 0)
        now = moment(self.clock())
        clock = [
            Node("TimeElapsedInPhase", f"PT{elapsed // 60}M{elapsed % 60}S"),
            Node("TimestampUtc", now),
            Node("IsClockRunning", running),
        ]
        return Node(
            "FootballMatchSummary",
            [
                Node("FixtureId", self.fixture_id),
                Node("CurrentPhase", self.phase),
                Node("Clock", clock),
                Node("CurrentDangerState", "Safe" if accept else "Danger"),
                Node("CurrentBookingState", "Safe"),
                Node("CurrentVarState", "NotInProgress"),
                *(self._counter(name, home, away) for name, (home, away) in counters.items()),
                Node("NormalTimeHalfDuration", "PT45M"),
                Node("MessageTimestampUtc", now),
                Node("BetAcceptOk", accept),
                Node("CurrentMinute", self.seconds // 60),
            ],
        )

    def _counter(self, name: str, home: int, away: int) -> Node:
        score = Node("Score", [Node("Home", home), Node("Away", away)])
        return Node(name, [score, Node("IsCollected", True), Node("IsReliable", True)])
