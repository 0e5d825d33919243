"""The doors of the streams: WebSocket and SSE on one path each (000, "Subscribe to live updates"; decisions O5, O7).

Plain ASGI callables in front of Django, which would hold a thread or a task for each listener. They need of ``scope`` what
:mod:`markets.live.consumers` says. Nothing is asked of the store here: the hub asks for all who wait at once, and answers by a close
code, which is an error in the one form of REST where SSE has not begun. Only a wrong key is counted here (promise E6).
"""

from __future__ import annotations

import asyncio
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import Error, connections
from django.http import HttpResponse
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from msgspec import Struct

from markets import http
from markets.live import hub
from markets.live.authority import StreamClaim
from markets.live.frames import FORBIDDEN, NOT_FOUND, SIGNED_OUT, TOO_MANY, TOO_SLOW, UNAVAILABLE
from markets.live.sockets import Event, Send, Socket
from markets.live.topics import Subject
from markets.services import throttle
from markets.services.api_keys import proof
from markets.services.errors import Forbidden, NotFound, ServiceError
from markets.sessions import stored_key

from .streams_topics import Kind, MatchSubject, SportSubject

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LIFE_SECONDS = 900.0
"""How long an SSE response lasts before its client comes again; ``DESK_SSE_SECONDS`` sets another time. A tenth more or less."""
COMMENT_SECONDS = 10.0
RETRY_MS = 1_000
SPARE = 500
"""Of the places for sockets that a process has, so many are kept for the desk's own pages."""
DESK_SOCKETS = "/live/ws/"
OVER = 1000

_LIVE = re.compile(r"/live/(?P<bookmaker>[^/]+)/(?P<sport>[a-z0-9-]{1,60})(?:/(?P<match>[0-9]{1,18})/(?P<kind>updates|overrides))?")
_DASHBOARD = re.compile(r"/bookmaker/(?P<bookmaker>[^/]+)/(?P<sport>[^/]+)/(?P<match>[^/]+)/(?P<kind>updates|overrides)")
_NUMBER = re.compile(r"[0-9]{1,18}")
_COMMENT = {"type": "comment"}
# Lines without an empty one after them belong to the next event: some clients take an empty line for an event without data.
_COMES_AGAIN = b"retry: %d\n" % RETRY_MS
_STILL_HERE = b": still here\n"


def matches(scope: Scope) -> bool:
    """Whether the request is for a stream: everything beneath ``/live/`` but the desk's own sockets, and the dashboard's two.

    A HEAD is for a stream too, and refused there: a stream has no headers to tell before it begins.
    """
    path: str = scope["path"]
    if path.startswith("/live/"):
        return not path.startswith(DESK_SOCKETS)
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _DASHBOARD.fullmatch(path) is not None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """What :func:`matches`."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await _listen(_Call.of(scope), _WebSocket(scope, receive, send))
    else:
        await _over_http(scope, receive, send)


async def _over_http(scope: Scope, receive: Receive, send: Send) -> None:
    request = ASGIRequest(scope, BytesIO())
    if http.is_preflight(request):
        await _answer(send, http.preflight(request))
    elif scope["method"] != "GET":
        await _answer(send, http.not_allowed(request, "GET"))
    else:
        call = _Call.of(scope)
        await _listen(call, _EventStream(scope, receive, send, call.claim.origin))


class _Call(Struct, frozen=True):
    """What is asked for, and by whom."""

    claim: StreamClaim
    subject: Subject

    @classmethod
    def of(cls, scope: Scope) -> _Call:
        """A path that names nothing is asked for like any other, so that it is answered like any other (promise E1)."""
        found = _LIVE.fullmatch(scope["path"]) or _DASHBOARD.fullmatch(scope["path"])
        named = found.groupdict() if found else {}
        sport, match = named.get("sport") or "", named.get("match")
        claim = StreamClaim(
            bookmaker=_bookmaker(named.get("bookmaker") or "", match),
            sport=sport,
            match_id=int(match) if match and _NUMBER.fullmatch(match) else None,
            key=proof(token) if (token := _token(scope)) is not None else None,
            session_key=_session(scope) if scope["path"].startswith("/bookmaker/") else "",
            origin=_foreign_origin(scope),
        )
        return cls(claim, MatchSubject(Kind(named["kind"])) if match else SportSubject(sport))


def _bookmaker(text: str, match: str | None) -> UUID | None:
    return http.uuid_or_none(text) if match is None or _NUMBER.fullmatch(match) else None


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _token(scope: Scope) -> str | None:
    """The header before the query; a header that is no Bearer is a wrong key."""
    authorization = _header(scope, b"authorization")
    if authorization is None:
        return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("token", ())), None)
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _session(scope: Scope) -> str:
    cookie = parse_cookie(_header(scope, b"cookie") or "").get(settings.SESSION_COOKIE_NAME, "")
    return stored_key(cookie) if cookie else ""


def _foreign_origin(scope: Scope) -> str:
    """Of another's page; empty for a server, which sends none, and for our own pages."""
    origin = _header(scope, b"origin") or ""
    host = _header(scope, b"host") or ""
    own = _netloc(origin) == host and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    return "" if own or origin in settings.CSRF_TRUSTED_ORIGINS else origin


