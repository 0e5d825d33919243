"""The streams of bookmakers: from a message that is read until the last of 500 listeners has its frame; others beside some who never read;
from a PATCH until its frame on the ``overrides`` stream.

Server and floor are processes of their own. ``BENCH_STREAMS`` sets another number of sockets (an SSE listener comes for each five).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from statistics import median

import httpx
from websockets.asyncio.client import connect

from bench.fanout import floor_crowd
from bench.figure import Figure, percentile
from tests.live.clients import Client, SocketClient
from tests.live.processes import Desk, desk

SOCKETS = int(os.environ.get("BENCH_STREAMS", "500"))
EVENTS = max(1, SOCKETS // 5)
DEAF = 20
ROUNDS = 15
MARKETS = 30
PACE = 0.2
STEPS = 40
PATCHES = 200
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"


def figures() -> list[Figure]:
    took, floor = asyncio.run(_to_the_last())
    alone, beside = asyncio.run(_beside_the_deaf())
    crowd, broadcast = f"{SOCKETS} sockets", "websockets.broadcast()"
    others = f"p99 of {crowd} and {EVENTS} SSE beside {DEAF} that never read"
    return [
        Figure(f"a message read to its update at the last of {crowd}", took * 1000, "ms", "≤ 4", floor * 1000, broadcast),
        Figure(others, beside * 1000, "ms", "≤ 1.5", alone * 1000, "without them"),
        Figure("PATCH to its frame on the overrides stream, p99", _patches() * 1000, "ms", "≤ 50"),
    ]


class Crowd:
    """Everybody who listens, and when each of them heard the price of a step."""

    def __init__(self, served: Desk) -> None:
        self.served = served
        self.heard: dict[str, list[float]] = {}
        self.listening = 0
        self.complete = asyncio.Event()
        self._awaited = 0
        self._step = 0

    async def by_socket(self) -> None:
        url = self.served.listen().replace("http", "ws", 1)
        async with connect(url, compression=None, ping_interval=None, max_queue=None, max_size=None) as made:
            self._count_in(1)
            async for text in made:
                self._note(str(text))

    async def by_events(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.served.port, limit=2**22)
        writer.write(_request(self.served, ""))
        self._count_in(1)
        with contextlib.closing(writer):
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    self._note(line.decode())

    async def all_of(self, count: int) -> None:
        """Until so many listen."""
        self._awaited = count
        self._count_in(0)
        await asyncio.wait_for(self.complete.wait(), 60)

    def _count_in(self, more: int) -> None:
        self.listening += more
        if self.listening == self._awaited:
            self.complete.set()

    def _note(self, text: str) -> None:
        if '"update"' in text:
            value = text.partition('"value":')[2].partition(",")[0]
            self.heard.setdefault(value, []).append(time.monotonic())

    async def move(self) -> tuple[float, list[float]]:
        """The next step: when its message was read, and when each listener had its update."""
        self._step += 1
        process = self.served.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{self._step}\n")
        process.stdin.flush()
        start = float(await asyncio.to_thread(process.stdout.readline))
        price = f"{2 + self._step % 90 / 100:.2f}"
        deadline = time.monotonic() + 10
        while len(self.heard.get(price, ())) < self.listening:
            assert time.monotonic() < deadline, f"{len(self.heard.get(price, ()))} of {self.listening} have {price}"
            await asyncio.sleep(0.005)
        return start, self.heard.pop(price)


async def _to_the_last() -> tuple[float, float]:
    """Medians of rounds taken in turns."""
    with desk("--sockets", str(SOCKETS * 4), "--move") as served:
        async with _listening(served, SOCKETS, 0) as ours, floor_crowd(SOCKETS) as floor:
            rounds = []
            for _ in range(ROUNDS):
                start, heard = await ours.move()
                rounds.append((max(heard) - start, await floor.publish()))
                await asyncio.sleep(0.1)
    return median(r[0] for r in rounds[2:]), median(r[1] for r in rounds[2:])


async def _beside_the_deaf() -> tuple[float, float]:
    with desk("--sockets", str(SOCKETS * 4), "--move", "--markets", str(MARKETS)) as served:
        async with _listening(served, SOCKETS, EVENTS) as crowd:
            alone = await _delays(crowd)
            with _deaf(served):
                await asyncio.sleep(1)
                beside = await _delays(crowd)
    return percentile(alone, 0.99), percentile(beside, 0.99)


async def _delays(crowd: Crowd) -> list[float]:
    delays = []
    for _ in range(STEPS):
        start, heard = await crowd.move()
        delays += [at - start for at in heard]
        await asyncio.sleep(PACE)
    return delays


@contextlib.asynccontextmanager
async def _listening(served: Desk, sockets: int, events: int) -> AsyncIterator[Crowd]:
    crowd = Crowd(served)
    tasks = []
    for number in range(sockets + events):
        tasks.append(asyncio.ensure_future(crowd.by_socket() if number < sockets else crowd.by_events()))
        await asyncio.sleep(0.005)
    await crowd.all_of(sockets + events)
    await asyncio.sleep(1)
    try:
        yield crowd
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _deaf(served: Desk) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number in range(DEAF):
            made = stack.enter_context(socket.socket())
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect(("127.0.0.1", served.port))
            made.sendall(_request(served, UPGRADE.format(key=base64.b64encode(os.urandom(16)).decode()) if number % 2 else ""))
        yield


def _request(served: Desk, more: str) -> bytes:
    return f"GET {served.stream}/updates?token={served.key} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n{more}\r\n".encode()


def _patches() -> float:
    """From sending the request until the frame is there, those of a process that has just begun included; the answer may come after it."""
    with desk() as served:
        return percentile(list(_told_after(served)), 0.99)


def _told_after(served: Desk) -> Iterator[float]:
    bearer = {"Authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", headers=bearer) as http:
        listener = SocketClient(served.listen("overrides")).ready()
        for number in range(PATCHES):
            before, start = len(listener.of("update")), time.monotonic()
            order = {"oddKey": "match-result#runner-0", "oddValue": round(2 + number / 100, 2), "durationSeconds": 600}
            answer = http.patch(f"{served.match}/full-time", json=order)
            assert answer.status_code == 200, answer.text
            listener.wait(partial(_more_updates, than=before))
            yield next(at for at, frame in reversed(listener.frames) if frame["type"] == "update") - start
            time.sleep(0.1)
        listener.close()


def _more_updates(client: Client, than: int) -> bool:
    return len(client.of("update")) > than
