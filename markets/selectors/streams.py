"""What a bookmaker's streams are about: which sports and matches there are, which of them are live."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from markets.domain.values import Phase
from markets.models import Bookmaker

from . import board

MOST = 2_000
"""Live matches of a sport on one stream."""
LARGEST_MATCH_ID = 2**63 - 1


def sports(bookmaker_ids: Collection[UUID], using: str = "default") -> set[tuple[UUID, str]]:
    """Every (bookmaker, slug of a sport that it has). One query, none without bookmakers."""
    if not bookmaker_ids:
        return set()
    rows = Bookmaker.objects.using(using).filter(pk__in=bookmaker_ids, sports__isnull=False)
    return set(rows.values_list("pk", "sports__slug"))


def matches(bookmaker_id: UUID, match_ids: Collection[int], using: str = "default") -> list[tuple[str, int, int]]:
    """(slug of the sport, match id, row id) of those that the bookmaker may know of, finished ones too. One query."""
    known = [i for i in match_ids if i <= LARGEST_MATCH_ID]
    rows = board.visible(bookmaker_id, using).filter(match_id__in=known).values_list("sport__slug", "match_id", "id")
    return [(sport, match_id, row) for sport, match_id, row in rows if match_id is not None]


def live(bookmaker_id: UUID, sport: str, using: str = "default") -> tuple[int, ...]:
    """Row ids of the sport's live matches, with prices or without. One query."""
    rows = board.listed(bookmaker_id, using).filter(sport__slug=sport, match_id__isnull=False, joint=Phase.LIVE.value)
    return tuple(rows.order_by("id").values_list("id", flat=True)[:MOST])
