"""What a feed has told us of one fixture so far: the value that messages are folded into."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from .messages import Coverage, FixtureDetails, Market, MarketResult, MatchState
from .sports.tennis import Tennis

DETAILS = "fixture"
COVERAGE = "coverage"
POINTS = "points"  # of a match: set by its first packet, which alone says that anything was ever told of it
MESSAGES = "messages"  # of the fixture as a whole: the highest order seen in each stream (U3)


def market_mark(ref: str) -> str:
    return f"market:{ref}"


def result_mark(ref: str) -> str:
    return f"result:{ref}"


def match_state_mark(element: str) -> str:
    return f"state:{element}"


class Mark(Struct, frozen=True):
    """What last set one entity.

    ``orders``: highest order seen for each stream. ``sent_at``: newest provider time applied.
    ``seen_at``: database time at which the newest applied frame was kept (A5, A2 compare with it).
    ``stream``: of the newest applied message, ``None`` when that one carried no order (U2 decides then).
    ``fresh_kept``, ``fresh_sent``: keep time and provider time of the newest applied message, unless that was a retry: what a retry
    sets does not count as read when it came (T5). ``whole_at``: keep time of the newest applied message that spoke of all of the entity,
    where one after it said only what had changed.
    """

    seen_at: datetime
    sent_at: datetime | None = None
    orders: dict[str, int] = {}
    stream: str | None = None
    fresh_kept: datetime | None = None
    fresh_sent: datetime | None = None
    whole_at: datetime | None = None

    @property
    def proven_at(self) -> datetime:
        """Up to when nothing that was missed can still matter to the entity (A5 i)."""
        return self.whole_at or self.seen_at


class Result(Struct, frozen=True):
    """A market's result with its revision: 1 at first, more means corrected (U10)."""

    result: MarketResult
    revision: int = 1


class FixtureState(Struct, frozen=True):
    """All feed facts of one fixture. Treat the dicts as immutable: fold copies before it changes."""

    details: FixtureDetails | None = None
    markets: dict[str, Market] = {}
    results: dict[str, Result] = {}
    coverage: Coverage | None = None
    match_states: dict[str, MatchState] = {}
    marks: dict[str, Mark] = {}
    started: bool = False
    tennis: Tennis | None = None
