"""Messages of 20 markets over 50 fixtures, at a pace, parsed and applied in order: how far behind the desk falls at worst."""

from __future__ import annotations

import threading

from bench import whole
from bench.ack import send
from bench.figure import Figure
from bench.load import Load
from tests.processes import SCALED, until

RATE = 200 if SCALED else 100
SECONDS = 20.0
FIXTURES = 50


def figures() -> list[Figure]:
    with whole.desk() as desk:
        desk.introduce(FIXTURES)
        stop, behind = threading.Event(), [0.0]
        watch = threading.Thread(target=_watch, args=(desk, stop, behind))
        watch.start()
        outcome = send(Load(desk.url, SECONDS, fixtures=FIXTURES, rate=RATE))
        stop.set()
        watch.join()
        assert until(lambda: desk.books()["pending"] == 0, 30)
        books = desk.books()
    assert books["quarantined"] == 0, books
    name = f"20 markets at {RATE}/s over {FIXTURES} fixtures ({whole.mode()})"
    return [
        Figure(f"{name}: accepted", outcome.per_second, "/s", f"≥ {RATE * 0.98:g}"),
        Figure(f"{name}: oldest unapplied", max(behind), "s", "≤ 2"),
    ]


def _watch(desk: whole.Whole, stop: threading.Event, behind: list[float]) -> None:
    while not stop.wait(0.25):
        behind.append((desk.books()["oldestPendingMs"] or 0) / 1000)
