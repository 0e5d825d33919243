"""One line of the bench's table: a measurement, its floor of the same run, and the goal."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from operator import ge, le

from msgspec import Struct


class Figure(Struct, frozen=True):
    """``measured`` and ``floor`` share a unit; the goal is on their ratio, or on ``measured`` itself where there is no floor."""

    name: str
    measured: float
    unit: str
    goal: str
    floor: float | None = None
    floor_name: str = ""

    @property
    def judged(self) -> float:
        """What the goal speaks of."""
        return self.measured if self.floor is None else self.measured / self.floor

    @property
    def reached(self) -> bool:
        sign, limit = self.goal.split()
        return bool((le if sign == "≤" else ge)(self.judged, float(limit)))

    def line(self) -> str:
        floor = "–" if self.floor is None else f"{self.floor:.3g} {self.unit} ({self.floor_name})"
        ratio = "" if self.floor is None else f"{self.judged:.2f}×"
        return (
            f"| {self.name} | {self.measured:.3g} {self.unit} | {floor} | {ratio} | {self.goal} | {'yes' if self.reached else '**no**'} |"
        )


HEAD = "| figure | measured | floor of the same run | ratio | goal | reached |\n|---|---|---|---|---|---|"


def interleaved(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The median seconds of each work, taken in turns so that a slow spell of the machine hits all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0…1) of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
