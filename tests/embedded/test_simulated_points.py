"""`make run`: points and prices of the same simulated matches, bound by the demo's trader; table tennis with open prices; and all of it
gone with the run that played it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.processes import DeskProcess, Place, desk, until

INTACT = "b.ended_at IS NULL AND b.broken_at IS NULL"
BOUND = f"SELECT p.ref, b.by FROM markets_binding b JOIN markets_fixture p ON p.id = b.points_id WHERE {INTACT}"
STATES = "SELECT f.ref, s.state FROM markets_pointstate s JOIN markets_fixture f ON f.id = s.fixture_id"
PRICED = "SELECT count(*) FROM markets_fixture f JOIN markets_binding b ON b.fixture_id = f.id WHERE f.phase = 'live' AND f.total_odds > 0"
TABLES = "SELECT f.match_id, f.phase FROM markets_fixture f JOIN markets_source s ON s.id = f.source_id WHERE s.slug = 'odds360-simulator'"
NORTH = "SELECT id FROM markets_bookmaker WHERE name = 'Demo North'"
MATCH_WINNER = "match-winner"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    one = Place(tmp_path_factory.mktemp("points"), DESK_SIMULATE="1")
    yield one
    one.drop()


@pytest.mark.timeout(300)
def test_simulated_matches_have_points_and_prices_and_end_with_their_run(place: Place) -> None:
    with desk(place) as serving:
        assert until(lambda: len(in_progress(place)) >= 3, 60)
        assert until(lambda: len(place.rows(BOUND)) >= 3, 60)
        assert until(lambda: place.rows(PRICED)[0][0] >= 3, 30)
        first = bound(place)
        assert {by for _, by in place.rows(BOUND)} == {"demo-trader"}
        assert not [ref for ref in first if ref.endswith("4")], "one is left for whoever looks on"
        assert until(lambda: points_played(place) > 0, 30)
        tables = tables_open_and_moving(place, serving)
    with desk(place):
        assert until(lambda: len(bound(place) - first) >= 3, 60)
        assert until(lambda: all(state["ended"] for ref, state in states(place).items() if ref in first), 30)
        assert until(lambda: len(at_tables(place, "live") - tables) >= 3, 30)
        assert until(lambda: not tables & (at_tables(place, "live") | at_tables(place, "upcoming")), 60)


def tables_open_and_moving(place: Place, serving: DeskProcess) -> set[int]:
    """Live and coming table-tennis matches, once three are offered in play at a demo bookmaker and a price of theirs has moved."""
    key = place.manage("addkey", house(place)).stdout.split()[1]
    assert until(lambda: len(at_tables(place, "live")) >= 3 and at_tables(place, "upcoming"), 60)
    seen: dict[int, set[float]] = {}

    def look() -> dict[int, set[float]]:
        for match, value in offered(place, serving, key).items():
            seen.setdefault(match, set()).add(value)
        return seen

    assert until(lambda: len(look()) >= 3, 60), seen
    assert until(lambda: any(len(values) > 1 for values in look().values()), 60), seen
    return at_tables(place, "live") | at_tables(place, "upcoming")


def house(place: Place) -> str:
    found = str(place.rows(NORTH)[0][0])
    return found if "-" in found else f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"


def at_tables(place: Place, phase: str) -> set[int]:
    return {match for match, found in place.rows(TABLES) if found == phase}


def offered(place: Place, serving: DeskProcess, key: str) -> dict[int, float]:
    """Home's price of live matches whose winner is open, as the bookmaker reads it."""
    address = f"http://127.0.0.1:{serving.port}/bookmaker/{house(place)}/table-tennis"
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False, verify=False, timeout=20) as asking:
        bodies = [asking.get(f"{address}/{match}").json() for match in at_tables(place, "live")]
    return {body["matchId"]: price["value"] for body in bodies if not (price := home(body)).get("suspended", True)}


def home(body: dict[str, Any]) -> dict[str, Any]:
    """Of the match's winner; empty where it has no such market yet."""
    found: dict[str, Any] = body["odds"]["fullTime"].get(MATCH_WINNER, {}).get("home", {})
    return found


def bound(place: Place) -> set[str]:
    return {ref for ref, _ in place.rows(BOUND)}


def states(place: Place) -> dict[str, dict[str, object]]:
    return {ref: json.loads(state) if isinstance(state, str) else state for ref, state in place.rows(STATES)}


def in_progress(place: Place) -> list[str]:
    return [ref for ref, state in states(place).items() if state["state"] == "InProgress"]


def points_played(place: Place) -> int:
    """Points that began and ended while the desk looked on, a second or more each."""
    return sum(float(str(state["suspended_seconds"])) > 1 for state in states(place).values())
