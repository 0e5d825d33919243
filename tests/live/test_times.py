"""Deadlines come when they are due, and a clock that jumps is not believed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from markets.domain.rules import FeedHealth
from markets.live.times import Deadlines, StoreClock, feed_mood, next_feed_change

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_database_time_goes_on_by_the_monotonic_clock() -> None:
    clock = StoreClock()
    assert clock.set(NOON, time.monotonic() - 5)
    assert abs((clock.now() - after(5)).total_seconds()) < 0.05


def test_a_clock_that_jumps_by_half_a_second_is_not_believed_once() -> None:
    clock = StoreClock()
    assert clock.set(NOON, 100.0)
    assert clock.set(after(1.4), 101.0)
    assert not clock.set(after(4), 102.0)
    assert clock.set(after(5), 103.0)


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 50))), max_size=40), st.integers(0, 50))
def test_what_is_due_is_what_was_last_set(steps: list[tuple[int, int | None]], until: int) -> None:
    deadlines: Deadlines[int] = Deadlines()
    last: dict[int, int | None] = {}
    for key, at in steps:
        deadlines.set(key, None if at is None else after(at))
        last[key] = at
    due = list(deadlines.due(after(until)))
    assert sorted(due) == sorted(k for k, at in last.items() if at is not None and at <= until)
    left = [at for at in last.values() if at is not None and at > until]
    assert deadlines.first() == (after(min(left)) if left else None)


def test_a_heartbeat_within_the_lease_changes_no_mood() -> None:
    first, second = FeedHealth("wire", after(0)), FeedHealth("wire", after(10))
    assert feed_mood(first, after(11)) == feed_mood(second, after(11))
    assert feed_mood(first, after(26)) != feed_mood(second, after(26))


def test_a3_a4_the_next_change_of_a_feed_is_its_earliest_deadline() -> None:
    assert next_feed_change(FeedHealth("wire", after(0)), after(1)) == after(25)
    assert next_feed_change(FeedHealth("wire", after(0), oldest_pending_at=after(1)), after(1)) == after(3)
    assert next_feed_change(FeedHealth("wire", after(0), slow_until=after(2)), after(1)) == after(2.001)
    assert next_feed_change(FeedHealth("wire", after(0)), after(30)) is None
