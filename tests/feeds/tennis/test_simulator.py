"""The umpire's feed played over real sockets: discovery, token, replay, heartbeats, and every fault that is dialled."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feeds.playing.tennis import Chances
from feeds.tennis.simulation.faults import Fault, Faults
from feeds.tennis.simulation.stream import Pace, Stream
from feeds.tennis.simulator import Door, TennisSimulator
from tests.processes import ROOT

pytestmark = pytest.mark.modeless

TOKEN = "correct-horse-battery"
ACCEPT = "application/vnd.imggaming.dde.api+json;version=1"
FAST = Pace(heartbeat=0.2, alarm=0.1, outage=0.35, delay=0.3, away=0.4, half_open=1.0)
CALM = Chances(let=0, fault=0, ace=0, double=0, replay=0, challenge=0, correction=0, violation=0, physio=0, toilet=0, rain=0)


@asynccontextmanager
async def serving(**dials: Any) -> AsyncIterator[TennisSimulator]:
    """One match that has been played for a while, and goes on at about 10 points a second."""
    usual = {"token": TOKEN, "matches": 1, "seed": 3, "speed": 250.0, "stage": 0.1, "pace": FAST, "chances": CALM}
    simulator = TennisSimulator(**{**usual, **dials})
    async with simulator.serving():
        await until(lambda: bool(simulator.events.live()))
        yield simulator


async def until(true: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for lies on the other side of a socket
            await asyncio.sleep(0.01)


async def live_events(simulator: TennisSimulator, token: str = TOKEN, accept: str = ACCEPT) -> httpx.Response:
    return await get(simulator.port, token, accept)


async def get(port: int, token: str = TOKEN, accept: str = ACCEPT) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
        return await client.get(f"http://127.0.0.1:{port}/tournaments/liveevents", headers=headers)


def the_event(simulator: TennisSimulator) -> str:
    return str(simulator.events.live()[0]["eventId"])


def the_stream(simulator: TennisSimulator) -> Stream:
    stream = simulator.events.stream(the_event(simulator))
    assert stream is not None
    return stream


class Reader:
    """A connection; ``frames`` are the texts after the answer to the token."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def text(self, seconds: float = 3.0) -> str:
        async with asyncio.timeout(seconds):
            found = await self.socket.recv()
        assert isinstance(found, str)
        return found

    async def all_texts(self, seconds: float) -> None:
        """Until none comes for so long, or the connection ends: raises ``TimeoutError`` or ``ConnectionClosed``."""
        while True:
            await self.text(seconds)

    async def packets(self, count: int) -> list[dict[str, Any]]:
        """The next ones, without heartbeats."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            said = json.loads(await self.text())
            if "heartbeat" not in said:
                found.append(said)
        return found


@asynccontextmanager
async def reading(simulator: TennisSimulator, event: str = "", query: str = "", token: str = TOKEN) -> AsyncIterator[Reader]:
    url = f"ws://127.0.0.1:{simulator.port}/tennis/events/{event or the_event(simulator)}/stream{query}"
    async with connect(url, compression=None, ping_interval=None, close_timeout=0.2, proxy=None) as socket:
        await socket.send(json.dumps({"authToken": token}))
        reader = Reader(socket)
        assert json.loads(await reader.text()) == {"authorised": True, "reason": ""}
        yield reader


def numbers(packets: list[dict[str, Any]]) -> list[int]:
    return [said["seqNum"] for said in packets]


async def after_replay(simulator: TennisSimulator, reader: Reader) -> int:
    """Read what was before; the last number that was read."""
    last = the_stream(simulator).last
    while (seq := int((await reader.packets(1))[0]["seqNum"])) < last:
        pass
    return seq


# --- discovery ---


async def test_it_lists_live_events_as_documented() -> None:
    async with serving(matches=3) as simulator:
        await until(lambda: len(simulator.events.live()) == 3)
        answer = await live_events(simulator)
    assert answer.status_code == 200
    events = answer.json()
    assert [event["eventId"][-5:] for event in events] == ["MS001", "LS002", "MD003"]
    assert set(events[0]) == {"startTime", "teamA", "teamB", "eventId"}
    player = events[0]["teamA"]["team"]["player1"]
    assert set(player) == {"id", "firstName", "lastName", "country"}
    assert "player2" in events[2]["teamB"]["team"]


@pytest.mark.parametrize(
    ("asked", "door", "status"),
    [
        ({"token": "wrong"}, Door(), 401),
        ({"token": ""}, Door(), 401),
        ({}, Door(token_refused=True), 401),
        ({}, Door(forbidden=True), 403),
        ({"accept": "application/json"}, Door(), 406),
    ],
)
async def test_it_refuses_with_error_and_status(asked: dict[str, str], door: Door, status: int) -> None:
    async with serving(door=door) as simulator:
        answer = await live_events(simulator, **asked)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "status"}
    assert answer.json()["status"] == status


async def test_an_unknown_event_is_404() -> None:
    async with serving() as simulator:
        with pytest.raises(InvalidStatus) as refused:
            async with reading(simulator, "2026-0000-MS999"):
                pass
    assert refused.value.response.status_code == 404


async def test_the_command_serves_it_with_its_dials() -> None:
    command = [
        sys.executable,
        "manage.py",
        "simulate",
        "tennis",
        "--port",
        "0",
        "--duration",
        "20",
        "--matches",
        "2",
        "--drop",
        "0.5",
        "--alarm-seconds",
        "3",
    ]
    environment = {**os.environ, "SIMULATOR_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            while b"listens on" not in (line := await process.stderr.readline()):
                assert line
        answer = await get(int(line.rsplit(b":", 1)[1]))
    finally:
        process.terminate()
        await process.wait()
    assert answer.status_code == 200


# --- streams ---


async def test_a_wrong_token_is_told_so_and_shown_out() -> None:
    async with serving() as simulator:
        url = f"ws://127.0.0.1:{simulator.port}/tennis/events/{the_event(simulator)}/stream"
        for first in ('{"authToken": "wrong"}', "no json", "[]", "{}"):
            async with connect(url, proxy=None) as socket:
                await socket.send(first)
                assert json.loads(await socket.recv()) == {"authorised": False, "reason": "invalid token"}
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008


async def test_it_replays_from_the_beginning_or_from_a_position_and_goes_on_live() -> None:
    async with serving() as simulator:
        last = the_stream(simulator).last
        async with reading(simulator) as reader, reading(simulator, query="?startPosition=7") as later:
            whole = await reader.packets(last + 6)
            rest = await later.packets(last - 1)
    assert numbers(whole) == list(range(last + 6))
    assert rest == whole[7 : last + 6]
    assert [said["matchStatus"]["matchState"]["state"] for said in whole[:5]] == [
        "NotStarted", "UmpireOnCourt", "PlayersArriveOnCourt", "Warmup", "InProgress",
    ]  # fmt: skip


async def test_before_the_match_there_is_not_started_and_then_the_umpire() -> None:
    async with serving(stage=0.0, ahead=2.2) as simulator, reading(simulator, query="?startPosition=0") as reader:
        assert numbers(await reader.packets(2)) == [0, 1]


async def test_before_the_match_there_may_be_204() -> None:
    async with serving(stage=0.0, ahead=2.0, door=Door(no_content=True)) as simulator:
        with pytest.raises(InvalidStatus) as refused:
            async with reading(simulator):
                pass
        assert refused.value.response.status_code == 204
        await until(lambda: the_stream(simulator).last > 0)
        async with reading(simulator) as reader:
            assert numbers(await reader.packets(2)) == [0, 1]


async def test_it_beats_with_a_frame_that_is_no_packet() -> None:
    async with serving(speed=0.1) as simulator, reading(simulator, query="?startPosition=9999") as reader:
        first, second = json.loads(await reader.text()), json.loads(await reader.text())
    for beat in (first, second):
        assert set(beat) == {"heartbeat", "invented"}


async def test_the_speed_dial_is_the_serve_clock() -> None:
    async with serving(speed=100.0) as simulator:
        async with reading(simulator, query=f"?startPosition={the_stream(simulator).last}") as reader:
            started = time.monotonic()
            points = [said for said in await reader.packets(14) if said["eventElementType"] == "PointStarted"]
        seconds = (time.monotonic() - started) / len(points)
    assert 0.1 < seconds < 0.7  # some 20 to 35 s on court, changeovers of 120 s among them


async def test_an_event_of_an_earlier_run_is_over_for_whoever_asks() -> None:
    async with serving(withdrawn=("2026-OLD1-MS001",)) as simulator:
        assert the_event(simulator) != "2026-OLD1-MS001"
        for _ in range(2):
            async with reading(simulator, "2026-OLD1-MS001", "?startPosition=41") as reader:
                (said,) = await reader.packets(1)
                assert (said["seqNum"], said["eventElementType"]) == (41, "MatchFinished")


async def test_a_match_that_ended_is_followed_by_another() -> None:
    async with serving(speed=4000.0, scoring="ProSet") as simulator:
        first = the_event(simulator)
        async with reading(simulator) as reader:
            while (said := (await reader.packets(1))[0]).get("matchStatus", {}).get("matchState", {}).get("state") != "Finished":
                pass
        await until(lambda: len(simulator.events.live()) == 2)
        assert the_event(simulator) == first
        assert said["matchStatus"]["matchState"]["invented"] is True


async def test_the_same_seed_tells_the_same_match() -> None:
    assert await told(seed=3) == await told(seed=3)
    assert await told(seed=3) != await told(seed=4)


async def told(seed: int) -> list[dict[str, Any]]:
    """The first hundred packets, without their times."""
    async with serving(seed=seed, stage=0.4, chances=Chances()) as simulator, reading(simulator) as reader:
        packets = await reader.packets(100)
    return [{name: said[name] for name in said if name not in ("timestamp", "matchTime", "matchStatus")} for said in packets]


# --- faults ---


async def met(fault: Fault) -> tuple[list[int], list[int]]:
    """Numbers as they came live around the fault, and as a replay tells them afterwards."""
    async with serving() as simulator, reading(simulator) as reader:
        last = await after_replay(simulator, reader)
        the_stream(simulator).begin(fault)
        live = [last, *numbers(await reader.packets(7))]
        async with reading(simulator, query=f"?startPosition={min(live)}") as again:
            replayed = numbers(await again.packets(8))
    return live, replayed


async def test_a_dropped_packet_is_in_the_replay() -> None:
    live, replayed = await met(Fault.DROP)
    assert len({b - a for a, b in pairwise(live)} & {2}) == 1
    assert replayed == list(range(live[0], live[0] + 8))


async def test_a_gap_is_in_no_replay() -> None:
    live, replayed = await met(Fault.GAP)
    (missing,) = set(range(live[0], live[-1])) - set(live)
    assert missing not in replayed
    assert replayed == live


async def test_a_duplicate_comes_twice_and_once_in_the_replay() -> None:
    live, replayed = await met(Fault.DUPLICATE)
    assert len(live) == len(set(live)) + 1
    assert replayed == list(range(live[0], live[0] + 8))


async def test_a_packet_is_overtaken_by_the_next() -> None:
    live, replayed = await met(Fault.REORDER)
    assert live != sorted(live)
    assert sorted(live) == replayed


async def test_an_unknown_type_has_a_number_of_the_stream() -> None:
    async with serving() as simulator, reading(simulator) as reader:
        await after_replay(simulator, reader)
        the_stream(simulator).begin(Fault.UNKNOWN)
        packets = await reader.packets(8)
    assert "CrowdInterruption" in {said["eventElementType"] for said in packets}
    assert numbers(packets) == list(range(packets[0]["seqNum"], packets[0]["seqNum"] + 8))


async def test_a_broken_frame_comes_between_two_good_ones() -> None:
    async with serving() as simulator, reading(simulator) as reader:
        last = await after_replay(simulator, reader)
        the_stream(simulator).begin(Fault.BROKEN)
        texts = [await reader.text() for _ in range(12)]
    broken = [text for text in texts if not text.endswith("}")]
    assert len(broken) == 1
    good = [json.loads(text) for text in texts if text not in broken and "heartbeat" not in text]
    assert numbers(good) == list(range(last + 1, last + 1 + len(good)))


async def test_a_silent_socket_answers_pings_and_says_nothing() -> None:
    async with serving() as simulator, reading(simulator) as reader:
        await after_replay(simulator, reader)
        the_stream(simulator).begin(Fault.SILENT)
        with pytest.raises(TimeoutError):
            await reader.all_texts(0.6)
        await asyncio.wait_for(await reader.socket.ping(), 1)
        async with reading(simulator, query="?startPosition=1") as again:
            assert await again.packets(1)


async def test_a_half_open_socket_does_not_even_answer_pings() -> None:
    async with serving() as simulator, reading(simulator) as reader:
        await after_replay(simulator, reader)
        the_stream(simulator).begin(Fault.HALF_OPEN)
        with pytest.raises(TimeoutError):
            await reader.all_texts(0.6)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(await reader.socket.ping(), 0.3)


async def test_an_alarm_repeats_and_what_was_missed_is_reconstructed() -> None:
    async with serving() as simulator, reading(simulator) as reader:
        await after_replay(simulator, reader)
        the_stream(simulator).begin(Fault.ALARM)
        packets = await reader.packets(24)
    alarms = [said for said in packets if said["eventElementType"] == "Alarm"]
    assert numbers(alarms) == list(range(1, len(alarms) + 1))
    assert len(alarms) >= 3
    assert all(set(said) == {"timestamp", "lastReceivedTimestamp", "eventElementType", "seqNum"} for said in alarms)
    rest = [said for said in packets if said not in alarms]
    assert numbers(rest) == list(range(rest[0]["seqNum"], rest[0]["seqNum"] + len(rest)))
    delays = [said.get("delayStatus", "") for said in rest]
    late = delays.count("RECONSTRUCTED")
    assert late > 1
    assert delays == [""] * delays.index("RECONSTRUCTED") + ["RECONSTRUCTED"] * late + [""] * (
        len(delays) - delays.index("RECONSTRUCTED") - late
    )


async def test_delayed_packets_come_late_and_say_so() -> None:
    async with serving() as simulator, reading(simulator) as reader:
        await after_replay(simulator, reader)
        the_stream(simulator).begin(Fault.DELAYED)
        packets = await reader.packets(12)
    late = [said for said in packets if said.get("delayStatus") == "DELAYED"]
    assert len(late) > 1
    assert numbers(packets) == list(range(packets[0]["seqNum"], packets[0]["seqNum"] + 12))


async def test_a_restart_ends_all_connections_and_replays_afterwards() -> None:
    async with serving() as simulator:
        async with reading(simulator) as reader:
            last = await after_replay(simulator, reader)
            the_stream(simulator).begin(Fault.RESTART)
            with pytest.raises(ConnectionClosed) as closed:
                await reader.all_texts(3)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert (await live_events(simulator)).status_code == 503
        await asyncio.sleep(FAST.away)
        async with reading(simulator, query=f"?startPosition={last}") as again:
            assert numbers(await again.packets(4)) == list(range(last, last + 4))


async def test_a_dial_draws_its_fault_by_chance() -> None:
    async with serving(faults=Faults(duplicate=0.5)) as simulator, reading(simulator) as reader:
        await after_replay(simulator, reader)
        live = numbers(await reader.packets(30))
    assert 3 < len(live) - len(set(live)) < 20


async def test_e7_no_line_names_the_token(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "feeds"):
        async with serving() as simulator, reading(simulator):
            await live_events(simulator)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(simulator)
