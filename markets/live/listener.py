"""Hears NOTIFY on a connection of its own (PostgreSQL only): the doorbell, and what was kept of point feeds.

What it misses of the doorbell, the hub's one-second tick heals; fences are in doubt until they are read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
from django.db import connections

from markets.services import doorbell

from . import fencewords
from .ears import Ears
from .fencebook import FenceBook

log = logging.getLogger(__name__)
ROAD = "notify"
PARAMETERS = ("dbname", "user", "password", "host", "port", "connect_timeout", "sslmode", "sslrootcert")


class Listener(Ears):
    """Calls ``ring`` with the topics of every notification; after each (re)connection with everything. Tells ``fences`` what was kept,
    and whether it can hear."""

    def __init__(self, ring: Callable[[frozenset[str]], None], fences: FenceBook) -> None:
        super().__init__("hub-listener", self._run)
        self._ring = ring
        self._fences = fences

    def _run(self) -> None:
        delay = 0.1
        while not self.ended.is_set():
            try:
                self._listen()
                delay = 0.1
            except (psycopg.Error, OSError) as error:
                self._fences.fell(ROAD)
                log.warning("the doorbell's connection is lost, again in %.1f s: %s", delay, type(error).__name__)
                self.ended.wait(delay)
                delay = min(delay * 2, 2.0)

    def _listen(self) -> None:
        with psycopg.connect(**_parameters(), autocommit=True) as connection:
            connection.execute(f"LISTEN {doorbell.CHANNEL}")
            connection.execute(f"LISTEN {fencewords.CHANNEL}")
            self._fences.stands(ROAD)
            self._ring(frozenset({doorbell.EVERYTHING}))
            while not self.ended.is_set():
                for notification in connection.notifies(timeout=0.5):
                    self._hear(notification)

    def _hear(self, notification: psycopg.Notify) -> None:
        if notification.channel == doorbell.CHANNEL:
            self._ring(doorbell.topics_of(notification.payload))
            return
        try:
            self._fences.notice(fencewords.frames_of(notification.payload))
        except msgspec.MsgspecError:
            log.warning("a payload on %s that nobody understands: fences are in doubt", fencewords.CHANNEL)
            self._fences.stands(ROAD)


def _parameters() -> dict[str, Any]:
    known = connections["default"].get_connection_params()
    return {name: known[name] for name in PARAMETERS if name in known}
