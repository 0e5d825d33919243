"""What a bookmaker is served while a provider speaks (promises A3–A12), through HTTP only."""

from __future__ import annotations

import contextlib
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.processes import until
from tests.promises import letters
from tests.promises.town import Match, Town, while_watching


def test_a6_a_lower_order_and_a_duplicate_change_nothing(town: Town) -> None:
    match = town.match()
    guid = str(uuid.uuid4())
    match.say(match.market(first="2.10"), guid=guid, order=50)
    match.say(match.market(first="9.00", status="Closed"), order=49)
    assert (match.first()["value"], match.first()["suspended"]) == (2.10, False)
    match.say(match.market(first="2.20"), order=51)
    before = match.read()
    match.say(match.market(first="2.10"), guid=guid, order=50, retry=3)
    assert (match.read()["revision"], match.read()["stateHash"]) == (before["revision"], before["stateHash"])
    assert match.first()["value"] == 2.20


def test_a7_nobody_makes_tradable_what_the_gate_holds(town: Town) -> None:
    match = town.match()
    match.say(match.market(status="Suspended"))
    assert match.patch({"oddValue": 2.05, "durationSeconds": 60, "suspended": False, "reason": "test"}).status_code == 200
    staff, trader = town.person("alpha-staff"), town.person("alpha-trader")
    row = match.selection_row()
    assert trader.do("override", selection=row, kind="price", value="2.02", seconds=60, reason="test", version=match.first()["version"])
    for person in (trader, staff):
        person.post("/do/resume", {"scope": "fixture", "target": match.row()})
    assert match.open() == set()
    match.say(match.market())
    assert match.first()["value"] == 2.02
    match.wait_open()


@pytest.mark.parametrize(
    "price",
    [
        "<Decimal>NaN</Decimal><Numerator>17</Numerator><Denominator>20</Denominator>",
        "<Decimal>1e2</Decimal>",
        letters.price_of("1.00"),
        letters.price_of("1001.01"),
        "<Decimal>1<!-- -->.85</Decimal><Numerator>17</Numerator><Denominator>20</Denominator>",
        "<Decimal>1.85</Decimal><Numerator>2</Numerator><Denominator>1</Denominator>",
    ],
)
def test_a8_only_a_whole_price_is_served_and_the_rest_of_the_message_is(town: Town, price: str) -> None:
    match = town.match()
    market = match.markets[0]
    prices = match.prices(market) | {market * 10: price}
    match.say(letters.market(market, prices))
    assert match.open() == set(match.selections[1:])
    assert match.first()["reasons"]


