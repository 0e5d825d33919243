"""SportMicro and Odds360 played over real sockets: lists, dialect, odds, overrides, streams of both kinds, and every fault to order."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from django.core.management import load_command_class
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feeds.odds360.simulation.contest import Contest, Status
from feeds.odds360.simulation.faults import Fault, Faults
from feeds.odds360.simulation.stream import Listener, Pace
from feeds.odds360.simulation.voice import Spelling
from feeds.odds360.simulator import BOOKMAKER, Door, Odds360Simulator
from tests.processes import ROOT

pytestmark = pytest.mark.modeless

TOKEN = "correct-horse-battery"
FAST = Pace(beat=0.2, drift=0.2, slow=0.5, away=0.5, half_open=1.0, retry=3.0)
HOUSE = f"/bookmaker/{BOOKMAKER}"
MATCHES = f"{HOUSE}/table-tennis"


@asynccontextmanager
async def serving(**dials: Any) -> AsyncIterator[Odds360Simulator]:
    """Two matches in play at some ten points a second, two to come."""
    usual = {"token": TOKEN, "matches": 2, "upcoming": 2, "seed": 3, "speed": 150.0, "pace": FAST, "postpone": 0.0}
    simulator = Odds360Simulator(**{**usual, **dials})
    async with simulator.serving():
        await until(lambda: any(simulator.roster.all()))
        yield simulator


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for lies on the other side of a socket
            await asyncio.sleep(0.01)


def client(simulator: Odds360Simulator, token: str = TOKEN) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{simulator.port}", headers=headers, trust_env=False, verify=False)


async def get(simulator: Odds360Simulator, path: str, bearer: str = TOKEN, **query: Any) -> httpx.Response:
    async with client(simulator, bearer) as asking:
        return await asking.get(path, params=query)


async def rows(simulator: Odds360Simulator, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await get(simulator, path, **query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, list)
    return found


def a_live_match(simulator: Odds360Simulator) -> Contest:
    return next(simulator.roster.all(Status.LIVE))


def an_upcoming_match(simulator: Odds360Simulator) -> Contest:
    return next(simulator.roster.all(Status.UPCOMING))


def flat(odds: dict[str, Any]) -> dict[str, Any]:
    """``market#outcome`` → price."""
    markets = {key: outcomes for group in odds.values() for key, outcomes in group.items() if outcomes is not None}
    return {f"{key}#{one}": price for key, outcomes in markets.items() for one, price in outcomes.items()}


