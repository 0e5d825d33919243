"""A connection to PostgreSQL whose user may run out of patience (:mod:`markets.patience`)."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from markets import patience

RV = TypeVar("RV")
LOOK_UP = 0.1
"""Seconds between looks at signals while waiting, as the library has it."""


class Connection(psycopg.Connection[Any]):
    """Gives up, and closes itself, when the server does not answer in time: nobody knows what would come next on this connection."""

    def wait(self, gen: PQGen[RV], interval: float = LOOK_UP, timeout: float | None = None) -> RV:
        if timeout is not None or (longest := patience.seconds()) is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, longest)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise
