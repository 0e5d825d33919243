"""The one writer of the audit (promise F1). Call it in the transaction of the change it records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from markets.models import AuditRecord

from .actor import Actor


class Record(Struct, frozen=True):
    """One change: who (``actor`` is ``user:<id>``, ``key:<prefix>``, ``feed:<slug>`` or ``clock``), what, and both values as JSON.

    ``bookmaker_id`` None: shared by all. ``via``: feed, page, api, admin, command or clock.
    ``message``: guid of the message that caused it.
    """

    at: datetime
    actor: str
    actor_name: str
    action: str
    bookmaker_id: UUID | None = None
    fixture_id: int | None = None
    market_id: int | None = None
    selection_id: int | None = None
    object_words: str = ""
    before: Any = None
    after: Any = None
    reason: str = ""
    via: str = "feed"
    request_id: str = ""
    message: str = ""


def record(
    *,
    at: datetime,
    actor: str,
    actor_name: str,
    action: str,
    bookmaker_id: UUID | None = None,
    fixture_id: int | None = None,
    market_id: int | None = None,
    selection_id: int | None = None,
    object_words: str = "",
    before: Any = None,
    after: Any = None,
    reason: str = "",
    via: str = "feed",
    request_id: str = "",
    message: str = "",
) -> AuditRecord:
    """Write one record; see :class:`Record` for the fields. ``before`` and ``after`` must be JSON values."""
    written = _row(
        Record(
            at, actor, actor_name, action, bookmaker_id, fixture_id, market_id, selection_id,
            object_words, before, after, reason, via, request_id, message,
        )
    )  # fmt: skip
    written.save(force_insert=True)
    return written


def told(actor: Actor, at: datetime, *, action: str, **what: Any) -> None:
    """:func:`record` of an actor's own command; ``what``: the other fields of :class:`Record`."""
    part = Record(at, actor.id, actor.name, action, via=actor.via, request_id=actor.request_id, **what)
    if (parts := _parts.get()) is not None:
        parts.append(part)
    else:
        record_many([part])


@contextmanager
def one_command() -> Iterator[None]:
    """What is :func:`told` inside is one command of several parts, hence one record (promise F1), written at the end.

    It names every action; ``before`` and ``after`` are then ``{"parts": {action: value}}``. Nothing is written when the command fails.
    """
    parts: list[Record] = []
    token = _parts.set(parts)
    try:
        yield
    finally:
        _parts.reset(token)
    if parts:
        record_many([_joined(parts)])


_parts: ContextVar[list[Record] | None] = ContextVar("parts of one command", default=None)


def _joined(parts: Sequence[Record]) -> Record:
    if len(parts) == 1:
        return parts[0]
    return msgspec.structs.replace(
        parts[0],
        action=", ".join(part.action for part in parts),
        before={"parts": {part.action: part.before for part in parts}},
        after={"parts": {part.action: part.after for part in parts}},
    )


def record_many(records: Iterable[Record]) -> None:
    """Write many with one statement a thousand."""
    AuditRecord.objects.bulk_create([_row(r) for r in records], batch_size=1000)


def _row(r: Record) -> AuditRecord:
    return AuditRecord(
        at=r.at,
        actor=r.actor[:160],
        actor_name=r.actor_name[:150],
        bookmaker_id=r.bookmaker_id,
        action=r.action,
        fixture_id=r.fixture_id,
        market_id=r.market_id,
        selection_id=r.selection_id,
        object_words=r.object_words[:400],
        before=r.before,
        after=r.after,
        reason=r.reason[:400],
        via=r.via,
        request_id=r.request_id[:64],
        message=r.message[:80],
    )
