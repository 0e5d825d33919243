"""A whole desk for the bench: served, with a worker, a feed, an operator's key and known fixtures."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from msgspec import Struct

from bench import samples
from tests.processes import SCALED, DeskProcess, Place, until

SECRET = "a-secret-for-the-bench-only-1234"


class Whole(Struct):
    """``url`` takes ProcessMessage; ``desk`` is the web process."""

    url: str
    desk: DeskProcess
    key: str

    def books(self) -> dict[str, int]:
        """The feed's accounting (promise B5)."""
        base = f"http://127.0.0.1:{self.desk.port}"
        answer = httpx.get(f"{base}/feeds/accounting", headers={"Authorization": f"Bearer {self.key}"}, timeout=10)
        return dict(answer.raise_for_status().json()[0])

    def introduce(self, fixtures: int) -> None:
        """Fixtures 1 … n with coverage, applied."""
        with httpx.Client() as client:
            for number in range(1, fixtures + 1):
                client.post(self.url, content=samples.fixture(number)).raise_for_status()
                client.post(self.url, content=samples.coverage(number)).raise_for_status()
        assert until(lambda: self.books()["pending"] == 0, 30)


def mode() -> str:
    return "scaled" if SCALED else "embedded"


@contextmanager
def desk(worker: bool = True) -> Iterator[Whole]:
    """Embedded, or on PostgreSQL and Redis with one worker where the environment names them."""
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        place = Place(Path(home), LOG_LEVEL="WARNING")
        stack.callback(place.drop)
        place.manage("addfeed", "updategram", "bench", "--secret", SECRET, "--network", "127.0.0.0/8")
        made = place.manage("addbookmaker", "Bench", "--sports", "football").stdout.split()
        bookmaker = next(word for word in made if word.count("-") == 4)
        key = next(word for word in place.manage("addkey", bookmaker, "--scope", "ops").stdout.split() if word.startswith("desk_"))
        if SCALED and worker:
            stack.callback(_worker(place).kill)
        process = DeskProcess(place)
        stack.callback(process.stop)
        yield Whole(f"http://127.0.0.1:{process.port}/feeds/updategram/bench/ProcessMessage?token={SECRET}", process, key)


def _worker(place: Place) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "celery", "-A", "tradingdesk", "worker", "--pool", "solo", "--without-mingle", "--without-gossip"]
    return subprocess.Popen(command, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
