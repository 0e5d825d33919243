"""A town whose Updategram fixture is bound to a match of a point feed; everybody who watches when it is open."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.live.listening import Ear
from tests.processes import ROOT, SCALED, Place, end, until
from tests.promises.town import Match, Prepared, Town
from tests.promises.umpire import TOKEN, Court, Umpire

SOURCE = "umpire"
REF = "2026-580-MS001"
GRACE = 0.15
"""Seconds after a point's end from which a price counts (A2: 100 ms by the database's clock)."""


class Runner:
    """``manage.py runfeeds`` of a scaled desk; the embedded desk reads its feeds itself."""

    def __init__(self, place: Place) -> None:
        command = [sys.executable, "manage.py", "runfeeds"]
        self.process = subprocess.Popen(command, env=place.environment, cwd=ROOT, stdout=subprocess.DEVNULL)

    def stop(self, how: int = signal.SIGKILL) -> None:
        end(self.process, how)


class Watch:
    """Reads the fixture by REST without pause, and notes what was open; a desk that does not answer shows nothing."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._ending = threading.Event()
        self.seen: list[tuple[float, float, bool]] = []
        """(Asked, answered, open) by ``time.monotonic()``, of each answer that tells the fixture."""
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ending.is_set():
            asked = time.monotonic()
            with contextlib.suppress(httpx.HTTPError, RuntimeError):  # the desk is down, or the client closed
                if outcomes := self._match.outcomes():
                    self.seen.append((asked, time.monotonic(), any(not one["suspended"] for one in outcomes.values())))
            time.sleep(0.005)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(30)
        assert self.seen, "no answer told the fixture"

    def last_open(self, after: float) -> float:
        """Seconds after ``after`` at which the last answer that showed something open was given; 0 when none was."""
        return max((answered - after for asked, answered, is_open in self.seen if is_open and answered > after), default=0.0)


class Courtside:
    """One match on court, bound to one fixture with in-play markets, and a trader's fixture page."""

    def __init__(self, home: Path, prepared: Prepared, **environment: str) -> None:
        self.umpire = Umpire()
        self.town = Town(home, prepared, UMPIRE_TOKEN=TOKEN, **environment)
        self.place = self.town.place
        self.runner: Runner | None = None
        self.port = 0
        self.court: Court
        self.match: Match
        self.ear: Ear

    def start(self) -> None:
        """The desk, and what reads the point feed."""
        credentials = ("--token-env", "UMPIRE_TOKEN", "--discovery-seconds", "0.5")
        self.place.manage("addfeed", "tennis", SOURCE, "--host", self.umpire.host, *credentials)
        self.run()

    def run(self) -> None:
        """Every process that does not run."""
        self.town.start()
        self.port = self.town.web.port
        if SCALED and self.runner is None:
            self.read()

    def read(self) -> None:
        """Another process reads the point feed."""
        self.runner = Runner(self.place)

    def kill(self) -> None:
        """Every process at once."""
        self.town.kill()
        if self.runner is not None:
            self.runner.stop()
            self.runner = None

    def open(self) -> None:
        """Until everything is open, between points."""
        self.court = self.umpire.court(REF)
        self.court.begin()
        self.match = self.town.match(in_play=True, sport="tennis")
        self.wait_for_match()
        self.bind()
        self.reopen(20)
        self.ear = self.listen()

    def wait_for_match(self) -> None:
        """Until the store knows its players."""
        known = f"SELECT 1 FROM markets_pointstate s JOIN markets_fixture f ON f.id = s.fixture_id WHERE f.ref = '{REF}'"
        assert until(lambda: self.place.rows(known), 20)

    def bind(self) -> None:
        """A trader says that the two are the same."""
        (points,) = self.place.rows(f"SELECT id FROM markets_fixture WHERE ref = '{REF}'")
        self.town.person("alpha-trader").do("bind", fixture=self.match.row(), points=points[0], team_a="home")

    def listen(self) -> Ear:
        ear = Ear(self, f"fixture/{self.match.row()}", self.town.person("alpha-trader").session).ready()
        ear.wait(is_open, 10)
        return ear

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}/live/ws/{path}"

    def reopen(self, seconds: float = 8) -> None:
        """Prices read after the last point, until everything is open."""
        deadline = time.monotonic() + seconds
        while not self.match.open():
            assert time.monotonic() < deadline, self.match.reasons()
            time.sleep(GRACE)
            self.match.offer()

    def closed_after(self, began: float, seconds: float = 10) -> float:
        """Seconds from ``began`` until the socket showed nothing open."""
        self.ear.wait(lambda e: not is_open(e), seconds)
        return max(0.0, time.monotonic() - began)

    def stays_closed(self, seconds: float) -> None:
        """Prices come, and nothing opens by them; a desk that was without something may refuse the first ones."""
        ends = time.monotonic() + seconds
        taken = 0
        while time.monotonic() < ends:
            with contextlib.suppress(AssertionError, httpx.HTTPError):
                self.match.offer()
                taken += 1
            assert not self.match.open()
            assert not is_open(self.ear)
            time.sleep(0.05)
        assert taken, "no price was taken"

    def end(self) -> None:
        if hasattr(self, "ear"):
            self.ear.close()
        if self.runner is not None:
            self.runner.stop()
        self.town.end()
        self.umpire.stop()


def is_open(ear: Ear) -> bool:
    return any(price.open for price in ear.prices.values())


@contextlib.contextmanager
def courtside(home: Path, prepared: Prepared, **environment: str) -> Iterator[Courtside]:
    """Everything is open, and stays so as long as nothing happens."""
    made = Courtside(home, prepared, **environment)
    try:
        made.start()
        with made.town.beating():
            made.open()
            yield made
    finally:
        made.end()
