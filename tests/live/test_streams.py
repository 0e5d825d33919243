"""What a bookmaker's systems hear, by WebSocket and by SSE alike (000, "Subscribe to live updates"; promises A12, C1, D1, D3)."""

from __future__ import annotations

from functools import partial

import jsonschema_rs
import pytest
from pytest_django.fixtures import Settings

from markets.api.streams_asyncapi import document
from markets.domain import messages as m
from tests.live.clients import Client, without_time
from tests.live.listening import a_market
from tests.live.shops import Shop

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])
HOME = ("fullTime", "match-result", "runner-0")


def heard(client: Client) -> object:
    return without_time(client.match.body)


def suspended(client: Client, times: int) -> bool:
    return len(client.of("suspend")) >= times


def same_as_rest(shop: Shop, client: Client) -> None:
    client.wait(lambda c: heard(c) == without_time(shop.rest()))
    assert client.match.broken == []


def test_it_begins_with_a_snapshot_of_what_rest_answers_whatever_the_transport(shop: Shop) -> None:
    socket, events = shop.socket().ready(), shop.events().ready()
    for client in (socket, events):
        first = client.frames[0][1]
        assert (first["type"], first["prevSeq"], first["matchId"], first["sport"]) == ("snapshot", None, 100, "football")
        assert heard(client) == without_time(shop.rest())
        assert first["validForMs"] == first["odds"]["fullTime"]["match-result"]["runner-0"]["validForMs"] <= 10_000
    assert len(socket.match.open()) == 3


def test_an_update_names_what_changed_and_both_transports_carry_the_same_bytes(shop: Shop) -> None:
    socket, events = shop.socket().ready(), shop.events().ready()
    shop.feed.market("100", prices=("2.10", "3.50", "4.00"))
    for client in (socket, events):
        client.wait(lambda c: c.of("update"))
    (update,) = socket.of("update")
    assert list(update["odds"]["fullTime"]["match-result"]) == ["runner-0"]
    assert update["odds"]["fullTime"]["match-result"]["runner-0"]["value"] == 2.10
    assert (update["markets"], update["seq"], update["prevSeq"]) == ({}, 1, 0)
    assert "override" not in update
    assert update == events.of("update")[0]
    assert set(socket.texts[1:]) & set(events.texts[1:])
    same_as_rest(shop, socket)


def test_new_markets_and_results_reach_a_listener(shop: Shop) -> None:
    client = shop.socket().ready()
    shop.feed.say("100", m.MarketSet((a_market("8"),)))
    same_as_rest(shop, client)
    assert len(client.match.body["markets"]) == 2


def test_a12_a_beat_each_second_renews_what_is_open_and_names_what_ends_sooner(shop: Shop) -> None:
    client = shop.socket().ready()
    shop.patch("match-result#runner-0", oddValue=2.05, durationSeconds=3)
    client.wait(lambda c: c.match.body["odds"]["fullTime"]["match-result"]["runner-0"]["value"] == 2.05)
    client.wait(lambda c: any(f["odds"] for f in c.of("beat")))
    beat = next(f for f in client.of("beat") if f["odds"])
    assert beat["validForMs"] == 2000
    assert 0 <= beat["odds"]["fullTime"]["match-result"]["runner-0"]["validForMs"] < 2000
    assert beat["now"].endswith("Z")
    assert beat["prevSeq"] == beat["seq"]
    client.wait(lambda c: c.match.body["odds"]["fullTime"]["match-result"]["runner-0"]["value"] == 2.00)
    same_as_rest(shop, client)


def test_everything_closed_at_once_is_one_small_frame_before_the_reasons(shop: Shop) -> None:
    client = shop.socket().ready()
    assert len(client.match.open()) == 3
    shop.feed.heard(ago=60)
    client.wait(lambda c: c.of("suspend"))
    (suspend,) = client.of("suspend")
    assert (suspend["scope"], suspend["prevSeq"], suspend["seq"]) == ("all", 0, 1)
    assert len(client.texts[[f["type"] for _, f in client.frames].index("suspend")]) < 250
    client.wait(lambda c: any("lease" in str(f["odds"]) for f in c.of("update")))
    assert client.match.open() == {}
    same_as_rest(shop, client)
    shop.feed.heard()
    client.wait(lambda c: len(c.match.open()) == 3)
    same_as_rest(shop, client)
    assert not client.match.stale


def test_what_closes_and_opens_again_before_it_was_explained_is_open_again(shop: Shop) -> None:
    """The suspend frame says more than was told price by price, so the update after it names all of it."""
    client = shop.socket().ready()
    for step in range(3):
        shop.feed.heard(ago=60)
        client.wait(partial(suspended, times=step + 1))
        shop.feed.heard()
        client.wait(lambda c: len(c.match.open()) == 3)
    same_as_rest(shop, client)


def test_one_price_that_closes_is_told_as_itself(shop: Shop) -> None:
    client = shop.socket().ready()
    shop.patch("match-result#runner-1", suspended=True, durationSeconds=60)
    client.wait(lambda c: len(c.match.open()) == 2)
    assert client.of("suspend") == []
    assert client.match.body["override"][0]["oddKey"] == "match-result#runner-1"
    same_as_rest(shop, client)


def test_sse_has_no_event_line_numbers_its_frames_and_tells_when_to_come_back(shop: Shop) -> None:
    client = shop.events().ready()
    shop.feed.market("100", prices=("2.10", "3.50", "4.00"))
    client.wait(lambda c: c.of("update"))
    update = next(e for e in client.events if e.json()["type"] == "update")
    assert (update.event, update.id, update.retry) == ("message", str(update.json()["seq"]), None)
    assert client.events[0].retry == 1000
    assert client.answer is not None
    assert client.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert client.answer.headers["cache-control"] == "no-store"
    again = shop.events(**{"Last-Event-ID": update.id}).ready()
    assert again.frames[0][1]["type"] == "snapshot"
    assert again.frames[0][1]["odds"]["fullTime"]["match-result"]["runner-0"]["value"] == 2.10


def test_an_sse_response_ends_and_its_client_comes_again(shop: Shop, settings: Settings) -> None:
    settings.DESK_SSE_SECONDS = 1.0
    first = shop.events().ready()
    assert first.ended() == 200
    assert shop.events().ready().frames[0][1]["type"] == "snapshot"


def test_every_frame_fits_the_asyncapi_document(shop: Shop) -> None:
    dashboard = shop.path("overrides").replace("/live/", "/bookmaker/")
    clients: dict[str, Client] = {"updates": shop.socket(), "overrides": shop.socket(shop.path("overrides"))}
    clients |= {"dashboardOverrides": shop.events(dashboard), "sport": shop.socket(f"/live/{shop.alpha.id}/football")}
    for client in clients.values():
        client.ready()
    shop.patch("match-result#runner-0", oddValue=2.05, durationSeconds=2)
    shop.feed.heard(ago=60)
    clients["updates"].wait(lambda c: c.of("suspend") and c.of("update") and c.of("beat"))
    for name in ("overrides", "dashboardOverrides"):
        clients[name].wait(lambda c: len(c.of("update")) == 2 and c.of("beat"))
    clients["sport"].wait(lambda c: c.of("beat"))
    for channel, client in clients.items():
        for _, frame in client.frames:
            (name,) = (
                n for n in document()["channels"][channel]["messages"] if document()["components"]["messages"][n]["name"] == frame["type"]
            )
            schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
            assert list(jsonschema_rs.validator_for(schema).iter_errors(frame)) == []
