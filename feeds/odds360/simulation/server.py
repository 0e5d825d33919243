"""HTTP/1.1, WebSocket and SSE of one loopback server on asyncio streams; and connections that end badly, to order.

Only what the simulator needs: requests with a body of known length, answers that are whole, streams that end with their connection.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from msgspec import Struct
from websockets.datastructures import Headers
from websockets.frames import CloseCode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

MOST_HEAD, MOST_BODY = 64 * 1024, 256 * 1024
CLOSING_SECONDS = 1.0
JSON = "application/json"


class Request(Struct, frozen=True):
    """``headers`` by lower-case name; ``query`` in its order, decoded."""

    method: str
    path: str
    target: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes = b""

    def first(self, name: str) -> str | None:
        """Of the query."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def upgrades(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


class Answer(Struct, frozen=True):
    """``cut``: half of the body is sent, and the connection ends."""

    status: HTTPStatus
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False


def json(status: HTTPStatus, value: object, *headers: tuple[str, str]) -> Answer:
    return Answer(status, msgspec.json.encode(value), headers=headers)


class Connection:
    """One client's connection, for handlers that answer with a stream."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def abort(self) -> None:
        self.writer.transport.abort()

    async def leave_half_open(self, seconds: float) -> None:
        """As a machine that lost its power: the kernel's connection stands, and nobody is behind it."""
        transport = self.writer.transport
        if isinstance(transport, asyncio.ReadTransport):
            transport.pause_reading()
        await asyncio.sleep(seconds)
        self.abort()


Handler = Callable[[Request, Connection], Awaitable[Answer | None]]
"""``None``: the connection was taken over, and has ended."""


async def talk(handler: Handler, connection: Connection) -> None:
    """All requests of one connection, until either side ends it."""
    try:
        while (request := await _read(connection.reader)) is not None:
            answer = await handler(request, connection)
            if answer is None or not await _send(connection, answer):
                break
    except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        pass  # no client of ours, or one that is gone
    finally:
        connection.writer.close()


async def _read(reader: StreamReader) -> Request | None:
    """The next request; ``None`` at the end. Raises ``ValueError`` for what is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if length > MOST_BODY or "transfer-encoding" in headers:
        raise ValueError("a body that nobody wants")
    body = await reader.readexactly(length) if length else b""
    where = urlsplit(target)
    query = tuple(parse_qsl(where.query, keep_blank_values=True))
    return Request(method, unquote(where.path), target, query, headers, body)


async def _send(connection: Connection, answer: Answer) -> bool:
    """Whether the connection may be used again."""
    head = [
        f"HTTP/1.1 {int(answer.status)} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
    await connection.write("\r\n".join([*head, "", ""]).encode() + body)
    return not answer.cut


# --- streams -------------------------------------------------------------------------------------------------------------------------


class EventStream:
    """Server-sent events (decision O5: no ``event:`` line)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self) -> bool:
        head = ("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Cache-Control: no-store", "Connection: close", "", "")
        await self._connection.write("\r\n".join(head).encode() + b"retry: 1000\n\n")
        return True

    async def send(self, frame: bytes) -> None:
        await self._connection.write(b"data: " + frame + b"\n\n")

    async def hear(self) -> None:
        """Until the client is gone."""
        while await self._connection.reader.read(1024):
            pass

    async def close(self, code: CloseCode) -> None:
        """The connection's end is the stream's."""


class WebSocket:
    """The same over a WebSocket; pings are answered while somebody hears."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self._connection, self._protocol = connection, ServerProtocol()
        self._handshake = Handshake(request.target, Headers(request.headers))

    async def open(self) -> bool:
        """False where the client's handshake is none; it has been told."""
        self._protocol.receive_data(self._handshake.serialize())
        self._protocol.events_received()
        self._protocol.send_response(self._protocol.accept(self._handshake))
        await self._flush()
        return self._protocol.state is State.OPEN

    async def send(self, frame: bytes) -> None:
        self._protocol.send_text(frame)
        await self._flush()

    async def hear(self) -> None:
        """Whatever a client says is ignored; until it is gone."""
        while data := await self._connection.reader.read(4096):
            self._protocol.receive_data(data)
            self._protocol.events_received()
            await self._flush()
            if self._protocol.state is not State.OPEN:
                return

    async def close(self, code: CloseCode) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            with suppress(ConnectionError):
                await self._flush()
                async with asyncio.timeout(CLOSING_SECONDS):
                    await self.hear()

    async def _flush(self) -> None:
        """As far as the reader takes it; what is empty ends the connection."""
        for data in self._protocol.data_to_send():
            if data:
                self._connection.writer.write(data)
        await self._connection.writer.drain()
