"""From the first byte of a ProcessMessage on its way to the desk until a browser's socket has the new price.

A whole embedded desk in a process of its own; 20 fixtures, 50 messages a second, each moving one price of one of them. A fixture's page
shows its own changes only, so they go at once; the board shows all of them, gathered to fourteen frames a second.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from pathlib import Path

import httpx

from bench.figure import Figure, percentile
from markets.live.frames import Frame
from tests.browser.conftest import SECRET, Desk
from tests.browser.prepare import PASSWORD
from tests.browser.provider import Match, Provider
from tests.live.listening import Ear

RATE = 50
SECONDS = 10.0
FIXTURES = 20
PAGE, BOARD = "a fixture's page", "the board"


def figures() -> list[Figure]:
    return [
        Figure(f"ProcessMessage to {where} at {RATE}/s, {name}", percentile(took, share) * 1000, "ms", goal)
        for where, took in measure().items()
        for name, share, goal in (("p50", 0.5, "≤ 60"), ("p99", 0.99, "≤ 150"))
    ]


class _Served:
    """What :class:`Ear` asks of a server."""

    def __init__(self, desk: Desk) -> None:
        self.port = desk.port

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}/live/ws/{path}"


def measure() -> dict[str, list[float]]:
    """Seconds of each message, by what was looked at."""
    with tempfile.TemporaryDirectory() as home:
        desk = Desk(Path(home))
        try:
            return _measure(desk)
        finally:
            desk.stop()


def _measure(desk: Desk) -> dict[str, list[float]]:
    provider = Provider(f"{desk.url}/feeds/updategram/test", SECRET, desk.home)
    matches = [Match(number, f"Home {number}", f"Away {number}", markets=20) for number in range(FIXTURES)]
    for match in matches:
        provider.introduce(match)
    served, session = _Served(desk), sign_in(desk.url)
    board = Ear(served, "board", session).ready()
    board.wait(lambda e: len(e.fixtures) == FIXTURES, 20)
    pages = [Ear(served, f"fixture/{fixture}", session).ready() for fixture in board.fixtures]
    sent = _push(provider, matches)
    return {PAGE: [t for page in pages for t in _differences(sent, page)], BOARD: _differences(sent, board)}


def sign_in(base: str) -> str:
    """The session of a trader who signs in by the page."""
    with httpx.Client(base_url=base, follow_redirects=False) as client:
        page = client.get("/sign-in").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        client.post("/sign-in", data={"csrfmiddlewaretoken": token[1], "username": "alice", "password": PASSWORD})
        return client.cookies["sessionid"]


def _push(provider: Provider, matches: list[Match]) -> dict[str, float]:
    """Price → instant of sending. Every message has a price of its own, so that its frame is known when it comes."""
    sent: dict[str, float] = {}
    start = time.monotonic()
    for number in range(int(RATE * SECONDS)):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        match = matches[number % FIXTURES]
        match.prices[0][0] = price = f"{3 + number / 100:.2f}"
        sent[price] = time.monotonic()
        threading.Thread(target=provider.send, args=(match.markets([0]),)).start()
    time.sleep(1.5)
    return sent


def _differences(sent: dict[str, float], ear: Ear) -> list[float]:
    heard: dict[str, float] = {}
    for at, frame in ear.frames:
        if isinstance(frame, Frame):
            for cell in frame.prices.values():
                heard.setdefault(cell.value, at)
    ear.close()
    return [heard[price] - at for price, at in sent.items() if price in heard]
