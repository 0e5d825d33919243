"""Guessing a feed's secret is slow (promise E6): who was refused too often is refused unheard for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

BURST = 20.0
A_SECOND = 2.0
REMEMBERED = 4096


class Refusals:
    """A bucket of tries for each (address, slug); the oldest are forgotten, so memory is bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def exhausted(self, key: tuple[str, str]) -> bool:
        """Whether this address must wait before its secret is looked at again."""
        return key in self._buckets and self._left(key) < 1

    def count(self, key: tuple[str, str]) -> None:
        """One refusal more."""
        self._buckets[key] = (self._left(key) - 1, self._clock())
        self._buckets.move_to_end(key)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)

    def _left(self, key: tuple[str, str]) -> float:
        left, at = self._buckets.get(key, (BURST, self._clock()))
        return min(BURST, left + (self._clock() - at) * A_SECOND)
