"""SQLite's one file: whoever reads waits for no writer, and pages that are free go back to the disk."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Place, desk
from tradingdesk.sqlite.base import DatabaseWrapper

OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 5, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"}
PLAIN = {"TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}


@contextlib.contextmanager
def opened(file: Path) -> Iterator[DatabaseWrapper]:
    wrapper = DatabaseWrapper({**PLAIN, "NAME": file, "OPTIONS": OPTIONS}, "one of its own")
    try:
        yield wrapper
    finally:
        wrapper.close()


@pytest.mark.modeless
@pytest.mark.django_db
def test_opening_the_store_waits_for_no_writer(tmp_path: Path) -> None:
    file = tmp_path / "desk.sqlite3"
    with opened(file) as made, made.cursor() as cursor:
        cursor.execute("CREATE TABLE t (n)")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with opened(file) as reader, reader.cursor() as cursor:
            assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)
        assert time.monotonic() - begun < 2


@pytest.mark.modeless
@pytest.mark.django_db
def test_a_store_that_is_made_anew_gives_pages_back_and_an_older_one_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "desk.sqlite3"
    with opened(file) as made, made.cursor() as cursor:
        cursor.execute("CREATE TABLE t (n)")
        cursor.execute("INSERT INTO t VALUES (zeroblob(1000000))")
    with opened(file) as later, later.cursor() as cursor:
        cursor.execute("DELETE FROM t")
        assert cursor.execute("PRAGMA freelist_count").fetchone()[0] > 200
        for _ in range(300):
            cursor.execute("PRAGMA incremental_vacuum(1)")
        assert cursor.execute("PRAGMA freelist_count").fetchone()[0] == 0
        assert cursor.execute("PRAGMA page_count").fetchone()[0] < 10
    older = tmp_path / "older.sqlite3"
    with contextlib.closing(sqlite3.connect(older)) as plain:
        plain.execute("CREATE TABLE t (n)")
    with opened(older) as wrapper, wrapper.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_f4_probes_and_bookmakers_are_answered_while_another_process_writes_for_long(tmp_path: Path) -> None:
    place = Place(tmp_path / "desk")
    said = place.manage("addbookmaker", "Alpha", "--sports", "football").stdout
    key, bookmaker = re.findall(r"desk_[\w-]+", said)[0], re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", said)[0]
    bearer = {"Authorization": f"Bearer {key}"}
    with (
        desk(place) as served,
        contextlib.closing(place.connect()) as writer,
        httpx.Client(base_url=f"http://127.0.0.1:{served.port}", timeout=2, headers=bearer) as client,
    ):
        client.get("/readyz")
        writer.execute("BEGIN IMMEDIATE")
        for path in ("/readyz", f"/bookmaker/{bookmaker}", f"/bookmaker/{bookmaker}/football/matches", "/readyz"):
            assert client.get(path).status_code == 200, path
        writer.execute("ROLLBACK")
    place.drop()