def test_a9_what_is_unknown_is_held_and_every_page_still_answers(town: Town) -> None:
    match = town.match(markets=4)
    first, second, third, _ = match.markets
    match.say(
        match.market(0, status="HalfOpen"),
        match.market(1, trading="Sleeping"),
        letters.market(third, {third * 10: "<Decimal>∞</Decimal>", third * 10 + 1: "3.50", third * 10 + 2: "4.00"}),
    )
    town.post(letters.letter(letters.result_set(match.ref, second, {second * 10: "Abducted"})))
    assert match.open() == {id_ for id_ in match.selections if int(id_) // 10 not in (first, second) and int(id_) != third * 10}
    town.say(f"<LionTamingSummary2><FixtureId>{match.ref}</FixtureId></LionTamingSummary2>")
    assert until(lambda: match.open() == set(), 5)
    for name in ("alpha-viewer", "alpha-supervisor", "alpha-staff"):
        person = town.person(name)
        for path in ("/", f"/fixture/{match.row()}", "/feeds", "/feeds/cards", "/board/aside", "/board/extras", "/audit"):
            assert person.http.get(path).status_code == 200, path
    assert town.get(f"/bookmaker/{town.alpha.id}/football/matches").status_code == 200


def test_a11_a_price_ends_at_its_expiry(town: Town) -> None:
    match = town.match()
    expiry = datetime.now(UTC) + timedelta(seconds=4)
    match.say(match.market(expiry=expiry))
    seen: list[tuple[float, bool]] = []
    for asked in iter(time.time, None):
        first = match.first()
        if not first["suspended"]:
            assert asked + first["validForMs"] / 1000 <= expiry.timestamp()
        seen.append((asked, not first["suspended"]))
        if asked > expiry.timestamp() + 0.5:
            break
        time.sleep(0.02)
    assert seen[0][1]
    assert not any(tradable for asked, tradable in seen if asked >= expiry.timestamp())


def test_a11_a_start_a_result_a_deletion_and_a_lost_licence_end_it(town: Town) -> None:
    started, resulted, deleted, unlicensed = town.match(), town.match(), town.match(), town.match(in_play=True)
    town.say(letters.fixture(started.ref, off=True))
    town.say(letters.result_set(resulted.ref, resulted.markets[0], {resulted.markets[0] * 10: "Winner"}))
    town.say(letters.fixture(deleted.ref, status="Deleted"))
    town.say(letters.coverage(unlicensed.ref, licensed=False))
    for match in (started, resulted, deleted, unlicensed):
        assert closes(match), match.reasons()
        match.offer("2.40")
        town.settle()
        assert match.open() == set()
    assert "started" in started.reasons()
    assert "resulted" in resulted.reasons()


def closes(match: Match) -> bool:
    return until(lambda: match.open() == set(), 5)


def test_a12_every_price_is_valid_until_its_earliest_deadline_at_most(town: Town) -> None:
    in_play, before = town.match(in_play=True), town.match()
    assert all(0 < in_play.outcomes()[id_]["validForMs"] <= 2000 for id_ in in_play.selections)
    assert all(0 < before.outcomes()[id_]["validForMs"] <= 10_000 for id_ in before.selections)
    answer = before.patch({"oddValue": 2.05, "durationSeconds": 3, "reason": "test"})
    ends = datetime.fromisoformat(answer.json()["endsAt"]).timestamp()
    believed = []
    while (asked := time.time()) < ends:
        outcome = before.first()
        if outcome["value"] == 2.05:
            believed.append(asked + outcome["validForMs"] / 1000)
        time.sleep(0.02)
    assert len(believed) > 5
    assert max(believed) <= ends
    assert before.first()["value"] == 2.0
    assert until(lambda: town.get(before.path()).json()["override"] == [])
    assert until(lambda: still_good(unchanged(town, before)), 5)  # that it ended is told as a change of its own


def still_good(answer: httpx.Response) -> bool:
    """Nothing new, and for how long what is known may be trusted."""
    return answer.status_code == 304 and 0 < int(answer.headers["X-Valid-For-Ms"]) <= 10_000


def unchanged(town: Town, match: Match) -> httpx.Response:
    """The answer to "only if it changed since just now"."""
    tag = town.get(match.path()).headers["ETag"]
    return town.http.get(match.path(), headers={**town.alpha.bearer, "If-None-Match": tag})


def silence(town: Town) -> float:
    """Heartbeats stop; when the last one was answered."""
    town.silent.set()
    town.beat()
    return time.time()


def test_a3_a_silent_feed_is_down_when_its_lease_ends_and_not_before_it_is_heard(town: Town) -> None:
    lease = 3.0
    match = town.match()
    with_lease(town, lease)
    try:
        match.wait_open()
        last = silence(town)
        seen = while_watching(lambda: bool(match.open()), lease + 1.5)
        assert any(tradable for _, tradable in seen)
        assert not any(tradable for asked, tradable in seen if asked > last + lease)
        assert "lease" in match.reasons()
        town.silent.clear()
        match.wait_open()
    finally:
        town.silent.clear()
        with_lease(town, 25.0)
    check_a_lease_was_audited(town)


def with_lease(town: Town, seconds: float) -> None:
    """A setting of the feed (in the admin)."""
    with contextlib.closing(town.place.connect()) as connection:
        connection.execute(f"UPDATE markets_source SET lease_seconds = {seconds}")


def check_a_lease_was_audited(town: Town) -> None:
    """F1: a change by time has a record, and the trader can read it."""
    person = town.person("alpha-trader")
    assert until(lambda: "silent for over 3 s" in person.http.get("/audit").text, 5)
