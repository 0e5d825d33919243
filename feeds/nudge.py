"""Nudges: "these lanes have work", by Celery, from a thread of their own (docs/architecture.md 3).

They carry no data and may all be lost: the sweep finds the same work in the table 250 ms later. Whoever asks for one never waits.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

REST_SECONDS = 5.0
"""How long no nudge is tried after one failed or took over a second."""
MARK_SECONDS = 10
_SLOW_SECONDS = 1.0
_BREATH_SECONDS = 0.010
"""Between two rounds, so that under load one nudge speaks for many frames. The first after a silence leaves at once."""


TOGETHER = 16
"""Lanes that one nudge speaks of at most; what waits in them is applied together."""


class Marks(Protocol):
    """One mark a lane: set while a nudge waits to be worked on, so that there is never a second one."""

    def set(self, lanes: Sequence[int]) -> list[int]:
        """Those that had none."""
        ...

    def clear(self, lanes: Sequence[int]) -> None: ...


class ProcessMarks:
    """Embedded: worker and receiver share the process."""

    def __init__(self) -> None:
        self._set: set[int] = set()
        self._lock = threading.Lock()

    def set(self, lanes: Sequence[int]) -> list[int]:
        with self._lock:
            fresh = [lane for lane in lanes if lane not in self._set]
            self._set.update(fresh)
            return fresh

    def clear(self, lanes: Sequence[int]) -> None:
        with self._lock:
            self._set.difference_update(lanes)


class RedisMarks:
    """Scaled: they only thin out nudges, so they run out by themselves and losing them costs nothing."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))

    def set(self, lanes: Sequence[int]) -> list[int]:
        asking = self._redis.pipeline(transaction=False)
        for lane in lanes:
            asking.set(_key(lane), 1, nx=True, ex=MARK_SECONDS)
        return [lane for lane, made in zip(lanes, asking.execute(), strict=True) if made]

    def clear(self, lanes: Sequence[int]) -> None:
        try:
            self._redis.delete(*map(_key, lanes))
        except redis.RedisError:
            logger.debug("marks of lanes %s not cleared; they run out within %d s", lanes, MARK_SECONDS)


def _key(lane: int) -> str:
    return f"desk:nudge:{lane}"


class Nudger:
    """A thread that sends the nudges; the lanes that wait are a set, so a hung broker costs 65 numbers and one thread."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._lanes: set[int] = set()
        self._wake = threading.Condition()
        self._resting_until = 0.0
        self._pid = os.getpid()
        threading.Thread(target=self._run, name="nudger", daemon=True).start()

    @property
    def alive(self) -> bool:
        """False in a forked child, which has no thread."""
        return self._pid == os.getpid()

    def nudge(self, lanes: Iterable[int]) -> None:
        with self._wake:
            self._lanes.update(lanes)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._lanes:
                    self._wake.wait()
                lanes, self._lanes = sorted(self._lanes), set()
            for start in range(0, len(lanes), TOGETHER):
                self._send(lanes[start : start + TOGETHER])
            time.sleep(_BREATH_SECONDS)

    def _send(self, lanes: Sequence[int]) -> None:
        started = time.monotonic()
        if started < self._resting_until:
            return
        try:
            self._enqueue(lanes)
        except Exception as error:  # whatever the broker's client raises, the sweep does the work
            self._rest(f"{type(error).__name__}")
        if time.monotonic() - started > _SLOW_SECONDS:
            self._rest("slow")

    def _enqueue(self, lanes: Sequence[int]) -> None:
        from .tasks import drain

        fresh = self._marks.set(lanes)
        if not fresh:
            return
        try:
            drain.apply_async(tuple(fresh), retry=False, expires=MARK_SECONDS, ignore_result=True)
        except BaseException:
            self._marks.clear(fresh)
            raise

    def _rest(self, why: str) -> None:
        if time.monotonic() >= self._resting_until:
            logger.warning("no nudges for %.0f s (%s); the sweep does the work", REST_SECONDS, why)
        self._resting_until = time.monotonic() + REST_SECONDS


def _marks() -> Marks:
    return RedisMarks(settings.REDIS_URL) if settings.DESK_SCALED else ProcessMarks()


_lock = threading.Lock()
_marks_here: Marks | None = None
_nudger: Nudger | None = None


def marks() -> Marks:
    """This process's marks."""
    global _marks_here  # noqa: PLW0603
    with _lock:
        _marks_here = _marks_here or _marks()
        return _marks_here


def nudge(lanes: Iterable[int]) -> None:
    """Say that these lanes have work; returns at once."""
    global _nudger  # noqa: PLW0603
    here = marks()
    with _lock:
        if _nudger is None or not _nudger.alive:
            _nudger = Nudger(here)
    _nudger.nudge(lanes)
