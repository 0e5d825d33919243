"""Lists: pages, the dialect, exact bytes, pages that fail, repeat or cannot be read; what is kept of them, and once (000; feeds.md 3)."""

from __future__ import annotations

import asyncio
import json
import logging
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from feeds import lists, tasks
from feeds.errors import Gone, Hopeless, Retryable, Unreadable
from feeds.models import Feed, Frame, ListedObject, ProviderList
from feeds.odds360 import answers, discovery, mapping
from feeds.odds360.discovery import Found, ListOf
from feeds.odds360.settings import settings_of
from feeds.odds360.simulation.faults import Fault
from feeds.odds360.simulation.stream import Pace
from feeds.odds360.subjects import Kind, subject
from feeds.sweep import Sweeper
from markets import db
from markets.models import PointLiveness
from tests.feeds.odds360 import following as f
from tradingdesk.celery import app

# --- answers -------------------------------------------------------------------------------------------------------------------------


def test_the_objects_of_a_list_keep_their_exact_bytes_and_each_id_counts_once() -> None:
    first, second = b'{ "match_id": 7,"x" :1.50}', b'{"id": "8", "status_type": "Finished"}'
    rows = answers.rows(b"[" + first + b" ,\n" + second + b"," + first + b', {"name": "nobody"}, 3]')
    assert rows is not None
    assert [(one.ref, one.body, one.over) for one in rows.entries] == [("7", first, False), ("8", second, True)]
    assert rows.count == 5


def test_the_sportmicro_id_comes_before_any_other() -> None:
    rows = answers.rows(b'[{"id": 3, "match_id": 2450840}]')
    assert rows is not None
    assert [one.ref for one in rows.entries] == ["2450840"]


def test_matches_that_are_grouped_by_date_and_league_are_found() -> None:
    grouped = [{"date": "2026-11-20", "league_id": 5, "matches": [{"id": 1}, {"id": 2}]}, {"league_id": 6, "matches": []}]
    rows = answers.rows(json.dumps(grouped).encode())
    assert rows is not None
    assert [(one.ref, one.body) for one in rows.entries] == [
        ("1", b'{"date":"2026-11-20","league_id":5,"matches":[{"id": 1}]}'),
        ("2", b'{"date":"2026-11-20","league_id":5,"matches":[{"id": 2}]}'),
    ]


def test_only_what_is_read_of_a_league_is_repeated_with_each_of_its_matches() -> None:
    matches = ",".join(f'{{"id":{n}}}' for n in range(1, 1001))
    wide = f'[{{"league_name": "Elite", "notes": "{"z" * 2_000_000}", "class": {{"id": 3}}, "matches": [{matches}]}}]'
    rows = answers.rows(wide.encode())
    assert rows is not None
    assert len(rows.entries) == 1000
    assert rows.entries[999].body == b'{"league_name":"Elite","class":{"id": 3},"matches":[{"id":1000}]}'
    assert sum(len(one.body) for one in rows.entries) < 100_000


@pytest.mark.parametrize("name", ["league", "class_name", "date"])
def test_a_league_whose_name_is_too_long_to_repeat_makes_its_answer_unreadable(name: str) -> None:
    assert answers.rows(json.dumps([{name: "z" * 5000, "matches": [{"id": 1}]}]).encode()) is None
    assert answers.rows(json.dumps([{name: "z" * 5000, "matches": []}, {"id": 2}]).encode()) is not None


def test_no_more_of_a_list_is_read_than_its_bound_and_the_rest_is_told() -> None:
    many = json.dumps([{"id": n} for n in range(1, 12)]).encode()
    grouped = json.dumps([{"league_id": 5, "matches": [{"id": n} for n in range(1, 12)]}]).encode()
    for body in (many, grouped):
        rows, whole = answers.rows(body, most=10), answers.rows(body, most=11)
        assert rows is not None
        assert whole is not None
        assert (len(rows.entries), rows.cut, len(whole.entries), whole.cut) == (10, True, 11, False)
    assert answers.rows(b"[" + b"1," * 2_000_000 + b"1]") is None


