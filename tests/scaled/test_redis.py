"""Redis hung or gone: frames are acknowledged as fast as ever, and applied by the sweep (B4, B5, F4)."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import free_port, wait_for
from tests.processes import Place, desk, until
from tests.pushing import Provider, add_feed, books, check_balance, worker

pytestmark = [pytest.mark.scaled, pytest.mark.timeout(300)]


class Redis:
    """A Redis of the test's own, to be stopped in its tracks."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        program = shutil.which("redis-server") or "redis-server"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=directory)
        wait_for(self.port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    one = Redis(tmp_path)
    yield one
    one.end()


@pytest.fixture
def place(tmp_path: Path, redis: Redis) -> Iterator[Place]:
    one = Place(tmp_path, REDIS_URL=redis.url)
    add_feed(one)
    yield one
    one.drop()


def push(port: int, seconds: float, first: int = 1) -> Provider:
    with Provider(lambda: port, threads=2, pause=0.02, first=first) as provider:
        time.sleep(seconds)
    return provider


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_f4_with_redis_hung_or_dead_frames_are_kept_fast_and_applied(place: Place, redis: Redis, fault: signal.Signals) -> None:
    with desk(place) as web, worker(place):
        push(web.port, 1.0)
        assert until(lambda: books(place)["pending"] == 0, 40)  # the worker starts meanwhile
        redis.process.send_signal(fault)
        tries: list[Provider] = []
        while not any(was_fast(provider) for provider in tries):
            assert len(tries) < 3, [sorted(provider.times)[-10:] for provider in tries]
            tries.append(push(web.port, 3.0, first=10_000 * (1 + len(tries))))
            assert until(lambda: books(place)["pending"] == 0, 5)
        found = check_balance(place)
    assert found["received"] == found["applied"] > 60


def was_fast(provider: Provider) -> bool:
    """p99 of the acknowledgements; some tries, since others share the machine."""
    assert len(provider.times) > 20
    return sorted(provider.times)[int(len(provider.times) * 0.99)] < 0.25
