"""The client against real sockets: what it asks for, what it keeps, in which order, and how it shows its connections (T1, T2, B1)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from feeds.models import Feed, Frame
from markets.models import Source, SourceLiveness
from tests.feeds.tennis import following as f
from tests.feeds.tennis.provider import TOKEN, Match, Provider, event, honest, not_started, packet

pytestmark = pytest.mark.django_db(transaction=True)
ONE, TWO = "2026-0540-MS001", "2026-0540-LS002"


def test_it_finds_the_match_logs_in_and_keeps_every_packet_in_order() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                provider[ONE].say(*(packet(n) for n in range(1, 41)))
                await f.until(lambda: len(f.bodies(ONE)) == 40)
                assert await f.ask(lambda: f.bodies(ONE)) == [text.encode() for text in provider[ONE].packets]
                assert await f.until(lambda: f.state(ONE) == "live")
                line = await f.ask(lambda: f.shown(ONE))
                assert (line.last_seq, line.gaps, line.reconnects) == (40, 0, 0)
        assert provider[ONE].asked == [""]
        assert provider.headers[0]["Accept"] == "application/vnd.imggaming.dde.api+json;version=1"
        assert TOKEN not in str(provider[ONE].asked)

    asyncio.run(scene())


def test_a_live_event_is_kept_when_it_is_new_or_changed_with_its_exact_bytes() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                rows = Frame.objects.filter(content_type="application/json; kind=liveevent").order_by("id")
                await f.until(rows.exists)
                asked = len(provider.headers)
                await f.until(lambda: len(provider.headers) >= asked + 2)
                assert await f.ask(rows.count) == 1
                provider.events = [event(ONE, startTime={"status": "NotBefore", "time": "2026-11-20T11:00:00Z"})]
                await f.until(lambda: rows.count() == 2)
                (body,) = (await f.ask(lambda: list(rows.values_list("body", flat=True))))[1:]
                assert bytes(body) == json.dumps(provider.events[0]).encode()

    asyncio.run(scene())


def test_after_a_drop_it_asks_for_the_packet_after_the_last_one_kept() -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def drop_after_three(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            for text in match.packets[:3]:
                await connection.send(text)
            await connection.close(1012, "restart")

        provider[ONE].talk = drop_after_three
        provider[ONE].say(*(packet(n) for n in range(1, 6)))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1, 2, 3, 4, 5])
                await f.until(lambda: f.state(ONE) == "live")
                assert provider[ONE].asked == ["", "4"]
                assert (await f.ask(lambda: f.shown(ONE))).reconnects == 1

    asyncio.run(scene())


def test_a_runner_that_starts_anew_goes_on_after_what_is_kept() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].say(*(packet(n) for n in range(1, 4)))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1, 2, 3])
            async with f.running():
                provider[ONE].say(packet(4))
                await f.until(lambda: f.seqs(ONE) == [1, 2, 3, 4])
        assert provider[ONE].asked == ["", "4"]

    asyncio.run(scene())


def test_a_hole_is_asked_for_again_and_filled() -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def with_hole(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            for n in (0, 1, 3):
                await connection.send(match.packets[n])
            await asyncio.sleep(60)

        provider[ONE].talk = with_hole
        provider[ONE].say(*(packet(n) for n in range(1, 6)))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1, 2, 4, 3, 4, 5])
                await f.until(lambda: f.state(ONE) == "live")
                assert provider[ONE].asked == ["", "3"]
                assert (await f.ask(lambda: f.shown(ONE))).gaps == 1

    asyncio.run(scene())


def test_a_hole_that_is_never_filled_is_asked_for_a_few_times_and_then_left_to_the_store() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].say(packet(1), packet(2), packet(5), packet(6), packet(7))

        async def lost(match: Match, connection: ServerConnection, position: int) -> None:
            for text in match.packets:
                if json.loads(text)["seqNum"] >= position:
                    await connection.send(text)
            await asyncio.sleep(60)

        provider[ONE].talk = lost
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: "packets 3 to 4 are missing and did not come" in f.words(ONE))
                assert provider[ONE].asked == ["", "3", "3", "3"]
                assert await f.ask(lambda: f.seqs(ONE)) == [1, 2, *[5, 6, 7] * 4]
                await f.until(lambda: f.state(ONE) == "live")
                assert (await f.ask(lambda: f.shown(ONE))).gaps == 1

    asyncio.run(scene())


def test_t1_heartbeats_and_pings_are_life_and_are_not_kept() -> None:
    async def scene() -> None:
        provider = Provider(ONE, TWO)

        def beating(beat: str) -> Any:
            async def talk(match: Match, connection: ServerConnection, position: int) -> None:
                await connection.send(packet(1))
                while True:
                    await asyncio.sleep(0.2)
                    await (connection.ping() if beat == "ping" else connection.send('{"heartbeat": 1}'))

            return talk

        provider[ONE].talk, provider[TWO].talk = beating("ping"), beating("text")
        async with provider.serving():
            source_id = await f.ask(lambda: f.add(provider.host, silence=0.6))
            async with f.running():
                await asyncio.sleep(2.5)
                assert (provider[ONE].asked, provider[TWO].asked) == ([""], [""])
                assert await f.ask(lambda: (f.seqs(ONE), f.seqs(TWO))) == ([1], [1])
                assert await f.until(lambda: f.state(ONE) == f.state(TWO) == "live")
                stamps = await f.ask(lambda: SourceLiveness.objects.get(source=source_id))
                assert (stamps.heard_at is not None, stamps.listening_at is not None) == (True, True)
        assert await f.ask(lambda: Source.objects.get(pk=source_id).lease_seconds) == 15

    asyncio.run(scene())


@pytest.mark.parametrize("trickle", [False, True], ids=["nothing at all", "bytes that make no message"])
def test_a_silent_socket_is_dead_after_its_silence_and_made_anew(trickle: bool) -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def silent(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            await connection.send(match.packets[0])
            while True:
                if trickle:
                    connection.transport.write(b"\x81\x7e\xff\xff" if not hasattr(match, "begun") else b"x")
                    match.begun = True  # type: ignore[attr-defined]
                await asyncio.sleep(0.1)

        provider[ONE].talk = silent
        provider[ONE].say(packet(1), packet(2))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host, silence=0.5))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1, 2])
                assert provider[ONE].asked == ["", "2"]

    asyncio.run(scene())


def test_a_half_open_connection_is_noticed() -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def gone(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            await connection.send(match.packets[0])
            connection.transport.pause_reading()
            await asyncio.sleep(60)

        provider[ONE].talk = gone
        provider[ONE].say(packet(1), packet(2))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host, silence=0.5))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1, 2])

    asyncio.run(scene())


def test_a_match_that_is_not_accessible_yet_waits_and_then_starts() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].status = 204
        provider[ONE].say(packet(1))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.state(ONE) == "waiting")
                assert "204" in await f.ask(lambda: f.words(ONE))
                provider[ONE].status = 101
                await f.until(lambda: f.state(ONE) == "live")
                assert await f.ask(lambda: f.seqs(ONE)) == [1]

    asyncio.run(scene())


def test_a_match_that_says_not_started_waits_and_then_starts() -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def before(match: Match, connection: ServerConnection, position: int) -> None:
            await connection.send(not_started())
            await honest(match, connection, position)

        provider[ONE].talk = before
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.state(ONE) == "waiting")
                provider[ONE].say(packet(1))
                await f.until(lambda: f.state(ONE) == "live")
                assert await f.ask(lambda: f.seqs(ONE)) == [0, 1]
        assert provider[ONE].asked == [""]

    asyncio.run(scene())


def test_a_refused_token_asks_for_a_person_and_goes_on_with_another() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].say(packet(1))
        provider.verdict = lambda token: {"authorised": token == "another", "reason": "expired"}
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.state(ONE) == "refused")
                assert await f.ask(lambda: f.words(ONE)) == "the provider refuses the token: expired"
                assert await f.ask(lambda: f.seqs(ONE)) == []
                provider.verdict = lambda token: {"authorised": True}
                await f.until(lambda: f.seqs(ONE) == [1])

    asyncio.run(scene())


def test_a_list_that_refuses_the_token_is_shown_on_the_feed() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host, token="a-wrong-one"))
            async with f.running():
                await f.until(lambda: f.state("discovery") == "refused")
                assert "refuses the token" in await f.ask(lambda: f.words("discovery"))
                asked = len(provider.headers)
                await asyncio.sleep(0.3)
                assert len(provider.headers) <= asked + 1
        assert provider[ONE].asked == []

    asyncio.run(scene())


def test_streams_go_on_while_the_list_fails() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                provider[ONE].say(packet(1))
                await f.until(lambda: f.state(ONE) == "live")
                provider.rest = 503
                await f.until(lambda: f.state("discovery") == "lost")
                provider[ONE].say(packet(2))
                await f.until(lambda: f.seqs(ONE) == [1, 2])
                provider.rest = 200
                await f.until(lambda: f.state("discovery") == "live")

    asyncio.run(scene())


def test_a_feed_that_is_added_switched_off_or_changed_counts_within_seconds() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        async with provider.serving(), f.running():
            source_id = await f.ask(lambda: f.add(provider.host))
            provider[ONE].say(packet(1))
            await f.until(lambda: f.seqs(ONE) == [1], 4)
            await f.until(lambda: f.state(ONE) == "live")
            await f.ask(lambda: Source.objects.filter(pk=source_id).update(enabled=False))
            await f.until(lambda: f.state(ONE) == "lost", 4)
            assert "switched off" in await f.ask(lambda: f.words(ONE))
            provider[ONE].say(packet(2))
            await f.ask(lambda: Source.objects.filter(pk=source_id).update(enabled=True))
            await f.until(lambda: f.seqs(ONE) == [1, 2], 4)
            feed = await f.ask(lambda: Feed.objects.get(pk=source_id))
            settings = {**feed.settings, "host": "http://127.0.0.1:9"}
            await f.ask(lambda: Feed.objects.filter(pk=source_id).update(settings=settings))
            await f.until(lambda: f.state("discovery") == "lost", 4)

    asyncio.run(scene())


def test_a5_a_connection_that_is_gone_for_longer_than_a_hole_is_a_gap_of_its_match_only() -> None:
    async def scene() -> None:
        provider = Provider(ONE, TWO)
        for ref in (ONE, TWO):
            provider[ref].say(packet(1))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host, hole=0.5))
            async with f.running():
                await f.until(lambda: f.state(ONE) == f.state(TWO) == "live")
                provider[ONE].status = 503
                await provider.drop(ONE)
                await f.until(lambda: f.gap_causes() == ["the connection has been lost for over 0.5 s"])
                assert await f.ask(lambda: f.state(TWO)) == "live"
                await asyncio.sleep(1.5)
                assert len(await f.ask(f.gap_causes)) == 1

    asyncio.run(scene())
