"""Frames that could not be applied: what they are, and the two ways out (promise B7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from msgspec import Struct

from markets import db
from markets.domain.values import Outcome, Role
from markets.live import fences
from markets.models import Bookmaker, Confirmation, Fixture, Gap, Source
from markets.services import audit, confirmations, sources
from markets.services.actor import Actor
from markets.services.errors import Forbidden, NotFound, Refused

from .keeping import lane_of
from .lanes import alone_in
from .models import Frame
from .settle import COLUMNS, Row, count, facts_of, read, row_of, settle

RETRIED = "retried"
DISMISSED = "dismissed"


class Quarantined(Struct, frozen=True):
    """One frame that waits for a person. ``fixture_id`` is the desk's, where the fixture could be read; ``size`` in bytes.

    ``gap_id``: what still holds its fixture or feed closed, if anything does.
    """

    frame_id: int
    source_id: int
    feed: str
    kept_at: datetime
    reason: str
    guid: str
    fixture_ref: str
    fixture_id: int | None
    fixture_name: str
    size: int
    gap_id: int | None


def pending(using: str = "default", limit: int = 200, bookmaker_id: UUID | None = None) -> list[Quarantined]:
    """Unresolved quarantined frames, newest first; without those that ``bookmaker_id`` dismissed for itself. At most four queries."""
    open_frames = Frame.objects.using(using).filter(outcome=Outcome.QUARANTINED, resolution="")
    rows = list(open_frames.select_related("source").defer("body").order_by("-id")[:limit])
    names = _fixtures(rows, using)
    gaps = _gaps(rows, using)
    own = _dismissed_by(bookmaker_id, rows, using)
    return [_shown(row, names.get((row.source_id, row.fixture_ref)), gaps.get(row.pk)) for row in rows if row.pk not in own]


def _shown(row: Frame, fixture: Fixture | None, gap_id: int | None) -> Quarantined:
    name, fixture_id = (str(fixture), fixture.pk) if fixture else ("", None)
    where = (row.pk, row.source_id, row.source.slug, row.kept_at)
    return Quarantined(*where, row.reason, row.guid, row.fixture_ref, fixture_id, name, row.size, gap_id)


def _fixtures(rows: list[Frame], using: str) -> dict[tuple[int, str], Fixture]:
    refs = {row.fixture_ref for row in rows if row.fixture_ref}
    found = (
        Fixture.objects.using(using).filter(source_id__in={row.source_id for row in rows}, ref__in=refs).only("source_id", "ref", "name")
    )
    return {(fixture.source_id, fixture.ref): fixture for fixture in found}


def _gaps(rows: list[Frame], using: str) -> dict[int, int]:
    frames = [row.pk for row in rows]
    found = Gap.objects.using(using).filter(frame_id__in=frames, closed_at__isnull=True).values_list("frame_id", "pk")
    return {frame_id: gap_id for frame_id, gap_id in found if frame_id is not None}


def _dismissed_by(bookmaker_id: UUID | None, rows: list[Frame], using: str) -> set[int]:
    """Frames of which the bookmaker said that it may go on without them; the gap may be over all the same."""
    if bookmaker_id is None:
        return set()
    words = Confirmation.objects.using(using).filter(bookmaker_id=bookmaker_id, gap__frame_id__in=[row.pk for row in rows])
    return {frame_id for frame_id in words.values_list("gap__frame_id", flat=True) if frame_id is not None}


def raw(frame_id: int, using: str = "default") -> bytes:
    """The exact bytes as received. Raises :class:`markets.services.errors.NotFound`."""
    body = Frame.objects.using(using).filter(pk=frame_id).values_list("body", flat=True).first()
    if body is None:
        raise NotFound
    return bytes(body)


def retry(frame_id: int, actor: Actor) -> str:
    """Read and apply it again in its lane, as if new; the outcome's name.

    Raises ``Refused`` with the reason where it still cannot be applied, ``NotFound`` for an unknown or resolved frame,
    ``Forbidden`` for viewers.
    """
    _demand_trader(actor)
    row = _unresolved(frame_id)
    source = Source.objects.get(pk=row.source_id)
    one = read(row, source.provider)
    if one.problem:
        raise Refused("quarantine", f"It still cannot be read: {one.problem}")
    lane = lane_of(row.source_id, one.fixture_ref)
    one = msgspec.structs.replace(one, row=msgspec.structs.replace(row, lane=lane))
    with alone_in(lane):
        _unresolved(frame_id, lock=True)
        held = _open_gaps(frame_id)  # before applying, which may open others
        verdict = next(iter(settle([one], {source.pk: facts_of(source)}, db.now(), careful=True, live=False)), None)
        if verdict is None:
            raise Refused("quarantine", "It still cannot be applied: packets before it have not come.")
        if verdict.outcome is Outcome.QUARANTINED:
            raise Refused("quarantine", f"It still cannot be applied: {verdict.reason}")
        count([(row.source_id, row.lane, Outcome.QUARANTINED, -1)])
        Frame.objects.filter(pk=frame_id).update(lane=lane)
        _resolve(frame_id, held, RETRIED, actor, "")
        _record(actor, "quarantine retried", source, (one.guid, one.fixture_ref), verdict.outcome.value)
    return verdict.outcome.value


def dismiss(frame_id: int, actor: Actor, reason: str) -> None:
    """Say that its fixture (or feed) may go on without it: staff for all, a trader for the bookmaker he acts for. Audited.

    Raises as :func:`retry`; ``Refused`` without a reason.
    """
    _demand_trader(actor)
    if not reason.strip():
        raise Refused("reason", "Say why the message may be dismissed.", {"reason": "Say why the message may be dismissed."})
    if actor.staff:
        _dismiss_for_all(frame_id, actor, reason)
    else:
        _dismiss_for_one(frame_id, actor, reason)


def _dismiss_for_all(frame_id: int, actor: Actor, reason: str) -> None:
    targets = [confirmations.Target(gap=gap_id) for gap_id in _open_gaps(frame_id)]
    opened = confirmations.would_open(actor, None, targets, ears=fences.ears())
    with transaction.atomic():
        row = _unresolved(frame_id, lock=True)
        _resolve(frame_id, _open_gaps(frame_id), DISMISSED, actor, reason)
        frame = Frame.objects.defer("body").get(pk=frame_id)
        message = (frame.guid, frame.fixture_ref)
        _record(actor, "quarantine dismissed", Source.objects.get(pk=row.source_id), message, reason, after=_facts(opened))


def _dismiss_for_one(frame_id: int, actor: Actor, reason: str) -> None:
    """A word about the gap that it opened, also where that is over: whoever gave it does not see the message any more."""
    row = _unresolved(frame_id)
    source = Source.objects.get(pk=row.source_id)
    assert actor.bookmaker is not None
    if source.simulated and not Bookmaker.objects.filter(pk=actor.bookmaker, demo=True).exists():
        raise NotFound
    targets = [confirmations.Target(gap=gap_id) for gap_id in _open_gaps(frame_id)]

    def record(opened: confirmations.WouldOpen) -> None:
        _unresolved(frame_id, lock=True)
        if not targets:
            Confirmation.objects.create(
                bookmaker_id=actor.bookmaker, source=source, gap=_past_gap(row), at=opened.as_of, by=actor.name[:150]
            )
        frame = Frame.objects.defer("body").get(pk=frame_id)
        message = (frame.guid, frame.fixture_ref)
        _record(actor, "quarantine dismissed", source, message, reason, bookmaker_id=actor.bookmaker, after=_facts(opened))

    ears = fences.ears()
    confirmations.confirm(actor, actor.bookmaker, targets, as_of=db.now(), reason=reason, record=record, ears=ears)


def _facts(opened: confirmations.WouldOpen) -> dict[str, Any]:
    """As the audit keeps it."""
    return {"opened": [confirmations.facts(o) for o in opened.openings], "more": opened.cut}


def _past_gap(row: Row) -> Gap:
    """The frame's gap, over already; where it never had one, one that holds nothing: what is dismissed needs a name."""
    found = Gap.objects.filter(frame_id=row.id).order_by("pk").first()
    nothing = {"opened_at": row.kept_at, "closed_at": db.now(), "closed_by": "feed", "closed_reason": "holds nothing"}
    return found or Gap.objects.create(source_id=row.source_id, frame_id=row.id, cause="message quarantined", **nothing)


