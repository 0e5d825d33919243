"""Fences: what a point feed has said and the store does not show yet (A1, A2, A10, A13; decisions T2, T3). From any thread.

A reader *announces* each packet before it keeps it. The process that serves compares what it heard with the snapshot in its hand; a
fence is a number, never a flag that somebody must take down. Safety first, so in this process a match's fence is **raised** iff

1. the highest number announced, noticed or pending is beyond the applied one of the snapshot in hand (T3). Only applied state with that
   number or a higher one lowers it: not time, not a lost connection, not the frame's being kept; or
2. a PointStarted or Alarm, whatever its number, or a packet without a number was announced and its outcome is not known (T2). It is
   known once a reading of the store that *began after the frame was kept* shows it no longer pending. The reading compares the
   revision of every match looked at, so that no older snapshot than the reading is in hand when the fence comes down; or
3. the reader cannot be believed: no beat for two seconds (a killed reader, a hung process, Redis gone), announcements numbered with a
   hole, another reader, a beat after silence, a connection that was lost or subscribed anew. This lasts until the reader beats again
   and a reading of the pending frames begun after that beat is in hand; what the beat names as not yet durable stays fenced alone; or
4. this process has not joined: one that does not listen, or has not read the pending frames since it began, knows nothing (A10).

What follows. *Reader killed between reading and announcing*: nobody heard; its beats stop; suspended within two seconds, and the next
reader starts from the last packet kept. *Killed between announcing and keeping*: raised by 1 or 2 until the next reader has announced
and kept the stream from there. *A keep that failed*: the same; the reader says :func:`failed`, connects anew from the last packet that
was kept, and what is kept then lowers it. *Database locked or down*: announcements do not need it; nothing is applied, so nothing is
lowered; the hub closes everything after two seconds for its own reasons. *Redis down or hung*: the second road (NOTIFY in the
transaction that keeps) raises at once what is kept, beats stop coming, suspended within two seconds. *The listener's connection
killed*: doubt at once. *Worker killed*: nothing is applied, 1 holds. *A 2 MB parse*: the announcement takes no queue and no store.

Roads. One process: a direct call. Scaled: Redis PUBLISH from a thread of its own (:mod:`.fenceroads`), NOTIFY on ``desk_fence``
(:mod:`.listener`), and every reading of the hub, at least one a second, brings the pending frames of each match.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from django.conf import settings

from markets.domain.heard import Ears, Heard

from .announcer import Announced, Announcer
from .fencebook import Changed, FenceBook, Listener
from .fenceroads import Publisher
from .fencewords import CHANNEL, EVERY, NOTHING_HELD, Beat, Kept, KeptFrame, Match, Said, Word, frames_of, payloads

__all__ = [
    "CHANNEL", "EVERY", "Announced", "Beat", "Changed", "FenceBook", "Kept", "KeptFrame", "Listener", "Match", "Said", "Word",
    "announce", "beat", "ears", "failed", "forget_reader", "frames_of", "kept", "payloads", "registry",
]  # fmt: skip

_lock = threading.Lock()
_book = FenceBook()
_announcer: Announcer | None = None


def announce(packet: Announced) -> None:
    """Before it is kept, for *every* packet; returns at once, from any thread or event loop."""
    _here().announce(packet)


def kept(source_id: int, ref: str, seq: int | None, frame_id: int) -> None:
    """The packet announced with this number is durable (``frame_id``). For every announcement either this or :func:`failed`."""
    _here().kept(source_id, ref, seq)


def failed(source_id: int, ref: str, seq: int | None) -> None:
    """It could not be kept. The reader connects anew from the last packet that was; until then the fence stays."""
    _here().failed(source_id, ref, seq)


def beat(source_id: int, held: Mapping[str, str] = NOTHING_HELD) -> None:
    """The reader of this source is alive: every half second, whether it has anything to say or not.

    ``held``: match → why its prices are held, in words, while something of it was read that the store does not have; the match
    :data:`EVERY` stands for all of them. It lasts until a reading of the store that began after the first beat without it.
    """
    _here().beat(source_id, held)


def registry() -> FenceBook:
    """What this process has heard; unknown until its hub has opened it."""
    return _book


def ears() -> Ears:
    """For one answer that reads the store itself: made *before* that reading, asked after it; whatever closes at either instant closes."""
    return _Both(_book.copy(), _book)


def forget_reader() -> None:
    """The next announcement comes from a new reader, as after a restart of the process."""
    global _announcer  # noqa: PLW0603
    with _lock:
        _announcer = None


class _Both:
    """Before: what was settled meanwhile may not show in an older reading. After: what was announced meanwhile."""

    def __init__(self, before: Ears, now: Ears) -> None:
        self._before = before
        self._now = now

    def heard(self, source_id: int, ref: str) -> Heard:
        return self._before.heard(source_id, ref).and_also(self._now.heard(source_id, ref))


def _here() -> Announcer:
    global _announcer  # noqa: PLW0603
    with _lock:
        if _announcer is None:
            _announcer = Announcer(Publisher(settings.REDIS_URL).send if settings.DESK_SCALED else _book.hear)
        return _announcer
