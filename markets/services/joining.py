"""What binding and linking have in common: words that are checked, and what the audit says of a fixture that is joined to another."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from markets import db
from markets.models import Binding, Link

from . import audit
from .actor import Actor
from .errors import Refused
from .typed import problem

Joined = Binding | Link


def check_why(why: str) -> None:
    """Raises Refused for words that cannot be stored."""
    if wrong := problem(why):
        raise Refused("why", wrong, {"why": wrong})


def check_reason(reason: str, without: str) -> None:
    """Raises Refused for words that cannot be stored, and ``without`` any."""
    if wrong := problem(reason) or ("" if reason.strip() else without):
        raise Refused("reason", wrong, {"reason": wrong})


def end(actor: Actor, one: Joined) -> None:
    """It no longer stands. Call with its row locked."""
    one.ended_at, one.ended_by = db.now(), actor.name[:150]
    one.save(update_fields=["ended_at", "ended_by"])


def tell(
    actor: Actor, of: UUID, one: Joined, words: str, action: str, before: object = None, after: object = None, reason: str = ""
) -> None:
    """That a person joined or parted them, of bookmaker ``of``; ``words`` name both."""
    audit.told(
        actor, db.now(), action=action, bookmaker_id=of, fixture_id=one.fixture_id, object_words=words, before=before, after=after,
        reason=reason,
    )  # fmt: skip


def tell_broken(one: Joined, words: str, action: str, *, at: datetime, cause: str, before: object, reason: str) -> None:
    """That a message (``cause``: ``feed:<slug>``) named others than those that were joined."""
    audit.record(
        at=at, actor=cause, actor_name=cause.removeprefix("feed:"), action=action, fixture_id=one.fixture_id, object_words=words,
        before=before, reason=reason,
    )  # fmt: skip
