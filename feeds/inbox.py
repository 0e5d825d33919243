"""Keep every frame, then give each an outcome, in order (promises B1–B5).

Keeping is a group commit: one thread takes all frames that wait, writes them in one transaction and then lets their answers go.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
import time
from collections import defaultdict, deque

from django.conf import settings
from django.db import connections

from . import connection, keeping
from .checkpoint import Checkpointer
from .keeping import Arrived, lane_of
from .lanes import drain
from .nudge import nudge
from .pressure import GAUGE

__all__ = ["Arrived", "CannotStore", "Keeper", "drain", "lane_of", "low_disk"]

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 3.0
"""How long a sender waits for the store before it is told 503."""
MAX_WAITING = 2_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
_BATCH = 256
_BATCH_BYTES = 8 * 1024 * 1024
_LOW_DISK = 0.05


_unanswered: dict[asyncio.Future[int], tuple[int, float]] = {}
"""What this process has read and nobody has kept yet: its source, and since when (monotonic)."""


def unkept_since() -> dict[int, float]:
    """Source id → since when (monotonic) its oldest frame waits for the store in this process. From any thread."""
    since: dict[int, float] = {}
    for source_id, at in _unanswered.copy().values():
        since[source_id] = min(at, since.get(source_id, at))
    return since


class CannotStore(Exception):
    """The frame is not kept and must not be acknowledged; ``words`` say why (the answer is 503, and a gap)."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def low_disk() -> bool:
    """Whether less than 5 % of the disk beneath an embedded desk's data is free (P7); a database server watches its own."""
    if connections["default"].vendor != "sqlite":
        return False
    usage = shutil.disk_usage(settings.DESK_DATA_DIR)
    return usage.free < usage.total * _LOW_DISK


class _Waiting:
    """A frame in the line, with the loop's future that waits for its id."""

    __slots__ = ("answer", "frame")

    def __init__(self, frame: Arrived, answer: asyncio.Future[int]) -> None:
        self.frame = frame
        self.answer = answer


class _Line:
    """The frames that wait, bounded by number and bytes; filled by event loops, emptied by the writer."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def add(self, one: _Waiting) -> None:
        size = len(one.frame.body)
        with self._changed:
            if self._closed:
                raise CannotStore("the desk is stopping")
            if len(self._waiting) >= MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES:
                raise CannotStore("too many frames wait to be stored")
            self._waiting.append(one)
            self._bytes += size
            self._changed.notify()

    def take(self) -> list[_Waiting]:
        """All that wait, up to a batch; blocks until there is one, empty once closed and done."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            taken: list[_Waiting] = []
            size = 0
            while self._waiting and len(taken) < _BATCH and size < _BATCH_BYTES:
                taken.append(self._waiting.popleft())
                size += len(taken[-1].frame.body)
            self._bytes -= size
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Keeper:
    """One per process that receives: a writer thread keeps all waiting frames in one transaction.

    ``start()`` and ``stop()`` once; ``keep`` from any event loop.
    """

    def __init__(self) -> None:
        self._line = _Line()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._checkpointer = Checkpointer()
        self._disk_checked = float("-inf")
        self._disk_low = False

    def start(self) -> None:
        self._thread.start()
        self._checkpointer.start()

    def stop(self) -> None:
        """Keep what waits (at most 5 s), then end the thread."""
        self._line.close()
        if self._thread.is_alive():
            self._thread.join(5)
        self._checkpointer.stop()

    async def keep(self, frame: Arrived) -> int:
        """The frame's id once it is durable. Raises :class:`CannotStore`; the frame may then be sent again."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[int] = loop.create_future()
        self._line.add(_Waiting(frame, answer))
        late = loop.call_later(PATIENCE_SECONDS, _too_late, answer)
        GAUGE.waiting += 1
        _unanswered[answer] = (frame.source_id, time.monotonic())
        try:
            return await answer
        finally:
            GAUGE.waiting -= 1
            _unanswered.pop(answer, None)
            late.cancel()

    def _run(self) -> None:
        connection.own()
        writer = keeping.Writer()
        try:
            while taken := self._line.take():
                self._keep(writer, [one for one in taken if not one.answer.done()])
        finally:
            connection.release()

    def _keep(self, writer: keeping.Writer, batch: list[_Waiting]) -> None:
        if not batch:
            return
        if self._refuses():
            _answer(batch, CannotStore("less than 5 % of the disk is free"))
            return
        try:
            ids, lanes = writer.write([one.frame for one in batch])
        except Exception as error:  # a keeper that dies would refuse everything from then on
            logger.error("cannot store %d frames: %s: %s", len(batch), type(error).__name__, error)
            connection.release()
            _answer(batch, CannotStore("the database refused"))
            return
        _answer(batch, ids)
        nudge(lanes)

    def _refuses(self) -> bool:
        if time.monotonic() - self._disk_checked > 1:
            self._disk_checked = time.monotonic()
            self._disk_low = low_disk()
        return self._disk_low


def _too_late(answer: asyncio.Future[int]) -> None:
    if not answer.done():
        answer.set_exception(CannotStore(f"the database did not answer within {PATIENCE_SECONDS:.0f} s"))


def _answer(batch: list[_Waiting], answers: list[int] | CannotStore) -> None:
    """Let the answers go, with one call into each event loop."""
    given: list[int | CannotStore] = [answers] * len(batch) if isinstance(answers, CannotStore) else list(answers)
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | CannotStore]]] = defaultdict(list)
    for one, answer in zip(batch, given, strict=True):
        loops[one.answer.get_loop()].append((one.answer, answer))
    for loop, pairs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, pairs)
        except RuntimeError:
            logger.warning("an event loop ended before %d answers", len(pairs))


def _settle(pairs: list[tuple[asyncio.Future[int], int | CannotStore]]) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if isinstance(answer, CannotStore):
            future.set_exception(CannotStore(answer.words))
        else:
            future.set_result(answer)
