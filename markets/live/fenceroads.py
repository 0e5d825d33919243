"""Words of the point readers over Redis: the sooner of the two roads between processes (scaled mode).

Neither side ever waits for Redis where somebody waits for it: a thread sends, a thread listens. Redis may be down, or hang without an
error: what cannot be sent waits, the readers' beats do not arrive, and the gate closes by that (:mod:`markets.live.fences`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

import msgspec
import redis
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from .ears import Ears
from .fencebook import FenceBook
from .fencewords import CHANNEL, Beat, Kept, Word, decode, encode

log = logging.getLogger(__name__)
ROAD = "redis"
SECONDS = 0.5
"""How long Redis may take for an answer."""
REST_SECONDS = 0.5
"""How long nothing is tried after it did not."""
MOST = 20_000
"""Words that wait at most. The oldest go first; listeners see the hole in the numbers."""
AT_ONCE = 200
KEPT_WAITS = 0.1
"""How long word that a packet is durable may wait for others: it only lets a fence down. Whatever puts one up leaves at once."""
BEAT_LASTS = 1.0
"""A beat that waited for longer says nothing any more."""


def answers(url: str) -> bool:
    """Whether Redis answers now, asked of it over a connection of its own; within twice :data:`SECONDS`."""
    try:
        with _client(url) as asked:
            asked.ping()
    except (redis.RedisError, OSError):
        return False
    return True


def channel() -> str:
    """One a database, since a Redis may serve several desks."""
    return f"{CHANNEL}:{connection.settings_dict['NAME']}"


def _client(url: str) -> redis.Redis[bytes]:
    return redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=Retry(NoBackoff(), 0))


class Publisher:
    """``send`` returns at once; the words leave in order, before long. After a failure some may leave twice, which listeners bear."""

    def __init__(self, url: str) -> None:
        self._redis = _client(url)
        self._channel = channel()
        self._words: deque[tuple[float, Word]] = deque(maxlen=MOST)
        self._wake = threading.Event()
        self._lost = False
        threading.Thread(target=self._run, name="fence-publisher", daemon=True).start()

    def send(self, word: Word) -> None:
        self._words.append((time.monotonic(), word))
        if not isinstance(word, Kept):
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(KEPT_WAITS)
            self._wake.clear()
            while batch := self._batch():
                if not self._publish(batch):
                    time.sleep(REST_SECONDS)

    def _batch(self) -> list[tuple[float, Word]]:
        batch: list[tuple[float, Word]] = []
        while self._words and len(batch) < AT_ONCE:
            batch.append(self._words.popleft())
        return batch

    def _publish(self, batch: list[tuple[float, Word]]) -> bool:
        try:
            sending = self._redis.pipeline(transaction=False)
            for word in _still_true(batch):
                sending.publish(self._channel, encode(word))
            sending.execute()
        except (redis.RedisError, OSError) as error:
            self._say_lost(error)
            self._put_back(batch)
            return False
        self._say_back()
        return True

    def _put_back(self, batch: list[tuple[float, Word]]) -> None:
        room = MOST - len(self._words)
        self._words.extendleft(reversed(batch[max(0, len(batch) - room) :]))

    def _say_lost(self, error: Exception) -> None:
        if not self._lost:
            log.warning("announcements of points do not reach Redis (%s); matches are suspended until they do", type(error).__name__)
        self._lost = True

    def _say_back(self) -> None:
        if self._lost:
            log.warning("announcements of points reach Redis again")
        self._lost = False


def _still_true(batch: list[tuple[float, Word]]) -> list[Word]:
    now = time.monotonic()
    return [word for at, word in batch if not isinstance(word, Beat) or now - at < BEAT_LASTS]


class Subscriber(Ears):
    """Hands every word to ``book``; says when the subscription stands, and each time it was lost or made anew."""

    def __init__(self, url: str, book: FenceBook) -> None:
        super().__init__("fence-subscriber", self._run)
        self._url = url
        self._channel = channel()
        self._book = book
        self._lost = False

    def _run(self) -> None:
        while not self.ended.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                self._book.fell(ROAD)
                self._say_lost(error)
                self.ended.wait(REST_SECONDS)

    def _listen(self) -> None:
        client = _client(self._url)
        with client.pubsub() as subscription:
            subscription.subscribe(self._channel)
            while not self.ended.is_set():
                message = subscription.get_message(timeout=0.5)
                if message is not None:
                    self._take(message["type"], message["data"])

    def _take(self, kind: str, data: object) -> None:
        if kind == "subscribe":  # also when the client library has connected anew without a word
            self._book.stands(ROAD)
            self._say_back()
        elif kind == "message" and isinstance(data, bytes):
            try:
                self._book.hear(decode(data))
            except msgspec.MsgspecError:
                log.warning("a word on %s that nobody understands: not believed", CHANNEL)
                self._book.fell(ROAD)
                self._book.stands(ROAD)

    def _say_lost(self, error: Exception) -> None:
        if not self._lost:
            log.warning("announcements of points cannot be heard (%s); matches are suspended until they can", type(error).__name__)
        self._lost = True

    def _say_back(self) -> None:
        if self._lost:
            log.warning("announcements of points are heard again")
        self._lost = False
