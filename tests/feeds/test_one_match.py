"""Points and prices of the same simulated match: two providers, two protocols, one story."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Struct
from websockets.asyncio.client import connect

from feeds.playing.court import Courts
from feeds.playing.tennis import Chances
from feeds.tennis.mapping import parse as parse_points
from feeds.tennis.simulator import TennisSimulator
from feeds.updategram.simulator import Simulator
from feeds.updategram.wire import parse as parse_prices
from markets.domain.messages import FixtureDetails, Market, MarketSet, Message
from markets.domain.sports.tennis import Kind, Packet, Side
from markets.domain.values import MarketStatus
from tests.feeds.updategram.receiver import Receiver, receiving

TOKEN = "correct-horse-battery"
A2_MARGIN = 0.1
CALM = Chances(correction=0, challenge=0, replay=0, physio=0, toilet=0, rain=0)


class Told(Struct):
    """One fixture as each of the two tells it; ``at`` are monotonic seconds of arrival."""

    event: dict[str, Any]
    points: list[tuple[float, Packet]]
    prices: list[tuple[float, Message]]

    @property
    def details(self) -> FixtureDetails:
        part = self.prices[0][1].parts[0]
        assert isinstance(part, FixtureDetails)
        return part

    def market_sets(self) -> list[tuple[float, MarketSet]]:
        return [(at, part) for at, message in self.prices for part in message.parts if isinstance(part, MarketSet)]


@asynccontextmanager
async def both(receiver: Receiver, speed: float) -> AsyncIterator[TennisSimulator]:
    """The providers in one process, as `make run` starts them; two fixtures, the second is tennis."""
    courts = Courts(17, speed, CALM)
    umpires = TennisSimulator(token=TOKEN, courts=courts)
    prices = Simulator(
        url=f"http://127.0.0.1:{receiver.port}/feeds/updategram/x", token=TOKEN, fixtures=2, rate=4.0, seed=17, courts=courts
    )
    async with umpires.serving():
        running = asyncio.create_task(prices.run())
        try:
            yield umpires
        finally:
            prices.stop()
            await running
            await courts.close()


async def watch(speed: float, seconds: float) -> Told:
    async with receiving() as receiver, both(receiver, speed) as umpires:
        while not umpires.events.live():  # noqa: ASYNC110 - what is waited for lies on the other side of a socket
            await asyncio.sleep(0.02)
        event = umpires.events.live()[0]
        points = await read_points(umpires.port, event["eventId"], seconds)
    messages = [(r.at, parse_prices(r.body)) for r in receiver.requests if r.path.endswith("/ProcessMessage")]
    tennis = next(m.fixture_ref for _, m in messages if is_tennis(m))
    return Told(event, points, [(at, message) for at, message in messages if message.fixture_ref == tennis])


def is_tennis(message: Message) -> bool:
    return any(isinstance(part, FixtureDetails) and part.sport is not None and part.sport.id == "24" for part in message.parts)


async def read_points(port: int, event: str, seconds: float) -> list[tuple[float, Packet]]:
    found: list[tuple[float, Packet]] = []
    until = time.monotonic() + seconds
    async with connect(f"ws://127.0.0.1:{port}/tennis/events/{event}/stream", proxy=None) as socket:
        await socket.send(json.dumps({"authToken": TOKEN}))
        while (left := until - time.monotonic()) > 0:
            try:
                body = await asyncio.wait_for(socket.recv(decode=False), left)
            except TimeoutError:
                break
            found += [(time.monotonic(), part) for part in parse_points(bytes(body), event).parts if isinstance(part, Packet)]
    return found


@pytest.fixture(scope="module")
def told() -> Told:
    return asyncio.run(watch(speed=25.0, seconds=12.0))


def live_scores(told: Told) -> list[tuple[float, Packet]]:
    """Points that ended while we looked on, with the time left to tell of them."""
    opened, end = told.points[0][0] + 0.5, told.points[-1][0] - 1.5
    return [(at, packet) for at, packet in told.points if packet.kind is Kind.SCORED and opened < at < end]


def test_names_and_start_agree_and_ids_do_not(told: Told) -> None:
    from_points = {told.event[side]["team"]["player1"]["lastName"] for side in ("teamA", "teamB")}
    competitors = told.details.competitors
    assert {one.last_name for one in competitors} == from_points
    assert told.details.start is not None
    assert told.details.start.isoformat()[:19] == told.event["startTime"]["time"][:19]
    ids = {told.event[side]["team"]["player1"]["id"].strip() for side in ("teamA", "teamB")}
    assert ids.isdisjoint({one.id for one in competitors})


def test_prices_of_every_open_market_follow_each_point_within_about_a_second(told: Told) -> None:
    scores = live_scores(told)
    assert len(scores) >= 4
    for at, packet in scores:
        after = [found for when, found in told.market_sets() if at + A2_MARGIN < when < at + 1.5]
        repriced = [one for one in after if all(market.status is MarketStatus.OPEN and market.in_play for market in one.markets)]
        assert any({"322", "990101", "990102"} <= {market.type_id for market in one.markets} for one in repriced), packet


def test_a_point_moves_the_game_towards_its_winner(told: Told) -> None:
    home = Side.A if told.event["teamA"]["team"]["player1"]["lastName"] == told.details.competitors[0].last_name else Side.B
    moves = []
    for at, packet in live_scores(told):
        if packet.score is None or packet.score.points_a == packet.score.points_b == "0":
            continue  # another game
        before, after = (game_price(told, at, later) for later in (False, True))
        if before and after:
            moves.append((after - before, packet.scored_by is home))
    assert len(moves) >= 3
    assert all((move < 0) == scored_by_home for move, scored_by_home in moves)


def game_price(told: Told, at: float, later: bool) -> float | None:
    """Of the home side to win the game, as said last before ``at`` or first after it."""
    said = [market for when, one in told.market_sets() if (when > at) == later for market in one.markets if is_open_game(market)]
    if not said or not (price := (said[0] if later else said[-1]).selections[0].price):
        return None
    return float(price)


def is_open_game(market: Market) -> bool:
    return market.type_id == "990102" and market.status is MarketStatus.OPEN
