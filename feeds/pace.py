"""How fast each feed speaks, and how far its frames are from applied: of the last seconds, for people who look at it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from markets import db

from .models import Frame

WINDOW = timedelta(seconds=10)
MOST = 600
"""Newest frames of all feeds that are looked at: beyond them the window is shorter, lest a look grows with the load."""
WITHIN = 0.95
ONE_SECOND = timedelta(seconds=1)


def paces(using: str = "default") -> list[tuple[int, float, float | None]]:
    """Source id, frames kept a second, and the seconds from kept to applied that 95 % of them stayed within: feeds that spoke lately.

    What is pending counts with its age so far; what waits beyond a gap, and is named there, does not (None: nothing else). One query.
    """
    now = db.now(using)
    since, columns = now - WINDOW, ("source_id", "kept_at", "taken_up_at", "applied_at", "parked")
    newest = Frame.objects.using(using).filter(day__gte=since.date()).order_by("-id").values_list(*columns)
    rows = list(newest[:MOST])
    if len(rows) == MOST:
        since = max(since, rows[-1][1])
    spoke: dict[int, int] = defaultdict(int)
    lags: dict[int, list[timedelta]] = defaultdict(list)
    for source_id, kept, taken_up, applied, parked in rows:
        if kept < since:
            continue
        spoke[source_id] += 1
        if not parked:
            lags[source_id].append((applied or now) - (taken_up or kept))
    seconds = max((now - since) / ONE_SECOND, 0.001)
    return [(source_id, count / seconds, _within(lags[source_id])) for source_id, count in sorted(spoke.items())]


def _within(lags: list[timedelta]) -> float | None:
    """Seconds that 95 % of them do not pass."""
    return max(0.0, sorted(lags)[int(WITHIN * (len(lags) - 1))] / ONE_SECOND) if lags else None
