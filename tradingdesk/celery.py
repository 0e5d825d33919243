"""Celery: nudges for the drains, and the housekeeping that beat starts (docs/architecture.md 3).

Django's fixup is left out on purpose: it closes the database connection before and after every task, which doubles the cost of a message.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import import_modules
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingdesk.settings")

HOUR = 3600.0
LISTS_SECONDS = 15.0
_TRANSPORT: dict[str, float] = (
    {"socket_timeout": 5.0, "socket_connect_timeout": 1.0, "visibility_timeout": 60} if settings.DESK_SCALED else {"polling_interval": 0.01}
)

app = Celery("tradingdesk", fixups=[])
app.set_default()  # nudges leave from a thread of their own, and the current app is a thread's
app.conf.update(
    broker_url=settings.REDIS_URL if settings.DESK_SCALED else "memory://localhost/",
    broker_transport_options=_TRANSPORT,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    task_default_queue="desk",
    timezone="UTC",
    imports=("feeds.tasks",),
    beat_schedule={
        "partitions": {"task": "feeds.tasks.make_partitions", "schedule": HOUR},
        "lists": {"task": "feeds.tasks.read_lists", "schedule": LISTS_SECONDS, "options": {"expires": LISTS_SECONDS}},
        "retention": {"task": "feeds.tasks.retain", "schedule": HOUR, "options": {"expires": HOUR}},
    },
)


@import_modules.connect
def _load_django(**_: Any) -> None:
    import django

    django.setup()


class Sweep(bootsteps.StartStopStep):
    """Runs the sweeper in the worker, before the consumer reaches for the broker: it must work without one."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **_: Any) -> None:
        self._sweeper: Any = None

    def start(self, worker: Any) -> None:
        from feeds.sweep import Sweeper

        from . import memory

        memory.settle()
        self._sweeper = Sweeper()
        self._sweeper.start()

    def stop(self, worker: Any) -> None:
        if self._sweeper is not None:
            self._sweeper.stop()


app.steps["worker"].add(Sweep)
