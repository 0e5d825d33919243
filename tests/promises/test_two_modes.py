"""The same history through the HTTP door of an embedded and of a scaled desk, and its replay in either (promises B6, F3)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, Place
from tests.promises.history import hash_in, told
from tests.promises.town import Prepared, opened

pytestmark = pytest.mark.timeout(300)
Told = dict[str, Any]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Told]:
    """What a desk of this run's mode makes of it."""
    with opened(tmp_path_factory.mktemp("here"), prepared) as town:
        yield told(town)


def by_another_desk(home: Path) -> Told:
    """What an embedded desk of its own makes of it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    command = [sys.executable, "-m", "tests.promises.history", str(home)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def replayed(tape: str, home: Path) -> str:
    """The feed hash that an empty desk of this run's mode gets from the tape."""
    place = Place(home)
    try:
        return hash_in(place.manage("replay", tape).stdout)
    finally:
        place.drop()


def test_b6_the_raw_log_replayed_into_an_empty_desk_gives_the_same_feed_hash(here: Told, tmp_path: Path) -> None:
    assert replayed(here["tape"], tmp_path) == here["feed hash"]


@pytest.mark.scaled
def test_f3_b6_one_history_has_the_same_outcomes_notes_and_hashes_in_both_modes(here: Told, tmp_path: Path) -> None:
    embedded = by_another_desk(tmp_path)
    mine = json.loads(json.dumps(here))
    different = {guid: (embedded["fates"][guid], fate) for guid, fate in mine["fates"].items() if embedded["fates"][guid] != fate}
    assert different == {}
    outcomes = {fate[0] for fates in mine["fates"].values() for fate in fates}
    assert outcomes == {"applied", "superseded", "duplicate", "quarantined"}
    assert all(mine["states"].values())
    for what in ("states", "books", "feed hash"):
        assert embedded[what] == mine[what], what
    (tmp_path / "again").mkdir()
    assert replayed(embedded["tape"], tmp_path / "again") == embedded["feed hash"]
