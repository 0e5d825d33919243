"""E1 for every address that there is: what is another bookmaker's answers exactly like what never existed.

The addresses are taken from the URL configuration and from the doors of the streams. One that is new, and that no table here speaks of,
fails the test until somebody says what it takes.
"""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from msgspec import Struct
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from markets.api import streams
from markets.api.streams_topics import Kind
from markets.live.routing import websocket_urlpatterns
from tests.promises.town import House, Match, Person, Town

ROLES = ("viewer", "trader", "supervisor")
SECRET_WORDS = f"reason-{uuid.uuid4()}"


class Ids(Struct, frozen=True):
    """What an address or a form may name."""

    bookmaker: str
    sport: str
    match: int
    fixture: int
    market: int
    selection: int
    frame: int
    guid: str
    odd_key: str

    def named(self) -> dict[str, Any]:
        """By the names of the parameters of addresses."""
        ours = {"bookmaker_id": self.bookmaker, "sport": self.sport, "match_id": self.match, "odd_type": "full-time", "slug": "genius"}
        return {**ours, "fixture_id": self.fixture, "selection_id": self.selection, "frame_id": self.frame, "guid": self.guid}


NEVER = Ids(str(uuid.uuid4()), "curling", 999_999_999, 10**9, 10**9, 10**9, 10**9, str(uuid.uuid4()), "nobody#nothing")

FORMS: dict[str, list[dict[str, str]]] = {
    "do/override": [{"selection": "{selection}", "kind": "price", "value": "2.05", "seconds": "60", "reason": "x"}],
    "do/override/cancel": [{"selection": "{selection}"}],
    "do/override/extend": [{"selection": "{selection}", "seconds": "60"}],
    "do/override/confirm": [{"selection": "{selection}", "point_ended": "0"}],
    "do/suspend": [{"scope": scope, "target": f"{{{scope}}}"} for scope in ("selection", "market", "fixture")],
    "do/resume": [{"scope": scope, "target": f"{{{scope}}}"} for scope in ("selection", "market", "fixture")],
    "do/confirm": [{"fixture": "{fixture}", "as_of": "2026-01-01T00:00:00Z", "reason": "x"}],
    "do/bind": [{"fixture": "{fixture}", "points": "{fixture}", "team_a": "home"}],
    "do/unbind": [{"fixture": "{fixture}"}],
    "do/link": [{"fixture": "{fixture}", "other": "{fixture}"}],
    "do/unlink": [{"fixture": "{fixture}", "other": "{fixture}"}],
    "do/anew": [{"fixture": "{fixture}"}],
    "do/outcome": [{"fixture": "{fixture}", "outcome": "retired", "winner": "home"}],
    "do/outcome/back": [{"fixture": "{fixture}"}],
    "do/quarantine/retry": [{"frame": "{frame}"}],
    "do/quarantine/dismiss": [{"frame": "{frame}"}],
    "watch": [{"fixture": "{fixture}"}],
    "choose-bookmaker": [{"bookmaker": "{bookmaker}"}],
}
"""What is posted where: fields with the ids that they name."""
QUERIES: dict[str, list[str]] = {
    "would-open": ["fixture={fixture}", "market={market}"],
    "preview": ["selection={selection}&kind=price&value=2.05&seconds=60"],
    "<seeded:sport>": ["match_id=eq.{match}", "id=in.({match})"],
    "<seeded:sport>-history": ["match_id=eq.{match}"],
}
"""What else is asked for, beside what the path names."""
OF_ONESELF = {
    "", "board/aside", "board/extras", "feeds", "feeds/cards", "bindings", "bindings/lists", "links", "links/lists", "audit", "audit.csv",
    "account", "sign-in", "feeds/accounting", "<seeded:sport>-classes", "<seeded:sport>-leagues",
}  # fmt: skip
"""They name nothing: whoever asks is shown what is one's own, which must hold nothing of another."""
OF_NOBODY = {
    "healthz", "readyz", "favicon.ico", "api/docs", "api/openapi.json", "bookmaker/openapi.json", "bookmaker/", "bookmaker(?:/.*)?",
    "sign-out", "account/odds", "account/sounds", "account/keys", "board/views/keep", "board/views/forget", "do/panic", "api/asyncapi.json",
}  # fmt: skip
"""They name nothing and tell of no bookmaker, or do something for the caller alone."""


