"""Server-sent events: an event stream over ``httpx``, read as fast as asked for (WHATWG HTML, 9.2 "Server-sent events").

The address may carry a token, so no error repeats it: words name the host alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx

from feeds.errors import Absent, Gone, Retryable, Trouble

from . import address
from .rest import LONGEST_PAUSE, http_client, judge, refuse_packed, troubles
from .ws import MOST_BYTES, SAMPLE, Arrival, Closed, Sort

_KIND = "text/event-stream"
_ENDS = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_NOTHING = Arrival(Sort.PING, b"")
"""Bytes that complete no event: a comment, or a part of something. A sign of life (O2)."""


class TooLong(Exception):
    """An event is longer than :data:`feeds.transport.ws.MOST_BYTES`; ``head`` is how it begins."""

    def __init__(self, head: bytes) -> None:
        super().__init__("an event is too long")
        self.head = head


class Events:
    """Bytes in, the data of whole events out; without I/O. Whatever the events are called, their data is what counts (O5)."""

    def __init__(self) -> None:
        self._rest = bytearray()
        """Of a line that has not ended yet: whatever comes is looked at once, however small its pieces are."""
        self._data: list[bytes] = []
        self._size = 0
        self._begun = False
        self._after_cr = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that ``piece`` completes. Raises :class:`TooLong`."""
        if not self._begun:
            piece = self._beginning(piece)
        found = [event for line in self._lines(piece) if (event := self._line(line)) is not None]
        if self._size + len(self._rest) > MOST_BYTES:
            raise TooLong(b"\n".join((*self._data, bytes(self._rest[:SAMPLE])))[:SAMPLE])
        return found

    def _beginning(self, piece: bytes) -> bytes:
        """Without the mark that a stream may begin with; nothing while that may still come."""
        whole = bytes(self._rest) + piece
        self._begun = len(whole) >= len(_BOM) or not _BOM.startswith(whole)
        self._rest = bytearray(b"" if self._begun else whole)
        return whole.removeprefix(_BOM) if self._begun else b""

    def _lines(self, piece: bytes) -> list[bytes]:
        """Whole lines. A CR at the end ends one; the LF that may follow it then ends none."""
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")
            self._after_cr = False
        if piece.endswith(b"\r"):
            self._after_cr = True
        first, *others = _ENDS.split(piece)
        self._rest += first
        if not others:
            return []
        lines = [bytes(self._rest), *others[:-1]]
        self._rest = bytearray(others[-1])
        return lines

    def _line(self, line: bytes) -> bytes | None:
        """The data of the event that an empty line ends; ``None`` for every other line, and for events without data."""
        if not line:
            found, self._data, self._size = self._data, [], 0
            return b"\n".join(found) if found else None
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value) + 1  # an empty line costs too
        return None


class Opener:
    """Opens event streams, many at a time, each on a connection of its own. ``close`` once. ``longest_pause``: see ``rest.Client``."""

    def __init__(self, *, seconds: float, longest_pause: float = LONGEST_PAUSE) -> None:
        self._seconds = seconds
        self._longest_pause = longest_pause
        self._http = http_client(httpx.Timeout(seconds, read=None), httpx.Limits(max_connections=None, max_keepalive_connections=0))

    async def open(self, url: str) -> EventStream:
        """Connect and be let in. Every error is a :class:`feeds.errors.Trouble`."""
        host = address.host_of(address.checked(url))
        with troubles(host):
            async with asyncio.timeout(self._seconds):
                return await self._open(url, host)

    async def close(self) -> None:
        await self._http.aclose()

    async def _open(self, url: str, host: str) -> EventStream:
        headers = {"Accept": _KIND, "Cache-Control": "no-store"}
        answer = await self._http.send(self._http.build_request("GET", url, headers=headers), stream=True)
        try:
            _refuse(answer, host, self._longest_pause)
        except Trouble:
            await answer.aclose()
            raise
        return EventStream(answer, host)


class EventStream:
    """An open event stream; made by :class:`Opener`. ``receive`` is called by one task and not again once it has raised."""

    def __init__(self, answer: httpx.Response, host: str) -> None:
        self.peer = host
        self._answer = answer
        self._pieces: AsyncIterator[bytes] = answer.aiter_raw()
        self._events = Events()

    def ping(self) -> None:
        """Nothing can be asked on an event stream."""

    async def receive(self) -> list[Arrival]:
        """What the next piece holds, at least a sign of life. Raises :class:`feeds.transport.ws.Closed` at the end."""
        try:
            piece = await anext(self._pieces)
        except (StopAsyncIteration, httpx.HTTPError, httpx.StreamError):
            raise Closed(1006, "") from None
        try:
            return [Arrival(Sort.TEXT, event) for event in self._events.feed(piece)] or [_NOTHING]
        except TooLong as long:
            return [Arrival(Sort.OVERSIZE, long.head)]

    async def close(self) -> None:
        """The connection is gone at return."""
        await self._answer.aclose()


def _refuse(answer: httpx.Response, host: str, longest_pause: float) -> None:
    """Raises a :class:`feeds.errors.Trouble` for whatever is no event stream."""
    if answer.status_code != 200:
        refusal = judge(answer.status_code, host, answer.headers.get("Retry-After"), longest_pause)
        raise Absent(refusal.words) if isinstance(refusal, Gone) else refusal
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise Retryable(f"{host} answers {kind[:60] or 'something'} where an event stream was expected")
    refuse_packed(answer, host)
