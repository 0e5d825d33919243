"""Redis hangs or dies for ten seconds: listeners of the streams are told as ever, and agree two seconds after (promises C5, D3, F4)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.live.clients import Client, EventClient, SocketClient, without_time
from tests.ownredis import OwnRedis, own_redis
from tests.processes import until
from tests.promises.town import Match, Prepared, Town

pytestmark = pytest.mark.scaled
OUTAGE = 10.0
AGREED = 2.0
"""D3: seconds after the last change in which every client shows what the server does."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(tmp_path) as one:
        yield one


@pytest.fixture
def town(tmp_path: Path, prepared: Prepared, redis: OwnRedis) -> Iterator[Town]:
    one = Town(tmp_path, prepared, REDIS_URL=redis.url)
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
def test_f4_all_agree_two_seconds_after_redis_was_away(town: Town, redis: OwnRedis, how: signal.Signals) -> None:
    match, trader = town.match(), town.person("alpha-trader")
    clients = listeners(match)
    redis.fail(how)
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
    town.settle()
    for client in clients:
        assert until(partial(agrees, match, client), AGREED)
        assert client.match.broken == []
        assert 2.90 in client.match.open().values()
        client.close()
