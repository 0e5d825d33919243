"""The audit as one bookmaker's people may read it, and the holds in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet

from markets.domain.rules import FeedHealth, Gap
from markets.models import AuditRecord, Confirmation, Hold, Member

ABOUT_PEOPLE = ("person created", "person changed", "person enabled", "person disabled", "password changed")
"""Actions whose object is a person's user name."""


def records(bookmaker_id: UUID | None, using: str = "default") -> QuerySet[AuditRecord]:
    """Newest first: the bookmaker's own records and those shared by all (feeds, clock, staff for all); never another's (promise E1).

    A record of a person names no bookmaker, and yet it is told only where that person is a member. ``None``: everything, for staff.
    """
    rows = AuditRecord.objects.using(using).order_by("-id")
    if bookmaker_id is None:
        return rows
    members = Member.objects.using(using).filter(bookmaker_id=bookmaker_id).values("user__username")
    shared = Q(bookmaker=None) & (~Q(action__in=ABOUT_PEOPLE) | Q(object_words__in=members))
    return rows.filter(Q(bookmaker_id=bookmaker_id) | shared)


def search(rows: QuerySet[AuditRecord], words: str) -> QuerySet[AuditRecord]:
    """Those in which every word is found: who, what, object, reason, request or message."""
    for word in words.split()[:6]:
        rows = rows.filter(
            Q(actor_name__icontains=word)
            | Q(action__icontains=word)
            | Q(object_words__icontains=word)
            | Q(reason__icontains=word)
            | Q(request_id=word)
            | Q(message=word)
        )
    return rows


def holds(bookmaker_id: UUID, now: datetime, using: str = "default", limit: int = 40) -> list[Hold]:
    """Holds in force that reach the bookmaker, newest first. One query."""
    rows = Hold.objects.using(using).filter(Q(bookmaker_id=bookmaker_id) | Q(bookmaker=None), released_at=None)
    rows = rows.filter(Q(ends_at=None) | Q(ends_at__gt=now)).select_related("fixture")
    return list(rows.order_by("-since")[:limit])


def unanswered(health: dict[int, FeedHealth], bookmaker_id: UUID, using: str = "default") -> dict[int, FeedHealth]:
    """The feeds without the gaps that the bookmaker's people, or staff for all, have answered as a whole. One query where a gap is open."""
    sources = [i for i, feed in health.items() if feed.gaps]
    if not sources:
        return health
    rows = Confirmation.objects.using(using).filter(Q(bookmaker_id=bookmaker_id) | Q(bookmaker=None), source_id__in=sources, market=None)
    words: dict[int, list[Confirmation]] = {i: [] for i in sources}
    oldest = min(gap.opened_at for i in sources for gap in health[i].gaps)
    for row in rows.filter(at__gt=oldest):
        words[row.source_id].append(row)
    return {i: msgspec.structs.replace(feed, gaps=tuple(_open(feed.gaps, words.get(i, [])))) for i, feed in health.items()}


def _open(gaps: Iterable[Gap], words: list[Confirmation]) -> Iterator[Gap]:
    return (gap for gap in gaps if not any(_answers(word, gap) for word in words))


def _answers(word: Confirmation, gap: Gap) -> bool:
    """As the gate counts it, for all of the gap's markets (promise A5)."""
    if word.at <= gap.opened_at:
        return False
    if word.gap_id is not None:
        return word.gap_id == gap.id and word.fixture_id in (None, gap.fixture_id)
    return word.fixture_id is None or (word.fixture_id == gap.fixture_id and not gap.sticky)
