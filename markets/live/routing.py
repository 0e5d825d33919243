"""The sockets of the desk's pages. The origin is checked in front of them, in ``tradingdesk.asgi``."""

from __future__ import annotations

from typing import Any, cast

from django.urls import path

from .consumers import board, fixture

websocket_urlpatterns = [
    path("live/ws/board", cast(Any, board)),
    path("live/ws/fixture/<int:fixture_id>", cast(Any, fixture)),
]
