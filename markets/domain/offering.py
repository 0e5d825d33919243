"""What the feed itself offers: market Open × selection Trading × whole price, and what closes a whole fixture.

This is the feed's word only; the gate (``markets.domain.rules``) has the last one. Ingest compares it before and after a message
to know whether the message suspends or re-opens anything (promise F1).
"""

from __future__ import annotations

from .messages import Coverage, FixtureDetails, Market, Selection
from .state import FixtureState
from .values import FixtureStatus, MarketStatus, SelectionStatus

IN_PLAY_FEEDS = ("MatchState", "TradingState")


def offered(market: Market | None) -> frozenset[str]:
    """Ids of the selections that the feed offers."""
    if market is None or market.status is not MarketStatus.OPEN:
        return frozenset()
    return frozenset(s.id for s in market.selections if _offered(s))


def _offered(selection: Selection) -> bool:
    trading = selection.status is SelectionStatus.TRADING and not selection.overruled
    return trading and selection.listed and selection.price is not None


def grants_in_play(coverage: Coverage | None) -> bool:
    """Booked and both states licensed (003 "Coverage", decision U9)."""
    return coverage is not None and coverage.is_booked and all(map(coverage.licensed, IN_PLAY_FEEDS))


def closers(state: FixtureState) -> tuple[str, ...]:
    """In words, what the feed said that closes the fixture or all its in-play or pre-match markets."""
    return tuple(words for words, holds in _closers(state) if holds)


def _closers(state: FixtureState) -> tuple[tuple[str, bool], ...]:
    return (
        ("no fixture message yet", state.details is None),
        _status(state.details),
        ("started", state.started),
        ("in-play not licensed", not grants_in_play(state.coverage)),
        ("bets not accepted", any(m.bet_accept_ok is False for m in state.match_states.values())),
    )


def _status(details: FixtureDetails | None) -> tuple[str, bool]:
    if details is None:
        return "", False
    return f"fixture {details.status_text or details.status}", details.status is not FixtureStatus.SCHEDULED
