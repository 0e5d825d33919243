"""What a feed's reader records of each match's connection (promise A3; decisions T1, O2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from msgspec import Struct
from msgspec.structs import asdict

from markets import db
from markets.models import PointLiveness, PointState

from . import doorbell, lineaudit
from .rows import upsert

REMEMBERED = timedelta(days=7)
RECENT = timedelta(hours=24)
ENDED = "ended"
_LIFE = {
    "source_id": "bigint", "ref": "text", "heard_at": "timestamptz", "lease_seconds": "float8", "data_at": "timestamptz", "road": "text",
    "rereads": "integer", "state": "text", "words": "text", "last_seq": "bigint", "gaps": "integer", "reconnects": "integer",
    "changed_at": "timestamptz",
}  # fmt: skip


class Life(Struct, frozen=True):
    """One match's connection now. ``heard_at``: database time of its last message, ping or heartbeat.

    ``lease_seconds``: how long that counts, ``None`` where the source's lease does. ``data_at``: database time of the last data (O2).
    """

    source_id: int
    ref: str
    heard_at: datetime | None
    state: str
    words: str
    last_seq: int | None
    gaps: int
    reconnects: int
    lease_seconds: float | None = None
    data_at: datetime | None = None
    road: str = ""
    rereads: int = 0


def record(lives: Sequence[Life], ring: Collection[int] = ()) -> None:
    """Write all of them in one statement; ``ring`` for the sources of which more than a time has changed, which is audited (F1)."""
    if not lives:
        return
    now = db.now()
    ordered = sorted(lives, key=lambda one: (one.source_id, one.ref))  # one order of locks for all who write
    told = [asdict(one) | {"words": _clean(one.words), "changed_at": now} for one in ordered]
    changed = [one for one in ordered if one.source_id in ring]
    with transaction.atomic():
        before = lineaudit.states(changed) if changed else {}
        upsert("markets_pointliveness", _LIFE, 2, [[each[name] for name in _LIFE] for each in told])
        lineaudit.record(before, changed, now)
    doorbell.ring(*map(doorbell.source, sorted(ring)))


def begin(source_id: int) -> list[str]:
    """A reader starts: whatever an earlier one left is lost until it is heard again. The matches that had not ended lately."""
    now = db.now()
    rows = PointLiveness.objects.filter(source_id=source_id)
    rows.filter(changed_at__lt=now - REMEMBERED).delete()
    left = rows.exclude(state=ENDED)
    left.update(state="lost", words="the reader was restarted", changed_at=now)
    return list(left.filter(heard_at__gt=now - RECENT).values_list("ref", flat=True))


def stop(source_id: int, words: str) -> None:
    """A reader stops reading a source, and says why."""
    left = PointLiveness.objects.filter(source_id=source_id).exclude(state=ENDED)
    left.update(state="lost", words=_clean(words), changed_at=db.now())


def applied(source_id: int, ref: str) -> tuple[int, int | None]:
    """How often the match's stream was begun anew, and the highest number that is applied without a break before it."""
    states = PointState.objects.filter(fixture__source_id=source_id, fixture__ref=ref)
    turn, seq = states.values_list("state__course__turn", "state__applied").first() or (0, None)
    return turn or 0, seq if isinstance(seq, int) else None


def turns(source_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """How often each match's stream was begun anew, where it was."""
    anew = PointState.objects.filter(fixture__source_id__in=source_ids, state__course__turn__gt=0)
    rows = anew.values_list("fixture__source_id", "fixture__ref", "state__course__turn")
    return {(source_id, ref): turn for source_id, ref, turn in rows}


def finished(source_ids: Sequence[int]) -> set[tuple[int, str]]:
    """Source id and match of all that their feed says are over; what a person says so of is followed on, lest its feed disagrees (T6)."""
    over = PointState.objects.filter(fixture__source_id__in=source_ids, state__ended=True).exclude(state__outcome="")
    return set(over.values_list("fixture__source_id", "fixture__ref"))


PRE_MATCH = "pre-match"
"""The road of a match that is followed, and not played yet."""
HEARD_LATELY = timedelta(seconds=60)


def played(source_id: int) -> set[str]:
    """Matches that a reader follows as they are played, and has heard of lately."""
    rows = PointLiveness.objects.filter(source_id=source_id, heard_at__gt=db.now() - HEARD_LATELY)
    return set(rows.exclude(state=ENDED).exclude(road__in=("", PRE_MATCH)).values_list("ref", flat=True))


def _clean(words: str) -> str:
    return words.replace("\0", "")[:300]
