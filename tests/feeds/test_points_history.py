"""The same packets give the same matches: after a crash, in both modes, and replayed from the raw log (B2, B6, F3)."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, Place

pytestmark = pytest.mark.timeout(300)
Told = dict[str, Any]


def run(place: Place, *arguments: str) -> str:
    command = [sys.executable, "-m", "tests.feeds.points_history", *arguments]
    environment = {**place.environment, "DJANGO_SETTINGS_MODULE": "tradingdesk.settings"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tell(home: Path) -> Told:
    place = Place(home)
    try:
        return {**json.loads(run(place, "tell", str(home / "tape.gz"))), "tape": str(home / "tape.gz")}
    finally:
        place.drop()


def hash_in(said: str) -> str:
    return said.split("feed hash ")[1].split(maxsplit=1)[0]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a desk of this run's mode makes of it."""
    return tell(tmp_path_factory.mktemp("here"))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.drop()


def test_b6_a_raw_log_with_gaps_given_up_and_filled_is_replayed_to_the_same_hash(here: Told, empty: Place) -> None:
    assert hash_in(empty.manage("replay", here["tape"]).stdout) == here["feed hash"]
    left = empty.rows("SELECT count(*) FROM feeds_frame WHERE outcome IS NULL")
    assert left == [(0,)]
    lines = empty.rows("SELECT count(*) FROM markets_timelineentry")
    assert lines == [(len(here["timeline"]),)]


def test_the_history_holds_everything_that_can_happen_to_a_packet(here: Told) -> None:
    assert {outcome for _, _, outcome, _ in here["outcomes"]} == {"applied", "superseded", "duplicate", "quarantined"}
    assert [cause for _, cause in here["gaps"] if cause.endswith("never came")] == ["packets 62–64 never came"]


@pytest.mark.scaled
def test_f3_one_history_has_the_same_outcomes_gaps_timelines_and_hashes_in_both_modes(here: Told, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.feeds.test_points_history", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    embedded = json.loads(done.stdout)
    for told in ("feed hash", "outcomes", "gaps", "timeline"):
        assert embedded[told] == json.loads(json.dumps(here[told]))


def test_b2_a_drain_killed_at_any_moment_loses_and_repeats_nothing(empty: Place, tmp_path: Path) -> None:
    run(empty, "keep")
    chance = random.Random(7)
    for _ in range(2):
        kill_while_draining(empty, chance.uniform(0.01, 0.2))
    untouched = Place(tmp_path / "untouched")
    try:
        run(untouched, "keep")
        assert run(empty, "drain") == run(untouched, "drain")
        for table in ("feeds_frame", "markets_timelineentry", "markets_auditrecord", "feeds_messageguid"):
            count = f"SELECT count(*) FROM {table}"
            assert empty.rows(count) == untouched.rows(count)
        assert empty.rows("SELECT DISTINCT outcome FROM feeds_frame") == [("applied",)]
    finally:
        untouched.drop()


def kill_while_draining(place: Place, seconds: float) -> None:
    environment = {**place.environment, "DJANGO_SETTINGS_MODULE": "tradingdesk.settings"}
    command = [sys.executable, "-m", "tests.feeds.points_history", "drain"]
    drain = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE)
    assert drain.stdout is not None
    assert drain.stdout.readline() == b"draining\n"
    time.sleep(seconds)
    drain.kill()
    drain.wait(10)


if __name__ == "__main__":
    print(json.dumps(tell(Path(sys.argv[1]))))
