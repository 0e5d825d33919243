"""The feed hash (promise B6, decision P8): the same facts give the same hash, in every mode and after every replay."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from .sports.tennis import Tennis
from .state import FixtureState

_encoder = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def state_hash(ref: str, state: FixtureState) -> str:
    """Hex SHA-256 of one fixture's facts over natural keys: no marks, times of ours or surrogate ids."""
    return hashlib.sha256(_encoder.encode([ref, _facts(state)])).hexdigest()


def feed_hash(states: dict[str, str]) -> str:
    """Hex SHA-256 of ``{fixture ref: state hash}``."""
    return hashlib.sha256(_encoder.encode(states)).hexdigest()


def _facts(state: FixtureState) -> dict[str, Any]:
    return {
        "details": state.details,
        "markets": state.markets,
        "results": state.results,
        "coverage": state.coverage,
        "match_states": state.match_states,
        "started": state.started,
        **({"tennis": _match(state.tennis)} if state.tennis else {}),
    }


def _match(match: Tennis) -> dict[str, Any]:
    """Without our own times, what is measured by them, and what people said."""
    ours = {name for name in Tennis.__struct_fields__ if name.endswith("_kept")}
    ours |= {"suspended_seconds", "points_seen", "course", "hand"}
    return {name: getattr(match, name) for name in Tennis.__struct_fields__ if name not in ours}
