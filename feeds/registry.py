"""Which code reads which provider's frames: one line a provider."""

from __future__ import annotations

from collections.abc import Callable

from .base import FeedProtocol
from .odds360 import mapping as odds360
from .outgoing import Connect, Following, Outgoing, SlowLists, Wanted
from .tennis import mapping as tennis
from .updategram import wire as updategram

REGISTRY: dict[str, FeedProtocol] = {
    "updategram": FeedProtocol(
        parse=lambda body, _stream: updategram.parse(body),
        digest=updategram.content_digest,
        same=updategram.same_content,
        hint=lambda head, _stream: updategram.hint(head),
    ),
    "tennis": FeedProtocol(tennis.parse, tennis.content_digest, tennis.same_content, tennis.hint, tennis.numbered, fenced=True),
    "odds360": FeedProtocol(odds360.parse, odds360.content_digest, odds360.same_content, odds360.hint, again=True),
}
"""Provider (``markets.models.Source.provider``) → how its frames are read."""


def _tennis(wanted: Wanted) -> Outgoing:
    from .tennis import feed  # brings clients that only a process that fetches needs

    return feed.connect(wanted)


def _odds360(wanted: Wanted) -> Following:
    from .odds360 import feed

    return feed.connect(wanted)


OUTGOING: dict[str, Connect] = {"tennis": _tennis, "odds360": _odds360}
"""Provider → how its feeds are fetched; those that push to us have no entry."""


def _odds360_lists(wanted: Wanted) -> SlowLists:
    from .odds360 import lists

    return lists.connect(wanted)


LISTS: dict[str, Callable[[Wanted], SlowLists]] = {"odds360": _odds360_lists}
"""Provider → its lists that a worker reads now and then."""
