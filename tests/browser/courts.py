"""Tennis for browser tests: an umpire who says what a test wants beside prices that it sends itself, and whole simulated matches."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from feeds.playing.court import Court, Courts, Happened
from feeds.playing.tennis import Chances, What
from feeds.tennis.simulator import TennisSimulator
from feeds.updategram.simulation.documents import Node
from feeds.updategram.simulator import Simulator
from tests.browser.provider import Match
from tests.promises.umpire import TOKEN, Packet, Umpire, stamp

POINTS = ("0", "15", "30", "40")


class TennisMatch(Match):
    """A tennis fixture with a two-way market in play. Its home side is TeamB of the match on court."""

    def __init__(self, number: int, markets: int = 2) -> None:
        super().__init__(1_000_000 + number, f"Rodionov{number}, J", f"Squire{number}, H", markets)
        self.prices = [["1.80", "2.10"] for _ in range(markets)]
        self.ref = f"2026-580-MS{number:03}"

    def fixture(self) -> Node:
        told = super().fixture()
        assert isinstance(told.content, list)
        tennis = Node("Sport", [Node("Id", 24), Node("Name", "Tennis")])
        return Node("Fixture", [tennis if part.name == "Sport" else part for part in told.content])


class BrowserUmpire(Umpire):
    """Players of each match have names of their own."""

    def _live_event(self, ref: str) -> Packet:
        number = int(ref[-3:])
        return {
            "eventId": ref,
            "startTime": {"status": "Scheduled", "time": stamp()[:19]},
            "teamA": _team("S0AK", "Henri", f"Squire{number}", "GER"),
            "teamB": _team("R09X", "Jurij", f"Rodionov{number}", "AUT"),
        }


def _team(id_: str, first: str, last: str, country: str) -> Packet:
    return {"status": "KnownTennisTeam", "team": {"player1": {"id": id_, "firstName": first, "lastName": last, "country": country}}}


def score(points_a: int, points_b: int = 0, games: tuple[int, int] = (0, 0)) -> Packet:
    """Of the first set."""
    return {
        "currentGameScore": {"gameType": "StandardGame", "pointsA": POINTS[points_a], "pointsB": POINTS[points_b]},
        "currentSetScore": {"gamesA": games[0], "gamesB": games[1]},
        "previousSetsScore": [],
        "overallSetScore": {"setsA": 0, "setsB": 0},
    }


def scored(*args: Any, by: str = "TeamA") -> Packet:
    servers = {"server": {"team": "TeamA"}, "nextServer": {"team": "TeamA"}}
    return {"eventElementType": "PointScored", "score": score(*args), "details": {"scoredBy": by, "pointType": "Standard"}, **servers}


class Simulated:
    """Both simulated providers telling one tennis match to a desk, at many times the pace of life; ``court`` keeps its log."""

    def __init__(self, url: str, secret: str, port: int, speed: float) -> None:
        self.court: Court
        self._opened = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._play(url, secret, port, speed)), daemon=True)
        self._thread.start()
        assert self._opened.wait(20)

    async def _play(self, url: str, secret: str, port: int, speed: float) -> None:
        calm = Chances(physio=0, toilet=0, rain=0, challenge=0.05, correction=0.02, replay=0.03)
        courts = Courts(7, speed, calm)
        courts.listen(self._open)
        umpires = TennisSimulator(token=TOKEN, port=port, courts=courts)
        prices = Simulator(url=url, token=secret, courts=courts, fixtures=2, seed=7)
        self._telling = asyncio.ensure_future(prices.run())
        self._loop = asyncio.get_running_loop()
        async with umpires.serving():
            with suppress(asyncio.CancelledError):
                await self._telling
        await courts.close()

    def _open(self, court: Court) -> None:
        if not self._opened.is_set():
            self.court = court
            self._opened.set()

    def happened(self, since: float) -> list[Happened]:
        """The log of the match from an instant (seconds since 1970) on."""
        return [one for one in list(self.court.history) if one.at.timestamp() >= since]

    def points(self, since: float) -> Iterator[tuple[float, float]]:
        """Begin and end of each whole point."""
        began = None
        for one in self.happened(since):
            if one.what.what is What.POINT:
                began = one.at.timestamp()
            elif began is not None and one.what.what in (What.SCORED, What.REPLAYED):
                yield began, one.at.timestamp()
                began = None

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._telling.cancel)
        self._thread.join(10)


@contextmanager
def simulated(url: str, secret: str, port: int, speed: float) -> Iterator[Simulated]:
    match = Simulated(url, secret, port, speed)
    try:
        yield match
    finally:
        match.end()