def _demand_trader(actor: Actor) -> None:
    if not (actor.staff or (actor.bookmaker is not None and actor.may(actor.bookmaker, Role.TRADER))):
        raise Forbidden


def _unresolved(frame_id: int, *, lock: bool = False) -> Row:
    found = Frame.objects.filter(pk=frame_id, outcome=Outcome.QUARANTINED, resolution="")
    values = (found.select_for_update() if lock else found).values_list(*COLUMNS).first()
    if values is None:
        raise NotFound
    return row_of(values)


def _open_gaps(frame_id: int) -> list[int]:
    return list(Gap.objects.filter(frame_id=frame_id, closed_at__isnull=True).values_list("pk", flat=True))


def _resolve(frame_id: int, gap_ids: Sequence[int], resolution: str, actor: Actor, reason: str) -> None:
    """The frame is done with, and so is what it held."""
    Frame.objects.filter(pk=frame_id).update(
        resolution=resolution, resolved_by=actor.name[:150], resolved_reason=reason[:300], resolved_at=db.now()
    )
    for gap_id in gap_ids:
        sources.close_gap(gap_id, actor.name, f"message {resolution}" + (f": {reason}" if reason else ""))


def _record(
    actor: Actor,
    action: str,
    source: Source,
    message: tuple[str, str],
    reason: str,
    *,
    bookmaker_id: UUID | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    guid, fixture_ref = message
    fixture_id = Fixture.objects.filter(source=source, ref=fixture_ref).values_list("pk", flat=True).first() if fixture_ref else None
    words = f"message {guid or 'without guid'} of {source.slug}"
    audit.record(
        at=db.now(),
        actor=actor.id,
        actor_name=actor.name,
        action=action,
        bookmaker_id=bookmaker_id,
        fixture_id=fixture_id,
        object_words=words,
        after=after,
        reason=reason,
        via=actor.via,
        request_id=actor.request_id,
        message=guid,
    )
