"""Following one match: two streams and re-reads of its payload, as :mod:`feeds.odds360.protocol` decides.

Its trouble touches nobody else's. Of each stream, in order: read, kept, then the next. What cannot be kept ends the connection, so that
the payload is asked for again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from feeds.errors import Hopeless, Refused, Retryable, Throttled, Trouble
from feeds.outgoing import Inbound, Keep, Pace, Report, Vital
from feeds.transport.backoff import Backoff, jittered
from feeds.transport.limits import Allowance
from feeds.transport.ws import Arrival, Sort

from . import answers
from .answers import Payload
from .leg import Habits, Leg, Road, envelope_of
from .protocol import STREAMS, MatchLink, Mode
from .revisions import revision_of
from .subjects import Kind, subject, unplaced

logger = logging.getLogger(__name__)
_INTERNAL_WAIT = 30.0
_NOT_URGENT = 30.0
_SHORTEST_LOOK = 0.2
"""Seconds: what has arrived while we were busy is heard before silence is declared."""
_JSON = "application/json"
_CUT = 'application/json; cut="longer than 1 MiB"'
_TYPES = {Sort.TEXT: _JSON, Sort.BINARY: "application/octet-stream", Sort.OVERSIZE: _CUT}


class Channel(Protocol):
    """An open stream; see :class:`feeds.transport.ws.Socket` and :class:`feeds.transport.sse.EventStream`."""

    peer: str

    def ping(self) -> None: ...
    async def receive(self) -> list[Arrival]: ...
    async def close(self) -> None: ...


class Provider(Protocol):
    """What of the feed a match needs; see :class:`feeds.odds360.feed.Odds360Feed`."""

    habits: Habits
    pace: Pace

    @property
    def sport(self) -> str: ...
    @property
    def roads(self) -> tuple[Road, ...]: ...

    async def payload(self, ref: str) -> Payload: ...
    async def verify(self, ref: str) -> bytes: ...
    async def row(self, ref: str) -> bytes: ...
    async def open(self, kind: Kind, ref: str, road: Road) -> Channel: ...
    def conceal(self, words: str) -> str: ...
    def poll_seconds(self) -> float: ...
    def verify_seconds(self) -> float: ...
    def unlisted(self, ref: str, *, finished: bool) -> float: ...
    def forget(self, ref: str) -> None: ...


class MatchFollower:
    """One match's tasks; see :class:`feeds.outgoing.Followed`. ``live()`` once it is played."""

    def __init__(self, feed: Provider, ref: str, keep: Keep) -> None:
        self.ref = ref
        self.turn = 0
        self.ever_live = False
        self._feed = feed
        self._keep = keep
        self._link = MatchLink(ref, feed.habits, feed.roads)
        self._played = asyncio.Event()
        self._wake = asyncio.Event()
        self._backoff = Backoff(feed.pace.first_wait, feed.pace.longest_wait)
        self._verify_at = 0.0
        self._verified = b""
        self._row_at = 0.0
        self._row = b""
        self._over = False

    # --- for the runner --------------------------------------------------------------------------------------------------------------

    @property
    def missing(self) -> str:
        return self._link.missing

    @property
    def lost_at(self) -> float | None:
        return self._link.lost_at(time.monotonic())

    def report(self) -> Report:
        report = self._link.report(time.monotonic())
        self.ever_live |= report.state == "live"
        return replace(report, words=self._feed.conceal(report.words))

    def vital(self) -> Vital:
        return self._link.vital(time.monotonic())

    def polls(self) -> bool:
        """Whether it is played, and a stream of it has to do without push."""
        return self._link.mode is Mode.LIVE and any(leg.open_on is None for leg in self._link.legs.values())

    def told_status_since(self, at: float) -> bool:
        return self._link.status_at >= at

    def fallen_to(self) -> Road | None:
        """The worst road that it has had to fall back to; ``None`` on the best ones, and once it is over."""
        return self._link.fallen_to()

    def live(self) -> None:
        """It is played from now on; what is not urgent waits until many that begin at once have their payloads."""
        if not self._played.is_set():
            self._verify_at = time.monotonic() + jittered(min(_NOT_URGENT, self._feed.verify_seconds()))
        self._link.live(time.monotonic())
        self._played.set()
        self._wake.set()

    def gap_opened(self) -> None:
        self._link.gap_opened()
        self._wake.set()

    def finish(self) -> None:
        """The lists say when a match is over."""

    def end(self) -> None:
        self._over = True
        self._link.ended()
        self._feed.forget(self.ref)

    async def run(self) -> None:
        """Until it is over. Never raises but for cancellation."""
        legs = [asyncio.ensure_future(self._guarded(partial(self._follow, kind))) for kind in STREAMS]
        try:
            await self._guarded(self._reread_for_ever)
        finally:
            for leg in legs:
                leg.cancel()
            await asyncio.gather(*legs, return_exceptions=True)
        self.end()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of ours must not end what follows a match."""
        while not self._over:
            try:
                await work()
            except Exception as error:
                logger.exception("a fault of ours while following %s", self.ref)
                self._link.missed(Retryable(f"a fault of ours: {type(error).__name__}"), _INTERNAL_WAIT, time.monotonic())
                await asyncio.sleep(_INTERNAL_WAIT)

    # --- the payload -----------------------------------------------------------------------------------------------------------------

    async def _reread_for_ever(self) -> None:
        while not self._is_over():
            now = time.monotonic()
            self._link.poll = self._feed.poll_seconds()
            if (wait := self._link.due_at(now) - now) > 0:
                await self._nap(min(wait, 5.0))
                continue
            await self._reread(now)
            await self._verify(time.monotonic())
            await self._look_for_row(time.monotonic())

    def _is_over(self) -> bool:
        """In no list for so long, or in none and not known by its own address either."""
        unlisted = self._unlisted()
        limit = 3 * self._feed.pace.discovery if self._link.gone else self._feed.pace.forget
        self._over = self._over or unlisted > limit
        return self._over

    def _unlisted(self) -> float:
        return self._feed.unlisted(self.ref, finished=self._link.finished)

    async def _nap(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def _reread(self, now: float) -> None:
        self._link.asked(now)
        try:
            answer = await self._feed.payload(self.ref)
            if not self._link.overtaken(revision_of(envelope_of(answer.body)), time.monotonic()):
                await self._take_payload(answer)
        except Trouble as trouble:
            self._link.missed(trouble, self._wait(trouble), time.monotonic())

    async def _take_payload(self, answer: Payload) -> None:
        """Keep what is news. Raises ``Retryable`` for what is no payload, once it is kept."""
        kind = Kind.MATCH if answer.row else Kind.ODDS
        if self._link.news(answer.content):
            await self._keep(Inbound(subject(kind, self.ref, self._feed.sport), answer.body, _JSON, "", datetime.now(UTC)))
        if answer.good:
            self._link.answered(answer.content, over=answer.over)
            self._backoff.reset()
        else:
            self._link.unreadable(answer.content)
            raise Retryable("an answer without odds" if answer.row else "an answer cannot be read")

    async def _verify(self, now: float) -> None:
        """Asked for now and then while the match is played; what it says is kept and shown, and opens nothing."""
        if self._link.mode is not Mode.LIVE or now < self._verify_at:
            return
        self._verify_at = now + self._feed.verify_seconds()
        with contextlib.suppress(Trouble):
            body = await self._feed.verify(self.ref)
            content = answers.content(body)
            if body and content != self._verified:
                await self._keep(Inbound(subject(Kind.VERIFY, self.ref), body, _JSON, "", datetime.now(UTC)))
                self._verified = content

    async def _look_for_row(self, now: float) -> None:
        """What became of a match that left the lists of live ones: its row says so before any slow list does."""
        if now < self._row_at or self._unlisted() < self._feed.pace.discovery:
            return
        self._row_at = now + 3 * self._feed.pace.discovery
        with contextlib.suppress(Trouble):
            body = await self._feed.row(self.ref)
            content = answers.row_content(body)
            if body and content != self._row and not self.told_status_since(now):
                await self._keep(Inbound(subject(Kind.MATCH, self.ref, self._feed.sport), body, _JSON, "", datetime.now(UTC)))
                self._row = content

    def _wait(self, trouble: Trouble) -> float:
        match trouble:
            case Throttled():
                return max(trouble.seconds, self._backoff.next())
            case Refused():
                return jittered(self._feed.pace.refused_wait)
            case Hopeless():
                return jittered(self._feed.pace.waiting_wait)
            case _:
                return self._backoff.next()

    # --- the streams -----------------------------------------------------------------------------------------------------------------

    async def _follow(self, kind: Kind) -> None:
        """One stream, by the best road that works, and for ever from better to worse and back."""
        await self._played.wait()
        leg, backoff = self._link.legs[kind], Backoff(self._feed.pace.first_wait, self._feed.pace.longest_wait)
        channel: Channel | None = None
        while True:
            if channel is None:
                channel = await self._connect(kind, leg, backoff)
            else:
                channel = await self._through(kind, channel, backoff)

    async def _connect(self, kind: Kind, leg: Leg, backoff: Backoff) -> Channel | None:
        if leg.road is Road.POLL:
            return await self._better(kind, leg)
        try:
            return await self._open(kind, leg.road)
        except Trouble as trouble:
            leg.failed(trouble, time.monotonic())
            self._wake.set()
            await asyncio.sleep(backoff.next())
            return None

    async def _open(self, kind: Kind, road: Road) -> Channel:
        channel = await self._feed.open(kind, self.ref, road)
        self._link.opened(kind, road, time.monotonic())
        self._wake.set()
        return channel

    async def _better(self, kind: Kind, leg: Leg) -> Channel:
        """For as long as it takes: a stream by a better road than the present."""
        while True:
            if leg.better_at is None:
                await asyncio.Event().wait()  # there is none
            await asyncio.sleep(max(0.05, (leg.better_at or 0.0) - time.monotonic()))
            for road in leg.better():
                try:
                    return await self._open(kind, road)
                except Trouble as trouble:
                    leg.not_better(trouble, time.monotonic())

    async def _through(self, kind: Kind, channel: Channel, backoff: Backoff) -> Channel | None:
        """Read until the connection ends (``None``), or one by a better road stands."""
        leg = self._link.legs[kind]
        begun = time.monotonic()
        reading = asyncio.ensure_future(self._read(kind, leg, channel))
        better = asyncio.ensure_future(self._better(kind, leg))
        watching = asyncio.ensure_future(self._watch(leg, channel))
        tasks = (reading, better, watching)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if better.done():
                await better.result().close()
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await channel.close()
        if better.done() and not better.cancelled():
            return better.result()
        trouble = _trouble_of(reading if reading.done() and not reading.cancelled() else watching)
        if time.monotonic() - begun >= self._feed.habits.proven:
            backoff.reset()
        self._link.lost(kind, trouble, time.monotonic())
        self._wake.set()
        await asyncio.sleep(backoff.next())
        return None

    async def _watch(self, leg: Leg, channel: Channel) -> None:
        """Ask for signs of life, until there are none: what is heard counts as this road says."""
        while True:
            channel.ping()
            await asyncio.sleep(min(self._feed.habits.ping, max(_SHORTEST_LOOK, leg.silent_at() - time.monotonic())))
            if time.monotonic() >= leg.silent_at():
                await asyncio.sleep(_SHORTEST_LOOK)
                if time.monotonic() >= leg.silent_at():
                    raise Retryable("silent for too long")

    async def _read(self, kind: Kind, leg: Leg, channel: Channel) -> None:
        """Until trouble; also that of a provider who says more than anybody could need."""
        allowance = Allowance(self._feed.pace.burst, self._feed.pace.per_second, time.monotonic())
        while True:
            arrivals = await channel.receive()
            for arrival in arrivals:
                await self._take(kind, leg, arrival, channel.peer)
            if not allowance.take(len(arrivals), time.monotonic()):
                raise Retryable(f"more than {self._feed.pace.burst} messages at once: reading is held back")
            await asyncio.sleep(0)  # a provider that never pauses must not keep the loop

    async def _take(self, kind: Kind, leg: Leg, arrival: Arrival, peer: str) -> None:
        now = time.monotonic()
        if arrival.sort in (Sort.PING, Sort.PONG):
            leg.alive(now)
            return
        read = self._link.received(kind, arrival.body, now, text=arrival.sort is Sort.TEXT)
        if read.keep:
            about = unplaced(kind, self.ref) if read.unplaced else subject(kind, self.ref)
            await self._keep(Inbound(about, arrival.body, _TYPES[arrival.sort], peer, datetime.now(UTC)))
            self._link.kept(kind, now)
        if arrival.sort is Sort.OVERSIZE:
            raise Retryable("a message is longer than 1 MiB")
        if self._link.missing or read.unplaced:
            self._wake.set()
        if read.trouble is not None:
            raise read.trouble


def _trouble_of(reading: asyncio.Future[None]) -> Trouble:
    """Why reading ended; a fault of ours is raised."""
    error = reading.exception()
    if isinstance(error, Trouble):
        return error
    raise error if error is not None else AssertionError("reading ends by trouble only")
