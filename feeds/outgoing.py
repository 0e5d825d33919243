"""What a provider that we go and fetch has to bring; :mod:`feeds.runner` does the rest. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from msgspec import Struct

from .errors import Trouble


class Wanted(Struct, frozen=True):
    """A feed that is to run, as the database has it. ``refusal``: why there is no ``token``, in words; then nobody is asked."""

    source_id: int
    slug: str
    provider: str
    settings: dict[str, Any]
    token: str
    refusal: str = ""

    def __repr__(self) -> str:
        return f"<feed {self.slug}>"  # never its token


class Line(StrEnum):
    """How the connection of one subject is (``PointLiveness.state``). Only ``live`` may hold prices open."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    GAP = "gap"
    REFUSED = "refused"
    LOST = "lost"
    ENDED = "ended"


class Subject(Struct, frozen=True):
    """Something that has a stream of its own (a match), with the provider's object about it, as sent; empty where there is none.

    ``stream``: as what the object is kept, ``ref`` when empty. ``content``: by what it is told from the one before, the body when empty.
    ``asked_at``: monotonic second at which it was asked for.
    """

    ref: str
    body: bytes
    content_type: str
    stream: str = ""
    content: bytes = b""
    asked_at: float = 0.0


class Read(Struct, frozen=True):
    """What a message is to us. ``keep``: it is a packet, or nobody knows what; heartbeats and login answers are not kept.

    ``seq``: its number in the stream, ``None`` for none that can be read, and for those that have one of their own. ``urgent``: raise
    the fence whatever the number. ``advances``: the position is here once it is kept. ``trouble``: reconnect after keeping it.
    """

    keep: bool
    seq: int | None = None
    urgent: bool = False
    advances: int | None = None
    trouble: Trouble | None = None


class Report(Struct, frozen=True):
    """How a connection is, for people and for the gate."""

    state: Line
    words: str = ""
    last_seq: int | None = None
    gaps: int = 0
    reconnects: int = 0


class Vital(Struct, frozen=True):
    """How long what a subject's connections said may count, which changes all the time. Monotonic seconds.

    ``heard_at`` counts for ``lease_seconds``, where ``None``: as long as the source's lease says. ``data_at``: of the last data. ``road``:
    the kind of connection, and ``rereads``: how often all was asked for anew, where a provider has those.
    """

    heard_at: float | None
    lease_seconds: float | None = None
    data_at: float | None = None
    road: str = ""
    rereads: int = 0


class Stream(Protocol):
    """One subject's stream without I/O; see :class:`feeds.tennis.protocol.MatchStream`. Times are monotonic seconds."""

    ref: str

    @property
    def start_position(self) -> int | None: ...

    def opened(self, now: float) -> None: ...
    def received(self, body: bytes, now: float, *, text: bool = True) -> Read: ...
    def oversize(self) -> Read: ...
    def kept(self, read: Read) -> None: ...
    def lost(self, trouble: Trouble) -> Trouble: ...
    def ended(self) -> None: ...
    def steady(self, now: float) -> bool: ...
    def report(self, now: float) -> Report: ...


class Pace(Struct, frozen=True):
    """Durations in seconds of a feed's connections; each is a setting of the feed.

    ``silence``: without a message, ping or heartbeat for so long a socket is dead. ``hole``: a connection gone for longer is a gap.
    ``first_wait`` … ``longest_wait``: between attempts, from the first again after a connection of ``proven``.
    ``refused_wait``, ``hopeless_wait``: where a person must act. ``waiting_wait``: until asking again for what has not begun.
    ``longest_pause``: for so long at most a ``Retry-After`` keeps us away.
    ``forget``: a subject that is no longer listed and has been gone for so long is given up. ``burst`` messages may come at once,
    ``per_second`` for ever.
    """

    discovery: float = 10.0
    silence: float = 15.0
    connect: float = 10.0
    hole: float = 3.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    proven: float = 5.0
    refused_wait: float = 60.0
    hopeless_wait: float = 300.0
    waiting_wait: float = 10.0
    longest_pause: float = 300.0
    forget: float = 600.0
    burst: int = 5_000
    per_second: float = 200.0


class Fetching(Protocol):
    """One feed of a provider, wired up. All errors are :class:`feeds.errors.Trouble`."""

    pace: Pace

    async def discover(self) -> Sequence[Subject]:
        """Everything that has a stream now."""
        ...

    def conceal(self, words: str) -> str:
        """``words`` of the provider's without our credential, which it may well repeat."""
        ...

    async def close(self) -> None: ...


