"""Suspend and resume at six scopes, and the stop button (promises A7, C5).

A hold belongs to who made it: releasing one never frees another's. Wide scopes are one row each; readers match them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from msgspec import Struct

from markets import db
from markets.domain.values import HoldOwner, Role, Scope
from markets.models import Bookmaker, Hold, Selection, SelectionBook

from . import access, audit, expiring, revisions, standing
from .actor import Actor
from .errors import Refused
from .reach import Reach, resolve
from .typed import problem

LONGEST_FOR_ALL = 7 * 86_400


class HoldEntry(Struct, frozen=True):
    """An owned suspension; ``bookmaker_id`` None: for all, by staff. ``version``: of the selection, at selection scope (P1)."""

    id: int
    bookmaker_id: UUID | None
    owner_kind: HoldOwner
    scope: Scope
    target: str
    fixture_id: int | None
    reason: str
    owner: str
    by: str
    since: datetime
    ends_at: datetime | None
    version: int | None = None


class _Wish(Struct, frozen=True):
    """Who wants to hold, for whom, and how."""

    actor: Actor
    bookmaker: Bookmaker | None
    kind: HoldOwner
    seconds: int | None = None
    reason: str = ""
    version: int | None = None

    @property
    def bookmaker_id(self) -> UUID | None:
        return self.bookmaker.pk if self.bookmaker else None


class Released(Struct, frozen=True):
    """What a resume let go, and what still holds the same target, with its owner."""

    released: tuple[HoldEntry, ...]
    remaining: tuple[HoldEntry, ...]
    version: int | None = None


def suspend(
    actor: Actor,
    bookmaker_id: UUID | None,
    scope: Scope,
    target: str,
    *,
    seconds: int | None = None,
    reason: str = "",
    version: int | None = None,
) -> HoldEntry:
    """Hold a target closed, for one bookmaker or (None; staff only) for all; ``seconds``: how long, else until resumed.

    ``target`` as in :func:`reach.resolve`. Done again by the same owner it returns the hold that stands; its end moves later, never sooner.
    ``version`` counts at selection scope. Raises NotFound, Forbidden, Refused, Conflict.
    """
    bookmaker, kind = _may_hold(actor, bookmaker_id)
    return _hold(_Wish(actor, bookmaker, kind, seconds, reason.strip(), version), scope, target)


def panic(actor: Actor, bookmaker_id: UUID | None, reason: str = "") -> HoldEntry:
    """The stop button: everything of the bookmaker (None: of all, staff only), until its owner or a supervisor resumes."""
    bookmaker, _ = _may_hold(actor, bookmaker_id)
    return _hold(_Wish(actor, bookmaker, HoldOwner.PANIC, reason=reason.strip()), Scope.EVERYTHING, "")


def resume(
    actor: Actor,
    bookmaker_id: UUID | None,
    scope: Scope,
    target: str,
    version: int | None = None,
    only: Collection[int] | None = None,
) -> Released:
    """Release one's own holds of exactly this scope and target; a supervisor releases other people's too (P4).

    ``only``: none but the holds with these ids, as when a suspension just made is taken back.
    What remains is in the answer: feed, rule and other owners' holds stay (A7). Raises NotFound, Forbidden, Conflict.
    """
    bookmaker, kind = _may_hold(actor, bookmaker_id)
    with transaction.atomic():
        reach = resolve(bookmaker, scope, target)
        book = _lock(bookmaker, reach, version)
        now = db.now()
        standing_holds = _standing(bookmaker_id, reach, now)
        mine, others = _parted(standing_holds, actor, supervisor=kind is HoldOwner.SUPERVISOR, only=only)
        for row in mine:
            row.released_at, row.released_by = now, actor.name[:150]
            row.save(update_fields=["released_at", "released_by"])
        before, after = [_facts(h) for h in standing_holds], [_facts(h) for h in others]
        _tell(actor, bookmaker_id, reach, now, action="resumed", before=before, after=after)
        raised = _raise(mine, book)
        return Released(tuple(_entry(h, raised) for h in mine), tuple(_entry(h, raised) for h in others), raised)


def _may_hold(actor: Actor, bookmaker_id: UUID | None) -> tuple[Bookmaker | None, HoldOwner]:
    if bookmaker_id is None:
        access.staff(actor)
        return None, HoldOwner.SUPERVISOR
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    return bookmaker, HoldOwner.SUPERVISOR if actor.may(bookmaker_id, Role.SUPERVISOR) else HoldOwner.TRADER


def _hold(wish: _Wish, scope: Scope, target: str) -> HoldEntry:
    _check_form(wish)
    with transaction.atomic():
        reach = resolve(wish.bookmaker, scope, target)
        book = _lock(wish.bookmaker, reach, wish.version)
        now = db.now()
        row = _own(wish, reach, now)
        before = _facts(row) if row else None
        changed = row is None or _prolong(row, _end(wish, now))
        row = row or _insert(wish, reach, now)
        action = "panic" if wish.kind is HoldOwner.PANIC else "suspended"
        _tell(wish.actor, wish.bookmaker_id, reach, now, action=action, before=before, after=_facts(row), reason=wish.reason)
        return _entry(row, _raise([row] if changed else [], book))


def _check_form(wish: _Wish) -> None:
    longest = wish.bookmaker.max_override_seconds if wish.bookmaker else LONGEST_FOR_ALL
    if wish.seconds is not None and not 1 <= wish.seconds <= longest:
        words = f"a duration is 1 to {longest} seconds"
        raise Refused("invalid", words, {"seconds": words})
    if words := problem(wish.reason):
        raise Refused("invalid", words, {"reason": words})


def _end(wish: _Wish, now: datetime) -> datetime | None:
    return now + timedelta(seconds=wish.seconds) if wish.seconds is not None else None


def _lock(bookmaker: Bookmaker | None, reach: Reach, version: int | None) -> SelectionBook | None:
    """Queue with others at this target; the selection's book where there is one (P1)."""
    if bookmaker is not None and reach.selection_id is not None:
        book = revisions.lock_book(bookmaker.pk, reach.selection_id)
        selection = Selection.objects.select_related("market__fixture").get(pk=reach.selection_id)
        standing.check_version(book, selection, version)
        return book
    if bookmaker is not None and reach.fixture_id is not None:
        revisions.lock_fixture(bookmaker.pk, reach.fixture_id)
    else:
        revisions.lock_bookmakers(bookmaker.pk if bookmaker else None)
    return None


