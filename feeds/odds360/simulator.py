"""Plays SportMicro's table tennis and Odds360 on one port of this machine, over real sockets: lists, odds, overrides, and live streams.

Runs as its own process (``manage.py simulate odds360``) or as a task of any event loop::

    asyncio.run(Odds360Simulator(token=token, port=9036).run())

Paths are those of 000 and feeds.md 3; where both are silent, shapes are those that ``docs/api.md`` gives for what we serve, or, by
:class:`Spelling`, others that a lenient reader has to take.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from random import Random
from typing import Any

from msgspec import Struct
from websockets.frames import CloseCode

from feeds.playing.provider import Provider, base_of

from .simulation import ledger, rows
from .simulation.book import ODD_TYPES
from .simulation.contest import Contest, Habits, Status
from .simulation.dialect import BadQuery, Row, select
from .simulation.faults import OF_ANSWERS, OF_STREAMS, Fault, Faults, Orders
from .simulation.harm import HARMS, refusal
from .simulation.roster import Roster
from .simulation.server import Answer, Connection, EventStream, Request, WebSocket, json, talk
from .simulation.stream import Listener, Pace, Stream
from .simulation.voice import SPORT, Spelling

logger = logging.getLogger("feeds.simulator")

BOOKMAKER = "5f0c8a4e-3600-4360-8360-0dd5360dd536"
PAGE = 100
UPDATES, OVERRIDES = "updates", "overrides"
_LIVE = re.compile(rf"/live/([^/]+)/{SPORT}/([^/]+)/({UPDATES}|{OVERRIDES})")
_DASHBOARD = re.compile(rf"/bookmaker/([^/]+)(?:/{SPORT}/([^/]+)(?:/([^/]+))?)?")
_MATCH_COLUMNS = frozenset(
    {
        *("id", "match_id", "name", "status_type", "status", "status_reason", "start_time", "duration"),
        *("home_team_id", "home_team_name", "away_team_id", "away_team_name", "class_id", "class_name"),
        *("league_id", "league_name", "season_id", "season_name", "tournament_id", "tournament_name"),
    }
)
_DATE_COLUMNS = frozenset({"date", "league_id", "league_name"})
_NAME_COLUMNS = frozenset({"id", "name", "class_id", "class_name"})
_TICK_COLUMNS = frozenset({"match_id", "odd_type", "odd_key", "value", "suspended", "at"})


class Door(Struct):
    """How clients are met. ``token_refused``: every token is wrong. ``no_websocket``: an upgrade is refused, so that SSE is left.
    ``no_streams``: neither of the two, so that polling is left. ``no_bookmaker``: the bookmaker's own addresses know nobody.
    """

    token_refused: bool = False
    no_websocket: bool = False
    no_streams: bool = False
    no_bookmaker: bool = False


@dataclass(kw_only=True)
class Odds360Simulator(Provider):
    """The provider; ``faults`` and ``door`` may be changed while it runs, on its loop. ``orders`` has the next answers meet a fault; a
    stream's own ``begin`` its next change.

    ``upcoming`` matches at any time. ``postpone``: chance (0–1) that a match is postponed at its start. ``override``: chance for each point
    that the provider's own trader changes or suspends one price for a while. ``withdrawn``: ids and starts of matches of an earlier run,
    which are over.
    """

    bookmaker: str = BOOKMAKER
    upcoming: int = 4
    postpone: float = 0.05
    override: float = 0.0
    withdrawn: tuple[tuple[str, datetime], ...] = ()
    faults: Faults = field(default_factory=Faults)
    pace: Pace = field(default_factory=Pace)
    door: Door = field(default_factory=Door)
    spelling: Spelling = field(default_factory=Spelling)

    def __post_init__(self) -> None:
        base = base_of(self.seed)
        self._random = Random(f"{base}/faults")  # noqa: S311 - a game, not a secret
        self.orders = Orders()
        habits = Habits(self.speed, self.postpone, self.override)
        draw = lambda: self.faults.draw(self._random, OF_STREAMS)  # noqa: E731
        self.roster = Roster(base, self.matches, self.upcoming, habits, self.pace, self.spelling, draw)
        for ref, start in self.withdrawn:
            self.roster.withdraw(int(ref), start)
        self._talks: set[asyncio.Task[Any]] = set()
        self.asked: dict[str, int] = {}

    # --- the run ---------------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._talk, limit=64 * 1024, **self._where)
        self.port = next(iter(server.sockets)).getsockname()[1]
        logger.info("odds360 simulator listens on %s:%d", self.host, self.port)
        works = [asyncio.ensure_future(self.roster.keep()), asyncio.ensure_future(self._beat())]
        try:
            yield
        finally:
            server.close()
            for work in (*works, *self._talks):
                work.cancel()
            await asyncio.gather(*works, *self._talks, return_exceptions=True)
            await self.roster.close()

    def _talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """A task of our own: asyncio's, when cancelled, is reported as an error."""
        task = asyncio.ensure_future(talk(self._handle, Connection(reader, writer)))
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)

    async def _beat(self) -> None:
        """What renews, to everybody who listens; with the whole payload spoken instead of frames there is nothing of the kind."""
        while self.pace.beat and not self.spelling.whole:
            await asyncio.sleep(self.pace.beat)
            for contest in self.roster.all(Status.UPCOMING, Status.LIVE):
                contest.updates.beat(contest.voice.beat)
                contest.overrides.beat(contest.voice.beat)

    # --- requests --------------------------------------------------------------------------------------------------------------------

    async def _handle(self, request: Request, connection: Connection) -> Answer | None:
        self.asked[request.path] = self.asked.get(request.path, 0) + 1
        if (stream := self._stream_of(request)) is not None:
            return await self._stream(request, connection, stream)
        answer = self._answer(request)
        fault = self.orders.take(request.path) or self.faults.draw(self._random, OF_ANSWERS)
        return answer if fault is None or answer.status is HTTPStatus.UNAUTHORIZED else await self._harmed(answer, fault)

    def _answer(self, request: Request) -> Answer:
        if not self._right(_bearer(request)):
            return refusal(HTTPStatus.UNAUTHORIZED, "invalid token")
        try:
            return self._public(request) or self._dashboard(request) or refusal(HTTPStatus.NOT_FOUND, "no such resource")
        except BadQuery as bad:
            return json(HTTPStatus.BAD_REQUEST, bad.body)

    def _right(self, token: str) -> bool:
        return not self.door.token_refused and hmac.compare_digest(token.encode(), self.token.encode())

    # --- lists -----------------------------------------------------------------------------------------------------------------------

    def _public(self, request: Request) -> Answer | None:
        """The lists of SportMicro and of Odds360's public pattern: bare arrays, in the dialect."""
        if request.method != "GET":
            return None
        lists: dict[str, Callable[[], list[Row]]] = {
            "/matches-live": lambda: self._matches(request, rows.live_row, Status.LIVE),
            "/matches": lambda: self._matches(request, rows.match_row),
            "/matches-by-date": lambda: select(rows.by_date(self.roster.all()), request.query, _DATE_COLUMNS),
            "/matches-by-date-league": lambda: select(rows.by_date_and_league(self.roster.all()), request.query, _DATE_COLUMNS),
            "/leagues": lambda: select(rows.leagues(), request.query, _NAME_COLUMNS),
            "/classes": lambda: select(rows.classes(), request.query, _NAME_COLUMNS),
            f"/{SPORT}": lambda: self._matches(request, rows.priced_row, Status.LIVE, Status.UPCOMING),
            f"/{SPORT}-history": lambda: select(self._ticks(request), request.query, _TICK_COLUMNS),
            f"/{SPORT}-leagues": lambda: select(rows.leagues(), request.query, _NAME_COLUMNS),
            f"/{SPORT}-classes": lambda: select(rows.classes(), request.query, _NAME_COLUMNS),
        }
        found = lists.get(request.path)
        return None if found is None else json(HTTPStatus.OK, found())

    def _matches(self, request: Request, shape: Callable[[Contest], Row], *statuses: Status) -> list[Row]:
        """Chosen by any column of theirs, told in the list's own."""
        contests = {contest.card.id: contest for contest in self.roster.all(*statuses)}
        records = [rows.record(contest) for contest in contests.values()]
        over = [] if statuses else [rows.over_row(id_, start) for id_, start in self.roster.withdrawn().items()]
        page = select([*records, *over], request.query, _MATCH_COLUMNS)
        return [shape(contests[row["id"]]) if row["id"] in contests else row for row in page]

    def _ticks(self, request: Request) -> Iterable[Row]:
        """Of the match that is asked for, else of all."""
        wanted = (request.first("match_id") or "").removeprefix("eq.")
        return (tick for contest in self.roster.all() if wanted in ("", str(contest.card.id)) for tick in rows.ticks(contest))

    # --- the dashboard ---------------------------------------------------------------------------------------------------------------

    def _dashboard(self, request: Request) -> Answer | None:
        found = _DASHBOARD.fullmatch(request.path)
        if found is None or not self._known(found[1]):
            return None
        _, match_id, part = found.groups()
        if match_id is None:
            return json(HTTPStatus.OK, {"id": self.bookmaker, "name": "Simulated bookmaker", "sports": [SPORT]})
        if match_id == "matches" and part is None:
            return self._page(request)
        contest = self.roster.contest(int(match_id)) if match_id.isascii() and match_id.isdigit() else None
        return None if contest is None else self._of_match(request, contest, part)

    def _known(self, bookmaker: str) -> bool:
        return not self.door.no_bookmaker and bookmaker == self.bookmaker

    def _of_match(self, request: Request, contest: Contest, part: str | None) -> Answer | None:
        match request.method, part:
            case "GET", None:
                return json(HTTPStatus.OK, contest.voice.payload())
            case "GET", "verify":
                return json(HTTPStatus.OK, contest.voice.verify())
            case "PATCH", odd_type if odd_type in ODD_TYPES:
                return _patched(request, contest, ODD_TYPES[odd_type])
            case _:
                return None

    def _page(self, request: Request) -> Answer:
        """Live and upcoming matches with prices, 100 a page (000 section 3)."""
        page, status = request.first("page") or "0", request.first("status") or ""
        if not (page.isascii() and page.isdigit()):
            return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "page: a whole number from 0")
        if status not in ("", Status.LIVE, Status.UPCOMING):
            return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "status: live or upcoming")
        wanted = (Status(status),) if status else (Status.LIVE, Status.UPCOMING)
        found = [row for row in map(rows.listed_row, self.roster.all(*wanted)) if row["totalOdds"] and _named(row, request)]
        return json(HTTPStatus.OK, found[int(page) * PAGE : (int(page) + 1) * PAGE])

    # --- streams --------------------------------------------------------------------------------------------------------------------

    def _stream_of(self, request: Request) -> tuple[int, str] | None:
        """The match and the kind of stream that an address names (no match: -1); whether it exists is another question."""
        found = _LIVE.fullmatch(request.path) or _DASHBOARD.fullmatch(request.path)
        if found is None or found[3] not in (UPDATES, OVERRIDES):
            return None
        known = self._known(found[1]) and found[2].isascii() and found[2].isdigit()
        return (int(found[2]) if known else -1), found[3]

    async def _stream(self, request: Request, connection: Connection, wanted: tuple[int, str]) -> Answer | None:
        if not self._right(_bearer(request) or request.first("token") or ""):
            return refusal(HTTPStatus.UNAUTHORIZED, "invalid token")
        contest = self.roster.contest(wanted[0])
        if contest is None or self.door.no_streams or (self.door.no_websocket and request.upgrades):
            return refusal(HTTPStatus.NOT_FOUND, "no such resource")
        stream = contest.updates if wanted[1] == UPDATES else contest.overrides
        socket_ = WebSocket(connection, request) if request.upgrades else EventStream(connection)
        if await socket_.open():
            await self._tell(socket_, connection, stream)
        return None

    async def _tell(self, client: WebSocket | EventStream, connection: Connection, stream: Stream) -> None:
        line = stream.join()
        hearing = asyncio.ensure_future(_ignore(client))
        hearing.add_done_callback(lambda _: line.end())
        try:
            await _write(client, line)
            if line.half_open:
                hearing.cancel()
                await connection.leave_half_open(self.pace.half_open)
            elif not hearing.done():
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
                await client.close(CloseCode.NORMAL_CLOSURE if stream.over else CloseCode.SERVICE_RESTART)
        finally:
            stream.leave(line)
            hearing.cancel()

    # --- faults ----------------------------------------------------------------------------------------------------------------------

    async def _harmed(self, answer: Answer, fault: Fault) -> Answer:
        if fault is Fault.SLOW:
            await asyncio.sleep(self.pace.slow)
        if fault is Fault.VANISHED:
            self.roster.hide_one(self._random)
        return HARMS[fault](answer, self.pace) if fault in HARMS else answer


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _named(row: Row, request: Request) -> bool:
    """``league``, ``homeTeam``, ``awayTeam``: parts of names, whatever the case."""
    names = {"league": "league_name", "homeTeam": "home_team_name", "awayTeam": "away_team_name"}
    return all((request.first(asked) or "").casefold() in row[column].casefold() for asked, column in names.items())


def _patched(request: Request, contest: Contest, group: str) -> Answer:
    try:
        patch = ledger.read(request.body)
        found = contest.book.find(patch.odd_key)
        if found is None or found[0].group != group:
            return refusal(HTTPStatus.NOT_FOUND, "no such odd key")
        entry = contest.override(patch, "api key")
    except ledger.Wrong as wrong:
        return json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": "unprocessable", "detail": str(wrong), "fields": wrong.fields})
    except ValueError as error:
        return refusal(HTTPStatus.BAD_REQUEST, str(error))
    taken_back = {
        "oddKey": patch.odd_key,
        "oddValue": None,
        "suspended": False,
        "endsAt": None,
        "by": "api key",
        "reason": "",
        "version": 0,
    }
    return json(HTTPStatus.OK, contest.ledger.shown(entry) if entry else taken_back)


async def _ignore(client: WebSocket | EventStream) -> None:
    """Ends with the connection."""
    with suppress(ConnectionError):
        await client.hear()


async def _write(client: WebSocket | EventStream, line: Listener) -> None:
    while not line.half_open and (frame := await line.waiting.get()) is not None:
        await client.send(frame)
