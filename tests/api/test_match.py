"""GET of one match: the shape, the gate, the ETag."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets import db
from markets.domain.feedhash import state_hash
from markets.domain.messages import EachWay
from markets.domain.values import MarketStatus, ResultStatus, Scope, SelectionStatus
from markets.models import Fixture, Override, SourceLiveness
from markets.services import holds, ingest, sources
from markets.services.actor import of_command
from tests.api.conftest import HOME, Shop
from tests.domain import says

OUTCOME = {
    "value", "suspended", "reasons", "validForMs", "id", "name", "competitorId", "version", "feedValue", "numerator", "denominator",
    "result",
}  # fmt: skip
MARKET = {
    "id", "name", "typeId", "group", "inPlay", "line", "sequence", "status", "tradable", "expiry", "cashOutStatus", "eachWay", "score",
    "resultRevision",
}  # fmt: skip


def test_it_serves_every_key_of_the_contract(shop: Shop) -> None:
    shop.fixture()
    body = shop.match()
    assert list(body) == [
        "matchId", "sport", "phase", "revision", "bookmakerRevision", "stateHash", "linkedMatchIds", "odds", "markets", "override",
    ]  # fmt: skip
    assert set(body["odds"]["fullTime"]["match-result"]["runner-1"]) == OUTCOME
    assert set(body["markets"]["match-result"]) == MARKET
    assert (body["matchId"], body["sport"], body["phase"], body["override"]) == (100, "football", "upcoming", [])


def test_it_serves_a_price_as_a_number_with_the_provider_s_ids(shop: Shop) -> None:
    shop.fixture("100", says.market("7", says.selection("1", "1.85"), says.selection("2", "3.10")))
    price = shop.price()
    assert (price["value"], price["feedValue"], price["id"], price["suspended"]) == (1.85, 1.85, "1", False)
    assert price["validForMs"] == 10_000
    assert b'"value":1.85' in shop.owner.get(shop.path()).content


def test_it_lists_every_group_of_the_sport_even_when_empty(shop: Shop) -> None:
    shop.fixture()
    assert list(shop.match()["odds"]) == ["nextPlay", "halfTime", "player", "team", "fullTime"]
    shop.fixture("200", sport="269467")
    body = shop.match(sport="table-tennis", match=200)
    assert list(body["odds"]) == ["setTime", "fullTime"]
    assert body["odds"]["setTime"] == {}


def test_it_describes_the_market(shop: Shop) -> None:
    market = says.market("7", sequence=3, line="-1.5")
    expiry = db.now() + timedelta(hours=1)
    shop.fixture("100", msgspec.structs.replace(market, expiry=expiry, cash_out="Available", each_way=EachWay(3, 1, 5)))
    found = next(iter(shop.match()["markets"].values()))
    assert (found["id"], found["sequence"], found["line"], found["status"], found["group"]) == ("7", 3, -1.5, "Open", "fullTime")
    assert (found["cashOutStatus"], found["eachWay"]) == ("Available", {"places": 3, "numerator": 1, "denominator": 5})
    assert (found["tradable"], found["score"], found["resultRevision"]) == (True, None, None)


def test_it_shows_results_and_keeps_a_finished_match_readable(shop: Shop) -> None:
    shop.fixture()
    shop.says(says.result("7", s1=ResultStatus.WINNER, s2=ResultStatus.LOSER))
    body = shop.match()
    assert body["phase"] == "finished"
    assert shop.price()["result"]["status"] == "Winner"
    assert shop.price()["suspended"] is True
    assert body["markets"]["match-result"]["resultRevision"] == 1


def test_it_answers_with_the_state_hash_of_the_feed_s_facts(shop: Shop) -> None:
    fixture = shop.fixture()
    shop.says(says.coverage(), says.summary())
    assert shop.match()["stateHash"] == state_hash("100", ingest.feed_state(fixture.pk))


def test_a3_a_silent_feed_suspends_every_price(shop: Shop) -> None:
    shop.fixture()
    shop.silence(26)
    price = shop.price()
    assert (price["suspended"], price["validForMs"], price["value"]) == (True, 0, 2.0)
    assert any(reason.startswith("lease:") for reason in price["reasons"])


def test_a4_a_backlog_holds_until_it_has_proved_itself(shop: Shop) -> None:
    shop.fixture()
    SourceLiveness.objects.update(slow_until=db.now() + timedelta(seconds=3))
    assert shop.price()["suspended"] is True


def test_a5_a_gap_holds_until_a_newer_message(shop: Shop) -> None:
    shop.fixture()
    sources.open_gap(shop.source.pk, "cut off")
    assert shop.price()["reasons"] == ["gap: something may have been missed: cut off"]
    shop.says(says.market())
    assert shop.price()["suspended"] is False


def test_a12_a_price_is_valid_no_longer_than_its_lease(shop: Shop) -> None:
    shop.fixture()
    shop.silence(22)
    assert 0 < shop.price()["validForMs"] <= 3000


def test_c1_an_override_s_end_limits_validity_and_then_the_feed_s_price_holds(shop: Shop) -> None:
    shop.fixture()
    row = _override(shop, seconds=5)
    assert (shop.price()["value"], shop.price()["feedValue"]) == (2.5, 2.0)
    assert 4000 < shop.price()["validForMs"] <= 5000
    Override.objects.filter(pk=row.pk).update(ends_at=db.now())
    assert (shop.price()["value"], shop.match()["override"]) == (2.0, [])


def test_it_lists_overrides_in_effect(shop: Shop) -> None:
    shop.fixture()
    row = _override(shop, seconds=60)
    entry = shop.match()["override"][0]
    assert entry["endsAt"].startswith(row.ends_at.isoformat()[:19])
    assert {k: entry[k] for k in ("oddKey", "oddValue", "suspended", "by", "reason")} == {
        "oddKey": HOME, "oddValue": 2.5, "suspended": False, "by": "Ann", "reason": "value",
    }  # fmt: skip


def test_c2_a_suspension_hides_an_override_without_ending_it(shop: Shop) -> None:
    shop.fixture()
    _override(shop, seconds=60)
    holds.suspend(of_command(), shop.alpha.pk, Scope.FIXTURE, str(Fixture.objects.get().pk))
    assert shop.price()["suspended"] is True
    assert shop.match()["override"][0]["oddValue"] == 2.5


def _override(shop: Shop, seconds: float) -> Override:
    selection = shop.selection()
    now = db.now()
    return Override.objects.create(
        bookmaker=shop.alpha, fixture_id=selection.market.fixture_id, market=selection.market, selection=selection,
        value=Decimal("2.5"), owner="user:1", by="Ann", reason="value", set_at=now, ends_at=now + timedelta(seconds=seconds),
    )  # fmt: skip


def test_it_takes_the_bookmaker_s_margin_from_the_price(shop: Shop) -> None:
    shop.fixture()
    shop.alpha.margin_percent = Decimal(5)
    shop.alpha.save()
    assert (shop.price()["value"], shop.price()["feedValue"]) == (1.90, 2.0)


def test_a8_a_price_beyond_the_bookmaker_s_limits_is_shown_suspended(shop: Shop) -> None:
    shop.fixture()
    shop.alpha.low_price = Decimal("2.01")
    shop.alpha.save()
    price = shop.price()
    assert (price["value"], price["suspended"]) == (2.0, True)
    assert price["reasons"][0].startswith("limits:")


@pytest.mark.parametrize(
    ("market", "code"),
    [
        (says.market("7", status=MarketStatus.SUSPENDED), "market"),
        (says.market("7", status=MarketStatus.UNRECOGNISED), "market"),
        (says.market("7", says.selection("1", status=SelectionStatus.UNPRICED), says.selection("2")), "selection"),
        (says.market("7", says.selection("1", None), says.selection("2")), "price"),
    ],
)
def test_a9_only_open_and_trading_is_served_tradable(shop: Shop, market: object, code: str) -> None:
    shop.fixture("100", market)  # type: ignore[arg-type]
    price = shop.price()
    assert price["suspended"] is True
    assert [r.split(":")[0] for r in price["reasons"]] == [code]


def test_it_renews_an_unchanged_match_by_304(shop: Shop) -> None:
    shop.fixture()
    first = shop.owner.get(shop.path())
    again = shop.owner.get(shop.path(), If_None_Match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again["X-Valid-For-Ms"] == "10000"
    assert again["ETag"] == first["ETag"]


def test_it_gives_a_new_etag_when_the_gate_closes_although_no_row_changed(shop: Shop) -> None:
    shop.fixture()
    first = shop.owner.get(shop.path())
    shop.silence(26)
    again = shop.owner.get(shop.path(), If_None_Match=first["ETag"])
    assert again.status_code == 200
    assert again["X-Valid-For-Ms"] == "0"


def test_it_asks_a_fixed_number_of_queries(shop: Shop) -> None:
    few = says.market("7")
    shop.fixture("100", few)
    shop.fixture("200", *(says.market(str(i), says.selection("1"), says.selection("2"), says.selection("3")) for i in range(100)))
    counts = []
    for match in (100, 200):
        with CaptureQueriesContext(connection) as asked:
            assert shop.owner.get(shop.path(match=match)).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert sum(len(m) for m in shop.match(match=200)["odds"]["fullTime"].values()) == 300


def test_it_never_shows_a_deleted_or_stub_fixture_as_tradable(shop: Shop) -> None:
    shop.says(says.market(), fixture="300")
    assert shop.owner.get(shop.path(match=300)).status_code == 404
    shop.says(says.details(), fixture="300")
    assert json.loads(shop.owner.get(shop.path(match=300)).content)["markets"]["match-result"]["tradable"] is True
