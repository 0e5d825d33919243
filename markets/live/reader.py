"""The hub's eyes: one thread that reads the store, each time everything asked for in one snapshot, by a fixed number of queries.

Apart from the hub's own thread, so that a slow or hung database never keeps deadlines from closing prices on time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from queue import SimpleQueue
from uuid import UUID

from django.conf import settings
from django.db import connections
from msgspec import Struct

from markets.db import now
from markets.domain.leases import Line
from markets.domain.rules import FeedHealth
from markets.selectors import board, fixture, health, points, streams, terms
from markets.selectors.bundle import snapshot
from markets.selectors.fixture import FixtureSnapshot
from markets.selectors.points import Pending
from markets.selectors.terms import FixtureTerms

from .authority import AnyClaim, Standing, standings
from .fencewords import Match

log = logging.getLogger(__name__)


class Listing(Struct, frozen=True):
    """Which fixtures: of a bookmaker's board, or all live ones of a ``sport``."""

    bookmaker: UUID
    sport: str = ""


class Wanted(Struct, frozen=True):
    """What to read.

    ``fixtures``: these; ``known``: those of these (id → revision) that have a newer revision; ``lines``: the connections of these, beside
    those of ``fixtures`` and of all that are bound to a point feed's match; ``terms``: of each bookmaker's fixtures;
    ``listings``: which fixtures these show; ``claims``: who may listen.
    """

    fixtures: Collection[int] = ()
    known: Mapping[int, int] = {}
    lines: Collection[int] = ()
    terms: Mapping[UUID, Collection[int]] = {}
    listings: Collection[Listing] = ()
    claims: Collection[AnyClaim] = ()


class Loaded(Struct, frozen=True):
    """One snapshot of the store. ``now``: database time at its start; ``at``: the same instant by ``time.monotonic()``.

    ``lines``: the connection of each match that is bound, by its own fixture's id; ``pending``: what waits of each match of the point
    feeds, ``None`` when nobody can say.
    """

    wanted: Wanted
    now: datetime
    at: float
    health: Mapping[int, FeedHealth]
    snapshots: Mapping[int, FixtureSnapshot]
    terms: Mapping[UUID, Mapping[int, FixtureTerms]]
    listings: Mapping[Listing, tuple[int, ...]]
    standings: Mapping[AnyClaim, Standing]
    lines: Mapping[int, Line] = {}
    pending: Mapping[Match, Pending] | None = None


class Failed(Struct, frozen=True):
    """The store did not answer."""

    wanted: Wanted


def alias() -> str:
    """The database alias that cannot write, where there is one."""
    return "read" if "read" in settings.DATABASES else "default"


class Reader:
    """Answers one :class:`Wanted` after the other, each with :class:`Loaded` or :class:`Failed` from its own thread."""

    def __init__(self, answer: Callable[[Loaded | Failed], None], using: str | None = None) -> None:
        self._answer = answer
        self._using = using or alias()
        self._asked: SimpleQueue[Wanted | None] = SimpleQueue()
        self._lost = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="hub-reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, wanted: Wanted) -> None:
        self._asked.put(wanted)

    def end(self) -> None:
        """Gives no further answers; the thread ends once the store lets go of it."""
        self._ended = True
        self._asked.put(None)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while (wanted := self._asked.get()) is not None and not self._ended:
            answer = self._read(wanted)
            if not self._ended:
                self._answer(answer)
        connections[self._using].close()

    def _read(self, wanted: Wanted) -> Loaded | Failed:
        try:
            with snapshot(self._using):
                loaded = read(wanted, self._using)
        except Exception:
            self._say_lost()
            connections[self._using].close()
            return Failed(wanted)
        self._say_back()
        return loaded

    def _say_lost(self) -> None:
        if not self._lost:
            log.exception("the hub cannot read the store")
        self._lost = True

    def _say_back(self) -> None:
        if self._lost:
            log.warning("the hub reads the store again")
        self._lost = False


def read(wanted: Wanted, using: str) -> Loaded:
    """Everything asked for, inside a snapshot that the caller holds. Time first: what follows is no older than it says."""
    at, at_store = time.monotonic(), now(using)
    return Loaded(
        wanted=wanted,
        now=at_store,
        at=at,
        health=health.load_health(using),
        snapshots=fixture.load({*wanted.fixtures, *_newer(wanted.known, using)}, using),
        terms={b: terms.load(b, ids, using) for b, ids in wanted.terms.items() if ids},
        listings={one: _listed(one, using) for one in wanted.listings},
        standings=standings(wanted.claims, using),
        lines=points.load_lines(using, {*wanted.fixtures, *wanted.lines}),
        pending=points.pending(using),
    )


def _listed(listing: Listing, using: str) -> tuple[int, ...]:
    if listing.sport:
        return streams.live(listing.bookmaker, listing.sport, using)
    return tuple(c.id for c in board.candidates(listing.bookmaker, using=using))


def _newer(known: Mapping[int, int], using: str) -> list[int]:
    """A lost doorbell is healed here: one narrow query for all fixtures that somebody looks at."""
    if not known:
        return []
    return [pk for pk, revision in fixture.revisions(known, using).items() if revision != known[pk]]
