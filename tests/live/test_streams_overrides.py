"""The ``overrides`` stream: what anybody decides about a bookmaker's prices is told to it at once, and to nobody else (E1, C1, C5)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial

import pytest

from markets.domain.values import OverrideKind, Role, Scope
from markets.live.frames import milliseconds
from markets.models import Selection
from markets.services import holds, overrides
from markets.services.actor import Actor
from tests.live.clients import Client, Json
from tests.live.shops import Shop

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])
HOME = "match-result#runner-0"


def trader(shop: Shop) -> Actor:
    return Actor(id="user:1", name="Ann", user_id=1, roles={shop.alpha.id: Role.TRADER}, bookmaker=shop.alpha.id)


def listeners(shop: Shop) -> tuple[Client, Client]:
    """By WebSocket and by SSE."""
    return shop.socket(shop.path("overrides")).ready(), shop.events(shop.path("overrides")).ready()


def override_on_the_desk(shop: Shop, seconds: int = 60) -> overrides.OverrideEntry:
    first = Selection.objects.order_by("id").values_list("pk", flat=True)[0]
    kind, value = OverrideKind.PRICE, Decimal("2.05")
    return overrides.set_override(trader(shop), shop.alpha.id, first, kind=kind, value=value, seconds=seconds, reason="by hand")


def in_effect(client: Client) -> list[Json]:
    return list(client.match.body["override"])


def told_since(client: Client, count: int) -> bool:
    return len(client.of("update")) > count


def same_as_rest(shop: Shop, *clients: Client) -> None:
    for client in clients:
        client.wait(lambda c: in_effect(c) == shop.rest()["override"])
        assert client.match.broken == []
        assert not client.match.stale


def test_it_begins_with_all_that_is_in_effect(shop: Shop) -> None:
    shop.patch(HOME, oddValue=2.05, durationSeconds=60)
    for client in listeners(shop):
        first = client.frames[0][1]
        assert (first["type"], first["matchId"], first["prevSeq"]) == ("snapshot", 100, None)
        assert [entry["oddValue"] for entry in first["override"]] == [2.05]
        assert first["holds"] == {"all": [], "markets": {}}
    same_as_rest(shop, client)


def test_a_beat_says_that_the_stream_is_alive_and_speaks_of_no_prices(shop: Shop) -> None:
    for client in listeners(shop):
        client.wait(lambda c: c.of("beat"))
        beat = client.of("beat")[0]
        assert set(beat) == {"type", "matchId", "sport", "seq", "prevSeq", "revision", "bookmakerRevision", "validForMs", "now"}
        assert (beat["seq"], beat["prevSeq"], beat["validForMs"]) == (0, 0, 2000)


def test_every_change_by_patch_and_by_the_desk_is_told_within_250_ms_and_to_nobody_else(shop: Shop) -> None:
    socket, events = listeners(shop)
    theirs = shop.socket(shop.path("overrides", of=shop.beta), shop.beta.key).ready()
    changes: list[Callable[[], object]] = [
        lambda: shop.patch(HOME, oddValue=2.05, durationSeconds=60),
        lambda: shop.patch(HOME, oddValue=2.10, durationSeconds=60),
        lambda: shop.patch(HOME, suspended=True, durationSeconds=60),
        lambda: shop.patch(HOME, suspended=False),
        lambda: shop.patch("match-result#runner-1", oddValue=3.4, suspended=True, durationSeconds=60),
    ]
    late = []
    for change in changes:
        before = {client: len(client.of("update")) for client in (socket, events)}
        change()
        done = time.monotonic()
        for client, count in before.items():
            client.wait(partial(told_since, count=count))
        late.append(time.monotonic() - done)
        same_as_rest(shop, socket, events)
    assert statistics.median(late) < 0.25
    theirs.wait(lambda c: c.of("beat"))
    assert {f["type"] for _, f in theirs.frames} == {"snapshot", "beat"}
    assert theirs.match.body["override"] == []
    assert "2.05" not in "".join(theirs.texts)


def test_c1_an_override_that_expires_is_told_by_itself(shop: Shop) -> None:
    socket, events = listeners(shop)
    given = override_on_the_desk(shop, seconds=1)
    for client in (socket, events):
        client.wait(lambda c: any(e.get("ended") for f in c.of("update") for e in f["override"]))
        ended = next(e for f in client.of("update") for e in f["override"] if e.get("ended"))
        assert (ended["oddKey"], ended["oddValue"], ended["by"], ended["reason"]) == (HOME, 2.05, "Ann", "by hand")
        assert client.match.body["override"] == []
    assert given.ends_at is not None


def test_c1_it_ends_on_time(shop: Shop) -> None:
    client = shop.socket(shop.path("overrides")).ready()
    given = override_on_the_desk(shop, seconds=1)
    client.wait(lambda c: any(e.get("ended") for f in c.of("update") for e in f["override"]))
    told = next(f for f in client.of("update") if any(e.get("ended") for e in f["override"]))
    late = milliseconds(datetime.fromisoformat(told["now"])) - milliseconds(given.ends_at)
    assert 0 <= late <= 250


def test_c5_the_stop_button_and_wider_holds_are_told_in_words(shop: Shop) -> None:
    socket, events = listeners(shop)
    theirs = shop.socket(shop.path("overrides", of=shop.beta), shop.beta.key).ready()
    override_on_the_desk(shop)
    market = str(Selection.objects.order_by("id").values_list("market_id", flat=True)[0])
    holds.suspend(trader(shop), shop.alpha.id, Scope.MARKET, market, seconds=60, reason="rain")
    holds.panic(trader(shop), shop.alpha.id)
    for client in (socket, events):
        client.wait(lambda c: c.match.body["holds"]["all"])
        (words,) = client.match.body["holds"]["all"]
        assert words.startswith("hold: everything suspended by Ann")
        assert "rain" in client.match.body["holds"]["markets"]["match-result"][0]
        assert len(client.match.body["override"]) == 1, "a suspension never ends an override (P3)"
    holds.resume(trader(shop), shop.alpha.id, Scope.EVERYTHING, "")
    for client in (socket, events):
        client.wait(lambda c: not c.match.body["holds"]["all"])
    assert theirs.match.body["holds"] == {"all": [], "markets": {}}


def test_the_stop_button_closes_everything_on_updates_too(shop: Shop) -> None:
    client = shop.socket().ready()
    assert len(client.match.open()) == 3
    holds.panic(trader(shop), shop.alpha.id)
    client.wait(lambda c: c.of("suspend"))
    assert client.match.open() == {}
    holds.resume(trader(shop), shop.alpha.id, Scope.EVERYTHING, "")
    client.wait(lambda c: len(c.match.open()) == 3)
