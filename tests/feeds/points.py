"""Packets of an umpire's feed for tests of the inbox: whole matches as the simulator writes them, and single ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from feeds import lanes, parking
from feeds.keeping import Arrived, Writer
from feeds.models import Feed, Frame
from feeds.playing.court import Happened
from feeds.playing.tennis import Chances, Match, plan
from feeds.sweep import waiting_lanes
from feeds.tennis.simulation.packets import Scribe
from markets import db
from markets.models import Binding, Fixture, Source, SourceLiveness

EVENT = "2026-0580-MS001"
BEGAN = datetime(2026, 11, 20, 9, tzinfo=UTC)


def feed(slug: str = "umpire", **settings: object) -> Source:
    """A tennis point feed that was heard just now."""
    source = Source.objects.create(slug=slug, provider="tennis", name=slug.title(), lease_seconds=15, created_at=db.now())
    SourceLiveness.objects.update_or_create(source=source, defaults={"heard_at": db.now(), "listening_at": db.now()})
    Feed.objects.create(source=source, settings=settings)
    return source


def match(seed: int = 1, most: int | None = None, chances: Chances = Chances()) -> list[bytes]:  # noqa: B008 - frozen
    """Packets 1, 2, 3 … of a match played by the rules, all of it or the first ``most``."""
    return [_bytes(said) for _, said in zip(range(most or 10_000), _told(seed, chances), strict=False)]


def _told(seed: int, chances: Chances) -> Iterator[dict[str, Any]]:
    played = Match(plan(Random(seed), 1), Random(seed), chances)
    scribe = Scribe(played, Random(seed))
    at = BEGAN
    for number, happening in enumerate(played.happenings(), 1):
        at += timedelta(seconds=happening.wait)
        yield scribe.packet(Happened(at, happening)) | {"seqNum": number}


def _bytes(said: dict[str, Any]) -> bytes:
    return msgspec.json.encode(said)


def changed(body: bytes, **fields: object) -> bytes:
    """The same packet with other fields; ``None`` leaves one out."""
    said = msgspec.json.decode(body) | fields
    return _bytes({name: value for name, value in said.items() if value is not None})


def not_started(court: int) -> bytes:
    """The placeholder before a match, with what is known of it."""
    status = {"courtNum": court, "matchState": {"state": "NotStarted"}}
    return _bytes(
        {"seqNum": 0, "eventElementType": "MatchStatusUpdate", "timestamp": "1970-01-01T00:00:00.000Z", "matchStatus": status}
    )  # fmt: skip


def alarm(number: int = 1, at: datetime = BEGAN) -> bytes:
    """``number`` counts alarms."""
    return _bytes({"timestamp": at.isoformat(), "lastReceivedTimestamp": at.isoformat(), "eventElementType": "Alarm", "seqNum": number})


def live_event(event: str = EVENT, a: str = "S0AK", b: str = "R09X") -> bytes:
    """An object of the list of live events, ids padded as in the samples."""

    def team(player: str, last: str) -> dict[str, Any]:
        named = {"id": player.ljust(6), "firstName": "Ann", "lastName": last, "country": "GER"}
        return {"status": "KnownTennisTeam", "team": {"player1": named, "entryType": "Unknown", "seed": 0}}

    start = {"status": "NotBefore", "time": "2026-11-20T09:00:00.000Z"}
    return _bytes({"startTime": start, "teamA": team(a, "Squire"), "teamB": team(b, "Rodionov"), "eventId": event})


def arrived(source: Source, body: bytes, event: str = EVENT) -> Arrived:
    return Arrived(source.pk, datetime.now(UTC), "application/json", "127.0.0.1", body, event)


def keep(source: Source, *bodies: bytes, event: str = EVENT) -> list[int]:
    """Keep them in one transaction, on this thread's connection, as the keeper's thread would."""
    return Writer().write([arrived(source, body, event) for body in bodies])[0]


def send(source: Source, *bodies: bytes, event: str = EVENT) -> list[Frame]:
    """Keep, drain, and give the rows."""
    ids = keep(source, *bodies, event=event)
    drain()
    return [Frame.objects.get(pk=id_) for id_ in ids]


def drain() -> None:
    """Every lane until none has work, as the sweep would."""
    while waiting := waiting_lanes():
        for lane in waiting:
            lanes.drain(lane)


def wait(*ids: int, seconds: float = parking.GAP_SECONDS) -> None:
    """As if these had been kept so much earlier."""
    for row in Frame.objects.filter(pk__in=ids):
        Frame.objects.filter(pk=row.pk).update(kept_at=row.kept_at - timedelta(seconds=seconds))


def sweep() -> int:
    """What the sweep does once a second: give up the gaps that are overdue. How many frames that applied."""
    return sum(lanes.give_up(late) for late in parking.overdue(db.now()))


def fixture(source: Source, event: str = EVENT) -> Fixture:
    return Fixture.objects.get(source=source, ref=event)


def bind(bound: Fixture, points: Fixture, a: str = "S0AK", b: str = "R09X") -> Binding:
    """As a person would have bound them."""
    return Binding.objects.create(
        fixture=bound, points=points, home_refs=[bound.home_ref], away_refs=[bound.away_ref], team_a_refs=[a], team_b_refs=[b],
        team_a_home=True, bound_at=db.now(), by="Tess",
    )  # fmt: skip
