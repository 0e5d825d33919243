"""Drain lanes: take their pending frames in order until there are none (docs/architecture.md 3).

What waits in several lanes is applied together: a transaction costs the same however many frames it takes. PostgreSQL: the rows of those
lanes are locked while a batch is read and applied. SQLite: all drains share a process; a lock a lane keeps the order, and frames are read
before the pen is taken. Frames that are parked beyond a gap of their stream are no work (:mod:`feeds.parking`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from msgspec import Struct

from markets import db

from . import memory, parking
from .connection import passes, release
from .models import FEED_LANE
from .pressure import give_way
from .settle import COLUMNS, SOURCE_COLUMNS, Read, Row, SourceFacts, Sources, in_order, re_lane, read, row_of, settle

logger = logging.getLogger(__name__)

BATCH = 64
BATCH_BYTES = 4 * 1024 * 1024
_PEN_MESSAGES = 16
_PEN_SECONDS = 0.010
_BREATH_SECONDS = 0.0002
_LOCKS = tuple(threading.Lock() for _ in range(FEED_LANE + 1))


Take = Callable[[Collection[int]], tuple[list[Row], Sources]]
"""What a turn at some lanes takes: rows with their sources."""


class Turn(Struct, frozen=True):
    """A turn at lanes that was had: the ``lanes`` that no other drain held, and how many frames were ``settled``."""

    lanes: frozenset[int]
    settled: int = 0


class Manner(Struct, frozen=True):
    """How a turn applies. ``careful``: each message alone; ``jumps``: though the numbers before them never came."""

    careful: bool = False
    jumps: bool = False


def drain(*lanes: int) -> int:
    """Give every pending frame of ``lanes`` its outcome, in order, but those beyond a gap of their stream, which are parked; how many.

    Passes over a lane that another drain holds: that one looks again after it let go, so nothing is left behind.
    A database error that passes by itself leaves the rest for the next nudge or sweep.
    """
    done, left = 0, frozenset(lanes)
    with _leaving_what_passes(left):
        # A frame of a turn gets its outcome, is parked or changes its lane, and a held lane is left, so the turns come to an end.
        while left and (chosen := frozenset(row[0] for row in _next(left))):
            had = _turn(chosen, _take)
            done += had.settled
            left -= chosen - had.lanes
    return done


def give_up(late: parking.Overdue) -> int:
    """Apply what waits in an overdue stream, lowest number first, as far as it goes on without another gap; how many frames."""
    jumped = 0
    with _leaving_what_passes((late.lane,)):
        jumped = _turn(frozenset({late.lane}), lambda _: _take_first(late), jumps=True).settled
    return jumped + drain(late.lane) if jumped else 0


@contextmanager
def _leaving_what_passes(lanes: Collection[int]) -> Iterator[None]:
    """Ends the block at a database error that passes by itself."""
    try:
        yield
    except Exception as error:
        if not passes(error):
            raise
        logger.warning("lanes %s wait: %s: %s", ", ".join(map(str, sorted(lanes))), type(error).__name__, error)
        if not connection.in_atomic_block:
            release()


def holding(lane: int) -> threading.Lock:
    """What keeps the drains of this process out of ``lane`` while it is held; enough on SQLite, where there is one process."""
    return _LOCKS[lane]


@contextmanager
def alone_in(lane: int) -> Iterator[None]:
    """A transaction in which no drain works on ``lane``."""
    with holding(lane), transaction.atomic():
        if connection.vendor == "postgresql":
            _ask(_MAKE.format(rows="(%s)"), [lane])  # a row that is not there locks nobody out
            _ask("SELECT 1 FROM feeds_lane WHERE number = %s FOR UPDATE", [lane])
        yield


def pending(lane: int) -> bool:
    """Whether frames of ``lane`` wait to be applied."""
    return bool(_ask("SELECT 1 FROM feeds_frame WHERE lane = %s AND outcome IS NULL AND NOT parked LIMIT 1", [lane]))


def _turn(lanes: frozenset[int], take: Take, *, jumps: bool = False) -> Turn:
    """One turn at the lanes; after an error that a message itself caused, once more with each message alone."""
    turn = _turn_in_postgres if connection.vendor == "postgresql" else _turn_in_sqlite
    try:
        return turn(lanes, take, Manner(jumps=jumps))
    except Exception as error:
        if passes(error):
            raise
        logger.warning("lanes %s: a batch failed (%s: %s); one by one now", sorted(lanes), type(error).__name__, error)
    return turn(lanes, take, Manner(careful=True, jumps=jumps))


def _turn_in_postgres(lanes: frozenset[int], take: Take, manner: Manner) -> Turn:
    with transaction.atomic():
        locked = _lock(lanes)
        if not locked:
            return Turn(frozenset())
        rows, of = take(locked)
        return Turn(frozenset(locked), _settle(_read(rows, of), of, max(locked.values()), manner))


def _settle(reads: Sequence[Read], of: Sources, now: datetime, manner: Manner) -> int:
    staying = re_lane(reads)
    jumped = {one.row.id for one in staying} if manner.jumps else ()
    return len(settle(staying, of, now, careful=manner.careful, live=not manner.jumps, jumped=jumped))


_LOCK = "SELECT number, clock_timestamp() FROM feeds_lane WHERE number IN ({places}) FOR UPDATE SKIP LOCKED"
_MAKE = "INSERT INTO feeds_lane (number) VALUES {rows} ON CONFLICT DO NOTHING RETURNING number, clock_timestamp()"


def _lock(lanes: Collection[int]) -> dict[int, datetime]:
    """Those that no other drain holds, ours until we commit, each with the database time at which it was taken."""
    wanted = sorted(lanes)
    locked = _ask(_LOCK.format(places=_places(wanted)), wanted)
    if len(locked) < len(wanted):  # held, or missing: a new row is ours
        rest = sorted({*wanted} - {lane for lane, _ in locked})
        locked += _ask(_MAKE.format(rows=", ".join(["(%s)"] * len(rest))), rest)
    return {lane: db.utc(at) for lane, at in locked}


def _turn_in_sqlite(lanes: frozenset[int], take: Take, manner: Manner) -> Turn:
    locked = frozenset(lane for lane in sorted(lanes) if _LOCKS[lane].acquire(blocking=False))
    try:
        if not locked:
            return Turn(locked)
        rows, of = take(locked)
        return Turn(locked, _settle_in_steps(_read(rows, of), of, manner))
    finally:
        for lane in locked:
            _LOCKS[lane].release()


def _settle_in_steps(reads: Sequence[Read], of: Sources, manner: Manner) -> int:
    """Short transactions, so that keepers and operators get the pen in between."""
    done = position = 0
    while position < len(reads):
        step = reads[position : position + _PACE.messages]
        with transaction.atomic(), _PACE:
            done += _settle(step, of, db.now(), manner)
        position += len(step)
        time.sleep(_BREATH_SECONDS)  # locks are not fair: whoever waits for the pen gets it now
        give_way(_PACE.took)
    return done


class _Pace:
    """How many messages a transaction takes on SQLite, so that it holds the pen for about 10 ms; learnt from the last ones."""

    def __init__(self) -> None:
        self.messages = _PEN_MESSAGES
        self.took = 0.0
        self._begun = threading.local()

    def __enter__(self) -> None:
        self._begun.at = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.took = took = time.monotonic() - self._begun.at
        if took > _PEN_SECONDS:
            self.messages = max(1, self.messages // 2)
        elif took < _PEN_SECONDS / 2:
            self.messages = min(_PEN_MESSAGES, self.messages + 1)


_PACE = _Pace()


def _read(rows: Sequence[Row], of: Sources) -> list[Read]:
    return in_order([_read_one(row, of[row.source_id].provider) for row in rows])


def _read_one(row: Row, provider: str) -> Read:
    begun = time.monotonic()
    done = read(row, provider)
    if len(row.body) >= memory.LARGE:
        memory.give_back()
    give_way(time.monotonic() - begun)
    return done


def _take(lanes: Collection[int]) -> tuple[list[Row], Sources]:
    """What the lanes' turn is about: at most a batch."""
    chosen = _next(lanes)
    return _fetch([id_ for _, id_, _ in chosen], sorted({day for _, _, day in chosen})) if chosen else ([], {})


