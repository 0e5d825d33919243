"""The provider played: coherent lives as documents that the reader takes without a note, and delivery over real HTTP with every fault."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from feeds.errors import Unreadable
from feeds.updategram.simulation.basketball import Basketball
from feeds.updategram.simulation.documents import Envelope, new_guid
from feeds.updategram.simulation.football import Football
from feeds.updategram.simulation.life import Ids, Life
from feeds.updategram.simulation.odds import quote
from feeds.updategram.simulation.tennis import Tennis
from feeds.updategram.simulator import Simulator
from feeds.updategram.wire import parse, same_content
from markets.domain.messages import Coverage, FixtureDetails, Market, MarketSet, MatchState, Message, ResultSet
from markets.domain.values import MarketStatus, SelectionStatus

from .receiver import Receiver, receiving

pytestmark = pytest.mark.modeless

TOKEN = "correct-horse-battery"
SPORTS = (Football, Tennis, Basketball)


class Watch:
    """A clock that each message moves on by two seconds."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def whole_life(sport: type[Life], seed: int, stage: float = 0.0) -> list[Message]:
    watch, random = Watch(), Random(seed)
    life = sport(random, Ids(seed), watch, watch.now + timedelta(seconds=30), stage)
    messages = []
    for order, part in enumerate(life.messages(), 1):
        watch.now += timedelta(seconds=2)
        messages.append(parse(Envelope(new_guid(random), watch.now, order, part).render()))
    return messages


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("stage", [0.0, 0.4])
@pytest.mark.parametrize("sport", SPORTS)
def test_it_lives_whole_matches_that_read_without_a_note(sport: type[Life], stage: float, seed: int) -> None:
    messages = whole_life(sport, seed, stage)
    assert {m.fixture_ref for m in messages} == {messages[0].fixture_ref}
    assert [m.order for m in messages] == list(range(1, len(messages) + 1))
    assert {note for m in messages for note in m.notes} == set()
    assert isinstance(messages[0].parts[0], FixtureDetails)
    assert isinstance(messages[1].parts[0], Coverage)


def market_sets(messages: list[Message]) -> list[MarketSet]:
    return [p for m in messages for p in m.parts if isinstance(p, MarketSet)]


@pytest.mark.parametrize("sport", SPORTS)
def test_it_never_mixes_pre_match_and_in_play_and_results_every_market(sport: type[Life]) -> None:
    messages = whole_life(sport, 3)
    assert all(len({m.in_play for m in s.markets}) == 1 for s in market_sets(messages))
    known = {m.ref for s in market_sets(messages) for m in s.markets}
    resulted = {r.ref for m in messages for p in m.parts if isinstance(p, ResultSet) for r in p.results}
    assert known == resulted


@pytest.mark.parametrize("sport", SPORTS)
def test_it_prices_with_a_margin_and_only_whole_prices(sport: type[Life]) -> None:
    for market in (m for s in market_sets(whole_life(sport, 4)) for m in s.markets if m.status is MarketStatus.OPEN):
        assert all((s.price is not None) == (s.status is SelectionStatus.TRADING) for s in market.selections)
        if complete(market):
            assert 1.0 < sum(1 / float(s.price) for s in market.selections if s.price) < 1.25


def complete(market: Market) -> bool:
    """All outcomes listed and priced, so that the book can be added up."""
    return market.type_id != "91" and all(s.price for s in market.selections)


def test_it_numbers_tennis_sets_and_games_as_003_says() -> None:
    markets = {m.ref: m for s in market_sets(whole_life(Tennis, 5)) for m in s.markets}
    games = [m for m in markets.values() if m.type_id == "11103"]
    assert [m.sequence for m in games] == sorted(m.sequence or 0 for m in games)
    assert games[2].name == "Game Score (Game 3)"
    winners = [m for m in markets.values() if m.type_id == "990102"]
    assert (winners[2].sequence, winners[2].name) == (3001, "Game Winner (Set 1, Game 3)")
    assert {s.range_low for s in games[0].selections} == {None, 0, 15, 30, 40}


def test_it_suspends_football_markets_around_a_goal() -> None:
    messages = whole_life(Football, 6)
    scores = [(m.parts[0].scoreboard["home"], m.parts[0].scoreboard["away"]) for m in messages if isinstance(m.parts[0], MatchState)]
    assert scores == sorted(scores)
    assert sum(scores[-1]) > 0
    suspended = [s for s in market_sets(messages) if all(m.status is MarketStatus.SUSPENDED for m in s.markets)]
    assert len(suspended) >= sum(scores[-1])
    last = [m.parts[0] for m in messages if isinstance(m.parts[0], MatchState)][-1]
    assert (last.ended, last.bet_accept_ok) == (True, False)