class Reader:
    """Frames of one stream, by WebSocket or as events."""

    def __init__(self, text: Callable[[], Any]) -> None:
        self._text = text

    async def text(self, seconds: float = 10.0) -> str:
        async with asyncio.timeout(seconds):
            return str(await self._text())

    async def frames(self, count: int, *, beats: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            said = json.loads(await self.text())
            if beats or said.get("type") != "beat":
                found.append(said)
        return found

    async def silence(self, seconds: float) -> None:
        """Raises ``TimeoutError`` once nothing came for so long."""
        while True:
            await self.text(seconds)


@asynccontextmanager
async def websocket(simulator: Odds360Simulator, path: str, token: str = TOKEN) -> AsyncIterator[tuple[Reader, ClientConnection]]:
    url = f"ws://127.0.0.1:{simulator.port}{path}" + (f"?token={token}" if token else "")
    async with connect(url, compression=None, ping_interval=None, close_timeout=0.2, proxy=None) as connection:
        yield Reader(connection.recv), connection


@asynccontextmanager
async def events(simulator: Odds360Simulator, path: str, token: str = TOKEN) -> AsyncIterator[Reader]:
    async with client(simulator, "") as asking, asking.stream("GET", path, params={"token": token}, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        lines = answer.aiter_lines()

        async def event() -> str:
            while not (line := await anext(lines)).startswith("data: "):
                assert not line.startswith("event:")
            return line.removeprefix("data: ")

        yield Reader(event)


def live(contest: Contest, kind: str = "updates") -> str:
    return f"/live/{BOOKMAKER}/table-tennis/{contest.card.id}/{kind}"


# --- lists ---


async def test_the_live_list_names_what_000_calls_important() -> None:
    async with serving() as simulator:
        found = await rows(simulator, "/matches-live")
    assert len(found) == 2
    for row in found:
        assert {"match_id", "league_id", "league_name", "home_team_name", "away_team_name", "start_time", "status_type"} <= set(row)
        assert row["status_type"] == "live"
        assert isinstance(row["match_id"], int)
        assert datetime.fromisoformat(row["start_time"]).tzinfo is not None


async def test_lists_differ_in_how_they_name_the_id_and_the_status() -> None:
    async with serving() as simulator:
        plain, live_ones = await rows(simulator, "/matches"), await rows(simulator, "/matches-live")
        days, leagues = await rows(simulator, "/matches-by-date"), await rows(simulator, "/matches-by-date-league")
    assert all("id" in row and "match_id" not in row and "status_type" in row and "status" not in row for row in plain)
    assert all("match_id" in row and "id" not in row for row in live_ones)
    dated = [row for day in days for row in day["matches"]]
    assert all("status" in row and "status_reason" in row and "status_type" not in row for row in dated)
    assert set(leagues[0]) == {"date", "league_id", "league_name", "league_hash_image", "matches"}
    assert {row["id"] for row in dated} == {row["id"] for day in leagues for row in day["matches"]} == {row["id"] for row in plain}


async def test_the_dialect_chooses_pages_and_orders() -> None:
    async with serving(speed=0.01, matches=3, upcoming=57) as simulator:
        assert len(await rows(simulator, "/matches")) == 50
        assert len(await rows(simulator, "/matches", limit=200)) == 50
        assert len(await rows(simulator, "/matches", offset=50)) == 10
        first, second, *_ = every = [row["id"] for row in await rows(simulator, "/matches", limit=4, lang="en")]
        assert [row["id"] for row in await rows(simulator, "/matches", limit=2, offset=2)] == every[2:]
        assert [row["id"] for row in await rows(simulator, "/matches", id=f"eq.{second}")] == [second]
        assert [row["id"] for row in await rows(simulator, "/matches", **{"or": f"(id.eq.{first},id.eq.{second})"})] == [first, second]
        assert len(await rows(simulator, "/matches", id=f"in.({first},{second})")) == 2
        assert len(await rows(simulator, "/matches", status_type="eq.live")) == 3
        week = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
        later = await rows(simulator, "/matches", start_time=f"gte.{week.date()}")
        assert 0 < len(later) < 50
        assert all(datetime.fromisoformat(row["start_time"]) >= week for row in later)
        last = await rows(simulator, "/matches", order="start_time.desc", limit=1)
        assert datetime.fromisoformat(last[0]["start_time"]) > datetime.fromisoformat(later[0]["start_time"])
        today = datetime.now(UTC).date().isoformat()
        assert [day["date"] for day in await rows(simulator, "/matches-by-date", date=f"eq.{today}")] in ([], [today])


@pytest.mark.parametrize("query", [{"nobody": "eq.1"}, {"id": "1"}, {"id": "eq.x"}, {"limit": "x"}, {"or": "id.eq.1"}, {"id": "near.1"}])
async def test_a_query_that_is_none_is_400_in_the_words_of_the_dialect(query: dict[str, str]) -> None:
    async with serving() as simulator:
        answer = await get(simulator, "/matches", **query)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "details", "hint", "message"}


async def test_leagues_and_classes_are_listed_and_the_matches_are_theirs() -> None:
    async with serving() as simulator:
        for prefix in ("/", "/table-tennis-"):
            leagues, classes = await rows(simulator, f"{prefix}leagues"), await rows(simulator, f"{prefix}classes")
            assert {row["league_id"] for row in await rows(simulator, "/matches")} <= {row["id"] for row in leagues}
            assert {row["class_id"] for row in leagues} == {row["id"] for row in classes}


@pytest.mark.parametrize("path", ["/matches-live", "/table-tennis", HOUSE, f"{MATCHES}/matches", "/nowhere"])
async def test_without_the_token_there_is_401_everywhere(path: str) -> None:
    async with serving() as simulator:
        assert [(await get(simulator, path, token)).status_code for token in ("", "wrong")] == [401, 401]
        simulator.door.token_refused = True
        assert (await get(simulator, path)).status_code == 401


async def test_matches_follow_each_other_and_some_are_postponed() -> None:
    async with serving(speed=6000.0, postpone=0.3) as simulator:
        first = {row["id"] for row in await rows(simulator, "/matches")}
        await until(lambda: {Status.FINISHED, Status.POSTPONED} <= {contest.status for contest in simulator.roster.all()}, 30)
        found = await rows(simulator, "/matches")
        assert {"finished", "postponed"} <= {row["status_type"] for row in found}
        assert first < {row["id"] for row in found}
        assert {row["status_type"] for row in await rows(simulator, f"{MATCHES}/matches")} <= {"live", "upcoming"}


async def test_the_score_is_that_of_the_match() -> None:
    async with serving(speed=0.01) as simulator:
        contest = a_live_match(simulator)
        (row,) = await rows(simulator, "/matches-live", match_id=f"eq.{contest.card.id}")
        assert [row["home_team_score"], row["away_team_score"]] == [contest.play.games.home, contest.play.games.away]
        (row,) = await rows(simulator, "/matches", id=f"eq.{an_upcoming_match(simulator).card.id}")
        assert row["home_team_score"] is None


async def test_a_match_of_an_earlier_run_is_over_for_whoever_asks() -> None:
    start = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    async with serving(withdrawn=(("77", start),)) as simulator:
        (row,) = await rows(simulator, "/matches", start_time="lt.2026-11-20T10:00:00+00:00", id="eq.77")
        assert (row["id"], row["status_type"], datetime.fromisoformat(row["start_time"])) == (77, "finished", start)
        assert 77 not in [row["match_id"] for row in await rows(simulator, "/matches-live")]


# --- odds ---


async def test_the_bookmaker_may_see_table_tennis_and_nobody_else_is_known() -> None:
    async with serving() as simulator:
        assert (await get(simulator, HOUSE)).json()["sports"] == ["table-tennis"]
        assert (await get(simulator, "/bookmaker/5f0c8a4e-0000-0000-0000-000000000000")).status_code == 404
        simulator.door.no_bookmaker = True
        assert (await get(simulator, HOUSE)).status_code == 404


async def test_the_payload_has_the_shape_of_000_and_of_our_own_api() -> None:
    async with serving() as simulator:
        contest = a_live_match(simulator)
        payload = (await get(simulator, f"{MATCHES}/{contest.card.id}")).json()
        verify = (await get(simulator, f"{MATCHES}/{contest.card.id}/verify")).json()
    assert (payload["matchId"], payload["sport"], payload["override"]) == (contest.card.id, "table-tennis", [])
    assert set(payload["odds"]) == {"setTime", "fullTime"}
    assert {"match-winner", "games-handicap-1.5"} <= set(payload["odds"]["fullTime"])
    assert any(key.endswith("-winner") for key in payload["odds"]["setTime"])
    assert set(payload["markets"]) == {key for group in payload["odds"].values() for key in group}
    home = payload["odds"]["fullTime"]["match-winner"]["home"]
    assert home["competitorId"] == str(contest.card.home.id)
    assert set(verify) == {"matchId", "sport", "verified", "revision", "stateHash", "checkedAt", "problems"}


async def test_the_list_pages_by_hundred_and_searches_names() -> None:
    async with serving(speed=0.01, matches=2, upcoming=103) as simulator:
        first, second = await rows(simulator, f"{MATCHES}/matches", page=0), await rows(simulator, f"{MATCHES}/matches", page=1)
        assert (len(first), len(second)) == (100, 5)
        assert await rows(simulator, f"{MATCHES}/matches", page=2) == []
        assert len(await rows(simulator, f"{MATCHES}/matches", status="live")) == 2
        assert all(row["totalOdds"] > 0 for row in first)
        wanted = await rows(simulator, f"{MATCHES}/matches", league="OPEN")
        assert {row["league_name"] for row in wanted} == {"Harbour Open Table Tennis"}
        name = first[0]["home_team_name"].split()[1].lower()
        assert first[0]["id"] in [row["id"] for row in await rows(simulator, f"{MATCHES}/matches", homeTeam=name)]
        assert (await get(simulator, f"{MATCHES}/matches", page="x")).status_code == 422
        assert (await get(simulator, f"{MATCHES}/matches", status="done")).status_code == 422


async def test_the_public_pattern_gives_the_odds_too() -> None:
    async with serving(speed=0.01) as simulator:
        contest = a_live_match(simulator)
        (row,) = await rows(simulator, "/table-tennis", match_id=f"eq.{contest.card.id}")
        payload = (await get(simulator, f"{MATCHES}/{contest.card.id}")).json()
    assert row["odds"] == payload["odds"]
    assert (row["match_id"], row["status_type"]) == (contest.card.id, "live")


async def test_the_history_is_what_was_published() -> None:
    async with serving() as simulator:
        contest = a_live_match(simulator)
        await until(lambda: len(contest.ticks) > 20)
        ticks = await rows(simulator, "/table-tennis-history", match_id=f"eq.{contest.card.id}", odd_key="eq.match-winner#home")
    assert ticks
    assert {(tick["match_id"], tick["odd_key"], tick["odd_type"]) for tick in ticks} == {(contest.card.id, "match-winner#home", "fullTime")}


@pytest.mark.parametrize(("spelled", "kind"), [("number", float), ("string", str), ("object", dict)])
async def test_a_price_is_spelled_as_told(spelled: str, kind: type) -> None:
    async with serving(spelling=Spelling(price=spelled)) as simulator:
        payload = (await get(simulator, f"{MATCHES}/{an_upcoming_match(simulator).card.id}")).json()
    assert {type(price) for price in flat(payload["odds"]).values()} == {kind}


async def test_prices_may_be_spelled_every_way_at_once() -> None:
    async with serving(spelling=Spelling(price="mixed")) as simulator:
        payload = (await get(simulator, f"{MATCHES}/{an_upcoming_match(simulator).card.id}")).json()
    assert {type(price) for price in flat(payload["odds"]).values()} == {float, str, dict}


async def test_bare_is_word_for_word_what_000_shows() -> None:
    async with serving(spelling=Spelling(bare=True)) as simulator:
        payload = (await get(simulator, f"{MATCHES}/{a_live_match(simulator).card.id}")).json()
    assert list(payload) == ["matchId", "sport", "odds", "override"]


# --- overrides ---


async def patch(simulator: Odds360Simulator, contest: Contest, odd_type: str = "full-time", **body: Any) -> httpx.Response:
    async with client(simulator) as asking:
        return await asking.patch(f"{MATCHES}/{contest.card.id}/{odd_type}", json=body)


async def test_a_patch_changes_the_price_and_is_told_on_the_overrides_stream() -> None:
    async with serving(speed=0.01) as simulator:
        contest = an_upcoming_match(simulator)
        async with websocket(simulator, live(contest, "overrides")) as (told, _), websocket(simulator, live(contest)) as (prices, _):
            assert (await told.frames(1))[0]["override"] == []
            await prices.frames(1)
            answer = await patch(simulator, contest, oddKey="match-winner#home", oddValue=1.85, durationSeconds=3600, suspended=False)
            assert answer.status_code == 200
            (said,) = await told.frames(1)
            assert said["type"] == "update"
            assert said["override"] == [{"id": "override-1", **answer.json()}]
            assert (answer.json()["oddKey"], answer.json()["oddValue"]) == ("match-winner#home", 1.85)
            while "match-winner#home" not in (changed := flat((await prices.frames(1))[0]["odds"])):
                pass
            assert changed["match-winner#home"]["value"] == 1.85
        payload = (await get(simulator, f"{MATCHES}/{contest.card.id}")).json()
        assert payload["override"] == [answer.json()]
        assert flat(payload["odds"])["match-winner#home"]["value"] == 1.85


async def test_a_suspension_ends_by_itself_and_by_word() -> None:
    async with serving(speed=0.01) as simulator:
        contest = an_upcoming_match(simulator)
        async with websocket(simulator, live(contest, "overrides")) as (told, _):
            await told.frames(1)
            await patch(simulator, contest, oddKey="match-winner#away", suspended=True, durationSeconds=1)
            begun, ended = await told.frames(2)
            assert (begun["override"][0]["suspended"], begun["override"][0]["oddValue"]) == (True, None)
            assert ended["override"][0]["ended"] is True
            await patch(simulator, contest, oddKey="match-winner#away", suspended=True, durationSeconds=600)
            assert flat((await get(simulator, f"{MATCHES}/{contest.card.id}")).json()["odds"])["match-winner#away"]["suspended"]
            await patch(simulator, contest, oddKey="match-winner#away", suspended=False)
            assert [frame["override"][0].get("ended", False) for frame in await told.frames(2)] == [False, True]
        assert not flat((await get(simulator, f"{MATCHES}/{contest.card.id}")).json()["odds"])["match-winner#away"]["suspended"]


@pytest.mark.parametrize(
    ("odd_type", "body", "status"),
    [
        ("full-time", {"oddKey": "match-winner#home"}, 422),
        ("full-time", {"oddKey": "match-winner#home", "oddValue": 1.0, "durationSeconds": 5}, 422),
        ("full-time", {"oddKey": "match-winner#home", "oddValue": 1.9}, 422),
        ("full-time", {"oddKey": "match-winner#draw", "oddValue": 1.9, "durationSeconds": 5}, 404),
        ("set-time", {"oddKey": "match-winner#home", "oddValue": 1.9, "durationSeconds": 5}, 404),
        ("half-time", {"oddKey": "match-winner#home", "oddValue": 1.9, "durationSeconds": 5}, 404),
    ],
)
async def test_an_impossible_patch_is_refused(odd_type: str, body: dict[str, Any], status: int) -> None:
    async with serving(speed=0.01) as simulator:
        assert (await patch(simulator, an_upcoming_match(simulator), odd_type, **body)).status_code == status


async def test_odds_may_stay_apart_from_an_override() -> None:
    async with serving(speed=0.01, spelling=Spelling(apart=True)) as simulator:
        contest = an_upcoming_match(simulator)
        await patch(simulator, contest, oddKey="match-winner#home", oddValue=55.5, durationSeconds=60)
        payload = (await get(simulator, f"{MATCHES}/{contest.card.id}")).json()
    assert payload["override"][0]["oddValue"] == 55.5
    assert flat(payload["odds"])["match-winner#home"]["value"] != 55.5


async def test_the_provider_s_own_trader_overrides_now_and_then() -> None:
    async with serving(override=0.5) as simulator, websocket(simulator, live(a_live_match(simulator), "overrides")) as (told, _):
        assert [frame["type"] for frame in await told.frames(3)] == ["snapshot", "update", "update"]


# --- streams ---


async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_changes() -> None:
    async with serving() as simulator, websocket(simulator, live(a_live_match(simulator))) as (prices, _):
        first, *rest = await prices.frames(8)
    assert first["type"] == "snapshot"
    assert first["prevSeq"] is None
    assert {frame["type"] for frame in rest} <= {"update", "suspend"}
    assert all(after["prevSeq"] == before["seq"] for before, after in pairwise([first, *rest]))
    updates = [frame for frame in rest if frame["type"] == "update"]
    assert len(flat(updates[0]["odds"])) <= len(flat(first["odds"])) + 6
    assert all(set(frame) >= {"matchId", "sport", "seq", "revision", "bookmakerRevision", "odds", "validForMs", "now"} for frame in updates)


async def test_events_are_the_same_frames_as_the_websocket_s() -> None:
    async with serving() as simulator:
        contest = a_live_match(simulator)
        async with events(simulator, live(contest)) as one, websocket(simulator, live(contest)) as (other, _):
            seen = {frame["seq"]: frame for frame in (await one.frames(8))[1:]}
            heard = {frame["seq"]: frame for frame in (await other.frames(8))[1:]}
    both = seen.keys() & heard.keys()
    assert both
    assert all(seen[seq] == heard[seq] for seq in both)


@pytest.mark.parametrize("kind", ["updates", "overrides"])
async def test_the_dashboard_has_both_streams_as_events(kind: str) -> None:
    async with serving() as simulator, events(simulator, f"{MATCHES}/{a_live_match(simulator).card.id}/{kind}") as told:
        assert (await told.frames(1))[0]["type"] == "snapshot"


async def test_the_changes_of_a_stream_lead_to_the_payload() -> None:
    """Followed until a game has ended and the next one's points have come."""
    async with serving(speed=60.0, spelling=Spelling(nulls=True)) as simulator:
        contest = a_live_match(simulator)
        async with websocket(simulator, live(contest)) as (prices, _):
            known: dict[str, Any] = {}
            gone: set[str] = set()
            heard = 0
            while not gone or contest.revision > heard:
                (frame,) = await prices.frames(1)
                heard = frame["revision"]
                if frame["type"] == "suspend":
                    known = {key: {**price, "suspended": True} for key, price in known.items()}
                ended = {key for group in frame.get("odds", {}).values() for key, market in group.items() if market is None}
                gone |= ended
                known = {key: price for key, price in known.items() if key.split("#")[0] not in ended} | flat(frame.get("odds", {}))
            payload = flat(contest.voice.payload()["odds"])
    assert {key: (price["value"], price["suspended"]) for key, price in known.items()} == {
        key: (price["value"], price["suspended"]) for key, price in payload.items()
    }


async def test_prices_move_before_the_match_too() -> None:
    async with serving(speed=0.01) as simulator, websocket(simulator, live(an_upcoming_match(simulator))) as (prices, _):
        assert [frame["type"] for frame in await prices.frames(2)] == ["snapshot", "update"]


async def test_all_prices_stop_between_games_now_and_then_and_come_back() -> None:
    async with serving(speed=400.0) as simulator, websocket(simulator, live(a_live_match(simulator))) as (prices, _):
        while (await prices.frames(1))[0]["type"] != "suspend":
            pass
        (back,) = await prices.frames(1)
    assert back["type"] == "update"
    assert any(not price["suspended"] for price in flat(back["odds"]).values())


async def test_a_match_that_ends_says_so_and_its_streams_end() -> None:
    async with serving(speed=3000.0) as simulator:
        contest = a_live_match(simulator)
        async with websocket(simulator, live(contest)) as (prices, connection):
            while (said := (await prices.frames(1))[0])["type"] != "gone":
                pass
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
        assert said["matchId"] == contest.card.id
        async with events(simulator, live(contest)) as again:
            assert [frame["type"] for frame in await again.frames(1)] == ["gone"]


async def test_beats_come_between_changes_with_the_number_of_the_last() -> None:
    async with serving(speed=0.01) as simulator, websocket(simulator, live(a_live_match(simulator))) as (prices, _):
        first, *beats = await prices.frames(3, beats=True)
    assert [beat["type"] for beat in beats] == ["beat", "beat"]
    assert {beat["seq"] for beat in beats} == {first["seq"]}


async def test_whole_payloads_may_come_instead_of_updates() -> None:
    async with serving(spelling=Spelling(whole=True)) as simulator, websocket(simulator, live(a_live_match(simulator))) as (prices, _):
        frames = await prices.frames(3)
    assert all("type" not in frame and set(frame["odds"]) == {"setTime", "fullTime"} for frame in frames)


async def test_a_stream_wants_the_token_a_known_bookmaker_and_a_known_match() -> None:
    async with serving() as simulator:
        path = live(a_live_match(simulator))
        refused = [(path, "wrong", 401), (path, "", 401), (f"/live/{BOOKMAKER}/table-tennis/1/updates", TOKEN, 404)]
        refused += [(path.replace(BOOKMAKER, "x"), TOKEN, 404), (f"{MATCHES}/x/updates", TOKEN, 404)]
        for where, token, status in refused:
            assert (await get(simulator, where, "", token=token)).status_code == status
            with pytest.raises(InvalidStatus) as told:
                async with websocket(simulator, where, token):
                    pass
            assert told.value.response.status_code == status
        async with client(simulator) as asking, asking.stream("GET", path) as bearer:
            assert bearer.status_code == 200


async def test_websockets_or_all_streams_may_be_missing() -> None:
    async with serving() as simulator:
        path = live(a_live_match(simulator))
        simulator.door = Door(no_websocket=True)
        with pytest.raises(InvalidStatus):
            async with websocket(simulator, path):
                pass
        async with events(simulator, path) as told:
            assert await told.frames(1)
        simulator.door = Door(no_streams=True)
        assert (await get(simulator, path, "", token=TOKEN)).status_code == 404


async def test_a_reader_who_never_reads_is_cut_off() -> None:
    async with serving(speed=0.01) as simulator:
        line = a_live_match(simulator).updates.join()
        for _ in range(Listener.most_waiting + 5):
            line.put(b"{}")
        waiting = [line.waiting.get_nowait() for _ in range(Listener.most_waiting + 1)]
    assert waiting[-1] is None


# --- faults of answers ---


async def harmed(fault: Fault, path: str = "/matches-live") -> tuple[httpx.Response, httpx.Response]:
    """An answer that met the fault, and the next one."""
    async with serving() as simulator:
        simulator.orders.add(fault, path)
        assert (await get(simulator, "/leagues")).status_code == 200, "another path is not concerned"
        return await get(simulator, path), await get(simulator, path)


async def test_too_many_asks_to_wait() -> None:
    bad, good = await harmed(Fault.TOO_MANY)
    assert (bad.status_code, bad.headers["retry-after"], good.status_code) == (429, "3", 200)


async def test_an_error_is_500() -> None:
    bad, good = await harmed(Fault.ERROR)
    assert (bad.status_code, good.status_code) == (500, 200)


async def test_html_comes_where_json_should() -> None:
    bad, _ = await harmed(Fault.HTML)
    assert bad.headers["content-type"].startswith("text/html")


async def test_json_may_stop_in_the_middle() -> None:
    bad, good = await harmed(Fault.TRUNCATED)
    with pytest.raises(json.JSONDecodeError):
        bad.json()
    assert good.json()


async def test_a_shape_may_change() -> None:
    bad, good = await harmed(Fault.CHANGED)
    assert set(bad.json()) == {"data", "meta"}
    assert isinstance(good.json(), list)


async def test_a_match_may_be_listed_twice() -> None:
    bad, good = await harmed(Fault.TWICE)
    assert len(bad.json()) == len(good.json()) + 1
    assert bad.json()[0]["match_id"] == bad.json()[1]["match_id"]


async def test_a_connection_may_be_cut_in_an_answer() -> None:
    async with serving() as simulator:
        simulator.orders.add(Fault.CUT, "/matches")
        with pytest.raises(httpx.RemoteProtocolError):
            await get(simulator, "/matches")
        assert (await get(simulator, "/matches")).status_code == 200


async def test_an_answer_may_be_slow() -> None:
    async with serving() as simulator, client(simulator) as asking:
        simulator.orders.add(Fault.SLOW, "/matches")
        with pytest.raises(httpx.ReadTimeout):
            await asking.get("/matches", timeout=0.1)


async def test_a_match_may_vanish_for_a_while() -> None:
    async with serving(speed=0.01) as simulator:
        before = {row["id"] for row in await rows(simulator, "/matches")}
        simulator.orders.add(Fault.VANISHED)
        await rows(simulator, "/matches")
        assert len(before - {row["id"] for row in await rows(simulator, "/matches")}) == 1
        await asyncio.sleep(FAST.away)
        assert before == {row["id"] for row in await rows(simulator, "/matches")}


async def test_a_dial_draws_its_fault_by_chance() -> None:
    async with serving(faults=Faults(error=0.5)) as simulator, client(simulator) as asking:
        statuses = [(await asking.get("/leagues")).status_code for _ in range(60)]
    assert 10 < statuses.count(500) < 50
    assert statuses.count(500) + statuses.count(200) == 60


# --- faults of streams ---


@asynccontextmanager
async def meeting(fault: Fault) -> AsyncIterator[tuple[Reader, ClientConnection, Odds360Simulator]]:
    """A stream whose next change meets the fault."""
    async with serving() as simulator:
        contest = a_live_match(simulator)
        async with websocket(simulator, live(contest)) as (prices, connection):
            await prices.frames(2)
            contest.updates.begin(fault)
            yield prices, connection, simulator


async def test_a_change_that_never_comes_leaves_a_hole() -> None:
    async with serving() as simulator:
        contest = a_live_match(simulator)
        async with websocket(simulator, live(contest)) as (prices, _):
            first, second = await prices.frames(2)
            contest.updates.begin(Fault.GAP)
            numbers = [first["seq"], second["seq"], *(frame["seq"] for frame in await prices.frames(4))]
    assert sorted(after - before for before, after in pairwise(numbers)) == [1, 1, 1, 1, 2]


async def test_a_change_may_come_twice() -> None:
    async with meeting(Fault.REPEATED) as (prices, _, _):
        numbers = [frame["seq"] for frame in await prices.frames(5)]
    assert len(numbers) == len(set(numbers)) + 1


async def test_a_frame_may_be_no_json() -> None:
    async with meeting(Fault.BROKEN) as (prices, _, _):
        with pytest.raises(json.JSONDecodeError):
            await prices.frames(5)
        assert await prices.frames(2)


async def test_a_frame_may_be_of_a_shape_that_nobody_knows() -> None:
    async with meeting(Fault.OTHER) as (prices, _, _):
        assert [frame for frame in await prices.frames(5) if "matchId" not in frame]


async def test_a_stream_may_end_and_be_there_again() -> None:
    async with meeting(Fault.DROPPED) as (prices, _, simulator):
        with pytest.raises(ConnectionClosed) as closed:
            await prices.frames(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        async with websocket(simulator, live(a_live_match(simulator))) as (again, _):
            assert (await again.frames(1))[0]["type"] == "snapshot"


async def test_a_silent_socket_answers_pings_and_says_nothing() -> None:
    async with meeting(Fault.SILENT) as (prices, connection, _):
        with pytest.raises(TimeoutError):
            await prices.silence(1.0)
        await asyncio.wait_for(await connection.ping(), 5)


async def test_a_half_open_socket_does_not_even_answer_pings() -> None:
    async with meeting(Fault.HALF_OPEN) as (prices, connection, _):
        with pytest.raises(TimeoutError):
            await prices.silence(0.6)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(await connection.ping(), 0.2)


# --- the command ---


def test_the_command_says_of_each_of_its_dials_what_it_does() -> None:
    parser = load_command_class("feeds", "simulate").create_parser("manage.py", "simulate")
    (kinds,) = [one.choices for one in parser._actions if isinstance(one.choices, dict)]
    words = {one.dest: one.help for one in kinds["odds360"]._actions}
    told = list(words.values())
    assert not [name for name, help_ in words.items() if name not in ("host", "port") and (not help_ or told.count(help_) > 1)]


async def test_the_command_serves_it_with_its_dials() -> None:
    dials = ["--duration", "20", "--matches", "3", "--gap", "0.5", "--beat-seconds", "3", "--no-websocket", "--price", "mixed", "--whole"]
    command = [sys.executable, "manage.py", "simulate", "odds360", "--port", "0", *dials]
    environment = {**os.environ, "SIMULATOR_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            while b"listens on" not in (line := await process.stderr.readline()):
                assert line
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}, verify=False) as asking:
            answer = await asking.get(f"http://127.0.0.1:{int(line.rsplit(b':', 1)[1])}/matches-live")
    finally:
        process.terminate()
        await process.wait()
    assert answer.status_code == 200
    assert len(answer.json()) == 3


async def test_the_same_seed_tells_the_same_match() -> None:
    assert await told(3) == await told(3)
    assert await told(3) != await told(4)


async def told(seed: int) -> list[Any]:
    """What a match published first, without times."""
    async with serving(seed=seed) as simulator:
        contest = a_live_match(simulator)
        await until(lambda: len(contest.ticks) >= 30)
        return [(tick.odd_key, tick.value, tick.suspended) for tick in list(contest.ticks)[:30]]


async def test_e7_no_line_names_the_token(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "feeds"):
        async with serving() as simulator, websocket(simulator, live(a_live_match(simulator))) as (prices, _):
            await prices.frames(1)
            await get(simulator, "/matches")
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(simulator)
