"""Following matches over real sockets: three roads, leases, re-reads, and whatever a provider does (O1, O2, A3, A5, B1, B7, E7)."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from feeds.models import Feed, Frame
from feeds.odds360.simulation.contest import Contest, Status
from feeds.odds360.simulation.faults import Fault
from feeds.odds360.simulation.stream import Pace
from feeds.odds360.simulation.voice import Spelling
from feeds.odds360.simulator import BOOKMAKER, Door, Odds360Simulator
from markets import db
from markets.models import Fixture, Gap, Market, PointLiveness
from tests.feeds.odds360 import following as f

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = f"/bookmaker/{BOOKMAKER}/table-tennis"


def still(**options: Any) -> Odds360Simulator:
    """A provider whose prices hardly move: one live match unless said otherwise."""
    return f.play(**{"matches": 1, "upcoming": 0, "speed": 0.02, "pace": Pace(beat=0.3, drift=600.0, retry=1.0), **options})


def first(provider: Odds360Simulator) -> Contest:
    return next(provider.roster.all(Status.LIVE))


def ref_of(provider: Odds360Simulator) -> str:
    return str(first(provider).card.id)


def cut(provider: Odds360Simulator) -> None:
    """All streams end."""
    for contest in provider.roster.all():
        contest.updates.cut()
        contest.overrides.cut()


async def live_on(road: str, count: int = 1) -> list[PointLiveness]:
    return list(await f.until(lambda: len(found := f.lives(road)) >= count and found, 20))


async def test_every_live_match_is_followed_by_websocket_and_its_payload_is_read() -> None:
    provider = f.play(speed=30)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, intervals={"verify": 1.0}))
        async with f.running():
            ws = await live_on("ws", 2)
            await f.until(lambda: f.frames("updates/") and f.frames("overrides/") and f.frames("verify/"))
            assert {one.lease_seconds for one in ws} == {f.HABITS["push_lease"]}
            assert all(one.data_at for one in ws)
            for one in ws:
                assert await f.ask(partial(f.frames, f"odds/{one.ref}@table-tennis"))


async def test_a_match_to_come_is_read_now_and_then_and_gets_its_streams_when_it_begins() -> None:
    provider = still(upcoming=1)
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        await f.ask(f.read_lists)
        await f.ask(f.work)
        contest = next(provider.roster.all(Status.UPCOMING))
        ref = str(contest.card.id)
        async with f.running():
            line = await f.until(lambda: (found := f.line(ref)) and found.state == "live" and found.rereads >= 2 and found, 15)
            assert (line.road, line.lease_seconds) == ("pre-match", 300)
            assert await f.ask(lambda: len(f.frames(f"odds/{ref}"))) == 1, "it said nothing new"
            assert not await f.ask(lambda: f.frames(f"updates/{ref}"))
            contest.begin_at(0.0)
            await f.until(lambda: (found := f.line(ref)) and found.road == "ws" and found.state == "live", 15)


async def test_no_more_matches_are_followed_than_a_feed_says_and_the_others_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "feeds.odds360.feed")
    provider = f.play(matches=5, upcoming=0)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, most_matches=3, pace={"forget": 1.0}))
        async with f.running():
            first = {one.ref for one in await live_on("ws", 3)}
            await asyncio.sleep(3)
            rows = await f.ask(lambda: set(PointLiveness.objects.exclude(ref="discovery").values_list("ref", flat=True)))
            words = await f.ask(lambda: f.shown("discovery").words)
    assert rows == first, "those that were there first stay, though no list says that the others are gone"
    assert "3 live" in words
    assert "2 beyond the 3 that are followed" in words
    assert [record.getMessage() for record in caplog.records if "are not followed" in record.getMessage()] == [
        "feed tables: 2 matches are not followed: it has over 3"
    ]


async def test_without_websockets_event_streams_carry_it_and_without_those_polling_until_they_are_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "feeds")
    provider = f.play(upcoming=0, door=Door(no_websocket=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            await live_on("sse", 2)
            await f.until(lambda: len(_roads_told(caplog)) == 1, 5)
            provider.door.no_streams = True
            cut(provider)
            polled = await live_on("poll", 2)
            assert all("404" in one.words for one in polled)
            assert {one.lease_seconds for one in polled} == {2 * f.HABITS["poll"]}
            newest = max(one.data_at for one in polled if one.data_at)
            await f.until(lambda: all(one.data_at and one.data_at > newest for one in f.lives("poll")), 10)
            provider.door = Door()
            await live_on("ws", 2)
            await f.until(lambda: len(_roads_told(caplog)) == 3, 5)
            await asyncio.sleep(1)
        assert await f.ask(Gap.objects.count) == 0, "a re-read stood in at once"
    assert _roads_told(caplog) == [
        "websockets do not open, matches read by event streams",
        "streams do not open, matches read by polling",
        "no match has to do without websockets any more",
    ]


async def test_a_fall_from_websockets_to_event_streams_is_told_once_and_once_when_they_are_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "feeds")
    provider = still(matches=2)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"push_lease": 10.0}))
        async with f.running():
            await live_on("ws", 2)
            assert _roads_told(caplog) == []
            for _ in range(2):
                provider.door.no_websocket = True
                cut(provider)
                await live_on("sse", 2)
                await asyncio.sleep(1.5)
                provider.door.no_websocket = False
                await live_on("ws", 2)
                await f.until(lambda: "any more" in _roads_told(caplog)[-1], 5)
    lost, back = "websockets do not open, matches read by event streams", "no match has to do without websockets any more"
    assert _roads_told(caplog) == [lost, back, lost, back]


@pytest.mark.parametrize("spelling", [Spelling(), Spelling(whole=True)])
async def test_a_match_that_has_ended_is_not_told_as_one_whose_streams_do_not_open(
    caplog: pytest.LogCaptureFixture, spelling: Spelling
) -> None:
    caplog.set_level(logging.INFO, "feeds")
    provider = still(spelling=spelling)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, pace={"discovery": 1.5}))
        async with f.running():
            (line,) = await live_on("ws")
            provider.orders.add(Fault.ERROR, "/table-tennis", times=1000)  # so that nobody can say that it has left all lists
            await f.until(lambda: "public: " in f.shown("discovery").words, 10)
            told = len(_roads_told(caplog))
            first(provider)._end(Status.FINISHED)
            await f.until(lambda: f.shown(line.ref).road == "poll", 15)
            looks = provider.asked["/matches-live"]
            await f.until(lambda: provider.asked["/matches-live"] >= looks + 3, 10)
    assert not [words for words in _roads_told(caplog)[told:] if "do not open" in words]


async def test_what_was_told_of_matches_without_streams_is_taken_back_when_they_have_ended(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "feeds")
    provider = still(door=Door(no_streams=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            await live_on("poll")
            await f.until(lambda: _roads_told(caplog) == ["streams do not open, matches read by polling"], 10)
            provider.door = Door()
            first(provider)._end(Status.FINISHED)
            await f.until(lambda: _roads_told(caplog)[1:] == ["no match has to do without websockets any more"], 10)


async def test_without_a_bookmaker_the_public_side_is_polled() -> None:
    provider = f.play(upcoming=0)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, bookmaker=""))
        async with f.running():
            await live_on("poll", 2)
            assert not [path for path in provider.asked if "bookmaker" in path or path.startswith("/live")]
            await f.ask(f.work)
            assert await f.ask(Market.objects.exists)


async def test_a_dashboard_that_does_not_know_us_leaves_the_public_side() -> None:
    provider = f.play(upcoming=0)
    async with provider.serving():
        unknown = "00000000-3600-4360-8360-0dd5360dd536"
        await f.ask(lambda: f.add(provider, bookmaker=unknown))
        async with f.running():
            await live_on("poll", 2)


async def test_a_dashboard_without_its_own_token_is_told_and_the_public_side_carries_on() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, dashboard_token_env="NOBODY_SET_THIS"))
        async with f.running():
            await live_on("ws")
            words = (await f.ask(lambda: f.shown("discovery"))).words
            assert "NOBODY_SET_THIS is not set" in words
            assert not [path for path in provider.asked if path.startswith("/bookmaker")]


async def test_a_bookmaker_that_may_not_see_the_sport_is_told() -> None:
    provider = f.play(upcoming=0)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, sport="tennis"))
        async with f.running():
            await f.until(lambda: (found := f.line("discovery")) and "may not see tennis" in found.words)


@pytest.mark.parametrize("spelling", [Spelling(whole=True), Spelling(bare=True, price="string"), Spelling(price="number")])
async def test_every_spelling_of_the_provider_is_followed(spelling: Spelling) -> None:
    provider = f.play(upcoming=0, speed=30, spelling=spelling)
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            await live_on("ws", 2)
            await f.until(lambda: len(f.frames("updates/")) >= 3)
            await f.ask(f.work)
            assert not await f.ask(lambda: list(Frame.objects.filter(outcome="quarantined").values_list("stream", "reason")))


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.HALF_OPEN])
async def test_a3_a_socket_that_is_open_but_silent_is_not_heard_and_is_made_anew(fault: Fault) -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"poll": 30.0, "live_reread": 25.0}))
        async with f.running():
            (line,) = await live_on("ws")
            stream = first(provider).updates
            stream.begin(fault)
            stream.say(first(provider).voice.beat)
            heard = (await f.ask(lambda: f.shown(line.ref))).heard_at
            assert heard is not None
            silent = await f.until(
                lambda: (found := f.line(line.ref)) and found.heard_at and db.now() - found.heard_at > timedelta(seconds=2) and found, 10
            )
            assert (silent.heard_at - heard).total_seconds() < 2
            again = await f.until(lambda: (found := f.line(line.ref)) and found.reconnects >= 1 and found.state == "live" and found, 15)
            assert "silent for too long" in again.words


async def test_a5_a_frame_that_never_came_opens_a_gap_and_the_payload_that_is_asked_for_at_once_closes_it() -> None:
    provider = f.play(matches=1, upcoming=0, speed=30)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        async with f.running():
            await live_on("ws")
            ref = ref_of(provider)
            first(provider).updates.begin(Fault.GAP)
            causes = await f.until(lambda: f.gaps(ref), 20)
            assert "frames of the updates stream are missing" in causes[0]
            opened = await f.ask(lambda: Gap.objects.order_by("id").values_list("opened_at", flat=True)[0])
            await f.until(lambda: Frame.objects.filter(stream__startswith=f"odds/{ref}", kept_at__gt=opened).exists(), 15)
            assert (await f.ask(lambda: f.shown(ref))).gaps == 1


async def test_a6_an_older_frame_is_not_kept_and_its_stream_is_made_anew() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        async with f.running():
            (line,) = await live_on("ws")
            stream, voice = first(provider).updates, first(provider).voice
            for _ in range(2):
                stream.say(voice.suspend)
            await f.until(lambda: any(b'"suspend"' in body for body in f.frames(f"updates/{line.ref}")), 10)
            stream.beat(lambda seq, _: voice.snapshot(seq - 1, None))
            causes = await f.until(lambda: f.gaps(line.ref), 20)
            assert "a number that does not follow" in causes[0]
            again = await f.until(lambda: (found := f.line(line.ref)) and found.reconnects >= 1 and found.state == "live" and found, 15)
            assert "does not follow" in again.words
            late = f'"seq":{stream.seq - 1},"prevSeq":null'.encode()
            assert not any(late in body for body in await f.ask(lambda: f.frames(f"updates/{line.ref}")))


async def test_a5_a_frame_without_a_number_on_a_stream_that_counts_is_kept_and_holds_the_match_until_the_payload() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        async with f.running():
            (line,) = await live_on("ws")
            contest = first(provider)
            contest.updates.beat(lambda _, __: b'{"type": "update", "matchId": %d, "odds": {}}' % contest.card.id)
            causes = await f.until(lambda: _worked_out(line.ref), 20)
            assert "has no number" in causes[0]
            assert any(b'"odds": {}' in body for body in await f.ask(lambda: f.frames(f"updates/{line.ref}")))
            opened = await f.ask(lambda: Gap.objects.order_by("id").values_list("opened_at", flat=True)[0])
            await f.until(lambda: Frame.objects.filter(stream__startswith=f"odds/{line.ref}", kept_at__gt=opened).exists(), 15)
            assert (await f.ask(lambda: f.shown(line.ref))).reconnects == 0, "the stream goes on"


async def test_a5_a_connection_that_is_lost_for_over_three_seconds_is_a_gap_until_a_good_payload_even_if_it_says_the_same() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            (line,) = await live_on("ws")
            kept = await f.ask(lambda: len(f.frames(f"odds/{line.ref}")))
            provider.orders.add(Fault.ERROR, f"{HOUSE}/{line.ref}", times=1000)
            provider.door.no_streams = True
            cut(provider)
            await f.until(lambda: "lost for over 3 s" in " ".join(f.gaps(line.ref)), 20)
            lost = await f.ask(lambda: f.shown(line.ref))
            assert lost.state == "lost"
            assert "500" in lost.words
            provider.orders._waiting.clear()
            await f.until(lambda: len(f.frames(f"odds/{line.ref}")) > kept, 10)
            provider.door = Door()
            await live_on("ws")
            await asyncio.sleep(2)
            assert await f.ask(lambda: len(f.gaps(line.ref))) == 1, "each loss is told once"


async def test_payloads_that_say_nothing_new_are_not_kept_and_renew_the_data() -> None:
    provider = still(door=Door(no_streams=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            (line,) = await live_on("poll")
            kept = await f.ask(lambda: len(f.frames(f"odds/{line.ref}")))
            later = await f.until(lambda: (found := f.line(line.ref)) and found.rereads >= line.rereads + 5 and found, 15)
            assert later.data_at > line.data_at
            assert await f.ask(lambda: len(f.frames(f"odds/{line.ref}"))) == kept == 1


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.TRUNCATED, Fault.CHANGED])
async def test_an_answer_that_cannot_be_read_is_kept_whole_once_and_asked_for_again(fault: Fault) -> None:
    provider = still(door=Door(no_streams=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            (line,) = await live_on("poll")
            kept = await f.ask(lambda: len(f.frames(f"odds/{line.ref}")))
            provider.orders.add(fault, f"{HOUSE}/{line.ref}", times=3)
            bodies = await f.until(lambda: len(found := f.frames(f"odds/{line.ref}")) >= kept + 2 and found, 15)
            await f.ask(f.work)
            held = await f.ask(lambda: list(Frame.objects.filter(outcome="quarantined").values_list("stream", "reason")))
            assert [stream.partition("@")[0] for stream, _ in held] == [f"odds/{line.ref}"]
            assert bodies[kept] != bodies[-1]
            await live_on("poll")
        assert len(await f.ask(lambda: f.gaps(line.ref))) == 1


async def test_answers_that_fail_or_hang_are_shown_and_asked_for_again_and_other_matches_go_on() -> None:
    provider = f.play(upcoming=0, speed=0.02, door=Door(no_streams=True), pace=Pace(slow=30.0, drift=600.0))
    async with provider.serving():
        await f.ask(lambda: f.add(provider, request_seconds=0.5))
        async with f.running():
            one, other = sorted(await live_on("poll", 2), key=lambda line: line.ref)
            for fault, word in ((Fault.ERROR, "500"), (Fault.CUT, "RemoteProtocolError"), (Fault.SLOW, "in time")):
                provider.orders.add(fault, f"{HOUSE}/{one.ref}", times=1000)
                await f.until(partial(_says, one.ref, word), 20)
                provider.orders._waiting.clear()
                assert (await f.ask(lambda: f.shown(other.ref))).state == "live"
            await f.until(lambda: len(f.lives("poll")) == 2, 15)


async def test_429_keeps_us_away_for_as_long_as_it_says() -> None:
    provider = still(door=Door(no_streams=True), pace=Pace(retry=6.0, drift=600.0))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            (line,) = await live_on("poll")
            provider.orders.add(Fault.TOO_MANY, f"{HOUSE}/{line.ref}")
            await f.until(lambda: _says(line.ref, "429") or _says("discovery", "429"), 10)
            asked = sum(provider.asked.values())
            begun = time.monotonic()
            await asyncio.sleep(1.5)
            assert sum(provider.asked.values()) == asked, "nothing of that host was asked"
            await f.until(lambda: sum(provider.asked.values()) > asked, 10)
            assert time.monotonic() - begun > 1.5
            await live_on("poll")


async def test_rates_are_kept_whatever_there_is_to_ask() -> None:
    provider = f.play(matches=8, upcoming=0, speed=0.02, door=Door(no_streams=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider, rates={"requests": 10.0, "burst": 5}, habits={"poll": 0.1}))
        async with f.running():
            begun, before = time.monotonic(), sum(provider.asked.values())
            await asyncio.sleep(3)
            rest = sum(n for path, n in provider.asked.items() if not path.startswith("/live")) - before
            assert 0 < rest <= 5 + 10 * (time.monotonic() - begun) + 1


async def test_a_token_that_is_refused_asks_a_person_and_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, token="another-key-that-is-wrong"))
        async with f.running():
            line = await f.until(lambda: (found := f.line("discovery")) and found.state == "refused" and found, 10)
            assert "refuses the token" in line.words
    assert "another-key-that-is-wrong" not in caplog.text


async def test_e7_the_token_is_in_no_log_line_and_no_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = f.play(upcoming=0, speed=30)
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            await live_on("ws", 2)
            provider.door.token_refused = True
            cut(provider)
            refused = await f.until(lambda: PointLiveness.objects.filter(words__contains="refuses the token").count() >= 2, 15)
            assert refused
            provider.door = Door(no_websocket=True)
            await live_on("sse", 2)
            rows = await f.ask(
                lambda: str([list(PointLiveness.objects.values()), list(Feed.objects.values("settings")), list(Gap.objects.values())])
            )
    assert f.TOKEN not in caplog.text
    assert f.TOKEN not in rows


async def test_a_match_that_no_list_has_any_more_is_given_up_and_taken_up_when_it_is_back() -> None:
    provider = still(matches=2, pace=Pace(beat=0.3, drift=600.0, away=4.0))
    async with provider.serving():
        await f.ask(lambda: f.add(provider, pace={"forget": 1.5}))
        async with f.running():
            await live_on("ws", 2)
            first(provider).hide()
            gone = await f.until(lambda: PointLiveness.objects.filter(state="ended").first(), 15)
            assert len(await f.ask(f.lives)) == 1
            await f.until(lambda: (found := f.line(gone.ref)) and found.state == "live", 20)


async def test_what_became_of_a_match_is_asked_for_when_it_left_the_lists() -> None:
    provider = f.play(matches=1, upcoming=0, speed=400, spelling=Spelling(bare=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider, pace={"forget": 20.0}))
        async with f.running():
            ref = str((await f.until(lambda: PointLiveness.objects.exclude(ref="discovery").first(), 15)).ref)
            await f.until(lambda: any(b'"finished"' in row for row in f.frames(f"match/{ref}@")), 40)
            await f.ask(f.work)
            assert await f.ask(Fixture.objects.filter(ref=ref, phase="finished").exists)


async def test_a_list_that_fails_gives_nothing_up() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, pace={"forget": 1.0}))
        async with f.running():
            (line,) = await live_on("ws")
            for path in ("/matches-live", "/table-tennis", f"{HOUSE}/matches"):
                provider.orders.add(Fault.ERROR, path, times=1000)
            await f.until(lambda: f.shown("discovery").state == "lost", 10)
            rereads = (await f.ask(lambda: f.shown(line.ref))).rereads
            await f.until(lambda: f.shown(line.ref).rereads >= rereads + 3, 15)
            assert (await f.ask(lambda: f.shown(line.ref))).state == "live"
            provider.orders._waiting.clear()
            await f.until(lambda: f.shown("discovery").state == "live", 10)


async def test_a_match_that_is_over_by_its_own_word_is_given_up_though_a_list_fails_for_ever() -> None:
    provider = still(matches=2)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, pace={"forget": 1.5}))
        async with f.running():
            await live_on("ws", 2)
            provider.orders.add(Fault.ERROR, "/table-tennis", times=1000)
            await f.until(lambda: "public: " in f.shown("discovery").words, 10)
            ended, goes_on = (str(contest.card.id) for contest in list(provider.roster.all(Status.LIVE))[:2])
            first(provider)._end(Status.FINISHED)
            await f.until(lambda: f.shown(ended).state == "ended", 15)
            await f.until(lambda: any(b'"finished"' in row for row in f.frames(f"match/{ended}@")), 10)
            assert (await f.ask(lambda: f.shown(goes_on))).state == "live"


async def test_a_list_that_cannot_be_read_is_kept_and_told_and_another_list_carries_on() -> None:
    provider = still()
    async with provider.serving():
        provider.orders.add(Fault.HTML, "/matches-live", times=1000)
        await f.ask(lambda: f.add(provider))
        async with f.running():
            await live_on("ws")
            words = await f.until(lambda: (found := f.line("discovery")) and "matches-live" in found.words and found.words, 10)
            assert "no list" in words
            assert len([body for body in await f.ask(lambda: f.frames("match/")) if b"Bad Gateway" in body]) == 1


async def test_what_ran_before_a_restart_runs_again() -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        async with f.running():
            (line,) = await live_on("ws")
        async with f.running():
            await f.until(lambda: (found := f.line(line.ref)) and found.state == "live" and found.rereads <= 5, 15)
            await live_on("ws")


async def test_b1_what_cannot_be_stored_is_no_good_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = still(door=Door(no_streams=True))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        await f.ask(partial(let_frames_be_stored, False))
        try:
            async with f.running():
                line = await f.until(lambda: (found := f.line(ref_of(provider))) and "could not be stored" in found.words and found, 15)
                assert line.data_at is None
                await f.ask(partial(let_frames_be_stored, True))
                await live_on("poll")
        finally:
            await f.ask(partial(let_frames_be_stored, True))


def _worked_out(ref: str) -> list[str]:
    """The gaps of a match once everything that waits has been applied."""
    f.work()
    return f.gaps(ref)


def _roads_told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of roads, without the feed and the count of matches."""
    said = [record.getMessage().partition(": ")[2] for record in caplog.records if record.name == "feeds.odds360.feed"]
    return [words.rpartition(": ")[0] or words for words in said]


def _says(ref: str, word: str) -> bool:
    return word in f.shown(ref).words


def let_frames_be_stored(allowed: bool) -> None:
    """Or have the store refuse each."""
    statements = {
        ("postgresql", False): (
            "CREATE FUNCTION no_frames() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
            "CREATE TRIGGER no_frames BEFORE INSERT ON feeds_frame FOR EACH ROW EXECUTE FUNCTION no_frames()",
        ),
        ("postgresql", True): ("DROP TRIGGER IF EXISTS no_frames ON feeds_frame", "DROP FUNCTION IF EXISTS no_frames()"),
        ("sqlite", False): ("CREATE TRIGGER no_frames BEFORE INSERT ON feeds_frame BEGIN SELECT RAISE(ABORT, 'no'); END",),
        ("sqlite", True): ("DROP TRIGGER IF EXISTS no_frames",),
    }
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor, allowed]:
            cursor.execute(statement)
