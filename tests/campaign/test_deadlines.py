"""Overrides end on their deadline whatever is restarted meanwhile: never in effect after it, never gone before (C1, C2, C3)."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from tests.processes import SCALED, until
from tests.promises.town import Match, Prepared, Town

WHOLE = os.environ.get("DESK_CAMPAIGN") == "1"
OVERRIDES, LONGEST, MARKETS = (200, 30, 70) if WHOLE else (20, 6, 8)
LATE = 0.25
"""Seconds that an override may still be told of after its end."""


class Order(Struct, frozen=True):
    """An override that was accepted: when (by our clock, after the answer), at what price, until when."""

    odd_key: str
    price: float
    accepted: float
    ends_at: float


class Reading(Struct, frozen=True):
    """What REST told: asked at, answered at (the same clock), and by odd key what was in effect."""

    asked: float
    answered: float
    entries: dict[str, float]
    values: dict[str, float]


class Bookmaker:
    """Sends overrides and reads them back, for as long as there is a desk that answers."""

    def __init__(self, match: Match) -> None:
        self.match = match
        self.readings: list[Reading] = []
        self._ending = threading.Event()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        thread = threading.Thread(target=self._read, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join(30)

    def _read(self) -> None:
        while not self._ending.wait(0.05):
            asked = time.time()
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(self._url(), headers=self.match.town.alpha.bearer, timeout=5, trust_env=False)
                if answer.status_code == 200:
                    self.readings.append(_reading(asked, answer.json()))

    def _url(self) -> str:
        return self.match.town.url + self.match.path()

    def order(self, odd_key: str, price: float, seconds: int) -> Order:
        """Until it is accepted; a retry has one effect (C3)."""
        body = {"oddKey": odd_key, "oddValue": price, "durationSeconds": seconds}
        headers = {**self.match.town.alpha.bearer, "Idempotency-Key": f"{odd_key}-{price}"}
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.patch(f"{self._url()}/full-time", json=body, headers=headers, timeout=5, trust_env=False)
                if answer.status_code == 200:
                    return Order(odd_key, price, time.time(), datetime.fromisoformat(answer.json()["endsAt"]).timestamp())
                assert answer.status_code in (429, 503), answer.text
            time.sleep(0.2)


def _reading(asked: float, body: dict[str, Any]) -> Reading:
    prices = {
        f"{m}#{o}": price["value"] for group in body["odds"].values() for m, outcomes in group.items() for o, price in outcomes.items()
    }
    return Reading(asked, time.time(), {entry["oddKey"]: entry["oddValue"] for entry in body["override"]}, prices)


def restart(town: Town, chance: random.Random, ends: float) -> int:
    """Kill and start web and worker in turn until ``ends``; how often."""
    times = 0
    while time.time() < ends:
        time.sleep(chance.uniform(0.5, 2.0))
        if SCALED and times % 2 and town.worker is not None:
            town.worker.stop(signal.SIGKILL)
            town.worker = None
            from tests.pushing import WorkerProcess

            town.worker = WorkerProcess(town.place)
        else:
            town.web.stop(signal.SIGKILL)
            town.start()
        times += 1
    return times


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_c1_c2_c3_overrides_hold_to_their_deadline_and_no_longer_whatever_is_restarted(tmp_path: Path) -> None:
    chance = random.Random(360)
    prepared = Prepared(tmp_path / "prepared")
    town = Town(tmp_path / "town", prepared)
    try:
        town.start()
        with town.beating():
            judge(*campaign(town, town.match(markets=MARKETS), chance))
    finally:
        town.end()
        prepared.place.drop()


def campaign(town: Town, match: Match, chance: random.Random) -> tuple[list[Order], list[Reading]]:
    """As many overrides as said, each on a price of its own, while the desk is restarted under them."""
    bookmaker, orders = Bookmaker(match), list[Order]()
    feed = list(_reading(0, match.read()).values.items())[:OVERRIDES]
    assert len(feed) == OVERRIDES

    def trade() -> None:
        for number, (odd_key, price) in enumerate(feed):
            orders.append(bookmaker.order(odd_key, round(price * (1.1 + number % 30 / 100), 2), chance.randint(1, LONGEST)))

    trading = threading.Thread(target=trade, daemon=True)
    with bookmaker.reading():
        trading.start()
        assert restart(town, random.Random(7), time.time() + (LONGEST if WHOLE else 4)) >= 1
        trading.join(300)
        assert len(orders) == OVERRIDES
        assert until(lambda: bookmaker.readings[-1].asked > max(order.ends_at for order in orders) + 1, LONGEST + 60)
    return orders, bookmaker.readings


def judge(orders: list[Order], readings: list[Reading]) -> None:
    seen = 0
    for order in orders:
        for reading in readings:
            in_effect = order.odd_key in reading.entries
            if reading.asked > order.ends_at + LATE:
                assert not in_effect, f"{order} is told of {reading.asked - order.ends_at:.3f} s after its end"
                assert reading.values[order.odd_key] != order.price
            elif reading.asked > order.accepted and reading.answered < order.ends_at:
                assert reading.entries.get(order.odd_key) == order.price, f"{order} is gone {order.ends_at - reading.answered:.3f} s early"
                seen += 1
    assert seen >= len(orders) / 2, "too few overrides were ever seen in effect"
