"""The roads by which announcements of points travel between processes: Redis, and NOTIFY (A1)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from django.db import connection

from markets.live import fencebook, fencewords
from markets.live.announcer import Announced, Announcer
from markets.live.fencebook import MISSED, FenceBook
from markets.live.fenceroads import REST_SECONDS, Publisher, Subscriber, answers, channel
from markets.live.fenceroads import ROAD as REDIS
from markets.live.listener import ROAD as NOTIFY
from markets.live.listener import Listener
from tests.live.listening import until
from tests.ownredis import own_redis

pytestmark = [pytest.mark.scaled, pytest.mark.django_db(transaction=True)]
SOURCE, REF = 7, "2026-580-MS001"


def packet(seq: int, urgent: bool = False) -> Announced:
    return Announced(SOURCE, REF, seq, urgent, datetime.now(UTC))


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Iterator[FenceBook]:
    """Hears Redis alone; has joined. Readers here beat once, and that is long enough."""
    monkeypatch.setattr(fencebook, "SILENT_SECONDS", 60.0)
    made = FenceBook()
    made.open(["redis"])
    subscriber = Subscriber(os.environ["REDIS_URL"], made)
    subscriber.start()
    until(lambda: _joined(made), 5)
    yield made
    subscriber.end()
    subscriber.join(2)


def _joined(book: FenceBook) -> bool:
    book.read(time.monotonic(), {})
    return book.heard(SOURCE, REF).joined


def test_what_is_announced_is_heard_in_order_and_at_once(book: FenceBook) -> None:
    reader = Announcer(Publisher(os.environ["REDIS_URL"]).send)
    reader.beat(SOURCE)
    until(lambda: book.heard(SOURCE, REF).doubt == MISSED, 2)
    book.read(time.monotonic(), {})
    assert book.heard(SOURCE, REF).doubt == ""
    for seq in range(1, 501):
        reader.announce(packet(seq))
    assert until(lambda: book.heard(SOURCE, REF).announced == 500, 2) < 1
    assert book.heard(SOURCE, REF).doubt == "", "none was lost"


def test_that_a_packet_is_durable_is_heard_though_nothing_else_is_said(book: FenceBook) -> None:
    reader = Announcer(Publisher(os.environ["REDIS_URL"]).send)
    reader.announce(packet(1, urgent=True))
    until(lambda: book.heard(SOURCE, REF).unsettled, 1)
    book.read(time.monotonic(), {})
    assert book.heard(SOURCE, REF).unsettled
    reader.kept(SOURCE, REF, 1)
    until(lambda: _settled(book), 1)


def _settled(book: FenceBook) -> bool:
    book.read(time.monotonic(), {})
    return not book.heard(SOURCE, REF).unsettled


def test_a_killed_subscription_is_doubted_until_a_beat_and_a_reading(book: FenceBook) -> None:
    reader = Announcer(Publisher(os.environ["REDIS_URL"]).send)
    reader.beat(SOURCE)
    until(lambda: book.heard(SOURCE, REF).doubt == MISSED, 2)
    book.read(time.monotonic(), {})
    assert book.heard(SOURCE, REF).doubt == ""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.client_kill_filter(_type="pubsub")
    until(lambda: book.heard(SOURCE, REF).doubt, 1)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        until(lambda: client.pubsub_numsub(channel())[0][1], 3)
    book.read(time.monotonic(), {})
    assert book.heard(SOURCE, REF).doubt == MISSED
    reader.beat(SOURCE)
    until(lambda: _believed(book), 2)


def _believed(book: FenceBook) -> bool:
    book.read(time.monotonic(), {})
    return book.heard(SOURCE, REF).doubt == ""


def test_a_word_that_nobody_understands_is_a_doubt(book: FenceBook) -> None:
    reader = Announcer(Publisher(os.environ["REDIS_URL"]).send)
    reader.beat(SOURCE)
    until(lambda: _believed(book), 2)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.publish(channel(), b"{")
    until(lambda: book.heard(SOURCE, REF).doubt == MISSED, 2)


def test_f4_with_redis_out_of_reach_announcing_returns_at_once() -> None:
    reader = Announcer(Publisher("redis://10.255.255.1:6379/0").send)
    began = time.monotonic()
    for seq in range(1, 1_001):
        reader.announce(packet(seq))
    reader.beat(SOURCE)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_f4_whether_redis_answers_is_told_soon_hung_or_dead(tmp_path: Path, fault: signal.Signals) -> None:
    with own_redis(tmp_path) as one:
        assert answers(one.url)
        one.fail(fault)
        began = time.monotonic()
        assert not answers(one.url)
        assert time.monotonic() - began < 2
        one.come_back()
        until(lambda: answers(one.url), 5)


def test_f4_redis_that_is_gone_is_logged_once_and_once_when_it_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = FenceBook()
    made.open([REDIS])
    with own_redis(tmp_path) as one:
        subscriber = Subscriber(one.url, made)
        subscriber.start()
        until(lambda: _joined(made), 5)
        one.fail(signal.SIGKILL)
        until(lambda: caplog.messages, 5)
        time.sleep(5 * REST_SECONDS)
        assert [words.partition(" (")[0] for words in caplog.messages] == ["announcements of points cannot be heard"]
        one.come_back()
        until(lambda: len(caplog.messages) > 1, 5)
        subscriber.end()
        subscriber.join(2)
    assert caplog.messages[1:] == ["announcements of points are heard again"]


def test_what_a_transaction_kept_is_heard_by_notify() -> None:
    book = FenceBook()
    book.open([NOTIFY])
    listener = Listener(lambda topics: None, book)
    listener.start()
    until(lambda: _joined(book), 5)
    with connection.cursor() as cursor:
        for payload in fencewords.payloads([(SOURCE, REF, 5)]):
            cursor.execute("SELECT pg_notify(%s, %s)", [fencewords.CHANNEL, payload])
    assert until(lambda: book.heard(SOURCE, REF).announced == 5, 2) < 1
    listener.end()
    listener.join(2)
