"""One websocket of ours: the protocol is the ``websockets`` library's, the socket is read in small pieces, only as fast as asked for.

Nothing is read ahead: who does not call :meth:`Socket.receive` holds the provider back, and nobody else. The library's own log is kept
at INFO, since its DEBUG lines hold whole frames, our credential among them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, State
from websockets.uri import parse_uri

from feeds.errors import Absent, Hopeless, NotYet, Retryable, Trouble

from . import address
from .rest import LONGEST_PAUSE, certificate_problem, judge

MOST_BYTES = 1024 * 1024
"""Of one message; longer ones end the connection."""
SAMPLE = 4096
"""Bytes of a message too long that are kept."""
_PIECE = 4096
"""Small, so that a provider that sends without end gets its turn like everybody else."""
_LINGER = 0.5
_library = logging.getLogger("feeds.transport.library")
_library.setLevel(logging.INFO)


class Sort(StrEnum):
    TEXT = "text"
    BINARY = "binary"
    PING = "ping"
    PONG = "pong"
    OVERSIZE = "oversize"


class Arrival(Struct, frozen=True):
    """One whole message, a ping of the server's, its answer to one of ours, or the first bytes of a message that is too long."""

    sort: Sort
    body: bytes


class Closed(Retryable):
    """The provider closed, or the connection broke (``code`` 1006)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the provider closed the connection ({code}{f': {reason}' if reason else ''})")
        self.code = code
        self.reason = reason


class _Protocol(ClientProtocol):
    """Remembers how a message began that turned out too long."""

    excess = b""

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        if code == CloseCode.MESSAGE_TOO_BIG:
            self.excess = bytes(self.reader.buffer[:SAMPLE])
        super().fail(code, reason)


async def open_socket(url: str, *, seconds: float, longest_pause: float = LONGEST_PAUSE) -> Socket:
    """Connect and shake hands within ``seconds``. Every error is a :class:`feeds.errors.Trouble`, ``longest_pause`` seconds the most that
    one keeps us away.
    """
    host = str(urlsplit(address.checked(url)).hostname)
    try:
        async with asyncio.timeout(seconds):
            return await _open(url, host, longest_pause)
    except TimeoutError:
        raise Retryable(f"{host} does not answer in time") from None
    except (OSError, ssl.SSLError) as error:
        if bad := certificate_problem(error):
            raise Hopeless(f"the certificate of {host} is not valid: {bad.verify_message}") from None
        raise Retryable(f"{host} cannot be reached: {type(error).__name__}") from None


async def _open(url: str, host: str, longest_pause: float) -> Socket:
    where = parse_uri(url)
    context = address.tls() if where.secure else None
    reader, writer = await asyncio.open_connection(where.host, where.port, ssl=context, limit=_PIECE)
    socket = Socket(reader, writer, _Protocol(where, max_size=MOST_BYTES, logger=_library))
    try:
        await socket.shake_hands(host, longest_pause)
    except BaseException:
        socket.abort()
        raise
    return socket


class Socket:
    """An open connection; made by :func:`open_socket`. ``receive`` is called by one task."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: _Protocol) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = protocol
        self._parts: list[bytes] = []
        self._sort = Sort.TEXT
        self._waiting: list[Arrival] = []
        peer = writer.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""

    async def shake_hands(self, host: str, longest_pause: float) -> None:
        """The opening handshake; what comes behind it in the same piece waits for ``receive``."""
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            await self._piece()
        if (wrong := self._protocol.handshake_exc) is not None:
            raise _refusal(wrong, host, longest_pause)
        self._waiting = self._arrivals()

    def send(self, text: str) -> None:
        """Send a text frame; it is written as the kernel takes it."""
        self._protocol.send_text(text.encode())
        self._flush()

    def ping(self) -> None:
        """Ask for a sign of life; nothing once the connection is ending."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")
            self._flush()

    async def receive(self) -> list[Arrival]:
        """What the next piece of the stream holds, perhaps nothing whole yet. Raises :class:`Closed` once all has been given."""
        if self._waiting:
            given, self._waiting = self._waiting, []
            return given
        if self._protocol.state is not State.OPEN:
            raise self._closed()
        await self._piece()
        arrivals = self._arrivals()
        if self._protocol.excess:
            arrivals.append(await self._oversize())
        return arrivals

    async def close(self) -> None:
        """Say goodbye; the connection is gone at return, whether or not the provider answers."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.GOING_AWAY)
            self._flush()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._writer.drain()
        self.abort()

    def abort(self) -> None:
        """Gone at once."""
        self._writer.transport.abort()

    async def _piece(self) -> None:
        try:
            data = await self._reader.read(_PIECE)
        except OSError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data != SEND_EOF and not self._writer.transport.is_closing():
                self._writer.write(data)

    def _arrivals(self) -> list[Arrival]:
        found = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and (arrival := self._take(event)) is not None:
                found.append(arrival)
        return found

    def _take(self, frame: Frame) -> Arrival | None:
        if frame.opcode is Opcode.PING:
            return Arrival(Sort.PING, b"")
        if frame.opcode is Opcode.PONG:
            return Arrival(Sort.PONG, b"")
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._sort = Sort.TEXT if frame.opcode is Opcode.TEXT else Sort.BINARY
        elif frame.opcode is not Opcode.CONT:
            return None
        if frame.data:  # parts without data, however many, cost nothing
            self._parts.append(bytes(frame.data))
        if not frame.fin:
            return None
        body, self._parts = b"".join(self._parts), []
        return Arrival(self._sort, body)

    async def _oversize(self) -> Arrival:
        head = b"".join(self._parts) + self._protocol.excess
        self._protocol.excess, self._parts = b"", []
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LINGER):
                while len(head) < SAMPLE and (more := await self._reader.read(SAMPLE - len(head))):
                    head += more
        return Arrival(Sort.OVERSIZE, head[:SAMPLE])

    def _closed(self) -> Closed:
        said = self._protocol.close_rcvd or self._protocol.close_sent
        return Closed(said.code, said.reason) if said else Closed(CloseCode.ABNORMAL_CLOSURE, "")


def _refusal(wrong: Exception, host: str, longest_pause: float) -> Trouble | Exception:
    if isinstance(wrong, InvalidStatus):
        status = wrong.response.status_code
        if status == 204:
            return NotYet("not accessible yet (204)")
        if status == 404:
            return Absent(f"{host} answers {status}")
        return judge(status, host, wrong.response.headers.get("Retry-After"), longest_pause)
    if isinstance(wrong, InvalidMessage) and isinstance(wrong.__cause__, EOFError):
        return Retryable(f"{host} closed the connection during the handshake")
    if isinstance(wrong, InvalidHandshake):
        return Hopeless(f"{host} speaks no websocket there: {type(wrong).__name__}")
    return wrong
