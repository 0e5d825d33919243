"""The public routes: a key's own bookmaker's prices by sport (000 "Use the raw Odds360 REST service"; decision O7)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve

from markets.api.public import SLUGS
from markets.domain import messages as m
from markets.domain.values import ResultStatus, Role
from markets.models import Fixture, PriceTick
from markets.services import bookmakers
from markets.services.actor import of_command
from tests.api.conftest import HOME, Caller, Shop, key_of, person
from tests.domain import says

SPORT = "269467"
BODY = {"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 3600}


def table_tennis(shop: Shop, ref: str = "2450840", *, league: m.Competition | None = None, hours: float = 1, **more: Any) -> Fixture:
    base = says.details(sport=SPORT)
    named = msgspec.structs.replace(
        base, competition=league or m.Competition("9", "Open", m.Ref("1", "World")), start=says.at(hours * 3600)
    )
    return shop.says(named, says.market(**more), fixture=ref)


def rows(shop: Shop, query: str = "", route: str = "/table-tennis") -> list[dict[str, Any]]:
    answer = shop.owner.get(f"{route}?{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()
    return found


def ids(shop: Shop, query: str = "") -> list[int]:
    return [row["match_id"] for row in rows(shop, query)]


def test_it_answers_a_bare_array_of_rows_with_the_whole_payload(shop: Shop) -> None:
    table_tennis(shop)
    (row,) = rows(shop)
    assert list(row)[:9] == [
        "id", "match_id", "league_id", "league_name", "home_team_name", "away_team_name", "start_time", "status_type", "totalOdds",
    ]  # fmt: skip
    assert (row["match_id"], row["league_name"], row["status_type"], row["totalOdds"]) == (2450840, "Open", "upcoming", 2)
    own = shop.owner.get(shop.path(sport="table-tennis", match=2450840)).json()
    assert {key: row[key] for key in own} == own
    assert row["odds"]["fullTime"]["match-result"]["runner-1"]["value"] == 2.0


def test_o7_it_answers_with_the_prices_of_the_key_s_own_bookmaker(shop: Shop) -> None:
    table_tennis(shop)
    bookmakers.update(of_command(), shop.beta.pk, sports=["table-tennis"])
    shop.owner.patch(shop.path("full-time", sport="table-tennis", match=2450840), BODY)
    values = [
        caller.get("/table-tennis").json()[0]["odds"]["fullTime"]["match-result"]["runner-1"]["value"]
        for caller in (shop.owner, shop.other)
    ]
    assert values == [2.1, 2.0]
    assert shop.other.get("/table-tennis").json()[0]["override"] == []


@pytest.mark.parametrize("route", ["/table-tennis", "/table-tennis-history", "/table-tennis-classes", "/table-tennis-leagues"])
def test_o7_it_asks_everybody_for_a_key_a_session_too(shop: Shop, route: str) -> None:
    ann = Client()
    ann.force_login(person("ann", shop.alpha, Role.SUPERVISOR))
    for answer in (shop.nobody.get(route), ann.get(route), Caller("wrong").get(route), shop.nobody.get(f"{route}?token=wrong")):
        assert (answer.status_code, answer.json()["error"]) == (401, "not-authenticated")
    assert key_of(shop.alpha.pk, "ops").get(route).status_code == 403


def test_it_takes_the_key_as_a_token_of_the_address(shop: Shop) -> None:
    table_tennis(shop)
    assert len(shop.nobody.get(f"/table-tennis?token={shop.owner.token}").json()) == 1


def test_e1_a_sport_that_is_not_one_s_own_answers_like_one_that_does_not_exist(shop: Shop) -> None:
    table_tennis(shop)
    answers = [shop.other.get(f"/{sport}{tail}", X_Request_Id="r") for sport in ("table-tennis", "curling") for tail in ("", "-leagues")]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, b'{"error":"not-found","detail":"not found","requestId":"r"}')
    }


def test_it_leaves_out_what_is_finished_unless_it_is_named(shop: Shop) -> None:
    table_tennis(shop, "1")
    table_tennis(shop, "2", in_play=True)
    shop.says(says.result("7", s1=ResultStatus.WINNER), fixture="1")
    assert ids(shop) == [2]
    assert ids(shop, "match_id=eq.1") == ids(shop, "id=eq.1") == [1]
    assert ids(shop, "match_id=in.(1,2)") == [1, 2]
    assert ids(shop, "match_id=eq.7") == []


def test_it_filters_as_the_dialect_says(shop: Shop) -> None:
    table_tennis(shop, "1", hours=1)
    table_tennis(shop, "2", hours=3, league=m.Competition("10", "Liga Pro"), in_play=True)
    later = f"{says.at(2 * 3600):%Y-%m-%dT%H:%M:%SZ}"
    assert ids(shop, f"start_time=gte.{later}") == [2]
    assert ids(shop, f"start_time=lt.{later}") == [1]
    assert ids(shop, "start_time=gte.2026-05-01&start_time=lt.2026-05-02") == [1, 2]
    assert ids(shop, "league=liga") == [2]
    assert ids(shop, "league_id=eq.9") == [1]
    assert ids(shop, "status_type=eq.live") == ids(shop, "status_type=neq.upcoming") == [2]
    assert ids(shop, "or=(league_id.eq.9,status_type.eq.live)") == [1, 2]
    assert ids(shop, "or=(match_id.eq.1,match_id.eq.7)&status_type=eq.upcoming") == [1]
    assert ids(shop, "limit=1") == ids(shop, "limit=1&offset=0&lang=en") == [1]
    assert ids(shop, "limit=1&offset=1") == ids(shop, "limit=1&league=i") == [2]
    assert ids(shop, "offset=2") == []


@pytest.mark.parametrize(
    ("route", "query", "field", "words"),
    [
        ("", "limit=51", "limit", "must be a whole number from 1 to 50"),
        ("", "match_id=7", "match_id", "must begin with eq."),
        ("", "select=id", "select", "is not understood"),
        ("", "or=(and(id.eq.1))", "or", "is not understood in or"),
        ("-history", "", "match_id", "is required"),
        ("-history", "match_id=eq.1&time=gte.2026-01-01&time=lt.2026-03-01", "time", "a stretch is 31 days at most"),
        ("-history", "match_id=eq.1&or=(match_id.eq.1)", "or", "is not understood"),
        ("-leagues", "match_id=eq.1", "match_id", "is not understood; understood are league, limit, offset"),
        ("-classes", "limit=x", "limit", "must be a whole number from 1 to 50"),
    ],
)
def test_it_refuses_by_name_and_range_what_it_does_not_take(shop: Shop, route: str, query: str, field: str, words: str) -> None:
    answer = shop.owner.get(f"/table-tennis{route}?{query}")
    assert answer.status_code == 422
    assert words in answer.json()["fields"][field]


def test_it_gives_fifty_at_most(shop: Shop) -> None:
    table_tennis(shop, "1")
    columns = Fixture.objects.values().get()
    more = [{**columns, "id": columns["id"] + n, "ref": f"c{n}", "match_id": 1000 + n} for n in range(1, 60)]
    Fixture.objects.bulk_create(Fixture(**row) for row in more)
    assert [len(ids(shop)), len(ids(shop, "offset=50"))] == [50, 10]


def test_it_renews_an_unchanged_list_by_304(shop: Shop) -> None:
    table_tennis(shop)
    first = shop.owner.get("/table-tennis")
    again = shop.owner.get("/table-tennis", If_None_Match=first["ETag"])
    assert (again.status_code, again["X-Valid-For-Ms"]) == (304, "10000")
    shop.silence(26)
    closed = shop.owner.get("/table-tennis", If_None_Match=first["ETag"])
    assert (closed.status_code, closed["X-Valid-For-Ms"]) == (200, "0")


def test_it_asks_a_fixed_number_of_queries(shop: Shop) -> None:
    table_tennis(shop, "1")
    with CaptureQueriesContext(connection) as few:
        rows(shop)
    for ref in range(2, 12):
        table_tennis(shop, str(ref))
    with CaptureQueriesContext(connection) as many:
        rows(shop)
    assert len(few) == len(many)


def test_it_tells_leagues_and_the_class_of_each(shop: Shop) -> None:
    table_tennis(shop, "1")
    table_tennis(shop, "2")
    table_tennis(shop, "3", league=m.Competition("10", "Cup", m.Ref("1", "World")))
    table_tennis(shop, "4", league=m.Competition("11", "Nowhere"))
    assert rows(shop, route="/table-tennis-leagues") == [
        {"id": "10", "name": "Cup", "class_id": "1", "class_name": "World", "matches": 1},
        {"id": "11", "name": "Nowhere", "class_id": None, "class_name": None, "matches": 1},
        {"id": "9", "name": "Open", "class_id": "1", "class_name": "World", "matches": 2},
    ]
    assert [row["id"] for row in rows(shop, "league=OPE", "/table-tennis-leagues")] == ["9"]
    assert [row["id"] for row in rows(shop, "limit=1&offset=1", "/table-tennis-leagues")] == ["11"]


def test_its_history_is_what_the_feed_said_between_two_times(shop: Shop) -> None:
    fixture = table_tennis(shop)
    shop.says(says.market("7", says.selection("1", "2.20"), says.selection("2", "3.00")), fixture="2450840")
    PriceTick.objects.all().delete()
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    for minutes, price in enumerate(("2.00", "2.20", None)):
        at = noon + timedelta(minutes=minutes)
        PriceTick.objects.create(
            day=at.date(), at=at, fixture_id=fixture.pk, selection_id=shop.selection().pk, price=price, offered=price is not None
        )
    window = f"match_id=eq.2450840&time=gte.{noon:%Y-%m-%dT%H:%M:%SZ}"
    found = rows(shop, window, "/table-tennis-history")
    assert [(row["feed_value"], row["offered"]) for row in found] == [(2.0, True), (2.2, True), (None, False)]
    told = f"{noon:%Y-%m-%dT%H:%M:%SZ}"
    first = {"match_id": 2450840, "odd_type": "full-time", "odd_key": HOME, "time": told, "feed_value": 2.0, "offered": True}
    assert found[0] == first
    until = f"{noon + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    assert len(rows(shop, f"{window}&time=lt.{until}", "/table-tennis-history")) == 1
    assert len(rows(shop, f"{window}&time=lte.{until}", "/table-tennis-history")) == 2
    assert len(rows(shop, f"{window}&market=eq.match-result&outcome=eq.runner-1&limit=1&offset=2", "/table-tennis-history")) == 1
    assert rows(shop, f"{window}&outcome=eq.runner-2", "/table-tennis-history") == []
    assert b'"feed_value":2,' in shop.owner.get(f"/table-tennis-history?{window}").content  # whatever zeros the store pads
    assert rows(shop, "match_id=eq.2450840", "/table-tennis-history") == []  # the last 24 hours
    assert rows(shop, "match_id=eq.7", "/table-tennis-history") == []


def test_e1_its_history_is_of_one_s_own_sports_only(shop: Shop) -> None:
    shop.fixture("100", sport="24")
    bookmakers.update(of_command(), shop.beta.pk, sports=["tennis"])
    assert shop.other.get("/tennis-history?match_id=eq.100").json() != []
    bookmakers.update(of_command(), shop.beta.pk, sports=["football"])
    assert shop.other.get("/tennis-history?match_id=eq.100").status_code == 404
    assert shop.other.get("/football-history?match_id=eq.100").json() == []


def test_o7_only_seeded_slugs_match_and_nothing_else_is_hidden() -> None:
    public = {f"/{slug}{tail}" for slug in SLUGS for tail in ("", "-history", "-classes", "-leagues")}
    for path in public:
        assert resolve(path).func.__module__ != "markets.desk", path
        assert resolve(path).kwargs["sport"] in SLUGS
    for path in ("/", "/admin/", "/feeds", "/audit", "/account", "/bindings", "/api/docs", "/healthz", "/readyz"):
        assert "sport" not in resolve(path).kwargs
    for path in ("/curling", "/live", "/static", "/Tennis", "/table-tennis/", "/table-tennis-odds", f"/{uuid.uuid4()}"):
        with pytest.raises(Resolver404):
            resolve(path)


def test_an_address_that_is_none_is_json_for_a_key_and_a_page_for_people(shop: Shop) -> None:
    assert shop.owner.get("/curling").json()["error"] == "not-found"
    assert shop.nobody.get("/curling")["Content-Type"].startswith("text/html")


def test_start_times_are_told_in_utc(shop: Shop) -> None:
    table_tennis(shop)
    assert rows(shop)[0]["start_time"] == "2026-05-01T13:00:00Z"
