"""All matches of the provider: some in play, some to come, those that ended; and those of an earlier run, which are over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from feeds.playing.provider import NAP
from feeds.playing.table_tennis import BREAK_SECONDS, RALLY_SECONDS

from .contest import Card, Contest, Habits, Status, now
from .faults import Fault
from .people import LEAGUES, PLAYERS, Player
from .stream import Pace
from .voice import Spelling

logger = logging.getLogger("feeds.simulator")

MOST_KEPT = 300
STAGES = (0.45, 0.15, 0.7, 0.3, 0.55, 0.0)
MATCH_SECONDS = 78 * sum(RALLY_SECONDS) / 2 + 3.2 * BREAK_SECONDS
"""Of a usual match, at a real table."""
Draw = Callable[[], Fault | None]


class Roster:
    """``live`` matches in play and ``upcoming`` ones announced, at any time. ``base`` makes ids unlike those of another start."""

    def __init__(self, base: int, live: int, upcoming: int, habits: Habits, pace: Pace, spelling: Spelling, draw: Draw) -> None:
        self._base, self._live, self._upcoming = base, live, upcoming
        self._habits, self._pace, self._spelling, self._draw = habits, pace, spelling, draw
        self._made = 0
        self._contests: dict[int, Contest] = {}
        self._withdrawn: dict[int, datetime] = {}
        self._tasks: dict[Contest, asyncio.Task[None]] = {}
        self._waiting: list[Contest] = []
        self._playing: list[Contest] = []

    def withdraw(self, id_: int, start: datetime) -> None:
        """A match of an earlier run is over; nothing else is known of it."""
        self._withdrawn[id_] = start

    def withdrawn(self) -> dict[int, datetime]:
        """Their starts, by id."""
        return self._withdrawn

    def contest(self, id_: int) -> Contest | None:
        return self._contests.get(id_)

    def all(self, *statuses: Status) -> Iterator[Contest]:
        """By start, those that are hidden left out; of every status where none is named."""
        wanted = [one for one in self._contests.values() if one.listed and (not statuses or one.status in statuses)]
        return iter(sorted(wanted, key=lambda one: (one.card.start, one.card.id)))

    def hide_one(self, random: Random) -> None:
        """A match that is not over vanishes from the lists."""
        if able := list(self.all(Status.LIVE, Status.UPCOMING)):
            random.choice(able).hide()

    async def keep(self) -> None:
        """Tables are taken again as they become free; new matches are announced."""
        self._begin()
        while True:
            await asyncio.sleep(NAP)
            self._fill()

    def _begin(self) -> None:
        """The first matches are on their way already, each at another stage."""
        for n in range(self._live):
            stage = STAGES[n % len(STAGES)]
            contest = self._announce(now() - timedelta(seconds=stage * MATCH_SECONDS / self._habits.speed))
            if stage:
                contest.begin_at(stage)
            self._play(contest)
        self._fill()

    def _fill(self) -> None:
        self._playing = [one for one in self._playing if not self._tasks[one].done()]
        for contest in [one for one in self._waiting if self._tasks[one].done()][: max(0, self._live - len(self._playing))]:
            self._waiting.remove(contest)
            self._play(contest)
        for _ in range(self._upcoming - len(self._waiting)):
            contest = self._announce(self._next_start())
            self._waiting.append(contest)
            self._start(contest, contest.wait())
        self._forget()

    def _play(self, contest: Contest) -> None:
        self._playing.append(contest)
        self._start(contest, contest.run())

    def _next_start(self) -> datetime:
        """As often as a table becomes free."""
        latest = max((one.card.start for one in self._contests.values()), default=now())
        return max(latest, now()) + timedelta(seconds=MATCH_SECONDS / self._habits.speed / max(1, self._live))

    def _announce(self, start: datetime) -> Contest:
        self._made += 1
        random = Random(f"{self._base}/{self._made}")  # noqa: S311 - a game, not a secret
        home, away = random.sample(self._free(), 2)
        card = Card(self._base * 1000 + self._made, random.choice(LEAGUES), home, away, start)
        contest = Contest(card, random, self._habits, self._pace, self._spelling, self._draw)
        self._contests[card.id] = contest
        return contest

    def _free(self) -> list[Player]:
        """Players who are in no other match that is not over; everybody where that leaves too few."""
        busy = {player.id for one in self._contests.values() if not one.over for player in (one.card.home, one.card.away)}
        free = [player for player in PLAYERS if player.id not in busy]
        return free if len(free) >= 2 else list(PLAYERS)

    def _start(self, contest: Contest, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[contest] = task = asyncio.ensure_future(work)
        task.add_done_callback(_tell_what_broke)

    def _forget(self) -> None:
        old = [one for one in self._contests.values() if one.over]
        for one in old[: max(0, len(old) - MOST_KEPT)]:
            del self._contests[one.card.id], self._tasks[one]

    async def close(self) -> None:
        """Stop all play, and all streams."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for contest in self._contests.values():
            contest.updates.cut()
            contest.overrides.cut()


def _tell_what_broke(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("a simulated match broke off", exc_info=error)
