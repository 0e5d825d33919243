"""The sockets of this process and the fan-out of the same bytes to all of a topic. Everything here runs on the server's event loop.

No queue and no task a socket: the server's ``send`` is stepped once, and where it takes the bytes at once nothing else happens. A
socket whose client does not read gets nothing but a small allowance of suspensions, is marked as behind, and starts again with a
snapshot when it is ready; after ten seconds it is dropped (promise D4). A topic of many matches is made of *parts*: a client that was
slow for a moment starts again with the matches that it missed, not with all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec

from .authority import AnyClaim, Standing
from .frames import TOO_SLOW, Pong, decode_ping, encode

if TYPE_CHECKING:
    from .topics import Subject

Key = tuple[UUID, str]
"""A bookmaker's topic."""
Event = dict[str, Any]
Send = Callable[[Event], Awaitable[None]]

ABORT_SECONDS = 10.0
ALLOWANCE = 16 * 1024
"""Bytes of suspensions that a socket may still be sent while its client does not read."""
LONGEST_PING = 200
PINGS = 5
"""Answered a second; more is not listened to."""


WHOLE = 0
"""The part of a topic that has no parts."""
ALIVE = -1
"""Belongs to no part: who does not get it has missed nothing."""


class Packed:
    """One frame as it is sent, to every socket the same. ``part``: what a socket that misses it has to be told anew."""

    def __init__(self, text: str, seq: int = 0, part: int = WHOLE) -> None:
        self.text = text
        self.seq = seq
        self.part = part

    @cached_property
    def event(self) -> Event:
        """``seq`` is for transports that number their messages; a WebSocket's server reads the text alone."""
        return {"type": "websocket.send", "text": self.text, "seq": self.seq}


class Socket:
    """One accepted connection. ``subject`` says what it asks for, ``standing`` (of the hub) who it is.

    ``send`` takes the events of a WebSocket, whatever it makes of them.
    """

    def __init__(self, claim: AnyClaim, subject: Subject, send: Send, ready: Callable[[], bool], abort: Callable[[], None] | None) -> None:
        self.claim = claim
        self.subject = subject
        self.standing: Standing | None = None
        self.heard: Key | None = None
        self.key: Key | None = None
        self.ended = asyncio.Event()
        self._send = send
        self._ready = ready
        self._abort = abort
        self._behind = {WHOLE}
        self._asked = True
        self._waiting_since: float | None = None
        self._allowance = ALLOWANCE
        self._busy: asyncio.Task[None] | None = None
        self._queued: deque[Event] = deque()
        self._pings = PINGS
        self._pings_from = 0.0

    def start_again(self, snapshots: Sequence[Packed], parts: frozenset[int] | None = None) -> None:
        """Snapshots of everything or of these ``parts``: what follows them is without holes."""
        self._asked = False
        if not self._takes():
            return
        self._behind = set() if parts is None else self._behind - parts
        for snapshot in snapshots:
            self._emit(snapshot.event)

    def push(self, frame: Packed, closing: bool) -> bool:
        """Sends ``frame`` if the client keeps up. True when it needs snapshots now."""
        if self.ended.is_set():
            return False
        if not self._takes():
            self._hold_back(frame, closing)
            return False
        if WHOLE not in self._behind and frame.part not in self._behind:
            self._emit(frame.event)
        return bool(self._behind) and self._ask()

    @property
    def missed(self) -> frozenset[int] | None:
        """The parts that it has to be told anew; ``None``: everything."""
        return None if WHOLE in self._behind else frozenset(self._behind)

    def remark(self, event: Event) -> None:
        """Says ``event``, which tells nothing, to a client that keeps up."""
        if not self.ended.is_set() and self._takes():
            self._emit(event)

    def close(self, code: int) -> None:
        """Closes with ``code``; one that does not read is dropped, since a close frame would wait behind what it does not take."""
        if self.ended.is_set():
            return
        takes = self._takes()
        self.ended.set()
        if takes or self._abort is None:
            self._emit({"type": "websocket.close", "code": code})
        else:
            self._abort()

    def hear(self, text: str | None, now_ms: Callable[[], int]) -> None:
        """What the client said: pings only, a few a second; nothing else has an effect."""
        if text is None or len(text) > LONGEST_PING or not self._may_ping():
            return
        try:
            ping = decode_ping(text)
        except msgspec.MsgspecError:
            return
        if self._takes():
            self._emit(Packed(encode(Pong(ping.ping, now_ms()))).event)

    def _may_ping(self) -> bool:
        now = time.monotonic()
        if now - self._pings_from >= 1:
            self._pings, self._pings_from = PINGS, now
        self._pings -= 1
        return self._pings >= 0

    def _ask(self) -> bool:
        asked, self._asked = self._asked, True
        return not asked

    def _takes(self) -> bool:
        """Whether the client has taken what it was sent; remembers since when it has not."""
        if self._busy is None and self._ready():
            self._waiting_since = None
            self._allowance = ALLOWANCE
            return True
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        return False

    def _hold_back(self, frame: Packed, closing: bool) -> None:
        """A suspension may still go: its ``prevSeq`` does not fit, so that the client shows everything suspended, which is right."""
        if frame.part != ALIVE:
            self._behind.add(frame.part)
        self._asked = False
        size = len(frame.text)
        if closing and self._busy is None and size <= self._allowance:
            self._allowance -= size
            self._emit(frame.event)
        elif self._waiting_since is not None and time.monotonic() - self._waiting_since >= ABORT_SECONDS:
            self._give_up()

    def _give_up(self) -> None:
        self.ended.set()
        if self._abort is not None:
            self._abort()
        else:
            self._emit({"type": "websocket.close", "code": TOO_SLOW})

    def _emit(self, event: Event) -> None:
        """Runs the server's ``send`` as far as it goes; where it has to wait, a task waits, and the socket is not ready meanwhile.

        What else belongs to the same snapshot then waits too: at most one snapshot, of which every socket holds the same bytes.
        """
        if self._busy is not None:
            self._queued.append(event)
            return
        sending = cast(Coroutine[Any, None, None], self._send(event))
        try:
            first = sending.send(None)
        except StopIteration:
            return
        except Exception:  # the server's way of saying that the connection is gone
            self.ended.set()
            return
        self._busy = asyncio.ensure_future(_finish(sending, first))
        self._busy.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._busy = None
        if task.cancelled() or task.exception() is not None:
            self.ended.set()
            self._queued.clear()
        while self._queued and self._busy is None:
            self._emit(self._queued.popleft())


