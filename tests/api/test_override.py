"""PATCH of one price (decisions P1, P2; promises A7, C3, C4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.test import Client

from markets.desk.words import change_words
from markets.domain.sports import catalogue
from markets.domain.sports.groups import camel, groups_of
from markets.domain.values import MarketStatus, Role, Scope
from markets.models import AuditRecord, Hold, MarketType, Override
from markets.services import bookmakers, holds
from markets.services.actor import of_command
from tests.api.conftest import AWAY, HOME, Shop, key_of, person
from tests.domain import says
from tests.services.world import facts_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

BODY = {"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 3600, "suspended": False}


def patch(shop: Shop, body: Any = BODY, group: str = "full-time", **headers: str) -> Answer:
    return shop.owner.patch(shop.path(group), body, **headers)


@pytest.fixture(autouse=True)
def _stocked(shop: Shop) -> None:
    shop.fixture()


def test_it_takes_the_body_of_the_contract(shop: Shop) -> None:
    answer = patch(shop)
    entry = answer.json()
    assert answer.status_code == 200, answer.content
    assert (entry["oddKey"], entry["oddValue"], entry["suspended"], entry["version"]) == (HOME, 2.1, False, 1)
    assert answer["ETag"] == '"1"'
    assert (shop.price()["value"], shop.price()["version"]) == (2.1, 1)
    assert shop.price(AWAY)["value"] == 3.0


def test_f1_one_patch_is_one_audit_record(shop: Shop) -> None:
    before = AuditRecord.objects.count()
    patch(shop, X_Request_Id="r-77")
    record = AuditRecord.objects.order_by("-id")[0]
    assert AuditRecord.objects.count() == before + 1
    assert (record.action, record.via, record.request_id, record.bookmaker_id) == ("override set", "api", "r-77", shop.alpha.pk)


def test_f1_one_patch_that_prices_and_suspends_is_one_audit_record(shop: Shop) -> None:
    before = AuditRecord.objects.count()
    patch(shop, {**BODY, "suspended": True, "reason": "rain"})
    record = AuditRecord.objects.order_by("-id")[0]
    assert AuditRecord.objects.count() == before + 1
    assert (record.action, record.reason) == ("override set, suspended", "rain")
    assert set(facts_of(record.after)["parts"]) == {"override set", "suspended"}
    assert change_words(record.after).count("until") == 2
    patch(shop)
    record = AuditRecord.objects.order_by("-id")[0]
    assert AuditRecord.objects.count() == before + 2
    assert record.action == "override replaced, resumed"


def test_f1_a_patch_refused_in_its_second_part_leaves_no_record(shop: Shop) -> None:
    before = AuditRecord.objects.count()
    shop.alpha.refresh_from_db()
    assert patch(shop, {**BODY, "suspended": True}, If_Match='"7"').status_code == 409
    assert AuditRecord.objects.count() == before
    assert patch(shop).status_code == 200
    assert AuditRecord.objects.count() == before + 1


def test_p2_a_hold_over_an_override_tells_its_own_end(shop: Shop) -> None:
    priced = patch(shop).json()
    second = key_of(shop.alpha.pk)
    body = {"oddKey": HOME, "suspended": True, "durationSeconds": 60, "reason": "rain"}
    held = second.patch(shop.path("full-time"), body).json()
    stored = Hold.objects.get()
    assert (held["suspended"], held["oddValue"], held["by"], held["reason"]) == (True, None, stored.by, "rain")
    assert held["endsAt"] < priced["endsAt"]
    listed = shop.match()["override"]
    assert [(e["oddValue"], e["suspended"], e["endsAt"]) for e in listed] == [
        (2.1, True, priced["endsAt"]),
        (None, True, held["endsAt"]),
    ]


def test_p2_each_hold_of_a_price_is_told_and_the_answer_is_the_caller_s(shop: Shop) -> None:
    holds.suspend(of_command(), shop.alpha.pk, Scope.SELECTION, str(shop.selection().pk))
    held = patch(shop, {"oddKey": HOME, "suspended": True, "durationSeconds": 60}).json()
    assert held["by"].startswith("key ")
    assert {e["by"] for e in shop.match()["override"]} == {"command line", held["by"]}


@pytest.mark.parametrize(
    "number",
    ["1e999999999", "-1e999999999", "1e-999999999", "1e30", "1.9" + "0" * 50 + "1", "1.901", "1" * 400, "1." + "9" * 400, "1e10"],
)
def test_it_refuses_a_number_that_is_no_price_with_two_decimals(shop: Shop, number: str) -> None:
    answer = patch(shop, '{"oddKey": "%s", "durationSeconds": 60, "oddValue": %s}' % (HOME, number))  # noqa: UP031
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["fields"]) == ["oddValue"]


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e-99999999999999999999", "1" * 5000])
def test_it_never_breaks_over_a_number_that_nobody_can_hold(shop: Shop, number: str) -> None:
    answer = patch(shop, '{"oddKey": "%s", "durationSeconds": 60, "oddValue": %s}' % (HOME, number))  # noqa: UP031
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["error"]


def test_it_takes_zeros_after_the_second_decimal(shop: Shop) -> None:
    answer = patch(shop, '{"oddKey": "%s", "durationSeconds": 60, "oddValue": 2.1%s}' % (HOME, "0" * 60))  # noqa: UP031
    assert (answer.status_code, answer.json()["oddValue"]) == (200, 2.1)


def test_f3_neither_mode_takes_a_nul(shop: Shop) -> None:
    for change in ({}, {"oddValue": None, "suspended": True}):
        answer = patch(shop, {**BODY, **change, "reason": "a\0b"})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, ["reason"])
    assert patch(shop, Idempotency_Key="a\0b").status_code == 422
    assert Override.objects.count() == Hold.objects.count() == 0


def test_it_refuses_a_body_that_is_too_large_in_the_one_form(shop: Shop) -> None:
    answer = patch(shop, {**BODY, "reason": "x" * 3_000_000})
    assert (answer.status_code, answer.json()["error"]) == (413, "too-large")


def test_it_suspends_for_a_while_and_releases(shop: Shop) -> None:
    entry = patch(shop, {"oddKey": HOME, "suspended": True, "durationSeconds": 60}).json()
    assert (entry["suspended"], entry["oddValue"]) == (True, None)
    assert shop.price()["suspended"] is True
    assert shop.price(AWAY)["suspended"] is False
    entry = patch(shop, {"oddKey": HOME, "suspended": False}).json()
    assert (entry["suspended"], entry["endsAt"]) == (False, None)
    assert shop.price()["suspended"] is False


def test_it_prices_and_suspends_in_one_command(shop: Shop) -> None:
    entry = patch(shop, {**BODY, "suspended": True}).json()
    assert (entry["suspended"], entry["oddValue"]) == (True, 2.1)
    assert (Override.objects.count(), Hold.objects.count()) == (1, 1)


def test_a7_suspended_false_releases_only_the_caller_s_own_hold(shop: Shop) -> None:
    holds.suspend(of_command(), shop.alpha.pk, Scope.SELECTION, str(shop.selection().pk))
    patch(shop, {"oddKey": HOME, "suspended": True, "durationSeconds": 60})
    answer = patch(shop, {"oddKey": HOME, "suspended": False})
    assert answer.status_code == 200
    assert answer.json()["suspended"] is True
    assert shop.price()["suspended"] is True
    assert [h.by for h in Hold.objects.filter(released_at=None)] == ["command line"]


def test_p2_even_a_supervisor_frees_only_the_own_hold_here(shop: Shop) -> None:
    patch(shop, {"oddKey": HOME, "suspended": True, "durationSeconds": 60})
    sue = Client()
    sue.force_login(person("sue", shop.alpha, Role.SUPERVISOR))
    sue.patch(shop.path("full-time"), {"oddKey": HOME, "suspended": False}, content_type="application/json")
    assert shop.price()["suspended"] is True


def test_a7_an_override_makes_nothing_tradable(shop: Shop) -> None:
    shop.says(says.market(status=MarketStatus.SUSPENDED))
    assert patch(shop).status_code == 200
    assert (shop.price()["suspended"], shop.price()["value"]) == (True, 2.1)
    shop.says(says.market())
    assert (shop.price()["suspended"], shop.price()["value"]) == (False, 2.1)


def test_a7_without_a_feed_price_an_override_shows_nothing(shop: Shop) -> None:
    shop.says(says.market("7", says.selection("1", None), says.selection("2", "3.00")))
    assert patch(shop).status_code == 200
    assert (shop.price()["value"], shop.price()["suspended"]) == (None, True)
    shop.says(says.market())
    assert (shop.price()["value"], shop.price()["suspended"]) == (2.1, False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"oddKey": None}, "oddKey"),
        ({"oddKey": 7}, "oddKey"),
        ({"oddKey": "#x"}, "oddKey"),
        ({"oddKey": "match-result"}, "oddKey"),
        ({"oddKey": "match\u0000#x"}, "oddKey"),
        ({"oddValue": "2.1"}, "oddValue"),
        ({"oddValue": True}, "oddValue"),
        ({"oddValue": 0.5}, "oddValue"),
        ({"oddValue": -2}, "oddValue"),
        ({"oddValue": 1e300}, "oddValue"),
        ({"oddValue": None, "suspended": None}, "oddValue"),
        ({"durationSeconds": None}, "durationSeconds"),
        ({"durationSeconds": 0}, "durationSeconds"),
        ({"durationSeconds": 1.5}, "durationSeconds"),
        ({"durationSeconds": True}, "durationSeconds"),
        ({"durationSeconds": 10**12}, "durationSeconds"),
        ({"suspended": "false"}, "suspended"),
        ({"suspended": True, "oddValue": None, "durationSeconds": None}, "durationSeconds"),
        ({"reason": "x" * 1000}, "reason"),
    ],
)
def test_it_refuses_a_bad_field_by_name(shop: Shop, change: dict[str, Any], field: str) -> None:
    answer = patch(shop, {**BODY, **change})
    assert answer.status_code == 422, answer.content
    assert field in answer.json()["fields"]
    assert Override.objects.count() == Hold.objects.count() == 0


def test_it_says_of_each_field_what_would_be_right(shop: Shop) -> None:
    wrong = {"oddValue": "2.1", "durationSeconds": "60", "suspended": "false", "reason": 7}
    assert patch(shop, wrong).json()["fields"] == {
        "oddKey": "is required",
        "oddValue": "must be a number, from 1.01 to 1001 and within the bookmaker's limits",
        "durationSeconds": "must be a whole number of seconds, from 1 to the bookmaker's longest duration",
        "suspended": "must be true or false",
        "reason": "must be a text",
    }
    assert shop.owner.delete(shop.path("full-time")).json()["fields"] == {"oddKey": "is required"}
    listed = shop.owner.get(f"/bookmaker/{shop.alpha.pk}/football/matches?status=over")
    assert listed.json()["fields"] == {"status": "must be 'live' or 'upcoming'"}


@pytest.mark.parametrize("body", ["{", "NaN", '{"oddKey": NaN}', "\ufeff{}"])
def test_it_refuses_what_is_not_json(shop: Shop, body: str) -> None:
    answer = patch(shop, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "malformed")


@pytest.mark.parametrize("body", ["", "[]", "1", "null", '"x"'])
def test_it_refuses_json_that_is_no_object(shop: Shop, body: str) -> None:
    assert patch(shop, body).status_code == 422


def test_it_knows_a_price_only_in_its_own_group(shop: Shop) -> None:
    for group in ("half-time", "Full Time", "fullTime"):
        assert patch(shop, group=group).status_code == 404


def test_it_answers_an_odd_key_that_there_is_not_like_a_match_that_there_is_not(shop: Shop) -> None:
    nobody = patch(shop, {**BODY, "oddKey": "match-result#nobody"}, X_Request_Id="r")
    nowhere = shop.owner.patch(shop.path("full-time", match=7), BODY, X_Request_Id="r")
    assert (nobody.status_code, nobody.content) == (404, nowhere.content)


def test_c4_a_stale_version_gets_409_with_what_is_there_now(shop: Shop) -> None:
    assert patch(shop, If_Match='"0"').status_code == 200
    answer = patch(shop, {**BODY, "oddValue": 2.2}, If_Match='"0"')
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    current = answer.json()["current"]
    assert (current["value"], current["version"]) == (2.1, 1)
    assert all(current[name].endswith("Z") for name in ("endsAt", "changedAt"))
    assert current["endsAt"] == shop.match()["override"][0]["endsAt"]
    assert patch(shop, {**BODY, "oddValue": 2.2}, If_Match='"1"').json()["version"] == 2


@pytest.mark.parametrize("tag", ["1", '"x"', '"1", "2"', '"99999999999999999999"'])
def test_it_refuses_an_if_match_that_is_no_version(shop: Shop, tag: str) -> None:
    answer = patch(shop, If_Match=tag)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["If-Match"])


def test_p1_feed_ticks_never_change_a_version(shop: Shop) -> None:
    patch(shop)
    shop.says(says.market("7", says.selection("1", "2.05"), says.selection("2")))
    assert patch(shop, {**BODY, "oddValue": 2.2}, If_Match='"1"').status_code == 200


def test_c4_without_a_version_another_owner_s_override_gives_409(shop: Shop) -> None:
    patch(shop)
    second = key_of(shop.alpha.pk)
    answer = second.patch(shop.path("full-time"), {**BODY, "oddValue": 2.2})
    assert answer.status_code == 409
    assert shop.price()["value"] == 2.1
    assert patch(shop, {**BODY, "oddValue": 2.2}).status_code == 200


def test_c3_a_repeat_with_the_same_key_has_one_effect(shop: Shop) -> None:
    first = patch(shop, Idempotency_Key="k1")
    again = patch(shop, Idempotency_Key="k1")
    assert (again.status_code, again.content, again["ETag"]) == (200, first.content, first["ETag"])
    assert Override.objects.count() == 1
    assert shop.price()["version"] == 1


def test_p2_the_same_key_with_another_body_gives_422(shop: Shop) -> None:
    patch(shop, Idempotency_Key="k1")
    assert patch(shop, {**BODY, "oddValue": 2.2}, Idempotency_Key="k1").status_code == 422
    assert shop.price()["value"] == 2.1


def test_c3_a_refused_command_may_be_tried_again_with_its_key(shop: Shop) -> None:
    assert patch(shop, {**BODY, "durationSeconds": 0}, Idempotency_Key="k1").status_code == 422
    assert patch(shop, Idempotency_Key="k1").status_code == 200


def test_it_refuses_a_price_beyond_the_hard_limit(shop: Shop) -> None:
    answer = patch(shop, {**BODY, "oddValue": 200})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["oddValue"])


def end(shop: Shop, odd_key: str = HOME, group: str = "full-time", **headers: str) -> Answer:
    return shop.owner.delete(f"{shop.path(group)}?oddKey={quote(odd_key)}", **headers)


def test_a_delete_ends_an_override_and_answers_with_what_there_is_then(shop: Shop) -> None:
    assert patch(shop).json()["version"] == 1
    answer = end(shop)
    entry = answer.json()
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')
    assert (entry["oddKey"], entry["oddValue"], entry["endsAt"], entry["version"]) == (HOME, None, None, 2)
    assert (shop.price()["value"], shop.match()["override"]) == (2.0, [])
    assert Override.objects.get().ended_cause == "cancelled"


def test_f1_ending_twice_is_ending_once(shop: Shop) -> None:
    patch(shop)
    end(shop, If_Match='"1"')
    before = AuditRecord.objects.count()
    assert AuditRecord.objects.order_by("-id")[0].action == "override cancelled"
    for headers in ({}, {"If_Match": '"1"'}):
        again = end(shop, **headers)
        assert (again.status_code, again.json()["version"]) == (200, 2)
    assert AuditRecord.objects.count() == before


def test_c4_an_override_that_moved_on_or_is_another_s_is_not_ended(shop: Shop) -> None:
    patch(shop)
    assert end(shop, If_Match='"0"').status_code == 409
    second = key_of(shop.alpha.pk)
    assert second.delete(f"{shop.path('full-time')}?oddKey={quote(HOME)}").json()["current"]["value"] == 2.1
    assert shop.price()["value"] == 2.1
    assert second.delete(f"{shop.path('full-time')}?oddKey={quote(HOME)}", If_Match='"1"').status_code == 200


def test_a7_a_delete_leaves_every_suspension(shop: Shop) -> None:
    patch(shop, {**BODY, "suspended": True})
    entry = end(shop).json()
    assert (entry["suspended"], entry["oddValue"]) == (True, None)
    assert shop.price()["suspended"] is True


@pytest.mark.parametrize("query", ["", "?oddKey=", "?oddKey=x", "?oddKey=%23x", "?oddKey=a%00%23b"])
def test_a_delete_names_one_price(shop: Shop, query: str) -> None:
    answer = shop.owner.delete(shop.path("full-time") + query)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["oddKey"])
    assert end(shop, "match-result#nobody").status_code == end(shop, group="half-time").status_code == 404


def test_p4_a_viewer_s_delete_is_forbidden(shop: Shop) -> None:
    patch(shop)
    vera = Client()
    vera.force_login(person("vera", shop.alpha, Role.VIEWER))
    for key in (HOME, AWAY):
        assert vera.delete(f"{shop.path('full-time')}?oddKey={quote(key)}").status_code == 403
    assert shop.price()["value"] == 2.1


def test_the_overrides_of_a_match_are_listed(shop: Shop) -> None:
    patch(shop)
    patch(shop, {"oddKey": AWAY, "suspended": True, "durationSeconds": 60})
    listed = shop.owner.get(shop.path("override")).json()
    assert listed == shop.match()["override"]
    assert [(entry["oddKey"], entry["oddValue"]) for entry in listed] == [(HOME, 2.1), (AWAY, None)]


SPORTS = [(sport.slug, sport.ref, group) for sport in catalogue.SPORTS for group in groups_of(sport.slug)]


@pytest.mark.parametrize(("sport", "ref", "group"), SPORTS)
def test_it_overrides_in_every_group_of_every_sport(shop: Shop, sport: str, ref: str, group: str) -> None:
    bookmakers.update(of_command(), shop.alpha.pk, sports=[sport])
    MarketType.objects.update_or_create(provider="updategram", ref="77", defaults={"name": "Of the group", "odd_group": group})
    shop.fixture("300", says.market("7", type_id="77", type_name="Of the group"), sport=ref)
    path = shop.path(group, sport=sport, match=300)
    body = {**BODY, "oddKey": "of-the-group#runner-1"}
    assert shop.owner.patch(path, body).status_code == 200
    served = shop.owner.get(shop.path(sport=sport, match=300)).json()
    assert served["odds"][camel(group)]["of-the-group"]["runner-1"]["value"] == 2.1
    assert served["override"][0]["oddKey"] == body["oddKey"]
    assert shop.owner.delete(f"{path}?oddKey={quote(str(body['oddKey']))}").status_code == 200