def _standing(bookmaker_id: UUID | None, reach: Reach, now: datetime) -> list[Hold]:
    """Unreleased holds of exactly this target; those whose time is over are recorded so first."""
    rows = Hold.objects.select_for_update(no_key=True, of=("self",)).filter(
        bookmaker=bookmaker_id, scope=reach.scope.value, target=reach.target, released_at=None
    )
    found = list(rows.order_by("id"))
    expiring.holds([h for h in found if h.ends_at is not None and h.ends_at <= now])
    return [h for h in found if h.released_at is None]


def _own(wish: _Wish, reach: Reach, now: datetime) -> Hold | None:
    owned = (h for h in _standing(wish.bookmaker_id, reach, now) if h.owner == wish.actor.id)
    return next((h for h in owned if (h.owner_kind == HoldOwner.PANIC) == (wish.kind is HoldOwner.PANIC)), None)


def _prolong(row: Hold, ends_at: datetime | None) -> bool:
    """Suspension wins: the later end of the two stands; returns whether it moved."""
    if row.ends_at is None or (ends_at is not None and ends_at <= row.ends_at):
        return False
    row.ends_at = ends_at
    row.save(update_fields=["ends_at"])
    return True


def _insert(wish: _Wish, reach: Reach, now: datetime) -> Hold:
    return Hold.objects.create(
        bookmaker=wish.bookmaker,
        owner_kind=wish.kind.value,
        scope=reach.scope.value,
        target=reach.target,
        fixture_id=reach.fixture_id,
        reason=wish.reason,
        owner=wish.actor.id,
        by=wish.actor.name[:150],
        since=now,
        ends_at=_end(wish, now),
    )


def _parted(rows: Sequence[Hold], actor: Actor, *, supervisor: bool, only: Collection[int] | None) -> tuple[list[Hold], list[Hold]]:
    """(What this actor may release and asks for, what stays.) Nobody releases what a rule holds."""
    mine = [h for h in rows if h.owner_kind != HoldOwner.RULE and (supervisor or h.owner == actor.id) and (only is None or h.pk in only)]
    return mine, [h for h in rows if h not in mine]


def _raise(changed: Sequence[Hold], book: SelectionBook | None) -> int | None:
    """Raise what the changed holds reach; returns the selection's version where there is one."""
    if changed:
        revisions.raise_for_hold(changed[0])
    if book is None:
        return None
    return revisions.raise_version(book) if changed else book.version


def _facts(row: Hold) -> dict[str, Any]:
    return {
        "owner": row.owner,
        "by": row.by,
        "kind": row.owner_kind,
        "since": row.since.isoformat(),
        "endsAt": row.ends_at.isoformat() if row.ends_at else None,
        "reason": row.reason,
    }


def _tell(actor: Actor, of: UUID | None, reach: Reach, now: datetime, **what: Any) -> None:
    audit.told(
        actor,
        now,
        bookmaker_id=of,
        fixture_id=reach.fixture_id,
        market_id=reach.market_id,
        selection_id=reach.selection_id,
        object_words=f"{reach.scope.value}: {reach.words}",
        **what,
    )


def _entry(row: Hold, version: int | None) -> HoldEntry:
    return HoldEntry(
        id=row.pk,
        bookmaker_id=row.bookmaker_id,
        owner_kind=HoldOwner(row.owner_kind),
        scope=Scope(row.scope),
        target=row.target,
        fixture_id=row.fixture_id,
        reason=row.reason,
        owner=row.owner,
        by=row.by,
        since=row.since,
        ends_at=row.ends_at,
        version=version,
    )
