"""How often one host may be asked, and how much one connection may say.

A bucket that fills evenly, first come first served, which stays shut for as long as the host says.
"""

from __future__ import annotations

import asyncio
import time

from .address import host_of


class Shut:
    """Until when a host wants to hear nothing, in monotonic seconds; the longest word counts."""

    def __init__(self) -> None:
        self.until = 0.0

    def pause(self, seconds: float) -> None:
        self.until = max(self.until, time.monotonic() + seconds)


class Limiter:
    """``await turn()`` before each request; ``pause(seconds)`` when the host has enough of them (429). For one event loop."""

    def __init__(self, per_second: float, burst: int, shut: Shut | None = None) -> None:
        self._per_second = per_second
        self._burst = max(1, burst)
        self._tokens = float(self._burst)
        self._filled_at = time.monotonic()
        self._shut = shut or Shut()
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Returns when one more request may be sent; whoever came first goes first."""
        async with self._line:
            while (wait := self._wait(time.monotonic())) > 0:  # noqa: ASYNC110 - it is time that must pass
                await asyncio.sleep(wait)
            self._tokens -= 1

    def pause(self, seconds: float) -> None:
        """Nobody is let through for so long."""
        self._shut.pause(seconds)

    def paused(self) -> float:
        """Seconds until anybody is let through again, 0 when somebody is now."""
        return max(0.0, self._shut.until - time.monotonic())

    def _wait(self, now: float) -> float:
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if now < self._shut.until:
            return self._shut.until - now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._per_second


class Limits:
    """One limiter for each host, made as they are asked."""

    def __init__(self, per_second: float, burst: int, shuts: dict[str, Shut] | None = None) -> None:
        self._made = (per_second, burst)
        self._shuts: dict[str, Shut] = {} if shuts is None else shuts
        self._hosts: dict[str, Limiter] = {}

    def of(self, url: str) -> Limiter:
        """The limiter of the host that ``url`` is on."""
        host = host_of(url)
        if host not in self._hosts:
            self._hosts[host] = Limiter(*self._made, self._shuts.setdefault(host, Shut()))
        return self._hosts[host]

    def beside(self, per_second: float, burst: int) -> Limits:
        """Other rates for the same hosts: who pauses one pauses both."""
        return Limits(per_second, burst, self._shuts)


class Allowance:
    """How many messages one connection may send: ``burst`` at once, ``per_second`` for ever. Seconds are monotonic."""

    def __init__(self, burst: int, per_second: float, now: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left = float(burst)
        self._at = now

    def take(self, count: int, now: float) -> bool:
        """Whether ``count`` more are within it."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        self._left -= count
        return self._left >= 0
