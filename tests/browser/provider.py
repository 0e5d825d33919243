"""A provider for browser tests: real Updategrams over real HTTP, one at a time, saying exactly what the test wants."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from feeds.updategram.simulation.documents import Envelope, Node
from tests.processes import until

RUNNERS = ("Home", "Draw", "Away")
_orders = itertools.count(1)


class Match:
    """One football fixture with a match result market in play, and some more of the same kind."""

    def __init__(self, number: int, home: str, away: str, markets: int = 1) -> None:
        self.id = 5_000_000 + number
        self.home, self.away = home, away
        self.prices = [["2.00", "3.50", "4.00"] for _ in range(markets)]
        self.sent_at = datetime.now(UTC)

    @property
    def name(self) -> str:
        return f"{self.home} v {self.away}"

    def fixture(self) -> Node:
        sides = [self._side(1, self.home, "Home"), self._side(2, self.away, "Away")]
        return Node(
            "Fixture",
            [
                Node("Id", self.id),
                Node("Name", self.name),
                Node("FixtureType", "Match"),
                Node("Status", "Scheduled"),
                Node("StartTimeUtc", (self.sent_at - timedelta(minutes=20)).replace(microsecond=0)),
                Node("Sport", [Node("Id", 10), Node("Name", "Football")]),
                Node("Competition", [Node("Id", 77), Node("Name", "Test League")]),
                Node("Competitors", sides),
                Node("IsOff", True),
            ],
        )

    def _side(self, number: int, name: str, home_away: str) -> Node:
        return Node(
            "Competitor",
            [
                Node("Id", self.id * 10 + number),
                Node("Name", name),
                Node("HomeAway", home_away),
                Node("Competitors", []),
                Node("CompetitorType", "Team"),
            ],
        )

    def coverage(self) -> Node:
        feeds = [Node("Feed", [Node("IsLicensed", True), Node("Type", kind)]) for kind in ("MatchState", "TradingState")]
        return Node("Coverage", [Node("FixtureId", self.id), Node("IsBooked", True), Node("AvailableFeeds", feeds)])

    def markets(self, numbers: Sequence[int] | None = None, status: str = "Open") -> Node:
        chosen = range(len(self.prices)) if numbers is None else numbers
        return Node("MarketSet", [Node("FixtureId", self.id), Node("Markets", [self._market(n, status) for n in chosen])])

    def _market(self, number: int, status: str) -> Node:
        kind = (2, "Match Result") if number == 0 else (990_100 + number, f"Extra {number}")
        return Node(
            "Market",
            [
                Node("Id", self.id * 100 + number),
                Node("Sequence", 0),
                Node("TradingStatus", status),
                Node("Name", kind[1]),
                Node("ExpiryUtc"),
                Node("Handicap"),
                Node("MarketType", [Node("Id", kind[0]), Node("Name", kind[1]), Node("IsHandicap", False)]),
                Node("InPlay", True),
                Node("Selections", [self._selection(number, place) for place in range(len(self.prices[number]))]),
            ],
        )

    def _selection(self, market: int, place: int) -> Node:
        price = self.prices[market][place]
        hundredths = round(float(price) * 100) - 100
        return Node(
            "Selection",
            [
                Node("Id", (self.id * 100 + market) * 10 + place),
                Node("TradingStatus", "Trading"),
                Node("Name", RUNNERS[place]),
                Node("Numerator", hundredths),
                Node("Denominator", 100),
                Node("Decimal", price),
            ],
        )


class Provider:
    """Speaks to one feed of one running desk. ``base``: ``http://host:port/feeds/updategram/<slug>``; ``home``: the desk's data."""

    def __init__(self, base: str, secret: str, home: Path) -> None:
        self.base, self.secret, self._home = base, secret, home

    def introduce(self, match: Match) -> None:
        """Until the desk has read it all: else a page that is loaded meanwhile gets rows of it anew under a test's hands."""
        for part in (match.fixture(), match.coverage(), match.markets()):
            self.send(part)
        self.is_read()

    def is_read(self) -> None:
        """Until the desk has applied whatever was said."""
        assert until(self._is_read, 30), "not read in time"

    def _is_read(self) -> bool:
        with contextlib.closing(sqlite3.connect(f"file:{self._home / 'desk.sqlite3'}?mode=ro", uri=True, timeout=20)) as store:
            return bool(store.execute("SELECT NOT EXISTS (SELECT 1 FROM feeds_frame WHERE outcome IS NULL)").fetchone()[0])

    def send(self, part: Node) -> None:
        envelope = Envelope(str(uuid.uuid4()), datetime.now(UTC), next(_orders), part)
        self.post("ProcessMessage", envelope.render())

    def post(self, method: str, body: bytes) -> int:
        request = urllib.request.Request(f"{self.base}/{method}?token={self.secret}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)

    @contextlib.contextmanager
    def beating(self, seconds: float = 2.0) -> Iterator[None]:
        """Heartbeats."""
        with repeating(seconds, lambda: self.post("Heartbeat", b"")):
            yield

    @contextlib.contextmanager
    def ticking(self, match: Match, every: float = 0.05, seed: int = 1) -> Iterator[None]:
        """Prices that move all the time, in one market after the other."""
        random = Random(seed)

        def tick() -> None:
            market = random.randrange(len(match.prices))
            match.prices[market] = [f"{float(p) + random.choice((-0.02, -0.01, 0.01, 0.02)):.2f}" for p in match.prices[market]]
            self.send(match.markets([market]))

        with repeating(every, tick):
            yield


@contextlib.contextmanager
def repeating(seconds: float, say: Callable[[], object]) -> Iterator[None]:
    """Said again and again from a thread of its own; a desk that does not answer misses it."""
    done = threading.Event()

    def again() -> None:
        while not done.wait(seconds):
            with contextlib.suppress(OSError):
                say()

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(12)
