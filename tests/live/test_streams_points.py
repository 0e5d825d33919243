"""A point that starts reaches a bookmaker's systems as one small frame, before anything is worked out price by price (promise A1)."""

from __future__ import annotations

import time

import pytest

from markets.domain.sports.tennis import Kind
from tests.live.clients import Client, EventClient, SocketClient
from tests.live.shops import house_of
from tests.live.test_points import Courtside, side, umpire

__all__ = ["side", "umpire"]
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])


def test_a1_the_fence_closes_every_stream_at_once_and_only_a_price_after_the_point_opens(side: Courtside) -> None:
    house = house_of(side.alpha)
    base = f"http://127.0.0.1:{side.server.port}/live/{house.id}/football"
    one = f"{base}/{side.fixture.match_id}/updates?token={house.key}"
    clients: list[Client] = [SocketClient(one).ready(), EventClient(one).ready()]
    for client in clients:
        client.wait(lambda c: len(c.match.open()) == 3)
    began = side.umpire.announce(2, urgent=True)
    for client in clients:
        client.wait(lambda c: c.of("suspend"))
        assert client.match.open() == {}
        assert next(at for at, f in client.frames if f["type"] == "suspend") - began < 0.5
    (suspend,) = clients[0].of("suspend")
    assert len(clients[0].texts[[f for _, f in clients[0].frames].index(suspend)]) < 250
    for client in clients:
        client.wait(lambda c: any("fence" in str(f["odds"]) for f in c.of("update")))
    side.umpire.seq = 2
    side.umpire.keep(2)
    side.umpire.only_apply(Kind.POINT_STARTED)
    side.umpire.apply(Kind.REPLAYED)
    time.sleep(0.3)
    assert all(client.match.open() == {} for client in clients)
    side.price("2.20")
    for client in clients:
        client.wait(lambda c: 2.20 in c.match.open().values())
        assert client.match.broken == []
        client.close()
