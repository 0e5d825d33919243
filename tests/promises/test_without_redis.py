"""Redis hangs: suspensions, commands, overrides and the acknowledgement go on as ever (promises C5, F4)."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.cluster import free_port, wait_for
from tests.processes import until
from tests.promises import letters
from tests.promises.town import Prepared, Town

pytestmark = pytest.mark.scaled


@pytest.fixture
def hung(tmp_path: Path, prepared: Prepared) -> Iterator[Town]:
    """A desk whose Redis stopped answering after it had started."""
    port = free_port()
    command = [shutil.which("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tmp_path)
    wait_for(port)
    town = Town(tmp_path, prepared, REDIS_URL=f"redis://127.0.0.1:{port}/0")
    try:
        town.start()
        with town.beating():
            town.match()
            redis.send_signal(signal.SIGSTOP)
            yield town
    finally:
        town.end()
        redis.send_signal(signal.SIGCONT)
        redis.kill()
        redis.wait(10)


def test_f4_c5_with_redis_hung_prices_suspensions_and_overrides_are_as_ever(hung: Town) -> None:
    match, other = hung.match(), hung.match()
    trader = hung.person("alpha-trader")
    trader.do("panic")
    assert match.open() == set()
    trader.do("resume", scope="everything")
    assert match.open() == set(match.selections)
    assert hung.post(letters.cut_short(other.ref)) == 200
    assert until(lambda: not other.open(), 2)
    answer = match.patch({"oddValue": 2.05, "durationSeconds": 3, "reason": "test"})
    ends = datetime.fromisoformat(answer.json()["endsAt"]).timestamp()
    match.offer("2.30")
    hung.settle(5)
    while (asked := time.time()) < ends + 0.5:
        assert match.first()["value"] == 2.30 or asked < ends + 0.25
        time.sleep(0.02)
    books = hung.books()
    assert books["received"] == sum(books[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending"))
