"""Redis hangs or dies for ten seconds: listeners of the streams are told as ever, and agree two seconds after (promises C5, D3, F4)."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import free_port, wait_for
from tests.live.clients import Client, EventClient, SocketClient, without_time
from tests.promises.town import Match, Prepared, Town

pytestmark = pytest.mark.scaled
OUTAGE = 10.0


class Redis:
    """A Redis of the test's own that can be away for a while."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self._home = home
        self.start()

    def start(self) -> None:
        program = shutil.which("redis-server") or "redis-server"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._home)
        wait_for(self.port)

    def go(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        if how is signal.SIGKILL:
            self._process.wait(10)

    def come_back(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        else:
            self.start()

    def end(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    one = Redis(tmp_path)
    yield one
    one.end()


@pytest.fixture
def town(tmp_path: Path, prepared: Prepared, redis: Redis) -> Iterator[Town]:
    one = Town(tmp_path, prepared, REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")
    try:
        one.start()
        with one.beating():
            yield one
    finally:
        one.end()


def listeners(match: Match) -> list[Client]:
    token = f"?token={match.town.alpha.key}"
    updates = f"{match.town.url}{match.path().replace('/bookmaker/', '/live/')}/updates{token}"
    return [SocketClient(updates).ready(), EventClient(updates).ready()]


def agrees(match: Match, client: Client) -> bool:
    return without_time(client.match.body) == without_time(match.read()) and not client.match.stale


@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_f4_all_agree_two_seconds_after_redis_was_away(town: Town, redis: Redis, how: signal.Signals) -> None:
    match, trader = town.match(), town.person("alpha-trader")
    clients = listeners(match)
    redis.go(how)
    back = time.monotonic() + OUTAGE
    for step in range(3):
        match.offer(f"2.{step + 1}0")
        for client in clients:
            client.wait(lambda c, value=2 + (step + 1) / 10: value in c.match.open().values())  # type: ignore[misc]
    trader.do("panic")
    for client in clients:
        assert client.wait(lambda c: not c.match.open()) < 2
    trader.do("resume", scope="everything")
    for client in clients:
        client.wait(lambda c: c.match.open())
    time.sleep(max(0.0, back - time.monotonic()))
    redis.come_back()
    match.offer("2.90")
    time.sleep(2)
    town.settle()
    for client in clients:
        assert agrees(match, client) or client.wait(lambda c: agrees(match, c)) < 1
        assert client.match.broken == []
        assert 2.90 in client.match.open().values()
        client.close()
