"""A small provider to order: a list of live events and one scripted websocket a match, on one port, over real sockets."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

TOKEN = "the-token-that-nobody-may-see"
Talk = Callable[["Match", ServerConnection, int], Awaitable[None]]


def packet(seq: object, kind: str = "PointStarted", **more: Any) -> str:
    """One packet; ``seq`` ``None`` leaves the number out."""
    said = {"eventElementType": kind, "timestamp": "2026-11-20T10:00:00.000Z", "matchTime": "00:00:04", **more}
    return json.dumps(said if seq is None else {**said, "seqNum": seq})


def not_started() -> str:
    return packet(0, "MatchStatusUpdate", matchStatus={"matchState": {"state": "NotStarted"}})


def event(ref: str, **more: Any) -> dict[str, Any]:
    """An object of the list."""
    team = {"status": "KnownTennisTeam", "team": {"player1": {"id": "S0AK  ", "firstName": "Hugo", "lastName": "SQUIRE", "country": "GER"}}}
    return {"eventId": ref, "startTime": {"status": "NotBefore", "time": "2026-11-20T10:00:00Z"}, "teamA": team, "teamB": team, **more}


class Match:
    """One match's stream. ``packets``: what was sent so far, from seqNum 1 on; ``talk``: another behaviour than :func:`honest`."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.packets: list[str] = []
        self.asked: list[str] = []
        self.status = 101
        self.talk: Talk = honest
        self.new = asyncio.Event()

    def say(self, *packets: str) -> None:
        self.packets.extend(packets)
        self.new.set()


async def honest(match: Match, connection: ServerConnection, position: int) -> None:
    """Everything from ``position`` on, then what is new."""
    sent = max(0, position - 1)
    while True:
        match.new.clear()
        for text in match.packets[sent:]:
            await connection.send(text)
            sent += 1
        await match.new.wait()


class Provider:
    """``matches`` by id; ``listed`` may differ from them. ``rest``: status of the list. ``verdict``: the answer to a token."""

    def __init__(self, *refs: str) -> None:
        self.matches = {ref: Match(ref) for ref in refs}
        self.events = [event(ref) for ref in refs]
        self.rest = 200
        self.verdict: Callable[[str], dict[str, Any]] = lambda token: {"authorised": token == TOKEN, "reason": ""}
        self.headers: list[Headers] = []
        self.host = ""
        self.connections: dict[str, ServerConnection] = {}
        self._talks: set[asyncio.Task[Any]] = set()

    async def drop(self, ref: str) -> None:
        """End a match's connection."""
        await self.connections[ref].close(1012, "restart")

    def __getitem__(self, ref: str) -> Match:
        return self.matches[ref]

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[None]:
        where = "localhost" if tls else "127.0.0.1"
        options: dict[str, Any] = {"compression": None, "ping_interval": None, "close_timeout": 0.2, "ssl": tls}
        async with serve(self._talk, where, port, process_request=self._answer, **options) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self.host = f"{'https' if tls else 'http'}://{where}:{self.port}"
            try:
                yield
            finally:
                for talk in self._talks:
                    talk.cancel()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = urlsplit(request.path).path
        if path == "/tournaments/liveevents":
            return self._list(request)
        match = self._match(path)
        if match is None:
            return _plain(404)
        match.asked.append(parse_qs(urlsplit(request.path).query).get("startPosition", [""])[0])
        return None if match.status == 101 else _plain(match.status)

    def _list(self, request: Request) -> Response:
        self.headers.append(request.headers)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _plain(401)
        return _plain(self.rest, json.dumps(self.events).encode() if self.rest == 200 else b"")

    def _match(self, path: str) -> Match | None:
        parts = path.split("/")
        return self.matches.get(parts[3]) if len(parts) == 5 and parts[1:3] == ["tennis", "events"] and parts[4] == "stream" else None

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        match = self._match(urlsplit(connection.request.path).path)
        assert match is not None
        self.connections[match.ref] = connection
        with suppress(ConnectionClosed):
            said = self.verdict(json.loads(await connection.recv()).get("authToken"))
            await connection.send(json.dumps(said))
            if said.get("authorised"):
                await match.talk(match, connection, int(match.asked[-1] or 0))
            else:
                await connection.close(1008, "not authorised")


def _plain(status: int, body: bytes = b"") -> Response:
    headers = Headers({"Content-Type": "application/json", "Connection": "close"})
    if status != 204:
        headers["Content-Length"] = str(len(body))
    return Response(status, "Said", headers, body)
