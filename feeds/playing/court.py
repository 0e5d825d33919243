"""Matches played in time: each happening at its moment, told to everybody who listens (all on one event loop)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from msgspec import Struct

from .tennis import LEAD, Chances, Happening, Match, What, plan, progress

logger = logging.getLogger("feeds.simulator")
Listener = Callable[["Happened"], None]


class Happened(Struct, frozen=True):
    """A happening and its moment."""

    at: datetime
    what: Happening


def now() -> datetime:
    return datetime.now(UTC)


class Court:
    """A match on its court. ``history``: all that has happened. ``start``: of play, planned or past. ``speed``: a clock's seconds for each
    of ours; it may be changed at any time.
    """

    def __init__(self, match: Match, speed: float, start: datetime | None = None, stage: float = 0.0) -> None:
        self.match, self.speed = match, speed
        self._course = match.happenings()
        self._listeners: list[Listener] = []
        self.history: list[Happened] = []
        self.start = start or now() + timedelta(seconds=LEAD / speed)
        if stage:
            self._begin_at(stage)

    @property
    def over(self) -> bool:
        return bool(self.history) and self.history[-1].what.what is What.FINISHED

    def listen(self, listener: Listener) -> None:
        """From now on; what has been is in ``history``."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Play on until the end."""
        if not self.history:
            await asyncio.sleep((self.start - now()).total_seconds() - LEAD / self.speed)
        for happening in self._course:
            await asyncio.sleep(happening.wait / self.speed)
            self.happen(Happened(now(), happening))

    def happen(self, happened: Happened) -> None:
        """Tell everybody; for whoever keeps another clock than this machine's."""
        self.history.append(happened)
        for listener in self._listeners:
            listener(happened)

    def _begin_at(self, stage: float) -> None:
        """As if it had been played until just now."""
        ago = 0.0
        past: list[tuple[float, Happening]] = []
        for happening in self._course:
            ago += happening.wait / self.speed
            past.append((ago, happening))
            if happening.what is What.SCORED and progress(happening.play) >= stage:
                break
        at = now()
        self.history = [Happened(at - timedelta(seconds=ago - moment), happening) for moment, happening in past]
        self.start = next(h.at for h in self.history if h.what.what is What.PLAY)


class Courts:
    """All tennis that is played in this process. ``base``: the seed; the same one plays the same matches."""

    def __init__(self, base: int, speed: float = 1.0, chances: Chances = Chances()) -> None:  # noqa: B008 - frozen
        self.base, self.speed, self._chances = base, speed, chances
        self._made = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[Court], None]] = []

    def listen(self, listener: Callable[[Court], None]) -> None:
        """Be told of every court that opens from now on."""
        self._listeners.append(listener)

    def open(
        self,
        start: datetime | None = None,
        stage: float = 0.0,
        *,
        draw: str = "",
        scoring: str = "",
        sets: int = 3,
        chances: Chances | None = None,
    ) -> Court:
        """The next match, on its way at once; needs the running loop."""
        self._made += 1
        random = Random(f"{self.base}/{self._made}")  # noqa: S311 - a game, not a secret
        match = Match(plan(random, self._made, draw, scoring, sets), random, chances or self._chances)
        court = Court(match, self.speed, start, stage)
        for listener in self._listeners:
            listener(court)
        task = asyncio.get_running_loop().create_task(court.run())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return court

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a simulated match broke off", exc_info=error)

    async def close(self) -> None:
        """Stop all play."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
