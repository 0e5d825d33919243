"""What matches of point feeds have told line by line, and how their connections do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, When
from msgspec import Struct

from markets import db
from markets.domain.sports.tennis import Entry
from markets.models import Binding, Fixture, PointLiveness, PriceTick, TimelineEntry

from .board import visible

LINES = 80
MOST_TOLD = 600
RECENT = timedelta(hours=2)
OVER = timedelta(minutes=15)
"""How long a match that has ended is shown yet."""
MOST = 300


class Line(Struct, frozen=True):
    """A line of a timeline with its row id, which grows."""

    id: int
    entry: Entry


class MatchLife(Struct, frozen=True):
    """One match's connection. ``name`` is empty while nobody has told it; ``bound``: the fixture that follows it, where it may be seen.

    ``data_at``, ``road``, ``rereads`` where the feed has those (O2); ``fixture``: the feed's own, where it may be seen.
    """

    source_id: int
    ref: str
    name: str
    bound: int | None
    bound_name: str
    state: str
    words: str
    heard_at: datetime | None
    last_seq: int | None
    gaps: int
    reconnects: int
    data_at: datetime | None = None
    road: str = ""
    rereads: int = 0
    fixture: int | None = None


DISCOVERY = "discovery"
"""In place of a match's id: how reading the list of what is live goes."""


def lists_of_live(using: str = "default") -> dict[int, tuple[str, str]]:
    """Source id → state and words of reading what is live there, for every feed that the desk fetches. One query."""
    rows = PointLiveness.objects.using(using).filter(ref=DISCOVERY).values_list("source_id", "state", "words")
    return {source_id: (state, words) for source_id, state, words in rows}


def timeline(match_id: int, after: int = 0, using: str = "default", limit: int = LINES) -> list[Line]:
    """The newest lines of a match, newest first; only those ``after`` a row id. One query."""
    rows = TimelineEntry.objects.using(using).filter(fixture_id=match_id, id__gt=after).order_by("-id")[:limit]
    return [Line(row.pk, _entry(row)) for row in rows]


def told_since(match_id: int, since: datetime, using: str = "default") -> list[Line]:
    """All lines kept since then, newest first, :data:`MOST_TOLD` of them; at least the newest :data:`LINES`. One or two queries."""
    rows = TimelineEntry.objects.using(using).filter(fixture_id=match_id, kept_at__gte=since).order_by("-id")[:MOST_TOLD]
    found = [Line(row.pk, _entry(row)) for row in rows]
    return found if len(found) >= LINES else timeline(match_id, using=using)


def priced(fixture_id: int, selection_ids: Collection[int], since: datetime, until: datetime, using: str = "default") -> list[datetime]:
    """When prices of these selections changed to something that the feed offers, in order. One query.

    A message that says the same price again leaves no trace here.
    """
    if not selection_ids:
        return []
    days = [since.date() + timedelta(days=n) for n in range((until.date() - since.date()).days + 1)]
    rows = PriceTick.objects.using(using).filter(fixture_id=fixture_id, selection_id__in=selection_ids, at__gte=since, day__in=days)
    return sorted(set(rows.filter(offered=True).values_list("at", flat=True)))


def lives(bookmaker_id: UUID, source_ids: Collection[int], using: str = "default") -> list[MatchLife]:
    """Matches of these sources that were heard lately, in trouble first. Four queries."""
    now = db.now(using)
    rows = PointLiveness.objects.using(using).filter(source_id__in=source_ids, changed_at__gte=now - RECENT)
    well = Case(When(state__in=("live", "ended"), then=1), default=0)
    shown = list(rows.exclude(state="ended", changed_at__lt=now - OVER).order_by(well, "ref")[:MOST])
    refs = {row.ref for row in shown}
    names = Fixture.objects.using(using).filter(source_id__in=source_ids, ref__in=refs).values_list("source_id", "ref", "name")
    named = {(source_id, ref): name for source_id, ref, name in names}
    seen = visible(bookmaker_id, using).order_by().values("pk")
    bindings = Binding.objects.using(using).filter(ended_at=None, points__source_id__in=source_ids, fixture__in=seen)
    columns = bindings.values_list("points__source_id", "points__ref", "fixture_id", "fixture__name")
    bound = {(source_id, ref): (pk, name) for source_id, ref, pk, name in columns}
    own_rows = Fixture.objects.using(using).filter(source_id__in=source_ids, ref__in=refs, pk__in=seen)
    own = {(source_id, ref): pk for source_id, ref, pk in own_rows.values_list("source_id", "ref", "pk")}
    keys = [(row, (row.source_id, row.ref)) for row in shown]
    found = [_life(row, named.get(key, ""), bound.get(key, (None, "")), own.get(key)) for row, key in keys]
    return sorted(found, key=lambda life: (_ORDER.get(life.state, 0), life.ref))


_ORDER = {"live": 2, "waiting": 3, "ended": 4}
"""Those that a person must look at come first."""


def _life(row: PointLiveness, name: str, bound: tuple[int | None, str], own: int | None) -> MatchLife:
    told = (row.state, row.words, row.heard_at, row.last_seq, row.gaps, row.reconnects)
    whose, whose_name = bound
    return MatchLife(row.source_id, row.ref, name, whose, whose_name, *told, row.data_at, row.road, row.rereads, own)


def _entry(row: TimelineEntry) -> Entry:
    return Entry(row.seq, row.kind, row.mark, row.words, row.at, row.kept_at, row.score, row.delay)