def test_matches_are_looked_for_in_the_league_of_a_date_and_no_deeper() -> None:
    dated = '[{"date": "2026-11-20", "matches": [{"league_id": 5, "matches": [%s]}]}]'
    rows, deeper = (answers.rows((dated % inner).encode()) for inner in ('{"id": 1}', '{"matches": [{"id": 1}]}'))
    assert rows is not None
    assert deeper is not None
    assert [one.ref for one in rows.entries] == ["1"]
    assert deeper.entries == ()


@pytest.mark.parametrize("status", ["live", "In Progress", "in-play", "INPLAY", {"type": "inprogress"}, {"name": "Live"}])
@pytest.mark.parametrize("name", ["status", "status_type"])
def test_both_names_of_the_status_field_are_read(name: str, status: Any) -> None:
    rows = answers.rows(json.dumps([{"id": 1, name: status}]).encode())
    assert rows is not None
    assert rows.entries[0].live


@pytest.mark.parametrize("body", [b"<html>", b'[{"id": 1}', b'{"data": []}', b"null", b"3", b"[" * 100_000])
def test_what_is_no_list_is_told_apart_from_an_empty_one(body: bytes) -> None:
    assert answers.rows(body) is None
    assert answers.rows(b"[]") == answers.rows(b"") == answers.Rows((), 0)


_names = st.sampled_from(["id", "matchId", "match_id", "odds", "matches", "status", "revision"])
_plain = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_nested = st.lists(_plain, max_size=3) | st.dictionaries(_names, _plain, max_size=4)
_values = _plain | _nested | st.lists(_nested, max_size=3) | st.dictionaries(_names, _nested, max_size=4)


@given(st.binary(max_size=80) | _values.map(lambda value: json.dumps(value).encode()))
def test_no_answer_is_an_exception(body: bytes) -> None:
    answers.rows(body)
    answers.content(body)
    try:
        answers.payload(body, "7")
    except Gone:
        assert body.lstrip().startswith(b"[")


def test_a_payload_is_good_when_it_holds_odds_of_that_match() -> None:
    assert answers.payload(b'{"matchId": 7, "odds": {}}', "7").good
    assert answers.payload(b'{"odds": {}}', "7").good
    assert answers.payload(b'{"id": "row", "matchId": 7, "odds": {}}', "7").good
    for other in (b'"matchId": 8', b'"matchId": 7.0', b'"matchId": "07"', b'"id": "abc-7"', b'"id": 7, "match_id": 8'):
        assert not answers.payload(b'{%s, "odds": {}}' % other, "7").good, other
    for body in (b'{"matchId": 7}', b'{"matchId": 7, "odds": []}', b"<html>", b'{"matchId": 7, "odds": {'):
        assert not answers.payload(body, "7").good, body
    listed = answers.payload(b'[{"match_id": 7, "odds": {}} ]', "7")
    assert (listed.good, listed.body) == (True, b'{"match_id": 7, "odds": {}}')
    assert answers.payload(b'[{"match_id": 7}]', "7").row
    with pytest.raises(Gone):
        answers.payload(b"[]", "7")


@pytest.mark.parametrize(
    "said",
    [
        '[{"match_id": 7, "odds": {}}, SUSPENDED]',
        '[{"league_id": 1, "matches": [{"match_id": 7, "odds": {}}]}, {"league_id": 2, "matches": [SUSPENDED]}]',
        '[{"odds": {}}, {"odds": {}, "suspended": true}]',
    ],
)
def test_a_list_that_has_the_match_twice_is_no_payload_and_kept_whole_so_that_it_holds(said: str) -> None:
    said = said.replace("SUSPENDED", '{"match_id": 7, "odds": {}, "suspended": true}')
    found = answers.payload(said.encode(), "7")
    assert (found.good, found.row, found.body) == (False, False, said.encode())
    with pytest.raises(Unreadable):
        mapping.parse(found.body, subject(Kind.ODDS, "7"))


