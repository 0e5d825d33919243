"""The outcomes of a market, in any of the shapes that one may have (feeds.md 3.2): by key, as a list, or one level deeper. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from .prices import (
    ACTIVE_NAMES,
    PRICE_NAMES,
    STATUS_NAMES,
    SUSPENDED_NAMES,
    Price,
    Standing,
    is_flag,
    price_in,
    price_of,
    standing_of_price,
)
from .wire import Object, text_of


class Outcome(Struct, frozen=True):
    """``key`` verbatim; ``result``: the object that says what became of it, where there is one; ``gone``: ``null`` stands in its place."""

    key: str
    price: Price
    standing: Standing = Standing.UNSAID
    name: str = ""
    competitor_id: str = ""
    result: Object | None = None
    gone: bool = False


_CONTAINERS = ("outcomes", "selections", "odds", "prices", "values")
_KEY_NAMES = ("outcome", "outcomeKey", "outcome_key", "key", "name", "id")
ATTRIBUTES = frozenset(
    {
        "id", "name", "key", "line", "handicap", "total", "spread", "sequence", "type", "typeId", "type_id", "group", "marketId",
        "market_id", "timestamp", "ts", "time", "updatedAt", "updated_at", "lastUpdate", "last_update", "margin", "overround", "limit",
        "maxStake", "max_stake", "inPlay", "in_play", "validForMs", "version", "revision", "seq", "tradable", "reasons", "expiry",
        *SUSPENDED_NAMES, *ACTIVE_NAMES, *STATUS_NAMES, *_CONTAINERS,
    }
)  # fmt: skip
"""Names that tell of a market, and of no outcome unless a price object stands there."""


def outcomes_of(said: object) -> list[Outcome] | None:
    """Of an object or array of outcomes; ``None`` for what holds none that could be read."""
    if isinstance(said, list):
        return _listed(said)
    if not isinstance(said, dict):
        return None
    inner = containers(said)
    if len(inner) > 1:
        return None
    if inner:
        return outcomes_of(inner[0])
    return [_outcome(key, value) for key, value in said.items() if _is_outcome(key, value)]


def containers(said: Object) -> list[Any]:
    """What stands under the names that hold the outcomes of a market."""
    return [said[name] for name in _CONTAINERS if isinstance(said.get(name), list) or _holds_outcomes(said.get(name))]


def is_price_object(said: object) -> bool:
    return isinstance(said, dict) and not _holds_outcomes(said)


def _holds_outcomes(said: object) -> bool:
    """Whether an object is a market rather than a price."""
    return isinstance(said, dict) and not any(is_flag(said.get(name)) for name in PRICE_NAMES)


def _is_outcome(key: str, said: object) -> bool:
    """Names that tell of the market are outcomes only where they clearly have a price object."""
    return key not in ATTRIBUTES or is_price_object(said)


def _listed(said: list[Any]) -> list[Outcome] | None:
    found: dict[str, Outcome] = {}
    for one in said:
        key = next((text for name in _KEY_NAMES if (text := text_of(one.get(name)))), "") if isinstance(one, dict) else ""
        if not key:
            return None
        found[key] = Outcome(key, Price(problem="named twice in one message")) if key in found else _outcome(key, one)
    return list(found.values())


def _outcome(key: str, said: object) -> Outcome:
    if not isinstance(said, dict):
        return Outcome(key, price_of(said), gone=said is None)
    result = said.get("result")
    return Outcome(
        key=key,
        price=price_in(said),
        standing=standing_of_price(said),
        name=text_of(said.get("name")),
        competitor_id=text_of(said.get("competitorId"), 40),
        result=result if isinstance(result, dict) else None,
    )
