"""Our Daphne on a real socket: the cap, the cut, the slow reader, the end (promises A5, D4, E7)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from tests.cluster import free_port

pytestmark = pytest.mark.modeless

CAP = 100_000
SECRET = "s3cr3t-that-nobody-may-log"


class Serving:
    """The process, its port, and what it says on standard output and error."""

    def __init__(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tests.live.server_process", str(self.port), str(CAP)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.lines: list[str] = []
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._listen, args=(stream,), daemon=True).start()
        assert "ready" in self.hear()

    def _listen(self, stream: Any) -> None:
        for line in stream:
            self.lines.append(line)
            if line.startswith("{"):
                self.said.put(json.loads(line))

    def hear(self, seconds: float = 10) -> dict[str, Any]:
        return self.said.get(timeout=seconds)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def rss(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(10)


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    one = Serving()
    yield one
    with contextlib.suppress(ProcessLookupError):
        one.stop()


def request(length: int, path: str = "/", *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *headers, "", ""]).encode()


def answer(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_it_takes_a_body_up_to_the_cap_in_one_piece(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(CAP, "/", "Connection: close") + b"b" * CAP)
        assert json.loads(answer(connection).split(b"\r\n\r\n")[1])["size"] == CAP


def test_it_refuses_by_the_announced_length_before_a_byte_of_body(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(CAP + 1, "/big?token=" + SECRET))
        assert answer(connection).startswith(b"HTTP/1.1 413 ")
        assert serving.hear() == {"oversize": "/big"}


def test_it_refuses_a_chunked_body_in_the_middle(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(b"POST /chunks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            connection.sendall(b"2710\r\n" + b"c" * 10_000 + b"\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 413 ")
        assert serving.hear() == {"oversize": "/chunks"}


def test_it_lets_a_sender_finish_writing_and_then_read_the_answer(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(CAP * 20, "/whole") + b"w" * (CAP * 20))
        assert answer(connection).startswith(b"HTTP/1.1 413 ")
        serving.hear()


def test_it_sends_no_100_continue_after_a_refusal(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(CAP + 1, "/expecting", "Expect: 100-continue"))
        said = answer(connection)
        assert said.startswith(b"HTTP/1.1 413 ")
        assert b"100 Continue" not in said
        serving.hear()


def test_it_answers_what_its_hook_says(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(CAP + 1, "/big?token=wrong"))
        assert answer(connection).startswith(b"HTTP/1.1 401 ")
        serving.hear()


def test_a5_it_tells_of_a_request_that_was_cut_off(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(1000, f"/cut?token={SECRET}") + b"half")
        time.sleep(0.1)
    assert serving.hear() == {"cut": "/cut", "token": f"token={SECRET}", "client": "127.0.0.1"}


def test_it_keeps_a_body_that_is_not_the_form_its_header_claims(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(9, "/", "Connection: close", "Content-Type: multipart/form-data; boundary=x") + b"<no form>")
        assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_it_does_not_believe_a_root_path_from_a_client(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.sendall(request(0, "/", "Connection: close", "Daphne-Root-Path: /elsewhere"))
        assert json.loads(answer(connection).split(b"\r\n\r\n")[1])["root"] == ""


@pytest.mark.parametrize("code", [4401, 4403, 4408, 4503])
async def test_it_closes_a_socket_with_each_code_of_ours(serving: Serving, code: int) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{serving.port}/") as client:
        await client.send(f"close {code}")
        await asyncio.wait_for(client.wait_closed(), 5)
        assert client.close_code == code


@pytest.mark.parametrize("said", ["close 1011", "fail"])
async def test_it_never_leaves_a_socket_hanging_on_a_code_it_cannot_send(serving: Serving, said: str) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{serving.port}/") as client:
        await client.send(said)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 5)
        assert client.close_code == 4503


async def test_it_sends_messages_far_larger_than_it_takes(serving: Serving) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{serving.port}/", max_size=None) as client:
        await client.send("send 2000000")
        assert len(await asyncio.wait_for(client.recv(), 5)) == 2_000_000
        await client.send("x" * 65_537)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 5)


def never_reading_socket(serving: Serving) -> socket.socket:
    connection = serving.connect()
    connection.sendall(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    connection.recv(1000)
    connection.sendall(b"\x81\x85\x00\x00\x00\x00flood")  # a masked text frame
    return connection


def never_reading_stream(serving: Serving) -> socket.socket:
    connection = serving.connect()
    connection.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection


def is_dropped(connection: socket.socket) -> bool:
    """Whether the server has reset the connection; what the kernel still holds is not read."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0 or not _established(connection)


def _established(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"


def test_d4_ten_clients_that_never_read_cost_no_memory_and_are_dropped_within_15_s(serving: Serving) -> None:
    with serving.connect() as connection:  # warm
        connection.sendall(request(CAP, "/", "Connection: close") + b"b" * CAP)
        answer(connection)
    before = serving.rss()
    started = time.monotonic()
    clients = [never_reading_socket(serving) for _ in range(5)] + [never_reading_stream(serving) for _ in range(5)]
    most = before
    while not all(is_dropped(client) for client in clients) and time.monotonic() < started + 15:
        time.sleep(0.25)
        most = max(most, serving.rss())
    assert all(is_dropped(client) for client in clients)
    assert time.monotonic() - started < 15
    assert most - before < 10 * 1024 * 1024
    for client in clients:
        client.close()


def test_d4_a_client_that_reads_slowly_but_does_read_keeps_its_stream(serving: Serving) -> None:
    with serving.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(30):
            time.sleep(0.02)
            assert connection.recv(65536)


def test_it_says_that_the_port_is_taken_and_exits_1(serving: Serving) -> None:
    command = [sys.executable, "-m", "tests.live.server_process", str(serving.port), str(CAP)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {serving.port}: Address already in use" in second.stderr
    assert "ready" not in second.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_five_seconds_with_requests_on_their_way(how: signal.Signals) -> None:
    one = Serving()
    waiting = one.connect()
    waiting.sendall(request(0, "/waiting"))
    half = one.connect()
    half.sendall(request(1000, "/half") + b"half")
    flooded = never_reading_socket(one)
    time.sleep(0.2)
    started = time.monotonic()
    assert one.stop(how) == 0
    assert time.monotonic() - started < 5
    heard = [one.hear(), one.hear()]
    assert {"stopping": True} in heard
    assert any(said.get("cut") == "/half" for said in heard)
    for connection in (waiting, half, flooded):
        connection.close()


def test_e7_no_line_that_it_wrote_holds_a_token(serving: Serving) -> None:
    assert SECRET not in "".join(line for line in serving.lines if not line.startswith("{"))
    assert any('"POST /big" 413' in line for line in serving.lines)
