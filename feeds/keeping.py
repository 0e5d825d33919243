"""Writing frames to the inbox: one transaction for all that wait (promise B1)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import psycopg
from django.db import connections, transaction
from msgspec import Struct

from markets import db
from markets.domain.sports.tennis import TURN
from markets.live import fences
from markets.models import Source

from .base import FeedProtocol, RoutingHint
from .models import FEED_LANE, LANES
from .registry import REGISTRY

HEAD = 4096
"""Bytes of a body that are looked at before it is kept."""
_SLOTS = 64
_MICROSECOND = timedelta(microseconds=1)
_NUMBERS = 2**63


class Arrived(Struct, frozen=True):
    """One whole body as it came in. ``received_at``: this process's aware UTC time when its last byte was read.

    ``stream``: subject of the connection it came on, empty for pushed bodies; ``turn``: how often it had been begun anew by then.
    """

    source_id: int
    received_at: datetime
    content_type: str
    peer: str
    body: bytes
    stream: str = ""
    turn: int = 0


class Routed(Struct, frozen=True):
    """A frame with what its first bytes say; ``seq`` counted through all beginnings of its stream. ``fenced``: it is told of (A1)."""

    frame: Arrived
    lane: int
    guid: str
    fixture_ref: str
    seq: int | None
    fenced: bool


def lane_of(source_id: int, fixture_ref: str) -> int:
    """The lane of a fixture; frames of no known fixture share ``FEED_LANE``. Stable over versions: rows carry it."""
    return crc32(f"{source_id}/{fixture_ref}".encode()) % LANES if fixture_ref else FEED_LANE


def clean(text: str, limit: int) -> str:
    """Text that every database takes, cut to ``limit`` characters."""
    return text.replace("\0", "")[:limit].encode("utf-8", "replace").decode()


def number(hint: RoutingHint) -> int | None:
    """Its number in its stream, unless it is none that a database takes."""
    return hint.seq if hint.seq is not None and 0 <= hint.seq < _NUMBERS else None


def counted(seq: int | None, turn: int) -> int | None:
    """A number of a stream that was begun anew ``turn`` times, so that later numbers are higher than all earlier ones (T3)."""
    return None if seq is None else turn * TURN + seq


class Writer:
    """Keeps batches of frames on the calling thread's connection."""

    def __init__(self) -> None:
        self._protocols: dict[int, FeedProtocol] = {}
        self._slot = os.getpid() % _SLOTS

    def write(self, frames: Sequence[Arrived]) -> tuple[list[int], set[int]]:
        """Keep them all in one transaction: their ids, in order, and the lanes that now have work."""
        routed = [self._route(frame) for frame in frames]
        store = _store_in_postgres if connections["default"].vendor == "postgresql" else _store_in_sqlite
        return store(routed, self._slot), {one.lane for one in routed}

    def _route(self, frame: Arrived) -> Routed:
        protocol = self._protocol(frame.source_id)
        hint = protocol.hint(frame.body[:HEAD], frame.stream)
        guid, fixture_ref = clean(hint.guid, 64), clean(hint.fixture_ref, 64)
        seq = counted(number(hint), frame.turn)
        return Routed(frame, lane_of(frame.source_id, fixture_ref), guid, fixture_ref, seq, protocol.fenced and bool(frame.stream))

    def _protocol(self, source_id: int) -> FeedProtocol:
        if source_id not in self._protocols:
            self._protocols[source_id] = REGISTRY[Source.objects.values_list("provider", flat=True).get(pk=source_id)]
        return self._protocols[source_id]


