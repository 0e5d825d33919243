"""The database stops or hangs: every socket shows everything suspended, and why; when it is back, prices come back (promises A10, F4)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from msgspec import Struct

from markets.live.frames import Beat
from tests import cluster
from tests.live.listening import Ear, until
from tests.live.processes import Desk, desk
from tests.pace import keeps_to

pytestmark = [pytest.mark.scaled, pytest.mark.timeout(300)]
CLOSED, ANSWERED = 2.0, 3.0
"""Seconds: F4's, until everything is closed; and until REST says so, which waits for the store for a while."""


class Store(Struct):
    """A PostgreSQL of this test's own, to be stopped, hung and started again."""

    url: str
    data: Path

    @property
    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))

    def stop(self) -> None:
        """Returns once it is down."""
        postmaster = self.postmaster
        postmaster.send_signal(signal.SIGQUIT)
        psutil.wait_procs([postmaster], timeout=10)

    def start(self) -> None:
        run_as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        options = (self.data / "postmaster.opts").read_text().split(maxsplit=1)[1].replace('"', "").strip()
        program = [str(cluster.postgres_bin() / "pg_ctl"), "-D", str(self.data), "-w", "-l", str(self.data.parent / "log")]
        subprocess.run([*run_as, *program, "-o", options, "start"], check=True, timeout=60, stdout=subprocess.DEVNULL, cwd=self.data.parent)

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in (self.postmaster, *self.postmaster.children()):
            process.send_signal(number)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch, cluster.postgres() as url:
        patch.delenv("TEST_DATABASE_URL", raising=False)
        with psycopg.connect(url) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
            assert row is not None
        yield Store(url, Path(row[0]))


@pytest.fixture(scope="module")
def served(store: Store) -> Iterator[Desk]:
    with desk(env=cluster.scaled_environment(store.url, os.environ["REDIS_URL"])) as made:
        yield made


def all_open(ear: Ear) -> bool:
    return all(p.open for p in ear.prices.values()) and bool(ear.prices)


def all_closed(ear: Ear) -> bool:
    return not any(p.open for p in ear.prices.values())


@contextlib.contextmanager
def hung(store: Store) -> Iterator[None]:
    store.hang()
    try:
        yield
    finally:
        store.go_on()


def open_again(*ears: Ear) -> None:
    for ear in ears:
        ear.wait(all_open, 20)
        assert ear.broken == []


def closed_after(ears: list[Ear], start: float) -> float:
    """Seconds until everybody was shown everything closed."""
    for ear in ears:
        ear.wait(all_closed, 10)
    return time.monotonic() - start


def test_f4_a_store_that_stops_closes_everything_within_two_seconds(store: Store, served: Desk) -> None:
    ears = [Ear(served, path, served.session).ready() for path in ("board", served.page)]

    def once() -> float:
        open_again(*ears)
        store.stop()
        took = closed_after(ears, time.monotonic())
        for ear in ears:
            assert "the store does not answer" in ear.prices[served.selections[0]].reason
            ear.wait(lambda e: isinstance(e.beat, Beat) and not e.beat.renews, 10)
        newcomer = Ear(served, "board", served.session)
        newcomer.wait(lambda e: e.code == 4503, 20)
        assert newcomer.frames == []
        store.start()
        return took

    keeps_to(CLOSED, once, never=ANSWERED)
    open_again(*ears)
    for ear in ears:
        ear.close()


def test_f4_a_store_that_hangs_closes_everything_within_two_seconds(store: Store, served: Desk) -> None:
    ear = Ear(served, "board", served.session).ready()

    def once() -> float:
        open_again(ear)
        start = time.monotonic()
        with hung(store):
            took = closed_after([ear], start)
            ear.wait(lambda e: isinstance(e.beat, Beat) and not e.beat.renews, 10)
            time.sleep(5)
        return took

    keeps_to(CLOSED, once, never=ANSWERED)
    open_again(ear)
    ear.close()


def test_f4_a_store_that_hangs_is_told_by_rest_within_three_seconds(store: Store, served: Desk) -> None:
    """Those that wait already, those that come while connections are left, and those that find none."""

    def once() -> float:
        until(lambda: served.rest(served.match) == 200, 20)
        with hung(store):
            with ThreadPoolExecutor(30) as many:
                told = list(many.map(lambda _: timed(served), range(30)))
            told += [timed(served) for _ in range(2)]
        assert {status for status, _ in told} == {503}
        return max(seconds for _, seconds in told)

    keeps_to(ANSWERED, once, never=2 * ANSWERED)
    until(lambda: served.rest(served.match) == 200, 20)


def timed(served: Desk, path: str = "") -> tuple[int, float]:
    """(Status, seconds until it was there.)"""
    start = time.monotonic()
    return served.rest(path or served.match), time.monotonic() - start


def test_f4_a_store_that_hangs_is_told_to_probes_pages_and_parts_of_pages(store: Store, served: Desk) -> None:
    asked = ["/readyz", "/", "/feeds", "/feeds/cards", f"/{served.page}"]

    def once() -> float:
        until(lambda: {served.rest(path) for path in asked} == {200}, 20)
        with hung(store):
            told = {path: timed(served, path) for path in asked}
        assert {status for status, _ in told.values()} == {503}, told
        return max(seconds for _, seconds in told.values())

    keeps_to(ANSWERED, once, never=2 * ANSWERED)
    until(lambda: {served.rest(path) for path in asked} == {200}, 20)
