"""Marks in Redis: one waiting nudge a lane over all processes; they run out by themselves."""

from __future__ import annotations

import os

import pytest
import redis

from feeds import nudge

pytestmark = pytest.mark.scaled


def test_there_is_one_mark_a_lane_for_all_processes_and_it_runs_out() -> None:
    one, other = (nudge.RedisMarks(os.environ["REDIS_URL"]) for _ in range(2))
    one.clear([2, 3])
    assert [one.set([3]), other.set([2, 3]), one.set([2, 3])] == [[3], [2], []]
    assert 0 < one._redis.ttl("desk:nudge:3") <= nudge.MARK_SECONDS
    other.clear([3])
    assert one.set([2, 3]) == [3]


def test_f4_marks_without_redis_raise_and_clearing_them_does_not() -> None:
    gone = nudge.RedisMarks("redis://127.0.0.1:1/0")
    with pytest.raises(redis.ConnectionError):
        gone.set([3])
    gone.clear([3])
