"""The doorbell rings on commit, and only then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from markets.live.fencebook import FenceBook
from markets.live.listener import Listener
from markets.services import doorbell
from tests.live.listening import until

pytestmark = pytest.mark.django_db(transaction=True)
Rung = list[frozenset[str]]


@pytest.fixture
def rung() -> Iterator[Rung]:
    """What a process's hub hears: by NOTIFY on PostgreSQL, by a direct call on SQLite."""
    heard: Rung = []
    if connection.vendor != "postgresql":
        stop = doorbell.listen(heard.append)
        yield heard
        stop()
        return
    listener = Listener(heard.append, FenceBook())
    listener.start()
    until(lambda: heard == [frozenset({"*"})], 5)
    heard.clear()
    yield heard
    listener.end()
    listener.join(2)


def test_it_rings_when_the_transaction_commits(rung: Rung) -> None:
    with transaction.atomic():
        doorbell.ring(doorbell.fixture(7), doorbell.source(2))
        time.sleep(0.1)
        assert rung == []
    until(lambda: frozenset().union(*rung) == {"f:7", "s:2"}, 2)


def test_it_does_not_ring_when_the_transaction_is_rolled_back(rung: Rung) -> None:
    with transaction.atomic():
        doorbell.ring("f:7")
        transaction.set_rollback(True)
    doorbell.ring("f:8")
    until(lambda: rung, 2)
    assert rung == [frozenset({"f:8"})]


def test_it_rings_from_any_thread(rung: Rung) -> None:
    def ring() -> None:
        doorbell.ring("f:9")
        connection.close()

    thread = threading.Thread(target=ring)
    thread.start()
    thread.join()
    until(lambda: rung == [frozenset({"f:9"})], 2)


def test_many_topics_fit_into_what_the_database_takes(rung: Rung) -> None:
    topics = [doorbell.fixture(100_000_000 + i) for i in range(3_000)]
    doorbell.ring(*topics, *topics)
    until(lambda: frozenset().union(*rung) == set(topics), 3)
    assert all(len(p) < 8_000 for p in doorbell.payloads(topics))
