"""The connections of matches as the hub last read them, and when each falls silent (A3, O2). Only the hub's thread touches them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from markets.domain.leases import LIVE, Line, heard_until, held_until

from .times import Deadlines

Mood = tuple[bool, str]
"""Whether a match is heard, and what its reader says of it when it is not."""


class Terms(Struct, frozen=True):
    """What one match's connection is held to: the seconds of its feed, and, where it holds prices of its own open, those of its data."""

    seconds: float
    data_seconds: float | None = None


class Lines:
    """By the ids of the fixtures that the connections are of. What only renews a match that is heard changes nothing."""

    def __init__(self) -> None:
        self.now: Mapping[int, Line] = {}
        self._terms: Mapping[int, Terms] = {}
        self._moods: dict[int, Mood] = {}
        self._ends: Deadlines[int] = Deadlines()

    def take(self, lines: Mapping[int, Line], terms: Mapping[int, Terms], now: datetime) -> set[int]:
        """A reading. ``terms``: of each match that somebody looks at. Returns those that are heard, or not, differently now."""
        gone = self._moods.keys() - terms.keys()
        for match in gone:
            del self._moods[match]
            self._ends.set(match, None)
        self.now, self._terms = lines, terms
        return {match for match in terms if self._rate(match, now)}

    def due(self, now: datetime) -> set[int]:
        """Matches that have fallen silent."""
        return {match for match in self._ends.due(now) if self._rate(match, now)}

    def first(self) -> datetime | None:
        """When the next one does, unless it is heard before."""
        return self._ends.first()

    def _rate(self, match: int, now: datetime) -> bool:
        end = self._end(match)
        line = self.now.get(match)
        heard = end is not None and now < end and line is not None and line.state in ("", LIVE)
        before, mood = self._moods.get(match), (heard, "" if heard or line is None else line.words)
        self._moods[match] = mood
        self._ends.set(match, end if heard else None)
        return before != mood

    def _end(self, match: int) -> datetime | None:
        line = self.now.get(match)
        if line is None:
            return None
        terms = self._terms[match]
        if terms.data_seconds is None:
            return heard_until(line, terms.seconds)
        return held_until(line, terms.seconds, terms.data_seconds)
