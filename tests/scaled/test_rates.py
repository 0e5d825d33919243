"""What a key asks of several web processes is counted together, by Redis, and by each alone while Redis is away (promise F4)."""

from __future__ import annotations

import os
import secrets
import time

import pytest

from markets.services.rates import ANSWER_WITHIN, Here, Together
from tests.cluster import free_port

pytestmark = pytest.mark.scaled


def test_two_processes_count_one_key_together() -> None:
    name, key = secrets.token_hex(4), "key"
    one, other = (Together(os.environ["REDIS_URL"], name) for _ in range(2))
    assert [one.count(key), other.count(key), one.count(key)] == [1, 2, 3]
    assert other.count("another") == 1
    assert Together(os.environ["REDIS_URL"], f"{name}-desk").count(key) == 1


def test_a_count_begins_anew_by_itself() -> None:
    together = Together(os.environ["REDIS_URL"], secrets.token_hex(4))
    assert together.count("key") == 1
    time.sleep(1.2)
    assert together.count("key") == 1


def test_f4_without_redis_nobody_waits_for_it() -> None:
    together, here = Together(f"redis://127.0.0.1:{free_port()}/0", "desk"), Here()
    began = time.monotonic()
    assert [together.count("key") for _ in range(100)] == [None] * 100
    assert time.monotonic() - began < 20 * ANSWER_WITHIN
    assert [here.count("key"), here.count("key")] == [1, 2]
