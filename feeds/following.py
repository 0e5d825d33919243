"""Following one subject: connect · log in · stream · keep · reconnect, with a watchdog; its trouble touches nobody else's.

Of every packet, in this order: announced to the fences, kept, told to the fences and to the stream. What cannot be kept is not
acknowledged: the connection is made anew from the last packet that is (promises A1, B1).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from markets.live import fences

from .errors import Hopeless, NotYet, Refused, Retryable, Trouble
from .inbox import CannotStore, Keeper
from .keeping import Arrived, counted
from .outgoing import Line, Outgoing, Read, Report, Stream, Vital
from .pipe import Announced, Pipe
from .transport import ws
from .transport.backoff import Backoff, jittered
from .transport.limits import Allowance
from .transport.ws import Arrival, Sort

logger = logging.getLogger(__name__)
_INTERNAL_WAIT = 30.0
_CUT = 'application/json; cut="longer than 1 MiB"'
_TYPES = {Sort.TEXT: "application/json", Sort.BINARY: "application/octet-stream", Sort.OVERSIZE: _CUT}


class Desk(Struct, frozen=True):
    """What all streams of a process share. ``turns``: how many of them may be keeping at once. ``sample``: one heartbeat, to look at."""

    keeper: Keeper
    turns: asyncio.Semaphore
    sample: Callable[[bytes], None]


class Follower:
    """One subject's task. ``finish()`` when it is known to be over; cancel the task to leave.

    ``turn``: how often its stream had been begun anew; numbers are announced as counted through all of that.
    """

    def __init__(self, source_id: int, feed: Outgoing, stream: Stream, desk: Desk, turn: int = 0) -> None:
        self.source_id = source_id
        self.turn = turn
        self.ref = stream.ref
        self.heard_at: float | None = None
        self.lost_at: float | None = time.monotonic()
        self._feed = feed
        self._stream = stream
        self._desk = desk
        self._pace = feed.pace
        self._backoff = Backoff(feed.pace.first_wait, feed.pace.longest_wait)
        self._over = False
        self.ever_live = False
        self.missing = ""

    def vital(self) -> Vital:
        """When it was heard; how long that counts is the source's lease."""
        return Vital(self.heard_at)

    def gap_opened(self) -> None:
        """The stream goes on from its last packet by itself: nothing is asked for anew."""

    def report(self) -> Report:
        """How the connection is now."""
        now = time.monotonic()
        report = self._stream.report(now)
        if self._stream.steady(now):
            self.lost_at = None
        self.ever_live |= report.state is Line.LIVE
        return replace(report, words=self._feed.conceal(report.words))

    def finish(self) -> None:
        """The subject is over: the connection is not made again once the provider ends it."""
        self._over = True

    def end(self) -> None:
        """Nothing more is expected; the task is about to be cancelled."""
        self._over = True
        self._stream.ended()

    async def run(self) -> None:
        """Until the subject is over. Never raises but for cancellation."""
        while True:
            wait = await self._attempt()
            if self._over:
                self._stream.ended()
                return
            await asyncio.sleep(wait)

    async def _attempt(self) -> float:
        """One connection from beginning to end: the seconds to wait before the next."""
        begun = time.monotonic()
        try:
            await self._session()
        except Trouble as trouble:
            if time.monotonic() - begun >= self._pace.proven:
                self._backoff.reset()
            return self._wait(self._stream.lost(trouble))
        except Exception as error:
            logger.exception("a fault of ours while following %s", self.ref)
            self._stream.lost(Retryable(f"a fault of ours: {type(error).__name__}"))
            return _INTERNAL_WAIT
        finally:
            if self.lost_at is None:
                self.lost_at = time.monotonic()
        return 0.0

    def _wait(self, trouble: Trouble) -> float:
        match trouble:
            case NotYet():
                return jittered(self._pace.waiting_wait)
            case Refused():
                return jittered(self._pace.refused_wait)
            case Hopeless():
                return jittered(self._pace.hopeless_wait)
            case _:
                return self._backoff.next()

    async def _session(self) -> None:
        socket = await ws.open_socket(self._feed.url(self._stream), seconds=self._pace.connect)
        try:
            self._stream.opened(time.monotonic())
            socket.send(self._feed.login())
            await self._stream_through(socket)
        finally:
            await socket.close()

    async def _stream_through(self, socket: ws.Socket) -> None:
        """Read and keep at the same time; whichever ends first ends both, but what was read is still kept."""
        pipe = Pipe()
        reading = asyncio.ensure_future(self._read(socket, pipe))
        keeping = asyncio.ensure_future(self._keep(pipe))
        try:
            await asyncio.wait((reading, keeping), return_when=asyncio.FIRST_COMPLETED)
            pipe.close()
            if not keeping.done():
                await asyncio.wait((keeping,))
            _raise_first(keeping, reading)
        finally:
            reading.cancel()
            keeping.cancel()
            await asyncio.gather(reading, keeping, return_exceptions=True)
            for one in pipe.rest():
                fences.failed(self.source_id, self.ref, self._number(one.read))

    async def _read(self, socket: ws.Socket, pipe: Pipe) -> None:
        """Until trouble. Waits for nothing but the provider and for room."""
        now = time.monotonic()
        allowance = Allowance(self._pace.burst, self._pace.per_second, now)
        heard = now
        while True:
            if not pipe.has_room:
                await pipe.room()
                heard = time.monotonic()
            arrivals = await self._receive(socket, heard)
            if arrivals:
                heard = time.monotonic()
                self._take(arrivals, socket.peer, pipe, heard)
                if not allowance.take(len(arrivals), heard):
                    raise Retryable(f"more than {self._pace.burst} messages at once: reading is held back")
            await asyncio.sleep(0)  # a provider that never pauses must not keep the loop

    async def _receive(self, socket: ws.Socket, heard: float) -> list[Arrival]:
        """The watchdog: bytes that make no message do not count as life."""
        try:
            async with asyncio.timeout(heard + self._pace.silence - time.monotonic()):
                return await socket.receive()
        except TimeoutError:
            raise Retryable(f"silent for {self._pace.silence:g} s") from None

    def _take(self, arrivals: list[Arrival], peer: str, pipe: Pipe, now: float) -> None:
        """All of one piece, the trouble of any only after all are announced."""
        self.heard_at = now
        trouble: Trouble | None = None
        for arrival in arrivals:
            trouble = self._one(arrival, peer, pipe, now) or trouble
        if trouble is not None:
            raise trouble

    def _one(self, arrival: Arrival, peer: str, pipe: Pipe, now: float) -> Trouble | None:
        if arrival.sort in (Sort.PING, Sort.PONG):
            return None
        read = self._judge(arrival, now)
        if read.keep:
            at = datetime.now(UTC)
            fences.announce(fences.Announced(self.source_id, self.ref, self._number(read), read.urgent, at))
            pipe.put(Announced(Arrived(self.source_id, at, _TYPES[arrival.sort], peer, arrival.body, self.ref, self.turn), read))
        else:
            self._desk.sample(arrival.body)
        return read.trouble

    def _number(self, read: Read) -> int | None:
        return counted(read.seq, self.turn)

    def _judge(self, arrival: Arrival, now: float) -> Read:
        if arrival.sort is Sort.OVERSIZE:
            return self._stream.oversize()
        return self._stream.received(arrival.body, now, text=arrival.sort is Sort.TEXT)

    async def _keep(self, pipe: Pipe) -> None:
        """In order, a few at a time; a batch that is not whole ends the connection."""
        while batch := await pipe.take():
            answers = await self._keep_together(batch)
            whole: BaseException | None = None
            for one, answer in zip(batch, answers, strict=True):
                whole = self._kept(one.read, answer, whole)
            if isinstance(whole, CannotStore):
                raise Retryable(f"a packet could not be stored: {whole.words}")
            if whole is not None:
                raise whole

    async def _keep_together(self, batch: list[Announced]) -> list[int | BaseException]:
        """Begun in order, so written in order."""
        try:
            async with self._desk.turns:
                return await asyncio.gather(*(self._desk.keeper.keep(one.frame) for one in batch), return_exceptions=True)
        except asyncio.CancelledError:
            for one in batch:
                fences.failed(self.source_id, self.ref, self._number(one.read))
            raise

    def _kept(self, read: Read, answer: int | BaseException, before: BaseException | None) -> BaseException | None:
        """The first failure of the batch so far: only what lies before it moves the position."""
        if isinstance(answer, BaseException):
            fences.failed(self.source_id, self.ref, self._number(read))
            return before or answer
        fences.kept(self.source_id, self.ref, self._number(read), answer)
        if before is None:
            self._stream.kept(read)
        return before


def _raise_first(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error
