"""The desk's sockets: ``/live/ws/board`` and ``/live/ws/fixture/<id>``.

Plain ASGI callables. They need of ``scope``: ``headers`` (the session cookie), ``url_route``; and where the server offers it
``desk.ready`` (does the client keep up?) and ``desk.abort`` (drop the connection at once). A socket is accepted before it is judged,
since a browser cannot see the code of one that is refused at the handshake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.http.cookie import parse_cookie

from markets.sessions import stored_key

from . import hub
from .authority import Claim
from .frames import TOO_SLOW, UNAVAILABLE
from .sockets import Send, Socket
from .topics import BoardPage, FixturePage, Subject

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def board(scope: Scope, receive: Receive, send: Send) -> None:
    """The live board of the bookmaker that the session has chosen."""
    await _serve(scope, receive, send, BoardPage(), None)


async def fixture(scope: Scope, receive: Receive, send: Send) -> None:
    """One fixture, all its markets."""
    fixture_id = int(scope["url_route"]["kwargs"]["fixture_id"])
    await _serve(scope, receive, send, FixturePage(fixture_id), fixture_id)


async def _serve(scope: Scope, receive: Receive, send: Send, subject: Subject, fixture_id: int | None) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    here = hub.running()
    if here is None:
        await send({"type": "websocket.close", "code": UNAVAILABLE})
        return
    claim = Claim(stored_key(_session_key(scope)), fixture_id)
    socket = Socket(claim, subject, send, scope.get("desk.ready", _always), scope.get("desk.abort"))
    if not here.join(socket):
        await send({"type": "websocket.close", "code": TOO_SLOW})
        return
    try:
        await _hear(receive, socket, here)
    finally:
        socket.ended.set()
        here.leave(socket)


async def _hear(receive: Receive, socket: Socket, here: hub.Hub) -> None:
    while (event := await receive())["type"] == "websocket.receive":
        socket.hear(event.get("text"), here.now_ms)


def _session_key(scope: Scope) -> str:
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")


def _always() -> bool:
    return True
