"""A receiver of pushed messages on loopback, a few lines of HTTP/1.1, that keeps what it is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct


class Request(Struct):
    path: str
    authorised: bool
    body: bytes
    at: float


class Receiver:
    """``answer``: the status for the n-th request."""

    def __init__(self, answer: Callable[[int], int]) -> None:
        self.answer, self.requests, self.port = answer, list[Request](), 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.keep(head.decode(), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def keep(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head.split("\r\n")[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head.split(" ")[1]
        self.requests.append(Request(path, "basic" in headers.get("authorization", "").lower(), body, time.monotonic()))
        status = self.answer(len(self.requests))
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    @property
    def messages(self) -> list[bytes]:
        return [r.body for r in self.requests if r.path.endswith("/ProcessMessage")]


@asynccontextmanager
async def receiving(answer: Callable[[int], int] = lambda _: 200) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
