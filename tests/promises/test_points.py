"""A point suspends in time whatever fails, and nothing re-opens early (promises A1, A2, A3, A10): desks in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.ownredis import OwnRedis, own_redis
from tests.pace import keeps_to
from tests.processes import SCALED
from tests.promises import letters
from tests.promises.courtside import Courtside, Watch, courtside, is_open
from tests.promises.town import Prepared
from tests.pushing import WorkerProcess

pytestmark = pytest.mark.timeout(300)

AT_ONCE = 0.1 if SCALED else 0.05
"""A1's p99."""
SLACK = 0.25
"""One point alone may take a slow machine's turn longer."""
FAULT = 2.0
"""A1 under any single fault."""


def at_once(once: Callable[[], float]) -> None:
    """``once`` is a whole fault, from open to open again, and says after how many seconds nothing was open."""
    keeps_to(AT_ONCE + SLACK, once, never=FAULT)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as one:
        yield one


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Courtside]:
    environment = {"REDIS_URL": request.getfixturevalue("redis").url} if SCALED else {}
    with courtside(tmp_path_factory.mktemp("side"), prepared, **environment) as one:
        yield one


@pytest.fixture
def side(running: Courtside) -> Courtside:
    """Everything is open, between points."""
    if running.court.in_point:
        running.court.score()
    running.reopen(60)
    running.ear.wait(is_open, 5)
    return running


def suspended(side: Courtside) -> float:
    """A point begins: seconds until neither socket nor REST showed anything open."""
    with Watch(side.match) as watch:
        began = side.court.start_point()
        took = side.closed_after(began)
        time.sleep(0.2)
    return max(took, watch.last_open(began))


def over(side: Courtside) -> None:
    """The point ends; only a price from after it opens anything."""
    side.stays_closed(0.3)
    side.court.score()
    open_again(side)


def open_again(side: Courtside) -> None:
    side.reopen(60)
    side.ear.wait(is_open, 10)
    assert side.ear.broken == []


