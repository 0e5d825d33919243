"""What the audit says when a match's own connection is lost or heard again, where it holds prices open (F1; decision O2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from markets.domain import leases
from markets.models import Fixture, PointLiveness

from . import audit

LOST = frozenset({"lost", "gap", "refused", "waiting"})
"""States from which a connection that is live again re-opens its match; one that is new re-opens nothing."""
ENDED = "ended"

Match = tuple[int, str]


class Life(Protocol):
    """``markets.services.pointlife.Life``."""

    @property
    def source_id(self) -> int: ...
    @property
    def ref(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def words(self) -> str: ...


def states(lives: Sequence[Life]) -> dict[Match, str]:
    """What is recorded of these matches before it is written anew; of feeds with a connection each match. Call it in that transaction."""
    rows = PointLiveness.objects.filter(source_id__in={one.source_id for one in lives}, ref__in=[one.ref for one in lives])
    own = rows.filter(source__provider__in=leases.PROVIDERS)
    return {(source_id, ref): state for source_id, ref, state in own.values_list("source_id", "ref", "state")}


def record(before: Mapping[Match, str], lives: Sequence[Life], now: datetime) -> None:
    """One record for each match whose connection was live and is not, or the reverse."""
    turned = {(one.source_id, one.ref): one for one in lives if _turned(before.get((one.source_id, one.ref)), one.state)}
    if turned:
        audit.record_many(list(_records(turned, before, now)))


def _turned(was: str | None, now: str) -> bool:
    if was == leases.LIVE:
        return now not in (leases.LIVE, ENDED)
    return was in LOST and now == leases.LIVE


def _records(turned: Mapping[Match, Life], before: Mapping[Match, str], now: datetime) -> Iterator[audit.Record]:
    rows = Fixture.objects.filter(source_id__in={source_id for source_id, _ in turned}, ref__in=[ref for _, ref in turned])
    for fixture_id, name, source_id, ref, slug in rows.values_list("pk", "name", "source_id", "ref", "source__slug").order_by("pk"):
        one = turned.get((source_id, ref))
        if one is not None:
            yield audit.Record(
                at=now,
                actor=f"feed:{slug}",
                actor_name=slug,
                action="match heard" if one.state == leases.LIVE else "match silent",
                fixture_id=fixture_id,
                object_words=name or f"fixture {ref}",
                before={"connection": before[source_id, ref]},
                after={"connection": one.state},
                reason=one.words[:300],
            )
