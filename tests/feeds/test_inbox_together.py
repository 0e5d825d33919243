"""Keepers, drains and readers at once: order, books, and one effect (A6, B2, B5, F3)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from feeds import accounting, inbox, lanes
from feeds.keeping import lane_of
from feeds.models import FEED_LANE, Frame
from markets.models import Selection
from tests.feeds import frames
from tests.services.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


EVERY = range(FEED_LANE + 1)


def drain_often(ending: threading.Event, together: int = 1) -> int:
    done = 0
    while not ending.is_set() or Frame.objects.filter(outcome__isnull=True).exists():
        done += sum(inbox.drain(*EVERY[first : first + together]) for first in EVERY[::together])
    return done


def watch(ending: threading.Event, looked: threading.Event, unbalanced: list[dict[str, Any]]) -> int:
    """How often the books were read until all was done; ``looked`` from the first time on."""
    looks = 0
    while not ending.is_set() or Frame.objects.filter(outcome__isnull=True).exists():
        (entry,) = accounting.accounting()
        looks += 1
        looked.set()
        if entry["received"] != sum(entry[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending")):
            unbalanced.append(entry)
    return looks


def keep_all(source: Any, bodies: list[bytes], looked: threading.Event, ending: threading.Event) -> Callable[[], list[int]]:
    """Half of them, then no more before somebody has looked at the books."""

    async def run() -> list[int]:
        keeper = inbox.Keeper()
        keeper.start()
        ids: list[int] = []
        for first in range(0, len(bodies), 8):
            if first == len(bodies) // 16 * 8:
                assert await asyncio.to_thread(looked.wait, 30)
            ids += await frames.keep_together(keeper, source, bodies[first : first + 8])
        await asyncio.to_thread(keeper.stop)
        return ids

    def work() -> list[int]:
        try:
            return asyncio.run(run())
        finally:
            ending.set()

    return work


def test_b2_b5_order_and_books_hold_while_everybody_is_at_work() -> None:
    source = frames.feed()
    bodies = [frames.market_set(n % 3, f"{1 + (n + 1) / 100:.2f}", message=frames.guid(n)) for n in range(360)]
    bodies += [bodies[n] for n in range(0, 60, 3)] + [frames.broken(n) for n in range(4)]
    ending, looked, unbalanced = threading.Event(), threading.Event(), list[dict[str, Any]]()
    ids, first, second, looks = at_once(
        keep_all(source, bodies, looked, ending),
        lambda: drain_often(ending),
        lambda: drain_often(ending, 16),
        lambda: watch(ending, looked, unbalanced),
    )
    assert len(ids) == first + second == len(bodies)
    assert looks > 1
    assert unbalanced == []
    (entry,) = accounting.accounting()
    assert [entry[name] for name in ("applied", "duplicate", "quarantined", "pending")] == [360, 20, 4, 0]
    prices = dict(Selection.objects.values_list("market__fixture__ref", "price"))
    assert {ref: f"{price:.2f}" for ref, price in prices.items() if price} == {"0": "4.58", "1": "4.59", "2": "4.60"}


def test_b2_one_guid_in_two_lanes_at_once_takes_effect_once() -> None:
    source = frames.feed()
    frames.keep(source, *(frames.market_set(fixture, message=frames.guid(1)) for fixture in range(20)))
    at_once(*(partial(drain_often, _ended(), together) for together in (1, 16, len(EVERY))))
    outcomes = sorted(str(one) for one in Frame.objects.values_list("outcome", flat=True))
    assert outcomes == ["applied", *["quarantined"] * 19]


@pytest.mark.parametrize("fixture", ["100", "104"])
def test_a_lane_that_another_drain_holds_keeps_no_other_waiting(fixture: str) -> None:
    source = frames.feed()
    frames.send(source, *(frames.market_set(100 + n) for n in range(8)))
    frames.keep(source, *(frames.market_set(100 + n) for n in range(8)))
    numbers = {lane_of(source.pk, str(100 + n)) for n in range(8)}
    held = lane_of(source.pk, fixture)
    holding = lanes.alone_in if connection.vendor == "postgresql" else lanes.holding
    with holding(held):
        at_once(lambda: inbox.drain(*numbers))
    assert [lane for lane in numbers if lanes.pending(lane)] == [held]
    assert inbox.drain(*numbers) == Frame.objects.filter(lane=held).count() / 2


def _ended() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
