"""What travels over the sockets of the desk's pages.

One socket a page, two payloads. A text that starts with ``<`` is HTML for structure (a new row, a new market), swapped out of band by htmx;
a text that starts with ``{`` is one of the JSON frames below, field names in camelCase, times in milliseconds since 1970 by the
database's clock, prices as text.

``snapshot``  everything the topic shows; the first frame of a connection, and after whatever was missed.
``frame``     the cells that changed, each whole; ``prevSeq`` names the frame before it. A client that holds another one has missed
              something: it shows everything suspended until the next snapshot (promise D1).
``beat``      once a second while somebody listens; ``seq`` is that of the last frame. ``renews`` true: every open price is confirmed for
              another ``ttl`` from ``now``, but never beyond its own ``until`` nor its feed's ``ends`` (promise A12). False: the store does
              not answer, ``reason`` says so (F4).
``pong``      the answer to a client's ``{"ping": <number>}``, for the connection pill.

``seq`` counts the frames of one bookmaker's topic, so that all its sockets get the same bytes; a connection's first frame is a snapshot
with the count as it stands, and what follows is without holes.

Close codes: 4401 not signed in any more, 4403 nothing to see here (foreign and unknown alike, a changed role, another bookmaker chosen),
4408 too slow or too many, 4503 the desk cannot serve now. A client comes back after every code but 4401 and 4403.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

SIGNED_OUT = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
TOO_SLOW = 4408
TOO_MANY = 4429
UNAVAILABLE = 4503

BOARD = "board"


def fixture_topic(fixture_id: int) -> str:
    """The topic of a fixture's page: all its markets."""
    return f"fixture:{fixture_id}"


def milliseconds(at: datetime) -> int:
    """Since 1970, as browsers count."""
    return int(at.timestamp() * 1000)


class OverrideCell(Struct, frozen=True, rename="camel"):
    """The override in effect on a selection, shown even while a suspension hides it (C2)."""

    value: str
    ends_at: int
    by: str


class PriceCell(Struct, frozen=True, rename="camel"):
    """One selection. ``value`` is readable when suspended too, empty when there is none.

    ``reason``: every reason in words; ``since`` and ``clears`` (what will clear it): of the first. ``ttl``: milliseconds that one
    confirmation lasts, 0 unless open; ``until``: where known, the end of what holds it open (override, expiry). ``old``: its override is
    from before the point that ended then; one key confirms that it still holds (A2), and hands the time back.
    """

    value: str
    feed: str
    open: bool
    state: Literal["open", "suspended", "override", "none"]
    reason: str
    clears: str
    since: int | None
    ttl: int
    until: int | None
    override: OverrideCell | None
    version: int
    probability: str = ""
    old: int | None = None


class MarketCell(Struct, frozen=True, rename="camel"):
    """A market's header. ``words``: why nothing of it is open; ``book``: like ``105.3%``, empty when unknown.

    ``over``: closed or resulted, so that nothing of it waits to be opened. ``doubt``: why its result may not hold, empty when it does.
    """

    open: bool
    words: str
    book: str
    over: bool = False
    doubt: str = ""


class SideCell(Struct, frozen=True, rename="camel"):
    """One side of a tennis scoreboard. ``games``: of each set, the one that is played last."""

    sets: int
    games: tuple[str, ...]
    points: str
    serves: bool


class PointsCell(Struct, frozen=True, rename="camel"):
    """How the bound match of a point feed stands, on its fixture's page; home and away as the binding says.

    ``match``: row id of the point feed's own fixture. ``version``: of what only HTML can change. ``told``: grows with each line of the
    timeline. ``state``: wait, warm, point, between, break, alert, trouble, finished; ``label``: the same in a word; ``words``: as a
    sentence, which counts from ``since``; ``clears``: what opens again. ``points``: points played, ``mean``: how long one suspends.
    ``alert``: the newest. ``manual``: who holds the fixture until released, empty when it re-opens by itself. ``heard``: the last
    packet's number. ``waits``: all in-play markets wait for a price from after the point.
    """

    match: int
    version: str
    told: int
    state: str
    label: str
    words: str
    since: int | None
    clears: str
    home: SideCell
    away: SideCell
    tie_break: bool
    match_time: str
    points: int
    mean: str
    alert: str
    manual: str
    heard: str
    waits: bool = False


class FixtureCell(Struct, frozen=True, rename="camel"):
    """A fixture's row or heading.

    ``open``/``suspended``: priced selections of markets that are not over; ``reason``: what holds all of it, empty when something is
    open. ``state``: live, soon, finished, postponed, suspended (all of it, by the feed), held (by the desk), stale or gone; that of its
    point feed's match while it is bound to one; ``source``: whose age (in ``feeds``) it shows; ``book``: the main market's. ``points``: of
    a fixture's page alone.
    """

    revision: int
    bookmaker_revision: int
    state: str
    state_words: str
    score: str
    open: int
    suspended: int
    overrides: int
    book: str
    source: int
    reason: str
    points: PointsCell | None = None


class FeedCell(Struct, frozen=True, rename="camel"):
    """``heard_at``: last message or heartbeat; ``ends``: when its lease ends."""

    heard_at: int | None
    ends: int | None


class Cells(Struct, frozen=True, rename="camel"):
    """Everything a topic shows: by fixture id, market row id and selection row id."""

    fixtures: Mapping[int, FixtureCell] = {}
    markets: Mapping[int, MarketCell] = {}
    prices: Mapping[int, PriceCell] = {}


class Snapshot(Struct, frozen=True, rename="camel", tag_field="kind", tag="snapshot"):
    topic: str
    seq: int
    now: int
    feeds: Mapping[int, FeedCell]
    fixtures: Mapping[int, FixtureCell]
    markets: Mapping[int, MarketCell]
    prices: Mapping[int, PriceCell]
    prev_seq: int | None = None


class Frame(Struct, frozen=True, rename="camel", tag_field="kind", tag="frame"):
    topic: str
    seq: int
    prev_seq: int
    now: int
    fixtures: Mapping[int, FixtureCell]
    markets: Mapping[int, MarketCell]
    prices: Mapping[int, PriceCell]


class Beat(Struct, frozen=True, rename="camel", tag_field="kind", tag="beat"):
    topic: str
    seq: int
    prev_seq: int
    now: int
    renews: bool
    feeds: Mapping[int, FeedCell]
    reason: str = ""


class Pong(Struct, frozen=True, rename="camel", tag_field="kind", tag="pong"):
    ping: float
    now: int


class Ping(Struct, frozen=True):
    """All that a client may say."""

    ping: float


AnyFrame = Snapshot | Frame | Beat | Pong
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFrame] = msgspec.json.Decoder(AnyFrame)
_pings = msgspec.json.Decoder(Ping)


def encode(frame: AnyFrame) -> str:
    """The text that is sent, the same for every socket."""
    return _encoder.encode(frame).decode()


def decode(text: str) -> AnyFrame:
    """A frame from its text; raises ``msgspec.MsgspecError``."""
    return _decoder.decode(text)


def decode_ping(text: str) -> Ping:
    """What a client said; raises ``msgspec.MsgspecError``."""
    return _pings.decode(text)
