"""One match of the provider in its own time: announced, priced, postponed or played, and told of on two streams."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random

from msgspec import Struct

from feeds.playing.table_tennis import Happening, Match, Play, What

from .book import Book, Changed
from .faults import Fault
from .ledger import Entry, Ledger, Patch
from .people import League, Player, strength
from .stream import Pace, Stream
from .voice import Spelling, Voice

MOST_TICKS = 400
DOUBT, STEP = 0.02, 0.002  # how far a bookmaker's opinion may be from the truth, and how far it moves at once
SUSPENDED_BREAKS = 0.4
LATE_POINTS = 6
OWN_OVERRIDE_SECONDS = (6, 20)


class Status(StrEnum):
    """Words of ``status_type``."""

    UPCOMING = "upcoming"
    LIVE = "live"
    FINISHED = "finished"
    POSTPONED = "postponed"


class Tick(Struct, frozen=True):
    """A price that was published."""

    at: datetime
    group: str
    odd_key: str
    value: float | None
    suspended: bool


class Card(Struct, frozen=True):
    """What is settled before a match."""

    id: int
    league: League
    home: Player
    away: Player
    start: datetime


def now() -> datetime:
    return datetime.now(UTC)


def _late(play: Play) -> bool:
    """Whether the game in play may be the last one and is well under way."""
    return max(play.games.home, play.games.away) == play.to_win - 1 and max(play.points.home, play.points.away) >= LATE_POINTS


class Habits(Struct, frozen=True):
    """``speed``: seconds of a match for each of ours. Chances 0–1: ``postpone`` of a match at its start, ``override`` for each point that
    the provider's own trader changes or suspends one price for a while.
    """

    speed: float = 1.0
    postpone: float = 0.0
    override: float = 0.0


class Contest:
    """A match. Used on one event loop; ``begin`` may be called any time after ``card.start``."""

    def __init__(
        self, card: Card, random: Random, habits: Habits, pace: Pace, spelling: Spelling, draw: Callable[[], Fault | None]
    ) -> None:
        self.card, self._random, self._habits, self._pace = card, random, habits, pace
        self.status = Status.UPCOMING
        self.match = Match(card.league.best_of, strength(card.home, card.away), random)
        self._course = self.match.happenings()
        self._opinion = self.match.strength.mean + random.uniform(-DOUBT, DOUBT)
        self.play: Play = self.match.play
        self.book = Book(card.id, card.home.id, card.away.id, self.belief, self.play)
        self.ledger = Ledger(now)
        self.revision = 1
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.hidden_until: datetime | None = None
        self.ticks: deque[Tick] = deque(maxlen=MOST_TICKS)
        self.voice = Voice(self, spelling)
        self.updates = Stream(self.voice.snapshot, draw)
        self.overrides = Stream(self.voice.all_overrides, draw)

    @property
    def belief(self) -> float:
        """What the bookmaker thinks that the home player's point is worth."""
        return round(self._opinion, 3)

    @property
    def over(self) -> bool:
        return self.status in (Status.FINISHED, Status.POSTPONED)

    @property
    def listed(self) -> bool:
        return self.hidden_until is None or now() >= self.hidden_until

    def hide(self) -> None:
        """Out of every list for a while."""
        self.hidden_until = now() + timedelta(seconds=self._pace.away)

    # --- its life -----------------------------------------------------------------------------------------------------------------

    def begin_at(self, stage: float) -> None:
        """As if it had been played until just now; ``stage``: 0 the first point, 1 near the end. It always goes on from there."""
        wanted = stage * (self.play.best_of * 0.75)
        for happening in self._course:
            self.play = play = happening.play
            if happening.what is What.POINT and (play.games.sum + play.points.sum / 20 >= wanted or _late(play)):
                break
        self.status, self.started_at = Status.LIVE, self.card.start
        self.book.reprice(self.belief, self.play)

    async def wait(self) -> None:
        """Until its start: prices move a little now and then."""
        while (left := (self.card.start - now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, self._pace.drift * self._random.uniform(0.5, 1.5)))
            self._think()
            self._tell(self.book.reprice(self.belief, self.play))

    async def run(self) -> None:
        """Play on until the end, or postpone it at once."""
        if self.status is Status.UPCOMING and self._random.random() < self._habits.postpone:
            self._end(Status.POSTPONED)
            return
        for happening in self._course:
            await asyncio.sleep(happening.wait / self._habits.speed)
            self._happen(happening)

    def _happen(self, happening: Happening) -> None:
        self.play = happening.play
        match happening.what:
            case What.BEGIN:
                self._begin()
            case What.POINT:
                self._think()
                self._tell(self.book.reprice(self.belief, self.play))
                self._interfere()
            case What.GAME:
                self._tell(self.book.reprice(self.belief, self.play))
                if self._random.random() < SUSPENDED_BREAKS:
                    self._stop()
            case What.TIMEOUT:
                self._stop()
            case What.PLAY:
                self._tell(self.book.suspend(False))
            case What.END:
                self._end(Status.FINISHED)

    def _begin(self) -> None:
        """Everything is told again: what was pre-match is in play now."""
        self.status, self.started_at = Status.LIVE, now()
        changed = self.book.reprice(self.belief, self.play)
        for market in self.book.offered():
            changed.add(market, *market.selections)
        self._tell(changed)

    def _stop(self) -> None:
        """All prices at once."""
        if changed := self.book.suspend(True):
            self._revise(changed)
            self.updates.say(self.voice.suspend)

    def _end(self, status: Status) -> None:
        self.status, self.ended_at = status, now()
        if changed := self.book.suspend(True):
            self._tell(changed)
        self.updates.close(self.voice.gone)
        self.overrides.close(self.voice.gone)

    def _think(self) -> None:
        true = self.match.strength.mean
        self._opinion = min(max(self._opinion + self._random.uniform(-STEP, STEP), true - DOUBT), true + DOUBT)

    def _tell(self, changed: Changed) -> None:
        if changed:
            self._revise(changed)
            self.updates.say(lambda seq, previous: self.voice.update(changed, seq, previous))

    def _revise(self, changed: Changed) -> None:
        self.revision += 1
        at = now()
        for key, selections in changed.selections.items():
            market = self.book.markets[key]
            for one in selections:
                self.ticks.append(Tick(at, market.group, f"{key}#{one.key}", self.voice.value(market, one), self.voice.held(market, one)))

    # --- overrides ----------------------------------------------------------------------------------------------------------------

    def override(self, patch: Patch, by: str) -> Entry | None:
        """What it began last; ``None`` for a suspension that was taken back. Raises ``LookupError`` for a selection that is not listed."""
        if self.book.find(patch.odd_key) is None:
            raise LookupError(patch.odd_key)
        began, ended = self.ledger.apply(patch, by)
        for entry in began:
            asyncio.get_running_loop().call_later((entry.ends_at - now()).total_seconds() + 0.01, self._expire)
        self._tell_overrides(began, ended)
        return began[-1] if began else None

    def _expire(self) -> None:
        if (ended := self.ledger.expire()) and not self.over:
            self._tell_overrides([], ended)

    def _tell_overrides(self, began: list[Entry], ended: list[Entry]) -> None:
        """On the one stream what was decided, on the other what it does to the price."""
        self.overrides.say(lambda seq, previous: self.voice.changed_overrides(began, ended, seq, previous))
        changed = Changed()
        for entry in (*began, *ended):
            if found := self.book.find(entry.odd_key):
                changed.add(*found)
        self._tell(changed)

    def _interfere(self) -> None:
        """The provider's own trader, now and then."""
        if self._random.random() >= self._habits.override:
            return
        market = self._random.choice([market for market in self.book.offered() if market.open])
        selection = self._random.choice(market.selections)
        if selection.price is None:
            return
        seconds = self._random.randint(*OWN_OVERRIDE_SECONDS)
        suspend = self._random.random() < 0.5
        value = None if suspend else max(1.01, round(selection.price * 0.95, 2))
        key = f"{market.key}#{selection.key}"
        self.override(Patch(key, value, seconds, suspend or None, "exposure"), "provider's trader")