@pytest.mark.parametrize("filling", [b"1," * 60_001 + b"1", b'"' + b"z" * (2 << 20) + b'"'])
@pytest.mark.parametrize("listed", [False, True])
def test_a_payload_that_nobody_could_apply_for_its_size_is_none(filling: bytes, listed: bool) -> None:
    body = b'{"matchId": 7, "odds": {"fullTime": {}}, "x": [%s]}' % filling
    body = b"[" + body + b"]" if listed else body
    found = answers.payload(body, "7")
    assert (found.good, found.body) == (False, body)
    with pytest.raises(Unreadable):
        mapping.parse(body, subject(Kind.ODDS, "7"))


def test_a_long_answer_is_compared_by_its_bytes_so_that_comparing_costs_little_memory() -> None:
    body = b'{"matchId": 7, "x": [' + b"1," * 2_000_000 + b"1]}"
    tracemalloc.start()
    try:
        assert answers.content(body) != answers.content(body + b" ")
        assert answers.row_content(body) == answers.row_content(bytes(body))
        answers.payload(body, "7")
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.modeless
@pytest.mark.parametrize(
    ("said", "over"),
    [
        ({}, False),
        ({"phase": "live"}, False),
        ({"status": "in the coffee break"}, False),
        ({"status": ["finished"]}, False),
        ({"phase": "finished"}, True),
        ({"status": {"type": "finished"}}, True),
        ({"status_type": "live", "status": "Ended"}, True),
        ({"status_type": "walk-over"}, True),
    ],
)
def test_a_payload_says_by_any_name_of_its_status_that_the_match_is_over(said: dict[str, Any], over: bool) -> None:
    assert answers.payload(json.dumps({"matchId": 7, "odds": {}, **said}).encode(), "7").over is over


def test_the_content_of_an_answer_is_what_it_says_of_the_match() -> None:
    one = answers.content(b'{"matchId": 7, "odds": {"fullTime": {"w": {"h": {"value": 1.5, "validForMs": 2000}}}}}')
    assert one == answers.content(b'{"odds":{"fullTime":{"w":{"h":{"validForMs":1999,"value":1.5}}}},"matchId":7,"now":"2026"}')
    assert one != answers.content(b'{"matchId": 7, "odds": {"fullTime": {"w": {"h": {"value": 1.51, "validForMs": 2000}}}}}')
    assert answers.row_content(b'{"id": 7, "odds": {"a": 1}, "totalOdds": 3}') == answers.row_content(b'{"id":7}')
    listed = b'{"date": "2026-06-11", "matches": [{"id": 7, "duration": %d}]}'
    assert answers.row_content(listed % 1) == answers.row_content(listed % 2)


@pytest.mark.parametrize("name", ["duration", "now", "validForMs", "checkedAt", "requestId"])
@pytest.mark.parametrize(
    "odds",
    ['{"%s": {"w": {"h": 1.5}}}', '{"g": {"%s": {"h": 1.5}}}', '{"g": {"w": {"%s": 1.5}}}', '{"g": {"w": {"outcomes": {"%s": 1.5}}}}'],
)
def test_a_group_market_or_outcome_of_any_name_is_seen_to_change(name: str, odds: str) -> None:
    before = '{"matchId": 7, "odds": ' + odds % name + "}"
    assert answers.content(before.encode()) != answers.content(before.replace("1.5", "1.6").encode())


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ('{"odds": {"w": 1.5}}', '{"odds": {"w": 1.4}, "odds": {"w": 1.5}}'),
        ('{"odds": {"g": {"w": {"h": 1.5}}}}', '{"odds": {"g": {"w": {"h": 1.4, "h": 1.5}}}}'),
        ('{"odds": {"w": 1.85}}', '{"odds": {"w": 1.85000000000000000001}}'),
        ('{"odds": {"w": 1.85}}', '{"odds": {"w": "1.85"}}'),
    ],
)
def test_what_is_named_twice_or_has_other_digits_is_other_content(said: str, other: str) -> None:
    assert answers.content(said.encode()) != answers.content(other.encode())


