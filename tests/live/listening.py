"""A served desk and its listeners for tests: a real server on a real port, real sockets, the real hub; feed facts by real ingest."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

import uvicorn
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db import connections, transaction
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from markets import db
from markets.api import streams
from markets.domain import messages as m
from markets.domain.values import FixtureStatus, MarketStatus, Role, SelectionStatus
from markets.live import hub
from markets.live.frames import AnyFrame, Beat, FixtureCell, Frame, MarketCell, PriceCell, Snapshot, decode
from markets.live.routing import websocket_urlpatterns
from markets.models import Bookmaker, Fixture, MarketType, Member, Selection, Source, SourceLiveness, Sport
from markets.services import ingest
from markets.sessions import SessionStore
from tests.cluster import free_port

PRICES = ("2.00", "3.50", "4.00")


_pages: Any = AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))


async def _streams_and_pages(scope: Any, receive: Any, send: Any) -> None:
    await (streams.application if streams.matches(scope) else _pages)(scope, receive, send)


class Server:
    """The desk's sockets, the bookmakers' streams and a hub, served by uvicorn in a thread of this process."""

    def __init__(self) -> None:
        self.port = free_port()
        application: Any = _streams_and_pages
        config = uvicorn.Config(application, port=self.port, lifespan="off", log_level="warning", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve())

    def start(self) -> None:
        self._thread.start()
        until(lambda: self._server.started, 5)
        self.hub = hub.start(self._loop)

    def stop(self) -> None:
        hub.stop()
        self._server.should_exit = True
        self._thread.join(5)

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}/live/ws/{path}"


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        getattr(connections["read"], "close_pool", lambda: None)()  # PostgreSQL: else the test's database could not be dropped


class HasUrl(Protocol):
    """Where sockets are served."""

    port: int

    def url(self, path: str) -> str: ...


class Ear:
    """One socket that hears everything in its own thread, puts the frames together, and checks what every client relies on.

    ``revisions`` and the chain of ``seq`` are checked at each frame (D1); what breaks them is in ``broken``.
    """

    def __init__(self, server: HasUrl, path: str, session: str, origin: str = "") -> None:
        cookie = {"Cookie": f"sessionid={session}"} if session else {}
        origin = origin or f"http://127.0.0.1:{server.port}"
        self._connect = partial(connect, server.url(path), additional_headers=cookie, origin=Origin(origin), compression=None)
        self._socket: ClientConnection | None = None
        self._opened = threading.Event()
        self.frames: list[tuple[float, AnyFrame]] = []
        self.html: list[str] = []
        self.broken: list[str] = []
        self.fixtures: dict[int, FixtureCell] = {}
        self.markets: dict[int, MarketCell] = {}
        self.prices: dict[int, PriceCell] = {}
        self.code: int | None = None
        self.closed_at = 0.0
        self.beat: Beat | None = None
        self._seq: int | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._opened.wait(5)

    def _listen(self) -> None:
        try:
            with self._connect() as self._socket:
                self._opened.set()
                while True:
                    self._hear(str(self._socket.recv()))
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006
            self.closed_at = time.monotonic()
        except InvalidStatus as refused:
            self.code = refused.response.status_code
        finally:
            self._opened.set()

    def _hear(self, text: str) -> None:
        if text.startswith("<"):
            self.html.append(text)
            return
        frame = decode(text)
        self.frames.append((time.monotonic(), frame))
        match frame:
            case Snapshot():
                self.fixtures, self.markets, self.prices = {}, {}, {}
                self._apply(frame)
            case Frame():
                if frame.prev_seq != self._seq:
                    self.broken.append(f"frame {frame.seq} follows {frame.prev_seq}, not {self._seq}")
                self._apply(frame)
            case Beat():
                self.beat = frame
                if frame.seq != self._seq:
                    self.broken.append(f"a beat of {frame.seq} at {self._seq}")

    def _apply(self, frame: Snapshot | Frame) -> None:
        for fixture_id, cell in frame.fixtures.items():
            before = self.fixtures.get(fixture_id)
            if before and (cell.revision < before.revision or cell.bookmaker_revision < before.bookmaker_revision):
                self.broken.append(f"fixture {fixture_id} went back from {before.revision} to {cell.revision}")
        self._seq = frame.seq
        self.fixtures |= frame.fixtures
        self.markets |= frame.markets
        self.prices |= frame.prices

    def wait(self, what: Callable[[Ear], Any], seconds: float = 15.0) -> float:
        """Until ``what(self)`` holds; returns the seconds it took, raises ``AssertionError``."""
        return until(lambda: what(self), seconds)

    def say(self, text: str) -> None:
        assert self._socket is not None
        self._socket.send(text)

    def ready(self) -> Ear:
        self.wait(lambda e: e.frames or e.code)
        assert self.frames, f"closed with {self.code}"
        return self

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._thread.join(3)


@contextlib.contextmanager
def listening(server: HasUrl, path: str, session: str) -> Iterator[Ear]:
    """An ear that has heard its first frame."""
    ear = Ear(server, path, session)
    try:
        yield ear.ready()
    finally:
        ear.close()


def until(what: Callable[[], Any], seconds: float) -> float:
    """Polls every 2 ms; returns how long it took."""
    start = time.monotonic()
    while not what():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.002)
    return time.monotonic() - start


class Feed:
    """A source whose messages are applied by the real ingest."""

    def __init__(self, slug: str = "wire", **columns: Any) -> None:
        self.source = Source.objects.create(slug=slug, provider="updategram", name=slug, **columns)
        SourceLiveness.objects.get_or_create(source=self.source)
        self._count = 0
        self.heard()

    def heard(self, ago: float = 0.0) -> None:
        SourceLiveness.objects.filter(source=self.source).update(heard_at=db.now() - timedelta(seconds=ago))

    def say(self, ref: str, *parts: m.Part) -> None:
        self._count += 1
        message = m.Message(f"guid-{self._count}", ref, parts, sent_at=db.now(), order=self._count)
        with transaction.atomic():
            ingest.apply(self.source, [ingest.Incoming(message, db.now(), self._count)])

    def fixture(self, ref: str, name: str = "Ajax v PSV", sport: str = "10") -> Fixture:
        """A scheduled fixture; ``sport`` is the provider's id of football unless said otherwise."""
        details = m.FixtureDetails(
            name, "Match", FixtureStatus.SCHEDULED, "Scheduled", db.now() + timedelta(hours=2), m.Ref(sport, "Football"),
            competition=m.Competition("55", "Eredivisie"),
        )  # fmt: skip
        self.say(ref, details)
        return Fixture.objects.get(source=self.source, ref=ref)

    def market(self, ref: str, market: str = "7", prices: Sequence[str] = PRICES, **said: Any) -> None:
        self.say(ref, m.MarketSet((a_market(market, prices, **said),)))


