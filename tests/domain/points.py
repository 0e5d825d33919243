"""A match of a point feed in few words, for tests of the fence and of whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from markets.domain.fences import Points, Signs
from markets.domain.heard import Heard
from markets.domain.leases import Line
from markets.domain.rules import FeedHealth
from markets.domain.sports import tennis
from markets.domain.sports.tennis import Kind, Packet, Tennis

from . import says

LEASE = 15.0
QUIET = Heard(joined=True, silent_in=2.0)


class Played(Struct):
    """A match under way; every packet is kept at ``at(second)`` and sent by the umpire at that same time."""

    match: Tennis | None = None
    seq: int = 0
    at: Callable[[float], datetime] = says.at

    def hear(self, second: float, kind: Kind, *, state: str = "", score: tennis.Score | None = None, delay: str = "") -> Tennis:
        self.seq += 1
        packet = Packet(self.seq, kind, kind.value, at=self.at(second), state=state, score=score, delay=delay)
        self.match = tennis.reduce(self.match, packet, self.at(second)).match
        return self.match

    def state(self, second: float, state: str, delay: str = "") -> Tennis:
        return self.hear(second, Kind.STATUS, state=state, delay=delay)

    def start(self, second: float) -> Tennis:
        return self.hear(second, Kind.POINT_STARTED)

    def score(self, second: float, delay: str = "") -> Tennis:
        """Whoever is nearer to the game scores, so that no score is ever said twice in a row."""
        before = self.match.score if self.match else tennis.Score()
        points = {"0": "15", "15": "30", "30": "40"}
        after = replace(before, points_a=points.get(before.points_a, "0"))
        if before.points_a == "40":
            after = replace(after, games=tennis.Games(before.games.a, before.games.b + 1))
        return self.hear(second, Kind.SCORED, score=after, delay=delay)

    def alarm(self, second: float) -> Tennis:
        packet = Packet(900, Kind.ALARM, "Alarm", at=self.at(second))
        self.match = tennis.reduce(self.match, packet, self.at(second)).match
        return self.match


def between(second: float = 90, at: Callable[[float], datetime] = says.at) -> Tennis:
    """In progress, between points since ``second``."""
    played = Played(at=at)
    for n, state in enumerate(("UmpireOnCourt", "Warmup", "InProgress")):
        played.state(second - 10 + n, state)
    played.start(second - 5)
    return played.score(second)


def signs(match: Tennis | None, now: float = 100, heard: Heard | None = None, **feed: object) -> Signs:
    """Bound and healthy: the feed and the match were heard just now."""
    points = Points(77, 9, "umpire", "2026-580-MS001", "Squire v Rodionov", 5, True, match)
    health = replace(FeedHealth("umpire", says.at(now), LEASE), **feed)
    applied = Heard(joined=True, announced=match.applied if match else None, silent_in=2.0)
    return Signs(points, health, Line(says.at(now), "live"), heard or applied)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
