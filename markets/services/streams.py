"""A point feed's stream while it is applied: what it lacks, how far it has come, whom its match is bound to (decisions T2, T7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import connection
from msgspec import Struct
from msgspec.structs import replace

from markets.domain.messages import Message
from markets.domain.sports import tennis
from markets.domain.sports.tennis import Packet, Place, Tennis, place
from markets.models import PointState

from .factstore import Held

_BOUND = "SELECT fixture_id FROM markets_binding WHERE ended_at IS NULL AND points_id IN ({matches}) ORDER BY id"


class Missing(Struct, frozen=True):
    """Numbers of a stream, first to last, that lie before a packet and have not come."""

    first: int
    last: int


def missing(match: Tennis | None, message: Message) -> Missing | None:
    """What must come before ``message``; ``None`` when nothing does, or when its packet has no place in the stream."""
    packet = _packet(message)
    if packet is None or packet.seq is None or place(match, packet) is not Place.BEYOND:
        return None
    applied = 0 if match is None or match.applied is None else match.applied
    return Missing(applied + 1, packet.seq - 1)


def jumped(message: Message) -> Message:
    """The message with its packet marked: those before it never came and are given up."""
    parts = tuple(replace(part, jumped=True) if isinstance(part, Packet) else part for part in message.parts)
    return replace(message, parts=parts)


def taken_by_alarms(match: Tennis | None, lacking: Missing) -> bool:
    """Whether kept Alarms carried each of the numbers; then no person is needed, but a whole live point is (ADR 0011)."""
    return tennis.taken_by_alarms(match, lacking.first, lacking.last)


def words(lacking: Missing) -> str:
    """ "packets 17–19 never came"."""
    if lacking.first == lacking.last:
        return f"packet {lacking.first} never came"
    return f"packets {lacking.first}–{lacking.last} never came"


def reached(before: Tennis | None, after: Tennis | None) -> int | None:
    """The number to which the stream has come, through all its beginnings, if it has moved."""
    number = after.number if after else None
    return number if number != (before.number if before else None) else None


def turns(source_id: int, refs: Collection[str]) -> dict[str, int]:
    """How often each of these matches' streams was begun anew. One query."""
    rows = PointState.objects.filter(fixture__source_id=source_id, fixture__ref__in=refs, state__course__turn__gt=0)
    return dict(rows.values_list("fixture__ref", "state__course__turn"))


def bound_to(written: Iterable[Held]) -> list[int]:
    """Row ids of the fixtures that matches among these are bound to: what a match tells concerns their markets."""
    matches = [held.id for held in written if held.state.tennis is not None]
    if not matches:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BOUND.format(matches=", ".join(["%s"] * len(matches))), matches)
        return [fixture_id for (fixture_id,) in cursor.fetchall()]


def _packet(message: Message) -> Packet | None:
    return next((part for part in message.parts if isinstance(part, Packet)), None)
