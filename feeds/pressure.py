"""Acknowledging goes before applying where both share one interpreter (the embedded desk).

Whoever applies gives way while several senders wait for their answers. That delays work, it adds none: a burst is acknowledged sooner and
applied as soon as without giving way, so the backlog (promise A4) is decided by how much came, not by this. Under a lasting flood
applying keeps a quarter of the time.
"""

from __future__ import annotations

import time

_MANY = 3
_SHARE = 3.0
_MOST_SECONDS = 0.05
_LOOK_SECONDS = 0.002


class Gauge:
    """How many frames of this process wait for their acknowledgement; only its event loop counts."""

    def __init__(self) -> None:
        self.waiting = 0

    @property
    def high(self) -> bool:
        return self.waiting > _MANY


GAUGE = Gauge()


def give_way(worked: float) -> None:
    """Rest while the pressure is high, at most three times as long as the ``worked`` seconds before."""
    if not GAUGE.high:
        return
    end = time.monotonic() + min(worked * _SHARE, _MOST_SECONDS)
    while GAUGE.high and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))
