"""Bounds in time on a machine that others use too.

A bound in CPU seconds means seconds of the machine that it was set on. On a virtual machine they grow with what its neighbours do. So
the same plain work is done beside the measurement, and a bound is as much longer as that work took longer; on a faster machine it stays
as it is. A bound in seconds of the clock is what it is: see :func:`keeps_to`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from lxml import etree

PLAIN = b"<a>" + b"<b><c>1.85</c><d>Home</d></b>" * 100_000 + b"</a>"
"""3 MB as a provider might write it."""
PLAIN_SECONDS = 0.11
"""What :func:`read_plain` takes on the machine where the bounds were set."""


def read_plain() -> int:
    """Characters of text: parsed by lxml and looked at element by element, without any code of ours."""
    return sum(len(element.text or "") for element in etree.fromstring(PLAIN).iter())


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process, other work on the machine apart."""
    began = time.process_time()
    work()
    return time.process_time() - began


def slowness() -> float:
    """By how much longer plain work takes here and now than where the bounds were set; 1.0 at least."""
    return max(1.0, min(cpu_seconds(read_plain) for _ in range(3)) / PLAIN_SECONDS)


def is_within(bound: float, took: float) -> bool:
    """Whether ``took`` CPU seconds are ``bound`` of them at the most, on the machine where bounds were set."""
    return took <= bound or took <= bound * slowness()


def keeps_to(bound: float, once: Callable[[], float], *, never: float) -> list[float]:
    """``once`` measures what the product promises ``bound`` for; fails when it does not keep to it, else gives what was measured.

    One measure beyond it may be a turn of the machine, so it is measured twice again, and both must be within. None may ever be
    beyond ``never``, in the same unit.
    """
    took = [once()]
    if took[0] > bound:
        took += [once(), once()]
    assert max(took) <= never, took
    assert sorted(took)[len(took) // 2] <= bound, took
    return took
