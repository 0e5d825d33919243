"""What the hub knows of the store and has heard of points, and what follows from it now. Only the hub's thread touches it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from markets.domain import leases
from markets.domain.heard import NOTHING_HEARD
from markets.domain.rules import STORE_LIMIT, FeedHealth
from markets.selectors.fixture import FixtureSnapshot
from markets.selectors.offer import Offer, assemble, reader_of
from markets.selectors.terms import FixtureTerms

from .fencebook import Changed, FenceBook
from .fencewords import Match
from .frames import FeedCell, milliseconds
from .lines import Lines, Terms
from .reader import Loaded
from .times import Deadlines, StoreClock, earliest, feed_mood, lease_end, next_change, next_feed_change, next_reopening

Pair = tuple[UUID, int]
"""A bookmaker and a fixture."""
HEADROOM = timedelta(milliseconds=200)
"""The store counts as gone so much before its two seconds are over, so that the frames that say so arrive in time (F4)."""


class Book:
    """Facts of fixtures, terms of bookmakers, health of feeds, fences; offers and deadlines made from them."""

    def __init__(self, fences: FenceBook) -> None:
        self._fences = fences
        self._silent: frozenset[int] = frozenset()
        self._lines = Lines()
        self.clock = StoreClock()
        self.snapshots: dict[int, FixtureSnapshot] = {}
        self._bound: dict[Match, int] = {}
        self._lookers: dict[int, set[Pair]] = defaultdict(set)
        self._terms: dict[Pair, FixtureTerms] = {}
        self._health: dict[int, FeedHealth] = {}
        self._moods: dict[int, tuple[object, ...]] = {}
        self._confirmed_at: datetime | None = None
        self._fixture_ends: Deadlines[Pair] = Deadlines()
        self._feed_ends: Deadlines[int] = Deadlines()

    @property
    def answers(self) -> bool:
        """Whether the store answered lately enough for anything to be open."""
        return self._confirmed_at is not None and self.clock.now() - self._confirmed_at < STORE_LIMIT - HEADROOM

    @property
    def silent_at(self) -> datetime | None:
        """When it will count as gone unless it answers."""
        return None if self._confirmed_at is None else self._confirmed_at + STORE_LIMIT - HEADROOM

    def take(self, loaded: Loaded) -> set[Pair]:
        """Takes in a reading of the store; returns what may be offered differently now."""
        steady = self.clock.set(loaded.now, loaded.at)
        self._confirmed_at = loaded.now if steady else None
        changed = {f for f, found in loaded.snapshots.items() if self.snapshots.get(f) != found}
        for fixture_id, found in loaded.snapshots.items():
            self._unbind(fixture_id)
            self.snapshots[fixture_id] = found
            if found.points is not None:
                self._bound[found.points.source_id, found.points.ref] = fixture_id
        stale = self._take_terms(loaded.terms)
        sources = self._take_health(loaded.health)
        lines = self._lines.take(loaded.lines, self._match_terms(), self.clock.now())
        # After the snapshots: a fence comes down only when nothing older than this reading is in hand.
        lowered = self._fences.read(loaded.at, loaded.pending)
        stale |= self.fenced_by(lowered) | self._of_matches(lines)
        return stale | {p for p in self._terms if p[1] in changed or self._sources_of(p[1]) & sources}

    def fenced_by(self, changed: Changed) -> set[Pair]:
        """What may be offered differently because of what was heard of points."""
        fixtures = {self._bound[match] for match in changed.matches if match in self._bound}
        if changed.sources:
            fixtures |= {fixture for (source_id, _), fixture in self._bound.items() if source_id in changed.sources}
            fixtures |= {f for f in self.own_lines() if self.snapshots[f].source_id in changed.sources}
        return self._pairs_of(fixtures)

    def bound(self) -> dict[int, int]:
        """Fixtures bound to a match of a point feed, with the revision in hand."""
        return {f: self.snapshots[f].revision for f in self._bound.values()}

    def own_lines(self) -> list[int]:
        """Fixtures whose prices need a connection of their own (O2)."""
        each = {source_id for source_id, health in self._health.items() if health.each_match}
        return [f for f, found in self.snapshots.items() if found.source_id in each] if each else []

    def due(self) -> set[Pair]:
        """What time alone has changed since it was last worked out."""
        now = self.clock.now()
        sources = set(self._feed_ends.due(now))
        for source_id in sources:
            self._rate(source_id, now)
        sources |= self._turned_silent()
        lapsed = {p for p in self._terms if self._sources_of(p[1]) & sources} if sources else set()
        return lapsed | self._of_matches(self._lines.due(now)) | set(self._fixture_ends.due(now))

    def next_due(self) -> datetime | None:
        """When :meth:`due` next has something to say, or the store falls silent."""
        store = self.silent_at if self.answers else None
        return earliest((self._feed_ends.first(), self._fixture_ends.first(), self._lines.first(), self._next_silence(), store))

    def offer(self, pair: Pair) -> Offer | None:
        """What the bookmaker is offered of the fixture now; ``None`` while either is not loaded."""
        found, decided = self.snapshots.get(pair[1]), self._terms.get(pair)
        if found is None or decided is None:
            return None
        now = self.clock.now()
        confirmed = self._confirmed_at - HEADROOM if self._confirmed_at else None
        points = found.points
        heard = self._fences.heard(points.source_id, points.ref) if points else NOTHING_HEARD
        made = assemble(
            found,
            decided,
            self._health,
            now,
            store_confirmed_at=confirmed,
            lines=self._lines.now,
            heard=heard,
            reader=reader_of(found, self._fences),
        )
        self._fixture_ends.set(pair, earliest((next_change(found, decided, now), next_reopening(made))))
        return made

    def has_terms(self, pair: Pair) -> bool:
        return pair in self._terms

    def pairs(self) -> set[Pair]:
        return set(self._terms)

    def keep_only(self, pairs: Collection[Pair]) -> None:
        """Forgets what nobody looks at any more."""
        for gone in self._terms.keys() - pairs:
            del self._terms[gone]
            self._fixture_ends.set(gone, None)
            self._lookers[gone[1]].discard(gone)
        fixtures = {f for _, f in pairs}
        for fixture_id in self.snapshots.keys() - fixtures:
            self._unbind(fixture_id)
            del self.snapshots[fixture_id]
            self._lookers.pop(fixture_id, None)

    def feeds(self, sources: Collection[int]) -> dict[int, FeedCell]:
        """Liveness of these sources, for beats and snapshots."""
        return {s: _feed_cell(self._health[s]) for s in sources if s in self._health}

    def _take_terms(self, terms: Mapping[UUID, Mapping[int, FixtureTerms]]) -> set[Pair]:
        stale = set()
        for pair, decided in _flat(terms):
            if self._terms.get(pair) != decided:
                self._terms[pair] = decided
                self._lookers[pair[1]].add(pair)
                stale.add(pair)
        return stale

    def _take_health(self, health: Mapping[int, FeedHealth]) -> set[int]:
        """Sources whose state matters differently now; one that vanished counts too."""
        gone = self._health.keys() - health.keys()
        self._health = dict(health)
        now = self.clock.now()
        return {source_id for source_id in health if self._rate(source_id, now)} | gone

    def _rate(self, source_id: int, now: datetime) -> bool:
        health = self._health.get(source_id)
        if health is None:
            return True
        before, mood = self._moods.get(source_id), feed_mood(health, now)
        self._moods[source_id] = mood
        self._feed_ends.set(source_id, next_feed_change(health, now))
        return before != mood

    def _sources_of(self, fixture_id: int) -> set[int]:
        """The feed of its prices, and that of its points."""
        found = self.snapshots.get(fixture_id)
        if found is None:
            return set()
        return {found.source_id, found.points.source_id} if found.points else {found.source_id}

    def _match_terms(self) -> dict[int, Terms]:
        """Of each match that is bound, by its point feed's own fixture, and of each that has a connection of its own (O2)."""
        bound = (s.points for s in self.snapshots.values() if s.points is not None)
        terms = {p.fixture_id: Terms(self._health[p.source_id].lease_seconds) for p in bound if p.source_id in self._health}
        for fixture_id in self.own_lines():
            found = self.snapshots[fixture_id]
            feed = self._health[found.source_id]
            terms[fixture_id] = Terms(feed.lease_seconds, leases.data_seconds(feed, found.phase))
        return terms

    def _unbind(self, fixture_id: int) -> None:
        before = self.snapshots.get(fixture_id)
        points = before.points if before else None
        if points is not None and self._bound.get((points.source_id, points.ref)) == fixture_id:
            del self._bound[points.source_id, points.ref]

    def _pairs_of(self, fixtures: Iterable[int]) -> set[Pair]:
        return {pair for fixture_id in fixtures for pair in self._lookers.get(fixture_id, ())}

    def _of_matches(self, matches: Collection[int]) -> set[Pair]:
        """By the ids of the fixtures that the connections are of."""
        if not matches:
            return set()
        own = (f for f in matches if f in self.snapshots)
        bound = (f for f, s in self.snapshots.items() if s.points is not None and s.points.fixture_id in matches)
        return self._pairs_of({*own, *bound})

    def _turned_silent(self) -> frozenset[int]:
        """Sources whose readers have stopped beating since, or beat again."""
        now = time.monotonic()
        silent = frozenset(s for s, at in self._fences.silences().items() if at <= now)
        turned, self._silent = silent ^ self._silent, silent
        return turned

    def _next_silence(self) -> datetime | None:
        now = time.monotonic()
        ends = [at for at in self._fences.silences().values() if at > now]
        return self.clock.now() + timedelta(seconds=min(ends) - now) if ends else None


def _flat(terms: Mapping[UUID, Mapping[int, FixtureTerms]]) -> Iterator[tuple[Pair, FixtureTerms]]:
    return (((bookmaker, fixture_id), decided) for bookmaker, of in terms.items() for fixture_id, decided in of.items())


def _feed_cell(health: FeedHealth) -> FeedCell:
    end = lease_end(health)
    return FeedCell(milliseconds(health.heard_at) if health.heard_at else None, milliseconds(end) if end else None)
