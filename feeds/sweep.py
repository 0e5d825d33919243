"""The sweep: every 250 ms, whatever became of the nudges, lanes with work are drained (promises B5, F4).

Once a second it gives up the gaps of streams that were not filled in time (decision T2).
"""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings
from django.db import connection as database

from markets import db
from markets.services import clock

from . import connection, lanes, nudge, parking, retention, tasks
from .models import Frame

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.25
HOUSEKEEPING_SECONDS = 3600.0
GAPS_SECONDS = 1.0
LISTS_SECONDS = 15.0
_CLOCK_KEY = 0x6465736B  # "desk": of several workers one at a time looks at the clock


class Sweeper:
    """A thread of the worker process with a connection of its own. It needs the database and nothing else.

    Embedded, where no beat runs, it also starts the reading of lists and, once an hour, the housekeeping; scaled, that once at its start.
    ``patience``: seconds after the start in which no gap is given up, so that readers that start too can fill what a stop has left.
    """

    def __init__(self, interval: float = INTERVAL_SECONDS, patience: float = parking.GAP_SECONDS) -> None:
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._house_due = time.monotonic()
        self._lists_due = time.monotonic()
        self._gaps_due = time.monotonic() + patience

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the lanes at hand; waits at most 5 s."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        connection.own(redone=True)
        try:
            while not self._stop.is_set():
                self._tick()
                self._stop.wait(self._interval)
        finally:
            connection.release()

    def _tick(self) -> None:
        for step in (self._drain, self._give_up_gaps, self._look_at_the_clock, self._keep_house, self._read_lists):
            try:
                step()
            except Exception as error:  # the sweep outlives everything: it is what all else falls back on
                log = logger.warning if connection.passes(error) else logger.exception
                log("sweep: %s: %s", type(error).__name__, error)
                connection.release()

    def _drain(self) -> None:
        waiting = waiting_lanes()
        for start in range(0, len(waiting), nudge.TOGETHER):
            if self._stop.is_set():
                return
            lanes.drain(*waiting[start : start + nudge.TOGETHER])

    def _give_up_gaps(self) -> None:
        if time.monotonic() < self._gaps_due:
            return
        self._gaps_due = time.monotonic() + GAPS_SECONDS
        for late in parking.overdue(db.now()):
            if self._stop.is_set():
                return
            lanes.give_up(late)

    def _look_at_the_clock(self) -> None:
        if database.vendor != "postgresql":
            clock.sweep()
            return
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_CLOCK_KEY])
            if not cursor.fetchone()[0]:
                return
            try:
                clock.sweep()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_CLOCK_KEY])

    def _keep_house(self) -> None:
        if time.monotonic() < self._house_due:
            return
        self._house_due = float("inf") if settings.DESK_SCALED else time.monotonic() + HOUSEKEEPING_SECONDS
        retention.start(self._stop)

    def _read_lists(self) -> None:
        """What beat has the worker of a scaled desk do."""
        if settings.DESK_SCALED or time.monotonic() < self._lists_due:
            return
        self._lists_due = time.monotonic() + LISTS_SECONDS
        tasks.read_lists()


def waiting_lanes() -> list[int]:
    """Lanes with frames to apply."""
    return list(Frame.objects.filter(outcome__isnull=True, parked=False).order_by("lane").values_list("lane", flat=True).distinct())
