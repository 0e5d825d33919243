"""000, line by line, for table tennis: what a client of Odds360 sends and expects, against a running desk, by plain HTTP.

Each test quotes the lines that it holds us to. The streams of 000 have tests of their own (``test_streams*``).
"""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest

from tests.api.served import BARE, LIVE, OTHER, Desk
from tests.processes import until

PAYLOAD = """{
"matchId": 2450840,
"sport": "table-tennis",
"odds": {
"setTime": {},
"fullTime": {}
},
"override": []
}"""
PATCH = """{
"oddKey": "market_name#outcome_key",
"oddValue": 1.85,
"durationSeconds": 3600,
"suspended": false
}"""
ROW = {
    "id": int, "match_id": int, "league_id": str, "league_name": str, "home_team_name": str, "away_team_name": str, "start_time": str,
    "status_type": str,
}  # fmt: skip


def listed(desk: Desk, **query: object) -> list[int]:
    return [row["match_id"] for row in desk.get(desk.own("matches"), **query)]


def test_1_important_fields(desk: Desk) -> None:
    """“Important fields: id or match_id · league_id · league_name · home_team_name · away_team_name · start_time · status_type”"""
    for row in (*desk.get(desk.own("matches"), page=0), *desk.get("/table-tennis")):
        assert {name: type(row[name]) for name in ROW} == ROW
        assert row["id"] == row["match_id"]
        assert datetime.fromisoformat(row["start_time"]).tzinfo is not None
        assert row["status_type"] in ("live", "upcoming")


def test_2_the_response_contains_the_bookmaker_sports_list(desk: Desk) -> None:
    """“GET /bookmaker/{bookmakerId} — The response contains the bookmaker sports list.”"""
    assert "table-tennis" in desk.get(f"/bookmaker/{desk.bookmaker}")["sports"]


def test_3_the_match_list_with_prices(desk: Desk) -> None:
    """“GET /bookmaker/{bookmakerId}/table-tennis/matches?page=0 · …&status=live · …&league=Open”"""
    assert set(listed(desk, page=0)) == {LIVE, OTHER}
    assert listed(desk, page=0, status="live") == [LIVE]
    assert listed(desk, page=0, status="upcoming") == [OTHER]
    assert set(listed(desk, page=0, league="LEAGUE")) == {LIVE, OTHER}
    assert listed(desk, page=0, league="Open") == []


def test_3_available_query_parameters(desk: Desk) -> None:
    """“page · league · homeTeam · awayTeam · status with live or upcoming”"""
    assert listed(desk, homeTeam=f"home {LIVE}") == [LIVE]
    assert listed(desk, awayTeam=f"AWAY {OTHER}", page=0) == [OTHER]
    assert listed(desk, page=1) == []
    refused = desk.http.get(desk.own("matches"), params={"status": "finished"})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["status"])


def test_3_backend_behaviour(desk: Desk) -> None:
    """“page size is 100 · postponed and finished matches are excluded · only matches with totalOdds > 0 are returned”"""
    rows = desk.get(desk.own("matches"))
    assert BARE not in [row["match_id"] for row in rows]
    assert all(row["totalOdds"] > 0 for row in rows)
    assert len(rows) <= 100


def test_4_the_full_odds_payload(desk: Desk) -> None:
    """“GET /bookmaker/{bookmakerId}/table-tennis/{matchId} — Important response shape”: the sample itself."""
    sample: dict[str, Any] = json.loads(PAYLOAD)
    served = desk.match(sample["matchId"])
    assert {key: served[key] for key in sample} == sample


def test_4_the_frontend_also_loads_verify(desk: Desk) -> None:
    """“GET /bookmaker/{bookmakerId}/table-tennis/{matchId}/verify”"""
    found = desk.get(desk.own(LIVE, "verify"))
    served = desk.match()
    assert (found["matchId"], found["sport"], found["stateHash"]) == (LIVE, "table-tennis", served["stateHash"])
    assert (found["verified"], found["problems"]) == (True, [])


def test_odd_groups_and_their_mapping(desk: Desk) -> None:
    """“set-time -> odds.setTime · full-time -> odds.fullTime”"""
    odds = desk.match()["odds"]
    assert list(odds) == ["setTime", "fullTime"]
    assert odds["fullTime"]["market_name"]["outcome_key"]["value"]
    ((market, outcomes),) = odds["setTime"].items()
    (outcome,) = outcomes
    for group, status in (("set-time", 200), ("full-time", 404)):
        body = {"oddKey": f"{market}#{outcome}", "oddValue": 1.75, "durationSeconds": 60}
        assert desk.http.patch(desk.own(LIVE, group), json=body).status_code == status
    assert desk.match()["odds"]["setTime"][market][outcome]["value"] == 1.75
    assert desk.http.delete(desk.own(LIVE, "set-time"), params={"oddKey": f"{market}#{outcome}"}).status_code == 200


@pytest.mark.parametrize("route", ["table-tennis", "table-tennis-history", "table-tennis-classes", "table-tennis-leagues"])
def test_5_the_raw_rest_service(desk: Desk, route: str) -> None:
    """“GET https://odds360.sportmicro.com/table-tennis · -history · -classes · -leagues”, by header and by token."""
    query = {"match_id": f"eq.{LIVE}"} if route.endswith("history") else {}
    by_header = desk.http.get(f"/{route}", params=query)
    by_token = httpx.get(f"{desk.town.url}/{route}", params={**query, "token": desk.key}, trust_env=False)
    assert isinstance(by_header.json(), list)
    assert (by_header.status_code, by_token.status_code) == (200, 200)
    assert httpx.get(f"{desk.town.url}/{route}", params=query, trust_env=False).status_code == 401