def test_e1_every_address_is_known_to_the_tables_here() -> None:
    unknown = [route for route in routes() if not _named(route) and route not in {*FORMS, *QUERIES, *OF_ONESELF, *OF_NOBODY}]
    assert unknown == [], "say in FORMS, QUERIES, OF_ONESELF or OF_NOBODY what these take"
    assert {name for route in routes() for name in _named(route)} <= NEVER.named().keys(), "a parameter that Ids does not name"
    assert {*FORMS, *QUERIES, *OF_ONESELF, *OF_NOBODY} <= set(routes()), "an address that there is no longer"
    assert {str(one.pattern) for one in websocket_urlpatterns} == {"live/ws/board", "live/ws/fixture/<int:fixture_id>"}


def routes() -> list[str]:
    """Every address of Django's but the admin's, which is staff's alone."""
    return list(_routes("", get_resolver().url_patterns))


def _routes(before: str, patterns: list[Any]) -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern).strip("^$")
        if isinstance(one, URLResolver) and one.namespace != "admin":
            yield from _routes(route, one.url_patterns)
        elif isinstance(one, URLPattern):
            yield route


def _named(route: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def _filled(route: str, ids: Ids) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: quote(str(ids.named()[found[1]])), route)


@pytest.fixture(scope="module")
def theirs(town: Town) -> Ids:
    """A match of a sport that Gamma has not, with what Alpha's people did to it."""
    match = town.match(sport="tennis")
    trader = town.person("alpha-trader")
    trader.do("override", selection=match.selection_row(), kind="price", value="2.05", seconds=3600, reason=SECRET_WORDS)
    trader.do("suspend", scope="fixture", target=match.row(), reason=SECRET_WORDS)
    guid = str(uuid.uuid4())
    match.say(match.market(), guid=guid)
    return ids_of(town, match, town.alpha, guid)


def ids_of(town: Town, match: Match, house: House, guid: str = "") -> Ids:
    market = int(town.place.rows(f"SELECT id FROM markets_market WHERE ref = '{match.markets[0]}'")[0][0])
    frame = int(town.place.rows(f"SELECT MAX(id) FROM feeds_frame WHERE guid = '{guid}'")[0][0] or 0) if guid else 0
    _, odd_key = match.odd_key(match.selections[0])
    return Ids(house.id, match.sport, match.ref, match.row(), market, match.selection_row(), frame, guid, odd_key)


class Caller(Struct, frozen=True):
    """Somebody at a bookmaker: by key, or signed in."""

    name: str
    http: httpx.Client
    headers: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        given = more.pop("headers", {})
        return self.http.request(method, path, headers={**self.headers, "X-Request-Id": "r", **given}, **more)


def with_key(town: Town, house: str) -> Caller:
    return Caller(f"{house}-key", httpx.Client(base_url=town.url, timeout=20, trust_env=False), town.houses[house].bearer)


def signed_in(town: Town, name: str) -> Caller:
    person: Person = town.person(name)
    person.http.get("/")
    return Caller(name, person.http, {"X-CSRFToken": person.http.cookies.get("csrftoken") or ""})


@pytest.fixture(scope="module")
def strangers(town: Town) -> dict[str, list[Caller]]:
    """Callers by bookmaker: a key, and a person of each role."""
    return {name: [with_key(town, name), *(signed_in(town, f"{name.lower()}-{role}") for role in ROLES)] for name in ("Beta", "Gamma")}


def same(caller: Caller, method: str, foreign: str, never: str, theirs: Ids, instead: Ids, **more: tuple[Any, Any]) -> None:
    """Both are asked for, and answered with the same, but for what was asked."""
    first = caller.ask(method, foreign, **{name: values[0] for name, values in more.items()})
    second = caller.ask(method, never, **{name: values[1] for name, values in more.items()})
    said = f"{caller.name}: {method} {foreign} {first.status_code} {first.text[:300]}\n{never} {second.status_code} {second.text[:300]}"
    assert _told(first, theirs) == _told(second, instead), said
    if foreign.startswith("/bookmaker/"):
        assert first.content == second.content, said
        assert first.status_code in (400, 404, 405, 422), said


