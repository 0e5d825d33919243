"""Following 500 live Odds360 matches, each with an update a second: how far behind the desk falls at worst (O1, O2, A4).

The provider answers by REST and pushes over two websockets a match, as 000 has it; the desk is whole, with its own lists, re-reads,
leases and worker. Scaled, ``runfeeds`` and a worker are processes of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from bench import whole
from bench.figure import Figure
from tests.cluster import free_port, wait_for
from tests.processes import ROOT, SCALED, DeskProcess, Place, until

MATCHES = 500
UPDATE_SECONDS = 1.0
SECONDS = 20.0
FIRST = 2_450_001
BOOKMAKER = "5f0c8a4e-3600-4360-8360-0dd5360dd536"
TOKEN = "a-token-for-the-bench-only"
PROVIDER = """
import asyncio, sys
from bench.following import provide
asyncio.run(provide(int(sys.argv[1])))
"""
SETTINGS = {"rates": {"requests": 100.0, "burst": 100, "connects": 200.0, "lists": 20.0}}
"""A provider that lets a client of this size ask so often."""


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home, _provider() as port, ExitStack() as stack:
        place = Place(Path(home), LOG_LEVEL="WARNING", BENCH_TOKEN=TOKEN)
        stack.callback(place.drop)
        key = _prepare(place, port)
        for command in _processes():
            process = subprocess.Popen(command, env=place.environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.kill)
        desk = DeskProcess(place)
        stack.callback(desk.stop)
        assert until(lambda: _live(place) == MATCHES, 180), _live(place)
        assert until(lambda: _books(desk, key)["pending"] < MATCHES, 60), _books(desk, key)
        time.sleep(5)
        before = _books(desk, key)
        behind = _watch(desk, key)
        after = _books(desk, key)
        assert _live(place) == MATCHES
    assert after["quarantined"] == 0, after
    name = f"{MATCHES} live Odds360 matches, an update each second ({whole.mode()})"
    return [
        Figure(f"{name}: applied", (after["applied"] - before["applied"]) / SECONDS, "/s", f"≥ {MATCHES / UPDATE_SECONDS * 0.95:g}"),
        Figure(f"{name}: oldest unapplied", behind, "s", "≤ 1"),
    ]


def _prepare(place: Place, port: int) -> str:
    """The feed, and a key that reads its books."""
    place.manage(
        "addfeed", "odds360", "bench", "--host", f"http://127.0.0.1:{port}", "--token-env", "BENCH_TOKEN", "--bookmaker", BOOKMAKER
    )
    with contextlib.closing(place.connect()) as connection:
        (row,) = connection.execute("SELECT source_id, settings FROM feeds_feed").fetchall()
        said = row[1] if isinstance(row[1], dict) else json.loads(row[1])
        mark = "%s" if SCALED else "?"
        connection.execute(f"UPDATE feeds_feed SET settings = {mark} WHERE source_id = {mark}", (json.dumps(said | SETTINGS), row[0]))
    made = place.manage("addbookmaker", "Bench", "--sports", "table-tennis").stdout.split()
    bookmaker = next(word for word in made if word.count("-") == 4)
    return next(word for word in place.manage("addkey", bookmaker, "--scope", "ops").stdout.split() if word.startswith("desk_"))


def _processes() -> list[list[str]]:
    """Beside the web process."""
    worker = [sys.executable, "-m", "celery", "-A", "tradingdesk", "worker", "--pool", "solo", "--without-mingle", "--without-gossip"]
    return [worker, [sys.executable, "manage.py", "runfeeds"]] if SCALED else []


def _watch(desk: DeskProcess, key: str) -> float:
    """Seconds that the oldest frame had waited, at worst."""
    worst, ends = 0.0, time.monotonic() + SECONDS
    while time.monotonic() < ends:
        worst = max(worst, (_books(desk, key)["oldestPendingMs"] or 0) / 1000)
        time.sleep(0.25)
    return worst


def _books(desk: DeskProcess, key: str) -> dict[str, Any]:
    answer = httpx.get(f"http://127.0.0.1:{desk.port}/feeds/accounting", headers={"Authorization": f"Bearer {key}"}, timeout=20)
    return dict(answer.raise_for_status().json()[0])


def _live(place: Place) -> int:
    return int(place.rows("SELECT count(*) FROM markets_pointliveness WHERE state = 'live' AND ref <> 'discovery'")[0][0])


@contextmanager
def _provider() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", PROVIDER, str(port)], cwd=ROOT)
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()


async def provide(port: int) -> None:
    """The provider's side: lists, payloads, and streams that say a price each second, spread evenly."""
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.datastructures import Headers
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        path = urlsplit(request.path)
        if path.path.startswith("/live/"):
            return None
        body = _answer(path.path, {name: values[0] for name, values in parse_qs(path.query).items()})
        content = json.dumps(body).encode() if body is not None else b"{}"
        status = (200, "OK") if body is not None else (404, "Not Found")
        return Response(*status, Headers({"Content-Length": str(len(content)), "Connection": "close"}), content)

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        *_, match, stream = urlsplit(connection.request.path).path.split("/")
        with contextlib.suppress(ConnectionClosed):
            await (_play(connection, int(match)) if stream == "updates" else _say(connection, int(match)))

    async with serve(talk, "127.0.0.1", port, process_request=answer, compression=None, ping_interval=None, backlog=1024):
        await asyncio.Event().wait()


