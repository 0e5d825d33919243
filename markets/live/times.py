"""Database time between two readings, and the deadlines at which something closes or opens by itself."""

from __future__ import annotations

import heapq
import time
from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import Generic, TypeVar

import msgspec

from markets.domain import fences
from markets.domain.rules import BACKLOG_LIMIT, FeedHealth
from markets.selectors.fixture import FixtureSnapshot
from markets.selectors.offer import Offer
from markets.selectors.terms import FixtureTerms

JUMP = timedelta(milliseconds=500)
Key = TypeVar("Key", bound=Hashable)


class StoreClock:
    """Database time, carried on by the monotonic clock so that a wall clock that jumps moves nothing."""

    def __init__(self) -> None:
        self._base: tuple[datetime, float] | None = None

    def set(self, now: datetime, at: float) -> bool:
        """A reading: database time ``now`` at ``time.monotonic()`` ``at``. False when it jumped by over 500 ms: believe nothing yet."""
        steady = self._base is None or abs(now - self._at(at)) <= JUMP
        self._base = (now, at)
        return steady

    def now(self) -> datetime:
        """Before the first reading the process's own clock."""
        return self._at(time.monotonic()) if self._base else datetime.now(UTC)

    def _at(self, at: float) -> datetime:
        assert self._base is not None
        now, base = self._base
        return now + timedelta(seconds=at - base)


class Deadlines(Generic[Key]):
    """The next deadline of each key, earliest first."""

    def __init__(self) -> None:
        self._next: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, int, Key]] = []
        self._count = count()

    def set(self, key: Key, at: datetime | None) -> None:
        """Replaces the key's deadline; ``None`` forgets it."""
        if at is None:
            self._next.pop(key, None)
        elif self._next.get(key) != at:
            self._next[key] = at
            heapq.heappush(self._heap, (at, next(self._count), key))

    def first(self) -> datetime | None:
        """The earliest deadline of all."""
        while self._heap and self._next.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> Iterator[Key]:
        """Takes out every key whose deadline has come."""
        while (at := self.first()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            del self._next[key]
            yield key


def next_change(snapshot: FixtureSnapshot, terms: FixtureTerms, now: datetime) -> datetime | None:
    """When, after ``now``, time alone next changes what is offered of a fixture: an override, a hold or an expiry ends."""
    ends = chain(
        (o.ends_at for o in terms.terms.overrides.values()),
        (h.ends_at for h in terms.holds),
        (row.facts.market.expiry for row in snapshot.markets if not row.facts.market.in_play),
    )
    return _first_after(ends, now)


def next_feed_change(health: FeedHealth, now: datetime) -> datetime | None:
    """When, after ``now``, a feed lapses, counts as slow, or has proved itself (A3, A4)."""
    slow = health.slow_until + timedelta(milliseconds=1) if health.slow_until else None
    pending = health.oldest_pending_at + BACKLOG_LIMIT if health.oldest_pending_at else None
    return _first_after((lease_end(health), pending, slow), now)


def lease_end(health: FeedHealth) -> datetime | None:
    """When the feed's markets close unless it is heard again."""
    return health.heard_at + timedelta(seconds=health.lease_seconds) if health.heard_at else None


def feed_mood(health: FeedHealth, now: datetime) -> tuple[object, ...]:
    """What of a feed's health matters to the gate at ``now``: a heartbeat that only renews a held lease changes nothing here."""
    end = lease_end(health)
    pending = health.oldest_pending_at
    return (
        end is not None and now < end,
        pending is not None and now - pending >= BACKLOG_LIMIT,
        health.slow_until is not None and now <= health.slow_until,
        health.gaps,
        (health.enabled, health.coverage_expected, health.simulated, health.backlog_known, health.each_match),
        (health.lease_seconds, health.live_data_seconds, health.upcoming_data_seconds),
    )


def next_reopening(offer: Offer) -> datetime | None:
    """When time alone re-opens a market after a point (A2); leases of the point feed and of its matches are kept apart, once for all."""
    fence = msgspec.structs.replace(offer.around.fence, until=None)
    return fences.next_change(fence, (row.facts.market for row in offer.snapshot.markets), offer.now)


def earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _first_after(times: Iterable[datetime | None], now: datetime) -> datetime | None:
    return min((t for t in times if t is not None and t > now), default=None)
