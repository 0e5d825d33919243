"""What is read and cannot be stored, or waits to be: the gate knows at once, from memory (A4, A5, F4)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import connection, connections, transaction

from feeds.accounting import oldest_pending
from feeds.inbox import Keeper
from feeds.keeping import Arrived
from feeds.models import Frame
from markets.live import fences
from markets.live.announcer import Announcer
from markets.live.fencebook import FenceBook
from markets.models import Gap, PointLiveness, Source
from tests.feeds.odds360 import following as f
from tests.feeds.odds360.test_client import first, let_frames_be_stored, live_on, still

pytestmark = pytest.mark.django_db(transaction=True)


class Gatekeeper:
    """A process that serves prices, and hears the reader of this one."""

    def __init__(self) -> None:
        self._book = FenceBook()
        self._book.open([])
        self.announcer = Announcer(self._book.hear)

    def held(self, line: PointLiveness) -> str:
        """Why the match is held, by a reading of the store that begins now."""
        self._book.read(time.monotonic(), {})
        return self._book.heard(line.source_id, line.ref).held


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gatekeeper:
    made = Gatekeeper()
    monkeypatch.setattr(fences, "_announcer", made.announcer)
    return made


@contextmanager
def locked_store() -> Iterator[None]:
    """Somebody else writes, and no frame can be kept meanwhile; readers go on."""
    locked, enough = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("LOCK TABLE feeds_frame IN EXCLUSIVE MODE")
                locked.set()
                enough.wait(20)
        finally:
            connections.close_all()

    writer = threading.Thread(target=hold)
    writer.start()
    assert locked.wait(5)
    try:
        yield
    finally:
        enough.set()
        writer.join(5)


async def test_a4_a_frame_that_is_lost_since_the_store_refuses_it_holds_its_match_at_once_until_there_is_a_gap(gate: Gatekeeper) -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        async with f.running():
            (line,) = await live_on("ws")
            await _becomes(gate, line, held=False)
            await f.ask(partial(let_frames_be_stored, False))
            try:
                first(provider).updates.say(first(provider).voice.suspend)
                assert await _becomes(gate, line, held=True) < 0.5
                assert "could not be stored" in gate.held(line)
            finally:
                await f.ask(partial(let_frames_be_stored, True))
            await f.until(lambda: "could not be stored" in " ".join(f.gaps(line.ref)), 10)
            await _becomes(gate, line, held=False)
            opened = await f.ask(lambda: Gap.objects.order_by("id").values_list("opened_at", flat=True)[0])
            await f.until(lambda: Frame.objects.filter(stream__startswith=f"odds/{line.ref}", kept_at__gt=opened).exists(), 15)


async def test_f4_a_frame_that_waits_for_a_locked_store_holds_its_feed_within_two_seconds_of_being_read(gate: Gatekeeper) -> None:
    provider = still()
    async with provider.serving():
        await f.ask(lambda: f.add(provider, habits={"live_reread": 25.0}))
        async with f.running():
            (line,) = await live_on("ws")
            await _becomes(gate, line, held=False)
            lock = locked_store()
            await asyncio.to_thread(lock.__enter__)
            try:
                first(provider).updates.say(first(provider).voice.suspend)
                assert await _becomes(gate, line, held=True) < 2.0
            finally:
                await asyncio.to_thread(lock.__exit__, None, None, None)
            assert await _becomes(gate, line, held=False) > 2.5, "A4: it opens once nothing has waited for so long for 3 s"
            assert await f.ask(lambda: f.gaps(line.ref)) == [], "nothing was lost"


async def test_a4_a_frame_that_waits_for_the_store_is_part_of_the_backlog_of_its_feed() -> None:
    source = await f.ask(lambda: Source.objects.create(slug="odds", provider="odds360", name="Odds").pk)
    keeper = Keeper()
    keeper.start()
    lock, looking = locked_store(), ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(looking, oldest_pending) == {}
    await asyncio.to_thread(lock.__enter__)
    try:
        begun = datetime.now(UTC)
        waiting = asyncio.ensure_future(keeper.keep(Arrived(source, begun, "application/json", "", b"{}", "updates/1")))
        await asyncio.sleep(0.7)
        since = (await loop.run_in_executor(looking, oldest_pending))[source]
        assert abs((since - begun).total_seconds()) < 0.3
    finally:
        await asyncio.to_thread(lock.__exit__, None, None, None)
        await loop.run_in_executor(looking, connections.close_all)
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.to_thread(keeper.stop)


async def _becomes(gate: Gatekeeper, line: PointLiveness, *, held: bool) -> float:
    """The seconds until the match is held, or is not any more."""
    begun = time.monotonic()
    while bool(gate.held(line)) is not held:
        assert time.monotonic() < begun + 10, gate.held(line)
        await asyncio.sleep(0.02)
    return time.monotonic() - begun
