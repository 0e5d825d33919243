"""Two documents of one match, as REST has them, and what lies between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from .streams_frames import Changes, Json, MarketChanges, Odds

Path = tuple[str, str, str]
"""Odd group, market key, outcome key."""
VALIDITY = "validForMs"


def open_prices(odds: Odds) -> dict[Path, int]:
    """For how long each price that is open may be believed."""
    return {path: price[VALIDITY] for path, price in prices(odds) if not price["suspended"]}


def prices(odds: Odds) -> Iterator[tuple[Path, Json]]:
    for group, markets in odds.items():
        for market, outcomes in markets.items():
            for outcome, price in outcomes.items():
                yield (group, market, outcome), price


def paths(changes: Changes) -> Iterator[Path]:
    for group, markets in changes.items():
        for market, outcomes in (markets or {}).items():
            for outcome in outcomes or ():
                yield group, market, outcome


def closed(odds: Odds, words: str) -> Odds:
    """The same with every price suspended, ``words`` for the reason."""
    shut = {"suspended": True, "reasons": [words], VALIDITY: 0}
    return {
        group: {market: {outcome: {**price, **shut} for outcome, price in outcomes.items()} for market, outcomes in markets.items()}
        for group, markets in odds.items()
    }


def same_document(one: Json, other: Json) -> bool:
    if one.keys() != other.keys():
        return False
    return all(_same_odds(one[k], other[k]) if k == "odds" else one[k] == other[k] for k in one)


def _same_odds(one: Odds, other: Odds) -> bool:
    return one == other or not changed_odds(one, other)


def changed_odds(before: Odds, after: Odds) -> Changes:
    """What ``after`` has that ``before`` has not, and ``None`` for what it has not any more."""
    found: Changes = {group: None for group in before if group not in after}
    for group, markets in after.items():
        if (changed := _market_changes(before.get(group, {}), markets)) or group not in before:
            found[group] = changed
    return found


def _market_changes(before: Mapping[str, dict[str, Json]], after: Mapping[str, dict[str, Json]]) -> MarketChanges:
    found: MarketChanges = {market: None for market in before if market not in after}
    for market, outcomes in after.items():
        told = before.get(market)
        if told is None:
            found[market] = dict(outcomes)
        elif told != outcomes and (changed := _outcome_changes(told, outcomes)):
            found[market] = changed
    return found


def _outcome_changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, Json | None]:
    changed: dict[str, Json | None] = {o: price for o, price in after.items() if not _same_price(before.get(o), price)}
    return changed | {outcome: None for outcome in before if outcome not in after}


def _same_price(one: Json | None, other: Json) -> bool:
    """Its time apart, which beats renew."""
    return one is not None and (one == other or {**one, VALIDITY: 0} == {**other, VALIDITY: 0})


V = TypeVar("V")


def changed_keys(before: Mapping[str, V], after: Mapping[str, V]) -> dict[str, V | None]:
    """What is new or different by key, and ``None`` for what is gone."""
    found: dict[str, V | None] = {key: value for key, value in after.items() if before.get(key) != value}
    return found | {key: None for key in before if key not in after}
