"""Every feed that we fetch, in one process: who runs is read from the database each second, one task follows each subject.

Runs on the loop of the embedded desk or of ``manage.py runfeeds``; the database is asked by the clerk's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from django.db import DatabaseError
from msgspec.structs import replace

from markets.domain import leases
from markets.live import fences
from markets.live.fences import EVERY
from markets.services import pointlife

from . import clerk, outbox
from .clerk import Clerk, Noted, Round
from .errors import Hopeless, Refused, Retryable, Trouble
from .following import Desk, Follower
from .inbox import CannotStore, Keeper
from .keeping import Arrived
from .outgoing import Connect, Errand, Followed, Following, Inbound, Line, Outgoing, Report, Sending, Subject, Vital, Wanted
from .registry import OUTGOING
from .transport.backoff import Backoff, jittered
from .unkept import Unkept

logger = logging.getLogger(__name__)
BEAT_SECONDS = 0.5
ROUND_SECONDS = 1.0
DISCOVERY = "discovery"
"""The feed's own line beside those of its subjects: whether the provider's list can be read."""
_NOT_TAKEN_UP = "what was followed before a restart is not known yet"
_TURNS = 24
_FINISHED_EVERY = 5
_SAMPLES = 3
_SAMPLE = 300
"""Characters of each that are told."""


class Running:
    """One feed while it runs: discovery and a follower for each subject. Its tasks end with :meth:`stop`."""

    def __init__(self, wanted: Wanted, feed: Outgoing | Following, keeper: Keeper, turns: asyncio.Semaphore, office: Clerk) -> None:
        self.wanted = wanted
        self.heard_at: float | None = None
        self._feed = feed
        self._keeper = keeper
        self._clerk = office
        self._desk = Desk(keeper, turns, self._sample)
        self._followers: dict[str, Followed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._kept_objects: dict[str, bytes] = {}
        self._listed: set[str] = set()
        self._discovery = Report(Line.CONNECTING)
        self._sampled: set[bytes] = set()
        self._said: dict[str, tuple[Report, Vital]] = {}
        self._holes: set[str] = set()
        self._unkept = Unkept()
        self._taken_up = False
        self._taking_up = asyncio.Lock()
        self._works = [asyncio.ensure_future(self._discover())]
        if isinstance(feed, Sending) and feed.sends_for is not None:
            self._works.append(asyncio.ensure_future(self._send(feed, feed.sends_for)))

    @property
    def source_id(self) -> int:
        return self.wanted.source_id

    def finish(self, ref: str) -> None:
        """The store knows that this subject is over."""
        if ref in self._followers:
            self._followers[ref].finish()
            if ref not in self._listed:
                self._end(ref)

    async def begin_anew(self, ref: str, turn: int) -> None:
        """A person had this stream begun anew: what follows it so far ends, and it is read from its start."""
        follower = self._followers.get(ref)
        if not isinstance(follower, Follower) or follower.turn == turn or follower.report().state is Line.ENDED:
            return
        self._tasks[ref].cancel()
        await asyncio.gather(self._tasks[ref], return_exceptions=True)
        await self._follow(ref)

    def notes(self) -> list[Noted]:
        """What has changed of every subject since it was last written."""
        lines = {ref: (one.report(), one.vital()) for ref, one in self._followers.items()}
        lines[DISCOVERY] = (self._discovery, Vital(self.heard_at))
        return [
            Noted(self.source_id, ref, report, vital, ref not in self._said or self._said[ref][0] != report)
            for ref, (report, vital) in lines.items()
            if self._said.get(ref) != (report, vital)
        ]

    def wrote(self, notes: list[Noted]) -> None:
        """They are in the database."""
        for one in notes:
            self._said[one.ref] = (one.report, one.vital)
            if one.report.state is Line.ENDED and one.ref not in self._listed:
                self._forget(one.ref)

    def gaps(self, now: float) -> dict[tuple[int, str], str]:
        """Subjects whose connection has been gone for longer than a hole may last (A5), each told once a loss; and what is missing."""
        gone = {ref: at for ref, one in self._followers.items() if one.ever_live and (at := one.lost_at) is not None}
        self._holes &= gone.keys()
        words = f"the connection has been lost for over {self._feed.pace.hole:g} s"
        found = {ref: words for ref, at in gone.items() if ref not in self._holes and now - at > self._feed.pace.hole}
        found |= {ref: one.missing for ref, one in self._followers.items() if one.missing}
        running = {ref: cause for ref, cause in found.items() if self._followers[ref].report().state is not Line.ENDED}
        return {(self.source_id, ref): cause for ref, cause in (running | self._unkept.gaps()).items()}

    def opened_gaps(self, refs: list[str]) -> None:
        """Those gaps are in the database."""
        self._unkept.opened(refs)
        if EVERY in refs:
            self.doubted(None)
        for one in (self._followers[ref] for ref in refs if ref in self._followers):
            if one.lost_at is not None:
                self._holes.add(one.ref)
            one.gap_opened()

    def beat(self) -> None:
        """Tell who serves prices that we live, and which of them are held until the store knows what we do (A4, A5)."""
        held = self._unkept.held(time.monotonic())
        held |= {one.ref: one.missing for one in self._followers.values() if one.missing}
        fences.beat(self.source_id, held if self._taken_up else {EVERY: _NOT_TAKEN_UP})

    def hole_in_reading(self) -> None:
        """Nobody was reading for a while, which the store has as a gap of the whole feed."""
        self.doubted(None)

    def doubted(self, ref: str | None) -> None:
        """The store has a gap of this match, of every one for ``None``. Those that have one to tell of themselves come to it by that."""
        for one in self._followers.values():
            if ref in (None, one.ref) and not one.missing:
                one.gap_opened()

    def last_heard(self) -> float | None:
        """When anything of this feed was heard last."""
        times = [one.vital().heard_at for one in self._followers.values()] + [self.heard_at]
        return max((at for at in times if at is not None), default=None)

    async def stop(self) -> None:
        """All tasks have ended at return."""
        tasks = [*self._works, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._feed.close()

    async def _discover(self) -> None:
        """For ever: ask for the list, follow what is new, keep what has changed."""
        left = await self._remembered()
        backoff = Backoff(self._feed.pace.first_wait, self._feed.pace.longest_wait)
        while True:
            try:
                while left:
                    await self._follow(left[-1])
                    left.pop()
                await self._look()
                backoff.reset()
                wait = self._feed.pace.discovery * 0.95 + jittered(self._feed.pace.discovery * 0.1)
            except Trouble as trouble:
                wait = self._missed(trouble, backoff)
            except DatabaseError as error:
                wait = self._missed(Retryable(f"the database does not answer: {type(error).__name__}"), backoff)
            except Exception as error:
                logger.exception("a fault of ours while asking for the list of feed %s", self.wanted.slug)
                wait = self._missed(Trouble(f"a fault of ours: {type(error).__name__}"), backoff)
            await asyncio.sleep(wait)

    async def _send(self, feed: Sending, bookmaker_id: UUID) -> None:
        """For ever: have the provider know our overrides. One that fails is tried again later, the others go on."""
        while True:
            try:
                for errand in await self._clerk.ask(outbox.errands, self.source_id, bookmaker_id):
                    await self._deliver(feed, errand)
            except DatabaseError as error:
                logger.warning("feed %s: overrides wait to be sent: %s", self.wanted.slug, type(error).__name__)
            except Exception:
                logger.exception("a fault of ours while sending overrides of feed %s", self.wanted.slug)
            await asyncio.sleep(ROUND_SECONDS)

    async def _deliver(self, feed: Sending, errand: Errand) -> None:
        try:
            await feed.send(errand)
        except Trouble as trouble:
            await self._clerk.ask(outbox.failed, errand, trouble, self._feed.conceal(trouble.words))
        else:
            await self._clerk.ask(outbox.sent, errand)

    async def _remembered(self) -> list[str]:
        """What ran before a restart goes on even if the list cannot be read."""
        while True:
            try:
                before = await self._clerk.ask(pointlife.begin, self.source_id)
                self._taken_up = True
                return [ref for ref in before if ref != DISCOVERY]
            except Exception as error:
                logger.error("the runner cannot read what feed %s followed: %s", self.wanted.slug, type(error).__name__)
                await asyncio.sleep(ROUND_SECONDS)

    async def _look(self) -> None:
        subjects = await self._discovered()
        self.heard_at = time.monotonic()
        self._say(Report(Line.LIVE, self._feed.remark() if isinstance(self._feed, Following) else f"{len(subjects)} live"))
        self._listed = {one.ref for one in subjects}
        for subject in subjects:
            await self._follow(subject.ref)
            await self._keep_object(subject)
        self._give_up_gone()

    async def _discovered(self) -> Sequence[Subject]:
        if not isinstance(self._feed, Following):
            return await self._feed.discover()
        self._feed.upcoming(await self._clerk.ask(clerk.upcoming, self.source_id))
        try:
            return await self._feed.discover()
        finally:
            for one in self._feed.unreadable():
                await self._keep_object(one)

    def _give_up_gone(self) -> None:
        before = time.monotonic() - self._feed.pace.forget
        for ref, one in self._followers.items():
            if ref not in self._listed and one.lost_at is not None and one.lost_at < before:
                self._end(ref)

    def _end(self, ref: str) -> None:
        self._followers[ref].end()
        self._tasks[ref].cancel()

    def _forget(self, ref: str) -> None:
        for known in (self._followers, self._tasks, self._said, self._kept_objects):
            known.pop(ref, None)

    def _missed(self, trouble: Trouble, backoff: Backoff) -> float:
        if isinstance(trouble, Refused | Hopeless):
            self._say(Report(Line.REFUSED, trouble.words))
            return jittered(self._feed.pace.refused_wait if isinstance(trouble, Refused) else self._feed.pace.hopeless_wait)
        self._say(Report(Line.LOST, trouble.words))
        return min(backoff.next(), self._feed.pace.discovery)

    def _say(self, report: Report) -> None:
        """Logged once when it turns bad, once when it is good again."""
        before, self._discovery = self._discovery, replace(report, words=self._feed.conceal(report.words))
        if report.state is not before.state and report.state is not Line.LIVE:
            logger.warning("feed %s: %s", self.wanted.slug, self._discovery.words)
        elif report.state is Line.LIVE and before.state in (Line.LOST, Line.REFUSED):
            logger.info("feed %s: what is live there can be read again", self.wanted.slug)

    async def _follow(self, ref: str) -> None:
        async with self._taking_up:  # two who ask at once must not make two followers
            await self._take_up(ref)

    async def _take_up(self, ref: str) -> None:
        task = self._tasks.get(ref)
        if task is not None and not task.done():
            return
        over = task is not None and self._followers[ref].report().state is Line.ENDED
        if over and not isinstance(self._feed, Following):
            return
        follower = self._followers[ref] = await self._follower(ref)
        self._tasks[ref] = asyncio.create_task(follower.run(), name=f"follow {self.wanted.slug} {ref}")

    async def _follower(self, ref: str) -> Followed:
        if isinstance(self._feed, Following):
            return self._feed.follower(ref, partial(self._keep, ref))
        at = await self._clerk.ask(clerk.position, self.source_id, ref)
        return Follower(self.source_id, self._feed, self._feed.stream(ref, at.number), self._desk, at.turn)

    async def _keep(self, ref: str, one: Inbound) -> None:
        try:
            await self._store(ref, Arrived(self.source_id, one.at, one.content_type, one.peer, one.body, one.stream))
        except CannotStore as refused:
            raise Retryable(f"what came could not be stored: {refused.words}") from None

    async def _store(self, ref: str, frame: Arrived) -> None:
        """What cannot be stored is told to the gate at once."""
        try:
            with self._unkept.waiting():
                await self._keeper.keep(frame)
        except (CannotStore, asyncio.CancelledError) as failure:
            if isinstance(self._feed, Following):  # a stream of points fences itself, and goes on from the last packet that was kept
                self._unkept.lost(ref, failure.words if isinstance(failure, CannotStore) else "its connection ended")
                self.beat()
            raise

    async def _keep_object(self, subject: Subject) -> None:
        if not subject.body or (isinstance(self._feed, Following) and self._feed.outdated(subject)):
            return
        name = subject.ref or subject.stream
        content = hashlib.blake2b(subject.content or subject.body, digest_size=16).digest()
        if self._kept_objects.get(name) == content:
            return
        frame = Arrived(self.source_id, datetime.now(UTC), subject.content_type, "", subject.body, subject.stream or subject.ref)
        try:
            await self._store(subject.ref, frame)
        except CannotStore as refused:
            logger.warning("feed %s: a live event could not be stored: %s", self.wanted.slug, refused.words)
        else:
            self._kept_objects[name] = content

    def _sample(self, body: bytes) -> None:
        """The shapes of login answers and heartbeats are documented nowhere: the first ones that differ are told (T1)."""
        if len(self._sampled) >= _SAMPLES or body in self._sampled:
            return
        self._sampled.add(body)
        said = self._feed.conceal(body[: _SAMPLE * 4].decode("utf-8", "replace"))
        logger.info("feed %s: a message that is no packet looks like %s", self.wanted.slug, said[:_SAMPLE])


class Runner:
    """``start`` on a running or coming loop, ``begin_to_stop`` on it; feeds come and go by the database meanwhile."""

    def __init__(self, keeper: Keeper, connect: Mapping[str, Connect] = OUTGOING) -> None:
        self._keeper = keeper
        self._connect = connect
        self._turns = asyncio.Semaphore(_TURNS)
        self._clerk = Clerk()
        self._running: dict[int, Running] = {}
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self._rounds = 0
        self._last_gap = 0
        self._broken: dict[int, Wanted] = {}
        self._heard: dict[int, float] = {}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From any thread."""
        loop.call_soon_threadsafe(self._begin)

    def begin_to_stop(self) -> None:
        """On the loop: the tasks end as the loop turns."""
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        beating = asyncio.ensure_future(self._beat())
        try:
            while True:
                started = time.monotonic()
                await self._round()
                await asyncio.sleep(max(0.05, ROUND_SECONDS - (time.monotonic() - started)))
        finally:
            beating.cancel()
            await asyncio.gather(*(one.stop() for one in self._running.values()), return_exceptions=True)
            self._clerk.stop()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self.run())

    async def _beat(self) -> None:
        """On the loop that reads, so that the beats stop when it does."""
        while True:
            for running in tuple(self._running.values()):
                running.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def _round(self) -> None:
        """Never raises: a runner that dies would silently close every match."""
        try:
            await self._settle(await self._clerk.ask(clerk.wanted, tuple(self._connect)))
            await self._begin_anew()
            await self._write()
            await self._heed_doubts()
            await self._finish()
        except Exception as error:
            if not self._failing:
                logger.error("the runner cannot reach the database: %s: %s", type(error).__name__, error)
            self._failing = True
        else:
            self._failing = False

    async def _settle(self, wanted: list[Wanted]) -> None:
        """Start what is new, end what is gone or has changed."""
        now = {one.source_id: one for one in wanted}
        for source_id, running in list(self._running.items()):
            if now.get(source_id) != running.wanted:
                del self._running[source_id]
                await running.stop()
                if source_id not in now:
                    await self._clerk.ask(pointlife.stop, source_id, "the feed is switched off")
        for source_id, one in now.items():
            if source_id not in self._running and self._broken.get(source_id) != one:
                await self._start(one)

    async def _start(self, wanted: Wanted) -> None:
        try:
            feed = self._connect[wanted.provider](wanted)
        except Trouble as trouble:
            await self._clerk.ask(_refused, wanted.source_id, trouble.words)
            logger.error("feed %s cannot run: %s", wanted.slug, trouble.words)
            self._broken[wanted.source_id] = wanted
            return
        self._broken.pop(wanted.source_id, None)
        self._running[wanted.source_id] = Running(wanted, feed, self._keeper, self._turns, self._clerk)

    async def _write(self) -> None:
        running = list(self._running.values())
        if not running:
            return
        notes = {one: one.notes() for one in running}
        gaps = {one: one.gaps(time.monotonic()) for one in running}
        heard = {one.source_id: at for one in running if (at := one.last_heard()) is not None and at != self._heard.get(one.source_id)}
        all_gaps = {key: cause for found in gaps.values() for key, cause in found.items()}
        lives = [note for found in notes.values() for note in found]
        missed = await self._clerk.ask(clerk.write, Round([one.source_id for one in running], heard, lives, all_gaps))
        self._heard.update(heard)
        for one in running:
            one.wrote(notes[one])
            one.opened_gaps([ref for _, ref in gaps[one]])
            if one.source_id in missed:
                one.hole_in_reading()

    async def _heed_doubts(self) -> None:
        """What could not be read or understood holds its match until all of it is told again: ask for it (A5 i)."""
        asked = [source_id for source_id, one in self._running.items() if one.wanted.provider in leases.PROVIDERS]
        if not asked:
            return
        for gap_id, source_id, ref in await self._clerk.ask(clerk.doubts, asked, self._last_gap):
            self._last_gap = max(self._last_gap, gap_id)
            if source_id in self._running:
                self._running[source_id].doubted(ref)

    async def _begin_anew(self) -> None:
        if not self._running:
            return
        for (source_id, ref), turn in (await self._clerk.ask(pointlife.turns, tuple(self._running))).items():
            if source_id in self._running:
                await self._running[source_id].begin_anew(ref, turn)

    async def _finish(self) -> None:
        """Ask now and then which matches the store knows to be over."""
        self._rounds += 1
        if self._rounds % _FINISHED_EVERY or not self._running:
            return
        for source_id, ref in await self._clerk.ask(pointlife.finished, tuple(self._running)):
            if source_id in self._running:
                self._running[source_id].finish(ref)


def _refused(source_id: int, words: str) -> None:
    pointlife.record([pointlife.Life(source_id, DISCOVERY, None, Line.REFUSED, words, None, 0, 0)], [source_id])
