"""Lines of a match's timeline that are not in it yet: a stream that was begun anew tells the same again (decision T2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markets.domain.sports.tennis import Entry, Tennis, told_before
from markets.models import TimelineEntry

Name = tuple[int | None, str, str, datetime | None]
"""Number, kind, mark and the provider's time: the same packet of the same count."""


def fresh(fixture_id: int, match: Tennis | None, entries: Sequence[Entry]) -> list[Entry]:
    """Without those that stand there. One query, only while a stream that was begun anew goes over what was told before."""
    again = [entry for entry in entries if match is not None and told_before(match, entry)]
    if not again:
        return list(entries)
    rows = TimelineEntry.objects.filter(fixture_id=fixture_id, seq__in={entry.seq for entry in again})
    known: set[Name] = set(rows.values_list("seq", "kind", "mark", "at"))
    return [entry for entry in entries if _name(entry) not in known]


def _name(entry: Entry) -> Name:
    return entry.seq, entry.kind[:60], entry.mark[:12], entry.at
