"""The embedded desk's Celery worker: a real one, in a thread of the desk's own process. If it ends, the desk ends (exit code 1)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from celery import signals
from celery.worker import WorkController
from celery.worker import state as worker_state

from .celery import app

logger = logging.getLogger(__name__)
LOOK_UP = 0.1
"""Seconds between looks at whether to end; the library waits 2 s, and once more after it was told."""


class _Controller(WorkController):
    """A worker without a terminal of its own: no signal handlers, no banner, no logging set-up."""

    def on_consumer_ready(self, consumer: Any) -> None:
        wait = consumer.connection.drain_events
        consumer.connection.drain_events = lambda timeout: wait(timeout=min(timeout, LOOK_UP))
        signals.worker_ready.send(sender=consumer)


class EmbeddedWorker:
    """``on_end`` is called, in the worker's thread, when it ends though nobody stopped it."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._stopping = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="celery-worker", daemon=True)

    def start(self) -> None:
        worker_state.should_stop = None
        logging.getLogger("celery").setLevel(logging.WARNING)  # it would tell of every nudge
        signals.worker_ready.connect(self._tell_ready, weak=False)
        self._thread.start()

    def wait_ready(self, seconds: float) -> bool:
        """Whether it takes tasks by then."""
        return self._ready.wait(seconds)

    def begin_to_stop(self) -> None:
        """A warm end: the task at hand is finished."""
        self._stopping = True
        worker_state.should_stop = 0  # type: ignore[assignment]

    def stop(self, seconds: float = 3.0) -> None:
        """Ends it, or gives up after ``seconds``."""
        self.begin_to_stop()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._controller().start()
        except Exception:
            logger.exception("the worker failed")
        if not self._stopping:
            logger.critical("The worker has ended, so the desk ends: nothing would be applied any more.")
            self._on_end()

    def _controller(self) -> Any:
        return _Controller(
            app=app,
            hostname="embedded@desk",
            pool="solo",
            concurrency=1,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )

    def _tell_ready(self, **kwargs: Any) -> None:
        self._ready.set()
