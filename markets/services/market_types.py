"""What the desk may decide of a provider's market types: odd group, meaning of the sequence, shown on the board (U14, U16)."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from markets import db
from markets.domain.values import Phase
from markets.models import Fixture, MarketType

from . import access, audit, lookups, revisions
from .actor import Actor
from .errors import NotFound, Refused

MEANINGS = ("auto", "index", "set", "game", "set-game", "point")
_GROUP = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def change(actor: Actor, type_id: int, *, odd_group: str, sequence_meaning: str, is_main: bool) -> MarketType:
    """Staff only. Group and meaning go to the whole family of Current, Next and Numbered variants (U14).

    Fixtures with such markets, finished ones apart, rise by one revision, so that every reader looks again.
    Raises Refused with the fields, NotFound, Forbidden.
    """
    access.staff(actor)
    check(odd_group, sequence_meaning)
    with transaction.atomic():
        row = MarketType.objects.select_for_update().filter(pk=type_id).first()
        if row is None:
            raise NotFound
        before = facts(row)
        row.odd_group, row.sequence_meaning, row.is_main = odd_group, sequence_meaning, is_main
        after = facts(row)
        if before != after:
            row.save(update_fields=["odd_group", "sequence_meaning", "is_main"])
            shared = lookups.share_rule(row)
            words = f"market type {row} and {shared} of its family" if shared else f"market type {row}"
            audit.told(actor, db.now(), action="market type changed", object_words=words, before=before, after=after)
            _raise(row)
        return row


def facts(row: MarketType) -> dict[str, Any]:
    return {"oddGroup": row.odd_group, "sequenceMeaning": row.sequence_meaning, "main": row.is_main}


def _raise(row: MarketType) -> None:
    alive = Fixture.objects.filter(source__provider=row.provider).exclude(phase=Phase.FINISHED.value)
    ids = list(alive.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    revisions.raise_shared(ids)


def check(odd_group: str, sequence_meaning: str) -> None:
    """Raises Refused with the fields."""
    problems = {}
    if not _GROUP.fullmatch(odd_group) or len(odd_group) > 40:
        problems["odd_group"] = "small letters, digits and single hyphens, e.g. set-time"
    if sequence_meaning not in MEANINGS:
        problems["sequence_meaning"] = f"one of {', '.join(MEANINGS)}"
    if problems:
        raise Refused("invalid", "; ".join(problems.values()), problems)
