"""Who may read what: owner, other bookmaker, nobody (promises E1, E2, E5, E6)."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from markets import db
from markets.domain.values import Role
from markets.models import ApiKey, Member
from markets.services import bookmakers
from markets.services.actor import of_command
from tests.api.conftest import HOME, Caller, Shop, key_of, person

BODY = {"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 60}


def _alike(shop: Shop, foreign: str, never: str, caller: Caller) -> None:
    one, other = (caller.get(path, X_Request_Id="r") for path in (foreign, never))
    assert (one.status_code, one.content) == (other.status_code, other.content)
    assert one.status_code == 404
    assert dict(one.headers) == dict(other.headers)


def test_e1_another_s_bookmaker_answers_like_one_that_never_existed(shop: Shop) -> None:
    shop.fixture()
    never = uuid.uuid4()
    for tail in ("", "/football/matches", "/football/100", "/football/7"):
        _alike(shop, f"/bookmaker/{shop.alpha.pk}{tail}", f"/bookmaker/{never}{tail}", shop.other)


def test_e1_a_match_of_a_sport_that_is_not_one_s_own_never_existed(shop: Shop) -> None:
    shop.fixture("200", sport="24")
    assert shop.owner.get(shop.path(sport="tennis", match=200)).status_code == 200
    theirs = shop.path(of=shop.beta, sport="tennis", match=200)
    _alike(shop, theirs, shop.path(of=shop.beta, sport="tennis", match=999), shop.other)
    _alike(shop, shop.path(of=shop.beta, sport="tennis", match="matches"), shop.path(of=shop.beta, sport="curling", match=1), shop.other)


def test_e1_a_foreign_patch_changes_nothing_and_answers_like_an_unknown_one(shop: Shop) -> None:
    shop.fixture()
    foreign = shop.other.patch(shop.path("full-time"), BODY, X_Request_Id="r")
    never = shop.other.patch(f"/bookmaker/{uuid.uuid4()}/football/100/full-time", BODY, X_Request_Id="r")
    assert (foreign.status_code, foreign.content) == (404, never.content)
    assert shop.match()["override"] == []


def test_e1_what_one_bookmaker_decides_the_other_never_sees(shop: Shop) -> None:
    shop.fixture()
    before = shop.other.get(shop.path(of=shop.beta))
    assert shop.owner.patch(shop.path("full-time"), BODY).status_code == 200
    after = shop.other.get(shop.path(of=shop.beta))
    assert (after.content, after["ETag"]) == (before.content, before["ETag"])


@pytest.mark.parametrize("tail", ["", "/football/matches", "/football/100"])
def test_it_asks_everybody_for_a_key_or_a_session(shop: Shop, tail: str) -> None:
    answer = shop.nobody.get(f"/bookmaker/{shop.alpha.pk}{tail}")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"] == "not-authenticated"
    assert Caller("wrong").get(f"/bookmaker/{shop.alpha.pk}{tail}").status_code == 401


def test_e2_a_revoked_key_opens_nothing_any_more(shop: Shop) -> None:
    path = f"/bookmaker/{shop.alpha.pk}"
    assert shop.owner.get(path).status_code == 200
    bookmakers.revoke_key(of_command(), ApiKey.objects.get(bookmaker=shop.alpha).pk)
    assert shop.owner.get(path).status_code == 401


def test_e6_guessing_keys_is_limited(shop: Shop) -> None:
    guesses = [Caller(f"guess-{n}").get(f"/bookmaker/{shop.alpha.pk}").status_code for n in range(200)]
    assert guesses[0] == 401
    assert guesses[-1] == 429


def test_e6_wrong_keys_from_an_address_keep_no_right_key_out(shop: Shop) -> None:
    path = f"/bookmaker/{shop.alpha.pk}"
    while Caller("guess").get(path).status_code == 401:
        pass
    assert shop.owner.get(path).status_code == 200
    assert Caller("guess").get(path).status_code == 429


def test_a_key_without_the_scope_for_odds_reads_none(shop: Shop) -> None:
    """Of its own bookmaker it is told so, on every route alike; another's is as unknown to it as to everybody."""
    shop.fixture()
    ops = key_of(shop.alpha.pk, "ops")
    paths = (f"/bookmaker/{shop.alpha.pk}", f"/bookmaker/{shop.alpha.pk}/football/matches", shop.path(), shop.path("override"), "/football")
    answers = [ops.get(path, X_Request_Id="r") for path in paths]
    answers += [ops.patch(shop.path("full-time"), BODY, X_Request_Id="r"), ops.get(shop.path(sport="curling"), X_Request_Id="r")]
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {(403, "this key has not the scope odds")}
    _alike(shop, f"/bookmaker/{shop.beta.pk}", f"/bookmaker/{uuid.uuid4()}", ops)


