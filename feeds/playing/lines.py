"""A stream of a simulated provider and who listens to it; what is said on it, and what its faults do, is each provider's own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Generic, TypeVar

Frame = TypeVar("Frame", bound=str | bytes)
Fault = TypeVar("Fault", bound=StrEnum)


class Line(Generic[Frame]):
    """What one connection is to be sent, in order; ``None`` ends it. ``silent``: nothing comes any more. ``half_open``: the other end is
    gone without a word.
    """

    most_waiting = 1_000
    """Frames that a reader may leave unread."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.silent = False
        self.half_open = False

    def put(self, frame: Frame) -> None:
        """A reader who never reads is cut off."""
        if not self.silent and not self.half_open:
            self.waiting.put_nowait(frame if self.waiting.qsize() < self.most_waiting else None)

    def end(self) -> None:
        self.waiting.put_nowait(None)


Listener = TypeVar("Listener", bound=Line[Any])


class Told(Generic[Listener, Fault]):
    """``lines``: who listens. ``begin(fault)`` has what comes next meet that fault, else ``draw`` says which. Used on one event loop."""

    def __init__(self, draw: Callable[[], Fault | None]) -> None:
        self.lines: set[Listener] = set()
        self._draw = draw
        self._ordered: deque[Fault] = deque()

    def begin(self, fault: Fault) -> None:
        """Later calls wait for later frames."""
        self._ordered.append(fault)

    def leave(self, line: Listener) -> None:
        self.lines.discard(line)

    def cut(self) -> None:
        """End all connections."""
        for line in self.lines:
            line.end()

    def _next_fault(self) -> Fault | None:
        return self._ordered.popleft() if self._ordered else self._draw()
