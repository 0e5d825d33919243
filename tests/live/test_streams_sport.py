"""One stream for all live matches of a sport: the same frames, each match with its own count (000; promises D1, D3)."""

from __future__ import annotations

import pytest

from markets.models import Fixture
from tests.live.clients import Client, without_time
from tests.live.shops import Shop

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])


@pytest.fixture
def live(shop: Shop) -> Shop:
    """Matches 100 and 200 are live, 300 is not."""
    for ref in ("200", "300"):
        shop.feed.fixture(ref, f"Home {ref} v Away")
        shop.feed.market(ref)
    go(True, 100, 200)
    return shop


def go(live: bool, *matches: int) -> None:
    Fixture.objects.filter(match_id__in=matches).update(phase="live" if live else "finished", revision=50)


def sport(shop: Shop) -> str:
    return f"/live/{shop.alpha.id}/football"


def both(shop: Shop) -> tuple[Client, Client]:
    return shop.socket(sport(shop)).ready(), shop.events(sport(shop)).ready()


def test_it_begins_with_a_snapshot_of_each_live_match(live: Shop) -> None:
    for client in both(live):
        client.wait(lambda c: len(c.matches) == 2)
        assert [f["type"] for _, f in client.frames[:2]] == ["snapshot", "snapshot"]
        assert set(client.matches) == {100, 200}
        assert without_time(client.matches[100].body) == without_time(live.rest())
        client.wait(lambda c: c.listed == {100, 200})


def test_a_match_that_changes_is_told_and_the_others_are_not(live: Shop) -> None:
    for client in both(live):
        client.wait(lambda c: len(c.matches) == 2)
    live.feed.market("200", prices=("2.30", "3.50", "4.00"))
    for client in live.clients:
        client.wait(lambda c: c.of("update"))
        assert {f["matchId"] for f in client.of("update")} == {200}
        client.wait(lambda c: c.matches[200].body["odds"]["fullTime"]["match-result"]["runner-0"]["value"] == 2.30)
        client.wait(lambda c: len(c.of("beat")) > 2)
        assert all(match.broken == [] and not match.stale for match in client.matches.values())
        assert all(len(match.open()) == 3 for match in client.matches.values())


def test_matches_come_and_go_and_come_again(live: Shop) -> None:
    for client in both(live):
        client.wait(lambda c: len(c.matches) == 2)
    go(True, 300)
    for client in live.clients:
        client.wait(lambda c: 300 in c.matches and len(c.matches[300].open()) == 3)
    go(False, 200)
    for client in live.clients:
        client.wait(lambda c: c.matches[200].gone)
        client.wait(lambda c: c.listed == {100, 300})
        assert client.matches[200].open() == {}
    go(True, 200)
    for client in live.clients:
        client.wait(lambda c: not c.matches[200].gone and len(c.matches[200].open()) == 3)
        assert all(match.broken == [] for match in client.matches.values())


def test_a_sport_without_live_matches_is_heard_to_be_alive(shop: Shop) -> None:
    for client in both(shop):
        client.wait(lambda c: len(c.of("beat")) > 1)
        assert client.listed == set()


def test_a_feed_that_falls_silent_is_one_small_frame_a_match(live: Shop) -> None:
    client = live.socket(sport(live)).ready()
    client.wait(lambda c: len(c.matches) == 2)
    live.feed.heard(ago=60)
    client.wait(lambda c: {f["matchId"] for f in c.of("suspend")} == {100, 200})
    assert all(match.open() == {} for match in client.matches.values())
    client.wait(lambda c: {f["matchId"] for f in c.of("update")} == {100, 200})
    live.feed.heard()
    client.wait(lambda c: all(len(match.open()) == 3 for match in c.matches.values()))
