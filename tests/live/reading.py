"""What reads a feed with a match of its own, and a page that shows the match: what they share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile

from msgspec import Struct

from markets import db
from markets.live import fences
from markets.live.frames import Frame, milliseconds
from markets.models import Bookmaker, Fixture
from tests.live.listening import Ear, Server
from tests.pace import keeps_to


class Beats:
    """Says of a source, again and again, that its reader lives, and which matches are ``held``."""

    def __init__(self, source: int) -> None:
        self.held: dict[str, str] = {}
        self._source = source
        self._silent = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._ended.wait(0.2):
            if not self._silent.is_set():
                fences.beat(self._source, self.held)

    def fall_silent(self, ref: str) -> datetime:
        """By the store's clock, until when the reader of ``ref`` may be believed."""
        self._silent.set()
        self._ended.wait(0.25)  # one may have been on its way
        return db.now() + timedelta(seconds=fences.registry().heard(self._source, ref).silent_in)

    def speak(self) -> None:
        self._silent.clear()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(5)
        fences.forget_reader()


class Page(Struct, kw_only=True):
    """One fixture with one market that is open, and a listener of its page; ``first`` is the first selection's number."""

    fixture: Fixture
    alpha: Bookmaker
    server: Server
    ear: Ear
    first: int

    @property
    def is_open(self) -> bool:
        return self.ear.prices[self.first].open

    def waits(self, is_open: bool, seconds: float = 15.0) -> None:
        self.ear.wait(lambda e: e.prices[self.first].open is is_open, seconds)

    def turned(self, is_open: bool) -> int:
        """The desk's time in ms of the frame that opened or closed the first selection, as it has been since."""
        frames = [f for _, f in self.ear.frames if isinstance(f, Frame) and self.first in f.prices]
        since = [f.now for f in takewhile(lambda f: f.prices[self.first].open is is_open, reversed(frames))]
        return since[-1]

    def closes(self, ends: datetime) -> int:
        """By how many milliseconds after ``ends`` it closed."""
        self.waits(False)
        return self.turned(False) - milliseconds(ends)


def on_time(once: Callable[[], int]) -> None:
    """``once`` is a whole lapse, from open to open again, and says by how many milliseconds it closed late; early is a fault too."""
    assert min(keeps_to(100, once, never=1000)) >= -20
