"""Redis hung or gone: frames are acknowledged as fast as ever, and applied by the sweep (B4, B5, F4)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.ownredis import OwnRedis, own_redis
from tests.pace import keeps_to
from tests.processes import Place, desk, until
from tests.pushing import Provider, add_feed, books, check_balance, worker

pytestmark = [pytest.mark.scaled, pytest.mark.timeout(300)]
ACKNOWLEDGED = 0.1
"""B4's p99 in seconds."""
FAULT = 2.0
"""Nothing takes longer than that while one thing is broken."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(tmp_path) as one:
        yield one


@pytest.fixture
def place(tmp_path: Path, redis: OwnRedis) -> Iterator[Place]:
    one = Place(tmp_path, REDIS_URL=redis.url)
    add_feed(one)
    yield one
    one.drop()


def push(port: int, seconds: float, first: int = 1) -> Provider:
    with Provider(lambda: port, threads=2, pause=0.02, first=first) as provider:
        time.sleep(seconds)
    return provider


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_f4_with_redis_hung_or_dead_frames_are_kept_fast_and_applied(place: Place, redis: OwnRedis, fault: signal.Signals) -> None:
    with desk(place) as web, worker(place):
        push(web.port, 1.0)
        assert until(lambda: books(place)["pending"] == 0, 40)  # the worker starts meanwhile
        redis.fail(fault)
        firsts = count(10_000, 10_000)

        def once() -> float:
            pushed = push(web.port, 3.0, next(firsts))
            assert until(lambda: books(place)["pending"] == 0, 5)
            return p99(pushed)

        keeps_to(ACKNOWLEDGED, once, never=FAULT)
        found = check_balance(place)
    assert found["received"] == found["applied"] > 60


def p99(provider: Provider) -> float:
    """Of the seconds that its acknowledgements took."""
    assert len(provider.times) > 20
    return sorted(provider.times)[int(len(provider.times) * 0.99)]
