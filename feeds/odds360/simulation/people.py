"""Who plays, and in which league. Invented; any likeness is chance. Ids are the provider's own and stay the same from run to run."""

from __future__ import annotations

from random import Random

from msgspec import Struct

from feeds.playing.people import LAST_NAMES, MEN, WOMEN
from feeds.playing.table_tennis import Strength

SPREAD = 0.045  # of a point's chance, between the best player and the middle
SERVE = 0.025  # what one's own serve is worth


class League(Struct, frozen=True):
    """``offset``: hours of its clock ahead of UTC, by which its times are told."""

    id: int
    name: str
    class_id: int
    class_name: str
    best_of: int
    offset: int


LEAGUES = (
    League(30101, "Harbour Open Table Tennis", 301, "Europe", 5, 1),
    League(30102, "Nightly Table League", 302, "Norden", 5, 2),
    League(30103, "Lakeside Masters", 301, "Europe", 7, 0),
)


class Player(Struct, frozen=True):
    """``skill``: what he adds to the chance of a point."""

    id: int
    name: str
    skill: float


def _everybody() -> tuple[Player, ...]:
    random = Random("table tennis")  # noqa: S311 - a game, not a secret
    firsts = [random.choice((MEN, WOMEN)[n % 2]) for n in range(len(LAST_NAMES))]
    return tuple(
        Player(880_001 + n, f"{first} {last}", round(random.uniform(-SPREAD, SPREAD), 3))
        for n, (first, last) in enumerate(zip(firsts, LAST_NAMES, strict=True))
    )


PLAYERS = _everybody()


def strength(home: Player, away: Player) -> Strength:
    """Of a point, for the home player."""
    even = 0.5 + (home.skill - away.skill) / 2
    return Strength(round(even + SERVE, 3), round(even - SERVE, 3))
