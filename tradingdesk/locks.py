"""One embedded desk a data directory, one runner of feeds a scaled desk: two would each think that they are alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg


class Held(Exception):
    """Another process holds the directory; the words say which."""


@contextlib.contextmanager
def only_desk(data_dir: Path) -> Iterator[None]:
    """Hold ``data_dir`` until the block or the process ends, ``kill -9`` included. Raises :class:`Held`."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "desk.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Held(f"Another desk is running on {data_dir} (process {file.read().strip() or 'unknown'}). Stop it first.") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


class OnlyRunner:
    """The scaled desk's one reader of feeds: a lock that PostgreSQL holds for as long as our connection lives, ``kill -9`` included."""

    _KEY = 0x7465_6E6E_6973

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters
        self._connection: psycopg.Connection[Any] | None = None

    def take(self) -> None:
        """Raises :class:`Held` where another process has it, ``psycopg.Error`` where the database does not answer."""
        self._connection = psycopg.connect(**self._parameters, autocommit=True)
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [self._KEY]).fetchone()
        if row is None or not row[0]:
            self.release()
            raise Held("Another `manage.py runfeeds` reads the feeds of this desk already. Stop it first.")

    def renew(self) -> None:
        """Take it again where the connection was lost; a database that is down has nobody else in it. Raises :class:`Held`."""
        try:
            if self._connection is None or self._connection.closed:
                self.take()
            else:
                self._connection.execute("SELECT 1")
        except psycopg.Error:
            self.release()

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()
