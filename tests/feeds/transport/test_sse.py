"""Event streams: bytes in, the data of events out, however they are cut (WHATWG HTML 9.2); what an opening may answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import Absent, Refused, Retryable, Throttled, Trouble
from feeds.transport import sse
from feeds.transport.sse import Events, TooLong
from feeds.transport.ws import MOST_BYTES, Arrival, Closed, Sort

pytestmark = pytest.mark.modeless
STREAM = b"\xef\xbb\xbf: hello\nretry: 1000\n\ndata: one\n\nevent: x\r\nid: 7\r\ndata:two\r\ndata:  lines\r\n\r\n\ndata\n\ndata: last"


def fed(pieces: list[bytes]) -> list[bytes]:
    events = Events()
    return [event for piece in pieces for event in events.feed(piece)]


def test_events_are_their_data_whatever_they_are_called() -> None:
    assert fed([STREAM]) == [b"one", b"two\n lines", b""]
    assert fed([STREAM, b"\r\r"]) == [b"one", b"two\n lines", b"", b"last"]


@given(st.lists(st.integers(1, 9), max_size=60))
def test_where_the_bytes_are_cut_makes_no_difference(sizes: list[int]) -> None:
    pieces, rest = [], STREAM + b"\n\n"
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert fed([*pieces, rest]) == [b"one", b"two\n lines", b"", b"last"]


def test_an_event_without_end_is_refused_with_its_beginning() -> None:
    with pytest.raises(TooLong) as refused:
        fed([b"data: " + b"x" * 1000 + b"\n"] * (MOST_BYTES // 1000 + 2))
    assert refused.value.head.startswith(b"xxx")


def test_lines_without_end_are_refused_though_they_are_empty() -> None:
    with pytest.raises(TooLong):
        fed([b"data:\n" * 10_000] * (MOST_BYTES // 10_000 + 2))


def test_bytes_that_come_one_by_one_cost_what_they_are_not_what_came_before_them() -> None:
    begun = time.process_time()
    behind_nothing = fed([b"b"] * 20_000)
    alone = time.process_time() - begun
    begun = time.process_time()
    behind_much = fed([b"data: " + b"a" * 1_000_000, *[b"b"] * 20_000])
    assert behind_nothing == behind_much == []
    assert time.process_time() - begun < 10 * alone + 0.1


@asynccontextmanager
async def answering(answer: bytes, *, stays: bool = False) -> AsyncIterator[str]:
    """A server that says this to whoever asks; the address of a stream on it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if stays:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/live?token=very-secret"
    finally:
        server.close()


def head(status: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]).encode()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (head("404 Not Found"), Absent, "404"),
        (head("401 Unauthorized"), Refused, "refuses the token"),
        (head("429 Too Many Requests", "Retry-After: 7"), Throttled, "429"),
        (head("500 Oops"), Retryable, "500"),
        (head("200 OK", "Content-Type: text/html") + b"<h1>Bad Gateway</h1>", Retryable, "text/html where an event stream was expected"),
        (b"", Retryable, "cannot be reached"),
    ],
)
async def test_whoever_is_no_event_stream_is_told_without_the_address(answer: bytes, kind: type[Trouble], words: str) -> None:
    opener = sse.Opener(seconds=5)
    async with answering(answer) as url:
        with pytest.raises(kind, match=words) as refused:
            await opener.open(url)
    await opener.close()
    assert "very-secret" not in str(refused.value)
    assert refused.value.__cause__ is None
    if isinstance(refused.value, Throttled):
        assert refused.value.seconds == 7


async def test_a_stream_that_is_packed_is_refused() -> None:
    opener = sse.Opener(seconds=5)
    async with answering(head("200 OK", "Content-Type: text/event-stream", "Content-Encoding: gzip") + b": beat") as url:
        with pytest.raises(Retryable, match="an encoding that nobody asked for"):
            await opener.open(url)
    await opener.close()


async def test_comments_are_signs_of_life_and_the_end_is_a_close() -> None:
    opener = sse.Opener(seconds=5)
    async with answering(head("200 OK", "Content-Type: text/event-stream; charset=utf-8") + b": beat\n\ndata: {}\n\n") as url:
        stream = await opener.open(url)
        arrivals: list[Arrival] = []
        with pytest.raises(Closed):
            await _receive_all(stream, arrivals)
        await stream.close()
    await opener.close()
    assert [one.body for one in arrivals if one.sort is Sort.TEXT] == [b"{}"]


async def _receive_all(stream: sse.EventStream, into: list[Arrival]) -> None:
    while True:
        into += await stream.receive()


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    opener = sse.Opener(seconds=0.3)
    async with answering(b"", stays=True) as url:
        with pytest.raises(Retryable, match="does not answer in time"):
            await opener.open(url)
    await opener.close()