@pytest.mark.parametrize(
    "body", [b'{"a": 1e99999999999999999999}', b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 5000, b"\xff", b'{"a": 1' + b"0" * 6000 + b"}"]
)
def test_anything_has_a_digest(body: bytes) -> None:
    assert answers.content(body) != answers.content(body + b" {")


# --- pages ---------------------------------------------------------------------------------------------------------------------------


def pages(*given: list[int] | Exception | bytes) -> tuple[ListOf, discovery.Ask]:
    """A list of pages of two."""

    async def ask(url: str) -> bytes:
        number = int(url)
        answer = given[number] if number < len(given) else []
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps([{"id": one} for one in answer]).encode()

    return ListOf("list", str, 2), ask


async def read(*given: list[int] | Exception | bytes) -> Found:
    return await discovery.read(*pages(*given), 10)


def refs(found: Found) -> list[str]:
    return [one.ref for one in found.entries]


@pytest.mark.modeless
async def test_pages_are_read_until_one_is_not_full() -> None:
    assert refs(await read([1, 2], [3, 4], [5])) == ["1", "2", "3", "4", "5"]
    assert refs(await read([1, 2], [])) == ["1", "2"]
    assert refs(await read([])) == []


@pytest.mark.modeless
async def test_a_list_that_is_longer_than_we_read_is_not_whole() -> None:
    found = await read(*([2 * n + 1, 2 * n + 2] for n in range(11)))
    assert (len(found.entries), found.pages, found.whole) == (20, 10, False)
    assert found.trouble is not None
    assert found.trouble.words == "it has over 10 pages"
    assert (await read(*([2 * n + 1, 2 * n + 2] for n in range(9)), [19])).whole


@pytest.mark.modeless
async def test_a_page_that_is_longer_than_we_read_ends_a_list_that_is_not_whole() -> None:
    found = await discovery.read(*pages([1, 2, 3, 4], [5, 6]), 10, most_rows=3)
    assert (refs(found), found.pages, found.whole) == (["1", "2", "3"], 1, False)
    assert found.trouble is not None
    assert found.trouble.words == "a page of it has over 3 objects"


@pytest.mark.modeless
async def test_a_list_of_objects_without_end_is_read_to_a_bound() -> None:
    big = [json.dumps([{"id": n, "x": "z" * 1_000_000}]).encode() for n in range(1, 30)]
    one, ask = pages(*big)
    found = await discovery.read(ListOf(one.name, one.url, 1), ask, 40)
    assert not found.whole
    assert sum(len(entry.body) for entry in found.entries) < discovery.MOST_BYTES + 1_100_000


@pytest.mark.modeless
async def test_the_loop_goes_on_while_a_long_list_is_read() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.ensure_future(count())
    await asyncio.sleep(0)
    body = json.dumps([{"id": n, "x": "z" * 1000} for n in range(1, 2000)]).encode()
    found = await discovery.read(ListOf("list", str, 5000), pages(body)[1], 1)
    counting.cancel()
    assert len(found.entries) == 1999
    assert turns > 2


@pytest.mark.modeless
async def test_a_page_that_fails_does_not_stop_the_others() -> None:
    found = await read([1, 2], Retryable("500"), [5, 6], b"<html>", [9])
    assert refs(found) == ["1", "2", "5", "6", "9"]
    assert not found.whole
    assert found.trouble is not None
    assert found.unreadable == (b"<html>",)


@pytest.mark.modeless
async def test_a_list_that_fails_and_fails_is_left_for_later() -> None:
    found = await read([1, 2], Retryable("500"), Retryable("500"), [7])
    assert refs(found) == ["1", "2"]
    assert refs(await read([1, 2], Hopeless("400"), [7])) == ["1", "2"]


@pytest.mark.modeless
async def test_a_list_that_gives_the_same_page_for_ever_ends() -> None:
    found = await read([1, 2], [1, 2], [1, 2])
    assert (refs(found), found.repeated, found.pages) == (["1", "2"], True, 2)


@pytest.mark.modeless
async def test_a_list_that_is_not_there_is_told_apart_from_one_that_is_empty() -> None:
    assert (await read(Gone("404"))).missing
    assert not (await read([])).missing


