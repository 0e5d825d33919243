"""What Celery may ask for. A task carries no data; the work list is the inbox table."""

from __future__ import annotations

from celery import shared_task

from . import connection, lanes, lists, nudge, retention


@shared_task(ignore_result=True)
def drain(*numbers: int) -> None:
    """Nudge: these lanes have work.

    The marks go before the first look: cleared after it, a frame kept in between would wait for the sweep.
    """
    connection.own_once()
    nudge.marks().clear(numbers)
    lanes.drain(*numbers)


@shared_task(ignore_result=True)
def make_partitions() -> None:
    """Partitions for the days to come."""
    retention.make_partitions()


@shared_task(ignore_result=True)
def retain() -> None:
    """Cut what is older than the settings keep, beside the drains."""
    retention.start()


@shared_task(ignore_result=True)
def read_lists() -> None:
    """Providers' slow lists that are due, beside the drains."""
    lists.start()
