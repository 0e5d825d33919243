"""What one match's own connection says of its prices (promise A3, decision O2). Pure.

A feed that has a connection for each match (Odds360) shows no heartbeat and no sequence. So two leases of ours hold its prices open: the
connection was *heard* (a ping answered, bytes, a good poll), and *data* came (a frame of the match, or a good re-read). Beside them
counts whether the process that reads is alive at all, and whether the store has all that it read. Whoever serves a price evaluates all
of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from .heard import Heard
from .rules import CLOCK_LIMIT, Code, FeedHealth, Lease, Reason
from .values import Phase

LIVE = "live"
"""The only state of a match's connection that may hold prices open: its reader knows sooner than the lease that it is lost (A3)."""
PROVIDERS = frozenset({"odds360"})
"""Providers whose matches have a connection each; their prices need it."""


class Line(Struct, frozen=True):
    """One match's connection as its reader records it (``PointLiveness``), read with the health of the feeds.

    ``heard_at``, ``data_at``: database times. ``lease_seconds``: how long being heard counts, ``None`` where the source's own lease does.
    """

    heard_at: datetime | None
    state: str = ""
    words: str = ""
    last_seq: int | None = None
    lease_seconds: float | None = None
    data_at: datetime | None = None


NO_LINE = Line(None)


def data_seconds(feed: FeedHealth, phase: Phase) -> float:
    """How long the last data of a match may hold its prices open."""
    return feed.live_data_seconds if phase is Phase.LIVE else feed.upcoming_data_seconds


def heard_until(line: Line, feed_seconds: float) -> datetime | None:
    """When the connection counts as silent unless it is heard again; ``None`` when it never was heard."""
    seconds = feed_seconds if line.lease_seconds is None else line.lease_seconds
    return None if line.heard_at is None else line.heard_at + timedelta(seconds=seconds)


def data_until(line: Line, seconds: float) -> datetime | None:
    """When its prices are too old unless data comes, which counts for ``seconds``; ``None`` without any."""
    return None if line.data_at is None else line.data_at + timedelta(seconds=seconds)


def held_until(line: Line, feed_seconds: float, seconds: float) -> datetime | None:
    """The earlier of the two; ``None`` while either is missing or the connection is not live."""
    heard, data = heard_until(line, feed_seconds), data_until(line, seconds)
    if line.state != LIVE or heard is None or data is None:
        return None
    return min(heard, data)


def lease(feed: FeedHealth, line: Line | None, heard: Heard, phase: Phase, now: datetime) -> Lease:
    """What holds every price of the match closed, and until when nothing does.

    ``heard``: of the process that reads the feed, and of what it has read and could not keep. Its beats are a deadline for in-play prices
    only: those before the match may be five minutes old anyway, and a promise of under two seconds could not be kept alive by asking
    (ADR 0015).
    """
    line = line or NO_LINE
    seconds = data_seconds(feed, phase)
    reasons = (*_reader(heard), *_heard(line, feed, now), *_data(line, seconds, now))
    ends = [heard_until(line, feed.lease_seconds), data_until(line, seconds)]
    if phase is Phase.LIVE:
        ends.append(now + timedelta(seconds=heard.silent_in))
    return Lease(reasons, min((at for at in ends if at is not None), default=None))


def _reader(heard: Heard) -> Iterator[Reason]:
    """A10, A3: a process that does not listen knows nothing of the reader; one that has stopped reads nothing."""
    if not heard.joined:
        yield Reason(Code.LEASE, "whether anybody reads the feed is not known here", clears="listening for its reader")
    elif not heard.silent_in:
        yield Reason(Code.LEASE, "the feed's reader is silent", clears="the reader's next beats")
    elif heard.held:
        yield Reason(Code.LEASE, heard.held, clears="the store's having all that was read")


def _heard(line: Line, feed: FeedHealth, now: datetime) -> Iterator[Reason]:
    clears = "an answered ping, a frame or a good poll"
    until = heard_until(line, feed.lease_seconds)
    why = f": {line.words}" if line.words else ""
    if line.heard_at is None or until is None:
        yield Reason(Code.LEASE, f"the match has never been heard{why}", clears=clears)
    elif now >= until:
        yield Reason(Code.LEASE, f"the match has been silent for over {(until - line.heard_at).total_seconds():g} s{why}", until, clears)
    elif line.heard_at - now > CLOCK_LIMIT:
        yield Reason(Code.LEASE, "the match was last heard in the future: the clock jumped", clears="the clock")
    elif line.state != LIVE:
        yield Reason(Code.LEASE, f"the match's connection is {line.state or 'unknown'}{why}", clears="a live connection of the match")


def _data(line: Line, seconds: float, now: datetime) -> Iterator[Reason]:
    clears = "a frame with odds, or a good re-read"
    until = data_until(line, seconds)
    if line.data_at is None or until is None:
        yield Reason(Code.LEASE, "no odds of the match have been read yet", clears=clears)
    elif now >= until:
        yield Reason(Code.LEASE, f"the last odds are over {seconds:g} s old", until, clears)
    elif line.data_at - now > CLOCK_LIMIT:
        yield Reason(Code.LEASE, "the last odds were read in the future: the clock jumped", clears="the clock")
