"""From an umpire's PointStarted until everyone is told: "suspended" at the last of 100 sockets, beside a bare websocket relay.

The umpire is a websocket server of this process; the relay reads another match of his and broadcasts every packet as it is. Points of both
are taken in turns, so that load and a slow spell of the machine hit both alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
from websockets.asyncio.client import ClientConnection

from bench import samples
from bench.figure import Figure, percentile
from bench.load import Load
from bench.sockets import Door, listening
from bench.whole import mode
from tests.cluster import free_port, wait_for
from tests.processes import SCALED, until
from tests.promises.courtside import GRACE, SOURCE, Courtside, courtside
from tests.promises.prepare import SECRET
from tests.promises.town import Prepared
from tests.promises.umpire import TOKEN, Court

PEOPLE = ("alpha-viewer", "alpha-trader", "alpha-supervisor", "alpha-staff")
EACH = 25
ROUNDS = 40
RATE = 50
BIG = 2_000_000
FLOOR_REF = "2026-580-MS002"
RELAY = """
import asyncio, sys, json
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve, broadcast
sockets = set()
async def hear(socket):
    sockets.add(socket)
    await socket.wait_closed()
async def main(port, upstream, token):
    async with serve(hear, "127.0.0.1", port, compression=None), connect(upstream, compression=None) as source:
        await source.send(json.dumps({"authToken": token}))
        async for text in source:
            broadcast(sockets, text)
asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""

Took = tuple[list[float], list[float]]
"""Seconds of every socket at every point: ours, the relay's."""


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as side:
        prepared = Prepared(Path(home))
        try:
            with courtside(Path(side), prepared, LOG_LEVEL="WARNING") as scene:
                return asyncio.run(_measure(scene))
        finally:
            prepared.place.drop()


async def _measure(scene: Courtside) -> list[Figure]:
    floor = scene.umpire.court(FLOOR_REF, listed=False)
    scene.ear.close()
    durable = await asyncio.to_thread(_durable, scene)
    async with _ours(scene) as ours, _relayed(scene, floor) as relay:
        points = _Points(scene, floor, ours, relay)
        quiet = await points.play(ROUNDS)
        with load(scene, RATE):
            loaded = await points.play(ROUNDS)
        found = [_figure("", quiet, "≤ 3"), _figure(f" under {RATE} MarketSets/s", loaded, "≤ 4")]
        if SCALED:
            with load(scene, RATE), load(scene, 3, BIG):
                heavy = await points.play(ROUNDS)
            found.append(_figure(f" under {RATE} MarketSets/s and 3/s of 2 MB", heavy, "≤ 8"))
    return [*found, Figure(f"PointStarted until it is durable, p99, {mode()}", percentile(durable, 0.99) * 1000, "ms", "≤ 20")]


def _figure(load: str, took: Took, goal: str) -> Figure:
    ours, relay = (percentile(each, 0.99) * 1000 for each in took)
    name = f"PointStarted to suspended at {len(PEOPLE) * EACH} sockets{load}, p99, {mode()}"
    return Figure(name, ours, "ms", goal, relay, "bare websocket relay")


class _Crowd:
    """Sockets that note when each first hears what is waited for."""

    def __init__(self, sockets: list[ClientConnection]) -> None:
        self._waits: Callable[[str], bool] = lambda text: False
        self._heard: dict[int, float] = {}
        self._all = asyncio.Event()
        self._size = len(sockets)
        self._tasks = [asyncio.ensure_future(self._listen(n, socket)) for n, socket in enumerate(sockets)]

    def expect(self, what: Callable[[str], bool]) -> None:
        self._heard.clear()
        self._all.clear()
        self._waits = what

    async def heard(self, seconds: float = 10) -> list[float]:
        """When each did, by ``time.monotonic()``."""
        await asyncio.wait_for(self._all.wait(), seconds)
        return list(self._heard.values())

    async def _listen(self, number: int, socket: ClientConnection) -> None:
        async for text in socket:
            if self._waits(str(text)):
                self._heard.setdefault(number, time.monotonic())
                if len(self._heard) == self._size:
                    self._all.set()

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Points:
    """Points of our match and of the relay's, one after the other."""

    def __init__(self, scene: Courtside, floor: Court, ours: _Crowd, relay: _Crowd) -> None:
        self._scene, self._floor, self._ours, self._relay = scene, floor, ours, relay

    async def play(self, rounds: int) -> Took:
        took: Took = ([], [])
        for _ in range(rounds):
            took[0].extend(await self._point(self._ours, self._scene.court, suspended))
            took[1].extend(await self._point(self._relay, self._floor, started))
            await self._reopen()
        return took

    async def _point(self, crowd: _Crowd, court: Court, mark: Callable[[str], bool]) -> list[float]:
        crowd.expect(mark)
        began = await asyncio.to_thread(court.start_point)
        return [at - began for at in await crowd.heard()]

    async def _reopen(self) -> None:
        self._ours.expect(opened)
        await asyncio.to_thread(self._scene.court.score)
        await asyncio.to_thread(self._floor.score)
        while True:
            await asyncio.sleep(GRACE)
            await asyncio.to_thread(self._scene.match.offer)
            with contextlib.suppress(TimeoutError):
                await self._ours.heard(1)
                return


