"""A provider that pushes over real HTTP and resends until it is acknowledged, and the worker process of a scaled desk."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

from tests.feeds import frames
from tests.processes import ROOT, Place, end

SLUG = "genius"
SECRET = "a-secret-for-campaigns"
OUTCOMES = ("applied", "superseded", "duplicate", "quarantined")


def add_feed(place: Place) -> None:
    place.manage("addfeed", "updategram", SLUG, "--secret", SECRET, "--network", "127.0.0.0/8")


def price_of(order: int) -> str:
    return f"{1 + (order % 900 + 1) / 100:.2f}"


class Provider:
    """Threads that push messages of their own fixtures, in order, each until it got its 200. ``port``: where the desk is now."""

    def __init__(self, port: Callable[[], int], threads: int = 4, pause: float = 0.004, first: int = 1) -> None:
        self._port = port
        self._pause = pause
        self._first = first
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._push, args=(n,), daemon=True) for n in range(threads)]
        self.acknowledged: dict[str, str] = {}
        """Guid → fixture."""
        self.last: Counter[str] = Counter()
        """Fixture → highest order acknowledged."""
        self.times: list[float] = []
        """Seconds that each acknowledgement took."""

    def __enter__(self) -> Provider:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(30)

    def _push(self, number: int) -> None:
        connection: http.client.HTTPConnection | None = None
        for order in itertools.count(self._first):
            if self._ending.is_set():
                return
            fixture, guid = f"{1000 + number * 5 + order % 5}", frames.guid()
            for retry in range(10_000):
                body = frames.market_set(fixture, price_of(order), message=guid, order=order, retry=retry)
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self._port(), timeout=10)
                    if self._post(connection, body):
                        break
                except (OSError, http.client.HTTPException):
                    connection = None
                time.sleep(0.05)
            self.acknowledged[guid] = fixture
            self.last[fixture] = order
            time.sleep(self._pause)

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        started = time.perf_counter()
        connection.request("POST", f"/feeds/updategram/{SLUG}/ProcessMessage?token={SECRET}", body)
        answer = connection.getresponse()
        answer.read()
        self.times.append(time.perf_counter() - started)
        return answer.status == 200


def books(place: Place) -> dict[str, int]:
    """The feed's books as the database has them, in one snapshot."""
    sums = ", ".join(f"(SELECT COALESCE(SUM({name}), 0) FROM feeds_outcomecount)" for name in OUTCOMES)
    (row,) = place.rows(
        f"SELECT (SELECT COALESCE(SUM(received), 0) FROM feeds_receivedcount), (SELECT COUNT(*) FROM feeds_frame), {sums},"
        " (SELECT COUNT(*) FROM feeds_frame WHERE outcome IS NULL)"
    )
    return dict(zip(("received", "frames", *OUTCOMES, "pending"), map(int, row), strict=True))


def check_balance(place: Place) -> dict[str, int]:
    found = books(place)
    assert found["received"] == found["frames"] == found["pending"] + sum(found[name] for name in OUTCOMES), found
    return found


class WorkerProcess:
    """The Celery worker as the ``Procfile`` starts it."""

    def __init__(self, place: Place, **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tradingdesk", "worker", "--pool", "solo", "--loglevel", "WARNING"]
        command += ["--without-mingle", "--without-gossip"]
        self.process = subprocess.Popen(
            command, env={**place.environment, **environment}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self, how: int = signal.SIGTERM) -> None:
        end(self.process, how)


@contextlib.contextmanager
def worker(place: Place, **environment: str) -> Iterator[WorkerProcess]:
    one = WorkerProcess(place, **environment)
    try:
        yield one
    finally:
        one.stop(signal.SIGKILL)
