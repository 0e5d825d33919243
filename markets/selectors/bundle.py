"""Several small reads in one query: every row is a kind, an owner and one JSON text, decoded straight into typed values.

Pages promise a constant, small number of queries (four for a whole board); a UNION of such arms keeps that promise without joins
that multiply rows. Times become RFC 3339 texts, decimals stay JSON numbers, so that PostgreSQL and SQLite give the same text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

NO_ID = (0,)
"""An ``IN ()`` that matches nothing."""

Row = tuple[str, int, str]


class Arm(NamedTuple):
    """One SELECT of a bundle; ``sql`` selects (kind, owner id, JSON text)."""

    sql: str
    params: tuple[Any, ...] = ()


class Dialect:
    """The few places where the two databases spell JSON, time and text differently."""

    def __init__(self, using: str) -> None:
        self.connection = connections[using]
        self.postgres = self.connection.vendor == "postgresql"

    @property
    def now(self) -> str:
        """The time of :func:`markets.db.now`, to be compared with stored ones."""
        return "clock_timestamp()" if self.postgres else f"'{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}'"

    def json(self, **columns: str) -> str:
        """A JSON object's text of SQL expressions."""
        function = "json_build_object" if self.postgres else "json_object"
        pairs = ", ".join(f"'{name}', {sql}" for name, sql in columns.items())
        return f"CAST({function}({pairs}) AS text)"

    def time(self, sql: str) -> str:
        """A stored time as RFC 3339; SQLite keeps UTC without saying so."""
        return sql if self.postgres else f"({sql} || 'Z')"

    def time_text(self, sql: str) -> str:
        """The same as a text of ISO 8601 wherever it is selected: to be read faster than the driver makes times of it."""
        return f"CAST({sql} AS text)" if self.postgres else self.time(sql)

    def text(self, sql: str) -> str:
        return f"CAST({sql} AS text)"

    def binary_text(self, sql: str) -> str:
        """UTF-8 bytes as text."""
        return f"convert_from({sql}, 'UTF8')" if self.postgres else self.text(sql)

    def uuid(self, value: Any) -> Any:
        return value if self.postgres else value.hex


def of(alias: str, *names: str) -> dict[str, str]:
    """Columns of one table under their own names, for :meth:`Dialect.json`."""
    return {name: f"{alias}.{name}" for name in names}


def marks(ids: Collection[object]) -> str:
    """Placeholders for ``IN (…)``."""
    return ", ".join(["%s"] * len(ids))


def read(using: str, *arms: Arm) -> list[Row]:
    """All rows of all arms, in one query."""
    return rows(using, " UNION ALL ".join(arm.sql for arm in arms), [p for arm in arms for p in arm.params])


def rows(using: str, sql: str, params: Collection[Any]) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, tuple(params))
        return list(cursor.fetchall())


@contextlib.contextmanager
def snapshot(using: str) -> Iterator[None]:
    """Everything read inside shows the store at one instant; takes no lock and, on SQLite, no pen.

    Inside a transaction that is already open, it is that transaction's view.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(using=using):
            _execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with _deferred(connection):
            yield


@contextlib.contextmanager
def _deferred(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A plain BEGIN: Django's own ``atomic()`` would begin IMMEDIATE, and wait for writers."""
    connection.ensure_connection()
    raw = connection.connection
    raw.execute("BEGIN")
    try:
        yield
    finally:
        raw.execute("ROLLBACK")


def _execute(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def by_kind(found: list[Row]) -> Mapping[str, list[tuple[int, str]]]:
    """Kind → (owner, JSON) in the order of the rows."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for kind, owner, body in found:
        kinds.setdefault(kind, []).append((owner, body))
    return kinds
