"""A runner on a feed of a scripted provider, with durations short enough for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from django.db import connections

from feeds import registration
from feeds.inbox import Keeper
from feeds.models import Frame
from feeds.runner import Runner
from markets.models import Gap, PointLiveness, Source
from markets.services import actor
from tests.feeds.tennis.provider import TOKEN

T = TypeVar("T")
QUICK = {
    "discovery": 0.3,
    "silence": 2.0,
    "connect": 2.0,
    "first_wait": 0.05,
    "longest_wait": 0.4,
    "refused_wait": 0.5,
    "hopeless_wait": 0.5,
    "waiting_wait": 0.2,
}
HABITS = {"settle_seconds": 0.2, "gap_seconds": 1.0}


def add(host: str, slug: str = "umpires", token: str = TOKEN, **pace: float) -> int:
    """Store a feed, as the command does; its source id."""
    settings: dict[str, Any] = {"host": host, "pace": {**QUICK, **pace}, "habits": HABITS}
    return registration.add_outgoing(actor.of_command(), registration.NewOutgoing("tennis", slug, settings, token=token))


async def ask(question: Callable[[], T]) -> T:
    """The database, from a thread whose connection is closed again."""

    def put() -> T:
        try:
            return question()
        finally:
            connections.close_all()

    return await asyncio.to_thread(put)


@asynccontextmanager
async def running() -> AsyncIterator[Runner]:
    """A keeper and a runner on this loop."""
    keeper = Keeper()
    keeper.start()
    runner = Runner(keeper)
    task = asyncio.ensure_future(runner.run())
    try:
        yield runner
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(keeper.stop)


async def until(question: Callable[[], Any], seconds: float = 8.0) -> Any:
    """The first true answer of the database; fails with the last one."""
    deadline = time.monotonic() + seconds
    while not (answer := await ask(question)):
        assert time.monotonic() < deadline, (answer, await ask(lines))
        await asyncio.sleep(0.05)
    return answer


def lines() -> list[tuple[Any, ...]]:
    return list(PointLiveness.objects.order_by("ref").values_list("ref", "state", "words", "last_seq", "gaps", "reconnects"))


def shown(ref: str) -> PointLiveness:
    return PointLiveness.objects.get(ref=ref)


def line(ref: str) -> PointLiveness | None:
    return PointLiveness.objects.filter(ref=ref).first()


def state(ref: str) -> str:
    found = line(ref)
    return found.state if found else ""


def words(ref: str) -> str:
    found = line(ref)
    return found.words if found else ""


def bodies(ref: str) -> list[bytes]:
    """What is kept of a match's stream, in order, live events left out."""
    rows = Frame.objects.filter(stream=ref).exclude(content_type__contains="liveevent").order_by("id")
    return [bytes(body) for body in rows.values_list("body", flat=True)]


def seqs(ref: str) -> list[int | None]:
    """Numbers of what is kept, in order, as the first bytes say them."""
    rows = Frame.objects.filter(stream=ref).exclude(content_type__contains="liveevent").order_by("id")
    return list(rows.values_list("hint_seq", flat=True))


def gap_causes(slug: str = "umpires") -> list[str]:
    return list(Gap.objects.filter(source=Source.objects.get(slug=slug)).order_by("id").values_list("cause", flat=True))
