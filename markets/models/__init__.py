"""The store: what we trade and who decided what. Written by ``markets.services`` only."""

from .audit import AuditRecord
from .bookmaker import ApiKey, Bookmaker, BookmakerFixture, IdempotencyKey, Member, ReopenRule, SelectionBook
from .decision import Hold, Override, Preference, Watch
from .fixture import Fixture, FixtureMarks, MatchStateRow, Sport, SportRef
from .guard import Attempts, ClockMark
from .links import Link, SourceChoice
from .market import Market, MarketType, PriceTick, Result, Selection
from .points import Binding, PointLiveness, PointState, TimelineEntry
from .source import Confirmation, Gap, Source, SourceLiveness

__all__ = [
    "ApiKey",
    "Attempts",
    "AuditRecord",
    "Binding",
    "Bookmaker",
    "BookmakerFixture",
    "ClockMark",
    "Confirmation",
    "Fixture",
    "FixtureMarks",
    "Gap",
    "Hold",
    "IdempotencyKey",
    "Link",
    "Market",
    "MarketType",
    "MatchStateRow",
    "Member",
    "Override",
    "PointLiveness",
    "PointState",
    "Preference",
    "PriceTick",
    "ReopenRule",
    "Result",
    "Selection",
    "SelectionBook",
    "Source",
    "SourceChoice",
    "SourceLiveness",
    "Sport",
    "SportRef",
    "TimelineEntry",
    "Watch",
]
