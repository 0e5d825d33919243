"""What every simulator of a provider is: something that runs until it is told to stop, and plays the same again by its seed."""

from __future__ import annotations

import asyncio
import socket
import time
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

EPOCH = 1_577_836_800  # 2020: keeps ids short
NAP = 0.25


def base_of(seed: int | None) -> int:
    """What the ids and lives of a run begin with: the seed, or the time, so that runs differ."""
    return seed if seed is not None else int(time.time()) - EPOCH


@dataclass(kw_only=True)
class Provider(ABC):
    """A provider that is asked: the dials that all of them have.

    ``seed``: the same matches again. ``speed``: seconds of a match for each of ours. ``matches`` in play at any time. ``sock`` or ``host``
    and ``port`` (0: any) say where to listen; ``port`` is the real one while it is served. ``run`` ends after ``duration`` seconds, on
    ``stop()`` or when cancelled.
    """

    token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    sock: socket.socket | None = None
    matches: int = 4
    speed: float = 1.0
    seed: int | None = None
    duration: float | None = None
    _stopped: bool = field(default=False, init=False, repr=False)

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        self._stopped = True

    async def run(self) -> None:
        """Serve until told to stop."""
        async with self.serving():
            ends = None if self.duration is None else time.monotonic() + self.duration
            # a poll, because ``stop`` may come from another thread
            while not self._stopped and (ends is None or time.monotonic() < ends):  # noqa: ASYNC110
                await asyncio.sleep(NAP)

    @abstractmethod
    def serving(self) -> AbstractAsyncContextManager[None]:
        """Listen within."""

    @property
    def _where(self) -> dict[str, Any]:
        """To listen at."""
        return {"host": self.host, "port": self.port} if self.sock is None else {"sock": self.sock}
