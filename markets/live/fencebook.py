"""What this process has heard of every match of the point feeds (:mod:`markets.live.fences` says what it means). From any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from markets.domain.heard import NOTHING_HEARD, Heard
from markets.selectors.points import Pending

from .fencewords import EVERY, Beat, Kept, KeptFrame, Match, Said, Word

SILENT_SECONDS = 1.8
"""A reader that has not beaten for so long counts as stopped: so much before A1's and A3's two seconds that the frames arrive in time."""
FORGET_SECONDS = 3 * 86_400.0
"""Of a match of which nothing has been heard for so long, and nothing is unsettled, nothing is remembered."""
NEVER_HEARD = "the point reader has not been heard yet"
SILENT = "the point reader is silent"
MISSED = "announcements of points may have been missed"

PendingFrames = Mapping[Match, Pending]
"""What of each match has no outcome yet; a match without an entry has nothing that waits."""
NOTHING_PENDING = Pending()


class Changed(Struct, frozen=True):
    """Whose fences may stand differently now: single matches, and every match of these sources."""

    matches: frozenset[Match] = frozenset()
    sources: frozenset[int] = frozenset()


Listener = Callable[[Changed], None]


class Stream(Struct, frozen=True):
    """One match. ``announced``: highest number heard of. ``asked``: number of the last announcement whose outcome a reading of the store
    must show, 0 without one; ``seq`` and ``bare`` say which pending frames may be those: any from this number on, any without a number.
    ``kept_at``: since when all of them are known to be durable. ``noticed_at``: when a transaction last said that it kept one.
    Instants are ``time.monotonic()``.
    """

    touched: float
    announced: int | None = None
    reader: str = ""
    asked: int = 0
    seq: int | None = None
    bare: bool = False
    kept_at: float | None = None
    noticed_at: float | None = None
    read_at: datetime | None = None

    @property
    def unsettled(self) -> bool:
        return bool(self.asked) or self.noticed_at is not None


class Hold(Struct, frozen=True):
    """What a reader holds, and why in words. ``over_at``: when it first beat without saying so any more: it lasts until a reading of the
    store that began later."""

    words: str
    over_at: float | None = None


class Sender(Struct, frozen=True):
    """The reader of one source. ``count``: announcements heard of. ``doubted``: some may have been missed, until pending frames are read
    in a reading that began after ``believed_at``, the first beat since. ``holds``: by match."""

    reader: str = ""
    count: int = 0
    beat_at: float | None = None
    doubted: bool = True
    believed_at: float | None = None
    holds: Mapping[str, Hold] = {}


class Copy:
    """What was known at one instant; a reader falls silent in it as time goes on."""

    def __init__(self, joined: bool, streams: Mapping[Match, Stream], senders: Mapping[int, Sender]) -> None:
        self._joined = joined
        self._streams = streams
        self._senders = senders

    def heard(self, source_id: int, ref: str) -> Heard:
        if not self._joined:
            return NOTHING_HEARD
        return _heard(self._streams.get((source_id, ref)), self._senders.get(source_id), ref)


class FenceBook:
    """``roads`` are the connections by which announcements come; the process has joined once all of them stood and a reading of the
    pending frames that began after that is in hand (A10)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[Match, Stream] = {}
        self._senders: dict[int, Sender] = {}
        self._standing: dict[str, bool] = {}
        self._stood_at: float | None = None
        self._joined = False
        self._listeners: tuple[Listener, ...] = ()

    # For whoever serves

    def heard(self, source_id: int, ref: str) -> Heard:
        """What is known of a match now."""
        with self._lock:
            if not self._joined:
                return NOTHING_HEARD
            return _heard(self._streams.get((source_id, ref)), self._senders.get(source_id), ref)

    def copy(self) -> Copy:
        with self._lock:
            return Copy(self._joined, dict(self._streams), dict(self._senders))

    def silences(self) -> dict[int, float]:
        """Source id → ``time.monotonic()`` at which its reader falls silent unless it beats."""
        with self._lock:
            return {s: found.beat_at + SILENT_SECONDS for s, found in self._senders.items() if found.beat_at is not None}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls ``listener`` (from any thread; it must return at once) whenever something may have to close; returns what ends it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
        return partial(self._deafen, listener)

    # For the roads

    def open(self, roads: Collection[str]) -> None:
        """These will bring announcements; none at all where the reader shares this process."""
        with self._lock:
            self._forget()
            self._standing = dict.fromkeys(roads, False)
            self._stood_at = None if roads else time.monotonic()

    def close(self) -> None:
        """Nothing is heard any more: every match is unknown again."""
        with self._lock:
            self._forget()

    def stands(self, road: str) -> None:
        """A road was (re-)subscribed: what was said before is gone, without any error to tell of it."""
        with self._lock:
            self._standing[road] = True
            if self._stood_at is None and all(self._standing.values()):
                self._stood_at = time.monotonic()
            changed = self._doubt_all()
        self._tell(changed)

    def fell(self, road: str) -> None:
        """A road was lost."""
        with self._lock:
            changed = self._doubt_all() if self._standing.get(road) else Changed()
            self._standing[road] = False
        self._tell(changed)

    def hear(self, word: Word) -> None:
        """What a reader said, in the order in which it did."""
        with self._lock:
            match word:
                case Said():
                    changed = self._said(word)
                case Kept():
                    changed = self._kept(word)
                case Beat():
                    changed = self._beat(word)
        self._tell(changed)

    def notice(self, frames: Iterable[KeptFrame]) -> None:
        """What a transaction has kept: heard of even where its announcement was lost."""
        now = time.monotonic()
        with self._lock:
            for source_id, ref, seq in frames:
                stream = self._stream((source_id, ref), now)
                self._streams[source_id, ref] = replace(stream, announced=_higher(stream.announced, seq), noticed_at=now)
            changed = Changed(frozenset((source_id, ref) for source_id, ref, _ in frames))
        self._tell(changed)

    # For the hub, after each reading

    def read(self, begun_at: float, pending: PendingFrames | None) -> Changed:
        """The pending frames of a reading of the store that began at ``begun_at``, with which everything served is at least as new;
        ``None``: nobody could say. Returns whose fences may have come down."""
        if pending is None:
            return Changed()
        with self._lock:
            for match, waiting in pending.items():
                stream = self._stream(match, begun_at)
                self._streams[match] = replace(stream, announced=_higher(stream.announced, waiting.seq))
            matches = {m for m, s in self._streams.items() if s.unsettled and self._settle(m, s, begun_at, pending)}
            sources = {i for i, s in self._senders.items() if s.doubted and self._believe(i, s, begun_at)}
            sources |= {i for i, s in self._senders.items() if s.holds and self._let_go(i, s, begun_at)}
            if not self._joined and self._stood_at is not None and self._stood_at < begun_at:
                self._joined = True
                sources |= self._senders.keys()
            self._drop_old(begun_at)
            return Changed(frozenset({*matches, *pending}), frozenset(sources))

    # Under the lock

    def _said(self, word: Said) -> Changed:
        match, now = (word.source_id, word.ref), time.monotonic()
        sources = self._count(word, now)
        stream = self._stream(match, now)
        after = replace(
            stream, announced=_higher(stream.announced, word.seq), reader=word.reader, read_at=word.read_at,
            seq=stream.seq if stream.asked else None, bare=stream.bare and bool(stream.asked),
        )  # fmt: skip
        orphaned = stream.asked and stream.reader != word.reader
        if word.urgent or word.seq is None or orphaned:
            after = replace(after, asked=word.number, kept_at=None, seq=_lower(after.seq, word.seq), bare=after.bare or word.seq is None)
        self._streams[match] = after
        return Changed(frozenset({match}), sources)

    def _count(self, word: Said, now: float) -> frozenset[int]:
        """Announcements are numbered without holes; one that is missing was said and not heard."""
        sender = self._senders.get(word.source_id, Sender())
        missed = sender.reader != word.reader or word.number > sender.count + 1
        count = word.number if sender.reader != word.reader else max(sender.count, word.number)
        after = replace(sender, reader=word.reader, count=count)
        self._senders[word.source_id] = _doubted(after) if missed else after
        return frozenset({word.source_id}) if missed else frozenset()

    def _kept(self, word: Kept) -> Changed:
        stream = self._streams.get((word.source_id, word.ref))
        if stream is not None and stream.asked and stream.kept_at is None and stream.reader == word.reader and word.up_to >= stream.asked:
            self._streams[word.source_id, word.ref] = replace(stream, kept_at=time.monotonic())
        return Changed()

    def _beat(self, word: Beat) -> Changed:
        now = time.monotonic()
        sender = self._senders.get(word.source_id, Sender())
        other = sender.reader != word.reader
        missed = other or word.count > sender.count or sender.beat_at is None or now - sender.beat_at >= SILENT_SECONDS
        if missed:
            sender = _doubted(replace(sender, reader=word.reader, count=word.count if other else max(sender.count, word.count)))
        believed_at = now if sender.doubted and sender.believed_at is None else sender.believed_at
        holds = _holds(sender.holds, word.held, now)
        missed = missed or holds != sender.holds
        self._senders[word.source_id] = replace(sender, beat_at=now, believed_at=believed_at, holds=holds)
        matches = self._hold_unkept(word, now) if sender.doubted else frozenset()
        self._mark_kept(word, now)
        return Changed(matches, frozenset({word.source_id}) if missed else frozenset())

    def _hold_unkept(self, word: Beat, now: float) -> frozenset[Match]:
        """What may have been announced unheard and is not durable: no reading can show its outcome yet."""
        matches = frozenset((word.source_id, ref) for ref in word.unkept)
        for match in matches:
            stream = self._stream(match, now)
            self._streams[match] = replace(stream, reader=word.reader, asked=max(1, word.count), kept_at=None, bare=True)
        return matches

    def _mark_kept(self, word: Beat, now: float) -> None:
        """Heals a lost :class:`Kept`."""
        unkept = set(word.unkept)
        for (source_id, ref), stream in self._streams.items():
            mine = source_id == word.source_id and stream.reader == word.reader
            if mine and 0 < stream.asked <= word.count and stream.kept_at is None and ref not in unkept:
                self._streams[source_id, ref] = replace(stream, kept_at=now)

    def _settle(self, match: Match, stream: Stream, begun_at: float, pending: PendingFrames) -> bool:
        """Lowers what the reading has shown the outcome of; true where nothing is left."""
        waiting = pending.get(match, NOTHING_PENDING)
        if stream.noticed_at is not None and stream.noticed_at < begun_at and match not in pending:
            stream = replace(stream, noticed_at=None)
        durable = stream.kept_at is not None and stream.kept_at < begun_at
        numbered = stream.seq is not None and waiting.seq is not None and waiting.seq >= stream.seq
        awaited = match in pending and (stream.bare or waiting.unnumbered or numbered)
        if stream.asked and durable and not awaited:
            stream = replace(stream, asked=0, kept_at=None, seq=None, bare=False)
        self._streams[match] = stream
        return not stream.unsettled

    def _believe(self, source_id: int, sender: Sender, begun_at: float) -> bool:
        if sender.believed_at is None or sender.believed_at >= begun_at:
            return False
        self._senders[source_id] = replace(sender, doubted=False, believed_at=None)
        return True

    def _let_go(self, source_id: int, sender: Sender, begun_at: float) -> bool:
        left = {ref: hold for ref, hold in sender.holds.items() if hold.over_at is None or hold.over_at >= begun_at}
        self._senders[source_id] = replace(sender, holds=left)
        return len(left) < len(sender.holds)

    def _doubt_all(self) -> Changed:
        self._senders = {i: _doubted(s) for i, s in self._senders.items()}
        return Changed(sources=frozenset(self._senders))

    def _stream(self, match: Match, now: float) -> Stream:
        found = self._streams.get(match)
        return Stream(now) if found is None else replace(found, touched=now)

    def _drop_old(self, now: float) -> None:
        old = [m for m, s in self._streams.items() if now - s.touched > FORGET_SECONDS and not s.unsettled]
        for match in old:
            del self._streams[match]

    def _forget(self) -> None:
        self._streams, self._senders, self._standing = {}, {}, {}
        self._stood_at, self._joined = None, False

    def _deafen(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

    def _tell(self, changed: Changed) -> None:
        if changed.matches or changed.sources:
            for listener in self._listeners:
                listener(changed)


def _heard(stream: Stream | None, sender: Sender | None, ref: str) -> Heard:
    silent_in = 0.0 if sender is None or sender.beat_at is None else max(0.0, sender.beat_at + SILENT_SECONDS - time.monotonic())
    doubt = _doubt(sender, silent_in)
    holds = sender.holds if sender is not None else {}
    hold = holds.get(EVERY) or holds.get(ref)
    held = hold.words if hold is not None else ""
    if stream is None:
        return Heard(True, doubt=doubt, silent_in=silent_in, held=held)
    return Heard(True, stream.announced, stream.unsettled, doubt, silent_in, stream.read_at, held)


def _holds(before: Mapping[str, Hold], said: Mapping[str, str], now: float) -> dict[str, Hold]:
    over = {ref: hold if hold.over_at is not None else replace(hold, over_at=now) for ref, hold in before.items() if ref not in said}
    return over | {ref: Hold(words) for ref, words in said.items()}


def _doubted(sender: Sender) -> Sender:
    return replace(sender, doubted=True, believed_at=None)


def _doubt(sender: Sender | None, silent_in: float) -> str:
    if sender is None or sender.beat_at is None:
        return NEVER_HEARD
    if not silent_in:
        return SILENT
    return MISSED if sender.doubted else ""


def _higher(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _lower(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
