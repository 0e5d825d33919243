"""Frames beyond a gap of their stream wait aside until the gap is filled (decision T2).

A parked frame is pending but no work: no drain takes it and it is no part of its feed's backlog (A4). Every progress of its stream takes up
what continues it; a gap that is not filled in time is given up by the sweep, which has the first frame beyond it applied all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import Min, Q
from django.db.models.expressions import RawSQL
from msgspec import Struct

from markets.domain.messages import Message
from markets.domain.sports.tennis import Kind, Packet

from .models import Feed, Frame

GAP_SECONDS = 30.0
"""How long a gap may stay unfilled, unless the feed's setting ``gap_seconds`` says otherwise."""
_LONGEST = 86_400
AT_ONCE = 64
"""Most numbers of a stream that are taken up at once: what one turn at the lane applies."""
OF_STREAMS = ~Q(stream=RawSQL("''", ()))
"""Spelled as in the index ``frame_stream_pending``: SQLite uses a partial index only for its own words."""

Stream = tuple[int, str]
"""Source id and the stream's subject, which is the provider's id of the fixture."""


class Parked(Struct, frozen=True):
    """A frame to put aside: its number as parsed, counted through all beginnings of its stream, and what else the parser read."""

    id: int
    day: date
    number: int
    guid: str
    fixture_ref: str
    reason: str


class Overdue(Struct, frozen=True):
    """A stream with a frame that has waited for too long: since before ``since``, in ``lane``."""

    stream: Stream
    lane: int
    since: datetime


def number_of(message: Message | None) -> int | None:
    """The place of a message in its stream; ``None`` where it has none, or one that moves nothing (an alarm's, T2)."""
    packets = (part for part in message.parts if isinstance(part, Packet)) if message else ()
    return next((packet.seq for packet in packets if packet.kind is not Kind.ALARM), None)


_PARK = """
UPDATE feeds_frame SET parked = %s, hint_seq = %s, guid = %s, fixture_ref = %s, reason = %s WHERE id = %s AND day = %s
"""


def park(frames: Iterable[Parked]) -> None:
    """Put them aside. Call while their lane is held."""
    rows = [(True, one.number, one.guid, one.fixture_ref, one.reason, one.id, _day(one.day)) for one in frames]
    if rows:
        with connections["default"].cursor() as cursor:
            cursor.executemany(_PARK, rows)


_BEYOND = """
SELECT id, day, hint_seq FROM feeds_frame
WHERE source_id = %s AND stream = %s AND outcome IS NULL AND NOT (stream = '') AND parked AND hint_seq <= %s ORDER BY hint_seq, id
"""
_TAKE_UP = "UPDATE feeds_frame SET parked = %s, taken_up_at = %s, reason = '' WHERE id = %s AND day = %s"


def take_up(reached: Mapping[Stream, int], now: datetime) -> bool:
    """Make work of the frames that continue their streams, which have come as far as ``reached``; whether there were any.

    Only an unbroken run of numbers, so that no frame is parked twice, however many wait. Call while their lane is held.
    """
    found = [row for stream, number in sorted(reached.items()) for row in _continuing(stream, number)]
    if found:
        at = connections["default"].ops.adapt_datetimefield_value(now)
        with connections["default"].cursor() as cursor:
            cursor.executemany(_TAKE_UP, [(False, at, id_, _day(day)) for id_, day in found])
    return bool(found)


def _continuing(stream: Stream, number: int) -> list[tuple[int, date]]:
    run: list[tuple[int, date]] = []
    for id_, day, seq in _ask(_BEYOND, [*stream, number + AT_ONCE]):
        if seq > number + 1:
            break
        number = max(number, seq)
        run.append((id_, day))
    return run


def overdue(now: datetime) -> list[Overdue]:
    """Streams whose gap has been open for too long."""
    parked = Frame.objects.filter(OF_STREAMS, outcome__isnull=True, parked=True).order_by("source_id", "stream")
    waiting = list(parked.values_list("source_id", "stream", "lane").annotate(oldest=Min("kept_at")))
    if not waiting:
        return []
    since = {source_id: now - patience for source_id, patience in _patience({row[0] for row in waiting}).items()}
    return [
        Overdue((source_id, subject), lane, since[source_id]) for source_id, subject, lane, oldest in waiting if oldest <= since[source_id]
    ]


def _patience(source_ids: set[int]) -> dict[int, timedelta]:
    said = dict(Feed.objects.filter(pk__in=source_ids).values_list("pk", "settings__gap_seconds"))
    return {source_id: timedelta(seconds=_seconds(said.get(source_id))) for source_id in source_ids}


def _seconds(said: object) -> float:
    return float(said) if isinstance(said, int | float) and 0 < said < _LONGEST else GAP_SECONDS


_FIRST = """
SELECT id, day FROM feeds_frame
WHERE source_id = %s AND stream = %s AND outcome IS NULL AND NOT (stream = '') AND parked AND EXISTS (
    SELECT 1 FROM feeds_frame WHERE source_id = %s AND stream = %s AND outcome IS NULL AND NOT (stream = '') AND parked AND kept_at <= %s
) ORDER BY hint_seq, id LIMIT 1
"""


def first(late: Overdue) -> tuple[int, date] | None:
    """Id and day of the lowest frame that waits in the stream, if the stream is overdue still. Call while its lane is held."""
    since = connections["default"].ops.adapt_datetimefield_value(late.since)
    found = _ask(_FIRST, [*late.stream, *late.stream, since])
    return (found[0][0], found[0][1]) if found else None


def _day(day: date) -> Any:
    return connections["default"].ops.adapt_datefield_value(day)


def _ask(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
