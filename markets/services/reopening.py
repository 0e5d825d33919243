"""Rules of a bookmaker: markets of this type re-open so long after a point, without a newer price (promise A2, opted in one by one)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from markets import db
from markets.domain.values import Role
from markets.models import Bookmaker, MarketType, ReopenRule

from . import access, audit, revisions
from .actor import Actor
from .errors import NotFound, Refused

SHORTEST, LONGEST = Decimal("0.5"), Decimal(600)


def set_rule(actor: Actor, bookmaker_id: UUID, type_id: int, seconds: Decimal | None) -> ReopenRule | None:
    """Markets of this type (row id) and its family re-open ``seconds`` after a point, or (None) wait for a price again; supervisors.

    Raises the bookmaker's revision. Raises Refused with the field, NotFound, Forbidden.
    """
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.SUPERVISOR)
    if problem := unfit(seconds):
        raise Refused("invalid", problem, {"seconds": problem})
    with transaction.atomic():
        kind = MarketType.objects.filter(pk=type_id).first()
        if kind is None:
            raise NotFound
        row = ReopenRule.objects.select_for_update().filter(bookmaker=bookmaker, type=kind).first()
        before = _facts(row)
        row = _stored(row or ReopenRule(bookmaker=bookmaker, type=kind), seconds)
        if before != _facts(row):
            _tell(actor, bookmaker, kind, before, _facts(row))
        return row


def unfit(seconds: Decimal | None) -> str:
    """What is wrong with the seconds, in words; empty when nothing is."""
    if seconds is None or (seconds.is_finite() and SHORTEST <= seconds <= LONGEST):
        return ""
    return f"between {SHORTEST} and {LONGEST} seconds"


def _stored(row: ReopenRule, seconds: Decimal | None) -> ReopenRule | None:
    if seconds is not None:
        row.seconds = seconds
        row.save()
        return row
    if row.pk:
        row.delete()
    return None


def _tell(actor: Actor, bookmaker: Bookmaker, kind: MarketType, before: dict[str, str] | None, after: dict[str, str] | None) -> None:
    words = f"{kind} at {bookmaker.name}"
    audit.told(actor, db.now(), action="re-open rule changed", bookmaker_id=bookmaker.pk, object_words=words, before=before, after=after)
    revisions.raise_bookmakers(bookmaker.pk)


def _facts(row: ReopenRule | None) -> dict[str, str] | None:
    return None if row is None else {"seconds": f"{row.seconds.normalize():f}"}
