"""What following 200 matches costs the process that does it: one packet each 5 s and a heartbeat each 10 s, kept durably.

The process is `manage.py runfeeds` in scaled mode; embedded, a bare process with the same keeper and runner, so that the figure is
theirs alone and not the desk's. The floor is a bare client of the `websockets` library that only reads the same 200 streams.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.figure import Figure
from tests.cluster import free_port, wait_for
from tests.processes import SCALED, Place, until

MATCHES = 200
PACKET_SECONDS = 5.0
HEARTBEAT_SECONDS = 10.0
SECONDS = 20.0
TOKEN = "a-token-for-the-bench-only"
PROVIDER = """
import asyncio, json, sys
from bench.runner import provide
asyncio.run(provide(int(sys.argv[1])))
"""
BARE = """
import asyncio, sys
from websockets.asyncio.client import connect
async def read(url):
    async with connect(url, compression=None) as socket:
        await socket.send("{}")
        async for _ in socket:
            pass
async def main(port, count):
    urls = [f"ws://127.0.0.1:{port}/tennis/events/2026-0001-MS{n:03}/stream" for n in range(count)]
    await asyncio.gather(*map(read, urls))
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""
RUNNER = """
import asyncio, django
django.setup()
from feeds.inbox import Keeper
from feeds.runner import Runner
async def main():
    keeper = Keeper()
    keeper.start()
    await Runner(keeper).run()
asyncio.run(main())
"""


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home, _provider() as port:
        place = Place(Path(home), LOG_LEVEL="WARNING", BENCH_TOKEN=TOKEN, DJANGO_SETTINGS_MODULE="tradingdesk.settings")
        try:
            place.manage("addfeed", "tennis", "bench", "--host", f"http://127.0.0.1:{port}", "--token-env", "BENCH_TOKEN")
            floor = _share([sys.executable, "-c", BARE, str(port), str(MATCHES)], place, lambda: True)
            command = [sys.executable, "manage.py", "runfeeds"] if SCALED else [sys.executable, "-c", RUNNER]
            share = _share(command, place, lambda: _live(place) == MATCHES)
            assert _live(place) == MATCHES
        finally:
            place.drop()
    name = f"200 matches at 1 packet/5 s each, runner ({'scaled' if SCALED else 'embedded'})"
    return [
        Figure(f"{name}: share of a core", share * 100, "%", "≤ 10"),
        Figure(f"{name}: beside reading alone", share * 100, "%", "≤ 20", floor * 100, "bare client"),
    ]


def _share(command: list[str], place: Place, ready: object) -> float:
    """Processor time a second of the process once ``ready``."""
    process = subprocess.Popen(command, env=place.environment, cwd=Path(__file__).resolve().parent.parent)
    try:
        assert until(ready, 60)  # type: ignore[arg-type]
        time.sleep(5)
        of = psutil.Process(process.pid)
        before, begun = sum(of.cpu_times()[:2]), time.monotonic()
        time.sleep(SECONDS)
        assert process.poll() is None
        return (sum(of.cpu_times()[:2]) - before) / (time.monotonic() - begun)
    finally:
        process.kill()
        process.wait()


def _live(place: Place) -> int:
    return int(place.rows("SELECT count(*) FROM markets_pointliveness WHERE state = 'live' AND ref <> 'discovery'")[0][0])


@contextmanager
def _provider() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", PROVIDER, str(port)], cwd=Path(__file__).resolve().parent.parent)
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()


async def provide(port: int) -> None:
    """The provider: real packets at the rate of the figure, spread evenly."""
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.datastructures import Headers
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response

    team = {"status": "KnownTennisTeam", "team": {"player1": {"id": "S0AK  ", "firstName": "H", "lastName": "SQUIRE", "country": "GER"}}}
    refs = [f"2026-0001-MS{n:03}" for n in range(MATCHES)]
    listed = json.dumps([{"eventId": ref, "teamA": team, "teamB": team} for ref in refs]).encode()

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.endswith("/liveevents"):
            return None
        return Response(200, "OK", Headers({"Content-Length": str(len(listed)), "Connection": "close"}), listed)

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        number = int(connection.request.path.split("/")[3][-3:])
        await connection.recv()
        await connection.send('{"authorised": true, "reason": ""}')
        beating = asyncio.ensure_future(_beat(connection))
        try:
            with suppress(ConnectionClosed):
                await _play(connection, number)
        finally:
            beating.cancel()

    async with serve(talk, "127.0.0.1", port, process_request=answer, compression=None, ping_interval=None):
        await asyncio.Event().wait()


async def _beat(connection: object) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await connection.send('{"heartbeat": true}')  # type: ignore[attr-defined]


async def _play(connection: object, number: int) -> None:
    seq = 1
    await connection.send(_packet(seq, "MatchStatusUpdate"))  # type: ignore[attr-defined]
    await asyncio.sleep(PACKET_SECONDS * number / MATCHES)
    while True:
        seq += 1
        await connection.send(_packet(seq, "PointStarted"))  # type: ignore[attr-defined]
        await asyncio.sleep(PACKET_SECONDS)


def _packet(seq: int, kind: str) -> str:
    said: dict[str, object] = {"server": {"team": "TeamB"}, "timestamp": "2022-08-16T08:10:25.182Z", "nextServer": {"team": "TeamB"}}
    return json.dumps(
        {
            **said,
            "eventElementType": kind,
            "matchTime": "00:00:04",
            "seqNum": seq,
            **({"matchStatus": {"matchState": {"state": "InProgress"}}} if kind == "MatchStatusUpdate" else {}),
        }
    )
