"""A ``markets`` object beside the odds: what it tells of each market, by the market's key or by group (docs/api.md "One match"). Pure.

It closes whatever it may be about. Prices it may only bring of markets that the odds leave out, and only where nothing is left to guess:
the group is said, and so are the outcomes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from markets.domain.sports.groups import GROUPS, kebab

from .outcomes import ATTRIBUTES, containers, is_price_object, outcomes_of
from .prices import FLAG_NAMES, Standing, is_flag, most_closed, price_of, standing_of
from .wire import Object, text_of

_GROUPS = frozenset(group for groups in GROUPS.values() for group in groups)
_DESCRIBING = ATTRIBUTES | {"cashOutStatus", "eachWay", "score", "resultRevision"}
"""What tells of a market and is no outcome of it: also the names of our own payload (docs/api.md)."""


class About(Struct, frozen=True):
    """What is told of the market ``key``. ``group``: in kebab-case, empty where none is said that is known."""

    group: str
    key: str
    said: Any


class Holds(Enum):
    """What an object that tells of a market holds of its outcomes. ``UNCLEAR``: prices, perhaps, that nobody can place."""

    NOTHING = auto()
    OUTCOMES = auto()
    UNCLEAR = auto()


class Beside:
    """``odds``: the open map of groups that it stands beside."""

    def __init__(self, about: object, odds: Object) -> None:
        self.standing = Standing.UNKNOWN if about and not isinstance(about, dict) else Standing.UNSAID
        self.groups: dict[str, Standing] = {}
        self._known = _GROUPS | {kebab(group) for group in odds}
        self._by_key: dict[str, list[About]] = {}
        for one in self._read(about if isinstance(about, dict) else {}):
            self._by_key.setdefault(one.key, []).append(one)

    def of(self, group: str, key: str) -> list[Any]:
        """All that is told of one market of the odds."""
        return [one.said for one in self._by_key.get(key, ()) if one.group in ("", kebab(group))]

    def others(self, told: Collection[tuple[str, str]]) -> Iterator[About]:
        """What is told of markets that are not ``told``: (group as sent, key) of each market of the odds."""
        places = {(kebab(group), key) for group, key in told}
        keys = {key for _, key in told}
        for key, found in self._by_key.items():
            unplaced = key not in keys and kebab(key) not in self.groups
            yield from (one for one in found if ((one.group, key) not in places if one.group else unplaced))

    def _read(self, about: Object) -> Iterator[About]:
        for key, said in about.items():
            if said is None:
                continue
            yield About(self._group_in(said), key, said)
            if (group := kebab(key)) in self._known:
                self.groups[group] = most_closed((self.groups.get(group, Standing.UNSAID), _standing_of_group(said)))
                members = said.items() if isinstance(said, dict) else ()
                yield from (About(group, name, one) for name, one in members if name not in _DESCRIBING and one is not None)

    def _group_in(self, said: object) -> str:
        group = kebab(text_of(said.get("group"), 60)) if isinstance(said, dict) else ""
        return group if group in self._known else ""


def _standing_of_group(said: object) -> Standing:
    """Of all markets of a group. What holds outcomes is a market that is only called like a group."""
    if not isinstance(said, dict) or containers(said):
        return Standing.UNKNOWN
    return standing_of({name: said[name] for name in FLAG_NAMES if is_flag(said.get(name))})


def holds(about: About) -> Holds:
    """Whether ``about`` brings the outcomes of its market: in one container, or as price objects and nothing else."""
    if not isinstance(about.said, dict):
        return Holds.UNCLEAR
    inside = containers(about.said)
    members = [said for name, said in about.said.items() if name not in _DESCRIBING]
    bare = bool(members) and all(price_of(said).value is not None for said in members)
    if not inside and not bare and not any(map(_has_prices, members)):
        return Holds.NOTHING
    if inside:
        placed = len(inside) == 1 and outcomes_of(inside[0]) is not None and not any(map(_has_prices, members))
    else:
        placed = all(map(is_price_object, members))
    return Holds.OUTCOMES if placed and about.group else Holds.UNCLEAR


def told_whole(about: About) -> Object:
    """The market as odds would have it, of what holds its outcomes: nothing that tells of it is taken for one."""
    said: Object = about.said
    if containers(said):
        return said
    telling = {name: one for name, one in said.items() if name in ATTRIBUTES and not is_price_object(one)}
    return telling | {name: one for name, one in said.items() if name not in _DESCRIBING}


def _has_prices(said: object) -> bool:
    """Whether a price object stands anywhere in it."""
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return is_price_object(said) or any(map(_has_prices, inner))
