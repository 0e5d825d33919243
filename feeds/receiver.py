"""What the door must tell the database, told once a second by a thread of its own: the event loop never waits for a database.

The same thread refreshes who may push, so that a new feed, a rotated secret or a disabled feed counts within a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from markets import db
from markets.models import SourceLiveness
from markets.services import sources

from . import connection
from .models import Feed
from .peers import networks
from .senders import Sender

logger = logging.getLogger(__name__)
ROUND = 1.0
_PAUSE = 0.05  # between two rounds, however many gaps wake the thread


def load_senders() -> dict[str, Sender]:
    """Slug → sender, of every enabled Updategram feed. One query."""
    rows = Feed.objects.filter(source__enabled=True, source__provider="updategram").select_related("source")
    return {feed.source.slug: Sender(feed.source_id, feed.source.slug, tuple(feed.secret_hashes), networks(feed.networks)) for feed in rows}


class _Notes:
    """What happened since the last round. ``heard``: source id → monotonic second."""

    def __init__(self) -> None:
        self.heard: dict[int, float] = {}
        self.heartbeats: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.gaps: dict[tuple[int, str], None] = {}

    def put_back(self, later: _Notes) -> None:
        self.heard |= later.heard
        self.heartbeats += later.heartbeats
        self.refused += later.refused
        self.gaps |= later.gaps


class Receiver:
    """One per process that receives. ``alive``: whether the event loop still serves; only then somebody is listening (A5)."""

    def __init__(self, alive: Callable[[], bool] = lambda: True) -> None:
        self.senders: Mapping[str, Sender] = {}
        self._alive = alive
        self._lock = threading.Lock()
        self._notes = _Notes()
        self._wake = threading.Event()
        self._loaded = threading.Event()
        self._stopping = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="feed-receiver", daemon=True)

    def start(self, wait: float = 5.0) -> None:
        """Begin, and wait until the senders are known (at most ``wait`` seconds)."""
        self._thread.start()
        self._loaded.wait(wait)

    def stop(self) -> None:
        """Write what is noted and end; at most 2 s."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2)

    @property
    def loaded(self) -> bool:
        """Whether the senders are known; before that nobody can be told apart."""
        return self._loaded.is_set()

    def heard(self, source_id: int, *, heartbeat: bool = False) -> None:
        """An authenticated request came: the lease is renewed at the next round (U18)."""
        with self._lock:
            self._notes.heard[source_id] = time.monotonic()
            if heartbeat:
                self._notes.heartbeats[source_id] += 1

    def refused(self, slug: str) -> None:
        """Somebody was turned away; counted where the slug exists."""
        if sender := self.senders.get(slug):
            with self._lock:
                self._notes.refused[sender.source_id] += 1

    def gap(self, source_id: int, cause: str) -> None:
        """Something of this feed was missed (A5): written at once, and again until the database takes it."""
        with self._lock:
            self._notes.gaps[(source_id, cause)] = None
        self._wake.set()

    def _run(self) -> None:
        connection.own()
        while not self._stopping:
            started = time.monotonic()
            self._round()
            self._wake.clear()
            self._rest(started)
        self._round()
        connection.release()

    def _rest(self, started: float) -> None:
        time.sleep(_PAUSE)
        if not self._notes.gaps or self._failing:
            self._wake.wait(max(0.0, ROUND - (time.monotonic() - started)))

    def _round(self) -> None:
        with self._lock:
            notes, self._notes = self._notes, _Notes()
        try:
            self.senders = load_senders()
            self._loaded.set()
            self._write(notes)
            self._failing = False
        except Exception as error:  # a receiver that dies would silently close every feed
            self._keep_for_later(notes, error)

    def _keep_for_later(self, notes: _Notes, error: Exception) -> None:
        with self._lock:
            notes.put_back(self._notes)
            self._notes = notes
        if not self._failing:
            logger.error("The receiver cannot reach the database: %s", error)
        self._failing = True
        connection.release()

    def _write(self, notes: _Notes) -> None:
        source_ids = sorted(sender.source_id for sender in self.senders.values())  # one order of locks for all receivers
        with transaction.atomic():
            for source_id, cause in notes.gaps:
                sources.open_gap(source_id, cause)
            self._stamp(source_ids)
            _write_heard(notes.heard)
            _count(notes)

    def _stamp(self, source_ids: Iterable[int]) -> None:
        if self._alive() and not self._stopping:
            for source_id in source_ids:
                sources.listening(source_id)


def _write_heard(heard: Mapping[int, float]) -> None:
    if not heard:
        return
    now, here = db.now(), time.monotonic()
    for source_id, at in sorted(heard.items()):
        sources.heard(source_id, now - timedelta(seconds=here - at))


def _count(notes: _Notes) -> None:
    for source_id in sorted(notes.heartbeats.keys() | notes.refused.keys()):
        SourceLiveness.objects.filter(source_id=source_id).update(
            heartbeats=F("heartbeats") + notes.heartbeats[source_id], refused=F("refused") + notes.refused[source_id]
        )
