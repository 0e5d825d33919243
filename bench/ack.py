"""The durable 200 beside a bare ASGI answer on the same Daphne (promises B1, B4).

Measured on the mode that the environment chooses. Scaled, no worker runs: acknowledging alone is measured. Embedded, the worker is a thread
of the same process and applies meanwhile what it is let (:mod:`feeds.pressure`). Every 200 waits for the disk, so the disk's own p99 is
measured in the same run: as much to write, as often, on the same disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from bench import samples
from bench.figure import Figure, percentile
from bench.load import Load, Outcome
from tests.cluster import free_port, wait_for
from tests.processes import SCALED, DeskProcess, Place

SECRET = "a-secret-for-the-bench-only-1234"
CONNECTIONS = 16
PACE = 100
BARE = """
import sys
from tradingdesk.server import DeskServer
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
nothing = lambda *_: None
hooks = {"on_ready": nothing, "on_stopping": nothing, "on_oversize": nothing, "on_cut": nothing}
DeskServer(app, host="127.0.0.1", port=int(sys.argv[1]), max_body=4 << 20, **hooks).run()
"""


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        place = Place(Path(home), LOG_LEVEL="WARNING")
        stack.callback(place.drop)
        place.manage("addfeed", "updategram", "bench", "--secret", SECRET, "--network", "127.0.0.0/8")
        body = Path(home) / "body.xml"
        body.write_bytes(samples.market_set(1))
        bare = stack.enter_context(_bare())
        desk = DeskProcess(place)
        stack.callback(desk.stop)
        ours = f"http://127.0.0.1:{desk.port}/feeds/updategram/bench/ProcessMessage?token={SECRET}"
        paced = _pace(ours, bare, body)  # before the flood: what it leaves to apply would be measured with it
        return [_rate(ours, bare, body), *paced]


def mode() -> str:
    return "scaled" if SCALED else "embedded"


@contextmanager
def _bare() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()


def _rate(ours: str, bare: str, body: Path) -> Figure:
    rounds = [(drive(ours, body, 4).per_second, drive(bare, body, 4).per_second) for _ in range(3)]
    measured, floor = (sorted(values)[1] for values in zip(*rounds, strict=True))
    return Figure(f"durable ack, {CONNECTIONS} connections ({mode()})", measured, "/s", "≥ 0.35", floor, "bare ASGI")


def _pace(ours: str, bare: str, body: Path) -> list[Figure]:
    rounds = [(p99(drive(ours, body, 5, rate=PACE)), p99(drive(bare, body, 5, rate=PACE)), _disk_p99(body, 5)) for _ in range(3)]
    measured, floor, disk = (sorted(values)[1] * 1000 for values in zip(*rounds, strict=True))
    name = f"durable ack p99 at {PACE}/s ({mode()})"
    return [
        Figure(name, measured, "ms", "≤ 3", floor, "bare ASGI"),
        Figure(f"{name}, disk set aside", measured, "ms", "≤ 3", floor + disk, f"bare ASGI + fdatasync p99 {disk:.3g} ms"),
    ]


def _disk_p99(body: Path, seconds: float) -> float:
    """Seconds of an fdatasync after writing ``body``, at the same pace, beside it on its disk."""
    content, took = body.read_bytes(), []
    path = body.with_suffix(".disk")
    with path.open("wb", buffering=0) as file:
        for _ in range(int(seconds * PACE)):
            file.write(content)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
            time.sleep(1 / PACE)
    path.unlink()
    return percentile(took, 0.99)


def p99(outcome: Outcome) -> float:
    return percentile(outcome.took, 0.99)


def drive(url: str, body: Path, seconds: float, rate: float = 0.0) -> Outcome:
    """Run one load in a process of its own; fails unless every answer was 200."""
    outcome = send(Load(url, seconds, body=str(body), connections=CONNECTIONS, rate=rate))
    assert set(outcome.answers) == {"200"}, json.dumps(outcome.answers)
    return outcome


def send(load: Load) -> Outcome:
    """Run one load in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "bench.load"], input=msgspec.json.encode(load), capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Outcome)
