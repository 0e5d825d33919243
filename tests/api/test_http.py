"""What HTTP itself asks of every REST address: HEAD, parameters that nobody knows, errors in the one form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets.selectors import matches
from tests.api.conftest import HOME, Caller, Shop, key_of

BODY = {"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 60}
OWN = ("", "/football/matches", "/football/100", "/football/100/verify", "/football/100/override")
PUBLIC = ("/football", "/football-history?match_id=eq.100", "/football-classes", "/football-leagues")
DESCRIBED = ("/api/openapi.json", "/bookmaker/openapi.json", "/api/asyncapi.json", "/api/docs", "/healthz")


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.fixture()
    return shop


def own(shop: Shop, tail: str) -> str:
    return f"/bookmaker/{shop.alpha.pk}{tail}"


def head(caller: Caller, path: str, **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    return caller.client.head(path, headers={**bearer, "X-Request-Id": "r", **headers})


# HEAD


@pytest.mark.parametrize("path", [*OWN, *PUBLIC, *DESCRIBED])
def test_head_tells_the_headers_of_the_get_without_its_body(stocked: Shop, path: str) -> None:
    address = own(stocked, path) if path in OWN else path
    asked, told = stocked.owner.get(address, X_Request_Id="r"), head(stocked.owner, address)
    assert asked.content
    assert (told.status_code, told.content) == (200, b"")
    assert {name: value for name, value in told.headers.items() if name != "X-Valid-For-Ms"} == {
        name: value for name, value in asked.headers.items() if name != "X-Valid-For-Ms"
    }
    assert int(told["Content-Length"]) == len(asked.content)
    assert ("X-Valid-For-Ms" in told) == ("X-Valid-For-Ms" in asked)


def test_head_of_an_unchanged_match_renews_it_by_304(stocked: Shop) -> None:
    etag = head(stocked.owner, stocked.path())["ETag"]
    renewed = head(stocked.owner, stocked.path(), **{"If-None-Match": etag})
    assert (renewed.status_code, renewed["X-Valid-For-Ms"], renewed.content) == (304, "10000", b"")


@pytest.mark.parametrize(("path", "status"), [("/football/7", 404), ("/football/matches?page=x", 422), ("/football/matches?foo=1", 422)])
def test_head_of_what_a_get_refuses_is_refused_alike(stocked: Shop, path: str, status: int) -> None:
    assert stocked.owner.get(own(stocked, path)).status_code == status
    assert (head(stocked.owner, own(stocked, path)).status_code, head(stocked.nobody, own(stocked, path)).status_code) == (status, 401)


def test_head_is_for_what_is_read_only(stocked: Shop) -> None:
    refused = head(stocked.owner, stocked.path("full-time"))
    assert (refused.status_code, set(refused["Allow"].split(", ")), refused.content) == (405, {"PATCH", "DELETE"}, b"")


def test_the_books_of_the_feeds_answer_head_too(stocked: Shop) -> None:
    ops = key_of(stocked.alpha.pk, "ops")
    assert head(ops, "/feeds/accounting")["Content-Length"] == str(len(ops.get("/feeds/accounting").content))
    assert head(stocked.owner, "/feeds/accounting").status_code == 403


# Parameters


@pytest.mark.parametrize("path", [*OWN, *PUBLIC])
def test_a_parameter_that_nobody_knows_is_refused_by_name(stocked: Shop, path: str) -> None:
    address = own(stocked, path) if path in OWN else path
    answer = stocked.owner.get(f"{address}{'&' if '?' in address else '?'}hometeam=ajax")
    assert (answer.status_code, answer.json()["error"], list(answer.json()["fields"])) == (422, "invalid", ["hometeam"])
    assert answer.json()["fields"]["hometeam"].startswith("is not understood; ")


def test_the_list_names_what_it_takes(stocked: Shop) -> None:
    answer = stocked.owner.get(own(stocked, "/football/matches?hometeam=ajax&foo=1"))
    understood = "is not understood; understood are page, league, homeTeam, awayTeam, status"
    assert answer.json()["fields"] == {"hometeam": understood, "foo": understood}


@pytest.mark.parametrize("query", ["lang=en", "token=x", "lang=de&page=0"])
def test_what_changes_nothing_is_passed_over(stocked: Shop, query: str) -> None:
    assert len(stocked.owner.get(own(stocked, f"/football/matches?{query}")).json()) == 1


@pytest.mark.parametrize("query", ["league=a&league=b", "league=a&league=a"])
def test_a_parameter_that_comes_twice_says_two_things_and_is_refused(stocked: Shop, query: str) -> None:
    for path in (own(stocked, "/football/matches"), "/football", "/football-leagues"):
        answer = stocked.owner.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["fields"]) == (422, {"league": "is given more than once"})


def test_a_filter_that_comes_twice_means_both(stocked: Shop) -> None:
    assert stocked.owner.get("/football?match_id=neq.7&match_id=neq.100").json() == []
    refused = stocked.owner.get("/football?limit=1&limit=2")
    assert (refused.status_code, refused.json()["fields"]) == (422, {"limit": "is given more than once"})


def test_a_command_with_a_parameter_that_nobody_knows_changes_nothing(stocked: Shop) -> None:
    patched = stocked.owner.patch(stocked.path("full-time") + "?dryRun=true", BODY)
    assert (patched.status_code, list(patched.json()["fields"])) == (422, ["dryRun"])
    assert stocked.match()["override"] == []
    assert stocked.owner.patch(stocked.path("full-time"), BODY).status_code == 200
    ended = stocked.owner.delete(stocked.path("full-time") + "?oddKey=match-result%23runner-1&oddkey=x")
    assert (ended.status_code, list(ended.json()["fields"])) == (422, ["oddkey"])
    assert len(stocked.match()["override"]) == 1


def test_e1_a_foreign_address_is_404_whatever_is_asked_of_it(stocked: Shop) -> None:
    assert stocked.other.get(own(stocked, "/football/matches?foo=1")).status_code == 404


# Errors


def one_form(answer: Any, status: int, error: str) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json"), answer.content
    body = answer.json()
    assert set(body) - {"fields"} == {"error", "detail", "requestId"}
    assert (body["error"], body["requestId"]) == (error, answer["X-Request-Id"])


@pytest.mark.parametrize(
    ("body", "kind", "status", "error"),
    [
        (b"{", "application/json", 400, "malformed"),
        (b"", "application/json", 422, "invalid"),
        (b'{"oddKey": "\xff"}', "application/json", 400, "malformed"),
        (b"[1]", "application/json", 422, "invalid"),
        (b'{"oddKey": NaN}', "application/json", 400, "malformed"),
        (b"a" * (256 * 1024 + 1), "application/json", 413, "too-large"),
        (b"oddKey=x&oddValue=2", "application/x-www-form-urlencoded", 400, "malformed"),
        (b"<order/>", "application/xml", 400, "malformed"),
    ],
)
def test_a_body_that_is_none_is_refused_in_the_one_form(stocked: Shop, body: bytes, kind: str, status: int, error: str) -> None:
    headers = {"Authorization": f"Bearer {stocked.owner.token}"}
    one_form(stocked.owner.client.patch(stocked.path("full-time"), body, content_type=kind, headers=headers), status, error)
    assert stocked.match()["override"] == []


def test_json_is_read_whatever_the_content_type_says(stocked: Shop) -> None:
    """A client of 000 may send no more than the body."""
    body = b'{"oddKey": "match-result#runner-1", "oddValue": 2.1, "durationSeconds": 60}'
    headers = {"Authorization": f"Bearer {stocked.owner.token}"}
    answer = stocked.owner.client.patch(stocked.path("full-time"), body, content_type="text/plain", headers=headers)
    assert (answer.status_code, answer.json()["oddValue"]) == (200, 2.1)


@pytest.mark.parametrize("path", ["/football/%00", "/football/100%00", "/%00/matches", "/foot%00ball/100", "/%EF%BF%BF/1"])
def test_a_nul_in_a_path_names_nothing(stocked: Shop, path: str) -> None:
    one_form(stocked.owner.get(own(stocked, path)), 404, "not-found")
    one_form(stocked.owner.patch(own(stocked, f"{path}/full-time"), BODY), 404, "not-found")
    one_form(stocked.owner.patch(own(stocked, "/football/100/full%00time"), BODY), 404, "not-found")


@pytest.mark.parametrize("name", ["league", "homeTeam", "awayTeam"])
def test_a_nul_in_a_filter_is_in_no_name(stocked: Shop, name: str) -> None:
    assert stocked.owner.get(own(stocked, f"/football/matches?{name}=a%00")).json() == []


def test_a_nul_in_a_public_filter_or_in_an_odd_key_is_refused_by_name(stocked: Shop) -> None:
    listed, ended = stocked.owner.get("/football?league=%00"), stocked.owner.delete(stocked.path("full-time") + "?oddKey=a%23%00")
    for answer, field in ((listed, "league"), (ended, "oddKey")):
        one_form(answer, 422, "invalid")
        assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize("path", ["/bookmaker/x", "/football", "/api/openapi.json", "/curling"])
def test_a_host_that_is_not_ours_is_refused_in_the_one_form(stocked: Shop, path: str) -> None:
    headers = {"Authorization": f"Bearer {stocked.owner.token}", "Host": "elsewhere.example"}
    one_form(stocked.owner.client.get(path, headers=headers), 400, "malformed")


@pytest.mark.parametrize("path", ["/football/matches", "/football/100"])
def test_more_parameters_than_anybody_means_are_refused_in_the_one_form(stocked: Shop, path: str) -> None:
    one_form(stocked.owner.get(f"{own(stocked, path)}?{'&'.join(f'p{n}=1' for n in range(1100))}"), 400, "malformed")
    one_form(stocked.owner.get(f"/football?{'&'.join(f'p{n}=1' for n in range(1100))}"), 400, "malformed")


def test_an_error_of_ours_is_told_in_the_one_form_and_logged_with_its_request_id(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(matches, "card", broken)
    client = Client(raise_request_exception=False)
    answer = client.get(own(stocked, ""), headers={"Authorization": f"Bearer {stocked.owner.token}", "X-Request-Id": "r-500"})
    one_form(answer, 500, "failed")
    assert "ZeroDivisionError" not in answer.content.decode()
    assert "request r-500 failed" in caplog.text


def test_people_are_shown_a_page_for_what_django_refuses(stocked: Shop) -> None:
    ann = Client()
    ann.force_login(User.objects.create_user("ann", is_staff=True))
    for answer, status in ((ann.get("/curling"), 404), (ann.get("/", headers={"Host": "elsewhere.example"}), 400)):
        assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (status, "text/html")


@pytest.mark.parametrize("path", ["/bookmaker/x/y/z", "/football", "/api/openapi.json", "/api/asyncapi.json", "/football-classes"])
def test_a_method_that_an_address_does_not_take_is_refused_in_the_one_form(stocked: Shop, path: str) -> None:
    headers = {"Authorization": f"Bearer {stocked.owner.token}"}
    for ask in (stocked.owner.client.post, stocked.owner.client.put, stocked.owner.client.options):
        answer = ask(path, headers=headers)
        one_form(answer, 405, "method-not-allowed")
        assert answer["Allow"] == "GET, HEAD"
