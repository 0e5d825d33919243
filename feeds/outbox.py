"""Overrides of ours that a provider is to have too (decision O3; off by default): what is to be sent, and what became of it.

The work list is the overrides themselves beside :class:`feeds.models.SentOverride`; a trader's command waits for none of it. Every end of
an errand has one audit record. Called in the clerk's thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import floor
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from markets import db
from markets.domain.values import OverrideKind
from markets.models import Bookmaker, Override
from markets.services import audit

from .errors import Hopeless, Refused, Throttled, Trouble
from .models import SentOverride
from .outgoing import Errand

AT_ONCE = 20
LONGEST_WAIT = 60.0
NOT_A_PRICE = "an offset or a percentage cannot be sent: the provider takes prices"
NOT_NAMED = "the provider's own key of this price is not known"
SHARED = "another bookmaker of this desk sees the sport: what the provider then shows would be its feed price too"


def errands(source_id: int, bookmaker_id: UUID) -> list[Errand]:
    """What is to be sent now: new overrides and longer ones, and the end of those that ended early."""
    now = db.now()
    with transaction.atomic():
        _take_up(source_id, bookmaker_id, now)
        _close(source_id, now)
    rows = SentOverride.objects.filter(source_id=source_id, due_at__lte=now, override__bookmaker_id=bookmaker_id)
    rows = rows.select_related("override__selection", "override__market", "override__fixture").order_by("due_at")
    return [*_sets(rows.filter(override__ended_at=None, override__ends_at__gt=now), now), *_ends(rows, now)][:AT_ONCE]


def sent(errand: Errand) -> None:
    """The provider has it."""
    now = db.now()
    with transaction.atomic():
        row = SentOverride.objects.select_for_update(of=("self",)).select_related("override__fixture").get(pk=errand.override_id)
        row.state = SentOverride.ENDED if errand.ends else SentOverride.SENT
        row.until, row.attempts, row.words = errand.until, 0, ""
        row.save()
        _record(row, errand, "override ended upstream" if errand.ends else "override sent upstream", now)


def failed(errand: Errand, trouble: Trouble, words: str) -> None:
    """It was not taken; ``words`` say why, without any credential. What passes by itself is tried again until the override's own end."""
    now = db.now()
    with transaction.atomic():
        row = SentOverride.objects.select_for_update(of=("self",)).select_related("override__fixture").get(pk=errand.override_id)
        row.attempts += 1
        row.words = words[:300]
        row.due_at = now + _wait(row.attempts, trouble)
        if isinstance(trouble, Hopeless):
            row.state = SentOverride.GIVEN_UP
        row.save()
        if row.attempts == 1 or row.state == SentOverride.GIVEN_UP:
            _record(row, errand, "override refused upstream", now, words)


def _take_up(source_id: int, bookmaker_id: UUID, now: datetime) -> None:
    """A row for each override that has none yet."""
    fresh = Override.objects.filter(bookmaker_id=bookmaker_id, fixture__source_id=source_id, ended_at=None, ends_at__gt=now, sent=None)
    SentOverride.objects.bulk_create(
        [SentOverride(source_id=source_id, override=one, due_at=now) for one in fresh[:AT_ONCE]], ignore_conflicts=True
    )


def _close(source_id: int, now: datetime) -> None:
    """What has run out, or ended before it was sent, needs no word more."""
    left = SentOverride.objects.filter(source_id=source_id, state__in=(SentOverride.WAITING, SentOverride.SENT))
    over = Q(override__ends_at__lte=now) | Q(override__ended_at__isnull=False, until=None)
    left.filter(over).update(state=SentOverride.ENDED)


def _sets(rows: QuerySet[SentOverride], now: datetime) -> Iterator[Errand]:
    unsent = Q(state=SentOverride.WAITING) | Q(state=SentOverride.SENT) & ~Q(until=F("override__ends_at"))
    for row in rows.filter(unsent)[:AT_ONCE]:
        errand = _errand(row, now, ends=False)
        if errand is None or row.override.kind != OverrideKind.PRICE:
            _give_up(row, NOT_NAMED if errand is None else NOT_A_PRICE, now)
        elif _shared(row.override):
            _give_up(row, SHARED, now)
        else:
            yield errand


def _shared(held: Override) -> bool:
    """Whether the provider's echo would reach another tenant as a price of the feed (E1)."""
    return Bookmaker.objects.filter(sports=held.fixture.sport_id).exclude(pk=held.bookmaker_id).exists()


def _ends(rows: QuerySet[SentOverride], now: datetime) -> Iterator[Errand]:
    """Ended before its time, and no other of ours took its place at the provider."""
    early = rows.filter(state=SentOverride.SENT, override__ended_at__isnull=False, override__ends_at__gt=now)
    for row in early[:AT_ONCE]:
        followed = Override.objects.filter(
            bookmaker_id=row.override.bookmaker_id, selection_id=row.override.selection_id, ended_at=None, ends_at__gt=now
        )
        if followed.exists():
            SentOverride.objects.filter(pk=row.pk).update(state=SentOverride.ENDED)
        elif (errand := _errand(row, now, ends=True)) is not None:
            yield errand


def _errand(row: SentOverride, now: datetime, *, ends: bool) -> Errand | None:
    """``None`` where the provider's own keys are not known."""
    held = row.override
    group, market = held.market.facts.get("group"), held.market.facts.get("key")
    outcome = held.selection.facts.get("key")
    if not (group and market and outcome):
        return None
    seconds = max(1, floor((held.ends_at - now).total_seconds()))
    return Errand(held.pk, held.fixture.ref, group, f"{market}#{outcome}", held.value, seconds, held.ends_at, ends)


def _give_up(row: SentOverride, words: str, now: datetime) -> None:
    with transaction.atomic():
        changed = SentOverride.objects.filter(pk=row.pk).exclude(state=SentOverride.GIVEN_UP)
        if changed.update(state=SentOverride.GIVEN_UP, words=words):
            _record(row, None, "override refused upstream", now, words)


def _wait(attempts: int, trouble: Trouble) -> timedelta:
    if isinstance(trouble, Refused):
        return timedelta(seconds=LONGEST_WAIT)
    said = trouble.seconds if isinstance(trouble, Throttled) else 0.0
    return timedelta(seconds=max(said, min(LONGEST_WAIT, 0.5 * 2.0**attempts)))


def _record(row: SentOverride, errand: Errand | None, action: str, now: datetime, words: str = "") -> None:
    held = row.override
    after = None if errand is None else {"oddKey": errand.odd_key, "oddValue": str(errand.value), "seconds": errand.seconds}
    audit.record(
        at=now, actor="upstream", actor_name="sent upstream", action=action, bookmaker_id=held.bookmaker_id, fixture_id=held.fixture_id,
        market_id=held.market_id, selection_id=held.selection_id, object_words=f"fixture {held.fixture.ref}", after=after, reason=words,
        via="feed",
    )  # fmt: skip