@pytest.mark.alone
def test_a1_a2_every_point_suspends_at_once_and_only_a_later_price_opens(side: Courtside) -> None:
    took: list[float] = []
    for _ in range(5):
        took.append(suspended(side))
        side.match.offer("2.10")
        side.town.settle()
        side.court.score()
        time.sleep(0.7)
        assert not is_open(side.ear), "opened by a price from before the point's end"
        assert not side.match.open()
        side.reopen()
        side.ear.wait(is_open)
    assert sorted(took)[len(took) // 2] < AT_ONCE, took
    assert max(took) < AT_ONCE + SLACK, took


def test_a1_an_alarm_suspends_at_once_whatever_its_number(side: Courtside) -> None:
    alarm = {"eventElementType": "Alarm", "lastReceivedTimestamp": "2022-08-16T08:10:25.182Z"}

    def once() -> float:
        took = side.closed_after(side.court.say(alarm, seq=1))
        side.stays_closed(1)
        side.court.start_point()
        over(side)
        return took

    at_once(once)


def test_a1_a_point_suspends_at_once_while_messages_of_2_mb_are_parsed(side: Courtside) -> None:
    prices = dict.fromkeys(range(1, 9_000), "2.00")

    def push(ending: threading.Event) -> None:
        while not ending.is_set():
            body = letters.letter(letters.market_set(990_001, letters.market(9_900_011, prices)))
            assert len(body) > 1_500_000
            side.town.post(body)
            time.sleep(0.05)

    def once() -> float:
        ending = threading.Event()
        pushing = threading.Thread(target=push, args=(ending,))
        pushing.start()
        try:
            time.sleep(0.5)
            took = suspended(side)
        finally:
            ending.set()
            pushing.join(30)
        side.court.score()
        side.town.settle(60)
        open_again(side)
        return took

    at_once(once)


@contextlib.contextmanager
def locked(side: Courtside) -> Iterator[None]:
    """Nobody else writes, and on PostgreSQL nobody else reads either."""
    with contextlib.closing(side.place.connect()) as connection:
        connection.execute("BEGIN" if SCALED else "BEGIN IMMEDIATE")
        if SCALED:
            connection.execute("LOCK TABLE feeds_frame, markets_fixture IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            connection.execute("COMMIT")


def test_a1_a_point_suspends_at_once_while_the_database_is_locked_for_two_seconds(side: Courtside) -> None:
    def once() -> float:
        with locked(side):
            took = side.closed_after(side.court.start_point())
            time.sleep(2)
            assert not is_open(side.ear)
        side.stays_closed(1)
        over(side)
        return took

    at_once(once)


def test_a10_a_desk_that_starts_while_a_point_is_in_play_shows_nothing_open(side: Courtside) -> None:
    side.court.start_point()
    time.sleep(0.3)
    side.kill()
    with Watch(side.match) as watch:
        side.run()
        side.ear.close()
        nothing_opens(side, watch)


def test_a10_a_point_that_began_while_nobody_read_suspends_before_anything_is_open(side: Courtside) -> None:
    side.kill()
    side.court.start_point()
    with Watch(side.match) as watch:
        side.run()
        side.ear.close()
        nothing_opens(side, watch)


def nothing_opens(side: Courtside, watch: Watch) -> None:
    """A desk that has just started shows nothing open before the end of the point, prices or not; then it does."""
    time.sleep(4)
    side.match.offer()
    started = len(watch.seen)
    time.sleep(1)
    assert len(watch.seen) > started, "it never told the fixture"
    assert not any(is_open for _, _, is_open in watch.seen)
    side.court.score()
    side.reopen(60)
    side.ear = side.listen()


# Faults of a desk of several processes


@pytest.mark.scaled
def test_a1_a3_a_reader_killed_between_reading_and_announcing_suspends_within_two_seconds(side: Courtside) -> None:
    def once() -> float:
        assert side.runner is not None
        side.runner.process.send_signal(signal.SIGSTOP)
        with Watch(side.match) as watch:
            began = side.court.start_point()
            time.sleep(0.2)
            side.runner.stop()
            took = side.closed_after(began)
        took = max(took, watch.last_open(began))
        side.stays_closed(1)
        side.read()
        side.stays_closed(3)
        over(side)
        return took

    keeps_to(FAULT, once, never=FAULT)


@pytest.mark.scaled
def test_a1_a_reader_killed_between_announcing_and_keeping_stays_suspended_until_the_next_one_has_kept(side: Courtside) -> None:
    def once() -> float:
        assert side.runner is not None
        with locked(side):
            took = side.closed_after(side.court.start_point())
            side.runner.stop()
        side.stays_closed(2)
        side.read()
        side.stays_closed(3)
        over(side)
        return took

    at_once(once)


def cut_redis(side: Courtside, redis: OwnRedis) -> None:
    redis.cut_subscribers()


def cut_notify(side: Courtside, redis: OwnRedis) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")


@pytest.mark.scaled
@pytest.mark.parametrize("cut", [cut_redis, cut_notify])
def test_a1_a_subscriber_whose_connection_is_killed_suspends_at_once(
    side: Courtside, redis: OwnRedis, cut: Callable[[Courtside, OwnRedis], None]
) -> None:
    def once() -> float:
        cut(side, redis)
        took = suspended(side)
        side.stays_closed(1.5)
        over(side)
        return took

    at_once(once)


@pytest.mark.scaled
@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_a1_with_redis_hung_or_dead_a_point_suspends_at_once_by_the_other_road(
    side: Courtside, redis: OwnRedis, fault: signal.Signals
) -> None:
    def once() -> float:
        redis.fail(fault)
        try:
            took = suspended(side)
            side.stays_closed(2.5)
            side.court.score()
            side.stays_closed(1)
        finally:
            redis.come_back()
        open_again(side)
        return took

    at_once(once)


@pytest.mark.scaled
def test_a1_with_the_worker_killed_a_point_suspends_at_once_and_stays_so_until_it_is_applied(side: Courtside) -> None:
    def once() -> float:
        assert side.town.worker is not None
        side.town.worker.stop(signal.SIGKILL)
        took = suspended(side)
        side.court.score()
        side.stays_closed(3)
        side.town.worker = WorkerProcess(side.place)
        open_again(side)
        return took

    at_once(once)


@pytest.mark.scaled
def test_a1_with_the_database_down_a_point_suspends_at_once_and_stays_so_until_it_is_kept_and_applied(side: Courtside) -> None:
    def once() -> float:
        with database_down(side):
            took = side.closed_after(side.court.start_point())
            time.sleep(2.5)
            assert not is_open(side.ear)
        side.stays_closed(4)
        side.court.score()
        open_again(side)
        return took

    at_once(once)


@contextlib.contextmanager
def database_down(side: Courtside) -> Iterator[None]:
    """Every connection is cut, and none is let in."""
    name = side.place.environment["DATABASE_URL"].rsplit("/", 1)[1]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