def test_5_its_rows_are_of_the_bookmaker_of_the_key(desk: Desk) -> None:
    (row,) = desk.get("/table-tennis", match_id=f"eq.{LIVE}")
    assert {key: row[key] for key in ("matchId", "sport", "phase", "markets")} == {
        key: value for key, value in desk.match().items() if key in ("matchId", "sport", "phase", "markets")
    }
    assert [one["match_id"] for one in desk.get("/table-tennis", start_time="gte.2020-01-01", limit=1, offset=1)]
    assert desk.get("/table-tennis", start_time="gte.2199-01-01") == []
    league = desk.get("/table-tennis-leagues")[0]
    assert (league["name"], league["matches"]) == ("Test League", 2)
    ticks = desk.get("/table-tennis-history", match_id=f"eq.{LIVE}", market="eq.market_name")
    assert ticks[0]["odd_key"] == "market_name#outcome_key"


def test_7_optional_manual_overrides(desk: Desk) -> None:
    """“PATCH /bookmaker/{bookmakerId}/table-tennis/{matchId}/{oddType} — Typical body”: the sample itself."""
    before = datetime.now(UTC)
    answer = desk.http.patch(desk.own(LIVE, "full-time"), content=PATCH, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    entry, sample = answer.json(), json.loads(PATCH)
    assert {key: entry[key] for key in ("oddKey", "oddValue", "suspended")} == {
        key: sample[key] for key in ("oddKey", "oddValue", "suspended")
    }
    ends_at = datetime.fromisoformat(entry["endsAt"])
    assert abs((ends_at - before).total_seconds() - sample["durationSeconds"]) < 30
    assert desk.match()["odds"]["fullTime"]["market_name"]["outcome_key"]["value"] == sample["oddValue"]
    assert [one["oddKey"] for one in desk.get(desk.own(LIVE, "override"))] == [sample["oddKey"]]
    assert desk.http.delete(desk.own(LIVE, "full-time"), params={"oddKey": sample["oddKey"]}).status_code == 200
    assert desk.match()["override"] == []


def test_note_bookmaker_id_is_the_uuid_assigned_to_your_bookmaker(desk: Desk) -> None:
    """“bookmaker_id is the UUID assigned to your Odds360 bookmaker” · “/bookmaker/... routes are the authenticated dashboard routes”"""
    for path in (f"/bookmaker/{desk.bookmaker}", desk.own("matches"), desk.own(LIVE), desk.own(LIVE, "verify"), desk.own(LIVE, "override")):
        nobody = httpx.get(f"{desk.town.url}{path}", trust_env=False)
        assert (nobody.status_code, nobody.json()["error"]) == (401, "not-authenticated")
        assert desk.http.get(path).status_code == 200
        assert desk.http.get(path.replace(desk.bookmaker, desk.town.beta.id)).status_code == 404


def test_note_only_groups_that_are_non_empty_are_shown_yet_all_are_served(desk: Desk) -> None:
    """“The frontend only shows odd groups that are present and non-empty for the match.” (decision O4: each is present, possibly {})."""
    assert desk.match(OTHER)["odds"]["setTime"] == {}
    assert desk.match(OTHER)["odds"]["fullTime"] != {}


def test_an_answer_that_is_an_error_has_the_one_form(desk: Desk) -> None:
    errors = [
        desk.http.get(desk.own(7)),
        desk.http.get(desk.own("matches"), params={"page": -1}),
        desk.http.patch(desk.own(LIVE, "full-time"), content="{"),
        desk.http.patch(desk.own(LIVE, "full-time"), json={"oddKey": "market_name#outcome_key", "oddValue": 1.9, "durationSeconds": 0}),
        desk.http.put(desk.own(LIVE)),
        desk.http.get("/table-tennis", params={"limit": 51}),
        httpx.get(f"{desk.town.url}/table-tennis", trust_env=False),
    ]
    assert [answer.status_code for answer in errors] == [404, 422, 400, 422, 405, 422, 401]
    for answer in errors:
        assert set(answer.json()) - {"fields"} == {"error", "detail", "requestId"}
        assert answer.json()["requestId"] == answer.headers["X-Request-Id"]
    assert errors[1].json()["fields"] == {"page": "must be a whole number from 0 to 1000000000"}
    assert errors[3].json()["fields"] == {"durationSeconds": "a duration is 1 to 86400 seconds"}


def test_a_body_beyond_all_limits_is_refused_in_the_one_form_before_it_is_read(desk: Desk) -> None:
    lines = [f"PATCH {desk.own(LIVE, 'full-time')} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {desk.key}"]
    with socket.create_connection(("127.0.0.1", desk.town.web.port), timeout=20) as caller:
        caller.sendall("\r\n".join([*lines, "Content-Length: 999999999", "", ""]).encode())
        answer = HTTPResponse(caller)
        answer.begin()
        told = json.loads(answer.read())
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/json")
    assert (told["error"], told["requestId"]) == ("too-large", answer.headers["X-Request-Id"])


def test_e7_a_key_in_an_address_reaches_no_log(desk: Desk) -> None:
    assert httpx.get(f"{desk.town.url}/table-tennis-leagues", params={"token": desk.key}, trust_env=False).status_code == 200
    assert until(lambda: any("GET /table-tennis-leagues" in line for line in desk.town.web.lines))
    assert not [line for line in desk.town.web.lines if desk.key in line or desk.key.split("_", 2)[2] in line]
