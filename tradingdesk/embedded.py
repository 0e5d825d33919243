"""The embedded desk: Daphne's loop with door, feed clients and hub, a real Celery worker in one process, the simulator in another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from feeds.runner import Runner
from feeds.senders import path_of

from .asgi import application
from .runtime import Runtime
from .server import DeskServer
from .simulation import SLUG, Simulation, ensure_feed, ensure_odds360, ensure_tennis, real_feed_exists
from .worker import EmbeddedWorker


class NotMigrated(Exception):
    """The database is not the one that this version needs; the words say what to do."""


class EmbeddedDesk:
    """``tell`` is called with the URL once the desk serves. Raises :class:`NotMigrated`; ``run`` returns the exit code."""

    def __init__(self, host: str, port: int, tell: Callable[[str], None]) -> None:
        if waiting_migrations():
            raise NotMigrated("The database is not up to date: run `make run`, or `manage.py backup` and `manage.py migrate`.")
        self._tell = tell
        self._runtime = Runtime()
        self._server = DeskServer(
            application,
            host=host,
            port=port,
            max_body=settings.DESK_MAX_BODY,
            on_ready=self._begin,
            on_stopping=self._begin_to_end,
            on_oversize=self._runtime.oversize,
            on_cut=self._runtime.door.cut,
        )
        self._runner = Runner(self._runtime.keeper)
        self._worker = EmbeddedWorker(on_end=self._server.fail)
        self._simulation: Simulation | None = None

    def run(self) -> int:
        """Until Ctrl-C or SIGTERM. Raises :class:`tradingdesk.server.PortTaken` before anything has begun."""
        try:
            self._server.run()
        finally:
            self._end()
        return self._server.exit_code

    def _begin(self, url: str) -> None:
        loop = asyncio.get_event_loop()
        if settings.DESK_SIMULATE and not real_feed_exists():
            # Before the door opens, so that it knows the simulator from the first heartbeat on.
            secret = ensure_feed(self._server.host)
            self._simulation = Simulation(_within_reach(url) + path_of(SLUG), secret, ensure_tennis(), ensure_odds360())
        self._runtime.start(loop)
        self._runner.start(loop)
        self._worker.start()
        if self._simulation:
            loop.call_soon(self._simulation.start)
        loop.call_soon(self._tell, url)

    def _begin_to_end(self) -> None:
        if self._simulation:
            self._simulation.begin_to_stop()
        self._runner.begin_to_stop()
        self._worker.begin_to_stop()

    def _end(self) -> None:
        if self._simulation:
            self._simulation.stop()
        self._runtime.stop()
        self._worker.stop()


def waiting_migrations() -> bool:
    """Whether the database lacks a migration of this version."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _within_reach(url: str) -> str:
    """The address by which this machine reaches a desk bound to every address; without the last slash."""
    return url.rstrip("/").replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
