"""How often a host is asked, and what its answers say of the next attempt (rates, 429 with Retry-After)."""

from __future__ import annotations

import asyncio
import gzip
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from feeds.errors import Gone, Hopeless, Refused, Retryable, Throttled
from feeds.transport import rest, sse
from feeds.transport.limits import Limiter, Limits
from tests.feeds.transport.test_sse import answering, head

pytestmark = pytest.mark.modeless


async def test_a_limiter_lets_a_burst_through_and_then_so_many_a_second() -> None:
    limiter = Limiter(per_second=20, burst=3)
    begun = time.monotonic()
    await asyncio.gather(*(limiter.turn() for _ in range(3)))
    first = time.monotonic() - begun
    await asyncio.gather(*(limiter.turn() for _ in range(6)))
    assert time.monotonic() - begun >= 6 / 20 * 0.95
    assert first < 6 / 20


async def test_a_pause_holds_everybody_back_and_the_longest_word_counts() -> None:
    limiter = Limiter(per_second=1000, burst=10)
    limiter.pause(0.3)
    limiter.pause(0.01)
    assert 0.2 < limiter.paused() <= 0.3
    begun = time.monotonic()
    await limiter.turn()
    assert time.monotonic() - begun >= 0.28


@pytest.mark.parametrize(
    ("status", "after", "kind", "seconds"),
    [
        (401, None, Refused, None),
        (403, None, Refused, None),
        (404, None, Gone, None),
        (410, None, Gone, None),
        (400, None, Hopeless, None),
        (500, None, Retryable, None),
        (503, None, Retryable, None),
        (503, "3", Throttled, 3),
        (429, "12", Throttled, 12),
        (429, None, Throttled, rest.THROTTLED_PAUSE),
        (429, "soon", Throttled, rest.THROTTLED_PAUSE),
        (429, "999999999999", Throttled, rest.LONGEST_PAUSE),
        (429, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", Throttled, rest.THROTTLED_PAUSE),
        (429, "Mon, 01 Jan 2030 00:00:00 +99999999999999", Throttled, rest.THROTTLED_PAUSE),
        (429, "Fri, 31 Dec 9999 23:59:59 -2359", Throttled, rest.LONGEST_PAUSE),
        (429, "Mon, 01 Jan 0001 00:00:00 +2359", Throttled, 0),
        (429, format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), Throttled, 0),
        (429, format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), Throttled, rest.LONGEST_PAUSE),
    ],
)
def test_what_a_status_says_of_the_next_attempt(status: int, after: str | None, kind: type[Exception], seconds: float | None) -> None:
    trouble = rest.judge(status, "example.com", after)
    assert type(trouble) is kind
    if isinstance(trouble, Throttled):
        assert trouble.seconds == seconds


async def test_no_host_keeps_us_away_for_longer_than_the_feed_says() -> None:
    client = rest.Client(seconds=5, longest_pause=9)
    async with answering(head("429 Too Many Requests", "Retry-After: 200")) as url:
        with pytest.raises(Throttled) as refused:
            await client.get(url, {})
    await client.close()
    assert refused.value.seconds == 9


async def test_429_keeps_us_from_that_host_for_as_long_as_it_says() -> None:
    limits = Limits(per_second=1000, burst=100)
    client = rest.Client(seconds=5, limits=limits)
    async with answering(head("429 Too Many Requests", "Retry-After: 1")) as url:
        with pytest.raises(Throttled):
            await client.get(url, {})
        begun = time.monotonic()
        with pytest.raises(Throttled):
            await client.get(url, {})
        assert time.monotonic() - begun >= 0.9
    await client.close()


async def test_an_answer_that_drips_is_given_up_as_a_whole() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head("200 OK", "Content-Length: 1000"))
        for _ in range(1000):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    client = rest.Client(seconds=1, whole=0.5)
    with pytest.raises(Retryable, match="does not answer in time"):
        await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {})
    await client.close()
    server.close()


@pytest.mark.parametrize("encodings", ["gzip", "gzip, gzip", "deflate", "br", "zstd", "identity, gzip", "Gzip"])
async def test_what_is_packed_is_asked_for_by_nobody_and_never_unpacked(encodings: str) -> None:
    client = rest.Client(seconds=5)
    packed = gzip.compress(b" " * 1000)
    async with answering(head("200 OK", f"Content-Encoding: {encodings}", f"Content-Length: {len(packed)}") + packed) as url:
        with pytest.raises(Retryable, match="an encoding that nobody asked for"):
            await client.get(url, {})
    async with answering(head("200 OK", "Content-Encoding: identity", "Content-Length: 2") + b"[]") as url:
        assert await client.get(url, {}) == b"[]"
    await client.close()


async def test_an_answer_that_is_too_long_is_given_up_as_it_comes() -> None:
    client = rest.Client(seconds=5)
    async with answering(head("200 OK", f"Content-Length: {rest.MOST_BYTES + 1}") + b" " * (rest.MOST_BYTES + 1)) as url:
        with pytest.raises(Retryable, match="longer than"):
            await client.get(url, {})
    await client.close()


async def test_a_provider_s_cookies_are_not_kept_and_plain_bytes_are_asked_for() -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        kind = b"text/event-stream" if b"event-stream" in heard[-1] else b"application/json"
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Max-Age=9999\r\nContent-Length: 0\r\nContent-Type: " + kind)
        writer.write(b"\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    client, opener = rest.Client(seconds=5), sse.Opener(seconds=5)
    for _ in range(2):
        await client.get(url, {"Accept": "application/json"})
        await (await opener.open(url)).close()
    await client.close()
    await opener.close()
    server.close()
    assert len(heard) == 4
    for request in heard:
        assert b"cookie" not in request.lower()
        assert b"accept-encoding: identity\r\n" in request.lower()


async def test_no_more_requests_are_under_way_than_there_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way: list[int] = []
    client = rest.Client(seconds=5, whole=5)

    async def slow(request: object, host: str) -> rest.Answer:
        under_way.append(1)
        most.append(len(under_way))
        await asyncio.sleep(0.01)
        under_way.pop()
        return rest.Answer(b"")

    most: list[int] = []
    monkeypatch.setattr(client, "_ask", slow)
    await asyncio.gather(*(client.get("http://127.0.0.1:1/", {}) for _ in range(3 * rest.MOST_AT_ONCE)))
    await client.close()
    assert len(most) == 3 * rest.MOST_AT_ONCE
    assert max(most) == rest.MOST_AT_ONCE


async def test_who_finds_no_place_in_time_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    client = rest.Client(seconds=5, whole=0.1)
    monkeypatch.setattr(client, "_ask", lambda request, host: asyncio.Event().wait())
    asked = [client.get("http://127.0.0.1:1/", {}) for _ in range(rest.MOST_AT_ONCE + 1)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    await client.close()
    assert all(isinstance(one, Retryable) for one in answers)
