"""A runner on an Odds360 feed of the simulator, with durations short enough for tests."""

from __future__ import annotations

from typing import Any

from feeds import clerk, lists, registration, registry
from feeds.lanes import drain
from feeds.models import Frame
from feeds.odds360.simulator import Odds360Simulator
from feeds.sweep import waiting_lanes
from markets.models import Fixture, Gap, PointLiveness
from markets.services import actor
from tests.feeds.tennis.following import ask, running, until

__all__ = ["TOKEN", "add", "ask", "frames", "gaps", "line", "lives", "play", "read_lists", "running", "shown", "until", "work"]

TOKEN = "a-key-that-opens-doors"
PACE = {"discovery": 0.4, "connect": 2.0, "hole": 3.0, "first_wait": 0.05, "longest_wait": 0.4, "refused_wait": 0.5, "hopeless_wait": 0.5}
HABITS = {
    "ping": 0.5,
    "push_lease": 3.0,
    "poll": 0.5,
    "live_reread": 2.0,
    "upcoming_reread": 2.0,
    "better_after": 1.0,
    "better_longest": 2.0,
    "refused_wait": 0.5,
    "absent_wait": 0.5,
    "proven": 1.0,
}


def play(**options: Any) -> Odds360Simulator:
    """Two live matches and one to come, that are played as fast as life."""
    return Odds360Simulator(**{"token": TOKEN, "matches": 2, "upcoming": 1, "seed": 7, **options})


def add(provider: Odds360Simulator, slug: str = "tables", token: str = TOKEN, **settings: Any) -> int:
    """Store a feed of it, as the command does; its source id."""
    said: dict[str, Any] = {
        "host": f"127.0.0.1:{provider.port}",
        "bookmaker": provider.bookmaker,
        "request_seconds": 2.0,
        **settings,
        "pace": {**PACE, **settings.get("pace", {})},
        "habits": {**HABITS, **settings.get("habits", {})},
        "intervals": {"verify": 600.0, **settings.get("intervals", {})},
        "rates": {"lists": 50.0, **settings.get("rates", {})},
    }
    new = registration.NewOutgoing("odds360", slug, {k: v for k, v in said.items() if v != ""}, token=token)
    return registration.add_outgoing(actor.of_command(), new)


def lives(road: str = "") -> list[PointLiveness]:
    """The matches whose connection is live; of one kind of road."""
    rows = PointLiveness.objects.filter(state="live").exclude(ref="discovery")
    return list(rows.filter(road=road) if road else rows)


def line(ref: str) -> PointLiveness | None:
    return PointLiveness.objects.filter(ref=ref).first()


def shown(ref: str) -> PointLiveness:
    return PointLiveness.objects.get(ref=ref)


def read_lists() -> None:
    """All slow lists that are due, as the worker's thread reads them."""
    for wanted in clerk.wanted(tuple(registry.LISTS)):
        lists.read_feed(wanted)


def frames(stream: str) -> list[bytes]:
    """What is kept of a kind, or of a kind and match, in order."""
    return [bytes(body) for body in Frame.objects.filter(stream__startswith=stream).order_by("id").values_list("body", flat=True)]


def gaps(ref: str) -> list[str]:
    fixtures = Fixture.objects.filter(ref=ref)
    return list(Gap.objects.filter(fixture__in=fixtures).order_by("id").values_list("cause", flat=True))


def work() -> None:
    """What the worker does: give every frame that waits its outcome."""
    for lane in waiting_lanes():
        drain(lane)
