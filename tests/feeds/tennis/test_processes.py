"""The client inside real processes: the embedded desk, and ``runfeeds`` beside a scaled one (A3, B1, E7)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.tennis.provider import TOKEN, Provider, packet
from tests.processes import ROOT, SCALED, DeskProcess, Place, until

ONE, TWO = "2026-0540-MS001", "2026-0540-LS002"


class Served:
    """A scripted provider on a loop of its own thread."""

    def __init__(self, *refs: str) -> None:
        self.provider = Provider(*refs)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def do(self, what: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(what)

    def say(self, ref: str, *packets: str) -> None:
        self.do(lambda: self.provider[ref].say(*packets))

    async def _serve(self) -> None:
        async with self.provider.serving():
            self._ready.set()
            await self._end.wait()


class Feeds:
    """``manage.py runfeeds``; ``lines`` is all that it wrote."""

    def __init__(self, place: Place, **environment: str) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), "runfeeds"]
        env = {**place.environment, **environment}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
        self.lines: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        assert until(lambda: any("feeds are read" in line for line in self.lines), 30), self.lines

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line)

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()


@contextmanager
def reading(place: Place, **environment: str) -> Iterator[DeskProcess | Feeds]:
    """Whoever reads the feeds in this mode."""
    one = Feeds(place, **environment) if SCALED else DeskProcess(place, **environment)
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    one = Place(tmp_path, UMPIRE_TOKEN=TOKEN)
    yield one
    one.drop()


def add(place: Place, served: Served) -> None:
    place.manage(
        "addfeed", "tennis", "umpires", "--host", served.provider.host, "--token-env", "UMPIRE_TOKEN", "--discovery-seconds", "0.5"
    )


def kept(place: Place, ref: str) -> list[int]:
    sql = f"SELECT hint_seq FROM feeds_frame WHERE stream = '{ref}' AND hint_seq IS NOT NULL ORDER BY id"
    return [row[0] for row in place.rows(sql)]


def state(place: Place, ref: str) -> str:
    rows = place.rows(f"SELECT state FROM markets_pointliveness WHERE ref = '{ref}'")
    return rows[0][0] if rows else ""


def test_a_feed_added_while_running_is_followed_within_seconds_and_a_disabled_one_stops(place: Place) -> None:
    with Served(ONE) as served, reading(place) as one:
        add(place, served)
        served.say(ONE, packet(1), packet(2))
        assert until(lambda: kept(place, ONE) == [1, 2], 8), one.lines
        assert until(lambda: state(place, ONE) == "live", 8)
        with place.connect() as connection:
            connection.execute("UPDATE markets_source SET enabled = " + ("false" if SCALED else "0"))
        assert until(lambda: state(place, ONE) == "lost", 8)
        served.say(ONE, packet(3))
        time.sleep(1)
        assert kept(place, ONE) == [1, 2]
        assert TOKEN not in "".join(one.lines)


def test_b1_after_kill_9_it_goes_on_after_the_last_packet_kept(place: Place) -> None:
    with Served(ONE) as served:
        add(place, served)
        with reading(place) as one:
            served.say(ONE, *(packet(n) for n in range(1, 50)))
            assert until(lambda: len(kept(place, ONE)) > 10, 15), one.lines
            one.process.kill()
            one.process.wait(10)
        last = len(kept(place, ONE))
        with reading(place):
            served.say(ONE, packet(50))
            assert until(lambda: sorted(set(kept(place, ONE))) == list(range(1, 51)), 15)
        asked = served.provider[ONE].asked
        assert asked[0] == ""
        assert last - 1 <= int(asked[-1]) <= 50


def test_e7_no_secret_in_the_log_at_its_most_talkative(place: Place) -> None:
    with Served(ONE) as served, reading(place, LOG_LEVEL="DEBUG") as one:
        add(place, served)
        served.say(ONE, packet(1))
        assert until(lambda: kept(place, ONE) == [1], 8), one.lines
        assert TOKEN not in "".join(one.lines)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_told(place: Place, how: int) -> None:
    with Served(ONE, TWO) as served:
        add(place, served)
        with reading(place) as one:
            served.say(ONE, packet(1))
            assert until(lambda: kept(place, ONE) == [1], 8), one.lines
            started = time.monotonic()
            assert one.stop(how) == 0
            assert time.monotonic() - started < 5
        assert not [line for line in one.lines if "Traceback" in line]


@pytest.mark.modeless
def test_runfeeds_says_that_the_embedded_desk_reads_its_feeds_itself(place: Place) -> None:
    refused = place.manage("runfeeds", check=False)
    assert refused.returncode == 1
    assert "fetches its feeds itself" in refused.stderr


@pytest.mark.scaled
class TestRunFeeds:
    def test_a_second_one_is_refused(self, place: Place) -> None:
        with reading(place):
            refused = place.manage("runfeeds", check=False)
            assert refused.returncode == 1
            assert "Another `manage.py runfeeds`" in refused.stderr

    def test_without_a_database_it_says_so(self, place: Place) -> None:
        place.environment["DATABASE_URL"] = "postgresql://nobody:x@127.0.0.1:1/none"
        refused = place.manage("runfeeds", check=False)
        place.environment.pop("DATABASE_URL")
        assert refused.returncode == 1
        assert "does not answer" in refused.stderr

    def test_redis_down_keeps_nothing_from_being_kept(self, place: Place) -> None:
        with Served(ONE) as served, reading(place, REDIS_URL="redis://127.0.0.1:1/0"):
            add(place, served)
            served.say(ONE, packet(1), packet(2))
            assert until(lambda: kept(place, ONE) == [1, 2], 8)
