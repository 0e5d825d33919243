"""Who answers what: the feeds' door first, then the streams of bookmakers, then Django, then the sockets of the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import re_path

from feeds import ingress
from feeds.peers import address, networks, true_peer, within
from markets.api import streams
from markets.live.routing import websocket_urlpatterns

from .runtime import Runtime

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_TRUSTED = networks(settings.DESK_TRUSTED_PROXIES)


async def _no_such_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close"})


_nowhere: Any = re_path("", cast(Any, _no_such_socket))
_sockets = AllowedHostsOriginValidator(URLRouter([*websocket_urlpatterns, _nowhere]))
_pages = ProtocolTypeRouter({"http": ASGIHandler(), "websocket": _sockets})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Daphne calls this for http and websocket; a lifespan server (uvicorn) also starts the hub and the door through it."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and ingress.matches(scope["path"]):
        await ingress.application(scope, receive, send)
    else:
        _believe_only_our_proxies(scope)
        await (streams.application if streams.matches(scope) else _pages)(scope, receive, send)


def _believe_only_our_proxies(scope: Scope) -> None:
    """Sign-in limits and audit see the true peer; a forwarded header of anybody else is not even shown to Django (promises E3, E6)."""
    client = (scope.get("client") or ("", 0))[0]
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    if within(address(client), _TRUSTED):
        scope["client"] = (str(true_peer(client, forwarded, _TRUSTED) or ""), 0)
    else:
        scope["headers"] = [
            (name, value) for name, value in scope["headers"] if not name.startswith(b"x-forwarded-") and name != b"forwarded"
        ]


async def _lifespan(receive: Receive, send: Send) -> None:
    runtime = Runtime()
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            await asyncio.to_thread(runtime.start, asyncio.get_running_loop())
            await send({"type": "lifespan.startup.complete"})
        else:
            await asyncio.to_thread(runtime.stop)
            await send({"type": "lifespan.shutdown.complete"})
            return
