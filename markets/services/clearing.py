"""Gaps that hold nothing any more are closed, so that the screen says "gap" only while one holds something (promise A5).

No price depends on it: the gate compares each market's newest message with each gap itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from markets.domain import facts
from markets.domain.state import market_mark
from markets.domain.values import FixtureStatus, MarketStatus, Phase
from markets.models import FixtureMarks, Gap, Market, PointState
from markets.selectors.points import PROVIDERS

from . import sources

BY = "feed"
WORDS = "every open market has had a newer message"
PROVEN = "every match under way has gone on, in order, since"
SETTLING = timedelta(seconds=5)
BATCH = 50


def close_cleared(now: datetime) -> int:
    """Close what no open market waits for any more; returns how many. Gaps younger than 5 s are left alone, sticky ones always."""
    due = Gap.objects.filter(closed_at=None, sticky=False, opened_at__lt=now - SETTLING).select_related("source").order_by("opened_at")
    cleared = [gap for gap in due[:BATCH] if not (_unproven if gap.source.provider in PROVIDERS else _waited_for)(gap)]
    for gap in cleared:
        sources.close_gap(gap.pk, BY, PROVEN if gap.source.provider in PROVIDERS else WORDS)
    return len(cleared)


def _unproven(gap: Gap) -> bool:
    """Whether a match that is not over has not been between points since the gap: a point feed proves itself by its next ones (A5 ii)."""
    scope = Q(fixture_id=gap.fixture_id) if gap.fixture_id else Q(fixture__source_id=gap.source_id)
    stored = PointState.objects.filter(scope).exclude(fixture__phase=Phase.FINISHED).values_list("state", flat=True)
    matches = (facts.tennis_from(state) for state in stored.iterator(chunk_size=100))
    return any(match.settled_kept is None or match.settled_kept <= gap.opened_at for match in matches if match.started)


def _waited_for(gap: Gap) -> bool:
    """Whether a market that the feed calls Open was last named before the gap; a closed one needs a newer message anyway."""
    scope = Q(fixture_id=gap.fixture_id) if gap.fixture_id else Q(fixture__source_id=gap.source_id)
    alive = Q(fixture__phase__in=[Phase.LIVE, Phase.UPCOMING]) & ~Q(fixture__status=FixtureStatus.DELETED)
    named: dict[int, list[str]] = {}
    for fixture_id, ref in Market.objects.filter(scope, alive, status=MarketStatus.OPEN).values_list("fixture_id", "ref"):
        named.setdefault(fixture_id, []).append(ref)
    marks = FixtureMarks.objects.filter(fixture_id__in=named).values_list("fixture_id", "marks")
    return any(_behind(bytes(stored), named[fixture_id], gap.opened_at) for fixture_id, stored in marks.iterator(chunk_size=100))


def _behind(stored: bytes, refs: list[str], opened_at: datetime) -> bool:
    seen = facts.marks_from(stored)
    return any((mark := seen.get(market_mark(ref))) is None or mark.proven_at <= opened_at for ref in refs)