# --- the slow lists, kept ------------------------------------------------------------------------------------------------------------


def due_again() -> None:
    ProviderList.objects.update(due_at=db.now() - timedelta(seconds=1))


async def test_matches_of_all_lists_are_kept_once_with_their_sport_and_leagues_beside_them(transactional_db: None) -> None:
    provider = f.play(matches=3, upcoming=4)
    async with provider.serving():
        await f.ask(lambda: f.add(provider, page=2))
        await f.ask(f.read_lists)
        kept = await f.ask(lambda: set(Frame.objects.values_list("stream", flat=True)))
        assert kept == {f"match/{contest.card.id}@table-tennis" for contest in provider.roster.all()}
        leagues = await f.ask(lambda: list(ListedObject.objects.filter(list="leagues").values_list("body", flat=True)))
        assert all(json.loads(bytes(body))["name"] for body in leagues)
        assert len(leagues) >= 2
        states = await f.ask(lambda: {name: (rows, words) for _, name, _, rows, words, _ in lists.states()})
        assert {name for name, (rows, words) in states.items() if rows and not words} == {
            "matches_by_date", "matches", "leagues", "classes", "public", "dashboard"
        }  # fmt: skip
        count = await f.ask(Frame.objects.count)
        await f.ask(due_again)
        asked = dict(provider.asked)
        await f.ask(f.read_lists)
        assert provider.asked["/matches"] > asked["/matches"]
        statuses = {c.card.id: c.status for c in provider.roster.all()}
        assert await f.ask(Frame.objects.count) - count <= len(statuses), "only what has changed meanwhile is kept again"


async def test_the_worker_reads_lists_beside_the_drains_as_beat_or_the_embedded_desk_asks_it_to(transactional_db: None) -> None:
    assert app.conf.beat_schedule["lists"]["task"] == tasks.read_lists.name
    provider = f.play(pace=Pace(slow=2.0))
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        provider.orders.add(Fault.SLOW, "/matches-by-date")
        sweeper = Sweeper()
        await f.ask(lambda: tasks.read_lists() if settings.DESK_SCALED else sweeper.start())
        try:
            await f.until(lambda: {name for _, name, at, *_ in lists.states() if at} >= {"matches", "leagues", "classes", "public"}, 30)
        finally:
            if not settings.DESK_SCALED:
                await f.ask(sweeper.stop)


async def test_of_several_workers_one_reads_a_list(transactional_db: None) -> None:
    provider = f.play()
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        await f.ask(f.read_lists)
        asked = dict(provider.asked)
        await f.ask(f.read_lists)
        assert provider.asked == asked


async def test_one_list_that_fails_is_shown_and_read_again_soon_and_the_others_go_on(transactional_db: None) -> None:
    provider = f.play()
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        provider.orders.add(Fault.ERROR, "/leagues", times=2)
        provider.orders.add(Fault.HTML, "/matches-by-date", times=4)
        provider.orders.add(Fault.TOO_MANY, "/classes")
        await f.ask(f.read_lists)
        states = await f.ask(lambda: {name: words for _, name, _, _, words, _ in lists.states()})
        assert "500" in states["leagues"]
        assert states["matches_by_date"] == "an answer is no list"
        assert "429" in states["classes"]
        assert states["matches"] == states["public"] == ""
        waits = await f.ask(lambda: {one.name: (one.due_at, one.read_at) for one in ProviderList.objects.all()})
        assert waits["leagues"][1] is None
        assert waits["leagues"][0] < waits["matches"][0]
        assert await f.ask(lambda: f.frames("match/")[-1:] != [])


