"""Small closed vocabularies of the trading domain.

Each provider's words are mapped onto these at the edge; a word that we do not know becomes
``UNRECOGNISED`` and never opens a price (promise A9, decision U6).
"""

from __future__ import annotations

from enum import StrEnum


class FixtureStatus(StrEnum):
    """003 "Fixture", element ``Status``; the others are of providers that say more of a match (U12). Only ``SCHEDULED`` may be tradable."""

    SCHEDULED = "Scheduled"
    DELETED = "Deleted"
    UNKNOWN = "Unknown"
    POSTPONED = "Postponed"
    INTERRUPTED = "Interrupted"
    CANCELLED = "Cancelled"
    FINISHED = "Finished"
    UNRECOGNISED = "unrecognised"


class MarketStatus(StrEnum):
    """003 "Market", element ``TradingStatus``. Suspended and Closed may both reopen."""

    OPEN = "Open"
    SUSPENDED = "Suspended"
    CLOSED = "Closed"
    UNRECOGNISED = "unrecognised"


class SelectionStatus(StrEnum):
    """003 "Selection", element ``TradingStatus``."""

    UNPRICED = "Unpriced"
    TRADING = "Trading"
    SUSPENDED = "Suspended"
    NON_RUNNER = "NonRunner"
    UNRECOGNISED = "unrecognised"


class Extent(StrEnum):
    """How much of a fixture a set of markets speaks of.

    ``MARKETS``: those named, whole (U4). ``WHOLE``: all there are, so that whatever is left out is no longer listed.
    ``CHANGES``: of those named, the selections that are different now. ``GONE``: those named are no longer listed. ``NONE``: of none,
    since all of the match is suspended until a later message names it again.
    """

    MARKETS = "markets"
    WHOLE = "whole"
    CHANGES = "changes"
    GONE = "gone"
    NONE = "none"


class ResultStatus(StrEnum):
    """003 "SelectionResult", element ``ResultStatus``."""

    NONE = "None"
    WINNER = "Winner"
    PUSHED = "Pushed"
    LOSER = "Loser"
    PLACED = "Placed"
    PARTIAL = "Partial"
    UNRECOGNISED = "unrecognised"


class Phase(StrEnum):
    """Where a fixture is in its life; derived, never sent (decision U12)."""

    UPCOMING = "upcoming"
    LIVE = "live"
    POSTPONED = "postponed"
    FINISHED = "finished"


class Outcome(StrEnum):
    """What became of a kept frame; ``None`` in the inbox means pending (promise B5)."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class Scope(StrEnum):
    """How far a hold reaches, narrowest first."""

    SELECTION = "selection"
    MARKET = "market"
    FIXTURE = "fixture"
    COMPETITION = "competition"
    SPORT = "sport"
    EVERYTHING = "everything"


class HoldOwner(StrEnum):
    """Who holds; releasing one owner's hold never frees another's."""

    TRADER = "trader"
    SUPERVISOR = "supervisor"
    PANIC = "panic"
    RULE = "rule"


class Role(StrEnum):
    """What a member may do for a bookmaker (decision P4)."""

    VIEWER = "viewer"
    TRADER = "trader"
    SUPERVISOR = "supervisor"


class OddsFormat(StrEnum):
    """How a person reads odds; prices themselves stay decimal."""

    DECIMAL = "decimal"
    FRACTION = "fraction"
    AMERICAN = "american"


class Cue(StrEnum):
    """What a person may be told by a sound, each beside what the screen shows of it."""

    POINT = "point"
    OPEN = "open"
    ALERT = "alert"
    TROUBLE = "trouble"


class OverrideKind(StrEnum):
    """How an override makes its price from the feed's price after margin."""

    PRICE = "price"
    OFFSET = "offset"
    PERCENT = "percent"
