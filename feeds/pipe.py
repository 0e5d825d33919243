"""Between reading and keeping: packets that were announced and are not durable yet, in order, bounded."""

from __future__ import annotations

import asyncio
from collections import deque

from msgspec import Struct

from .keeping import Arrived
from .outgoing import Read

MOST = 256
MOST_BYTES = 4 * 1024 * 1024
BATCH = 32
BATCH_BYTES = 2 * 1024 * 1024


class Announced(Struct, frozen=True):
    """A packet on its way to the store."""

    frame: Arrived
    read: Read


class Pipe:
    """One reader puts, one keeper takes, on one event loop. A full pipe makes its reader wait, and so the provider."""

    def __init__(self) -> None:
        self._waiting: deque[Announced] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, one: Announced) -> None:
        """Always taken: what was read must be announced and kept. Wait for :meth:`room` before reading more."""
        self._waiting.append(one)
        self._bytes += len(one.frame.body)
        if len(self._waiting) >= MOST or self._bytes >= MOST_BYTES:
            self._room.clear()
        self._changed.set()

    @property
    def has_room(self) -> bool:
        return self._room.is_set()

    async def room(self) -> None:
        """Until there is room for another piece of the stream."""
        await self._room.wait()

    def close(self) -> None:
        """Nothing more is put; what waits can still be taken."""
        self._closed = True
        self._changed.set()

    async def take(self) -> list[Announced]:
        """The next ones in order; empty once closed and done."""
        while not self._waiting and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        return self._batch()

    def rest(self) -> list[Announced]:
        """All that nobody will take any more."""
        left, self._waiting = list(self._waiting), deque()
        self._bytes = 0
        self._room.set()
        return left

    def _batch(self) -> list[Announced]:
        taken: list[Announced] = []
        size = 0
        while self._waiting and len(taken) < BATCH and size < BATCH_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].frame.body)
        self._bytes -= size
        if len(self._waiting) < MOST and self._bytes < MOST_BYTES:
            self._room.set()
        return taken
