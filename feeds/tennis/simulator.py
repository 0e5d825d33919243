"""Plays the umpire's feed: its REST for discovery and a websocket for each match, on one port, over real sockets.

Runs as its own process (``manage.py simulate tennis``) or as a task of any event loop::

    asyncio.run(TennisSimulator(token=token, port=9010).run())

REST and stream paths are those of feeds.md 1.1. The heartbeat's shape is invented: nobody tells what the provider sends.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from random import Random
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feeds.playing.court import Court, Courts, now
from feeds.playing.provider import NAP, Provider, base_of
from feeds.playing.tennis import Chances

from .simulation.events import Events
from .simulation.faults import Faults
from .simulation.packets import moment
from .simulation.stream import Line, Pace, Stream

logger = logging.getLogger("feeds.simulator")

ACCEPT = "application/vnd.imggaming.dde.api+json"
LIVE_EVENTS = "/tournaments/liveevents"
AUTHORISE_SECONDS = 10.0
RESTARTING = 1012


class Door(Struct):
    """How clients are met. ``token_refused``: every token is wrong. ``forbidden``: the client's address is not on the list (REST).
    ``no_content``: a match that has not begun answers 204 to its websocket, instead of NotStarted.
    """

    token_refused: bool = False
    forbidden: bool = False
    no_content: bool = False


@dataclass(kw_only=True)
class TennisSimulator(Provider):
    """The provider; ``events`` and ``door`` may be changed while it runs, on its loop.

    ``stage``: how far matches are when they open (0–1); at 0 play starts after ``ahead`` seconds. ``courts``: matches that somebody else
    opens; without it ``matches`` of our own, a new one for each that ended. ``withdrawn``: events of an earlier run, which are over.
    """

    courts: Courts | None = None
    stage: float = 0.0
    ahead: float | None = None
    scoring: str = ""
    draw: str = ""
    withdrawn: tuple[str, ...] = ()
    faults: Faults = field(default_factory=Faults)
    chances: Chances = field(default_factory=Chances)
    pace: Pace = field(default_factory=Pace)
    door: Door = field(default_factory=Door)
    _away_until: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        base = base_of(self.seed)
        self._own = self.courts is None
        self.courts = self.courts or Courts(base, self.speed, self.chances)
        self._random = Random(f"{base}/faults")  # noqa: S311 - a game, not a secret
        self.events = Events(base, self.pace, lambda: self.faults.draw(self._random), self.restart)
        self.courts.listen(self.events.add)
        for id_ in self.withdrawn:
            self.events.withdraw(id_)

    # --- the run ---------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with self._server() as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            logger.info("tennis simulator listens on %s:%d", self.host, self.port)
            works = [asyncio.ensure_future(self._beat()), *([asyncio.ensure_future(self._play())] if self._own else [])]
            try:
                yield
            finally:
                for work in works:
                    work.cancel()
                self.events.close()
                if self._own and self.courts is not None:
                    await self.courts.close()

    def _server(self) -> Server:
        return serve(self._talk, process_request=self._answer, compression=None, ping_interval=None, close_timeout=1.0, **self._where)

    async def _play(self) -> None:
        """As many matches as wanted, at any time."""
        underway: list[Court] = []
        while True:
            underway = [court for court in underway if not court.over]
            underway += [self._open() for _ in range(self.matches - len(underway))]
            await asyncio.sleep(NAP)

    def _open(self) -> Court:
        assert self.courts is not None
        start = None if self.ahead is None else now() + timedelta(seconds=self.ahead)
        return self.courts.open(start, self.stage, draw=self.draw, scoring=self.scoring)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.pace.heartbeat)
            frame = msgspec.json.encode({"heartbeat": moment(now()), "invented": True}).decode()
            for stream in self.events.streams():
                stream.raw(frame)

    def restart(self) -> None:
        """All connections end, nobody is let in for a while, and all is there again."""
        self._away_until = time.monotonic() + self.pace.away
        for stream in self.events.streams():
            stream.cut()

    # --- REST ------------------------------------------------------------------------------------------------------------------

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """``None`` lets a websocket in."""
        if time.monotonic() < self._away_until:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "restarting")
        path = urlsplit(request.path).path
        if path == LIVE_EVENTS:
            return self._rest(request)
        stream = self.events.at(path)
        if stream is None:
            return _refusal(HTTPStatus.NOT_FOUND, "no such resource")
        if self.door.no_content and not stream.last:
            return Response(HTTPStatus.NO_CONTENT, "No Content", Headers({"Connection": "close"}))
        return None

    def _rest(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._right(token):
            return _refusal(HTTPStatus.UNAUTHORIZED, "invalid token")
        if self.door.forbidden:
            return _refusal(HTTPStatus.FORBIDDEN, "address is not on the list")
        if request.headers.get("Accept", "").replace(" ", "") != f"{ACCEPT};version=1":
            return _refusal(HTTPStatus.NOT_ACCEPTABLE, "unknown version")
        return _json(HTTPStatus.OK, self.events.live())

    def _right(self, token: object) -> bool:
        given = token.encode() if isinstance(token, str) else b""
        return not self.door.token_refused and hmac.compare_digest(given, self.token.encode())

    # --- streams ---------------------------------------------------------------------------------------------------------------

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        where = urlsplit(connection.request.path)
        stream = self.events.at(where.path)
        with suppress(ConnectionClosed, TimeoutError):
            if stream is not None and await self._authorised(connection):
                await self._tell(connection, stream, _position(where.query))

    async def _authorised(self, connection: ServerConnection) -> bool:
        async with asyncio.timeout(AUTHORISE_SECONDS):
            first = await connection.recv()
        try:
            said = msgspec.json.decode(first)
        except msgspec.DecodeError:
            said = None
        right = isinstance(said, dict) and self._right(said.get("authToken"))
        answer = {"authorised": True, "reason": ""} if right else {"authorised": False, "reason": "invalid token"}
        await connection.send(msgspec.json.encode(answer).decode())
        if not right:
            await connection.close(1008, "not authorised")
        return right

    async def _tell(self, connection: ServerConnection, stream: Stream, position: int) -> None:
        line = stream.join(position)
        hearing = asyncio.ensure_future(_ignore(connection))
        hearing.add_done_callback(lambda _: line.end())
        try:
            await _write(connection, line)
            if line.half_open:
                await self._leave_half_open(connection)
            await connection.close(RESTARTING, "service restart")
        finally:
            stream.leave(line)
            hearing.cancel()

    async def _leave_half_open(self, connection: ServerConnection) -> None:
        """As a machine that lost its power: the kernel's connection stands, and nobody is behind it."""
        connection.transport.pause_reading()
        await asyncio.sleep(self.pace.half_open)
        connection.transport.abort()


async def _ignore(connection: ServerConnection) -> None:
    """Whatever a client says after its token is ignored; ends with the connection."""
    with suppress(ConnectionClosed):
        async for _ in connection:
            pass


async def _write(connection: ServerConnection, line: Line) -> None:
    while not line.half_open and (frame := await line.waiting.get()) is not None:
        await connection.send(frame)


def _position(query: str) -> int:
    """``startPosition``; from the beginning where it is missing or no number."""
    given = parse_qs(query).get("startPosition", [""])[0]
    return int(given) if given.isascii() and given.isdigit() else 0


def _refusal(status: HTTPStatus, words: str) -> Response:
    return _json(status, {"error": words, "status": int(status)})


def _json(status: HTTPStatus, body: object) -> Response:
    encoded = msgspec.json.encode(body)
    headers = Headers({"Content-Type": f"{ACCEPT};version=1", "Content-Length": str(len(encoded)), "Connection": "close"})
    return Response(int(status), status.phrase, headers, encoded)
