"""Begin a match's stream anew: the way out where its numbers no longer say what was applied (decision T2, ADR 0014).

A wild number swallows the real stream until the count catches up, and a provider that counts from 1 again is taken for the past. A person
has the stream read from its start: what waits beyond a gap is let go, the numbers are forgotten so that the replay is no repeat, and the
match begins where it stood before its first packet. The reader notices within a second and asks for the whole stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from markets import db
from markets.domain.sports.tennis import ANEW
from markets.domain.values import Outcome
from markets.models import Fixture, Gap
from markets.services import matches, resync, sources
from markets.services.actor import Actor

from .keeping import lane_of
from .lanes import alone_in
from .models import Frame, MessageGuid
from .parking import OF_STREAMS
from .registry import REGISTRY
from .settle import count

T = TypeVar("T")
BEGUN_ANEW = "begun anew"
_AT_ONCE = 500


def begin(actor: Actor, bookmaker_id: UUID, fixture_id: int, reason: str) -> str:
    """Have the stream of the match that a fixture is bound to read anew; traders, audited. The match's id.

    Raises NotFound (also where it is bound to no match), Forbidden, Refused without a reason.
    """
    place = matches.find(actor, bookmaker_id, fixture_id)
    resync.demand_reason(reason)
    match = place.match
    with alone_in(lane_of(match.source_id, match.ref)):
        now = db.now()
        _let_go(match, now)
        _forget_numbers(match)
        _resolve(match, now)
        resync.begin_anew(actor, place, reason)
    return match.ref


def _let_go(match: Fixture, now: datetime) -> None:
    """What waited beyond a gap comes again with the replay; a wild number among it must not be taken up."""
    waiting = Frame.objects.filter(OF_STREAMS, source_id=match.source_id, stream=match.ref, outcome__isnull=True, parked=True)
    rows = list(waiting.values_list("id", "lane"))
    settled = {"outcome": Outcome.SUPERSEDED, "reason": ANEW, "applied_at": now, "parked": False}  # parked would mean: applied over a gap
    for ids in _some([id_ for id_, _ in rows]):
        Frame.objects.filter(pk__in=ids).update(**settled)
    count([(match.source_id, lane, Outcome.SUPERSEDED, 1) for _, lane in rows])


def _forget_numbers(match: Fixture) -> None:
    """Alarms and what has no number stay known: said again they are repeats."""
    for guids in _some(REGISTRY[match.source.provider].numbered(match.ref)):
        MessageGuid.objects.filter(source_id=match.source_id, guid__in=guids).delete()


def _resolve(match: Fixture, now: datetime) -> None:
    """Numbers that came with other content need no look any more: the replay says which is right."""
    conflicts = Frame.objects.filter(
        source_id=match.source_id, stream=match.ref, outcome=Outcome.QUARANTINED, resolution="", hint_seq__isnull=False
    )
    for ids in _some(conflicts.values_list("id", flat=True)):
        Frame.objects.filter(pk__in=ids).update(resolution=BEGUN_ANEW, resolved_reason=ANEW, resolved_at=now)
        for gap_id in Gap.objects.filter(frame_id__in=ids, closed_at__isnull=True).values_list("pk", flat=True):
            sources.close_gap(gap_id, "", ANEW)


def _some(values: Iterable[T]) -> Iterator[list[T]]:
    left = iter(values)
    while found := list(islice(left, _AT_ONCE)):
        yield found
