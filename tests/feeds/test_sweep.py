"""Nudges and the sweep: work is found whatever becomes of the nudges (B5, F4)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence

import pytest

from feeds import connection, lanes, nudge, sweep, tasks
from feeds.models import Frame
from tests.feeds import frames


def wait_for(met: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.django_db(transaction=True)
def test_b5_the_sweep_drains_what_no_nudge_spoke_of() -> None:
    source = frames.feed()
    frames.keep(source, *(frames.market_set(n % 7) for n in range(50)))
    sweeper = sweep.Sweeper()
    sweeper.start()
    try:
        assert wait_for(lambda: not Frame.objects.filter(outcome__isnull=True).exists())
    finally:
        sweeper.stop()
    assert Frame.objects.filter(outcome="applied").count() == 50


@pytest.mark.django_db(transaction=True)
def test_b5_the_sweep_outlives_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail() -> list[int]:
        calls.append(1)
        raise RuntimeError("something unforeseen")

    monkeypatch.setattr(sweep, "waiting_lanes", fail)
    sweeper = sweep.Sweeper(interval=0.01)
    sweeper.start()
    try:
        assert wait_for(lambda: len(calls) > 2)
    finally:
        sweeper.stop()


class Broker:
    """Stands where Celery does, to look at what leaves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, marks: nudge.Marks | None = None) -> None:
        self.sent: list[int] = []
        self.nudges = 0
        self.gate = threading.Event()
        self.gate.set()
        self.fails = False
        from feeds.tasks import drain

        monkeypatch.setattr(drain, "apply_async", self._take)
        self.marks = marks or nudge.ProcessMarks()
        self.nudger = nudge.Nudger(self.marks)

    def _take(self, args: Sequence[int], **_: object) -> None:
        self.gate.wait(10)
        if self.fails:
            raise ConnectionError("no broker")
        self.nudges += 1
        self.sent += args


def test_there_is_one_waiting_nudge_a_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    for _ in range(20):
        broker.nudger.nudge({3})
    assert wait_for(lambda: broker.sent == [3])
    broker.marks.clear([3])
    broker.nudger.nudge({3})
    assert wait_for(lambda: broker.sent == [3, 3])


def test_one_nudge_speaks_of_all_lanes_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.nudger.nudge(range(2 * nudge.TOGETHER))
    assert wait_for(lambda: sorted(broker.sent) == [*range(2 * nudge.TOGETHER)])
    assert broker.nudges == 2


def test_f4_a_hung_broker_never_makes_anybody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.gate.clear()
    started = time.monotonic()
    for n in range(10_000):
        broker.nudger.nudge({n % 65})
    assert time.monotonic() - started < 2
    broker.gate.set()
    assert wait_for(lambda: set(broker.sent) == set(range(65)))


def test_f4_after_a_failure_nudges_rest_and_the_mark_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.fails = True
    broker.nudger.nudge({1})
    assert wait_for(lambda: broker.nudger._resting_until > time.monotonic())
    broker.fails = False
    broker.nudger.nudge({2})
    time.sleep(0.1)
    assert 2 not in broker.sent
    broker.nudger._resting_until = 0
    broker.nudger.nudge({1})
    assert wait_for(lambda: 1 in broker.sent)


@pytest.mark.django_db
def test_a_nudge_clears_its_mark_before_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh: list[list[int]] = []
    marks = nudge.ProcessMarks()
    ask = lanes._next

    def look(numbers: Collection[int]) -> object:
        fresh.append(marks.set([5]))
        return ask(numbers)

    monkeypatch.setattr(nudge, "_marks_here", marks)
    monkeypatch.setattr(connection, "own_once", lambda: None)
    monkeypatch.setattr(lanes, "_next", look)
    marks.set([5])
    tasks.drain(5)
    assert fresh == [[5]]
