"""Plays the provider over real HTTP: whole match lives, heartbeats, and the faults that a receiver has to survive.

Runs as its own process (``manage.py simulate updategram``) or as a task of any event loop::

    asyncio.run(Simulator(url="http://127.0.0.1:8000/feeds/updategram/demo", token=secret).run())

The token travels as the password of HTTP Basic, so that it is in no address and no log line.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import httpx

from feeds.playing.court import Courts
from feeds.playing.provider import base_of

from .simulation.basketball import Basketball
from .simulation.documents import Envelope, Node, deleted, new_guid
from .simulation.football import Football
from .simulation.life import Ids, Kind, Life, Line, Pick
from .simulation.tennis import Tennis

logger = logging.getLogger("feeds.simulator")

HEARTBEAT_SECONDS = 10.0
RETRY_SECONDS = 1.0
POST_SECONDS = 4.0
NAP = 0.1
NEWS_SECONDS = (0.25, 0.8)  # from what happens on a court to the prices that follow
MOST_UNDERWAY = 200
BIG_MARKETS, BIG_SELECTIONS = 100, 45
SPORTS: tuple[type[Life], ...] = (Football, Tennis, Basketball)
STAGES = (0.55, 0.2, 0.4, 0.75, 0.05, 0.1, 0.0, 0.35, 0.0, 0.0, 0.0, 0.0)
FIRST_STARTS = (90, 180, 300, 600, 150, 2400)
LATER_STARTS = (60, 120, 180, 240, 300, 420)

BIG = Kind(990900, "Player Points")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class SimulatorOptions:
    """The dials. Chances are 0–1 for each message; times are in seconds.

    ``url``: the feed's address without ``/ProcessMessage``. ``seed``: the same lives and ids again. ``heartbeat_stop``: from then on
    nothing is sent any more, neither heartbeats nor messages. ``swaps`` lets a message overtake the one before it of its fixture.
    ``withdrawn``: fixtures of an earlier run, which are deleted first. ``courts``: where tennis is played, for others to tell of as well;
    without it each match is this provider's own, and moves on when it is told of.
    """

    url: str
    token: str = field(repr=False)
    fixtures: int = 12
    rate: float = 5.0
    seed: int | None = None
    retries: float = 0.0
    duplicates: float = 0.0
    swaps: float = 0.0
    broken: float = 0.0
    big: float = 0.0
    heartbeat_stop: float | None = None
    duration: float | None = None
    withdrawn: tuple[str, ...] = ()
    courts: Courts | None = None


@dataclass
class Counted:
    """What was sent: distinct messages, deliveries in all, heartbeats, and what found no receiver."""

    messages: int = 0
    delivered: int = 0
    heartbeats: int = 0
    lost: int = 0
    broken: int = 0


class _Course:
    """A fixture on its way: its life, its place in the order, and the message that was held back to be overtaken."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.parts: Iterator[Node] = life.messages()
        self.order = 0
        self.turn = asyncio.Lock()
        self.held: Envelope | None = None
        self.missed = False

    def next_part(self) -> Node | None:
        if self.missed and not self.life.ended:
            self.missed = False
            self.parts = _chain(self.life.roundup(), self.parts)
        return next(self.parts, None)


def _chain(first: Iterator[Node], then: Iterator[Node]) -> Iterator[Node]:
    yield from first
    yield from then


