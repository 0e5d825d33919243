"""Desks as processes of their own, each on a database of its own: SQLite as they stand, PostgreSQL under ``python -m tests.cluster``."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import resource
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.cluster import free_port

ROOT = Path(__file__).resolve().parent.parent
SCALED = bool(os.environ.get("DATABASE_URL"))


class Place:
    """A database of its own with a data directory, and the environment that leads a process to it.

    It begins as a copy of ``like``, on which no process may be running; without one, of a database that only has its tables.
    """

    data_dir: Path
    environment: dict[str, str]

    def __init__(self, data_dir: Path, like: Place | None = None, **environment: str) -> None:
        self._begin(data_dir, like or Place.migrated(), environment)

    @classmethod
    @functools.cache
    def migrated(cls) -> Place:
        """The one that all others begin as: migrated once a run."""
        one = cls.__new__(cls)
        one._begin(Path(tempfile.mkdtemp(prefix="desk-migrated-")), None, {})
        atexit.register(shutil.rmtree, one.data_dir, ignore_errors=True)
        atexit.register(one.drop)
        one.manage("migrate", "--verbosity", "0")
        return one

    def _begin(self, data_dir: Path, like: Place | None, environment: Mapping[str, str]) -> None:
        inherited = like.environment if like else {**os.environ, "DESK_SIMULATE": "0"}
        self.data_dir = data_dir
        self.environment = {**inherited, "DESK_DATA_DIR": str(data_dir), **environment}
        self._made = ""
        if SCALED:
            self._make_postgres_database(like)
        elif like:
            data_dir.mkdir(parents=True, exist_ok=True)
            shutil.copy(like.data_dir / "desk.sqlite3", data_dir)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the database from outside, by a connection that is closed at once."""
        with contextlib.closing(self.connect()) as connection:
            return list(connection.execute(sql).fetchall())

    def connect(self) -> Any:
        """A connection in autocommit that knows nothing of the desk."""
        if SCALED:
            return psycopg.connect(self.environment["DATABASE_URL"], autocommit=True)
        return sqlite3.connect(self.data_dir / "desk.sqlite3", isolation_level=None, timeout=20)

    def drop(self) -> None:
        if self._made:
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{self._made}" WITH (FORCE)')

    def _make_postgres_database(self, like: Place | None) -> None:
        self._made = f"desk_{secrets.token_hex(4)}"
        template = f'TEMPLATE "{like._made}"' if like else ""
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self._made}" {template}')
        self.environment["DATABASE_URL"] = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self._made}"))
        self.environment.setdefault("SECRET_KEY", secrets.token_urlsafe(48))


class DeskProcess:
    """``manage.py desk`` (or ``web`` in the scaled suite) that serves; ``lines`` is all that it wrote."""

    def __init__(self, place: Place, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        command = [sys.executable, str(ROOT / "manage.py"), "web" if SCALED else "desk", "--port", str(self.port), *arguments]
        env = {**place.environment, **environment}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
        self.lines: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        ready = until(lambda: any("is ready" in line for line in self.lines) or self.process.poll() is not None, 60)
        if not ready or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError("".join(self.lines))

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line)

    def rss(self) -> int:
        """Bytes of memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Its exit code; fails when it has not ended within 10 s."""
        return end(self.process, how)


def end(process: subprocess.Popen[Any], how: int) -> int:
    """The exit code of a process that is sent ``how``, unless it has ended; fails when it has not ended within 10 s."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(10)
    finally:
        process.kill()


@contextlib.contextmanager
def desk(place: Place, *arguments: str, **environment: str) -> Iterator[DeskProcess]:
    """A desk that serves until the block ends."""
    one = DeskProcess(place, *arguments, **environment)
    try:
        yield one
    finally:
        one.stop()


def until(true: Callable[[], object], seconds: float = 5.0) -> bool:
    """Whether ``true()`` became true in time. Asks less often the longer it takes: to ask costs the machine something too."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < seconds:
        if true():
            return True
        time.sleep(min(0.02 + waited / 10, 0.25))
    return bool(true())
