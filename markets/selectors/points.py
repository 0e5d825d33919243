"""Point feeds as the store records them: which match a fixture is bound to, how its connection does, what waits in the inbox.

What a point feed told of its match travels with the fixture's snapshot (:mod:`.fixture`), under one revision; what has no revision, the
liveness of each match, is read here with the health of the feeds.
"""

# ruff: noqa: S608 -- only this module's own names are put into the SQL; every value travels as a parameter

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, When
from msgspec import Struct

from markets.domain import leases
from markets.domain.leases import Line
from markets.domain.values import Phase
from markets.models import Binding, Fixture

from .bundle import NO_ID, Arm, Dialect, by_kind, marks, read

PROVIDERS = ("tennis",)
"""Providers of point feeds: their fixtures are matches of other feeds' fixtures and are offered by nobody themselves."""


class Pending(Struct, frozen=True):
    """What of one match waits in the inbox. ``seq``: the highest number; ``unnumbered``: a frame whose number nobody can read."""

    seq: int | None = None
    unnumbered: bool = False


PendingReader = Callable[[str], Mapping[tuple[int, str], tuple[int | None, bool]]]

_pending_reader: PendingReader | None = None


def register_pending_reader(reader: PendingReader | None) -> None:
    """Say who knows what waits: ``reader(using)`` → (source id, the match's ref) → highest pending number, any without a number.

    Without a reader nobody knows, and fences stay up (promise A10).
    """
    global _pending_reader  # noqa: PLW0603 -- markets must not import feeds, so feeds hand it in when they start
    _pending_reader = reader


def pending_reader_known() -> bool:
    return _pending_reader is not None


def pending(using: str = "default") -> dict[tuple[int, str], Pending] | None:
    """(Source id, the match's ref) → what waits; ``None`` when nobody can say. One query."""
    if _pending_reader is None:
        return None
    return {match: Pending(seq, unnumbered) for match, (seq, unnumbered) in _pending_reader(using).items()}


def load_lines(using: str = "default", fixture_ids: Collection[int] = ()) -> dict[int, Line]:
    """The connection of every match that is bound, by its own fixture's id, and those of these fixtures themselves (O2). One query."""
    return lines_from_rows(by_kind(read(using, *arms(using), _own_arm(using, fixture_ids))))


def arms(using: str, fixture_ids: Collection[int] | None = None) -> list[Arm]:
    """Rows of kind ``line``, owned by the point feed's fixture; with ``fixture_ids``, only of matches bound to those, and their own."""
    sql = (
        f"SELECT 'line', f.id, {_line_json(Dialect(using))} FROM markets_binding b JOIN markets_fixture f ON f.id = b.points_id"
        " JOIN markets_pointliveness l ON l.source_id = f.source_id AND l.ref = f.ref WHERE b.ended_at IS NULL"
    )
    if fixture_ids is None:
        return [Arm(sql)]
    ids = tuple(fixture_ids) or NO_ID
    return [Arm(f"{sql} AND b.fixture_id IN ({marks(ids)})", ids), _own_arm(using, ids)]


def _own_arm(using: str, fixture_ids: Collection[int]) -> Arm:
    """Of fixtures whose prices their own connection holds open (O2)."""
    ids = tuple(fixture_ids) or NO_ID
    providers = tuple(sorted(leases.PROVIDERS))
    sql = (
        f"SELECT 'line', f.id, {_line_json(Dialect(using))} FROM markets_fixture f JOIN markets_source s ON s.id = f.source_id"
        " JOIN markets_pointliveness l ON l.source_id = f.source_id AND l.ref = f.ref"
        f" WHERE f.id IN ({marks(ids)}) AND s.provider IN ({marks(range(len(providers)))})"
    )
    return Arm(sql, (*ids, *providers))


def _line_json(d: Dialect) -> str:
    return d.json(
        heard_at=d.time("l.heard_at"),
        state="l.state",
        words="l.words",
        last_seq="l.last_seq",
        lease_seconds="l.lease_seconds",
        data_at=d.time("l.data_at"),
    )


def lines_from_rows(kinds: Mapping[str, list[tuple[int, str]]]) -> dict[int, Line]:
    """Lines of the rows of :func:`arms`."""
    return {fixture_id: _line.decode(body) for fixture_id, body in kinds.get("line", ())}


def with_joint_phase(fixtures: QuerySet[Fixture]) -> QuerySet[Any]:
    """Each with ``joint``: its phase by both feeds (U12), as ``markets.domain.fences.joint_phase`` says it of a snapshot."""
    intact = Binding.objects.filter(fixture=OuterRef("pk"), ended_at=None, broken_at=None)
    told = fixtures.annotate(of_points=Subquery(intact.values("points__phase")[:1]))
    return told.annotate(
        joint=Case(
            When(phase=Phase.FINISHED.value, then=F("phase")),
            When(of_points__in=(Phase.FINISHED.value, Phase.LIVE.value), then=F("of_points")),
            default=F("phase"),
            output_field=CharField(),
        )
    )


_line = msgspec.json.Decoder(Line)
