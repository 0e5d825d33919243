"""Redis hangs: suspensions, commands, overrides and the acknowledgement go on as ever (promises C5, F4)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.ownredis import own_redis
from tests.promises.test_messages_in import closed_by_a_broken_message
from tests.promises.town import Prepared, Town

pytestmark = pytest.mark.scaled


@pytest.fixture
def hung(tmp_path: Path, prepared: Prepared) -> Iterator[Town]:
    """A desk whose Redis stopped answering after it had started."""
    with own_redis(tmp_path) as redis:
        town = Town(tmp_path, prepared, REDIS_URL=redis.url)
        try:
            town.start()
            with town.beating():
                town.match()
                redis.fail(signal.SIGSTOP)
                yield town
        finally:
            town.end()


def test_f4_c5_with_redis_hung_prices_suspensions_and_overrides_are_as_ever(hung: Town) -> None:
    match, other = hung.match(), hung.match()
    trader = hung.person("alpha-trader")
    trader.do("panic")
    assert match.open() == set()
    trader.do("resume", scope="everything")
    assert match.open() == set(match.selections)
    assert closed_by_a_broken_message(other) < 1
    answer = match.patch({"oddValue": 2.05, "durationSeconds": 3, "reason": "test"})
    ends = datetime.fromisoformat(answer.json()["endsAt"]).timestamp()
    match.offer("2.30")
    hung.settle(5)
    while (asked := time.time()) < ends + 0.5:
        assert match.first()["value"] == 2.30 or asked < ends + 0.25
        time.sleep(0.02)
    assert match.first()["value"] == 2.30
    books = hung.books()
    assert books["received"] == sum(books[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending"))