def test_it_serves_a_signed_in_member_and_hides_from_others(shop: Shop) -> None:
    shop.fixture()
    ann, bob = Client(), Client()
    ann.force_login(person("ann", shop.alpha, Role.VIEWER))
    bob.force_login(person("bob", shop.beta, Role.SUPERVISOR))
    assert ann.get(shop.path()).status_code == 200
    assert bob.get(shop.path()).status_code == 404


def test_e2_a_lost_role_counts_at_once(shop: Shop) -> None:
    ann = Client()
    ann.force_login(person("ann", shop.alpha, Role.TRADER))
    assert ann.get(f"/bookmaker/{shop.alpha.pk}").status_code == 200
    Member.objects.all().delete()
    assert ann.get(f"/bookmaker/{shop.alpha.pk}").status_code == 404


def test_e5_a_session_caller_needs_the_csrf_token(shop: Shop) -> None:
    shop.fixture()
    ann = Client(enforce_csrf_checks=True)
    ann.force_login(person("ann", shop.alpha, Role.TRADER))
    refused = ann.patch(shop.path("full-time"), BODY, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    ann.cookies["csrftoken"] = "a" * 32
    accepted = ann.patch(shop.path("full-time"), BODY, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert accepted.status_code == 200


def test_e5_a_foreign_origin_changes_nothing(shop: Shop) -> None:
    shop.fixture()
    ann = Client(enforce_csrf_checks=True)
    ann.force_login(person("ann", shop.alpha, Role.TRADER))
    ann.cookies["csrftoken"] = "a" * 32
    headers = {"X-CSRFToken": "a" * 32, "Origin": "https://elsewhere.example"}
    assert ann.patch(shop.path("full-time"), BODY, content_type="application/json", headers=headers).status_code == 403


def test_p4_a_viewer_s_patch_is_forbidden(shop: Shop) -> None:
    shop.fixture()
    vera = Client()
    vera.force_login(person("vera", shop.alpha, Role.VIEWER))
    answer = vera.patch(shop.path("full-time"), BODY, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


def test_p5_simulated_fixtures_are_for_demo_bookmakers_only(shop: Shop) -> None:
    shop.source.simulated = True
    shop.source.save()
    shop.fixture()
    assert shop.owner.get(shop.path()).status_code == 404
    bookmakers.update(of_command(), shop.alpha.pk, demo=True)
    assert shop.price()["suspended"] is False


@pytest.mark.parametrize("path", ["/bookmaker/", "/bookmaker/x", "/bookmaker/x/y/z", "/bookmaker/x/y/z/w/v", "/bookmaker"])
def test_it_answers_every_unknown_address_in_json(shop: Shop, path: str) -> None:
    answer = shop.owner.get(path, X_Request_Id="r")
    assert (answer.status_code, answer.json()) == (404, {"error": "not-found", "detail": "not found", "requestId": "r"})


def test_it_names_the_methods_that_an_address_takes(shop: Shop) -> None:
    answer = shop.owner.client.post(shop.path(), headers={"Authorization": f"Bearer {shop.owner.token}"})
    assert (answer.status_code, answer["Allow"], answer.json()["error"]) == (405, "GET, HEAD", "method-not-allowed")


def test_it_keeps_the_caller_s_request_id_when_it_is_a_plain_word(shop: Shop) -> None:
    path = f"/bookmaker/{shop.alpha.pk}"
    assert shop.owner.get(path, X_Request_Id="abc-1")["X-Request-Id"] == "abc-1"
    assert "<" not in shop.owner.get(path, X_Request_Id="<b>")["X-Request-Id"]


@pytest.mark.parametrize("path", ["/api/openapi.json", "/bookmaker/openapi.json"])
def test_it_describes_itself(shop: Shop, path: str) -> None:
    document = shop.nobody.get(path).json()
    assert {"/bookmaker/{bookmaker_id}/{sport}/{match_id}/{odd_type}", "/{sport}-history"} <= set(document["paths"])


@pytest.mark.parametrize("path", ["/bookmaker/{bookmaker}", "/football", "/football-leagues"])
def test_e2_a_key_that_has_expired_opens_nothing_any_more(shop: Shop, path: str) -> None:
    address = path.format(bookmaker=shop.alpha.pk)
    assert shop.owner.get(address).status_code == 200
    ApiKey.objects.filter(bookmaker=shop.alpha).update(expires_at=db.now())
    answer = shop.owner.get(address)
    assert (answer.status_code, answer.json()["error"], answer["WWW-Authenticate"]) == (401, "not-authenticated", "Bearer")
    assert shop.nobody.get(f"{address}?token={shop.owner.token}").status_code == 401
