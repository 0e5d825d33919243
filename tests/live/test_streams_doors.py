"""Who may hear a bookmaker's streams, and for how long (promises E1, E2, E6, E7; decisions O5, O7)."""

from __future__ import annotations

import time
from datetime import timedelta

import httpx
import pytest
from pytest_django.fixtures import Settings

from markets import db
from markets.domain.values import Role
from markets.models import ApiKey, Bookmaker, Fixture, Member
from markets.services import bookmakers
from markets.services.actor import of_command
from markets.sessions import SessionStore
from tests.live.clients import Client
from tests.live.listening import signed_in
from tests.live.shops import House, Shop, house_of

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])
NOBODY = "11111111-2222-4333-8444-555555555555"
PAGE = "https://shop.example"


def refusals(shop: Shop, path: str, key: str | None = None) -> tuple[int, int]:
    """The close code and the status for the same request."""
    return shop.socket(path, key).ended(), shop.events(path, key).ended()


def get(shop: Shop, path: str, **headers: str) -> httpx.Response:
    return httpx.get(shop.url(path), headers=headers)


def test_a_key_opens_by_query_or_bearer_and_nothing_else_does(shop: Shop) -> None:
    shop.socket().ready()
    shop.socket(key="", bearer=shop.alpha.key).ready()
    shop.events(key="", Authorization=f"Bearer {shop.alpha.key}").ready()
    for key in ("", "nonsense", shop.alpha.key[:-1], shop.alpha.key.replace("desk_", "Desk_")):
        assert refusals(shop, shop.path(), key) == (4401, 401)
    assert shop.events(key="", Authorization=f"Basic {shop.alpha.key}").ended() == 401
    session = signed_in("ann", Bookmaker.objects.get(pk=shop.alpha.id))
    assert shop.events(key="", Cookie=f"sessionid={session}").ended() == 401


def test_e1_foreign_and_unknown_bookmakers_sports_and_matches_answer_alike(shop: Shop) -> None:
    tennis = shop.feed.fixture("900", "Ann v Bea", sport="24")
    assert tennis.match_id == 900
    assert tennis.sport is not None
    foreign = [
        *(shop.path(match=match) for match in (900, 999, "x")),
        *(shop.path(sport=sport) for sport in ("tennis", "no-sport")),
        shop.path(sport=tennis.sport.slug, match=900),
        *(shop.path(rest, of=shop.beta) for rest in ("updates", "overrides")),
        *(f"/live/{house}/{sport}" for house, sport in ((NOBODY, "football"), (shop.beta.id, "football"), (shop.alpha.id, "tennis"))),
        *(
            shop.path("nothing"),
            f"/live/{NOBODY}/football/100/updates",
            "/live/x/football/100/updates",
            "/live/x",
            f"/live/{shop.alpha.id}",
        ),
        *(f"/bookmaker/{house}/football/100/updates" for house in (NOBODY, shop.beta.id)),
    ]
    answers = {path: get(shop, path, Authorization=f"Bearer {shop.alpha.key}", **{"X-Request-Id": "same"}) for path in foreign}
    assert {(a.status_code, a.content) for a in answers.values()} == {(404, next(iter(answers.values())).content)}
    assert len({frozenset(a.headers.items() - {("date", a.headers.get("date"))}) for a in answers.values()}) == 1
    assert {shop.socket(path).ended() for path in foreign if path.startswith("/live/")} == {4404}
    for path in foreign:
        assert get(shop, path).status_code == 401


def test_a_key_without_the_scope_for_odds_hears_nothing(shop: Shop) -> None:
    ops = house_of(Bookmaker.objects.get(pk=shop.alpha.id), "ops")
    assert refusals(shop, shop.path(), ops.key) == (4403, 403)
    assert refusals(shop, shop.path(of=shop.beta), ops.key) == (4404, 404)


def test_p5_simulated_fixtures_are_heard_by_demo_bookmakers_only(shop: Shop) -> None:
    Fixture.objects.filter(pk=shop.fixture.pk).update(simulated=True)
    assert refusals(shop, shop.path()) == (4404, 404)
    Bookmaker.objects.filter(pk=shop.alpha.id).update(demo=True)
    shop.socket().ready()


def revoke(house: House) -> None:
    bookmakers.revoke_key(of_command(), house.key_id)


def expire(house: House) -> None:
    ApiKey.objects.filter(pk=house.key_id).update(expires_at=db.now() + timedelta(seconds=1))


@pytest.mark.parametrize("happens", [revoke, expire])
def test_e2_open_streams_of_a_key_that_ends_close_within_five_seconds(shop: Shop, happens: object) -> None:
    paths = [shop.path(), shop.path("overrides"), f"/live/{shop.alpha.id}/football"]
    sockets = [shop.socket(path).ready() for path in paths]
    events = [shop.events(path).ready() for path in paths]
    theirs = shop.socket(shop.path(of=shop.beta), shop.beta.key).ready()
    start = time.monotonic()
    happens(shop.alpha)  # type: ignore[operator]
    for client, code in [*((s, 4401) for s in sockets), *((e, 200) for e in events)]:
        client.wait(lambda c: c.code, 6.5)
        assert client.code == code
        assert client.closed_at - start < 6
        assert max(at for at, _ in client.frames) - start < 6
    assert theirs.code is None
    assert refusals(shop, shop.path()) == (4401, 401)