def a_market(
    ref: str, prices: Sequence[str] = PRICES, *, status: MarketStatus = MarketStatus.OPEN, in_play: bool = False, **more: Any
) -> m.Market:
    selections = tuple(
        m.Selection(f"{ref}{place}", f"Runner {place}", SelectionStatus.TRADING, "Trading", price=Decimal(price), price_text=price)
        for place, price in enumerate(prices)
    )
    return m.Market(ref, None, "Match Result", status, "2", "Match Result", in_play, str(status), selections=selections, **more)


def selections(fixture: Fixture) -> list[int]:
    return list(Selection.objects.filter(market__fixture=fixture).order_by("market_id", "position").values_list("pk", flat=True))


def bookmaker(name: str, *sports: str, demo: bool = False) -> Bookmaker:
    made = Bookmaker.objects.create(name=name, demo=demo)
    made.sports.set(Sport.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0] for slug in sports or ("football",))
    return made


def signed_in(name: str, of: Bookmaker | None, role: Role = Role.TRADER, **user: Any) -> str:
    """Makes a person and a session as signing in does; returns the session's key."""
    person, _ = get_user_model().objects.get_or_create(username=name, defaults={"password": "!", **user})
    if of is not None:
        Member.objects.get_or_create(user=person, bookmaker=of, defaults={"role": role.value})
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def show_on_board(ref: str = "2") -> None:
    """Marks the market type of :func:`a_market` as one that the board shows."""
    MarketType.objects.filter(provider="updategram", ref=ref).update(is_main=True)