def suspended(text: str) -> bool:
    return '"kind":"frame"' in text and '"open":false' in text


def opened(text: str) -> bool:
    return '"kind":"frame"' in text and '"open":true' in text


def started(text: str) -> bool:
    return '"PointStarted"' in text


@contextlib.asynccontextmanager
async def _ours(scene: Courtside) -> AsyncIterator[_Crowd]:
    people = [await asyncio.to_thread(scene.town.person, name) for name in PEOPLE]
    origin = f"http://127.0.0.1:{scene.port}"
    doors = [(scene.url(f"fixture/{scene.match.row()}"), {"Cookie": f"sessionid={one.session}", "Origin": origin}) for one in people]
    async with _crowd(doors) as crowd:
        yield crowd


@contextlib.asynccontextmanager
async def _relayed(scene: Courtside, floor: Court) -> AsyncIterator[_Crowd]:
    upstream = f"ws://127.0.0.1:{scene.umpire.port}/tennis/events/{floor.ref}/stream"
    with _relay(upstream) as url:
        async with _crowd([(url, {})] * len(PEOPLE)) as crowd:
            yield crowd


@contextlib.contextmanager
def _relay(upstream: str) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", RELAY, str(port), upstream, TOKEN]) as process:
        wait_for(port)
        try:
            yield f"ws://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def _crowd(doors: list[Door]) -> AsyncIterator[_Crowd]:
    """``EACH`` sockets at each door."""
    async with listening(door for door in doors for _ in range(EACH)) as sockets:
        crowd = _Crowd(sockets)
        try:
            yield crowd
        finally:
            crowd.end()


@contextlib.contextmanager
def load(scene: Courtside, rate: float, size: int = 0) -> Iterator[None]:
    """MarketSets of other fixtures at a pace, from a process of their own, until the block ends."""
    url = f"{scene.town.feed}/ProcessMessage?token={quote(SECRET, safe='')}"
    with tempfile.NamedTemporaryFile() as body:
        if size:
            body.write(_big(size))
            body.flush()
        load = Load(url, 600.0, body=body.name if size else "", fixtures=20, connections=8, rate=rate)
        with subprocess.Popen([sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(load))
            process.stdin.close()
            try:
                time.sleep(2)
                yield
            finally:
                process.kill()


def _big(size: int) -> bytes:
    one = len(samples.market_set(999, markets=2)) - len(samples.market_set(999, markets=1))
    return samples.market_set(999, markets=size // one)


def _durable(scene: Courtside) -> list[float]:
    """Seconds from PointStarted until it is in the store."""
    took: list[float] = []
    with _watching_the_store(scene, took):
        for _ in range(2 * ROUNDS):
            scene.court.start_point()
            time.sleep(0.1)
            scene.court.score()
            time.sleep(0.05)
    scene.reopen()
    return took


@contextlib.contextmanager
def _watching_the_store(scene: Courtside, took: list[float]) -> Iterator[None]:
    """Notes how long after its being sent each PointStarted can be read back, by a connection of our own."""
    ending = threading.Event()
    source = f"(SELECT id FROM markets_source WHERE slug = '{SOURCE}')"

    def watch() -> None:
        with contextlib.closing(scene.place.connect()) as connection:
            last = connection.execute("SELECT max(id) FROM feeds_frame").fetchone()[0]
            while not ending.is_set():
                sql = f"SELECT id, body FROM feeds_frame WHERE id > {last} AND source_id = {source} ORDER BY id"
                rows = connection.execute(sql).fetchall()
                now = time.monotonic()
                for _, body in rows:
                    if json.loads(bytes(body)).get("eventElementType") == "PointStarted":
                        took.append(now - scene.court.sent_at)
                last = max((last, *(row[0] for row in rows)))
                time.sleep(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        assert until(lambda: bool(took), 5)
        ending.set()
        thread.join(10)