def test_a_sport_taken_away_says_gone_and_ends(shop: Shop) -> None:
    client, other = shop.socket().ready(), shop.events().ready()
    Bookmaker.objects.get(pk=shop.alpha.id).sports.clear()
    assert client.ended() == 4404
    assert other.ended() == 200
    for one in (client, other):
        assert one.frames[-1][1]["type"] == "gone"
        assert one.match.open() == {}


def test_e6_guessing_keys_is_limited_and_a_right_key_is_never_kept_out(shop: Shop) -> None:
    codes = [shop.events(key=f"desk_aaaaaaaaaa_{number}").ended() for number in range(31)]
    assert codes == [401] * 30 + [429]
    assert shop.socket(key="desk_aaaaaaaaaa_x").ended() == 4429
    refused = get(shop, shop.path(), Authorization="Bearer desk_aaaaaaaaaa_y")
    assert (refused.status_code, refused.json()["error"]) == (429, "too-many")
    assert 1 <= int(refused.headers["retry-after"]) <= 301
    shop.socket().ready()
    shop.events().ready()


def test_the_streams_of_one_key_and_its_new_ones_in_a_second_are_bounded(shop: Shop, settings: Settings) -> None:
    settings.DESK_STREAMS_EACH = 2
    open_ones: list[Client] = [shop.socket().ready(), shop.events().ready()]
    assert refusals(shop, shop.path()) == (4429, 429)
    assert get(shop, shop.path(), Authorization=f"Bearer {shop.alpha.key}").headers["retry-after"] == "1"
    shop.socket(shop.path(of=shop.beta), shop.beta.key).ready()
    open_ones[0].close()
    settings.DESK_STREAMS_EACH = 50
    settings.DESK_STREAM_CONNECTS = 1
    time.sleep(1.1)
    codes = {shop.socket().ready().code if number == 0 else shop.events().ended() for number in range(3)}
    assert codes == {None, 429}
    time.sleep(1.1)
    shop.socket().ready()


def test_o5_pages_of_listed_origins_may_listen_and_no_others(shop: Shop) -> None:
    shop.socket(origin=f"http://127.0.0.1:{shop.server.port}").ready()
    for origin in (PAGE, "null"):
        assert shop.socket(origin=origin).ended() == 4403
        assert shop.events(Origin=origin).ended() == 403
    assert shop.events(Origin="http://[").ended() == 403  # no origin at all
    bookmakers.update(of_command(), shop.alpha.id, origins=[PAGE])
    shop.socket(origin=PAGE).ready()
    listening = shop.events(Origin=PAGE).ready()
    assert listening.answer is not None
    assert listening.answer.headers["access-control-allow-origin"] == PAGE
    server = shop.events().ready()
    assert server.answer is not None
    assert "access-control-allow-origin" not in server.answer.headers
    assert shop.socket(shop.path(of=shop.beta), shop.beta.key, origin=PAGE).ended() == 4403
    assert shop.socket(shop.path(of=shop.beta), origin="https://evil.example").ended() == 4404
    bookmakers.update(of_command(), shop.alpha.id, origins=[])
    assert listening.ended() == 200


def test_o5_a_preflight_tells_nothing_of_a_bookmaker(shop: Shop) -> None:
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    answers = [httpx.options(shop.url(path), headers=asks) for path in (shop.path(), shop.path(of=shop.beta), f"/live/{NOBODY}/x")]
    assert {a.status_code for a in answers} == {204}
    assert len({frozenset(a.headers.items() - {("date", a.headers.get("date"))}) for a in answers}) == 1
    assert httpx.post(shop.url(shop.path())).status_code == 405


def test_the_dashboard_listens_with_its_session_or_a_key_on_our_own_pages_only(shop: Shop) -> None:
    session = signed_in("ann", Bookmaker.objects.get(pk=shop.alpha.id), Role.VIEWER)
    cookie = {"Cookie": f"sessionid={session}"}
    for kind in ("updates", "overrides"):
        path = f"/bookmaker/{shop.alpha.id}/football/{shop.fixture.match_id}/{kind}"
        mine = shop.events(path, key="", **cookie).ready()
        assert mine.frames[0][1]["type"] == "snapshot"
        shop.events(path, key="", **cookie, Origin=f"http://127.0.0.1:{shop.server.port}").ready()
        shop.events(path).ready()
        assert shop.events(path, key="", **cookie, Origin=PAGE).ended() == 403
        assert shop.events(path, key="").ended() == 401
        foreign = f"/bookmaker/{shop.beta.id}/football/{shop.fixture.match_id}/{kind}"
        assert shop.events(foreign, key="", **cookie).ended() == 404
    SessionStore(session).delete()
    start = time.monotonic()
    assert mine.ended() == 200
    assert time.monotonic() - start < 5


def test_e2_a_membership_that_ends_ends_the_dashboard_s_streams(shop: Shop) -> None:
    session = signed_in("ann", Bookmaker.objects.get(pk=shop.alpha.id))
    path = f"/bookmaker/{shop.alpha.id}/football/{shop.fixture.match_id}/updates"
    mine = shop.events(path, key="", Cookie=f"sessionid={session}").ready()
    Member.objects.all().delete()
    assert mine.ended() == 200


def test_a_stream_has_no_head(shop: Shop) -> None:
    for path in (shop.path(), shop.path("overrides").replace("/live/", "/bookmaker/"), f"/live/{shop.alpha.id}/football"):
        answer = httpx.head(shop.url(path), headers={"Authorization": f"Bearer {shop.alpha.key}"})
        assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "GET", b"")
