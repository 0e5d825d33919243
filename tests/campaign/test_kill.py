"""``kill -9`` under load: nothing acknowledged is lost, nothing is applied twice, the books balance (B1, B2, B5)."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.processes import SCALED, DeskProcess, Place, until
from tests.pushing import Provider, WorkerProcess, add_feed, check_balance, price_of

ROUNDS = 200 if os.environ.get("DESK_CAMPAIGN") == "1" else 2


class Desk:
    """The processes of a desk; each kill is followed by a start."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.web = DeskProcess(place)
        self.worker = WorkerProcess(place) if SCALED else None

    def kill(self, round_: int) -> None:
        """Embedded: the one process. Scaled: worker and web in turn."""
        if self.worker is not None and round_ % 2:
            self.worker.stop(signal.SIGKILL)
            self.worker = WorkerProcess(self.place)
        else:
            self.web.stop(signal.SIGKILL)
            self.web = DeskProcess(self.place)

    def stop(self) -> None:
        for one in (self.web, self.worker):
            if one is not None:
                one.stop(signal.SIGKILL)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_b1_b2_b5_kill_9_under_load_loses_nothing_and_applies_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(20)
    place = Place(tmp_path)
    add_feed(place)
    desk = Desk(place)
    try:
        with Provider(lambda: desk.web.port) as provider:
            for round_ in range(ROUNDS):
                time.sleep(chance.uniform(0.2, 1.0))
                desk.kill(round_)
                check_balance(place)
            time.sleep(0.5)
        assert until(lambda: check_balance(place)["pending"] == 0, 20)
        check(place, provider)
    finally:
        desk.stop()
        place.drop()


def check(place: Place, provider: Provider) -> None:
    applied: dict[str, int] = dict(place.rows("SELECT guid, COUNT(*) FROM feeds_frame WHERE outcome = 'applied' GROUP BY guid"))
    assert len(provider.acknowledged) > 50 * ROUNDS / 2
    assert not provider.acknowledged.keys() - applied.keys(), "acknowledged and lost"
    assert set(applied.values()) == {1}, "applied twice"
    others = place.rows("SELECT DISTINCT outcome FROM feeds_frame WHERE outcome NOT IN ('applied', 'duplicate')")
    assert others == []
    prices = place.rows(
        "SELECT f.ref, s.price FROM markets_selection s JOIN markets_market m ON m.id = s.market_id"
        " JOIN markets_fixture f ON f.id = m.fixture_id"
    )
    assert {ref: f"{float(price):.2f}" for ref, price in prices} == {ref: price_of(order) for ref, order in provider.last.items()}
