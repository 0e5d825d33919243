"""How often a key may ask: so many requests in a second, all web processes counted together.

A window begins with its first request and lasts one second. Embedded, it is counted in this one process; scaled, by Redis, which counts
for all of them. Redis may be down or hang (promise F4): each process then counts by itself, and asks again a little later.
"""

from __future__ import annotations

import logging
import threading
import time

import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
WINDOW = 1.0
ANSWER_WITHIN = 0.1
"""Seconds that a request waits for Redis at most."""
REST_SECONDS = 5.0
"""How long Redis is not asked after it did not answer."""
MOST_KEYS = 10_000


def wait_for(key: str, limit: int) -> int:
    """Count one request of ``key``; 0: it is within ``limit`` a second, else the seconds to wait."""
    return 0 if _counted(key) <= limit else int(WINDOW)


class Here:
    """The counts of this process."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def count(self, key: str) -> int:
        now = time.monotonic()
        with self._lock:
            since, count = self._windows.get(key, (now, 0))
            if now - since >= WINDOW:
                since, count = now, 0
            if len(self._windows) >= MOST_KEYS:
                self._forget(now)
            self._windows[key] = (since, count + 1)
            return count + 1

    def _forget(self, now: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if now - window[0] < WINDOW}


class Together:
    """The counts of all web processes, kept by Redis; ``None`` while it does not answer."""

    def __init__(self, url: str, name: str) -> None:
        retry: Retry = Retry(NoBackoff(), 0)
        self._redis = redis.Redis.from_url(url, socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN, retry=retry)
        self._name = name
        self._resting_until = 0.0

    def count(self, key: str) -> int | None:
        if time.monotonic() < self._resting_until:
            return None
        try:
            return self._ask(f"desk-rate:{self._name}:{key}")
        except (redis.RedisError, OSError) as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            log.warning("Redis counts no requests (%s): each web process counts its own", type(error).__name__)
            return None

    def _ask(self, name: str) -> int:
        """The window ends by itself: INCR keeps the time that SET gave it."""
        asking = self._redis.pipeline(transaction=True)
        asking.set(name, 0, nx=True, px=int(WINDOW * 1000))
        asking.incr(name)
        return int(asking.execute()[1])


_here = Here()
_together: Together | None = None
_making = threading.Lock()


def _counted(key: str) -> int:
    together = _shared()
    count = together.count(key) if together else None
    return _here.count(key) if count is None else count


def _shared() -> Together | None:
    global _together  # noqa: PLW0603 -- one connection pool a process, made when first needed
    if not settings.REDIS_URL:
        return None
    with _making:
        if _together is None:
            _together = Together(settings.REDIS_URL, str(connection.settings_dict["NAME"]))  # a Redis may serve several desks
        return _together
