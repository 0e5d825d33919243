"""The bookmaker's card and the list of matches (decision O4)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets import db
from markets.domain import messages as m
from markets.domain.values import FixtureStatus, ResultStatus
from markets.models import Binding, Fixture, Source
from markets.selectors import board
from markets.services import bookmakers
from markets.services.actor import of_command
from tests.api.conftest import Shop
from tests.domain import says


def listed(shop: Shop, query: str = "", sport: str = "football") -> list[dict[str, Any]]:
    answer = shop.owner.get(f"/bookmaker/{shop.alpha.pk}/{sport}/matches{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()
    return found


def ids(shop: Shop, query: str = "") -> list[int]:
    return [row["match_id"] for row in listed(shop, query)]


def test_it_tells_a_bookmaker_its_sports(shop: Shop) -> None:
    answer = shop.owner.get(f"/bookmaker/{shop.alpha.pk}")
    assert answer.json() == {"id": str(shop.alpha.pk), "name": "Alpha", "sports": ["football", "table-tennis", "tennis"]}


def test_it_lists_rows_as_a_bare_array(shop: Shop) -> None:
    shop.fixture()
    row = listed(shop)[0]
    assert list(row) == [
        "id", "match_id", "league_id", "league_name", "home_team_name", "away_team_name", "start_time", "status_type", "totalOdds",
        "linkedMatchIds",
    ]  # fmt: skip
    assert (row["id"], row["match_id"], row["home_team_name"], row["away_team_name"]) == (100, 100, "Ajax", "PSV")
    assert (row["status_type"], row["totalOdds"]) == ("upcoming", 2)


def test_it_leaves_out_what_is_finished_deleted_or_without_prices(shop: Shop) -> None:
    shop.fixture("1")
    shop.fixture("2")
    shop.says(says.result("7", s1=ResultStatus.WINNER), fixture="2")
    shop.fixture("3")
    shop.says(says.details(FixtureStatus.DELETED), fixture="3")
    shop.says(says.details(), fixture="4")
    shop.fixture("5")
    Fixture.objects.filter(ref="5").update(phase="postponed")
    assert ids(shop) == [1]


def test_it_counts_suspended_prices_too(shop: Shop) -> None:
    shop.fixture("1", says.market("7", says.selection("1"), says.selection("2", None), says.selection("3")))
    shop.silence(60)
    assert listed(shop)[0]["totalOdds"] == 2


def test_o4_it_counts_what_has_a_value_in_the_payload_with_results_and_prices_that_are_listed_no_more(shop: Shop) -> None:
    runners = [says.selection(str(n)) for n in range(1, 5)]
    two = says.market("7", *runners[:2], in_play=True)
    shop.fixture("100", two, says.market("8", *runners), says.market("9", runners[0], says.selection("2", None)))
    shop.says(says.market("8", *runners[1:3]), says.result("7", s1=ResultStatus.WINNER, s2=ResultStatus.LOSER))
    whole = shop.match()
    prices = [price for group in whole["odds"].values() for market in group.values() for price in market.values()]
    assert sum(price["value"] is not None for price in prices) == listed(shop)[0]["totalOdds"] == 5
    assert sum(price["result"] is not None for price in prices) == 2
    gone = [price for price in prices if any(reason.startswith("not-listed") for reason in price["reasons"])]
    assert [(price["value"], price["feedValue"], price["suspended"]) for price in gone] == [(None, 2.0, True)] * 2
    (public,) = shop.owner.get("/football").json()
    assert (public["totalOdds"], public["odds"]) == (5, whole["odds"])


def test_it_filters_by_status(shop: Shop) -> None:
    shop.fixture("1")
    shop.fixture("2", says.market("7", in_play=True))
    assert ids(shop, "?status=live") == [2]
    assert ids(shop, "?status=upcoming") == [1]


def test_it_filters_by_part_of_a_name_whatever_the_case(shop: Shop) -> None:
    shop.fixture("1")
    competition = m.Competition("9", "Österreich Liga")
    sides = (m.Competitor("8", "Ÿster FC", home_away="Home"), m.Competitor("9", "100% Club", home_away="Away"))
    other = m.FixtureDetails(
        "x", "Match", FixtureStatus.SCHEDULED, "Scheduled", says.at(0), m.Ref("10", "Football"), competition=competition, competitors=sides
    )
    shop.says(other, says.market(), fixture="2")
    assert ids(shop, "?homeTeam=aja") == [1]
    assert ids(shop, "?homeTeam=ÿSTER") == [2]
    assert ids(shop, "?league=ÖSTERREICH") == [2]
    assert ids(shop, "?awayTeam=0%25%20c") == [2]
    assert ids(shop, "?awayTeam=_") == []
    assert ids(shop, "?homeTeam=ajax&awayTeam=feyenoord") == []


@pytest.mark.parametrize("query", ["?page=-1", "?page=x", "?page=1.5", "?status=finished", "?status="])
def test_it_refuses_a_bad_page_or_status_by_name(shop: Shop, query: str) -> None:
    answer = shop.owner.get(f"/bookmaker/{shop.alpha.pk}/football/matches{query}")
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [query[1:].split("=", maxsplit=1)[0]]


def test_it_gives_a_hundred_a_page_and_nothing_past_the_end(shop: Shop) -> None:
    shop.fixture("1")
    columns = Fixture.objects.values().get()
    rows = [{**columns, "id": columns["id"] + n, "ref": f"c{n}", "match_id": 1000 + n} for n in range(1, 105)]
    Fixture.objects.bulk_create(Fixture(**row) for row in rows)
    pages = [ids(shop, f"?page={n}") for n in range(3)]
    assert [len(page) for page in pages] == [100, 5, 0]
    assert len({*pages[0], *pages[1]}) == 105
    assert ids(shop, "?page=999999999") == []
    assert len(ids(shop, "?page=1&homeTeam=ajax")) == 5


def test_it_lists_in_one_query_of_matches(shop: Shop) -> None:
    shop.fixture("1")
    with CaptureQueriesContext(connection) as few:
        listed(shop)
    for ref in range(2, 12):
        shop.fixture(str(ref))
    with CaptureQueriesContext(connection) as many:
        listed(shop)
    assert len(few) == len(many)


def test_it_lists_what_the_board_lists(shop: Shop) -> None:
    """The list is asked for in words of its own; what may be listed is one rule (U12, P5)."""
    for ref in ("1", "2", "3", "4", "5", "6", "8"):
        shop.fixture(ref)
    shop.fixture("7", sport="24")
    shop.says(says.details(FixtureStatus.DELETED), fixture="2")
    shop.says(says.result("7", s1=ResultStatus.WINNER), fixture="3")
    Fixture.objects.filter(ref="4").update(simulated=True)
    court = Source.objects.create(slug="court", provider="tennis", enabled=False)
    for ref, phase, broken in (("5", "finished", False), ("6", "live", False), ("8", "finished", True)):
        match = Fixture.objects.create(source=court, ref=ref, phase=phase, changed_at=db.now())
        refs: dict[str, Any] = {"home_refs": [], "away_refs": [], "team_a_refs": [], "team_b_refs": [], "team_a_home": True}
        broken_at = db.now() if broken else None
        Binding.objects.create(
            fixture=Fixture.objects.get(ref=ref, source=shop.source), points=match, bound_at=db.now(), broken_at=broken_at, **refs
        )
    for demo, real in itertools.product((False, True), repeat=2):
        bookmakers.update(of_command(), shop.alpha.pk, demo=demo)
        Source.objects.filter(pk=shop.source.pk).update(simulated=not real)
        expected = board.listed(shop.alpha.pk).filter(sport__slug="football", total_odds__gt=0).order_by("start", "match_id")
        assert [(row["match_id"], row["status_type"]) for row in listed(shop)] == list(expected.values_list("match_id", "joint"))
        assert set(ids(shop, "?status=live")) | set(ids(shop, "?status=upcoming")) == set(ids(shop))