class Followed(Protocol):
    """One subject as the runner sees it; see :class:`feeds.following.Follower`. ``run`` until it is over, never raising.

    ``ever_live``: it was once; ``missing``: words of a hole that the store is to know of at once; ``turn``: how often its stream was begun
    anew. Times are monotonic seconds.
    """

    ref: str
    turn: int
    ever_live: bool

    @property
    def missing(self) -> str: ...
    @property
    def lost_at(self) -> float | None: ...

    def report(self) -> Report: ...
    def vital(self) -> Vital: ...
    def gap_opened(self) -> None: ...
    def finish(self) -> None: ...
    def end(self) -> None: ...
    async def run(self) -> None: ...


class Outgoing(Fetching, Protocol):
    """A feed whose subjects have one numbered stream each; see :class:`feeds.tennis.feed.TennisFeed`."""

    def stream(self, ref: str, position: int | None) -> Stream:
        """The stream of ``ref``, whose last kept number is ``position``."""
        ...

    def url(self, stream: Stream) -> str:
        """Where it is read, from its position on."""
        ...

    def login(self) -> str:
        """The text that lets us in."""
        ...


class Inbound(Struct, frozen=True):
    """One whole answer or frame on its way to the inbox. ``at``: aware UTC time at which it was read; ``stream``: what it is."""

    stream: str
    body: bytes
    content_type: str
    peer: str
    at: datetime


Keep = Callable[[Inbound], Awaitable[None]]
"""Returns once it is durable, in the order of the calls; raises ``Retryable`` where it cannot be stored."""


@runtime_checkable
class Following(Fetching, Protocol):
    """A feed that follows its subjects in its own way; see :class:`feeds.odds360.feed.Odds360Feed`."""

    def unreadable(self) -> Sequence[Subject]:
        """Answers of lists that could not be read, since this was asked last; without a ``ref``."""
        ...

    def remark(self) -> str:
        """What is to be said of the lists that were just read."""
        ...

    def upcoming(self, refs: Sequence[str]) -> None:
        """What the store knows to begin before long."""
        ...

    def follower(self, ref: str, keep: Keep) -> Followed:
        """What follows ``ref`` and keeps what comes."""
        ...

    def outdated(self, subject: Subject) -> bool:
        """Whether a status of it was told by other ways since it was asked for, which it must not undo (A6)."""
        ...


class Errand(Struct, frozen=True):
    """An override of ours to be set at the provider for ``seconds``, or, with ``ends``, to be ended there.

    ``odd_type``: group of the market; ``odd_key``: the provider's keys of market and outcome, with # between; ``until``: its end here.
    """

    override_id: int
    ref: str
    odd_type: str
    odd_key: str
    value: Decimal
    seconds: int
    until: datetime
    ends: bool


@runtime_checkable
class Sending(Protocol):
    """A feed that can be told of our overrides (O3)."""

    @property
    def sends_for(self) -> UUID | None:
        """Whose overrides are sent; ``None``: nobody's."""
        ...

    async def send(self, errand: Errand) -> None:
        """Returns once the provider has taken it."""
        ...


class Listed(Struct, frozen=True):
    """An object of a slow list. ``content``: by what it is told from what the list said of it before. ``stream``: as what it is kept in the
    inbox; empty for what is about no match, of which the newest is kept beside it."""

    ref: str
    body: bytes
    content: bytes
    stream: str = ""
    content_type: str = "application/json"


class Listing(Struct, frozen=True):
    """What a list had; ``trouble`` where it may have had more."""

    rows: tuple[Listed, ...]
    trouble: Trouble | None = None


class SlowLists(Protocol):
    """The lists of a feed that are read now and then, by a worker; see :class:`feeds.odds360.lists.Odds360Lists`."""

    @property
    def intervals(self) -> Mapping[str, float]:
        """Name of each list → seconds from one reading to the next."""
        ...

    async def read(self, name: str) -> Listing:
        """Never raises for what the provider does."""
        ...

    def conceal(self, words: str) -> str: ...
    async def close(self) -> None: ...


Connect = Callable[[Wanted], Outgoing | Following]
"""Makes a feed of one provider; raises ``Refused`` or ``Hopeless`` for settings that cannot work."""
