"""A small HTTP load: closed loop (as fast as answers come) or open loop (at a pace), over kept connections.

Plain asyncio streams, so that the product and its floor are driven by the very same client. Run as a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from bench import samples


class Load(Struct, frozen=True):
    """``rate`` 0: closed loop of ``connections``; at most ``most`` requests in ``seconds``.

    ``body`` is a file sent again and again; without one, each request is a new MarketSet of the next of ``fixtures``.
    """

    url: str
    seconds: float
    body: str = ""
    fixtures: int = 0
    connections: int = 16
    rate: float = 0.0
    most: int = 10**9


class Outcome(Struct, frozen=True):
    """``answers`` by status; ``seconds`` each answered request took."""

    answers: dict[str, int]
    took: list[float]
    elapsed: float

    @property
    def per_second(self) -> float:
        return len(self.took) / self.elapsed


async def run(load: Load) -> Outcome:
    """Drive the load to its end."""
    target = urlsplit(load.url)
    took: list[float] = []
    answers: dict[str, int] = {}
    turns = itertools.islice(_requests(load), load.most)
    start = time.perf_counter()
    due = _pace(load.rate, start)
    clients = (
        _client(str(target.hostname), target.port or 80, turns, due, start + load.seconds, took, answers) for _ in range(load.connections)
    )
    await asyncio.gather(*clients)
    return Outcome(answers, took, time.perf_counter() - start)


def _requests(load: Load) -> Iterator[bytes]:
    if load.body:
        return itertools.repeat(_request(load.url, Path(load.body).read_bytes()))
    turns = ((fixture, order) for order in itertools.count(3) for fixture in range(1, load.fixtures + 1))
    return (_request(load.url, samples.market_set(fixture, order=order)) for fixture, order in turns)


def _request(url: str, body: bytes) -> bytes:
    target = urlsplit(url)
    path = target.path + (f"?{target.query}" if target.query else "")
    return f"POST {path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _pace(rate: float, start: float) -> Iterator[float]:
    """When each request is due; a closed loop's are due at once."""
    return (start + n / rate for n in itertools.count()) if rate else itertools.repeat(0.0)


async def _client(
    host: str, port: int, turns: Iterator[bytes], due: Iterator[float], end: float, took: list[float], answers: dict[str, int]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while (when := max(next(due), time.perf_counter())) < end and (request := next(turns, b"")):
        await asyncio.sleep(when - time.perf_counter())
        begun = time.perf_counter()
        writer.write(request)
        status = await _answer(reader)
        took.append(time.perf_counter() - begun)
        answers[status] = answers.get(status, 0) + 1
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")), 0)
    await reader.readexactly(length)
    return head.split(" ", 2)[1]


if __name__ == "__main__":
    import msgspec

    outcome = asyncio.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Load)))
    print(json.dumps({"answers": outcome.answers, "took": outcome.took, "elapsed": outcome.elapsed}))
