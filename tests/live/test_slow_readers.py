"""A client that never reads costs little and is dropped; nobody else notices (promise D4)."""

from __future__ import annotations

import base64
import os
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import psutil
import pytest

from tests.live.listening import Ear
from tests.live.processes import Desk, desk

pytestmark = pytest.mark.modeless


@pytest.fixture(scope="module")
def stormy() -> Iterator[Desk]:
    """Prices of 300 selections move all the time: some 70 KB a frame, a dozen frames a second."""
    with desk("--markets", "100", "--storm", "60") as made:
        yield made


def deaf(desk: Desk) -> socket.socket:
    """A client that asks for the socket and then never reads from it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", desk.port))
    key = base64.b64encode(os.urandom(16)).decode()
    made.sendall(
        f"GET /live/ws/{desk.page} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nOrigin: http://127.0.0.1:{desk.port}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Cookie: sessionid={desk.session}\r\n\r\n".encode()
    )
    return made


def open_from(desk: Desk, clients: list[socket.socket]) -> set[int]:
    """Local ports of those clients whose connection the server still has."""
    ports = {c.getsockname()[1] for c in clients}
    return {c.raddr.port for c in psutil.Process(desk.process.pid).net_connections() if c.raddr and c.raddr.port in ports}


@pytest.mark.alone
def test_d4_five_that_never_read_are_dropped_and_cost_little(stormy: Desk) -> None:
    process = psutil.Process(stormy.process.pid)
    hearing = Ear(stormy, stormy.page, stormy.session).ready()
    time.sleep(2)
    before = process.memory_info().rss
    clients = [deaf(stormy) for _ in range(5)]
    start, most = time.monotonic(), 0
    while open_from(stormy, clients) or time.monotonic() - start < 1:
        most = max(most, process.memory_info().rss - before)
        assert time.monotonic() - start < 40, "still connected"
        time.sleep(0.2)
    assert most < 60_000_000
    heard = [at for at, _ in hearing.frames if at > start]
    assert max(after - before for before, after in pairwise(heard)) < 1, "the others waited for those that never read"
    assert hearing.broken == []
    hearing.close()
    for client in clients:
        client.close()
