"""The state of every source as the store records it: leases, backlog, gaps (promises A3–A5)."""

# ruff: noqa: S608 -- only this module's own names are put into the SQL; every value travels as a parameter

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from markets.domain import leases
from markets.domain.rules import FeedHealth, Gap

from .bundle import NO_ID, Arm, Dialect, by_kind, marks, read

BacklogReader = Callable[[str], Mapping[int, datetime]]

_backlog_reader: BacklogReader | None = None


def register_backlog_reader(reader: BacklogReader | None) -> None:
    """Say who knows the backlog: ``reader(using)`` → source id → keep time of its oldest frame without outcome.

    Without a reader the backlog is unknown, and whatever is unknown suspends (promise A10).
    """
    global _backlog_reader  # noqa: PLW0603 -- markets must not import feeds, so feeds hand it in when they start
    _backlog_reader = reader


def backlog_reader_known() -> bool:
    return _backlog_reader is not None


def load_health(using: str = "default") -> dict[int, FeedHealth]:
    """Source id → health, disabled sources too. Two queries: settings, leases and gaps in one; the backlog."""
    pending = backlog(using)
    return from_rows(by_kind(read(using, *arms(using))), pending)


def backlog(using: str) -> Mapping[int, datetime] | None:
    """Source id → oldest keep time without outcome; ``None`` when nobody can say."""
    return None if _backlog_reader is None else _backlog_reader(using)


class _Source(Struct, frozen=True):
    slug: str
    lease: float
    live_data: float
    upcoming_data: float
    expected: int | bool
    simulated: int | bool
    enabled: int | bool
    heard_at: datetime | None
    slow_until: datetime | None
    provider: str


_source = msgspec.json.Decoder(_Source)
_gap = msgspec.json.Decoder(Gap, strict=False)


def arms(using: str, fixture_ids: Collection[int] | None = None) -> list[Arm]:
    """Rows of kinds ``source`` and ``gap``, owned by their source; with ``fixture_ids``, only gaps that can reach those.

    A gap of a match that one of them is bound to reaches it too.
    """
    d = Dialect(using)
    source = d.json(
        slug="s.slug",
        lease="s.lease_seconds",
        live_data="s.live_data_seconds",
        upcoming_data="s.upcoming_data_seconds",
        expected="s.coverage_expected",
        simulated="s.simulated",
        enabled="s.enabled",
        heard_at=d.time("l.heard_at"),
        slow_until=d.time("l.slow_until"),
        provider="s.provider",
    )
    gap = d.json(
        id="g.id", opened_at=d.time("g.opened_at"), cause="g.cause", fixture_id="g.fixture_id", sticky="g.sticky", frame_id="g.frame_id"
    )
    from_sources = f"SELECT 'source', s.id, {source} FROM markets_source s LEFT JOIN markets_sourceliveness l ON l.source_id = s.id"
    from_gaps = f"SELECT 'gap', g.source_id, {gap} FROM markets_gap g WHERE g.closed_at IS NULL"
    if fixture_ids is None:
        return [Arm(from_sources), Arm(from_gaps)]
    ids = tuple(fixture_ids) or NO_ID
    bound = f"SELECT b.points_id FROM markets_binding b WHERE b.ended_at IS NULL AND b.fixture_id IN ({marks(ids)})"
    reach = f"g.fixture_id IS NULL OR g.fixture_id IN ({marks(ids)}) OR g.fixture_id IN ({bound})"
    return [Arm(from_sources), Arm(f"{from_gaps} AND ({reach})", (*ids, *ids))]


def from_rows(kinds: Mapping[str, list[tuple[int, str]]], pending: Mapping[int, datetime] | None) -> dict[int, FeedHealth]:
    """Health from the rows of :func:`arms` and the backlog."""
    gaps: dict[int, list[Gap]] = {}
    for source_id, body in kinds.get("gap", ()):
        gaps.setdefault(source_id, []).append(_gap.decode(body))
    return {
        source_id: _health(
            _source.decode(body), tuple(gaps.get(source_id, ())), None if pending is None else pending.get(source_id), pending is not None
        )
        for source_id, body in kinds.get("source", ())
    }


def _health(source: _Source, gaps: tuple[Gap, ...], oldest: datetime | None, known: bool) -> FeedHealth:
    return FeedHealth(
        source=source.slug,
        heard_at=source.heard_at,
        lease_seconds=source.lease,
        live_data_seconds=source.live_data,
        upcoming_data_seconds=source.upcoming_data,
        oldest_pending_at=oldest,
        slow_until=source.slow_until,
        gaps=gaps,
        coverage_expected=bool(source.expected),
        simulated=bool(source.simulated),
        enabled=bool(source.enabled),
        backlog_known=known,
        each_match=source.provider in leases.PROVIDERS,
    )
