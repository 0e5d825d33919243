"""One effect for one Idempotency-Key (promise C3, decision P2).

The answer's row and the command's effect are one transaction: whoever has the answer has the effect, whatever crashed in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from msgspec import Struct

from markets import db
from markets.models import IdempotencyKey

from .errors import Refused
from .typed import problem

KEPT = timedelta(hours=24)
KEY_LENGTH = 200
_PENDING = 0


class Answer(Struct, frozen=True):
    """What the caller gets: an HTTP status and a JSON body. ``repeated``: an earlier request had the effect."""

    status: int
    body: Any
    repeated: bool = False


def digest(*parts: str | bytes) -> str:
    """A digest of a request for ``body_digest``: method, path and body, whatever makes it another request."""
    whole = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        whole.update(len(raw).to_bytes(8, "big") + raw)
    return whole.hexdigest()


def run(caller: str, bookmaker_id: UUID | None, key: str, body_digest: str, action: Callable[[], Answer]) -> Answer:
    """Do ``action`` once for this caller, bookmaker and key; a repeat within 24 h gets the stored answer.

    ``action`` runs inside the transaction and its answer's body must be JSON. What it raises undoes everything, the key too, so that the
    caller may try again. An empty key means no protection was asked for. Raises Refused (422) when the key came with another body.
    Two at once: the second waits for the first and gets its answer.
    """
    if not key:
        with transaction.atomic():
            return action()
    if unfit := problem(key, KEY_LENGTH):
        raise Refused("idempotency", f"Idempotency-Key: {unfit}", {"Idempotency-Key": unfit})
    owner = f"{caller}@{bookmaker_id or 'all'}"
    with transaction.atomic():
        row, fresh = _claim(owner, bookmaker_id, key, body_digest)
        return _answer(row, action) if fresh else _repeat(row, body_digest)


def forget(now: datetime, limit: int) -> None:
    """Cut answers older than 24 h, at most ``limit`` at a time."""
    old = IdempotencyKey.objects.filter(created_at__lte=now - KEPT).order_by("created_at").values_list("pk", flat=True)
    if ids := list(old[:limit]):
        IdempotencyKey.objects.filter(pk__in=ids).delete()


def _claim(owner: str, bookmaker_id: UUID | None, key: str, body_digest: str) -> tuple[IdempotencyKey, bool]:
    """The row of this key, and whether this request made it. PostgreSQL makes a second inserter wait for the first to commit."""
    now = db.now()
    IdempotencyKey.objects.filter(caller=owner, key=key, created_at__lte=now - KEPT).delete()
    return IdempotencyKey.objects.get_or_create(
        caller=owner,
        key=key,
        defaults={"bookmaker_id": bookmaker_id, "body_digest": body_digest, "status": _PENDING, "answer": {}, "created_at": now},
    )


def _answer(row: IdempotencyKey, action: Callable[[], Answer]) -> Answer:
    answer = action()
    row.status, row.answer = answer.status, _text(answer.body)
    row.save(update_fields=["status", "answer"])
    return answer


def _repeat(row: IdempotencyKey, body_digest: str) -> Answer:
    if row.body_digest != body_digest:
        raise Refused("idempotency", "this Idempotency-Key was used for another request", {"Idempotency-Key": "used with another body"})
    return Answer(row.status, json.loads(row.answer) if isinstance(row.answer, str) else row.answer, repeated=True)


def _text(body: Any) -> str:
    """As one text, since a column of JSON keeps no order of members: a repeat answers with the same bytes."""
    return json.dumps(body, cls=DjangoJSONEncoder)
