"""The provider's events: each match with its id, its players' ids, its place among the live events, and its stream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from feeds.playing.court import Court, Happened, now

from .faults import Fault
from .packets import Listed, Scribe, moment
from .stream import Pace, Stream, Withdrawn

LINGER = timedelta(seconds=120)
"""How long an event that ended stays among the live ones."""
MOST_KEPT = 1000
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX, _SUFFIX = "/tennis/events/", "/stream"


class Event:
    """``id``: ``YYYY-CCCC-DDNNN`` (feeds.md 1.1)."""

    def __init__(self, id: str, court: Court, scribe: Scribe, stream: Stream) -> None:
        self.id, self.court, self.scribe, self.stream = id, court, scribe, stream
        self.ended_at: datetime | None = None
        for happened in court.history:
            stream.past(scribe.packet(happened))
        court.listen(self._happened)

    def _happened(self, happened: Happened) -> None:
        self.stream.say(self.scribe.packet(happened))
        if self.court.over:
            self.ended_at = now()

    @property
    def listed(self) -> bool:
        return self.ended_at is None or now() - self.ended_at < LINGER

    def live_event(self) -> dict[str, Any]:
        """As the REST lists it."""
        return {
            "startTime": {"status": "NotBefore", "time": moment(self.court.start)},
            "teamA": _team(self.scribe.team_a),
            "teamB": _team(self.scribe.team_b),
            "eventId": self.id,
        }


class Events:
    """All events, by id; each court that opens becomes one. ``base`` makes ids unlike those of another start."""

    def __init__(self, base: int, pace: Pace, draw: Callable[[], Fault | None], restart: Callable[[], None]) -> None:
        self._base = base
        self._stream = partial(Stream, pace, draw, restart)
        self._withdrawn_stream = partial(Withdrawn, pace, draw, restart)
        self._events: dict[str, Event] = {}
        self._withdrawn: dict[str, Stream] = {}

    def withdraw(self, id: str) -> None:
        """An event of an earlier run is over; it is in no list."""
        self._withdrawn[id] = self._withdrawn_stream()

    def add(self, court: Court) -> None:
        plan = court.match.plan
        ids = Random(f"{self._base}/players/{plan.number}")  # noqa: S311 - a game, not a secret
        id_ = f"{court.start.year}-{self._competition(plan.tournament)}-{plan.draw}{plan.number % 1000:03d}"
        self._events[id_] = Event(id_, court, Scribe(court.match, ids), self._stream())
        self._forget()

    def _competition(self, tournament: int) -> str:
        """Two a start; four signs hold the seconds of 9 days before they come again."""
        number = (self._base * 2 + tournament) % len(_DIGITS) ** 4
        return "".join(_DIGITS[number // len(_DIGITS) ** place % len(_DIGITS)] for place in (3, 2, 1, 0))

    def _forget(self) -> None:
        old = [event.id for event in self._events.values() if not event.listed]
        for id_ in old[: max(0, len(self._events) - MOST_KEPT)]:
            self._events.pop(id_).stream.close()

    def of(self, court: Court) -> Event:
        """Raises ``StopIteration`` for a court of others."""
        return next(event for event in self._events.values() if event.court is court)

    def streams(self) -> list[Stream]:
        return [*(event.stream for event in self._events.values()), *self._withdrawn.values()]

    def stream(self, id: str) -> Stream | None:
        event = self._events.get(id)
        return event.stream if event else self._withdrawn.get(id)

    def at(self, path: str) -> Stream | None:
        """By its path."""
        if not (path.startswith(_PREFIX) and path.endswith(_SUFFIX)):
            return None
        return self.stream(path[len(_PREFIX) : -len(_SUFFIX)])

    def live(self) -> list[dict[str, Any]]:
        return [event.live_event() for event in self._events.values() if event.listed]

    def close(self) -> None:
        for stream in self.streams():
            stream.close()


def _team(players: tuple[Listed, ...]) -> dict[str, Any]:
    team: dict[str, Any] = {f"player{n}": _player(one) for n, one in enumerate(players, 1)}
    return {"status": "KnownTennisTeam", "team": team | {"entryType": "DirectAcceptance", "seed": None}}


def _player(one: Listed) -> dict[str, str]:
    return {"id": one.padded, "firstName": one.person.first, "lastName": one.person.last, "country": one.person.country}