_KEEP = """
WITH arrived AS (
    SELECT * FROM unnest(%b::bigint[], %b::smallint[], %b::timestamptz[], %b::text[], %b::text[], %b::bytea[], %b::text[], %b::text[],
        %b::text[], %b::bigint[])
    WITH ORDINALITY AS a(source_id, lane, received_at, content_type, peer, body, guid, fixture_ref, stream, seq, n)
), clock AS MATERIALIZED (SELECT clock_timestamp() AS now), kept AS (
    INSERT INTO feeds_frame (day, source_id, lane, received_at, kept_at, content_type, peer, size, body, hint_guid, hint_fixture,
        guid, fixture_ref, stream, hint_seq, parked, reason, notes, retry, resolution, resolved_by, resolved_reason)
    SELECT (clock.now AT TIME ZONE 'UTC')::date, source_id, lane, received_at, clock.now + n * interval '1 microsecond', content_type, peer,
        octet_length(body), body, guid, fixture_ref, guid, fixture_ref, stream, seq, false, '', '[]', 0, '', '', ''
    FROM arrived, clock ORDER BY n
    RETURNING id, source_id
), counted AS (
    INSERT INTO feeds_receivedcount (source_id, slot, received)
    SELECT source_id, %b::smallint, count(*) FROM kept GROUP BY source_id ORDER BY source_id
    ON CONFLICT (source_id, slot) DO UPDATE SET received = feeds_receivedcount.received + EXCLUDED.received
), fenced AS MATERIALIZED (SELECT count(pg_notify(%b, payload)) AS rung FROM unnest(%b::text[]) AS f(payload))
SELECT id FROM kept, fenced WHERE fenced.rung >= 0 ORDER BY id
"""


def _store_in_postgres(routed: Sequence[Routed], slot: int) -> list[int]:
    """One statement, hence one transaction and one round trip; bodies travel as they are (binary parameters, prepared).

    Frames of point streams are told to whoever serves prices, by a NOTIFY on commit: the second road of the fences (A1).
    """
    connection = connections["default"]
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    raw.prepare_threshold = 0
    frames = [one.frame for one in routed]
    columns = (
        [frame.source_id for frame in frames],
        [one.lane for one in routed],
        [frame.received_at for frame in frames],
        [clean(frame.content_type, 200) for frame in frames],
        [clean(frame.peer, 64) for frame in frames],
        [frame.body for frame in frames],
        [one.guid for one in routed],
        [one.fixture_ref for one in routed],
        [clean(frame.stream, 64) for frame in frames],
        [one.seq for one in routed],
    )
    streams = [(one.frame.source_id, one.frame.stream, one.seq) for one in routed if one.fenced]
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        cursor.execute(_KEEP, (*columns, slot, fences.CHANNEL, list(fences.payloads(streams))))
        return [row[0] for row in cursor.fetchall()]


_INSERT = """
INSERT INTO feeds_frame (day, source_id, lane, received_at, kept_at, content_type, peer, size, body, hint_guid, hint_fixture,
    guid, fixture_ref, stream, hint_seq, parked, reason, notes, retry, resolution, resolved_by, resolved_reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', '[]', 0, '', '', '')
"""
_COUNT = """
INSERT INTO feeds_receivedcount (source_id, slot, received) VALUES (?, ?, ?)
ON CONFLICT (source_id, slot) DO UPDATE SET received = received + excluded.received
"""


def _store_in_sqlite(routed: Sequence[Routed], slot: int) -> list[int]:
    connection = connections["default"]
    with transaction.atomic(), connection.wrap_database_errors:
        raw = connection.connection
        now = db.now()
        ids = [raw.execute(_INSERT, _row(one, now + n * _MICROSECOND)).lastrowid for n, one in enumerate(routed)]
        counts = Counter(one.frame.source_id for one in routed)
        raw.executemany(_COUNT, [(source_id, slot, count) for source_id, count in counts.items()])
    return ids


def _row(one: Routed, kept_at: datetime) -> tuple[object, ...]:
    frame = one.frame
    text = (clean(frame.content_type, 200), clean(frame.peer, 64))
    hints = (one.guid, one.fixture_ref)
    stream = (clean(frame.stream, 64), one.seq)
    times = (_naive(frame.received_at), _naive(kept_at))
    return (kept_at.date().isoformat(), frame.source_id, one.lane, *times, *text, len(frame.body), frame.body, *hints, *hints, *stream)


def _naive(time: datetime) -> str:
    """As Django stores times in SQLite."""
    return str(time.astimezone(UTC).replace(tzinfo=None))