def _netloc(origin: str) -> str:
    """Empty for what is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


async def _listen(call: _Call, side: _Side) -> None:
    here = hub.running()
    side.counts_guesses = call.claim.key is not None
    socket = Socket(call.claim, call.subject, side.send, side.ready, side.abort)
    if here is None or not here.join(socket, spare=SPARE):
        socket.close(UNAVAILABLE)
        await side.closed.wait()
        return
    try:
        await side.sit(socket)
    finally:
        socket.ended.set()
        here.leave(socket)


class _Side(ABC):
    """A transport, for the events of a WebSocket. ``closed``: its last word is said."""

    counts_guesses = False

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.closed = asyncio.Event()
        self.ready: Callable[[], bool] = scope.get("desk.ready", _always)
        self.abort: Callable[[], None] | None = scope.get("desk.abort")
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = False

    async def send(self, event: Event) -> None:
        """What the hub says; its first word decides whether the caller is let in."""
        if event["type"] == "websocket.close":
            await self._close(event["code"])
            self.closed.set()
            return
        if not self._started:
            self._started = True
            await self._begin()
        await self._tell(event)

    @abstractmethod
    async def sit(self, socket: Socket) -> None:
        """Until the client is gone, or its time is over."""

    @abstractmethod
    async def _begin(self) -> None: ...

    @abstractmethod
    async def _tell(self, event: Event) -> None: ...

    @abstractmethod
    async def _close(self, code: int) -> None: ...

    async def _problem(self, code: int) -> ServiceError:
        """Why a caller is not let in; a wrong key counts as a guess of the address that it came from."""
        if code == SIGNED_OUT and self.counts_guesses:
            return await asyncio.to_thread(_wrong_key, str((self._scope.get("client") or ("",))[0]))
        return _PROBLEMS.get(code, _store_down)()


class _WebSocket(_Side):
    async def sit(self, socket: Socket) -> None:
        """Nothing that a client says has an effect."""
        while (await self._receive())["type"] == "websocket.receive":
            pass

    async def _begin(self) -> None:
        """It was accepted before it was judged, since a browser cannot see the code of one that is refused at the handshake."""

    async def _tell(self, event: Event) -> None:
        await self._send(event)

    async def _close(self, code: int) -> None:
        if code == SIGNED_OUT and not self._started and isinstance(await self._problem(code), http.TooMany):
            code = TOO_MANY
        await self._send({"type": "websocket.close", "code": code})


class _EventStream(_Side):
    """No ``event:`` line, so that 000's example hears everything as a ``message`` (O5)."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        super().__init__(scope, receive, send)
        self._origin = origin

    async def sit(self, socket: Socket) -> None:
        waits = {asyncio.ensure_future(self._until_gone()), asyncio.ensure_future(self.closed.wait())}
        ends = asyncio.get_running_loop().time() + getattr(settings, "DESK_SSE_SECONDS", LIFE_SECONDS) * random.uniform(0.9, 1.1)  # noqa: S311
        try:
            while not any(wait.done() for wait in waits):
                left = ends - asyncio.get_running_loop().time()
                if left <= 0:
                    socket.close(OVER)
                elif self._started:
                    socket.remark(_COMMENT)
                await asyncio.wait(waits, timeout=min(COMMENT_SECONDS, max(left, 1.0)), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _begin(self) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"vary", b"Authorization, Cookie, Origin"),
            (b"x-accel-buffering", b"no"),  # a proxy that gathers what it passes on would hold a suspension back
            (b"x-content-type-options", b"nosniff"),
        ]
        if self._origin:
            headers.append((b"access-control-allow-origin", self._origin.encode("latin-1")))
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(_COMES_AGAIN)

    async def _tell(self, event: Event) -> None:
        await self._write(_STILL_HERE if event is _COMMENT else _as_event(event))

    async def _close(self, code: int) -> None:
        if self._started:
            await self._send({"type": "http.response.body", "body": b""})
        else:
            await _answer(self._send, http.error(ASGIRequest(self._scope, BytesIO()), await self._problem(code)))

    async def _write(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


def _as_event(event: Event) -> bytes:
    """Made once for all who listen, and kept in the event, which they share."""
    known: bytes | None = event.get("sse")
    if known is None:
        known = event["sse"] = b"id: %d\ndata: %s\n\n" % (event["seq"], event["text"].encode())
    return known


def _store_down() -> ServiceError:
    return http.StoreDown("the store does not answer: treat every price as suspended")


_PROBLEMS: dict[int, Callable[[], ServiceError]] = {
    SIGNED_OUT: lambda: http.NotAuthenticated("a key (?token=… or Authorization: Bearer …) is required"),
    FORBIDDEN: lambda: Forbidden("this key has not the scope odds, or pages of this origin may not read with it"),
    NOT_FOUND: NotFound,
    TOO_SLOW: lambda: http.TooMany("too many streams of one person", 1),
    TOO_MANY: lambda: http.TooMany("too many streams of one key, or too many new ones in a second", 1),
}


def _wrong_key(peer: str) -> ServiceError:
    """In a thread of its own, whose connection is given back."""
    try:
        if wait := throttle.blocked_for(throttle.KEY, peer):
            return http.TooMany("too many wrong keys", wait)
        throttle.failed(throttle.KEY, peer)
    except Error:
        return _store_down()
    finally:
        connections.close_all()
    return http.NotAuthenticated("this key is not valid")


async def _answer(send: Send, response: HttpResponse) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"content-length", str(len(response.content)).encode()), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _always() -> bool:
    return True
