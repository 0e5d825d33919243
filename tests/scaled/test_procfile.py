"""The Procfile as it stands: honcho starts web × 2, worker, beat and the simulator, and matches arrive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cluster import free_port
from tests.processes import ROOT, Place, until

pytestmark = pytest.mark.scaled
LIVE = (
    "SELECT count(DISTINCT s.provider) FROM markets_fixture f JOIN markets_source s ON s.id = f.source_id"
    " WHERE f.simulated AND f.phase = 'live' AND f.total_odds > 0"
)
"""Providers that price something: Updategram and Odds360."""


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_procfile_starts_a_whole_desk_and_ends_it(tmp_path: Path) -> None:
    place = Place(tmp_path, DESK_SIMULATE="1")
    port = free_port(together=2)
    command = [sys.executable, "-m", "honcho", "start", "-p", str(port), "-c", "web=2,simulator=1"]
    environment = {**place.environment, "PYTHON": sys.executable, "WEB_PORT": str(port)}
    environment.pop("PORT", None)
    with (tmp_path / "log").open("w") as log:
        desk = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        assert until(lambda: ready(port) and ready(port + 1), 60), (tmp_path / "log").read_text()
        assert until(lambda: place.rows(LIVE)[0][0] == 2, 60), (tmp_path / "log").read_text()
        desk.send_signal(signal.SIGINT)
        desk.wait(20)
    finally:
        if desk.poll() is None:
            os.killpg(desk.pid, signal.SIGKILL)
        place.drop()
    assert "Traceback" not in (tmp_path / "log").read_text()
