"""Timed prices: set, cancel, extend, confirm, preview (promises A2, C1, C2, C4; decisions P1–P3).

Every command locks the selection's row of the bookmaker first (:func:`revisions.lock_book`), so that two writers of one price
follow each other. A deadline is data: readers compare ``ends_at`` with the database's time, nothing here has to fire.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from msgspec import Struct

from markets import db
from markets.domain.heard import DEAF, Ears
from markets.domain.rules import Code
from markets.domain.tolerance import Assessment
from markets.domain.values import OverrideKind, Role
from markets.models import Bookmaker, Override, Selection, SelectionBook
from markets.selectors import offer

from . import access, audit, expiring, revisions, standing
from .actor import Actor
from .errors import NotFound, Refused
from .wishes import Wish, duration_problem, form_problems, judge, price_now, tolerance

_MILLISECOND = timedelta(milliseconds=1)


class OverrideEntry(Struct, frozen=True):
    """An override as stored, with the selection's version after the command (P1).

    ``odd_key`` is ``market key#outcome key``. ``price``: what it makes of today's feed price; None for offset and percent without one.
    ``ended_at`` is set for one that was cancelled. ``replaced``: the one that it took the place of.
    """

    id: int
    bookmaker_id: UUID
    fixture_id: int
    market_id: int
    selection_id: int
    odd_key: str
    kind: OverrideKind
    value: Decimal
    price: Decimal | None
    through_points: bool
    reason: str
    owner: str
    by: str
    set_at: datetime
    ends_at: datetime
    version: int
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_cause: str = ""
    replaced: OverrideEntry | None = None


class Preview(Struct, frozen=True):
    """What an override would do. ``change_percent``: against the feed price after margin, None without one.

    ``book_after``: the market's book in percent with it, None when a selection has no price. ``refused_words`` empty: it would be accepted,
    after a second confirmation when ``needs_confirmation`` (``confirm_words`` says why); ``needs_reason``: beyond the soft limit.
    """

    price: Decimal | None
    feed_price: Decimal | None
    change_percent: Decimal | None
    book_after: Decimal | None
    needs_confirmation: bool
    confirm_words: str
    refused_words: str
    ends_at: datetime
    version: int
    needs_reason: bool = False


def set_override(
    actor: Actor,
    bookmaker_id: UUID,
    selection_id: int,
    *,
    kind: OverrideKind,
    value: Decimal,
    seconds: int,
    reason: str = "",
    through_points: bool = False,
    version: int | None = None,
    confirmed: bool = False,
) -> OverrideEntry:
    """Price one selection for ``seconds`` from now; replaces the one in effect.

    Limits are percentages of change against the feed price after margin. Beyond the soft one (or with a book under 100 %, or without a
    feed price) it raises Refused ``confirm`` unless ``confirmed``; beyond the hard one Refused ``hard-limit``. A reason is required beyond
    the soft limit, except from a key. ``version`` as read: Conflict when it is not the current one; without: Conflict when another's
    override is in effect (C4).
    Raises Refused, Conflict, NotFound, Forbidden.
    """
    wish = Wish(kind, value, seconds, reason.strip(), through_points)
    with transaction.atomic():
        bookmaker, selection, book, now, current = _taken_up(actor, bookmaker_id, selection_id, version)
        _allow(actor, bookmaker, selection, wish, confirmed=confirmed)
        if current:
            _end(current, now, "replaced")
        made = _insert(actor, bookmaker, selection, wish, now)
        action = "override replaced" if current else "override set"
        _tell(actor, made, selection, now, action=action, before=_facts(current), after=_facts(made), reason=wish.reason)
        version_now = revisions.raise_version(book)
        replaced = _entry(current, selection, bookmaker, version_now, now) if current else None
        return _entry(made, selection, bookmaker, version_now, now, replaced)


def cancel(actor: Actor, bookmaker_id: UUID, selection_id: int, version: int | None = None) -> OverrideEntry:
    """End the override in effect; the market then shows what holds now (C1).

    Without ``version`` one's own only (another's: Conflict). Raises NotFound when there is none, Conflict, Forbidden.
    """
    with transaction.atomic():
        bookmaker, selection, book, now, found = _taken_up(actor, bookmaker_id, selection_id, version)
        current = _existing(found, "cancel")
        before = _facts(current)
        _end(current, now, "cancelled")
        _tell(actor, current, selection, now, action="override cancelled", before=before)
        return _entry(current, selection, bookmaker, revisions.raise_version(book), now)


def extend(actor: Actor, bookmaker_id: UUID, selection_id: int, seconds: int, version: int | None = None) -> OverrideEntry:
    """Move the end of the override in effect by ``seconds``; the end stays within the bookmaker's longest duration from now.

    Raises NotFound when there is none (it may have ended), Refused, Conflict, Forbidden.
    """
    with transaction.atomic():
        bookmaker, selection, book, now, found = _taken_up(actor, bookmaker_id, selection_id, version)
        current = _existing(found, "extend")
        before = _facts(current)
        current.ends_at = _later(current, seconds, bookmaker, now)
        current.save(update_fields=["ends_at"])
        _tell(actor, current, selection, now, action="override extended", before=before, after=_facts(current))
        return _entry(current, selection, bookmaker, revisions.raise_version(book), now)


def confirm(
    actor: Actor,
    bookmaker_id: UUID,
    selection_id: int,
    *,
    as_of: datetime,
    version: int | None = None,
    reason: str = "",
    confirmed: bool = False,
    ears: Ears = DEAF,
) -> OverrideEntry:
    """ "It still holds": a price typed before a point's end may be offered again, as though it were set now (A2); its end stays.

    ``as_of``: when the point ended after which the person says so; Refused ``moved`` when another one has begun since, by the store or by
    what was announced to this process (``ears``; without them nobody knows).
    It is judged like a new one against today's feed price: Refused ``hard-limit``, ``range``, ``reason`` (the override's own counts) and,
    beyond the soft limit unless ``confirmed``, ``confirm``. Raises NotFound when there is none, Refused, Conflict, Forbidden.
    """
    looked = _between_points_since(actor, bookmaker_id, selection_id, as_of, ears)
    with transaction.atomic():
        bookmaker, selection, book, now, found = _taken_up(actor, bookmaker_id, selection_id, version)
        current = _existing(found, "confirm")
        wish = Wish(OverrideKind(current.kind), current.value, 1, reason.strip() or current.reason, current.through_points)
        _allow(actor, bookmaker, selection, wish, confirmed=confirmed)
        before = _facts(current)
        current.confirmed_at = looked  # a point that ends while we wait for the lock ends after it
        current.save(update_fields=["confirmed_at"])
        _tell(actor, current, selection, now, action="override confirmed", before=before, after=_facts(current), reason=reason.strip())
        return _entry(current, selection, bookmaker, revisions.raise_version(book), now)


def _between_points_since(actor: Actor, bookmaker_id: UUID, selection_id: int, as_of: datetime, ears: Ears) -> datetime:
    """Database time at which the last point that ended was still the one of ``as_of`` (to the millisecond), and none was in play."""
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    fixture_id = access.selection(bookmaker, selection_id).market.fixture_id
    found = offer.offers(bookmaker.pk, [fixture_id], ears=ears)[fixture_id]
    fence = found.around.fence
    settled = fence.settled_kept
    announced = any(reason.code is Code.FENCE for reason in fence.reasons)
    if settled is None or announced or abs(settled - as_of) >= _MILLISECOND:
        words = "another point has begun since you looked: see whether the price still holds after it"
        raise Refused("moved", words, {"as_of": words})
    return found.now


def preview(
    actor: Actor, bookmaker_id: UUID, selection_id: int, *, kind: OverrideKind, value: Decimal, seconds: int, reason: str = ""
) -> Preview:
    """What :func:`set_override` would say and do now; changes nothing. Raises NotFound, Forbidden."""
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    selection = access.selection(bookmaker, selection_id)
    now = db.now()
    wish = Wish(kind, value, seconds, reason.strip())
    version = revisions.version_of(bookmaker_id, selection_id)
    if problems := form_problems(wish, tolerance(bookmaker)):
        return Preview(None, selection.price, None, None, False, "", "; ".join(problems.values()), now, version)
    judged, book_after = judge(wish, selection, bookmaker, now)
    return Preview(
        price=judged.price,
        feed_price=selection.price,
        change_percent=judged.change_percent,
        book_after=book_after,
        needs_confirmation=bool(judged.confirm_words),
        confirm_words=judged.confirm_words,
        refused_words=judged.refused_words,
        ends_at=now + timedelta(seconds=seconds),
        version=version,
        needs_reason=_lacks_reason(actor, judged, wish),
    )


def _locked(actor: Actor, bookmaker_id: UUID, selection_id: int) -> tuple[Bookmaker, Selection, SelectionBook]:
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    revisions.enter_fixture(access.selection(bookmaker, selection_id).market.fixture_id)
    book = revisions.lock_book(bookmaker_id, selection_id)
    return bookmaker, access.selection(bookmaker, selection_id), book


def _taken_up(
    actor: Actor, bookmaker_id: UUID, selection_id: int, version: int | None
) -> tuple[Bookmaker, Selection, SelectionBook, datetime, Override | None]:
    """The selection, locked, database time since then, and the override in effect, which the actor may change (C4)."""
    bookmaker, selection, book = _locked(actor, bookmaker_id, selection_id)
    now = db.now()
    current = _in_effect(book, selection, now)
    standing.check(actor, book, selection, current, version)
    return bookmaker, selection, book, now, current


def _existing(found: Override | None, what: str) -> Override:
    if found is None:
        raise NotFound(f"there is no override to {what}")
    return found


def _in_effect(book: SelectionBook, selection: Selection, now: datetime) -> Override | None:
    """The override in effect; one whose time is over but not yet recorded so is recorded first."""
    rows = Override.objects.select_for_update().filter(bookmaker=book.bookmaker_id, selection=selection.pk, ended_at=None)
    current = rows.first()
    if current is None or current.ends_at > now:
        return current
    expiring.overrides([current])
    return None


def _allow(actor: Actor, bookmaker: Bookmaker, selection: Selection, wish: Wish, *, confirmed: bool) -> None:
    if problems := form_problems(wish, tolerance(bookmaker)):
        raise Refused("invalid", "; ".join(problems.values()), problems)
    judged, _ = judge(wish, selection, bookmaker, db.now())
    if judged.refused_words:
        code = "hard-limit" if judged.beyond_soft else "range"
        raise Refused(code, judged.refused_words, {judged.field: judged.refused_words})
    if _lacks_reason(actor, judged, wish):
        raise Refused("reason", f"{judged.confirm_words}: say why", {"reason": "a reason is required beyond the soft limit"})
    if judged.confirm_words and not confirmed:
        raise Refused("confirm", f"{judged.confirm_words}: confirm to apply", {"confirmed": judged.confirm_words})


def _lacks_reason(actor: Actor, judged: Assessment, wish: Wish) -> bool:
    return judged.beyond_soft and not wish.reason and actor.via != "api"


def _insert(actor: Actor, bookmaker: Bookmaker, selection: Selection, wish: Wish, now: datetime) -> Override:
    return Override.objects.create(
        bookmaker=bookmaker,
        fixture_id=selection.market.fixture_id,
        market_id=selection.market_id,
        selection=selection,
        kind=wish.kind.value,
        value=wish.value,
        through_points=wish.through_points,
        reason=wish.reason,
        owner=actor.id,
        by=actor.name[:150],
        set_at=now,
        ends_at=now + timedelta(seconds=wish.seconds),
    )


def _later(current: Override, seconds: int, bookmaker: Bookmaker, now: datetime) -> datetime:
    limits = tolerance(bookmaker)
    words = duration_problem(seconds, limits)
    if not words and current.ends_at + timedelta(seconds=seconds) > now + timedelta(seconds=limits.max_seconds):
        words = f"it would end more than {limits.max_seconds} seconds from now"
    if words:
        raise Refused("invalid", words, {"seconds": words})
    return current.ends_at + timedelta(seconds=seconds)


def _end(current: Override, now: datetime, cause: str) -> None:
    current.ended_at, current.ended_cause = now, cause
    current.save(update_fields=["ended_at", "ended_cause"])


def _facts(override: Override | None) -> dict[str, Any] | None:
    return standing.override_facts(override) if override else None


def _tell(actor: Actor, changed: Override, selection: Selection, now: datetime, **what: Any) -> None:
    """The audit, and what makes readers look."""
    audit.told(
        actor,
        now,
        bookmaker_id=changed.bookmaker_id,
        fixture_id=changed.fixture_id,
        market_id=changed.market_id,
        selection_id=changed.selection_id,
        object_words=standing.words_of(selection),
        **what,
    )
    revisions.raise_fixtures([(changed.bookmaker_id, changed.fixture_id)])


def _entry(
    row: Override, selection: Selection, bookmaker: Bookmaker, version: int, now: datetime, replaced: OverrideEntry | None = None
) -> OverrideEntry:
    kind = OverrideKind(row.kind)
    return OverrideEntry(
        id=row.pk,
        bookmaker_id=row.bookmaker_id,
        fixture_id=row.fixture_id,
        market_id=row.market_id,
        selection_id=row.selection_id,
        odd_key=f"{selection.market.key}#{selection.key}",
        kind=kind,
        value=row.value,
        price=price_now(kind, row.value, selection.price, bookmaker, now),
        through_points=row.through_points,
        reason=row.reason,
        owner=row.owner,
        by=row.by,
        set_at=row.set_at,
        ends_at=row.ends_at,
        version=version,
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
        ended_cause=row.ended_cause,
        replaced=replaced,
    )
