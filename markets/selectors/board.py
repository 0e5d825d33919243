"""Which fixtures a bookmaker's board can show: :func:`candidates`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from msgspec import Struct

from markets import db
from markets.domain.values import FixtureStatus, Phase
from markets.models import Bookmaker, Fixture, Override, Source, Watch

from . import points

LIMIT = 400
NEAR = timedelta(hours=36)


class Candidate(Struct, frozen=True):
    """A fixture that may be listed. ``watched``: starred by the person; ``overridden``: carries an override of the bookmaker in effect."""

    id: int
    phase: Phase
    start: datetime | None
    watched: bool = False
    overridden: bool = False


def candidates(bookmaker_id: UUID, user_id: int | None = None, using: str = "default", limit: int = LIMIT) -> list[Candidate]:
    """Live ones first, then by start. One query.

    Deleted fixtures are not listed (U12); simulated ones only for a demo bookmaker, and only while there is no real feed (P5).
    """
    rows = (
        listed(bookmaker_id, using)
        .annotate(
            watched=Exists(Watch.objects.filter(fixture=OuterRef("pk"), user_id=user_id or 0)),
            overridden=Exists(Override.objects.filter(fixture=OuterRef("pk"), bookmaker_id=bookmaker_id, ended_at=None)),
        )
        .order_by("joint", "start", "id")
        .values_list("id", "joint", "start", "watched", "overridden")[:limit]
    )
    return [Candidate(i, Phase(phase), start, watched, overridden) for i, phase, start, watched, overridden in rows]


def listed(bookmaker_id: UUID, using: str = "default") -> QuerySet[Any]:
    """Live and upcoming fixtures of the bookmaker's sports, unordered; ``joint`` is their phase, by their point feed too (U12)."""
    return (
        points.with_joint_phase(visible(bookmaker_id, using).filter(phase__in=_LISTED))
        .filter(joint__in=_LISTED)
        .exclude(status=FixtureStatus.DELETED.value)
        .filter(Q(simulated=False) | ~Exists(Source.objects.filter(simulated=False, enabled=True)))
    )


def visible(bookmaker_id: UUID, using: str = "default") -> QuerySet[Fixture]:
    """Every fixture that the bookmaker may know of, by its sports; all others do not exist for it (promise E1).

    A point feed's matches are nobody's: they are seen in the fixtures that they are bound to.
    """
    demo = Bookmaker.objects.filter(id=bookmaker_id, demo=True)
    sports = Bookmaker.sports.through.objects.filter(bookmaker_id=bookmaker_id, sport_id=OuterRef("sport_id"))
    rows = Fixture.objects.using(using).exclude(source__provider__in=points.PROVIDERS)
    return rows.filter(Exists(sports)).filter(Q(simulated=False) | Exists(demo))


def at_hand(bookmaker_id: UUID, using: str = "default") -> QuerySet[Fixture]:
    """Described fixtures of feeds that are on, which begin near now or nobody knows when, and are not over: by start.

    They are what can still be said to be the match of another feed.
    """
    now = db.now(using)
    near = Q(start__isnull=True) | Q(start__range=(now - NEAR, now + NEAR))
    rows = visible(bookmaker_id, using).filter(near, has_details=True, source__enabled=True)
    rows = rows.exclude(phase=Phase.FINISHED.value).exclude(status=FixtureStatus.DELETED.value)
    return rows.select_related("source").order_by("start", "pk")


_LISTED = (Phase.LIVE.value, Phase.UPCOMING.value)
