"""``manage.py backup``: a consistent copy of the database while the desk runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg.conninfo import make_conninfo

KEEP = 10


class Command(BaseCommand):
    help = f"Copy the database into DESK_DATA_DIR/backups; the newest {KEEP} are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quiet-when-empty", action="store_true", help="Say nothing, and succeed, when there is no database yet.")

    def handle(self, *args: Any, quiet_when_empty: bool, **options: Any) -> None:
        database = settings.DATABASES["default"]
        folder = Path(settings.DESK_DATA_DIR) / "backups"
        if "postgresql" in database["ENGINE"]:
            made = self._postgres(database, folder, quiet_when_empty)
        else:
            made = self._sqlite(Path(database["NAME"]), folder, quiet_when_empty)
        if made:
            _cut(folder, made.suffix)
            self.stdout.write(f"backup {made}")

    def _sqlite(self, source: Path, folder: Path, quiet: bool) -> Path | None:
        if not source.is_file() or source.stat().st_size == 0:
            if quiet:
                return None
            raise CommandError(f"there is no database at {source}")
        target = _target(folder, ".sqlite3")
        partial = target.with_suffix(".partial")
        copy(source, partial)
        partial.replace(target)
        return target

    def _postgres(self, database: dict[str, Any], folder: Path, quiet: bool) -> Path | None:
        """The password travels by the environment, never as an argument that others could read."""
        if quiet and _is_empty(database):
            return None
        arguments = _pg_dump(database)
        if not shutil.which(arguments[0]):
            self.stderr.write(f"pg_dump is not installed here; run where it is: {' '.join(arguments)} --file=desk.dump")
            return None
        target = _target(folder, ".dump")
        environment = {**os.environ, "PGPASSWORD": str(database.get("PASSWORD") or "")}
        done = subprocess.run([*arguments, f"--file={target}"], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            target.unlink(missing_ok=True)
            raise CommandError(f"pg_dump failed: {done.stderr.strip()[-400:]}")
        target.chmod(0o600)
        return target


def copy(source: Path, target: Path) -> None:
    """SQLite's own online copy, checked and on the disk before it counts. Raises CommandError when the copy is not whole."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        verdict = new.execute("PRAGMA quick_check").fetchone()[0]
    if verdict != "ok":
        target.unlink()
        raise CommandError(f"the copy is damaged: {verdict}")
    with target.open("rb") as whole:
        os.fsync(whole.fileno())


def _pg_dump(database: dict[str, Any]) -> list[str]:
    wanted = {"host": "HOST", "port": "PORT", "username": "USER", "dbname": "NAME"}
    given = [f"--{option}={database[name]}" for option, name in wanted.items() if database.get(name)]
    return ["pg_dump", "--format=custom", "--no-password", *given]


def _is_empty(database: dict[str, Any]) -> bool:
    """Whether it has no table yet. One that cannot be asked is none that is known to be empty: ``pg_dump`` then says what is wrong."""
    wanted = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME", "password": "PASSWORD"}
    given = {option: str(database[name]) for option, name in wanted.items() if database.get(name)}
    try:
        with psycopg.connect(make_conninfo(connect_timeout=10, **given)) as asked:
            return not asked.execute("SELECT 1 FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema$)' LIMIT 1").fetchall()
    except psycopg.Error:
        return False


def _target(folder: Path, suffix: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"desk-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{suffix}"


def _cut(folder: Path, suffix: str) -> None:
    for old in sorted(folder.glob(f"desk-*{suffix}"))[:-KEEP]:
        old.unlink()
