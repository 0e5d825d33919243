"""The bare ASGI door for pushed messages: sender, method, body, durable, 200. Nothing is parsed here (promises B1, B3, B4, E3).

``POST /feeds/updategram/{slug}/ProcessMessage`` and ``POST|GET /feeds/updategram/{slug}/Heartbeat`` (003 "Integration", decision U17).
Answers: 200 kept · 401 not a known sender (always the same bytes) · 405 wrong method · 413 too large · 503 cannot be stored.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .answers import ALIVE, CANNOT_STORE, KEPT, METHODS, NOT_ACCEPTED, TOO_LARGE, WRONG_METHOD, Answer, Head
from .inbox import Arrived, CannotStore, Keeper
from .peers import Address, Network, true_peer
from .receiver import Receiver
from .senders import Sender, accepts, offered
from .throttle import Refusals

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_ROUTE = re.compile(r"/feeds/updategram/([^/]+)/(ProcessMessage|Heartbeat)/?")


class _Cut(Exception):
    """The sender went away in the middle of the body."""


class _TooLarge(Exception):
    """The body is longer than the limit."""


class Door:
    """Receives for every pushed feed of this process; ``max_body`` in bytes, ``trusted``: declared proxies."""

    def __init__(self, keeper: Keeper, receiver: Receiver, *, max_body: int, trusted: Sequence[Network] = ()) -> None:
        self._keeper = keeper
        self._receiver = receiver
        self._max_body = max_body
        self._trusted = trusted
        self._refusals = Refusals()

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Sender first, then method, then the body."""
        if not self._receiver.loaded:
            return CANNOT_STORE
        slug, call = _route(scope["path"])
        peer = self._peer((scope.get("client") or ("",))[0], scope["headers"])
        sender = self._check(slug, peer, offered(scope["headers"], scope["query_string"]))
        if sender is None:
            return NOT_ACCEPTED
        if scope["method"] not in METHODS[call]:
            return WRONG_METHOD[call]
        if call == "Heartbeat":
            self._receiver.heard(sender.source_id, heartbeat=True)
            return ALIVE
        return await self._keep(sender, str(peer or ""), scope, receive)

    def cut(self, head: Head) -> None:
        """A message was cut off: a gap, when its sender is a known one (A5). Nobody is answered, so nobody can guess by it."""
        slug = _slug_of_message(head)
        sender = self._receiver.senders.get(slug)
        if sender and accepts(sender, offered(head.headers, head.query), self._peer(head.client, head.headers)):
            self._receiver.gap(sender.source_id, "a request was cut off")

    def oversize(self, head: Head | None) -> Answer:
        """A body grew over the limit while it was read: 413, and a gap for a known sender; 401 for anybody else at this door."""
        if head is None or not matches(head.path):
            return TOO_LARGE
        sender = self._check(_slug_of_message(head), self._peer(head.client, head.headers), offered(head.headers, head.query))
        if sender is None:
            return NOT_ACCEPTED
        self._receiver.gap(sender.source_id, "a message was too large (413)")
        return TOO_LARGE

    def _peer(self, client: str, headers: Sequence[tuple[bytes, bytes]]) -> Address | None:
        return true_peer(client, [value for name, value in headers if name == b"x-forwarded-for"], self._trusted)

    def _check(self, slug: str, peer: Address | None, secrets: Sequence[str]) -> Sender | None:
        sender = self._receiver.senders.get(slug)
        key = (_neighbourhood(peer), slug if sender else "")
        if not self._refusals.exhausted(key):
            if accepts(sender, secrets, peer):
                return sender
            self._refusals.count(key)
        self._receiver.refused(slug)
        return None

    async def _keep(self, sender: Sender, peer: str, scope: Scope, receive: Receive) -> Answer:
        try:
            body = await _body(receive, self._max_body)
            await self._keeper.keep(Arrived(sender.source_id, datetime.now(UTC), _content_type(scope["headers"]), peer, body))
        except CannotStore:
            self._receiver.gap(sender.source_id, "a message could not be stored (503)")
            return CANNOT_STORE
        except _TooLarge:
            self._receiver.gap(sender.source_id, "a message was too large (413)")
            return TOO_LARGE
        except _Cut:
            self._receiver.gap(sender.source_id, "a request was cut off")
            return CANNOT_STORE
        self._receiver.heard(sender.source_id)
        return KEPT


class _Open:
    """The door of this process while it receives."""

    door: Door | None = None


def open_door(door: Door) -> None:
    """From now on :func:`application` receives by ``door``."""
    _Open.door = door


def close_door() -> None:
    """Nothing is acknowledged any more."""
    _Open.door = None


def matches(path: str) -> bool:
    """Whether ``path`` belongs to this door and not to Django."""
    return _ROUTE.fullmatch(path) is not None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI: answers every request for which :func:`matches` holds; 503 until the door is open."""
    door = _Open.door
    said = CANNOT_STORE if door is None else await door.answer(scope, receive)
    await send({"type": "http.response.start", "status": said.status, "headers": list(said.headers)})
    await send({"type": "http.response.body", "body": said.body})


def _route(path: str) -> tuple[str, str]:
    match = _ROUTE.fullmatch(path)
    return (match[1], match[2]) if match else ("", "Heartbeat")


def _slug_of_message(head: Head) -> str:
    match = _ROUTE.fullmatch(head.path)
    return match[1] if match and match[2] == "ProcessMessage" else ""


def _content_type(headers: Sequence[tuple[bytes, bytes]]) -> str:
    return next((value.decode("latin-1")[:200] for name, value in headers if name == b"content-type"), "")


def _neighbourhood(peer: Address | None) -> str:
    """Whom a refusal counts against: an IPv4 address, or an IPv6 /64, since one sender owns all of that."""
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((peer, 64), strict=False))
    return str(peer or "")


async def _body(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise _Cut
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _TooLarge
        more = event.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
