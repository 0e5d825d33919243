"""Whatever bytes come: never an exception to the top, never a price opened by what is malformed (promises A8, A9, B3)."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds.errors import Unreadable
from feeds.odds360.mapping import hint, parse
from feeds.odds360.subjects import Kind, subject
from markets.domain import facts
from markets.domain.fold import Stamp, fold
from markets.domain.messages import Market, Message
from markets.domain.offering import offered
from markets.domain.state import FixtureState
from markets.domain.values import Extent

pytestmark = pytest.mark.modeless
REF = "2450840"
T0 = datetime(2026, 6, 11, 9, 0, tzinfo=UTC)
PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")

names = st.sampled_from(
    [
        "type", "matchId", "match_id", "id", "sport", "odds", "override", "overrides", "markets", "fullTime", "full-time", "setTime",
        "winner", "winner#home", "home", "away", "value", "price", "suspended", "active", "status", "status_type", "status_reason",
        "oddKey", "oddType", "oddValue", "ended", "line", "outcomes", "selections", "name", "result", "start_time", "home_team_id",
        "home_team_name", "matches", "verified", "problems", "league_id", "phase", "",
    ]
) | st.text(max_size=5)  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["1.85", 1.85, 2450840, "snapshot", "update", "suspend", "gone", "beat", "live", "finished", "2026-06-11T10:00:00Z", "winner#home"]
    ),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=40)
kinds = st.sampled_from(list(Kind))
prices = st.one_of(
    scalars,
    st.dictionaries(st.sampled_from(["value", "price", "odds", "suspended", "active", "status", "name", "result"]), scalars, max_size=4),
)
open_maps = st.dictionaries(
    st.sampled_from(["fullTime", "setTime", "full-time", "suspended", "Other"]),
    st.dictionaries(
        st.sampled_from(["winner", "total", "winner#home", "suspended", "status"]),
        st.dictionaries(st.sampled_from(["home", "away", "draw", "line", "suspended", "outcomes"]), prices, max_size=4) | scalars,
        max_size=4,
    )
    | scalars,
    max_size=3,
)
OUTCOMES = ("home", "away", "draw")
outcomes = st.dictionaries(st.sampled_from(OUTCOMES), prices, min_size=1, max_size=3) | st.lists(
    st.fixed_dictionaries({"key": st.sampled_from(["home", "away"])}, optional={"value": scalars, "suspended": scalars}), max_size=3
)
told_of = st.one_of(
    outcomes,
    st.fixed_dictionaries(
        {},
        optional={
            "group": st.sampled_from(["fullTime", "setTime", "full-time", "elsewhere", "player"]),
            "outcomes": outcomes,
            "selections": outcomes,
            "home": prices,
            "status": st.sampled_from(["Open", "Suspended", "?"]),
            "tradable": st.booleans(),
            "name": st.just("Winner"),
            "resultRevision": st.integers(1, 3),
            "limit": st.just({"value": 100}),
        },
    ),
)
names_beside = st.sampled_from(["winner", "total", "player", "fullTime", "setTime", "full-time", "outcomes", "elsewhere"])
beside = st.dictionaries(names_beside, st.dictionaries(names_beside, told_of, max_size=3) | told_of | scalars, max_size=4)
GROUPS = {"full-time", "set-time", "player"}


def read(body: bytes, kind: Kind) -> Message | None:
    """The message; ``None`` where it is quarantined for its match alone."""
    try:
        return parse(body, subject(kind, REF))
    except Unreadable as error:
        refs = error.fixture_refs
    assert refs == (REF,)
    return None


def open_prices(state: FixtureState) -> dict[tuple[str, str], Decimal]:
    def of(market: Market) -> dict[str, Decimal]:
        ids = offered(market)
        return {s.id: s.price for s in market.selections if s.id in ids and s.price is not None}

    return {(ref, i): price for ref, market in state.markets.items() for i, price in of(market).items()}


def plain_prices(said: Any) -> set[Decimal]:
    """Every plain decimal in a document, wherever it stands."""
    if isinstance(said, dict):
        return set().union(*map(plain_prices, said.values()))
    if isinstance(said, list):
        return set().union(*map(plain_prices, said))
    text = said.strip() if isinstance(said, str) else json.dumps(said)
    return {Decimal(text)} if PLAIN.fullmatch(text) else set()


def told() -> FixtureState:
    """Two markets, both open."""
    odds = {"fullTime": {"winner": {"home": 1.85, "away": 1.95}, "total": {"over": 1.9}}}
    body = json.dumps({"matchId": 2450840, "sport": "table-tennis", "odds": odds, "override": []}).encode()
    return fold(FixtureState(), parse(body, subject(Kind.ODDS, REF)), Stamp(T0)).state


@given(body=st.binary(max_size=300), kind=kinds)
def test_any_bytes_are_read_or_quarantined(body: bytes, kind: Kind) -> None:
    read(body, kind)
    hint(body, subject(kind, REF))


@given(stream=st.text(max_size=70), body=st.binary(max_size=20))
def test_any_stream_is_routed_and_read_or_quarantined(stream: str, body: bytes) -> None:
    routed = hint(body, stream).fixture_ref
    refs: tuple[str, ...] = ()
    try:
        parse(body, stream)
    except Unreadable as error:
        refs = error.fixture_refs
    assert all(ref == routed for ref in refs)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=values, kind=kinds)
def test_any_json_is_applied_without_opening_what_it_does_not_price(said: Any, kind: Kind) -> None:
    before = told()
    message = read(json.dumps(said).encode(), kind)
    if message is None:
        return
    after = fold(before, message, Stamp(T0 + timedelta(seconds=1))).state
    was, now = open_prices(before), open_prices(after)
    news = {place: price for place, price in now.items() if was.get(place) != price}
    assert set(news.values()) <= plain_prices(said)
    assert kind in (Kind.ODDS, Kind.UPDATES) or not news
    for market in after.markets.values():
        assert facts.market_from(facts.encode_market(market), market.selections).id == market.id
        assert len(market.ref) <= 100
        assert all(0 < len(s.id) <= 64 for s in market.selections)


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(odds=open_maps)
def test_a_whole_payload_offers_exactly_its_plain_open_prices(odds: dict[str, Any]) -> None:
    said = {"matchId": 2450840, "sport": "table-tennis", "odds": odds, "override": []}
    message = read(json.dumps(said).encode(), Kind.ODDS)
    assert message is not None
    assert any(getattr(part, "extent", None) is Extent.WHOLE for part in message.parts)
    now = open_prices(fold(told(), message, Stamp(T0 + timedelta(seconds=1))).state)
    assert set(now.values()) <= plain_prices(odds)
    assert all(Decimal("1.01") <= price <= 1001 for price in now.values())


def payload(**said: Any) -> FixtureState:
    message = read(json.dumps({"matchId": 2450840, **said}).encode(), Kind.ODDS)
    return fold(FixtureState(), message, Stamp(T0)).state if message else FixtureState()


def places(said: Any) -> set[tuple[str, Decimal]]:
    """Each name under which a plain price stands in a document, or the object of one, with that price."""
    found = set()
    if isinstance(said, dict):
        found = {(key, price) for key, one in said.items() for price in plain_prices(one)}
        named = {(said["key"], price) for price in plain_prices(said)} if isinstance(said.get("key"), str) else set()
        found |= named.union(*map(places, said.values()))
    if isinstance(said, list):
        found = found.union(*map(places, said))
    return found


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(odds=open_maps, about=beside)
def test_what_stands_beside_the_odds_opens_nothing_that_they_close_and_nothing_without_its_group(odds: Any, about: Any) -> None:
    alone, together = payload(odds=odds), payload(odds=odds, markets=about)
    was, now = open_prices(alone), open_prices(together)
    for (market, outcome), price in now.items():
        if market in alone.markets:
            assert was.get((market, outcome)) == price
        else:
            assert market.partition("/")[0] in GROUPS
            assert outcome in OUTCOMES
            assert (outcome, price) in places(about)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(odds=open_maps, about=beside)
def test_a_change_beside_whose_odds_something_cannot_be_read_leaves_open_nothing_that_it_may_be_about(odds: Any, about: Any) -> None:
    before = told()
    message = read(json.dumps({"type": "update", "matchId": 2450840, "odds": odds, "markets": about}).encode(), Kind.UPDATES)
    assert message is not None
    after = fold(before, message, Stamp(T0 + timedelta(seconds=1))).state
    now = open_prices(after)
    assert set(now.values()) - set(open_prices(before).values()) <= plain_prices([odds, about])
    named = {key.partition("#")[0] for group in odds.values() if isinstance(group, dict) for key in group}
    unreadable = {key for key, one in about.items() if one is not None and not isinstance(one, dict)} - named
    assert not {place for place in now if place[0].partition("/")[2] in unreadable}


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 6))
def test_a_payload_with_bytes_changed_or_cut_opens_nothing_that_it_does_not_say(seed: int, cuts: int) -> None:
    """Bytes of a good payload fall out, change or are doubled: what is still JSON is believed as it stands, the rest is quarantined."""
    chance = random.Random(seed)
    body = bytearray(
        b'{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":{"value":1.85,"suspended":true},"away":1.95}}},"override":[]}'
    )
    for _ in range(cuts):
        at = chance.randrange(len(body))
        match chance.randrange(3):
            case 0:
                del body[at]
            case 1:
                body[at] = chance.choice(b'{}[]":,019.eE-+ \x00\xff')
            case _:
                body[at:at] = body[at : at + chance.randrange(1, 20)]
    message = read(bytes(body), Kind.ODDS)
    if message is None:
        return
    said = json.loads(body, parse_float=str, parse_int=str)
    assert set(open_prices(fold(FixtureState(), message, Stamp(T0)).state).values()) <= plain_prices(said)


@settings(max_examples=100, deadline=None)
@given(
    prices=st.lists(
        st.sampled_from(["1.85", "1.95", "2", "0.5", "1e1", "null", '"x"', '{"value":1.9,"suspended":true}']), min_size=2, max_size=4
    )
)
def test_a_name_that_comes_twice_never_opens(prices: list[str]) -> None:
    inner = ",".join(f'"home":{price}' for price in prices)
    body = f'{{"matchId":2450840,"odds":{{"fullTime":{{"winner":{{{inner},"away":1.95}}}}}}}}'.encode()
    message = read(body, Kind.ODDS)
    assert message is not None
    now = open_prices(fold(told(), message, Stamp(T0 + timedelta(seconds=1))).state)
    assert set(now) == {("full-time/winner", "away")}
