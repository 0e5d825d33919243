"""The way from the pages to the feeds' inbox. The feeds know the markets, never the reverse, so the wiring registers it at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from markets.services.actor import Actor


class Waiting(Protocol):
    """A quarantined frame that waits for a person."""

    @property
    def frame_id(self) -> int: ...
    @property
    def source_id(self) -> int: ...
    @property
    def feed(self) -> str: ...
    @property
    def kept_at(self) -> datetime: ...
    @property
    def reason(self) -> str: ...
    @property
    def guid(self) -> str: ...
    @property
    def fixture_ref(self) -> str: ...
    @property
    def fixture_id(self) -> int | None: ...
    @property
    def fixture_name(self) -> str: ...
    @property
    def size(self) -> int: ...


class ListRead(Struct, frozen=True):
    """A slow list of a feed: when it was read last, how many objects it had, why not all of them. ``absent``: its provider has none."""

    source_id: int
    name: str
    read_at: datetime | None
    rows: int
    words: str
    absent: bool


class Pace(Struct, frozen=True):
    """How fast a feed has spoken lately: messages a second, and seconds from kept to applied that 95 % of them stayed within."""

    rate: float
    lag: float | None


class Inbox(Struct, frozen=True):
    """What the pages may ask: the books of each feed, the pace of those that spoke lately (by source id), the frames that need a look,
    the two ways out of quarantine, a match's stream from its start (bookmaker, fixture, reason; the match's id), and how providers'
    lists were read.
    """

    accounting: Callable[[], list[dict[str, Any]]]
    paces: Callable[[], Mapping[int, Pace]]
    pending: Callable[[UUID], Sequence[Waiting]]
    raw: Callable[[int], bytes]
    retry: Callable[[int, Actor], str]
    dismiss: Callable[[int, Actor, str], None]
    begin_anew: Callable[[Actor, UUID, int, str], str]
    lists: Callable[[], Sequence[ListRead]]


_registered: list[Inbox] = []


def register(inbox: Inbox) -> None:
    """Say who answers for the inbox; the last one counts."""
    _registered[:] = [inbox]


def inbox() -> Inbox:
    """Raises ``LookupError`` before the wiring has registered one."""
    if not _registered:
        raise LookupError("no inbox is registered")
    return _registered[0]
