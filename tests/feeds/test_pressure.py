"""Applying gives way to acknowledging, but never for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from feeds.pressure import GAUGE, give_way

pytestmark = [pytest.mark.modeless, pytest.mark.alone]


@pytest.fixture
def flood() -> Iterator[None]:
    GAUGE.waiting += 16
    yield
    GAUGE.waiting -= 16


def test_nobody_gives_way_while_few_wait() -> None:
    started = time.monotonic()
    give_way(1.0)
    assert time.monotonic() - started < 0.01


@pytest.mark.usefixtures("flood")
def test_a4_a_lasting_flood_leaves_applying_a_quarter_of_the_time() -> None:
    started = time.monotonic()
    give_way(0.01)
    assert 0.03 <= time.monotonic() - started < 0.2


@pytest.mark.usefixtures("flood")
def test_applying_goes_on_as_soon_as_the_flood_is_answered() -> None:
    threading.Timer(0.005, lambda: setattr(GAUGE, "waiting", GAUGE.waiting - 16)).start()
    started = time.monotonic()
    give_way(10.0)
    took = time.monotonic() - started
    GAUGE.waiting += 16
    assert took < 0.045  # the most is 0.05
