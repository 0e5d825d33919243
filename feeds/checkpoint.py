"""SQLite's checkpoints, by a thread of their own: left to chance they cost an acknowledgement 5 to 20 ms.

Connections of :mod:`feeds.connection` leave them to this thread.
"""

from __future__ import annotations

import logging
import threading

from django.db import connection as database

from . import connection

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5
MOST_PAGES = 16_384
"""Of 4 KB in the log; beyond it the writers wait once, while the rest is copied and the log begins anew."""


class Checkpointer:
    """Does nothing on PostgreSQL. ``start()`` and ``stop()`` once."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)

    def start(self) -> None:
        if database.vendor == "sqlite":
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _run(self) -> None:
        connection.own()
        try:
            with database.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 50")
            while not self._stop.wait(INTERVAL_SECONDS):
                self._look()
        finally:
            connection.release()

    def _look(self) -> None:
        try:
            if _pages("PASSIVE") > MOST_PAGES:
                _pages("TRUNCATE")
        except Exception as error:  # the next look is half a second away
            logger.warning("checkpoint: %s: %s", type(error).__name__, error)


def _pages(kind: str) -> int:
    """Pages in the log as the checkpoint found them."""
    with database.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_checkpoint({kind})")
        return int(cursor.fetchone()[1])
