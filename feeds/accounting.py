"""The books of every feed and the story of every message, as REST shows them (promise B5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.db.models import BigIntegerField, Count, Max, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from markets import db
from markets.domain.rules import FeedHealth
from markets.models import Source
from markets.selectors import health
from markets.selectors.points import PROVIDERS

from .inbox import unkept_since
from .models import Frame, OutcomeCount, ReceivedCount
from .parking import OF_STREAMS

_WAITING = Frame.objects.filter(outcome__isnull=True, parked=False)
_OLDEST = Min(Coalesce("taken_up_at", "kept_at"))
_OUTCOMES = ("applied", "superseded", "duplicate", "quarantined")
SLOW = timedelta(seconds=2)
_NOTED = 0.5
"""Seconds for which a frame may wait for the store before it is part of the backlog."""


def accounting(using: str = "default") -> list[dict[str, Any]]:
    """Per feed ``{feed, received, applied, superseded, duplicate, quarantined, pending, oldestPendingMs, state, reason}``, of one snapshot.

    ``oldestPendingMs`` is null when nothing is pending; ``state`` is ``ok``, ``never heard``, ``silent``, ``slow``, ``held``,
    ``gap`` or ``off``, and ``reason`` says it in words (empty when ok).
    """
    states = health.load_health(using)
    now = db.now(using)
    return [_entry(row, states.get(row["id"]), now) for row in _books(using)]


def _books(using: str) -> list[dict[str, Any]]:
    """One statement, hence one snapshot: the books balance at every moment. What is parked is pending, but does not grow old."""
    waiting = _WAITING.filter(source_id=OuterRef("pk")).order_by().values("source_id")
    parked = Frame.objects.filter(OF_STREAMS, source_id=OuterRef("pk"), outcome__isnull=True, parked=True).order_by().values("source_id")
    outcomes = {name: _sum(OutcomeCount, name) for name in _OUTCOMES}
    rows = (
        Source.objects.using(using)
        .order_by("slug")
        .annotate(
            received=_sum(ReceivedCount, "received"),
            pending=_count(waiting) + _count(parked),
            oldest=Subquery(waiting.annotate(oldest=_OLDEST).values("oldest")),
            **outcomes,
        )
        .values("id", "slug", "received", "pending", "oldest", *_OUTCOMES)
    )
    return list(rows)


def _count(rows: QuerySet[Frame, Any]) -> Coalesce:
    return Coalesce(Subquery(rows.annotate(n=Count("*")).values("n")), 0, output_field=BigIntegerField())


def _sum(model: type[OutcomeCount | ReceivedCount], column: str) -> Coalesce:
    of_source = model._default_manager.filter(source_id=OuterRef("pk")).order_by().values("source_id")
    return Coalesce(Subquery(of_source.annotate(total=Sum(column)).values("total")), 0, output_field=BigIntegerField())


def _entry(row: Mapping[str, Any], feed: FeedHealth | None, now: datetime) -> dict[str, Any]:
    oldest = row["oldest"]
    state, reason = words(feed, now)
    return {
        "feed": row["slug"],
        "received": row["received"],
        **{name: row[name] for name in _OUTCOMES},
        "pending": row["pending"],
        "oldestPendingMs": None if oldest is None else max(0, round((now - oldest).total_seconds() * 1000)),
        "state": state,
        "reason": reason,
    }


def words(feed: FeedHealth | None, now: datetime) -> tuple[str, str]:
    """The state of a feed in one word, and why in a sentence (empty when ok); the gravest first."""
    if feed is None or not feed.enabled:
        return "off", "this feed is switched off"
    if feed.heard_at is None:
        return "never heard", "nothing was ever received"
    if now - feed.heard_at > timedelta(seconds=feed.lease_seconds):
        return "silent", f"silent since {_clock(feed.heard_at)}; the next heartbeat or message clears it"
    if feed.oldest_pending_at is not None and now - feed.oldest_pending_at > SLOW:
        return "slow", f"the oldest message waits since {_clock(feed.oldest_pending_at)}; clears when the backlog is worked off"
    if feed.slow_until is not None and now < feed.slow_until:
        return "slow", f"a backlog was worked off; clears at {_clock(feed.slow_until)}"
    return _gap_words(feed)


def _gap_words(feed: FeedHealth) -> tuple[str, str]:
    whole = [gap for gap in feed.gaps if gap.fixture_id is None]
    if sticky := next((gap for gap in whole if gap.sticky), None):
        return "held", f"{sticky.cause}, since {_clock(sticky.opened_at)}; clears when the message is applied or dismissed"
    if whole:
        gap = max(whole, key=lambda one: one.opened_at)
        return "gap", f"{gap.cause}, since {_clock(gap.opened_at)}; each market clears by a newer message or a confirmation"
    held = {gap.fixture_id for gap in feed.gaps}
    return "ok", f"{len(held)} fixture{'s' if len(held) > 1 else ''} held" if held else ""


def _clock(time: datetime) -> str:
    return f"{time.astimezone(UTC):%H:%M:%S} UTC"


def messages(slug: str, guid: str, using: str = "default") -> list[dict[str, Any]]:
    """One entry per kept frame of that guid, oldest first: ``{receivedAt, retry, outcome, reason, notes, fixtureId, appliedAt}``.

    Times are ISO 8601 UTC; ``outcome`` is null while pending; ``fixtureId`` is the provider's id or null.
    Empty for an unknown feed or guid.
    """
    rows = Frame.objects.using(using).filter(source__slug=slug, guid=guid).order_by("id")
    columns = ("received_at", "retry", "outcome", "reason", "notes", "fixture_ref", "applied_at")
    return [_message(row) for row in rows.values(*columns)]


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "receivedAt": _iso(row["received_at"]),
        "retry": row["retry"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "notes": row["notes"],
        "fixtureId": row["fixture_ref"] or None,
        "appliedAt": _iso(row["applied_at"]),
    }


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def oldest_pending(using: str = "default") -> dict[int, datetime]:
    """Source id → since when its oldest frame without outcome could have been applied; what the health of feeds asks for (A4).

    What this process has read counts from then on, though the store may be locked and not have it yet.
    """
    unkept = _unkept_since(using)  # first: what is kept before the store is asked is found there
    waiting = _WAITING.using(using).order_by().values("source_id").annotate(oldest=_OLDEST)
    oldest = {row["source_id"]: row["oldest"] for row in waiting}
    return oldest | {source_id: min(at, oldest.get(source_id, at)) for source_id, at in unkept.items()}


def _unkept_since(using: str) -> dict[int, datetime]:
    here = monotonic()
    late = {source_id: here - at for source_id, at in unkept_since().items() if here - at >= _NOTED}
    if not late:
        return {}
    now = db.now(using)
    return {source_id: now - timedelta(seconds=age) for source_id, age in late.items()}


def pending_of_streams(using: str = "default") -> dict[tuple[int, str], tuple[int | None, bool]]:
    """(Source id, stream's subject) of point feeds → highest number that waits in the inbox, and whether a frame without one does (A1)."""
    pending = Frame.objects.using(using).filter(OF_STREAMS, outcome__isnull=True, source__provider__in=PROVIDERS)
    waiting = pending.order_by().values_list("source_id", "stream")
    rows = waiting.annotate(highest=Max("hint_seq"), numbered=Count("hint_seq"), all=Count("*"))
    return {(source_id, stream): (highest, numbered < every) for source_id, stream, highest, numbered, every in rows}
