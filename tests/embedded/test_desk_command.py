"""What only the embedded desk does: one process a directory, a worker of its own. These tests need neither PostgreSQL nor Redis."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.worker import state as worker_state

from tests.cluster import free_port
from tests.processes import ROOT, DeskProcess, Place, desk, until
from tradingdesk.worker import EmbeddedWorker


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    one = Place(tmp_path_factory.mktemp("desk"))
    yield one
    one.drop()


def test_a_second_desk_on_the_same_data_is_refused(place: Place) -> None:
    with desk(place) as first:
        for check in ([], ["--check-free"]):
            refused = place.manage("desk", "--port", str(free_port()), *check, check=False)
            assert refused.returncode == 1
            assert f"Another desk is running on {place.data_dir} (process {first.process.pid}). Stop it first." in refused.stderr


def test_a_desk_on_an_old_database_is_refused(tmp_path: os.PathLike[str]) -> None:
    environment = {**os.environ, "DESK_DATA_DIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "manage.py"), "desk", "--port", str(free_port())]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert "The database is not up to date" in refused.stderr


def test_after_kill_9_the_simulator_ends_too_and_the_directory_is_free(place: Place) -> None:
    one = DeskProcess(place, DESK_SIMULATE="1")
    try:
        assert until(lambda: children(one.process.pid), 20)
        playing = children(one.process.pid)[0]
    finally:
        one.stop(signal.SIGKILL)
    assert until(lambda: not alive(playing), 5)
    with desk(place):
        pass


@pytest.mark.django_db(transaction=True)
def test_it_tells_when_the_worker_ends_by_itself() -> None:
    ended = threading.Event()
    worker = EmbeddedWorker(on_end=ended.set)
    worker.start()
    assert worker.wait_ready(10)
    worker_state.should_stop = 1  # type: ignore[assignment]
    assert ended.wait(10)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_stopped_is_no_alarm() -> None:
    ended = threading.Event()
    worker = EmbeddedWorker(on_end=ended.set)
    worker.start()
    assert worker.wait_ready(10)
    started = time.monotonic()
    worker.stop(5)
    assert time.monotonic() - started < 3
    assert not ended.wait(0.5)


def children(process: int) -> list[int]:
    """The processes below ``process`` that play the provider."""
    command = ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(process)]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]


def alive(process: int) -> bool:
    """Whether it runs still; a dead child that nobody has asked after does not."""
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def outcomes(place: Place) -> int:
    return int(place.rows("SELECT count(*) FROM feeds_frame WHERE outcome = 'applied'")[0][0])


def test_simulated_matches_arrive_over_real_http_and_end_with_the_desk(place: Place) -> None:
    one = DeskProcess(place, DESK_SIMULATE="1")
    try:
        assert until(lambda: outcomes(place) > 20, 30)
        assert len(children(one.process.pid)) == 1
        started = time.monotonic()
        assert one.stop(signal.SIGINT) == 0
        assert time.monotonic() - started < 5
    finally:
        one.stop()
    assert not children(one.process.pid)
    assert any("sign in as demo-trader" in line for line in one.lines)
    assert any(re.search(r"bookmaker Demo North is [0-9a-f]{8}-", line) for line in one.lines), "what a key is made for"
    assert until(lambda: "The desk has stopped" in one.lines[-1], 2), one.lines[-1]
    assert "Nothing is lost" in one.lines[-1]


def test_the_simulator_leaves_when_a_real_feed_comes(place: Place) -> None:
    with desk(place, DESK_SIMULATE="1") as one:
        assert until(lambda: children(one.process.pid), 10)
        place.manage("addfeed", "updategram", "real", "--secret", "a-real-secret-of-length")
        assert until(lambda: not children(one.process.pid), 5)


def test_a_wider_address_is_a_setting_and_no_option(place: Place) -> None:
    refused = place.manage("desk", "--host", "0.0.0.0", check=False)
    assert refused.returncode == 1
    assert "set HOST=0.0.0.0 instead" in refused.stderr
