"""What a bookmaker is offered now: snapshot, terms and health put through the gate and the chain.

REST, pages and pushed frames all use :func:`assemble`, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from markets import db
from markets.domain.fences import Lines, Signs, fence
from markets.domain.heard import DEAF, NOTHING_HEARD, Ears, Heard
from markets.domain.leases import lease
from markets.domain.publish import PublishedMarket, publish
from markets.domain.rules import NO_FENCE, Circumstances, FeedHealth, Fence, Lease

from . import health, points, remembered, terms
from .bundle import Arm, Dialect, by_kind, read, snapshot
from .fixture import FixtureSnapshot
from .terms import FixtureTerms

_NO_LINES: Lines = {}


class Offer(Struct, frozen=True):
    """One fixture for one bookmaker at ``now`` (database time). ``signs``: what is known of its point feed."""

    snapshot: FixtureSnapshot
    terms: FixtureTerms
    published: tuple[PublishedMarket, ...]
    revision: int
    bookmaker_revision: int
    now: datetime
    around: Circumstances
    signs: Signs = Signs()


def circumstances(
    fixture_: FixtureSnapshot,
    decided: FixtureTerms,
    feeds: Mapping[int, FeedHealth],
    now: datetime,
    *,
    store_confirmed_at: datetime | None,
    fence: Fence = NO_FENCE,
    lease: Lease | None = None,
) -> Circumstances:
    """Everything around one fixture's markets; a source without health has never been heard."""
    feed = feeds.get(fixture_.source_id) or FeedHealth(source=fixture_.source, heard_at=None, backlog_known=False)
    return Circumstances(
        now=now,
        fixture=fixture_.facts,
        feed=feed,
        holds=decided.holds,
        confirmations=decided.confirmations,
        fence=fence,
        store_confirmed_at=store_confirmed_at,
        demo=decided.demo,
        limits=decided.limits,
        lease=lease,
    )


def lease_of(fixture_: FixtureSnapshot, feeds: Mapping[int, FeedHealth], now: datetime, *, lines: Lines, reader: Heard) -> Lease | None:
    """What the fixture's own connection says, where its feed has one for each match (O2). ``reader``: of the process that reads it."""
    feed = feeds.get(fixture_.source_id)
    if feed is None or not feed.each_match:
        return None
    return lease(feed, lines.get(fixture_.id), reader, fixture_.phase, now)


def signs_of(fixture_: FixtureSnapshot, decided: FixtureTerms, feeds: Mapping[int, FeedHealth], *, lines: Lines, heard: Heard) -> Signs:
    """Everything known of the match that the fixture is bound to; ``heard``: what was announced of it."""
    bound = fixture_.points
    return Signs(
        points=bound,
        feed=feeds.get(bound.source_id) if bound else None,
        line=lines.get(bound.fixture_id) if bound else None,
        heard=heard,
        confirmations=decided.points_confirmations,
    )


def assemble(
    snapshot: FixtureSnapshot,
    terms: FixtureTerms,
    health: Mapping[int, FeedHealth],
    now: datetime,
    *,
    store_confirmed_at: datetime | None,
    lines: Lines = _NO_LINES,
    heard: Heard = NOTHING_HEARD,
    reader: Heard = NOTHING_HEARD,
) -> Offer:
    """Gate and price one fixture; pure. A source without health suspends, and so does a bound match of which nothing was heard.

    ``heard``: of the match that it is bound to; ``reader``: of the process that reads the feed of its prices.
    """
    signs = signs_of(snapshot, terms, health, lines=lines, heard=heard)
    raised = fence(signs, terms.points, now)
    own = lease_of(snapshot, health, now, lines=lines, reader=reader)
    around = circumstances(snapshot, terms, health, now, store_confirmed_at=store_confirmed_at, fence=raised, lease=own)
    published = publish(snapshot.markets, terms.terms, around)
    return Offer(snapshot, terms, published, snapshot.revision, terms.bookmaker_revision, now, around, signs)


def offers(
    bookmaker_id: UUID,
    fixture_ids: Collection[int],
    using: str = "default",
    ears: Ears = DEAF,
) -> dict[int, Offer]:
    """Fixture id → offer, all read in one snapshot of the store; unknown ids are left out, and all of an unknown bookmaker's.

    Three queries whatever the number of fixtures: the backlog, what is around it, and what the feeds said, where it is not remembered.
    ``ears``: what was announced to this process, remembered from before this reading; without them a fixture that is bound to a point
    feed's match is suspended.
    """
    ids = tuple(fixture_ids)
    committed = remembered.committed(using)
    with snapshot(using):
        pending = health.backlog(using)
        around = (*health.arms(using, ids), *points.arms(using, ids), *terms.arms(bookmaker_id, ids, using), _now_arm(using))
        kinds = by_kind(read(using, *around, remembered.arm(using, ids)))
        fixtures = remembered.load(kinds, using, committed=committed)
    now = _now(kinds, using)
    feeds, decided, lines = health.from_rows(kinds, pending), terms.from_rows(kinds, ids), points.lines_from_rows(kinds)
    return {
        i: assemble(
            found, decided[i], feeds, now, store_confirmed_at=now, lines=lines, heard=_heard(found, ears), reader=reader_of(found, ears)
        )
        for i, found in fixtures.items()
        if i in decided
    }


def _heard(found: FixtureSnapshot, ears: Ears) -> Heard:
    return ears.heard(found.points.source_id, found.points.ref) if found.points else NOTHING_HEARD


def reader_of(found: FixtureSnapshot, ears: Ears) -> Heard:
    """What is known of the process that reads the feed of the fixture's prices."""
    return ears.heard(found.source_id, found.ref)


def _now_arm(using: str) -> Arm:
    """Database time rides along on PostgreSQL instead of asking for it apart."""
    d = Dialect(using)
    clock = d.json(now="clock_timestamp()") if d.postgres else "''"
    return Arm(f"SELECT 'now', 0, {clock}")


def _now(kinds: Mapping[str, list[tuple[int, str]]], using: str) -> datetime:
    return _clock.decode(kinds["now"][0][1]).now if Dialect(using).postgres else db.now(using)


class _Clock(Struct, frozen=True):
    now: datetime


_clock = msgspec.json.Decoder(_Clock)