@dataclass(kw_only=True)
class Simulator(SimulatorOptions):
    """The provider. ``run`` ends after ``duration``, on ``stop()`` or when cancelled."""

    counted: Counted = field(default_factory=Counted, init=False)
    _stopped: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/").removesuffix("/ProcessMessage")
        base = base_of(self.seed)
        self._random = Random(base)  # noqa: S311  # a game, not a secret
        self._ids = Ids(base)
        self._made = 0
        self._reachable = True
        self._courses: list[_Course] = []

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        self._stopped = True

    # --- the run ---------------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until told to stop. Survives a receiver that is not there yet, goes away and comes back."""
        self._started = time.monotonic()
        logger.info("simulator starts: %d fixtures, %.1f messages a second to %s", self.fixtures, self.rate, self.url)
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        async with httpx.AsyncClient(auth=("simulator", self.token), timeout=POST_SECONDS, limits=limits, trust_env=False) as client:
            self._client = client
            await self._wait_for_receiver()
            await self._withdraw()
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._courses = [self._new_course() for _ in range(self.fixtures)]
                group.create_task(self._beat())
                group.create_task(self._send_all(group))
        logger.info("simulator ends: %s", self.counted)

    @property
    def _over(self) -> bool:
        return self._stopped or (self.duration is not None and time.monotonic() - self._started >= self.duration)

    @property
    def _silent(self) -> bool:
        return self.heartbeat_stop is not None and time.monotonic() - self._started >= self.heartbeat_stop

    async def _nap(self, seconds: float) -> None:
        """Sleep, but notice a stop within a tenth of a second."""
        end = time.monotonic() + seconds
        # a poll, because ``stop`` may come from another thread
        while not self._over and (left := end - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(NAP, left))

    async def _wait_for_receiver(self) -> None:
        while not self._over and not await self._heartbeat():
            await self._nap(0.3)

    async def _withdraw(self) -> None:
        for fixture_id in self.withdrawn:
            await self._post("ProcessMessage", Envelope(new_guid(self._random), _now(), None, deleted(fixture_id)).render())

    async def _beat(self) -> None:
        while not self._over:
            await self._nap(HEARTBEAT_SECONDS)
            if not self._over and not self._silent:
                await self._heartbeat()

    async def _heartbeat(self) -> bool:
        answered = await self._post("Heartbeat", b"")
        self.counted.heartbeats += answered
        return answered

    async def _send_all(self, group: asyncio.TaskGroup) -> None:
        """One message at each beat of the rate, in turn; lateness is made up for, but never by more than a second's worth."""
        due = time.monotonic()
        underway: set[asyncio.Task[None]] = set()
        while not self._over:
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            await self._nap(due - time.monotonic())
            if self._over or self._silent or len(underway) >= MOST_UNDERWAY:
                continue
            if (course := self._choose()) is None:
                continue
            task = group.create_task(self._advance(course))
            underway.add(task)
            task.add_done_callback(underway.discard)

    def _choose(self) -> _Course | None:
        """Fixtures in play speak three times as often; those that have not been introduced come first."""
        ready = [c for c in self._courses if c.order == 0 or c.life.ready]
        fresh = next((c for c in ready if c.order == 0), None)
        weights = [3 if c.life.in_play else 1 for c in ready]
        return fresh or (self._random.choices(ready, weights)[0] if ready else None)

    # --- the lives -------------------------------------------------------------------------------------------------------------

    def _new_course(self) -> _Course:
        course = _Course(self._new_life())
        course.life.wake = lambda: self._hear(course)
        return course

    def _hear(self, course: _Course) -> None:
        """Something happened where a life looks on: it speaks out of turn, soon, until all is said."""
        if not self._over:
            self._group.create_task(self._tell_news(course))

    async def _tell_news(self, course: _Course) -> None:
        await self._nap(self._random.uniform(*NEWS_SECONDS))
        while course.life.unsaid and not self._over and not self._silent:
            await self._advance(course)

    def _new_life(self) -> Life:
        """The first dozen begin at different stages, so that there is something to see at once; later ones begin at the beginning."""
        number, self._made = self._made, self._made + 1
        stage = STAGES[number % len(STAGES)] if number < self.fixtures else 0.0
        starts = FIRST_STARTS if number < self.fixtures else LATER_STARTS
        ahead = starts[number % len(starts)]
        sport = SPORTS[number % len(SPORTS)]
        start = _now() + timedelta(seconds=ahead) if not stage else _now() - timedelta(seconds=5400 * stage)
        if sport is not Tennis or self.courts is None:
            return sport(self._random, self._ids, _now, start, stage)
        court = self.courts.open(start, stage)
        return Tennis(self._random, self._ids, _now, court.start, stage, court)

    async def _advance(self, course: _Course) -> None:
        async with course.turn:
            part = course.next_part()
            if part is None:
                if course in self._courses:
                    self._courses[self._courses.index(course)] = self._new_course()
                return
            for envelope in self._in_sending_order(course, self._envelope(course, part)):
                await self._deliver(course, envelope)

    def _envelope(self, course: _Course, part: Node) -> Envelope:
        course.order += 1
        return Envelope(new_guid(self._random), _now(), course.order, part)

    def _in_sending_order(self, course: _Course, envelope: Envelope) -> list[Envelope]:
        extra = [self._envelope(course, self._big(course.life))] if self._random.random() < self.big else []
        if course.held is not None:
            held, course.held = course.held, None
            return [envelope, held, *extra]
        if self._random.random() < self.swaps and course.order > 3:
            course.held = envelope
            return extra
        return [envelope, *extra]

    def _big(self, life: Life) -> Node:
        """A MarketSet of about two megabytes, pre-match or in-play as the fixture is."""
        number = 1 if life.in_play else None
        lines = [self._big_line(life, market, number) for market in range(BIG_MARKETS)]
        return life.markets(lines)

    def _big_line(self, life: Life, market: int, sequence: int | None) -> Line:
        first = life.fixture_id % 1_000_000 * 10_000 + market * 100
        chances = [self._random.uniform(0.01, 0.4) for _ in range(BIG_SELECTIONS)]
        picks = [
            Pick(
                first + n, f"Player {n + 1} of {life.home.name} scores first", life.home, (1, "Home"), low=float(n), high=0.0, chance=chance
            )
            for n, chance in enumerate(chances)
        ]
        expiry = None if sequence is not None else life.start
        return Line(first, BIG, f"Player Points ({market + 1})", picks, sequence is not None, sequence, None, expiry)

    # --- delivery --------------------------------------------------------------------------------------------------------------

    async def _deliver(self, course: _Course, envelope: Envelope) -> None:
        """Send; when it fails, once more with the same time and guid (003 "Retry"); then the fixture gets a round-up later."""
        if self._random.random() < self.broken:
            await self._send_broken(course)
        self.counted.messages += 1
        if not await self._post("ProcessMessage", envelope.render()):
            await self._nap(RETRY_SECONDS)
            if not await self._post("ProcessMessage", envelope.render(retry=1)):
                self.counted.lost += 1
                course.missed = True
                return
        elif self._random.random() < self.retries:  # the answer got lost on its way back: the receiver sees it again
            await self._post("ProcessMessage", envelope.render(retry=1))
        if self._random.random() < self.duplicates:
            await self._post("ProcessMessage", envelope.render())

    async def _send_broken(self, course: _Course) -> None:
        """A message of its own that no parser can read: cut off, or with a tag that does not close."""
        body = self._envelope(course, course.life.coverage()).render()
        harmed = body[: len(body) * 2 // 3] if self._random.random() < 0.5 else body.replace(b"</Feed>", b"</Fed>")
        self.counted.broken += 1
        await self._post("ProcessMessage", harmed)

    async def _post(self, method: str, body: bytes) -> bool:
        try:
            answer = await self._client.post(f"{self.url}/{method}", content=body, headers={"Content-Type": "text/xml; charset=utf-8"})
            problem = "" if answer.is_success else f"answered {answer.status_code}"
        except httpx.HTTPError as error:
            problem = type(error).__name__
        self._tell(problem)
        self.counted.delivered += not problem and method == "ProcessMessage"
        return not problem

    def _tell(self, problem: str) -> None:
        """Log once when the receiver is lost and once when it is back."""
        if problem and self._reachable:
            logger.warning("simulator: %s does not take messages: %s", self.url, problem)
        if not problem and not self._reachable:
            logger.info("simulator: %s takes messages again", self.url)
        self._reachable = not problem
