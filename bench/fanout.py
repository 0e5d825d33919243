"""From the hub's publish until the last of 500 sockets on our Daphne has the frame, beside ``websockets.broadcast()``.

Servers and clients are processes of their own; both are told to publish by a line on their standard input, and answer with the instant
by the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from statistics import median

import psutil
from websockets.asyncio.client import ClientConnection

from bench.figure import Figure
from bench.sockets import listening
from tests.cluster import free_port, wait_for
from tests.live.processes import desk

SOCKETS = 500
ROUNDS = 15
MARK = "filler"
FLOOR = """
import asyncio, sys, time, json
from websockets.asyncio.server import serve, broadcast
sockets = set()
async def hear(socket):
    sockets.add(socket)
    await socket.wait_closed()
async def main(port):
    async with serve(hear, "127.0.0.1", port, compression=None):
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            start = time.monotonic()
            broadcast(sockets, line.decode())
            print(start, flush=True)
asyncio.run(main(int(sys.argv[1])))
"""


def figures() -> list[Figure]:
    """The fan-out as the median of rounds taken in turns, and what a socket that waits costs the server."""
    took, floor, bytes_each, floor_bytes = asyncio.run(_measure())
    return [
        Figure(f"1 KB to the last of {SOCKETS} sockets", took * 1000, "ms", "≤ 4", floor * 1000, "websockets.broadcast()"),
        Figure("memory of an idle socket", bytes_each / 1024, "KB", "≤ 4", floor_bytes / 1024, "websockets"),
    ]


async def _measure() -> tuple[float, float, float, float]:
    async with _ours() as ours, floor_crowd() as floor:
        rounds = [(await ours.publish(), await floor.publish()) for _ in range(ROUNDS + 2)][2:]
    return median(r[0] for r in rounds), median(r[1] for r in rounds), ours.bytes_each, floor.bytes_each


class _Crowd:
    """A server that publishes what it reads, and everybody who listens to it."""

    def __init__(self, process: subprocess.Popen[str], sockets: list[ClientConnection], before: int) -> None:
        self._process = process
        self._sockets = sockets
        self.bytes_each = (_resident(process) - before) / len(sockets)

    async def publish(self) -> float:
        """Seconds until the last has it."""
        hearing = [asyncio.ensure_future(_hear(s)) for s in self._sockets]
        await asyncio.sleep(0.05)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(MARK + "x" * 1000 + "\n")
        self._process.stdin.flush()
        last = max(await asyncio.gather(*hearing))
        return last - float(self._process.stdout.readline())


def _resident(process: subprocess.Popen[str]) -> int:
    return int(psutil.Process(process.pid).memory_info().rss)


async def _hear(socket: ClientConnection) -> float:
    while MARK not in str(await socket.recv()):
        pass
    return time.monotonic()


@contextlib.asynccontextmanager
async def _ours() -> AsyncIterator[_Crowd]:
    with desk("--sockets", str(SOCKETS), "--publish") as served:
        headers = {"Cookie": f"sessionid={served.session}", "Origin": f"http://127.0.0.1:{served.port}"}
        before = _resident(served.process)
        async with listening([(served.url("board"), headers)] * SOCKETS) as sockets:
            yield _Crowd(served.process, sockets, before)


@contextlib.asynccontextmanager
async def floor_crowd(sockets: int = SOCKETS) -> AsyncIterator[_Crowd]:
    """Everybody on a server that does nothing but ``websockets.broadcast()``."""
    port = free_port()
    with _process(port) as process:
        before = _resident(process)
        async with listening([(f"ws://127.0.0.1:{port}", {})] * sockets) as heard:
            yield _Crowd(process, heard, before)


@contextlib.contextmanager
def _process(port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", FLOOR, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        wait_for(port)
        try:
            yield process
        finally:
            process.terminate()
