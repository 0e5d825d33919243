"""What a provider has to bring: four pure functions over bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct

from markets.domain.messages import Message


class RoutingHint(Protocol):
    """What a bounded scan of the first bytes found; empty where nothing could be read.

    ``urgent``: it raises the fence whatever its number (T2).
    """

    @property
    def guid(self) -> str: ...

    @property
    def fixture_ref(self) -> str: ...

    @property
    def seq(self) -> int | None: ...

    @property
    def urgent(self) -> bool: ...


class FeedProtocol(Struct, frozen=True):
    """``parse(body, stream)``: one frame to one message, raising :class:`feeds.errors.Unreadable` only. ``stream``: the subject of the
    connection it came on, where the frame itself does not say (a tennis event's id); empty for pushed messages. ``digest`` and ``same``:
    content apart from its retry count (decision U8). ``hint(head, stream)``: guid, fixture id and number in its stream from the first
    4 KB, for routing only; never raises. ``numbered(stream)``: the guids that numbered packets of a stream have, where it numbers them.

    ``again``: we ask for everything again, so that a frame that cannot be read holds its match only until a later one says it all (A5 i).
    ``fenced``: what its streams say of points is told before it is applied (A1).
    """

    parse: Callable[[bytes, str], Message]
    digest: Callable[[bytes], str]
    same: Callable[[bytes, bytes], bool]
    hint: Callable[[bytes, str], RoutingHint]
    numbered: Callable[[str], Iterable[str]] = lambda _stream: ()
    again: bool = False
    fenced: bool = False
