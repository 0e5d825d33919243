"""``manage.py desk`` and ``manage.py web`` as an operator meets them."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.cluster import free_port
from tests.processes import ROOT, SCALED, Place, desk, until


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    one = Place(tmp_path_factory.mktemp("desk"))
    yield one
    one.drop()


def reachable(url: str) -> int:
    """The status of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_ends_within_five_seconds(place: Place, how: signal.Signals) -> None:
    with desk(place) as one:
        assert reachable(f"http://127.0.0.1:{one.port}/admin/login/") == 200
        started = time.monotonic()
        assert one.stop(how) == 0
        assert time.monotonic() - started < 5


def test_it_says_that_the_port_is_taken_and_exits_1(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = place.manage("web" if SCALED else "desk", "--port", port, check=False)
    assert refused.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Stop the other program" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_each_mode_refuses_the_command_of_the_other(place: Place) -> None:
    refused = place.manage("desk" if SCALED else "web", check=False)
    assert refused.returncode == 1
    assert ("make run-scaled" if SCALED else "needs DATABASE_URL and REDIS_URL") in refused.stderr


def test_a_foreign_origin_gets_no_socket_and_an_unknown_path_neither(place: Place) -> None:
    with desk(place) as one:
        for path, origin in (("board", "http://evil.example"), ("nothing", f"http://127.0.0.1:{one.port}")):
            with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{one.port}/live/ws/{path}", origin=Origin(origin)):
                pass
            assert refused.value.response.status_code == 403


def test_under_uvicorn_the_lifespan_opens_the_door(place: Place) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tradingdesk.asgi:application", "--port", str(port), "--lifespan", "on", "--no-access-log"]
    server = subprocess.Popen(command, env=place.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert until(lambda: listens(port), 20)
        assert reachable(f"http://127.0.0.1:{port}/feeds/updategram/nobody/Heartbeat") == 401
        assert reachable(f"http://127.0.0.1:{port}/admin/login/") == 200
    finally:
        server.terminate()
        try:
            assert server.wait(10) in (0, -signal.SIGTERM)
        finally:
            server.kill()


def listens(port: int) -> bool:
    """Whether somebody accepts there."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0