def _next(lanes: Collection[int]) -> list[tuple[int, int, date]]:
    """Lane, id and day of the pending frames to take next: at most a batch, and no more bytes than a worker may hold (but one at least).

    The oldest of all lanes first, so that a flood in one keeps no other waiting. A large one is taken alone, so that only its own lane
    waits while it is read.
    """
    chosen: list[tuple[int, int, date]] = []
    room = BATCH_BYTES
    waiting = " UNION ALL ".join([_OF_LANE] * len(lanes)) + " ORDER BY id LIMIT %s"
    for lane, id_, day, size in _ask(waiting, [*(value for one in sorted(lanes) for value in (one, BATCH)), BATCH]):
        if chosen and (size > room or size >= memory.LARGE):
            break
        chosen.append((lane, id_, day))
        room -= size
        if size >= memory.LARGE:
            break
    return chosen


def _take_first(late: parking.Overdue) -> tuple[list[Row], Sources]:
    """The lowest frame of a stream whose gap is given up."""
    found = parking.first(late)
    return _fetch([found[0]], [found[1]]) if found else ([], {})


_OF_LANE = (
    "SELECT * FROM (SELECT lane, id, day, size FROM feeds_frame"
    " WHERE lane = %s AND outcome IS NULL AND NOT parked ORDER BY lane, id LIMIT %s) AS of_lane"
)
_TAKE = (
    f"SELECT {', '.join(f'f.{name}' for name in COLUMNS)}, {', '.join(f's.{name}' for name in SOURCE_COLUMNS)}"  # noqa: S608 - our own names
    " FROM feeds_frame f JOIN markets_source s ON s.id = f.source_id"
    " WHERE f.id IN ({ids}) AND f.day IN ({days}) AND f.outcome IS NULL ORDER BY f.id"
)


def _fetch(ids: Sequence[int], days: Sequence[date]) -> tuple[list[Row], Sources]:
    statement = _TAKE.format(ids=_places(ids), days=_places(days))
    of: dict[int, SourceFacts] = {}
    rows: list[Row] = []
    for values in _ask(statement, [*ids, *(connection.ops.adapt_datefield_value(day) for day in days)]):
        rows.append(row_of(values[: len(COLUMNS)]))
        of[rows[-1].source_id] = SourceFacts(*values[len(COLUMNS) :])
    return rows, of


def _places(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _ask(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Plain SQL: for every message the ORM would take longer to write these queries than the database to answer them (measured)."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
