"""An umpire's feed that says exactly what a test wants, over real sockets: REST with the live events, one websocket a match (004)."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.cluster import free_port

TOKEN = "the-token-of-an-umpire"
POINTS = ("0", "15", "30", "40")
PLAYERS = {"teamAPlayer1": "H. SQUIRE", "teamBPlayer1": "J. RODIONOV"}
DETAILS = {
    "teamAPlayersDetails": {"player1Id": "S0AK  ", "player1Country": "GER"},
    "teamBPlayersDetails": {"player1Id": "R09X  ", "player1Country": "AUT"},
}
CARD = {
    "umpire": "M. PETROVIC", "umpireCode": "PETRMA", "umpireCountry": "SRB", "courtNum": 1, "numSets": 3, "scoringType": "Standard",
    "tieBreakType": "TieBreakInFinalSet", "tossWinner": "TeamA", "tossChooser": "Serve", "firstServer": "TeamA",
}  # fmt: skip

Packet = dict[str, Any]


def stamp() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def status(state: str, **facts: Any) -> Packet:
    return {"eventElementType": "MatchStatusUpdate", "matchStatus": {**CARD, **PLAYERS, **DETAILS, "matchState": {"state": state, **facts}}}


class Court:
    """One match: its packets as they were numbered, and who listens. Team A wins every point and serves for ever."""

    def __init__(self, umpire: Umpire, ref: str, listed: bool) -> None:
        self.ref = ref
        self.listed = listed
        self.sent_at = 0.0
        """When the last packet was handed to the sockets."""
        self._umpire = umpire
        self._log: list[str] = []
        self._points = 0
        self.in_point = False
        self._lines: set[asyncio.Queue[str | None]] = set()

    def begin(self) -> None:
        """Until the match is in progress, between points."""
        for state in ("UmpireOnCourt", "PlayersArriveOnCourt", "Warmup", "InProgress"):
            self.say(status(state))

    def start_point(self) -> float:
        """When PointStarted was handed to the sockets, by ``time.monotonic()``."""
        self.in_point = True
        return self.say({"eventElementType": "PointStarted", **self._servers()})

    def score(self) -> float:
        self._points += 1
        self.in_point = False
        details = {"scoredBy": "TeamA", "pointType": "Standard"}
        return self.say({"eventElementType": "PointScored", "score": self._score(), "details": details, **self._servers()})

    @property
    def last(self) -> int:
        """The number of the last packet of its log."""
        return len(self._log)

    def say(self, packet: Packet, seq: int | None = None) -> float:
        """``seq``: another number than the next, of a packet that is in no log."""
        number = len(self._log) + 1 if seq is None else seq
        text = json.dumps({**packet, "timestamp": stamp(), "matchTime": "00:00:04", "seqNum": number})
        if seq is None:
            self._log.append(text)
        return self._umpire.do(self._send, text)

    def cut(self) -> None:
        """Every connection of the match ends."""
        self._umpire.do(self._send, None)

    def _servers(self) -> Packet:
        return {"server": {"team": "TeamA"}, "nextServer": {"team": "TeamA"}}

    def _score(self) -> Packet:
        games, points = divmod(self._points, len(POINTS))
        return {
            "currentGameScore": {"gameType": "StandardGame", "pointsA": POINTS[points], "pointsB": "0"},
            "currentSetScore": {"gamesA": games, "gamesB": 0},
            "previousSetsScore": [],
            "overallSetScore": {"setsA": 0, "setsB": 0},
        }

    def _send(self, text: str | None) -> float:
        self.sent_at = time.monotonic()
        for line in self._lines:
            line.put_nowait(text)
        return self.sent_at

    async def play(self, connection: ServerConnection, position: int) -> None:
        line: asyncio.Queue[str | None] = asyncio.Queue()
        for text in self._log[max(0, position - 1) :]:
            line.put_nowait(text)
        self._lines.add(line)
        try:
            while (waiting := await line.get()) is not None:
                await connection.send(waiting)
        finally:
            self._lines.discard(line)


class Umpire:
    """The provider, in a thread of this process; a heartbeat each second on every websocket."""

    def __init__(self) -> None:
        self.port = free_port()
        self._courts: dict[str, Court] = {}
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def court(self, ref: str, *, listed: bool = True) -> Court:
        """A new match, live at once; one that is not ``listed`` is found only by who knows it."""
        made = Court(self, ref, listed)
        self._courts[ref] = made
        return made

    def do(self, call: Any, *arguments: Any) -> float:
        """On the provider's loop; its answer."""

        async def done() -> float:
            return float(call(*arguments))

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)

    async def _serve(self) -> None:
        async with serve(self._talk, "127.0.0.1", self.port, process_request=self._answer, compression=None, ping_interval=1):
            self._ready.set()
            await self._ended.wait()

    def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        if not urlsplit(request.path).path.endswith("/liveevents"):
            return None
        body = json.dumps([self._live_event(ref) for ref, court in self._courts.items() if court.listed]).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
        return Response(HTTPStatus.OK, "OK", headers, body)

    def _live_event(self, ref: str) -> Packet:
        team = {"status": "KnownTennisTeam", "team": {"player1": {"id": "S0AK", "firstName": "H", "lastName": "Squire", "country": "GER"}}}
        return {"eventId": ref, "startTime": {"status": "Scheduled", "time": stamp()[:19]}, "teamA": team, "teamB": team}

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        where = urlsplit(connection.request.path)
        position = int(parse_qs(where.query).get("startPosition", ["1"])[0])
        try:
            right = json.loads(await connection.recv()).get("authToken") == TOKEN
            await connection.send(json.dumps({"authorised": right, "reason": "" if right else "invalid token"}))
            if right:
                await self._courts[where.path.split("/")[-2]].play(connection, position)
        except ConnectionClosed:
            return
