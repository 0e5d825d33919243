"""Drain a lane: take its pending frames in order until there are none (docs/architecture.md 3).

PostgreSQL: the lane's row is locked while a batch is read and applied. SQLite: all drains share a process; a lock a lane keeps the order,
and frames are read before the pen is taken. Frames that are parked beyond a gap of their stream are no work (:mod:`feeds.parking`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
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


class Job(Struct, frozen=True):
    """What a turn at ``lane`` takes: rows with their sources. ``jumps``: apply them though the numbers before them never came."""

    lane: int
    take: Callable[[], tuple[list[Row], Sources]]
    jumps: bool = False


def drain(lane: int) -> int:
    """Give every pending frame of ``lane`` its outcome, in order, but those beyond a gap of their stream, which are parked; how many.

    Returns at once where another drain holds the lane: that one looks again after it let go, so nothing is left behind.
    A database error that passes by itself leaves the rest for the next nudge or sweep.
    """
    return _work(Job(lane, partial(_take, lane)))


def give_up(late: parking.Overdue) -> int:
    """Apply what waits in an overdue stream, lowest number first, as far as it goes on without another gap; how many frames."""
    jumped = _work(Job(late.lane, partial(_take_first, late), jumps=True), again=False)
    return jumped + drain(late.lane) if jumped else 0


def _work(job: Job, *, again: bool = True) -> int:
    """Turns until nothing waits, or one; a frame of a turn gets its outcome, is parked or changes its lane, so they come to an end."""
    turn = _turn_in_postgres if connection.vendor == "postgresql" else _turn_in_sqlite
    done = 0
    try:
        while (settled := _turn(turn, job)) is not None:
            done += settled
            if not again or not pending(job.lane):
                break
    except Exception as error:
        if not passes(error):
            raise
        logger.warning("lane %d waits: %s: %s", job.lane, type(error).__name__, error)
        if not connection.in_atomic_block:
            release()
    return done


def holding(lane: int) -> threading.Lock:
    """What keeps the drains of this process out of ``lane`` while it is held; enough on SQLite, where there is one process."""
    return _LOCKS[lane]


@contextmanager
def alone_in(lane: int) -> Iterator[None]:
    """A transaction in which no drain works on ``lane``."""
    with holding(lane), transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM feeds_lane WHERE number = %s FOR UPDATE", [lane])
        yield


def pending(lane: int) -> bool:
    """Whether frames of ``lane`` wait to be applied."""
    return bool(_ask("SELECT 1 FROM feeds_frame WHERE lane = %s AND outcome IS NULL AND NOT parked LIMIT 1", [lane]))


def _turn(turn: Callable[[Job, bool], int | None], job: Job) -> int | None:
    """One turn at the lane; after an error that a message itself caused, once more with each message alone."""
    try:
        return turn(job, False)
    except Exception as error:
        if passes(error):
            raise
        logger.warning("lane %d: applying a batch failed (%s: %s); one by one now", job.lane, type(error).__name__, error)
    return turn(job, True)


def _turn_in_postgres(job: Job, careful: bool) -> int | None:
    with transaction.atomic():
        if (now := _lock(job.lane)) is None:
            return None
        rows, of = job.take()
        return _settle(_read(rows, of), of, now, job, careful)


def _settle(reads: Sequence[Read], of: Sources, now: datetime, job: Job, careful: bool) -> int:
    staying = re_lane(reads)
    jumped = {one.row.id for one in staying} if job.jumps else ()
    return len(settle(staying, of, now, careful=careful, live=not job.jumps, jumped=jumped))


def _lock(lane: int) -> datetime | None:
    """Database time once the lane is ours; ``None`` where another drain holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() FROM feeds_lane WHERE number = %s FOR UPDATE SKIP LOCKED", [lane])
        if row := cursor.fetchone():
            return db.utc(row[0])
        # Held, or missing: a new row is ours until we commit.
        cursor.execute("INSERT INTO feeds_lane (number) VALUES (%s) ON CONFLICT DO NOTHING RETURNING clock_timestamp()", [lane])
        row = cursor.fetchone()
        return db.utc(row[0]) if row else None


def _turn_in_sqlite(job: Job, careful: bool) -> int | None:
    if not _LOCKS[job.lane].acquire(blocking=False):
        return None
    try:
        rows, of = job.take()
        return _settle_in_steps(_read(rows, of), of, job, careful)
    finally:
        _LOCKS[job.lane].release()


def _settle_in_steps(reads: Sequence[Read], of: Sources, job: Job, careful: bool) -> int:
    """Short transactions, so that keepers and operators get the pen in between."""
    done = position = 0
    while position < len(reads):
        step = reads[position : position + _PACE.messages]
        with transaction.atomic(), _PACE:
            done += _settle(step, of, db.now(), job, careful)
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


def _take(lane: int) -> tuple[list[Row], Sources]:
    """The oldest pending frames of ``lane``: at most a batch, and no more bytes than a worker may hold (but one at least)."""
    ids: list[int] = []
    days: set[date] = set()
    room = BATCH_BYTES
    for id_, day, size in _ask(_WAITING, [lane, BATCH]):
        if ids and size > room:
            break
        ids.append(id_)
        days.add(day)
        room -= size
    return _fetch(ids, sorted(days)) if ids else ([], {})


def _take_first(late: parking.Overdue) -> tuple[list[Row], Sources]:
    """The lowest frame of a stream whose gap is given up."""
    found = parking.first(late)
    return _fetch([found[0]], [found[1]]) if found else ([], {})


_WAITING = "SELECT id, day, size FROM feeds_frame WHERE lane = %s AND outcome IS NULL AND NOT parked ORDER BY lane, id LIMIT %s"
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