class _Resumed:
    """A coroutine that was stepped once by hand, to be awaited for the rest."""

    def __init__(self, sending: Coroutine[Any, None, None], first: Any) -> None:
        self._sending = sending
        self._first = first

    def __await__(self) -> Generator[Any, None, None]:
        waiting = self._first
        while True:
            yield waiting
            try:
                waiting = self._sending.send(None)
            except StopIteration:
                return


async def _finish(sending: Coroutine[Any, None, None], first: Any) -> None:
    await _Resumed(sending, first)


class Fanout:
    """Who listens to what."""

    def __init__(self, resync: Callable[[Socket, frozenset[int] | None], None]) -> None:
        self._resync = resync
        self._topics: dict[Key, set[Socket]] = defaultdict(set)
        self._count = 0

    def admit(self, most: int) -> bool:
        """Counts a socket in, unless there are ``most`` already."""
        if self._count >= most:
            return False
        self._count += 1
        return True

    def leave(self, socket: Socket) -> None:
        """Forgets an admitted socket."""
        self._count -= 1
        if socket.key is not None:
            self._topics[socket.key].discard(socket)
            if not self._topics[socket.key]:
                del self._topics[socket.key]

    def attach(self, key: Key, sockets: Iterable[Socket], snapshots: Sequence[Packed], parts: frozenset[int] | None = None) -> None:
        """The same snapshots, of everything or of these ``parts``, for all who have just come or were behind."""
        for socket in sockets:
            if not socket.ended.is_set():
                socket.key = key
                self._topics[key].add(socket)
                socket.start_again(snapshots, parts)

    def send(self, key: Key, frames: Sequence[Packed], closing: bool) -> None:
        """The same frames to everyone of a topic. ``closing``: something is not tradable any more."""
        listening = self._topics.get(key)
        if not listening:
            return
        for frame in frames:
            for socket in tuple(listening):
                if socket.push(frame, closing):
                    self._resync(socket, socket.missed)

    def close(self, sockets: Iterable[Socket], code: int, last: Sequence[Packed] = ()) -> None:
        """``last``: what they are still told, if they listen."""
        for socket in sockets:
            for frame in last:
                socket.push(frame, closing=True)
            socket.close(code)
