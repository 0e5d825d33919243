"""Whatever happens, a client that applies a snapshot and the frames after it has what REST answers at that moment (D1, D3, A12)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from markets import http
from markets.api import payload
from markets.api.streams_matches import OddsStream
from markets.api.streams_overrides import OverrideStream
from markets.domain.pricing import Override
from markets.domain.publish import MarketRow, SelectionRow, Terms
from markets.domain.rules import FeedHealth, FixtureFacts, Hold, Limits, MarketFacts
from markets.domain.values import FixtureStatus, HoldOwner, OverrideKind, Phase, Scope
from markets.live.sockets import WHOLE
from markets.selectors.fixture import FixtureSnapshot
from markets.selectors.offer import Offer, assemble
from markets.selectors.terms import FixtureTerms
from tests.domain import says
from tests.live.clients import Json, Match, without_time
from tests.live.listening import a_market

pytestmark = pytest.mark.modeless
NOW = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
SOURCE = 1


class World(Struct):
    """Everything that decides what is offered. Market 1 is in play, market 2 is not; ``prices`` by market, ``None``: not there yet."""

    prices: dict[int, tuple[str, ...] | None]
    held: frozenset[str]
    override: str | None
    ends: int
    heard: int
    now: int
    revision: int = 0
    linked: tuple[int, ...] = ()

    def offer(self) -> Offer:
        now = NOW + timedelta(milliseconds=self.now)
        feed = FeedHealth("wire", NOW + timedelta(milliseconds=self.heard), lease_seconds=5.0)
        return assemble(self._snapshot(), self._terms(), {SOURCE: feed}, now, store_confirmed_at=now)

    def _snapshot(self) -> FixtureSnapshot:
        facts = FixtureFacts(7, True, FixtureStatus.SCHEDULED, False, "football", "1:55", says.coverage())
        markets = tuple(_row(number, prices) for number, prices in sorted(self.prices.items()) if prices is not None)
        return FixtureSnapshot(
            id=7, source_id=SOURCE, source="wire", ref="100", match_id=100, sport="football", sport_name="Football", name="Ajax v PSV",
            competition_ref="55", competition_name="Eredivisie", home_name="Ajax", away_name="PSV", phase=Phase.LIVE,
            revision=self.revision, total_odds=3, simulated=False, start=NOW, changed_at=NOW + timedelta(seconds=self.revision),
            details=None, facts=facts, markets=markets, results={}, scoreboard={}, linked_match_ids=self.linked,
        )  # fmt: skip

    def _terms(self) -> FixtureTerms:
        since = NOW - timedelta(seconds=1)
        ends = NOW + timedelta(milliseconds=self.ends)
        overrides = {10: Override(3, OverrideKind.PRICE, Decimal(self.override), since, ends, "Ann")} if self.override else {}
        holds = tuple(Hold(n, HoldOwner.TRADER, *_TARGETS[name], since, "Ann") for n, name in enumerate(sorted(self.held)))
        return FixtureTerms(Terms(Decimal(0), overrides), holds, (), self.revision, Limits())


_TARGETS = {"all": (Scope.EVERYTHING, ""), "market": (Scope.MARKET, "1"), "selection": (Scope.SELECTION, "11")}


def _row(number: int, prices: tuple[str, ...]) -> MarketRow:
    market = a_market(str(number), prices, in_play=number == 1)
    selections = tuple(SelectionRow(number * 10 + n, s.id, f"runner-{n}") for n, s in enumerate(market.selections))
    return MarketRow(number, f"market-{number}", "full-time" if number == 1 else "set-time", MarketFacts(number, market, NOW), selections)


prices = st.sampled_from([("2.00", "3.00"), ("2.10", "3.00"), ("2.00", "3.10"), ("2.00", "3.00", "9.00"), ("", "3.00"), None])
moves: dict[str, st.SearchStrategy[Any]] = {
    "one": prices, "two": prices, "held": st.frozensets(st.sampled_from(sorted(_TARGETS))), "override": st.sampled_from([None, "2.50"]),
    "linked": st.sampled_from([(), (7,)]), "ends": st.integers(0, 9000), "heard": st.just(0), "pass": st.integers(1, 4000),
}  # fmt: skip
steps = st.lists(
    st.tuples(
        st.sampled_from(sorted(moves)).flatmap(lambda name: st.tuples(st.just(name), moves[name])),
        st.sampled_from(["take", "take", "confirm", "fail"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=30,
)


Script = list[tuple[tuple[str, Any], str, bool, bool]]


def moved(world: World, name: str, value: Any) -> None:
    """Only what somebody says or does makes a new revision; time and heartbeats do not."""
    world.revision += name not in ("heard", "pass")
    match name:
        case "one" | "two":
            world.prices[1 if name == "one" else 2] = value if value is None else tuple(p or "1.00" for p in value)
        case "held" | "override" | "ends" | "linked":
            setattr(world, name, value)
        case "heard":
            world.heard = world.now
        case "pass":
            world.now += value


def served(offer: Offer) -> Json:
    body: Json = json.loads(http.encode(payload.match(offer)))
    return body


def open_in(body: Json) -> set[tuple[str, str, str]]:
    return {
        (group, market, outcome)
        for group, markets in body["odds"].items()
        for market, outcomes in markets.items()
        for outcome, price in outcomes.items()
        if not price["suspended"]
    }


def shown(match: Match) -> set[tuple[str, str, str]]:
    return open_in(match.body) if match.body and not match.stale else set()


@settings(deadline=None, max_examples=60)
@given(steps)
def test_d3_a_snapshot_and_the_frames_after_it_make_what_rest_answers(script: Script) -> None:
    """One client hears everything, one misses what a slow one would and is given a snapshot.

    ``hasty``: only what closes is sent before the next thing happens, as when much happens within the quiet of a topic.
    """
    world = World({1: ("2.00", "3.00"), 2: ("2.00", "3.00")}, frozenset(), None, 9000, 0, 0)
    stream, failed = OddsStream(world.offer(), WHOLE), False
    steady, slow = Match(), Match()
    for client in (steady, slow):
        client.hear(json.loads(stream.snapshot(world.offer().now).text))
    for (name, value), how, hears, hasty in script:
        moved(world, name, value)
        offer = world.offer()
        if how == "fail":
            stream.fail("it could not be worked out")
        elif how == "take" or name != "pass":
            stream.take(offer)
        else:
            stream.confirm(offer)
        failed = how == "fail"
        while stream.closing or (stream.changed and not hasty):
            frame = json.loads(stream.frame(offer.now).text)
            steady.hear(frame)
            if hears:
                slow.hear(frame)
            else:
                slow.stale = True
            assert shown(steady) <= (set() if failed else open_in(served(offer)))
            assert shown(slow) <= shown(steady)
        if not failed and not hasty:
            assert without_time(steady.body) == without_time(served(offer))
        for client in (steady, slow):
            client.hear(json.loads(stream.beat(offer.now).text))
        if hears and slow.stale and not stream.changed:
            slow.hear(json.loads(stream.snapshot(offer.now).text))
            assert without_time(slow.body) == without_time(steady.body)
    assert not steady.stale
    assert steady.broken == slow.broken == []


@settings(deadline=None, max_examples=60)
@given(steps)
def test_a12_no_frame_says_that_a_price_may_be_believed_beyond_what_holds_it_open(
    script: Script,
) -> None:
    world = World({1: ("2.00", "3.00"), 2: ("2.00", "3.00")}, frozenset(), "2.50", 9000, 0, 0)
    stream, client = OddsStream(world.offer(), WHOLE), Match()
    client.hear(json.loads(stream.snapshot(world.offer().now).text))
    for (name, value), *_ in script:
        moved(world, name, value)
        offer = world.offer()
        stream.take(offer)
        late = offer.now + timedelta(milliseconds=70)
        truth = _lives(world, 70)
        for say in (stream.beat, stream.frame, stream.frame, stream.frame, stream.beat, stream.snapshot):
            if say == stream.frame and not stream.changed:
                continue
            frame = json.loads(say(late).text)
            client.hear(frame)
            assert all(ms <= max(0, truth.get(path, 0)) for path, ms in _believed(frame, client).items())


def _believed(frame: Json, client: Match) -> dict[tuple[str, str, str], int]:
    """What the frame says of each price, a beat of all that the client holds as open."""
    named: dict[tuple[str, str, str], int] = {path: price["validForMs"] for path, price in _prices(frame.get("odds", {})) if price}
    if frame["type"] != "beat":
        return named
    others: int = frame["validForMs"]
    return {path: named.get(path, others) for path in shown(client)}


def _prices(odds: Json) -> list[tuple[tuple[str, str, str], Json]]:
    return [
        ((g, m, o), price)
        for g, markets in odds.items()
        for m, outcomes in (markets or {}).items()
        for o, price in (outcomes or {}).items()
    ]


def _lives(world: World, later: int) -> dict[tuple[str, str, str], int]:
    """What the gate itself says so many milliseconds later, of prices that are the same."""
    world.now += later
    body = served(world.offer())
    world.now -= later
    return {path: price["validForMs"] for path, price in _prices(body["odds"])}


@settings(deadline=None, max_examples=60)
@given(steps)
def test_d3_overrides_and_their_ends_make_what_rest_lists(script: Script) -> None:
    world = World({1: ("2.00", "3.00"), 2: ("2.00", "3.00")}, frozenset(), None, 9000, 0, 0)
    stream, client = OverrideStream(world.offer(), WHOLE), Match()
    client.hear(json.loads(stream.snapshot(world.offer().now).text))
    for (name, value), *_ in script:
        moved(world, name, value)
        offer = world.offer()
        stream.take(offer)
        if stream.changed:
            client.hear(json.loads(stream.frame(offer.now).text))
        assert not stream.changed
        listed = list(client.body["override"])
        assert sorted(map(str, listed)) == sorted(map(str, served(offer)["override"]))
        assert bool(client.body["holds"]["all"]) == ("all" in world.held)
    assert client.broken == []