_VARYING = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|"X-CSRFToken": "[^"]+"|\d\d:\d\d:\d\d|data-now="\d+"')
_HEADERS = ("content-type", "allow", "etag", "cache-control", "vary", "retry-after", "www-authenticate", "location", "hx-trigger")


def _told(answer: httpx.Response, asked: Ids) -> tuple[int, list[str | None], str]:
    """All that an answer tells, without the time, the token of the form, and the ids that were asked for."""
    text = _VARYING.sub("", answer.text)
    headers = [answer.headers.get(name) for name in _HEADERS]
    for one in (
        asked.bookmaker,
        asked.guid,
        asked.odd_key,
        *map(str, (asked.match, asked.selection, asked.market, asked.fixture, asked.frame)),
    ):
        text = re.sub(rf"(?<![\w-]){re.escape(one)}(?![\w-])", "#", text) if one else text
        headers = [header.replace(one, "#") if header and one else header for header in headers]
    return answer.status_code, headers, text


def test_e1_another_s_bookmaker_is_one_that_never_existed(theirs: Ids, strangers: Mapping[str, list[Caller]]) -> None:
    asked = [route for route in routes() if "bookmaker_id" in _named(route)]
    assert len(asked) >= 6
    never = Ids(**{**_fields(theirs), "bookmaker": NEVER.bookmaker})
    for caller, route in itertools.product(_all(strangers), asked):
        for method, more in _calls(route, theirs, never):
            same(caller, method, _filled(route, theirs), _filled(route, never), theirs, never, **more)


def test_e1_a_match_of_another_s_sport_is_one_that_never_existed(town: Town, theirs: Ids, strangers: Mapping[str, list[Caller]]) -> None:
    foreign = Ids(**{**_fields(theirs), "bookmaker": town.houses["Gamma"].id})
    never = Ids(**{**_fields(NEVER), "bookmaker": foreign.bookmaker, "sport": theirs.sport})
    asked = [route for route in routes() if {"match_id", "fixture_id", "selection_id"} & set(_named(route))]
    assert len(asked) >= 10
    for caller, route in itertools.product(strangers["Gamma"], asked):
        for method, more in _calls(route, foreign, never):
            same(caller, method, _filled(route, foreign), _filled(route, never), foreign, never, **more)


def test_e1_every_form_and_query_takes_another_s_ids_for_none(theirs: Ids, strangers: Mapping[str, list[Caller]]) -> None:
    never = Ids(**{**_fields(NEVER), "sport": theirs.sport})
    for caller in strangers["Gamma"]:
        for route, forms in FORMS.items():
            for form in forms:
                same(caller, "POST", f"/{route}", f"/{route}", theirs, NEVER, data=(_with(form, theirs), _with(form, NEVER)))
        for route, queries in QUERIES.items():
            for query in queries:
                first, second = (f"{_filled(route, ids)}?{query.format(**_fields(ids))}" for ids in (theirs, never))
                same(caller, "GET", first, second, theirs, never)


def test_e1_what_is_one_s_own_holds_nothing_of_another(theirs: Ids, town: Town, strangers: Mapping[str, list[Caller]]) -> None:
    told = (SECRET_WORDS, "alpha-trader", town.alpha.id, town.alpha.key.split("_")[1])
    for house, callers in strangers.items():
        own = Ids(**{**_fields(theirs), "bookmaker": town.houses[house].id, "sport": "football"})
        for caller, route in itertools.product(callers, sorted(OF_ONESELF)):
            answer = caller.ask("GET", _filled(route, own))
            assert answer.status_code < 500
            assert not [words for words in told if words in answer.text], (caller.name, route)


def test_e1_nothing_that_one_reads_moves_with_what_another_decides(town: Town, strangers: Mapping[str, list[Caller]]) -> None:
    """Lists, counts, payloads, verify, overrides, leagues, history: the same before and after."""
    match = town.match()
    key = strangers["Beta"][0]
    paths = [match.path(town.beta), *(f"{match.path(town.beta)}/{tail}" for tail in ("verify", "override"))]
    paths += [f"/bookmaker/{town.beta.id}", f"/football?match_id=eq.{match.ref}", f"/football-history?match_id=eq.{match.ref}"]
    before = {path: _still(key.ask("GET", path)) for path in paths}
    assert match.patch({"oddValue": 2.05, "durationSeconds": 600, "suspended": True, "reason": SECRET_WORDS}).status_code == 200
    assert match.read()["override"]
    assert {path: _still(key.ask("GET", path)) for path in paths} == before


