"""What the feeds said of fixtures, kept in memory by what it was read at; never what is open, which is worked out for each request.

A fixture's facts are taken from memory only when everything that made them is, in the snapshot at hand, as it was when they were read.
"""

# ruff: noqa: S608 -- only this module's own names are put into the SQL; every value travels as a parameter

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping

from django.db import connections

from . import fixture
from .bundle import NO_ID, Arm, Dialect, marks
from .fixture import FixtureSnapshot

MOST_SELECTIONS = 60_000
KIND = "facts"


def arm(using: str, fixture_ids: Collection[int]) -> Arm:
    """Rows of kind ``facts``: fixture → all revisions and times that its snapshot depends on, as one text."""
    d = Dialect(using)
    ids = tuple(fixture_ids) or NO_ID
    body = d.json(
        revision="f.revision",
        changed="f.changed_at",
        created="f.created_at",
        source="s.slug",
        simulated="s.simulated",
        sport="t.slug",
        binding="b.id",
        broken="b.broken_at",
        points="p.revision",
        points_changed="p.changed_at",
        link="l.id",
        version="l.version",
        link_broken="l.broken_at",
    )
    sql = (
        f"SELECT '{KIND}', f.id, {body} FROM markets_fixture f JOIN markets_source s ON s.id = f.source_id"
        " LEFT JOIN markets_sport t ON t.id = f.sport_id"
        " LEFT JOIN markets_binding b ON b.fixture_id = f.id AND b.ended_at IS NULL LEFT JOIN markets_fixture p ON p.id = b.points_id"
        " LEFT JOIN markets_link l ON l.ended_at IS NULL AND (l.fixture_id = f.id OR l.other_id = f.id)"
        f" WHERE f.id IN ({marks(ids)})"
    )
    return Arm(sql, ids)


def load(kinds: Mapping[str, list[tuple[int, str]]], using: str, *, committed: bool) -> dict[int, FixtureSnapshot]:
    """The snapshots of the rows of :func:`arm`, in the very snapshot that these were read in. No query when all are remembered.

    ``committed``: that snapshot shows nothing that may still be undone; otherwise nothing is remembered, nor taken from memory.
    """
    if not committed:
        return fixture.load([fixture_id for fixture_id, _ in kinds.get(KIND, ())], using)
    wanted = dict(kinds.get(KIND, ()))
    found = {i: facts for i, mark in wanted.items() if (facts := _memory.get(i, mark)) is not None}
    missing = fixture.load([i for i in wanted if i not in found], using)
    for i, facts in missing.items():
        if facts.facts.link is None:  # what is taken from which feed of a link has no revision of the fixture's
            _memory.put(i, wanted[i], facts)
    return found | missing


def committed(using: str) -> bool:
    """Whether a snapshot that begins now can show committed facts only."""
    return not connections[using].in_atomic_block


class Memory:
    """The newest facts of fixtures lately read, bounded by their selections."""

    def __init__(self, most_selections: int = MOST_SELECTIONS) -> None:
        self._most = most_selections
        self._held: OrderedDict[int, tuple[str, FixtureSnapshot, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, fixture_id: int, mark: str) -> FixtureSnapshot | None:
        with self._lock:
            held = self._held.get(fixture_id)
            if held is None or held[0] != mark:
                return None
            self._held.move_to_end(fixture_id)
            return held[1]

    def put(self, fixture_id: int, mark: str, facts: FixtureSnapshot) -> None:
        weight = 10 + sum(len(market.selections) for market in facts.markets)
        with self._lock:
            self._weight += weight - (self._held[fixture_id][2] if fixture_id in self._held else 0)
            self._held[fixture_id] = (mark, facts, weight)
            self._held.move_to_end(fixture_id)
            while self._weight > self._most and len(self._held) > 1:
                self._weight -= self._held.popitem(last=False)[1][2]


_memory = Memory()
