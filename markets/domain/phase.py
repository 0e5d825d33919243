"""Where a fixture is in its life (decision U12) and whether it has started (U13). Pure."""

from __future__ import annotations

from .state import FixtureState
from .values import FixtureStatus, MarketStatus, Phase

_OVER = (FixtureStatus.FINISHED, FixtureStatus.CANCELLED)


def phase(state: FixtureState) -> Phase:
    """Derived, because the feed only says Scheduled, Deleted or Unknown (003 "Fixture"), or that the match is put off (Odds360)."""
    if _ended(state):
        return Phase.FINISHED
    if state.details is not None and state.details.status is FixtureStatus.POSTPONED:
        return Phase.POSTPONED
    if _in_play(state):
        return Phase.LIVE
    return Phase.UPCOMING


def _ended(state: FixtureState) -> bool:
    if state.tennis is not None and state.tennis.ended:
        return True
    if any(match_state.ended for match_state in state.match_states.values()):
        return True
    if state.details is not None and state.details.status in _OVER:
        return True
    return bool(state.markets) and all(_resulted(state, ref) for ref in state.markets)


def _resulted(state: FixtureState, ref: str) -> bool:
    result = state.results.get(ref)
    return result is not None and not result.result.withdrawn


def _in_play(state: FixtureState) -> bool:
    return (
        (state.tennis is not None and state.tennis.started)
        or any(match_state.in_play for match_state in state.match_states.values())
        or bool(state.details and state.details.is_off)
        or any(market.in_play and market.status is not MarketStatus.CLOSED for market in state.markets.values())
    )
