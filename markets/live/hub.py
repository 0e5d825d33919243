"""The hub of a web process: newest state, gate, diff, fan-out (docs/architecture.md 3, steps 5–7).

Three threads. The *hub's own* decides: it holds what is known, works out what is open now, and makes the frames; deadlines that close a
price are its alarm clock, so it never waits for the store. The *reader* asks the store, on a ring, a join or each second. The
*event loop* of the server owns the sockets and gets ready-made texts. They speak by queues only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from msgspec import Struct

from markets.selectors.offer import Offer
from markets.services import doorbell

from . import fences
from .authority import AnyClaim, Standing
from .book import Book, Pair
from .crowds import Crowds
from .fencebook import Changed
from .fenceroads import ROAD as REDIS
from .fenceroads import Subscriber
from .frames import FORBIDDEN, NOT_FOUND, UNAVAILABLE, milliseconds
from .listener import ROAD as NOTIFY
from .listener import Listener
from .reader import Failed, Listing, Loaded, Reader, Wanted
from .sockets import Fanout, Key, Socket
from .topics import Topic

log = logging.getLogger(__name__)

TICK = 1.0
CONFIRM_SECONDS = 0.01
"""How long the hub confirms prices before it looks what else there is."""
READ_PAUSE = 0.01
READ_PAUSE_MOST = 0.05
PATIENCE = 0.5
WARM_SECONDS = 30.0
"""How long a topic that nobody looks at is kept up to date, so that a reload finds it ready."""
DOOR_SECONDS = 5.0
"""How long a socket waits at the door when the store does not answer."""
STUCK_SECONDS = 5.0
SILENT = "the store does not answer"
SOCKETS = 5_000
"""Open sockets in one process; ``DESK_SOCKETS`` sets another number."""


class Ring(Struct, frozen=True):
    topics: frozenset[str]


class Join(Struct, frozen=True):
    socket: Socket


class Leave(Struct, frozen=True):
    socket: Socket


class Resync(Struct, frozen=True):
    """``parts`` as :attr:`markets.live.sockets.Socket.missed`."""

    socket: Socket
    parts: frozenset[int] | None


class Fenced(Struct, frozen=True):
    """A fence may have risen: :attr:`Hub._fenced` says whose."""


class End(Struct, frozen=True):
    pass


HubEvent = Ring | Join | Leave | Resync | Loaded | Failed | Fenced | End


class Hub:
    """One per web process; sends on ``loop``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: SimpleQueue[HubEvent] = SimpleQueue()
        self._fanout = Fanout(lambda socket, parts: self._events.put(Resync(socket, parts)))
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._reader = Reader(self._events.put)
        self._fences = fences.registry()
        self._fenced: SimpleQueue[Changed] = SimpleQueue()
        self._listener = Listener(self.ring, self._fences) if connection.vendor == "postgresql" else None
        self._subscriber = Subscriber(settings.REDIS_URL, self._fences) if settings.DESK_SCALED else None
        self._stop_listening: list[Callable[[], None]] = []
        self._book = Book(self._fences)
        self._topics: dict[Key, Topic] = {}
        self._shown_by: dict[Pair, set[Key]] = defaultdict(set)
        self._crowds = Crowds()
        self._idle_since: dict[Key, float] = {}
        self._door: dict[Socket, float] = {}
        self._stale: set[Pair] = set()
        self._dirty_fixtures: set[int] = set()
        self._dirty_bookmakers: set[UUID] = set()
        self._tick_at = 0.0
        self._to_confirm: deque[Pair] = deque()
        self._beats_due = False
        self._check_claims = True
        self._whole = True
        self._curious = False
        self._watched: set[int] = set()
        self._asked_at: float | None = None
        self._read_at = 0.0
        self._answered = False
        self._ended = False

    # For the process

    def start(self) -> None:
        """Starts the hub's threads; returns at once. Nothing is shown open before the first full load (promise A10)."""
        self._reader.start()
        self._thread.start()
        self._open_fences()
        if self._listener is None:
            self._stop_listening.append(doorbell.listen(self.ring))
        else:
            self._listener.start()

    def stop(self) -> None:
        """Closes every socket with 4503 and ends the threads, within two seconds."""
        for stop in self._stop_listening:
            stop()
        self._fences.close()
        for ears in (self._listener, self._subscriber):
            if ears is not None:
                ears.end()
        self._reader.end()
        self._events.put(End())
        self._thread.join(1.0)
        self._reader.join(0.5)
        for ears in (self._listener, self._subscriber):
            if ears is not None:
                ears.join(0.5)

    def _open_fences(self) -> None:
        roads = {NOTIFY: self._listener, REDIS: self._subscriber}
        self._fences.open([road for road, ears in roads.items() if ears is not None])
        self._stop_listening.append(self._fences.listen(self.fence))
        if self._subscriber is not None:
            self._subscriber.start()

    @property
    def alive(self) -> bool:
        """Whether it runs and the store answers it."""
        return self._thread.is_alive() and self._answered

    def ring(self, topics: frozenset[str]) -> None:
        """Something changed (``markets.services.doorbell``); from any thread."""
        self._events.put(Ring(topics))

    def fence(self, changed: Changed) -> None:
        """Fences may have risen; from any thread."""
        self._fenced.put(changed)
        self._events.put(Fenced())

    # For the sockets, on the event loop

    def join(self, socket: Socket, spare: int = 0) -> bool:
        """Takes a socket in; false when there are too many, of which ``spare`` places are kept for others."""
        if not self._fanout.admit(getattr(settings, "DESK_SOCKETS", SOCKETS) - spare):
            return False
        self._events.put(Join(socket))
        return True

    def leave(self, socket: Socket) -> None:
        """Forgets a socket that joined."""
        self._fanout.leave(socket)
        self._events.put(Leave(socket))

    def now_ms(self) -> int:
        """Database time in milliseconds; from any thread."""
        return milliseconds(self._book.clock.now())

    # The hub's own thread

    def _run(self) -> None:
        while not self._ended:
            try:
                for event in self._gather():
                    self._on(event)
                self._turn()
            except Exception:
                log.exception("the hub stumbled; it goes on")
                time.sleep(0.1)
        self._say_goodbye()

    def _turn(self) -> None:
        self._suspend()
        self._watch_store()
        if time.monotonic() >= self._tick_at:
            self._tick()
        self._confirm()
        self._work_out()
        self._flush()
        self._ask()

    def _gather(self) -> Iterator[HubEvent]:
        """Waits for the next event or deadline, then takes all that wait."""
        try:
            yield self._events.get(timeout=self._patience())
            while True:
                yield self._events.get_nowait()
        except Empty:
            return

    def _patience(self) -> float:
        """Seconds until something is due."""
        now = time.monotonic()
        if self._to_confirm:
            return 0.0
        due = [self._tick_at, *(t.due_at for t in self._topics.values() if t.changed and t.whole)]
        if self._asked_at is None and self._has_questions():
            due.append(self._read_at)
        waits = [at - now for at in due]
        if (deadline := self._book.next_due()) is not None:
            waits.append((deadline - self._book.clock.now()) / timedelta(seconds=1))
        return max(0.0, min(PATIENCE, *waits))

    def _on(self, event: HubEvent) -> None:
        match event:
            case Ring():
                self._rung(event.topics)
            case Join():
                self._door[event.socket] = time.monotonic()
            case Leave():
                self._forget(event.socket)
            case Resync():
                self._wait_for_snapshot(event.socket, event.parts)
            case Loaded():
                self._take(event)
            case Failed():
                self._asked_at, self._whole = None, True
                self._read_at = time.monotonic() + READ_PAUSE_MOST
            case Fenced():
                pass  # it has only to wake us: what is fenced goes before everything that waits
            case End():
                self._ended = True

    def _rung(self, topics: Iterable[str]) -> None:
        for topic in topics:
            kind, _, name = topic.partition(":")
            match kind:
                case "f" if int(name) in self._watched:
                    self._dirty_fixtures.add(int(name))
                case "b":
                    self._dirty_bookmakers.add(UUID(name))
                case "s":
                    self._curious = True  # every reading brings the health of every source
                case "f":
                    pass
                case _:
                    self._whole = True

    # Sockets

    def _forget(self, socket: Socket) -> None:
        self._door.pop(socket, None)
        topic = self._topics.get(socket.heard) if socket.heard else None
        if topic is not None and socket in topic.sockets:
            self._turn_out(socket, topic)

    def _turn_out(self, socket: Socket, topic: Topic) -> None:
        topic.sockets.discard(socket)
        topic.waiting.pop(socket, None)
        if socket.standing is not None:
            self._crowds.left(socket.standing)

    def _wait_for_snapshot(self, socket: Socket, parts: frozenset[int] | None) -> None:
        topic = self._topics.get(socket.heard) if socket.heard else None
        if topic is not None and socket in topic.sockets:
            before = topic.waiting.get(socket, frozenset())
            topic.waiting[socket] = None if parts is None or before is None else parts | before

    def _settle(self, standings: Mapping[AnyClaim, Standing]) -> None:
        """Lets in, or turns away, whom the store has spoken about."""
        for socket in [s for s in self._door if s.claim in standings]:
            del self._door[socket]
            self._answer(socket, standings[socket.claim])
        for topic in self._topics.values():
            self._expel(topic, standings)

    def _answer(self, socket: Socket, standing: Standing) -> None:
        code = standing.code
        if standing.bookmaker is not None and not code:
            code = self._crowds.joins(standing)
        if code or standing.bookmaker is None:
            self._post(self._fanout.close, [socket], code or FORBIDDEN)
        else:
            self._let_in(socket, standing, standing.bookmaker)

    def _expel(self, topic: Topic, standings: Mapping[AnyClaim, Standing]) -> None:
        """Whoever may not listen any more, or not as the same (promise E2)."""
        refused: dict[int, list[Socket]] = defaultdict(list)
        for socket in [s for s in topic.sockets if s.claim in standings and standings[s.claim] != s.standing]:
            self._turn_out(socket, topic)
            refused[standings[socket.claim].code or FORBIDDEN].append(socket)
        for code, sockets in refused.items():
            self._post(self._fanout.close, sockets, code, topic.farewell(self._book.clock.now()) if code == NOT_FOUND else ())

    def _let_in(self, socket: Socket, standing: Standing, bookmaker: UUID) -> None:
        socket.standing = standing
        socket.heard = key = (bookmaker, socket.subject.name(standing))
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = socket.subject.open(standing, bookmaker)
            self._watch(topic)
        self._idle_since.pop(key, None)
        topic.sockets.add(socket)
        topic.waiting[socket] = None

    def _watch(self, topic: Topic) -> None:
        """Works out at once what is known of the topic's fixtures already, and asks for the rest."""
        for fixture_id in topic.fixtures or ():
            pair = (topic.bookmaker, fixture_id)
            self._watched.add(fixture_id)
            self._shown_by[pair].add(topic.key)
            self._stale.add(pair)
        self._curious = True

    # The store

    def _has_questions(self) -> bool:
        return bool(self._whole or self._curious or self._dirty_fixtures or self._dirty_bookmakers or self._door)

    def _ask(self) -> None:
        """One question at a time; the next not before as long a pause as the last one took."""
        now = time.monotonic()
        if self._asked_at is None and now >= self._read_at and self._has_questions():
            wanted = self._wanted()
            self._whole = self._curious = self._check_claims = False
            self._dirty_fixtures.clear()
            self._dirty_bookmakers.clear()
            self._asked_at = now
            self._reader.ask(wanted)

    def _wanted(self) -> Wanted:
        fixtures: set[int] = set()
        terms: dict[UUID, set[int]] = defaultdict(set)
        for topic in self._topics.values():
            every = self._whole or topic.bookmaker in self._dirty_bookmakers
            for fixture_id in topic.fixtures or ():
                if fixture_id not in self._book.snapshots or fixture_id in self._dirty_fixtures:
                    fixtures.add(fixture_id)
                    terms[topic.bookmaker].add(fixture_id)
                elif every or not self._book.has_terms((topic.bookmaker, fixture_id)):
                    terms[topic.bookmaker].add(fixture_id)
        return Wanted(
            fixtures=fixtures,
            known={f: s.revision for f, s in self._book.snapshots.items()} if self._whole else self._book.bound(),
            lines=self._book.own_lines(),
            terms=terms,
            listings={t.listing for t in self._topics.values() if t.listing is not None and (self._whole or t.fixtures is None)},
            claims=self._claims(),
        )

    def _claims(self) -> set[AnyClaim]:
        listening = (s for t in self._topics.values() for s in t.sockets) if self._check_claims else ()
        return {s.claim for s in (*self._door, *listening)}

    def _take(self, loaded: Loaded) -> None:
        now = time.monotonic()
        took = now - (self._asked_at or now)
        self._asked_at = None
        self._read_at = now + min(max(READ_PAUSE, took), READ_PAUSE_MOST)
        self._settle(loaded.standings)
        self._stale |= self._book.take(loaded)
        for topic in [t for t in self._topics.values() if t.listing in loaded.listings]:
            self._list(topic, loaded.listings)

    def _list(self, topic: Topic, listings: Mapping[Listing, tuple[int, ...]]) -> None:
        fixtures = listings[topic.listing] if topic.listing else topic.fixtures
        if fixtures is not None and topic.fixtures != fixtures:
            topic.lists(fixtures)
            self._watch(topic)

    def _watch_store(self) -> None:
        """Closes everything when the store has been silent for too long, and works everything out anew when it is back (F4)."""
        answered, self._answered = self._answered, self._book.answers
        if answered != self._answered:
            self._stale |= self._book.pairs()
        if self._asked_at is not None and time.monotonic() - self._asked_at > STUCK_SECONDS:
            self._replace_reader()

    def _replace_reader(self) -> None:
        """A reader that hangs in a dead connection is left to itself."""
        log.warning("the hub's reader hangs; another takes over")
        self._reader.end()
        self._reader = Reader(self._events.put)
        self._reader.start()
        self._asked_at, self._whole = None, True

    # What follows

    def _tick(self) -> None:
        now = time.monotonic()
        self._tick_at = now + TICK
        self._whole = True
        self._check_claims = True
        self._close_door(now)
        self._clear_out(now)
        self._to_confirm.extend(self._confirmable())
        self._beat(t for t in self._topics.values() if not t.confirms)

    def _beat(self, topics: Iterable[Topic]) -> None:
        reason = "" if self._answered else SILENT
        for topic in topics:
            if topic.whole:
                beat = topic.beat(self._book.clock.now(), self._book.feeds(topic.sources()), reason)
                self._post(self._fanout.send, topic.key, [beat], False)

    def _confirmable(self) -> list[Pair]:
        """What beats say for how long it may be believed; what the last second left undone comes first."""
        waiting = set(self._to_confirm)
        listened = {t.key for t in self._topics.values() if t.confirms and t.sockets}
        self._beats_due = True
        return [pair for pair, keys in self._shown_by.items() if pair not in waiting and not keys.isdisjoint(listened)]

    def _confirm(self) -> None:
        """Asks the gate again for every price whose beat says how long it may be believed (promise A12), a little at a time, so that
        a price that moves does not wait behind a thousand that do not; then the beats go."""
        ends = time.monotonic() + CONFIRM_SECONDS
        while self._to_confirm and time.monotonic() < ends:
            pair = self._to_confirm.popleft()
            self._apply(pair, [t for t in self._shown_in(pair) if t.confirms], _confirm)
        if self._beats_due and not self._to_confirm:
            self._beats_due = False
            self._beat(t for t in self._topics.values() if t.confirms)

    def _close_door(self, now: float) -> None:
        tired = [s for s, since in self._door.items() if now - since > DOOR_SECONDS]
        for socket in tired:
            del self._door[socket]
        if tired:
            self._post(self._fanout.close, tired, UNAVAILABLE)

    def _clear_out(self, now: float) -> None:
        for key, topic in list(self._topics.items()):
            if topic.sockets:
                self._idle_since.pop(key, None)
            elif now - self._idle_since.setdefault(key, now) > WARM_SECONDS:
                del self._topics[key], self._idle_since[key]
        self._shown_by.clear()
        for key, topic in self._topics.items():
            for fixture_id in topic.fixtures or ():
                self._shown_by[topic.bookmaker, fixture_id].add(key)
        self._watched = {f for _, f in self._shown_by}
        self._book.keep_only(self._shown_by.keys())
        self._crowds.forget()

    def _suspend(self) -> None:
        """What was announced of points goes out at once, before anything else is worked out (A1)."""
        topics: dict[Key, Topic] = {}
        for pair in self._take_fenced():
            topics |= {topic.key: topic for topic in self._renew(pair)}
        for topic in topics.values():
            if topic.closing and topic.whole:
                self._send(topic)

    def _take_fenced(self) -> set[Pair]:
        pairs: set[Pair] = set()
        with contextlib.suppress(Empty):
            while True:
                pairs |= self._book.fenced_by(self._fenced.get_nowait())
        return pairs

    def _work_out(self) -> None:
        """Gate, chain and cells of whatever may have changed."""
        stale, self._stale = self._stale | self._book.due(), set()
        for pair in stale:
            if not self._fenced.empty():
                self._suspend()
            self._renew(pair)

    def _renew(self, pair: Pair) -> list[Topic]:
        """The topics that show the pair, with what is offered now."""
        topics = self._shown_in(pair)
        self._apply(pair, topics, _take)
        return topics

    def _shown_in(self, pair: Pair) -> list[Topic]:
        return [t for key in self._shown_by.get(pair, ()) if (t := self._topics.get(key)) and pair[1] in (t.fixtures or ())]

    def _apply(self, pair: Pair, topics: list[Topic], how: Callable[[Topic, Offer], None]) -> None:
        """Tells the topics what is offered now; what cannot be worked out is suspended."""
        try:
            offer = self._book.offer(pair) if topics else None
            if offer is not None:
                for topic in topics:
                    how(topic, offer)
        except Exception:
            log.exception("fixture %s could not be worked out; it is suspended", pair[1])
            for topic in topics:
                topic.fail(pair[1], "it could not be worked out")

    def _flush(self) -> None:
        now = time.monotonic()
        for topic in self._topics.values():
            if topic.changed and topic.whole and (topic.closing or now >= topic.due_at):
                self._send(topic)
            if topic.waiting and topic.whole and not topic.changed:
                self._attach(topic)

    def _attach(self, topic: Topic) -> None:
        """Snapshots for whoever waits; those who need the same parts get the same bytes.

        Only of what everybody was told: what opened and closed again before a frame came would else stay open for the newcomer alone.
        """
        groups: dict[frozenset[int] | None, list[Socket]] = defaultdict(list)
        for socket, parts in topic.waiting.items():
            groups[parts].append(socket)
        topic.waiting.clear()
        for parts, sockets in groups.items():
            snapshots = topic.snapshots(parts, self._book.clock.now(), self._book.feeds(topic.sources()))
            self._post(self._fanout.attach, topic.key, sockets, snapshots, parts)

    def _send(self, topic: Topic) -> None:
        closing = topic.closing
        topic.due_at = time.monotonic() + topic.quiet
        self._post(self._fanout.send, topic.key, topic.frames(self._book.clock.now()), closing)

    def _say_goodbye(self) -> None:
        sockets = [*self._door, *(s for t in self._topics.values() for s in t.sockets)]
        self._post(self._fanout.close, sockets, UNAVAILABLE)

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop has ended before us
            self._ended = True


def _take(topic: Topic, offer: Offer) -> None:
    topic.take(offer)


def _confirm(topic: Topic, offer: Offer) -> None:
    topic.confirm(offer)


_hubs: list[Hub] = []


def start(loop: asyncio.AbstractEventLoop | None = None) -> Hub:
    """Starts the process's hub on ``loop`` (default: the running one); a second call gives the same hub."""
    if not _hubs:
        _hubs.append(Hub(loop or asyncio.get_running_loop()))
        _hubs[0].start()
    return _hubs[0]


def stop() -> None:
    """Ends the process's hub; nothing when there is none."""
    while _hubs:
        _hubs.pop().stop()


def running() -> Hub | None:
    """The process's hub, if it was started."""
    return _hubs[0] if _hubs else None
