"""Systems that connect to a stream and never read cost little and are dropped; nobody else notices (promise D4)."""

from __future__ import annotations

import base64
import os
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import psutil
import pytest

from tests.live.clients import Client, EventClient, SocketClient
from tests.live.processes import Desk, desk
from tests.live.test_slow_readers import open_from

pytestmark = pytest.mark.modeless
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
)


@pytest.fixture(scope="module")
def stormy() -> Iterator[Desk]:
    """Prices of 300 selections move all the time."""
    with desk("--markets", "100", "--storm", "60") as made:
        yield made


def deaf(desk: Desk, how: str) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", desk.port))
    made.sendall(f"GET {desk.stream}/updates?token={desk.key} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\n{how}\r\n".encode())
    return made


@pytest.mark.alone
def test_d4_sockets_and_event_streams_that_never_read_are_dropped_and_cost_little(stormy: Desk) -> None:
    process = psutil.Process(stormy.process.pid)
    hearing: list[Client] = [SocketClient(stormy.listen()).ready(), EventClient(stormy.listen()).ready()]
    time.sleep(2)
    before = process.memory_info().rss
    clients = [deaf(stormy, how) for how in (UPGRADE, "") for _ in range(5)]
    start, most = time.monotonic(), 0
    while open_from(stormy, clients) or time.monotonic() - start < 1:
        most = max(most, process.memory_info().rss - before)
        assert time.monotonic() - start < 25, "still connected"
        time.sleep(0.2)
    assert most < 80_000_000
    for client in hearing:
        heard = [at for at, _ in client.frames if at > start]
        assert max(after - before for before, after in pairwise(heard)) < 3
        assert client.match.broken == []
        client.close()
    for gone in clients:
        gone.close()


@pytest.mark.alone
def test_d4_where_little_is_said_one_that_never_reads_is_dropped_too() -> None:
    """By what it does not answer, or by the window that it leaves closed: the kernel would buffer beats for hours."""
    with desk() as quiet:
        hearing = SocketClient(quiet.listen()).ready()
        clients = [deaf(quiet, how) for how in (UPGRADE, "")]
        start = time.monotonic()
        while open_from(quiet, clients):
            assert time.monotonic() - start < 40, "still connected"
            time.sleep(0.5)
        assert hearing.code is None
        hearing.close()
        for gone in clients:
            gone.close()
