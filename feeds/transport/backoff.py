"""How long to wait before the next attempt: longer each time, never the same for all."""

from __future__ import annotations

import random

from msgspec import Struct


class Backoff(Struct):
    """Delays that double from ``first`` to ``most`` seconds; chance takes up to half of each, so that many do not come back together."""

    first: float = 0.5
    most: float = 30.0
    attempts: int = 0

    def next(self) -> float:
        """Seconds to wait now; the one after is up to twice as long."""
        whole = min(self.most, self.first * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return jittered(whole)

    def reset(self) -> None:
        """The connection has proved itself: the next trouble is a first one again."""
        self.attempts = 0


def jittered(seconds: float) -> float:
    """Between half of ``seconds`` and all of it."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