async def test_a_list_that_a_provider_never_had_is_told_once_in_grey_and_seldom_asked_for(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "feeds.lists")
    provider = f.play()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, paths={"matches_by_date": "/no-such-list", "matches": "/nor-this"}))
        for _ in range(2):
            await f.ask(f.read_lists)
            states = await f.ask(lambda: {name: (words, absent) for _, name, _, _, words, absent in lists.states()})
            assert states["matches_by_date"] == states["matches"] == (lists.NOT_SERVED, True)
            assert states["public"] == ("", False)
            dues = await f.ask(lambda: dict(ProviderList.objects.values_list("name", "due_at")))
            assert dues["matches"] > await f.ask(db.now) + timedelta(seconds=0.9 * lists.ABSENT_SECONDS)
            await f.ask(due_again)
    told = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "feeds.lists"]
    assert told == [("INFO", f"feed tables: the list {name} is not served there") for name in ("matches_by_date", "matches")]


async def test_a_list_that_was_there_and_is_not_any_more_is_trouble(transactional_db: None) -> None:
    provider = f.play()
    async with provider.serving():
        await f.ask(lambda: f.add(provider))
        await f.ask(f.read_lists)
        await f.ask(due_again)
        await f.ask(lambda: _moved({"leagues": "/no-such-list", "public_leagues": "/nor-this"}))
        await f.ask(f.read_lists)
        states = await f.ask(lambda: {name: (words, absent) for _, name, _, _, words, absent in lists.states()})
        assert "404" in states["leagues"][0]
        assert not states["leagues"][1]


async def test_a_slow_list_does_not_speak_of_a_match_that_is_followed_live(transactional_db: None) -> None:
    provider = f.play(upcoming=0)
    async with provider.serving():
        source_id = await f.ask(lambda: f.add(provider))
        ref = str(next(provider.roster.all()).card.id)
        await f.ask(lambda: _followed(source_id, ref))
        await f.ask(f.read_lists)
        assert await f.ask(lambda: f.frames(f"match/{ref}")) == []
        assert await f.ask(lambda: Frame.objects.filter(stream__startswith="match/").exists())


def _moved(paths: dict[str, str]) -> None:
    feed = Feed.objects.get()
    feed.settings["paths"] = paths
    feed.save()


def _followed(source_id: int, ref: str) -> None:
    now = db.now()
    PointLiveness.objects.create(source_id=source_id, ref=ref, heard_at=now, state="live", road="ws", changed_at=now)


# --- addresses and settings ----------------------------------------------------------------------------------------------------------


def said(**more: Any) -> dict[str, Any]:
    return {"host": "table-tennis.example.com", "odds_host": "odds.example.com", **more}


def test_lists_are_asked_for_in_the_dialect() -> None:
    found = discovery.slow_lists(settings_of(said(bookmaker="5f0c8a4e-3600-4360-8360-0dd5360dd536")), ["2026-11-20", "2026-11-21"])
    first = found["matches_by_date"][0].url(2)
    assert first == "https://table-tennis.example.com/matches-by-date?lang=en&date=eq.2026-11-20&limit=50&offset=100"
    assert found["leagues"][1].url(0) == "https://odds.example.com/table-tennis-leagues?limit=50&offset=0"
    dashboard = found["dashboard"][0].url(3)
    assert dashboard == "https://odds.example.com/bookmaker/5f0c8a4e-3600-4360-8360-0dd5360dd536/table-tennis/matches?page=3"
    live = [one.url(0) for one in discovery.live_lists(settings_of(said()))]
    assert live[0] == "https://table-tennis.example.com/matches-live?lang=en&limit=50&offset=0"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hosts": "x"}, "unknown field"),
        ({"habits": {"pol": 1}}, "unknown field"),
        ({"sport": "Table Tennis"}, "is no sport that the desk knows"),
        ({"bookmaker": "me"}, "bookmaker is a UUID"),
        ({"habits": {"live_reread": 26}}, "within 25 s"),
        ({"send_overrides": True}, "needs bookmaker"),
        ({"rates": {"requests": 0}}, "above 0"),
        ({"most_matches": 0}, "most_matches are above 0"),
        ({"host": "http://odds.example.com"}, "plain text"),
        ({"host": "user:pass@odds.example.com"}, "credential"),
        ({"dashboard_token_env": "DESK_SECRET"}, "desk's own"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Hopeless, match=words):
        settings_of(said(**wrong))
