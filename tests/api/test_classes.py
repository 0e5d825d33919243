"""``GET /{sport}-classes``: the regions that the feeds give their leagues (000 "Use the raw Odds360 REST service")."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from feeds.odds360 import mapping
from feeds.odds360.subjects import Kind, subject
from markets import db
from markets.domain import messages as m
from markets.domain.values import ResultStatus
from markets.models import Source
from markets.services import bookmakers, ingest
from markets.services.actor import of_command
from tests.api.conftest import Caller, Shop
from tests.api.test_public import table_tennis
from tests.domain import says

WORLD, EUROPE = m.Ref("1", "World"), m.Ref("2", "Europe")


def league(ref: str, region: m.Ref | None) -> m.Competition:
    return m.Competition(ref, f"League {ref}", region)


def classes(caller: Caller, query: str = "", sport: str = "table-tennis") -> list[dict[str, Any]]:
    answer = caller.get(f"/{sport}-classes?{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()
    return found


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """World: two leagues with three matches; Europe: one with one; and a league of no region."""
    for ref, of in (("1", league("9", WORLD)), ("2", league("9", WORLD)), ("3", league("10", WORLD))):
        table_tennis(shop, ref, league=of)
    table_tennis(shop, "4", league=league("11", EUROPE))
    table_tennis(shop, "5", league=league("12", None))
    return shop


def test_each_class_has_its_leagues_and_matches_counted_by_name(stocked: Shop) -> None:
    assert classes(stocked.owner) == [
        {"id": "2", "name": "Europe", "leagues": 1, "matches": 1},
        {"id": "1", "name": "World", "leagues": 2, "matches": 3},
    ]


def test_a_class_is_what_the_leagues_name_and_every_one_of_theirs_is_listed(stocked: Shop) -> None:
    leagues = stocked.owner.get("/table-tennis-leagues").json()
    of_leagues = {(one["class_id"], one["class_name"]) for one in leagues if one["class_id"]}
    assert {(one["id"], one["name"]) for one in classes(stocked.owner)} == of_leagues


def test_a_league_is_one_row_with_the_class_that_any_of_its_matches_names(shop: Shop) -> None:
    table_tennis(shop, "1", league=league("9", None))
    table_tennis(shop, "2", league=league("9", None))
    table_tennis(shop, "3", league=league("9", WORLD))
    (row,) = shop.owner.get("/table-tennis-leagues").json()
    assert row == {"id": "9", "name": "League 9", "class_id": "1", "class_name": "World", "matches": 3}
    assert classes(shop.owner) == [{"id": "1", "name": "World", "leagues": 1, "matches": 3}]


def test_a_league_that_matches_put_into_two_classes_is_in_that_of_most(shop: Shop) -> None:
    for ref, region in (("1", EUROPE), ("2", WORLD), ("3", WORLD)):
        table_tennis(shop, ref, league=league("9", region))
    (row,) = shop.owner.get("/table-tennis-leagues").json()
    assert (row["class_name"], row["matches"]) == ("World", 3)
    assert classes(shop.owner) == [{"id": "1", "name": "World", "leagues": 1, "matches": 3}]


def test_a_class_that_only_some_name_is_one_row_with_its_name(shop: Shop) -> None:
    table_tennis(shop, "1", league=league("9", m.Ref("1")))
    table_tennis(shop, "2", league=league("10", WORLD))
    assert classes(shop.owner) == [{"id": "1", "name": "World", "leagues": 2, "matches": 2}]


def test_a_class_without_live_or_upcoming_matches_with_prices_is_none(stocked: Shop) -> None:
    stocked.says(says.result("7", s1=ResultStatus.WINNER), fixture="4")
    stocked.says(says.market("7", says.selection("1", None), says.selection("2", None)), fixture="3")
    assert classes(stocked.owner) == [{"id": "1", "name": "World", "leagues": 1, "matches": 2}]


def test_it_is_paged_by_limit_and_offset(stocked: Shop) -> None:
    pages = [[one["name"] for one in classes(stocked.owner, query)] for query in ("limit=1", "limit=1&offset=1", "offset=2", "limit=50")]
    assert pages == [["Europe"], ["World"], [], ["Europe", "World"]]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("limit=0", "limit", "must be a whole number from 1 to 50"),
        ("limit=51", "limit", "must be a whole number from 1 to 50"),
        ("offset=-1", "offset", "must be a whole number from 0 to 1000000000"),
        ("id=eq.1", "id", "is not understood; understood are limit, offset"),
        ("league=x", "league", "is not understood; understood are limit, offset"),
    ],
)
def test_it_takes_no_filters_and_says_which_pages_there_are(stocked: Shop, query: str, field: str, words: str) -> None:
    answer = stocked.owner.get(f"/table-tennis-classes?{query}")
    assert (answer.status_code, answer.json()["fields"]) == (422, {field: words})


def test_e1_the_classes_are_those_of_one_s_own_sports(stocked: Shop) -> None:
    stocked.fixture("100")
    assert stocked.other.get("/table-tennis-classes").status_code == 404
    assert classes(stocked.other, sport="football") == []
    bookmakers.update(of_command(), stocked.beta.pk, sports=["table-tennis"])
    assert classes(stocked.other) == classes(stocked.owner)


def test_p5_a_class_of_simulated_matches_is_for_demo_bookmakers_only(stocked: Shop) -> None:
    stocked.source.simulated = True
    stocked.source.save()
    stocked.source.fixtures.update(simulated=True)
    assert classes(stocked.owner) == []
    bookmakers.update(of_command(), stocked.alpha.pk, demo=True)
    assert [one["name"] for one in classes(stocked.owner)] == ["Europe", "World"]


def test_it_asks_a_fixed_number_of_queries(stocked: Shop) -> None:
    with CaptureQueriesContext(connection) as few:
        classes(stocked.owner)
    for ref in range(20, 30):
        table_tennis(stocked, str(ref), league=league(str(ref), m.Ref(str(ref), f"Region {ref}")))
    with CaptureQueriesContext(connection) as many:
        assert len(classes(stocked.owner)) == 12
    assert len(few) == len(many)


def test_the_class_that_a_row_of_sportmicro_names_is_served(shop: Shop) -> None:
    """As the feed reads them: ``class_id`` and ``class_name`` of a match, and the odds without which it is not listed."""
    Source.objects.create(slug="micro", provider="odds360", name="SportMicro", coverage_expected=False)
    row = {"id": 7, "league_id": 77, "league_name": "Open", "class_id": 5, "class_name": "International", "status_type": "upcoming"}
    _read(Kind.MATCH, row)
    _read(Kind.ODDS, {"matchId": 7, "sport": "table-tennis", "odds": {"fullTime": {"winner": {"home": 1.85, "away": 1.95}}}})
    assert classes(shop.owner) == [{"id": "5", "name": "International", "leagues": 1, "matches": 1}]


def test_a_list_that_names_no_class_takes_none_from_a_match_that_has_one(shop: Shop) -> None:
    """The dashboard's rows have no class; a league of another number brings its own or none."""
    Source.objects.create(slug="micro", provider="odds360", name="SportMicro", coverage_expected=False)
    _read(Kind.ODDS, {"matchId": 7, "sport": "table-tennis", "odds": {"fullTime": {"winner": {"home": 1.85, "away": 1.95}}}})
    plain = {"id": 7, "league_id": 77, "league_name": "Open", "status_type": "upcoming"}
    _read(Kind.MATCH, {**plain, "class_id": 5, "class_name": "International"})
    _read(Kind.MATCH, plain)
    assert classes(shop.owner) == [{"id": "5", "name": "International", "leagues": 1, "matches": 1}]
    _read(Kind.MATCH, {**plain, "league_id": 78})
    assert classes(shop.owner) == []


def _read(kind: Kind, said: dict[str, Any]) -> None:
    message = mapping.parse(json.dumps(said).encode(), subject(kind, "7", "table-tennis"))
    with transaction.atomic():
        ingest.apply(Source.objects.get(slug="micro"), [ingest.Incoming(message, db.now(), 1)])
