"""The runner's side of the database: one thread, one connection, asked from the event loop, which never waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from django.db import transaction
from msgspec import Struct

from markets import db
from markets.domain.sports.tennis import TURN
from markets.models import Fixture, Gap
from markets.services import pointlife, sources

from . import connection, sealing
from .errors import Refused
from .models import Feed, Frame
from .outgoing import Report, Vital, Wanted

P = ParamSpec("P")
T = TypeVar("T")
_MOST_PENDING = 10_000


class Noted(Struct, frozen=True):
    """One subject's report with what changes all the time, and whether more than that has changed."""

    source_id: int
    ref: str
    report: Report
    vital: Vital
    changed: bool


class Round(Struct, frozen=True):
    """What one second's round has to write. ``heard``: source id → monotonic second; ``gaps``: (source id, match) → cause."""

    listening: Collection[int]
    heard: Mapping[int, float]
    lives: Sequence[Noted]
    gaps: Mapping[tuple[int, str], str]


class Clerk:
    """``ask`` runs a function of this module in the clerk's thread. ``stop`` once."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runner-clerk", initializer=connection.own)

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Its answer; a database error leaves a fresh connection for the next."""

        def put() -> T:
            try:
                return question(*args, **kwargs)
            except Exception:
                connection.release()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, put)

    def stop(self) -> None:
        """Nothing more is written; does not wait for a database that hangs."""
        self._thread.submit(connection.release)
        self._thread.shutdown(wait=False, cancel_futures=False)


def wanted(providers: Collection[str]) -> list[Wanted]:
    """Every enabled feed of ``providers`` that we fetch, with its credential. One query."""
    rows = Feed.objects.filter(source__enabled=True, source__provider__in=providers).select_related("source").order_by("pk")
    return [_wanted(feed) for feed in rows]


def _wanted(feed: Feed) -> Wanted:
    try:
        token, refusal = sealing.credential(feed), ""
    except Refused as refused:
        token, refusal = "", refused.words
    source = feed.source
    return Wanted(feed.source_id, source.slug, source.provider, feed.settings, token, refusal)


class Position(Struct, frozen=True):
    """Where a stream is gone on with: the highest number up to which everything is kept, and how often it was begun anew."""

    number: int | None
    turn: int


def position(source_id: int, ref: str) -> Position:
    """What is applied, and what waits right behind it."""
    turn, last = pointlife.applied(source_id, ref)
    waiting = Frame.objects.filter(source_id=source_id, stream=ref, outcome__isnull=True, hint_seq__gte=turn * TURN)
    pending = waiting.values_list("hint_seq", flat=True)[:_MOST_PENDING]
    for seq in sorted({seq - turn * TURN for seq in pending if seq is not None}):
        if _goes_on(last, seq):
            last = seq
    return Position(last, turn)


def _goes_on(last: int | None, seq: int) -> bool:
    """Numbers begin at 1; 0 only says that there is none yet."""
    return seq in (0, 1) if last is None else seq == last + 1


UPCOMING_WITHIN = timedelta(hours=36)
STARTED_WITHIN = timedelta(hours=6)
MOST_UPCOMING = 500


def upcoming(source_id: int) -> list[str]:
    """Fixtures of the source that begin before long, or should have and did not; the next first. One query."""
    now = db.now()
    rows = Fixture.objects.filter(source_id=source_id, phase="upcoming", has_details=True)
    soon = rows.filter(start__gt=now - STARTED_WITHIN, start__lt=now + UPCOMING_WITHIN).order_by("start", "pk")
    return list(soon.values_list("ref", flat=True)[:MOST_UPCOMING])


def doubts(source_ids: Collection[int], after: int) -> list[tuple[int, int, str | None]]:
    """Gaps of these sources that whole payloads close, newer than the row ``after``: (row id, source id, match; ``None`` for all)."""
    rows = Gap.objects.filter(source_id__in=source_ids, closed_at=None, sticky=False, pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", "source_id", "fixture__ref"))


def write(noted: Round) -> set[int]:
    """One transaction: who listens, who was heard, every match's connection, gaps. Of whom nobody had listened for a while."""
    with transaction.atomic():
        missed = {source_id for source_id in sorted(noted.listening) if sources.listening(source_id)}
        for (source_id, ref), cause in noted.gaps.items():
            sources.open_gap(source_id, cause, fixture_ref=ref)
        now, here = db.now(), time.monotonic()
        for source_id, at in sorted(noted.heard.items()):
            sources.heard(source_id, now - timedelta(seconds=here - at))
        _lives(noted.lives, now, here)
    return missed


def _lives(lives: Sequence[Noted], now: datetime, here: float) -> None:
    changed = {one.source_id for one in lives if one.changed}
    pointlife.record([_life(one, now, here) for one in lives], changed)


def _life(one: Noted, now: datetime, here: float) -> pointlife.Life:
    def at(moment: float | None) -> datetime | None:
        return None if moment is None else now - timedelta(seconds=here - moment)

    r, v = one.report, one.vital
    told = (r.state, r.words, r.last_seq, r.gaps, r.reconnects)
    return pointlife.Life(one.source_id, one.ref, at(v.heard_at), *told, v.lease_seconds, at(v.data_at), v.road, v.rereads)
