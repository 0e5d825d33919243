"""When a tennis match closed its markets and for how long, and the waits for a price after it, read back from its timeline. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from .tennis_values import Entry, Kind, Tennis
from .tennis_words import IN_PROGRESS, UNSUSPENDED, state_words

_OPENING = tuple(state_words(state) for state in (IN_PROGRESS, UNSUSPENDED))
_ENDS = frozenset({Kind.SCORED.value, Kind.REPLAYED.value})
WAITING = "waiting for a price after the point"
_QUIET = frozenset({"alert"})
"""Lines that neither open nor close."""


class Band(Struct, frozen=True):
    """Closed from ``since`` to ``until``, our clock; ``None``: still. ``mark`` is that of the line that closed it, ``words`` its words."""

    since: datetime
    until: datetime | None
    mark: str
    words: str


def bands(entries: Iterable[Entry], match: Tennis) -> tuple[Band, ...]:
    """Spans in which the match itself was not "in progress, between points"; ``entries`` oldest first. The last one is corrected by what is
    known of the match now.
    """
    found: list[Band] = []
    closing: Entry | None = None
    for entry in entries:
        opens = _opens(entry, in_point=closing is not None and closing.mark == "started")
        if closing is None and opens is False:
            closing = entry
        elif closing is not None and opens:
            found.append(Band(closing.at_kept, entry.at_kept, closing.mark, closing.words))
            closing = None
    if closing is not None:
        found.append(Band(closing.at_kept, match.settled_kept, closing.mark, closing.words))
    elif match.closed_kept is not None and match.applied is not None:
        found.append(Band(match.closed_kept, None, "state", "closed"))
    return tuple(found)


def waits(
    closed: Sequence[Band], priced: Sequence[datetime], *, margin: timedelta, rule: timedelta | None = None, now: datetime
) -> tuple[Band, ...]:
    """Spans between a closing's end and what opened markets again, as far as anything did before the next closing (A2).

    ``priced``: when prices of in-play markets were kept, in order; one counts from ``margin`` after the end. ``rule``: after how long a
    market opens by time alone, ``None`` for never. The last wait is open, ``until`` ``None``, while nothing has opened by ``now``.
    """
    ends: list[tuple[Band, datetime | None]] = [(band, after.since) for band, after in pairwise(closed)]
    if closed:
        ends.append((closed[-1], None))
    found = (_wait(band, _opened(band, priced, margin, rule, now), until) for band, until in ends)
    return tuple(band for band in found if band is not None)


def _opened(band: Band, priced: Sequence[datetime], margin: timedelta, rule: timedelta | None, now: datetime) -> datetime | None:
    if band.until is None:
        return None
    first = bisect_right(priced, band.until + margin)
    by_time = None if rule is None or band.until + rule > now else band.until + rule
    return min((at for at in (by_time, *priced[first : first + 1]) if at is not None), default=None)


def _wait(band: Band, opened: datetime | None, closed_again: datetime | None) -> Band | None:
    if band.until is None:
        return None
    until = min((at for at in (opened, closed_again) if at is not None), default=None)
    return Band(band.until, until, "wait", WAITING) if until is None or until > band.until else None


def _opens(entry: Entry, *, in_point: bool) -> bool | None:
    """``None``: it changes nothing. A state in between ends no point."""
    if entry.mark in _QUIET or entry.kind == Kind.TIME.value:
        return None
    if entry.delay:
        return False
    if entry.mark == "point":
        return entry.kind in _ENDS
    if entry.mark == "state" and entry.words.startswith(_OPENING):
        return None if in_point else True
    return False