def test_it_quotes_fractions_that_are_the_decimal() -> None:
    for thousandths in range(1, 1000):
        found = quote(thousandths / 1000)
        if found:
            assert float(found.decimal) == pytest.approx(1 + found.numerator / found.denominator)
    assert (quote(0.0), quote(0.999)) == (None, None)


# --- over real HTTP ---


def simulator(receiver: Receiver, **dials: float) -> Simulator:
    url = f"http://127.0.0.1:{receiver.port}/feeds/updategram/simulator"
    defaults = {"fixtures": 6, "rate": 200.0, "seed": 11, "duration": 1.2}
    return Simulator(url=url, token=TOKEN, **(defaults | dials))  # type: ignore[arg-type]  # dials of several kinds


async def test_it_pushes_authorised_messages_and_a_heartbeat_first() -> None:
    async with receiving() as receiver:
        playing = simulator(receiver)
        await playing.run()
    assert receiver.requests[0].path == "/feeds/updategram/simulator/Heartbeat"
    assert all(r.authorised for r in receiver.requests)
    messages = [parse(body) for body in receiver.messages]
    assert len(messages) == playing.counted.messages > 60
    assert len({m.guid for m in messages}) == len(messages)
    assert len({m.fixture_ref for m in messages}) == 6
    for ref in {m.fixture_ref for m in messages}:
        orders = [m.order for m in messages if m.fixture_ref == ref]
        assert orders == list(range(1, len(orders) + 1))


async def test_it_retries_a_refused_message_once_with_the_same_time_and_guid() -> None:
    async with receiving(lambda n: 503 if n in {5, 8, 9} else 200) as receiver:
        playing = simulator(receiver, fixtures=1, rate=20, duration=4.0)
        await playing.run()
    messages = [parse(body) for body in receiver.messages]
    retried = [m for m in messages if m.retry == 1]
    assert len(retried) >= 2
    for again in retried:
        first = next(m for m in messages if m.guid == again.guid and m.retry == 0)
        assert (first.sent_at, first.order) == (again.sent_at, again.order)


async def test_it_plays_every_fault_that_is_dialled() -> None:
    async with receiving() as receiver:
        playing = simulator(receiver, retries=0.2, duplicates=0.2, swaps=0.2, broken=0.2)
        await playing.run()
    guids: Counter[str] = Counter()
    orders: dict[str, list[int]] = {}
    bodies: dict[str, bytes] = {}
    unreadable = retries = 0
    for body in receiver.messages:
        try:
            message = parse(body)
        except Unreadable as error:
            unreadable += bool(error.fixture_ref)
            continue
        assert same_content(bodies.setdefault(message.guid, body), body)
        guids[message.guid] += 1
        retries += message.retry
        if guids[message.guid] == 1:
            orders.setdefault(message.fixture_ref, []).append(message.order or 0)
    assert unreadable == playing.counted.broken > 0
    assert retries > 0
    assert max(guids.values()) > 1
    assert any(seen != sorted(seen) for seen in orders.values())


async def test_it_sends_big_messages() -> None:
    async with receiving() as receiver:
        await simulator(receiver, big=1.0, fixtures=1, rate=4, duration=1.0).run()
    big = max(receiver.messages, key=len)
    assert 1_800_000 < len(big) < 2_300_000
    (part,) = parse(big).parts
    assert isinstance(part, MarketSet)
    assert len(part.markets) == 100
    assert parse(big).notes == ()


async def test_it_falls_silent_when_told_to() -> None:
    async with receiving() as receiver:
        started = time.monotonic()
        await simulator(receiver, heartbeat_stop=0.5, duration=2.5, rate=50).run()
    assert receiver.messages
    assert max(r.at for r in receiver.requests) - started < 2.0


async def test_it_waits_for_a_receiver_and_stops_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        playing = Simulator(url="http://127.0.0.1:9/feeds/updategram/x/ProcessMessage", token=TOKEN)
        running = asyncio.create_task(playing.run())
        await asyncio.sleep(0.5)
        playing.stop()
        await asyncio.wait_for(running, 2)
    assert "does not take messages" in caplog.text
    assert playing.counted.messages == 0


async def test_e7_no_line_names_the_token(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with receiving(lambda n: 500 if n % 7 == 0 else 200) as receiver:
            playing = simulator(receiver, rate=40, duration=1.0)
            await playing.run()
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(playing)


def test_it_makes_new_fixture_ids_on_each_start_unless_seeded() -> None:
    first = Ids(1_000)
    later = Ids(1_001)
    assert next(first.fixture) != next(later.fixture)
    assert next(Ids(7).fixture) == next(Ids(7).fixture)
