"""What every process that serves runs beside its server: keeper, receiver and door of the pushed feeds, and the hub."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, get_resolver

from feeds import ingress
from feeds.answers import Answer, Head
from feeds.inbox import Keeper
from feeds.peers import networks
from feeds.receiver import Receiver
from markets import http
from markets.live import hub

from . import celery as _celery  # noqa: F401 - without it nudges would go to Celery's default broker
from . import memory

SWITCH_INTERVAL = 0.0005  # a thread that parses or reads must not hold the loop for Python's usual 5 ms at a time
BEAT_SECONDS = 0.25
DEAD_AFTER = 1.5  # a loop that has not turned for so long is not listening (promise A5)


class Runtime:
    """``start`` and ``stop`` once each; ``stop`` keeps what waits and writes what is noted."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()
        self._beating: asyncio.Task[None] | None = None
        self.keeper = Keeper()
        self.receiver = Receiver(self._loop_turns)
        self.door = ingress.Door(
            self.keeper, self.receiver, max_body=settings.DESK_MAX_BODY, trusted=networks(settings.DESK_TRUSTED_PROXIES)
        )

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin on ``loop``, whether it runs already or is about to."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        load_pages()
        memory.settle()
        loop.call_soon_threadsafe(self._begin_beating)
        self.keeper.start()
        self.receiver.start()
        ingress.open_door(self.door)
        hub.start(loop)

    def stop(self) -> None:
        """The loop may have ended already."""
        ingress.close_door()
        hub.stop()
        self.keeper.stop()
        self.receiver.stop()
        if self._beating is not None:
            self._beating.cancel()

    def oversize(self, head: Head | None) -> Answer:
        """A body over the server's own limit: the door answers for a message, everybody else is told in the one form of errors."""
        if head is not None and ingress.matches(head.path):
            return self.door.oversize(head)
        told = http.error(HttpRequest(), http.TooLarge(f"a body has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes"))
        headers = [*told.items(), ("Content-Length", str(len(told.content)))]
        return Answer(told.status_code, tuple((name.lower().encode(), value.encode()) for name, value in headers), told.content)

    def _begin_beating(self) -> None:
        self._beating = asyncio.ensure_future(self._beat())

    async def _beat(self) -> None:
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def _loop_turns(self) -> bool:
        return time.monotonic() - self._beat_at < DEAD_AFTER


def load_pages() -> None:
    """Django reads its routes, and with them half of the desk, at the first page otherwise, and their patterns as it looks for one: half a
    second on the loop, or in the first command of a process."""
    with contextlib.suppress(Resolver404):
        get_resolver().resolve("/-")
