"""How things stand on one selection: the words and values that a refused writer is shown (promise C4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from markets import db
from markets.domain.values import Scope
from markets.models import AuditRecord, Hold, Override, Selection, SelectionBook

from .actor import Actor
from .errors import Conflict


def words_of(selection: Selection) -> str:
    """``Ajax v PSV · Match result · Ajax``."""
    market = selection.market
    return f"{market.fixture} · {market.name} · {selection.name}"


def override_facts(row: Override) -> dict[str, Any]:
    """An override as the audit keeps it."""
    confirmed = {"confirmedAt": row.confirmed_at.isoformat()} if row.confirmed_at else {}
    return {
        "kind": row.kind,
        "value": _plain(row),
        "endsAt": row.ends_at.isoformat(),
        "by": row.by,
        "owner": row.owner,
        "setAt": row.set_at.isoformat(),
        "reason": row.reason,
        "throughPoints": row.through_points,
        **confirmed,
    }


def check(actor: Actor, book: SelectionBook, selection: Selection, current: Override | None, version: int | None) -> None:
    """Conflict when ``version`` is not the current one, or, without one, when somebody else's override is in effect. ``book`` is locked."""
    if version is not None and version != book.version:
        raise conflict(book, selection, current)
    if version is None and current is not None and current.owner != actor.id:
        raise conflict(book, selection, current)


def check_version(book: SelectionBook, selection: Selection, version: int | None) -> None:
    """Conflict when ``version`` is given and not the current one."""
    if version is not None and version != book.version:
        now = db.now()
        rows = Override.objects.filter(bookmaker=book.bookmaker_id, selection=selection.pk, ended_at=None, ends_at__gt=now)
        raise conflict(book, selection, rows.first())


def conflict(book: SelectionBook, selection: Selection, current: Override | None) -> Conflict:
    """What the later writer is told: who changed it, when, and what holds now."""
    last = _last_change(book, selection)
    by = last.actor_name if last else (current.by if current else "somebody")
    at = last.at if last else (current.set_at if current else None)
    held = Hold.objects.filter(bookmaker=book.bookmaker_id, scope=Scope.SELECTION.value, target=str(selection.pk), released_at=None)
    facts: dict[str, Any] = {
        "version": book.version,
        "value": _plain(current) if current else None,
        "kind": current.kind if current else None,
        "endsAt": current.ends_at.isoformat() if current else None,
        "by": current.by if current else by,
        "owner": current.owner if current else None,
        "suspended": held.exists(),
        "changedBy": by,
        "changedAt": at.isoformat() if at else None,
    }
    return Conflict(f"{by} changed this{_ago(at)}", facts)


def _last_change(book: SelectionBook, selection: Selection) -> AuditRecord | None:
    rows = AuditRecord.objects.filter(fixture_id=selection.market.fixture_id, selection_id=selection.pk, bookmaker=book.bookmaker_id)
    return rows.order_by("-id").first()


def _plain(row: Override) -> str:
    return f"{row.value.normalize():f}" if row.kind != "price" else f"{row.value:.2f}"


def _ago(at: datetime | None) -> str:
    if at is None:
        return ""
    seconds = max(0, int((db.now() - at).total_seconds()))
    return f" {seconds} s ago" if seconds < 120 else f" {seconds // 60} min ago"
