"""A list's row that was asked for before a frame told what becomes of the match undoes nothing (A6)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from feeds.inbox import Keeper
from feeds.models import Frame
from feeds.odds360.feed import Odds360Feed
from feeds.odds360.leg import Road
from feeds.odds360.match import Channel
from feeds.odds360.subjects import Kind, subject
from feeds.outgoing import Subject
from feeds.runner import Runner
from feeds.transport.ws import Arrival, Sort
from tests.feeds.odds360 import following as f

pytestmark = pytest.mark.django_db(transaction=True)
REF = "7"
STATUSES = 12


class Line:
    """A stream that tells ten times a second that the match is interrupted, and then no more."""

    peer = "127.0.0.1"

    def __init__(self) -> None:
        self._left = STATUSES

    def ping(self) -> None: ...

    async def receive(self) -> list[Arrival]:
        await asyncio.sleep(0.1 if self._left else 60.0)
        self._left -= 1
        return [Arrival(Sort.TEXT, json.dumps({"status": "interrupted", "n": self._left}).encode())]

    async def close(self) -> None: ...


class Lists(Odds360Feed):
    """Its list takes 0.3 s, and says something new each time."""

    async def discover(self) -> Sequence[Subject]:
        self._live = {REF}
        asked_at = time.monotonic()
        await asyncio.sleep(0.3)
        row = json.dumps({"match_id": int(REF), "status_type": "live", "home_team_name": f"at {asked_at}"}).encode()
        return [Subject(REF, row, "application/json", subject(Kind.MATCH, REF, "table-tennis"), asked_at=asked_at)]

    async def open(self, kind: Kind, ref: str, road: Road) -> Channel:
        return Line()


def received(stream: str) -> list[Any]:
    return list(Frame.objects.filter(stream__startswith=stream).order_by("id").values_list("received_at", flat=True))


async def test_a6_a_row_on_its_way_while_a_frame_tells_the_status_is_not_kept_and_the_next_one_is() -> None:
    await f.ask(lambda: f.add(SimpleNamespace(port=9, bookmaker="0b7f3c52-1111-4222-8333-444455556666")))  # type: ignore[arg-type]
    keeper = Keeper()
    keeper.start()
    runner = asyncio.ensure_future(Runner(keeper, {"odds360": Lists}).run())
    try:
        told = await f.until(lambda: len(found := received(f"updates/{REF}")) >= STATUSES and found, 15)
        rows = await f.until(lambda: (found := received(f"match/{REF}")) and found[-1] > told[-1] and found, 15)
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        await asyncio.to_thread(keeper.stop)
    assert [at for at in rows if told[0] < at < told[-1]] == []