def _answer(path: str, asked: dict[str, str]) -> object:
    if path not in ("/matches-live", "/table-tennis"):
        return None
    if one := asked.get("match_id", "").removeprefix("eq."):
        return [_row(int(one)) | _payload(int(one), "1.85")]
    begin = int(asked.get("offset", 0))
    refs = range(FIRST, FIRST + MATCHES)[begin : begin + int(asked.get("limit", 50))]
    return [_row(ref) for ref in refs]


def _row(ref: int) -> dict[str, object]:
    sides = {
        f"{side}_team_{key}": value
        for side, n in (("home", 1), ("away", 2))
        for key, value in (("id", ref * 10 + n), ("name", f"P{ref}{n}"))
    }
    league = {"league_id": 7, "league_name": "Open"}
    return {"id": ref, "match_id": ref, **league, **sides, "start_time": "2026-01-01T10:00:00+00:00", "status_type": "live"}


def _payload(ref: int, home: str) -> dict[str, object]:
    winner = {"home": {"value": float(home), "suspended": False}, "away": {"value": 1.95, "suspended": False}}
    sets = {f"set-{n}": {"home": {"value": 1.8, "suspended": False}, "away": {"value": 2.0, "suspended": False}} for n in range(1, 4)}
    return {"matchId": ref, "sport": "table-tennis", "odds": {"setTime": sets, "fullTime": {"match-winner": winner}}, "override": []}


async def _say(connection: Any, ref: int) -> None:
    """The stream of overrides: none in effect."""
    await connection.send(json.dumps({"type": "snapshot", "matchId": ref, "sport": "table-tennis", "seq": 1, "prevSeq": 0, "override": []}))
    await connection.wait_closed()


async def _play(connection: Any, ref: int) -> None:
    await connection.send(json.dumps({"type": "snapshot", "seq": 1, "prevSeq": 0, **_payload(ref, "1.85")}))
    await asyncio.sleep(UPDATE_SECONDS * (ref % MATCHES) / MATCHES)
    seq = 1
    while True:
        seq += 1
        price = {"value": round(1.5 + seq % 50 / 100, 2), "suspended": False}
        said = {"type": "update", "matchId": ref, "sport": "table-tennis", "seq": seq, "prevSeq": seq - 1}
        await connection.send(json.dumps({**said, "odds": {"fullTime": {"match-winner": {"home": price}}}}))
        await asyncio.sleep(UPDATE_SECONDS)
