"""The life of one fixture: scheduled, priced, played, resulted. A sport says how its score moves and what its markets are worth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from random import Random

from msgspec import Struct, field

from .documents import Node
from .names import COMPETITIONS
from .odds import Quote, quote

Clock = Callable[[], datetime]


def _nobody_listens() -> None:
    """Until somebody does."""


class Ids:
    """Where ids come from: unlike on every start, so that a restart never continues an old fixture."""

    def __init__(self, base: int) -> None:
        self.fixture = count(base * 1000 + 1)
        self.market = count(100_000_000 + base % 1_000_000)
        self.selection = count(300_000_000 + base % 1_000_000)
        self.competitor = count(800_000 + base % 100_000)


class Side(Struct):
    id: int
    name: str
    home_away: str
    kind: str = "Team"
    first_name: str = ""
    last_name: str = ""
    members: list[Side] = field(default_factory=list)

    def node(self) -> Node:
        person = [Node("FirstName", self.first_name), Node("LastName", self.last_name)] if self.kind == "Person" else []
        members = Node("Competitors", [one.node() for one in self.members])
        head = [Node("Id", self.id), Node("Name", self.name), Node("HomeAway", self.home_away), members]
        return Node("Competitor", [*head, *person, Node("CompetitorType", self.kind)])


class Pick(Struct):
    """A selection: what it is, what it is worth now, and what became of it."""

    id: int
    name: str
    side: Side | None = None
    outcome: tuple[int, str] | None = None
    low: float | None = None
    high: float | None = None
    chance: float = 0.0
    result: str = "Loser"

    def node(self) -> Node:
        price = quote(self.chance)
        children = [Node("Id", self.id), Node("TradingStatus", "Trading" if price else "Unpriced"), Node("Name", self.name)]
        children += [Node("CompetitorId", self.side.id)] if self.side else []
        children += [Node("Outcome", [Node("Id", self.outcome[0]), Node("Name", self.outcome[1])])] if self.outcome else []
        children += [Node("Range", self._range())] if self.low is not None or self.high is not None else []
        return Node("Selection", children + (self._price(price) if price else []))

    def _range(self) -> list[Node]:
        ends = (("High", self.high), ("Low", self.low))
        return [Node(name, float(value)) for name, value in ends if value is not None]

    def _price(self, price: Quote) -> list[Node]:
        return [
            Node("Numerator", price.numerator),
            Node("Denominator", price.denominator),
            Node("Decimal", price.decimal),
            Node("Probability", f"{self.chance:.5f}"),
        ]


class Kind(Struct, frozen=True):
    """A market type. Ids of 003 where it names them; the others, from 990000 on, are invented."""

    id: int
    name: str
    is_handicap: bool = False


class Line(Struct):
    """A market that is being offered."""

    id: int
    kind: Kind
    name: str
    picks: list[Pick]
    in_play: bool
    sequence: int | None = None
    handicap: float | None = None
    expiry: datetime | None = None
    sent: list[Quote | None] = field(default_factory=list)

    def node(self, status: str) -> Node:
        self.sent = [quote(p.chance) for p in self.picks]
        return Node(
            "Market",
            [
                Node("Id", self.id),
                *([Node("Sequence", self.sequence)] if self.sequence is not None else []),
                Node("TradingStatus", status),
                Node("Name", self.name),
                Node("ExpiryUtc", self.expiry),
                Node("Handicap", self.handicap),
                Node("MarketType", [Node("Id", self.kind.id), Node("Name", self.kind.name), Node("IsHandicap", self.kind.is_handicap)]),
                Node("InPlay", self.in_play),
                Node("Selections", [p.node() for p in self.picks]),
            ],
        )

    @property
    def moved(self) -> bool:
        return [quote(p.chance) for p in self.picks] != self.sent

    def result(self, score: tuple[int, int] | None) -> Node:
        picks = [
            Node("SelectionResult", [Node("AdditionalResultData"), Node("ResultStatus", p.result), Node("SelectionId", p.id)])
            for p in self.picks
        ]
        parts = [Node("MarketId", self.id), *([Node("MarketSequence", self.sequence)] if self.sequence is not None else [])]
        shown = [Node("MarketResultScore", [Node("First", score[0]), Node("Second", score[1])])] if score else []
        return Node("MarketResult", [*parts, Node("Results", picks), *shown])


class Life(ABC):
    """One fixture. ``messages`` is its whole life, one part of an Updategram at a time; pre-match and in-play never share one.

    ``unsaid``: what has happened and is still to be told, by a life that follows somebody else's clock; ``wake`` is called when there is
    something.
    """

    sport: str
    sport_id: int

    def __init__(self, random: Random, ids: Ids, clock: Clock, start: datetime, stage: float = 0.0) -> None:
        self.random, self.ids, self.clock, self.start, self.stage = random, ids, clock, start, stage
        self.fixture_id = next(ids.fixture)
        self.home, self.away = self.sides()
        self.competition = random.choice(COMPETITIONS[self.sport])
        self.pre: list[Line] = []
        self.live: list[Line] = []
        self.in_play = stage > 0
        self.ended = False
        self.unsaid: deque[Node] = deque()
        self.wake: Callable[[], None] = _nobody_listens

    # what a sport brings

    @abstractmethod
    def sides(self) -> tuple[Side, Side]: ...

    @abstractmethod
    def properties(self) -> Node: ...

    @abstractmethod
    def open_pre_match(self) -> list[Line]: ...

    @abstractmethod
    def drift(self) -> None:
        """Let opinion move a little, and with it the chances of every pick."""

    @abstractmethod
    def play(self) -> Iterator[Node]:
        """From the start of play to the end of it; opens, prices and settles ``live``, and results ``pre`` at last."""

    @property
    @abstractmethod
    def progress(self) -> float: ...

    def summary(self, accept: bool = True) -> Node | None:
        """The match summary, where the sport has one."""
        return None

    # the life

    @property
    def ready(self) -> bool:
        """Whether it may be asked for its next word."""
        return True

    def begun(self) -> bool:
        """Whether pre-match is over."""
        return self.clock() >= self.start - timedelta(seconds=1)

    def catch_up(self, play: Iterator[Node]) -> None:
        """Be at ``stage`` without a word."""
        next((None for _ in play if self.progress >= self.stage), None)

    def messages(self) -> Iterator[Node]:
        play = self.play()
        if self.stage:
            self.catch_up(play)
            yield from self.roundup()
        else:
            yield from self._before()
        yield from play
        self.ended = True

    def _before(self) -> Iterator[Node]:
        yield self.fixture()
        yield self.coverage()
        self.pre = self.open_pre_match()
        yield self.markets(self.pre)
        while not self.begun():
            self.drift()
            yield self.markets([line for line in self.pre if line.moved] or [self.random.choice(self.pre)])
        yield self.markets(self.pre, "Closed")
        self.in_play = True

    def roundup(self) -> Iterator[Node]:
        """Everything that holds now, for a receiver that has missed something."""
        yield self.fixture()
        yield self.coverage()
        if self.pre and not self.in_play:
            yield self.markets(self.pre)
        if self.live:
            yield self.markets(self.live)
        summary = self.summary() if self.in_play else None
        if summary:
            yield summary

    # the parts

    def fixture(self, status: str = "Scheduled") -> Node:
        competition_id, competition, region_id, region = self.competition
        return Node(
            "Fixture",
            [
                Node("Id", self.fixture_id),
                Node("Name", f"{self.home.name} v {self.away.name}"),
                Node("FixtureType", "Match"),
                Node("Status", status),
                Node("StartTimeUtc", self.start.replace(microsecond=0)),
                Node("Sport", [Node("Id", self.sport_id), Node("Name", self.sport.capitalize())]),
                Node(
                    "Competition",
                    [Node("Id", competition_id), Node("Name", competition), Node("Region", [Node("Id", region_id), Node("Name", region)])],
                ),
                Node("Season", [Node("Id", f"7{competition_id}"), Node("Name", f"{competition} {self.start.year}")]),
                Node("Round", [Node("Id", f"4{competition_id}"), Node("Name", "Round 1")]),
                Node("Competitors", [self.home.node(), self.away.node()]),
                Node("ExternalId"),
                self.properties(),
            ],
        )

    def coverage(self) -> Node:
        feeds = [Node("Feed", [Node("IsLicensed", True), Node("Type", kind)]) for kind in ("MatchState", "TradingState")]
        fields = [Node("FixtureId", self.fixture_id), Node("ExternalFixtureId"), Node("IsBooked", True), Node("AvailableFeeds", feeds)]
        return Node("Coverage", fields)

    def markets(self, lines: list[Line], status: str = "Open") -> Node:
        return Node("MarketSet", [Node("FixtureId", self.fixture_id), Node("Markets", [line.node(status) for line in lines])])

    def results(self, lines: list[Line], score: tuple[int, int] | None = None) -> Node:
        return Node("ResultSet", [Node("FixtureId", self.fixture_id), Node("Results", [line.result(score) for line in lines])])

    # for the sports

    def pick(
        self,
        name: str,
        side: Side | None = None,
        outcome: tuple[int, str] | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> Pick:
        return Pick(next(self.ids.selection), name, side, outcome, low, high)

    def line(self, kind: Kind, picks: list[Pick], sequence: int | None = None, name: str = "", handicap: float | None = None) -> Line:
        """A market; in play when it has a sequence."""
        in_play = sequence is not None
        expiry = None if in_play else self.start
        return Line(next(self.ids.market), kind, name or kind.name, picks, in_play, sequence, handicap, expiry)

    def again(self, line: Line, picks: list[Pick], sequence: int, name: str = "") -> Line:
        """The same market under its next sequence."""
        return Line(line.id, line.kind, name or line.name, picks, True, sequence, line.handicap, None)

    def moved(self) -> Node | None:
        lines = [line for line in self.live if line.moved]
        return self.markets(lines) if lines else None

    def settle(self, lines: list[Line], score: tuple[int, int] | None = None) -> Iterator[Node]:
        """Close and result markets that are decided."""
        if lines:
            self.live = [line for line in self.live if line not in lines]
            yield self.markets(lines, "Closed")
            yield self.results(lines, score)
