"""A thread that listens on a road between processes until it is told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Ears:
    """``listen`` runs in a thread named ``name`` and returns soon after :attr:`ended` is set."""

    def __init__(self, name: str, listen: Callable[[], None]) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=listen, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self.ended.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
