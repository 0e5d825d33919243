"""What one socket is sent while its client reads, and while it does not (promise D4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from markets.live import sockets
from markets.live.authority import Claim
from markets.live.sockets import ALIVE, ALLOWANCE, Fanout, Key, Packed, Socket
from markets.live.topics import BoardPage

pytestmark = pytest.mark.modeless

KEY: Key = (uuid4(), "board")


class Client:
    """The server's side of one connection: what it was given, and whether it takes more."""

    def __init__(self) -> None:
        self.got: list[str | int] = []
        self.reads = True
        self.dropped = False
        self.socket = Socket(Claim("s"), BoardPage(), self._send, lambda: self.reads, self._drop)

    async def _send(self, event: dict[str, Any]) -> None:
        self.got.append(event.get("text", event.get("code", "")))

    def _drop(self) -> None:
        self.dropped = True


def packed(*texts: str) -> list[Packed]:
    return [Packed(text) for text in texts]


def crowd(*clients: Client) -> tuple[Fanout, list[Socket]]:
    """All attached, and who asks for a snapshot."""
    asking: list[Socket] = []
    fanout = Fanout(lambda socket, parts: asking.append(socket))
    fanout.attach(KEY, [c.socket for c in clients], packed("snapshot"))
    return fanout, asking


async def test_it_sends_a_snapshot_then_every_frame() -> None:
    client = Client()
    fanout, asking = crowd(client)
    fanout.send(KEY, packed("one"), closing=False)
    fanout.send(KEY, packed("two", "three"), closing=True)
    assert client.got == ["snapshot", "one", "two", "three"]
    assert asking == []


async def test_d4_one_that_does_not_read_gets_nothing_and_a_snapshot_when_it_reads_again() -> None:
    slow, quick = Client(), Client()
    fanout, asking = crowd(slow, quick)
    slow.reads = False
    fanout.send(KEY, packed("one"), closing=False)
    slow.reads = True
    fanout.send(KEY, packed("two"), closing=False)
    fanout.send(KEY, packed("three"), closing=False)
    assert slow.got == ["snapshot"]
    assert asking == [slow.socket]
    fanout.attach(KEY, [slow.socket], packed("snapshot again"))
    fanout.send(KEY, packed("four"), closing=False)
    assert slow.got == ["snapshot", "snapshot again", "four"]
    assert quick.got == ["snapshot", "one", "two", "three", "four"]


async def test_d4_of_a_topic_of_many_parts_it_needs_only_those_that_it_missed() -> None:
    client = Client()
    asking: list[frozenset[int] | None] = []
    fanout = Fanout(lambda socket, parts: asking.append(parts))
    fanout.attach(KEY, [client.socket], [Packed("all")])
    client.reads = False
    fanout.send(KEY, [Packed("seven 1", 1, 7), Packed("beat", 0, ALIVE)], closing=False)
    client.reads = True
    fanout.send(KEY, [Packed("eight 1", 1, 8), Packed("seven 2", 2, 7), Packed("beat", 0, ALIVE)], closing=False)
    assert client.got == ["all", "eight 1", "beat"]
    assert asking == [frozenset({7})]
    fanout.attach(KEY, [client.socket], [Packed("seven anew", 2, 7)], frozenset({7}))
    fanout.send(KEY, [Packed("seven 3", 3, 7)], closing=False)
    assert client.got == ["all", "eight 1", "beat", "seven anew", "seven 3"]
    assert len(asking) == 1


async def test_a_snapshot_of_many_frames_keeps_its_order_where_sending_waits() -> None:
    gate = asyncio.Event()
    got: list[str] = []

    async def send(event: dict[str, Any]) -> None:
        await gate.wait()
        got.append(event["text"])

    socket = Socket(Claim("s"), BoardPage(), send, lambda: True, None)
    socket.start_again(packed("one", "two", "three"))
    assert got == []
    gate.set()
    await asyncio.sleep(0.05)
    assert got == ["one", "two", "three"]


async def test_a_suspension_goes_within_a_small_allowance_though_the_client_does_not_read() -> None:
    client = Client()
    fanout, _ = crowd(client)
    client.reads = False
    piece = "x" * (ALLOWANCE // 2)
    for _ in range(5):
        fanout.send(KEY, packed(piece), closing=True)
    assert client.got == ["snapshot", piece, piece]


async def test_d4_after_its_time_it_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ABORT_SECONDS", 0.2)
    client = Client()
    fanout, _ = crowd(client)
    client.reads = False
    for pause, dropped in ((0, False), (0.1, False), (0.15, True)):
        await asyncio.sleep(pause)
        fanout.send(KEY, packed("beat"), closing=False)
        assert client.dropped is dropped
    assert client.socket.ended.is_set()


async def test_closing_one_that_does_not_read_drops_it() -> None:
    reader, slow = Client(), Client()
    slow.reads = False
    for client in (reader, slow):
        client.socket.close(4401)
        client.socket.close(4401)
    assert (reader.got, slow.got) == ([4401], [])
    assert slow.dropped


async def test_a_server_whose_send_waits_is_waited_for_without_stopping_the_others() -> None:
    """As uvicorn's does: the socket counts as not ready until its send is through."""
    gate = asyncio.Event()
    got: list[str] = []

    async def send(event: dict[str, Any]) -> None:
        if got:
            await gate.wait()
        got.append(event["text"])

    always: Callable[[], bool] = lambda: True  # noqa: E731
    waiting, other = Socket(Claim("s"), BoardPage(), send, always, None), Client()
    asking: list[Socket] = []
    fanout = Fanout(lambda socket, parts: asking.append(socket))
    fanout.attach(KEY, [waiting, other.socket], packed("snapshot"))
    for text in ("one", "two", "three"):
        fanout.send(KEY, packed(text), closing=False)
    assert got == ["snapshot"]
    assert other.got == ["snapshot", "one", "two", "three"]
    gate.set()
    await asyncio.sleep(0.01)
    assert got == ["snapshot", "one"]
    fanout.send(KEY, packed("four"), closing=False)
    assert asking == [waiting]


async def test_a_connection_that_fails_is_forgotten_quietly() -> None:
    async def send(event: dict[str, Any]) -> None:
        raise ConnectionResetError

    socket = Socket(Claim("s"), BoardPage(), send, lambda: True, None)
    socket.start_again(packed("snapshot"))
    assert socket.ended.is_set()
    assert not socket.push(Packed("x"), closing=False)


async def test_only_so_many_are_let_in() -> None:
    fanout, client = Fanout(lambda socket, parts: None), Client()
    assert fanout.admit(1)
    assert not fanout.admit(1)
    fanout.leave(client.socket)
    assert fanout.admit(1)
