"""Sockets that a bench listens on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from websockets.asyncio.client import ClientConnection, connect

Door = tuple[str, dict[str, str]]
"""A socket's address, and the headers that open it."""


@contextlib.asynccontextmanager
async def listening(doors: Iterable[Door]) -> AsyncIterator[list[ClientConnection]]:
    """One socket a door, a second after the last was opened."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = []
        for url, headers in doors:
            made = connect(url, additional_headers=headers, compression=None, ping_interval=None, max_queue=None)
            sockets.append(await stack.enter_async_context(made))
        await asyncio.sleep(1)
        yield sockets
