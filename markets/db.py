"""The database's own clock: the only time that gate decisions compare."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connections


def now(using: str = "default") -> datetime:
    """Database time: ``clock_timestamp()`` on PostgreSQL, the process's clock beside SQLite (same machine)."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return utc(cursor.fetchone()[0])


def utc(value: datetime) -> datetime:
    """A time as a plain query gives it: aware on PostgreSQL, without a zone (but UTC) on SQLite."""
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
