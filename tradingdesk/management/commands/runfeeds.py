"""``manage.py runfeeds``: the process of a scaled desk that fetches the feeds which do not push (the embedded desk does so itself)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connections

from tradingdesk.locks import Held, OnlyRunner

_RENEW_SECONDS = 5.0
_END_SECONDS = 3.0


class Command(BaseCommand):
    help = "Connects to every feed that is fetched and keeps what comes; needs DATABASE_URL and REDIS_URL. One process a desk."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DESK_SCALED:
            raise CommandError("The embedded desk fetches its feeds itself: `make run`. A scaled one needs DATABASE_URL and REDIS_URL.")
        lock = OnlyRunner(connections["default"].get_connection_params())
        try:
            refuse_old_database()
            lock.take()
            sys.exit(asyncio.run(self._run(lock)))
        except Held as held:
            raise CommandError(str(held)) from None
        except (DatabaseError, psycopg.Error) as error:
            raise CommandError(f"The database does not answer: {type(error).__name__}. Is DATABASE_URL right?") from None
        finally:
            lock.release()

    async def _run(self, lock: OnlyRunner) -> int:
        from feeds.inbox import Keeper
        from feeds.runner import Runner
        from tradingdesk import celery as _celery  # noqa: F401 - without it nudges would go to Celery's default broker

        told = asyncio.Event()
        for word in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(word, told.set)
        keeper = Keeper()
        keeper.start()
        work = [asyncio.ensure_future(one) for one in (told.wait(), Runner(keeper).run(), _hold(lock))]
        self.stdout.write("The feeds are read.")
        self.stdout.flush()
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            return await _outcome(work)
        finally:
            await asyncio.to_thread(keeper.stop)


async def _outcome(work: Sequence[asyncio.Future[Any]]) -> int:
    """0 when told to end; else whatever ended by itself is raised."""
    ended = [one for one in work if one.done()]
    for one in work:
        one.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            await asyncio.gather(*work, return_exceptions=True)
    for one in ended:
        one.result()
    return 0 if work[0] in ended else 1


async def _hold(lock: OnlyRunner) -> None:
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        await asyncio.to_thread(lock.renew)


def refuse_old_database() -> None:
    """Raises ``CommandError`` where this version needs a newer one."""
    from tradingdesk.embedded import waiting_migrations

    if waiting_migrations():
        raise CommandError("The database is not up to date: run `manage.py backup` and `manage.py migrate`.")
    connections["default"].close()
