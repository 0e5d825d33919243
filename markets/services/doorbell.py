"""The doorbell: tells the hubs of every process *that* something changed, never *what* (docs/architecture.md 3).

It rings exactly when the writing transaction commits: by ``NOTIFY`` on PostgreSQL, by a direct call in one process on SQLite.
A lost ring costs at most the hub's next one-second tick.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from django.db import connection, transaction

CHANNEL = "desk"
EVERYTHING = "*"
PAYLOAD_LIMIT = 7_900  # PostgreSQL refuses 8,000 bytes

Listener = Callable[[frozenset[str]], None]
_listeners: set[Listener] = set()
_lock = threading.Lock()


def fixture(fixture_id: int) -> str:
    """The topic of a fixture: its feed facts, or what anybody decided about it."""
    return f"f:{fixture_id}"


def bookmaker(bookmaker_id: object) -> str:
    """The topic of a bookmaker (its UUID): terms, holds and overrides that reach beyond one fixture."""
    return f"b:{bookmaker_id}"


def source(source_id: int) -> str:
    """The topic of a source: its gaps, leases and backlog."""
    return f"s:{source_id}"


def ring(*topics: str) -> None:
    """Rings once the surrounding transaction commits, at once without one.

    Topics: ``f:<fixture id>``, ``b:<bookmaker uuid>``, ``s:<source id>``.
    """
    if not topics:
        return
    if connection.vendor == "postgresql":
        _notify(topics)
    else:
        transaction.on_commit(partial(deliver, frozenset(topics)), robust=True)


def listen(listener: Listener) -> Callable[[], None]:
    """Calls ``listener`` (from any thread; it must return at once) at each ring of this process; returns what ends it."""
    with _lock:
        _listeners.add(listener)
    return partial(_forget, listener)


def deliver(topics: frozenset[str]) -> None:
    """Hands a ring to every listener of this process."""
    with _lock:
        listeners = tuple(_listeners)
    for listener in listeners:
        listener(topics)


def topics_of(payload: str) -> frozenset[str]:
    """What a notification's payload names."""
    return frozenset(payload.split())


def payloads(topics: Iterable[str]) -> Iterator[str]:
    """The topics, each once, in as few payloads as PostgreSQL allows."""
    waiting = ""
    for topic in dict.fromkeys(topics):
        if waiting and len(waiting) + 1 + len(topic) > PAYLOAD_LIMIT:
            yield waiting
            waiting = ""
        waiting = f"{waiting} {topic}" if waiting else topic
    if waiting:
        yield waiting


def _notify(topics: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for payload in payloads(topics):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


def _forget(listener: Listener) -> None:
    with _lock:
        _listeners.discard(listener)