def _still(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return re.sub(r'"(validForMs|checkedAt)":("[^"]*"|\d+)', "", answer.text)


def test_e1_the_streams_of_another_are_streams_that_never_existed(town: Town, theirs: Ids, strangers: Mapping[str, list[Caller]]) -> None:
    own = town.houses["Gamma"].id
    pairs = [
        ((theirs.bookmaker, "football", theirs.match), (NEVER.bookmaker, "football", theirs.match)),
        ((own, "tennis", theirs.match), (own, "tennis", NEVER.match)),
    ]
    for foreign, never in pairs:
        for one, other in zip(_stream_paths(*foreign), _stream_paths(*never), strict=True):
            for caller in strangers["Gamma"]:
                same(caller, "GET", one, other, theirs, NEVER)
            if one.startswith("/live/"):
                assert _heard(town, one) == _heard(town, other) != []


def _stream_paths(bookmaker: str, sport: str, match: int) -> list[str]:
    """Of each kind of stream, on each of its doors."""
    tails = [f"{bookmaker}/{sport}/{match}/{kind.value}" for kind in Kind]
    paths = [f"/live/{bookmaker}/{sport}", *(f"/{door}/{tail}" for door in ("live", "bookmaker") for tail in tails)]
    assert all(streams.matches({"type": "http", "method": "GET", "path": path}) for path in paths)
    return paths


def _heard(town: Town, path: str) -> list[str]:
    """All that a WebSocket with Gamma's key is told before it is closed, and how."""
    frames: list[str] = []
    with connect(f"ws://127.0.0.1:{town.web.port}{path}?token={town.houses['Gamma'].key}", proxy=None) as socket:
        try:
            while True:
                frames.append(str(socket.recv(timeout=20)))
        except ConnectionClosed:
            return [*frames, f"{socket.close_code} {socket.close_reason}"]


def test_e1_the_admin_is_staff_s_alone(theirs: Ids, strangers: Mapping[str, list[Caller]]) -> None:
    for caller in _all(strangers):
        for model in ("bookmaker", "apikey", "auditrecord", "member"):
            first, second = (f"/admin/markets/{model}/{ids.bookmaker}/change/" for ids in (theirs, NEVER))
            same(caller, "GET", first, second, theirs, NEVER)
            assert caller.ask("GET", first).status_code in (302, 404)


def _all(strangers: Mapping[str, list[Caller]]) -> list[Caller]:
    return [caller for callers in strangers.values() for caller in callers]


def _calls(route: str, foreign: Ids, never: Ids) -> Iterator[tuple[str, dict[str, tuple[Any, Any]]]]:
    """Every method that an address may take, with what goes with it."""
    yield "GET", {}
    if "odd_type" in _named(route):
        body = {"oddValue": 2.05, "durationSeconds": 60}
        yield "PATCH", {"json": ({**body, "oddKey": foreign.odd_key}, {**body, "oddKey": foreign.odd_key})}
        yield "PATCH", {"content": ("{", "{")}
        yield "DELETE", {"params": ({"oddKey": foreign.odd_key}, {"oddKey": foreign.odd_key})}


def _fields(ids: Ids) -> dict[str, Any]:
    return {name: getattr(ids, name) for name in ids.__struct_fields__}


def _with(form: Mapping[str, str], ids: Ids) -> dict[str, str]:
    return {name: value.format(**_fields(ids)) for name, value in form.items()}


def test_e1_nothing_of_alpha_was_changed_by_all_that(town: Town, theirs: Ids) -> None:
    """Runs last: what the strangers tried had no effect."""
    served = json.loads(town.get(f"/bookmaker/{theirs.bookmaker}/tennis/{theirs.match}").content)
    assert [(entry["oddKey"], entry["oddValue"], entry["by"]) for entry in served["override"]] == [(theirs.odd_key, 2.05, "alpha-trader")]
