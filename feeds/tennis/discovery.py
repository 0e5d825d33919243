"""Which matches are live: the provider's list of live events (feeds.md 1.1), each object with its exact bytes."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from feeds.errors import Retryable
from feeds.transport import rest

MOST_EVENTS = 2_000


class LiveEvent(Struct, frozen=True):
    """One object of the list: the match's id and the object as sent."""

    ref: str
    body: bytes


class _Named(Struct):
    eventId: str


_list = msgspec.json.Decoder(list[Raw])
_object = msgspec.json.Decoder(dict[str, Raw])
_named = msgspec.json.Decoder(_Named)
_WRONG = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


async def live_events(client: rest.Client, url: str, *, token: str, accept: str) -> list[LiveEvent]:
    """Ask once. Raises :class:`feeds.errors.Trouble`."""
    return read(await client.get(url, {"Authorization": f"Bearer {token}", "Accept": accept}))


def read(body: bytes) -> list[LiveEvent]:
    """The events of an answer: a bare array, or an object with one array in it; empty for an empty body (204).

    An entry without a usable ``eventId`` is left out: it can be no stream's subject. Raises ``Retryable`` for anything else.
    """
    if not body.strip():
        return []
    found = {event.ref: event for raw in _entries(body)[:MOST_EVENTS] if (event := _event(bytes(raw))) is not None}
    return list(found.values())


def _entries(body: bytes) -> list[Raw]:
    try:
        return _list.decode(body)
    except _WRONG:
        pass
    try:
        lists = [value for value in _object.decode(body).values() if bytes(value).lstrip().startswith(b"[")]
        if len(lists) == 1:
            return _list.decode(lists[0])
    except _WRONG:
        pass
    raise Retryable("the list of live events cannot be read")


def _event(body: bytes) -> LiveEvent | None:
    try:
        ref = _named.decode(body).eventId.strip()
    except _WRONG:
        return None
    usable = 0 < len(ref) <= 64 and ref.isascii() and ref.isprintable() and " " not in ref
    return LiveEvent(ref, body) if usable else None
