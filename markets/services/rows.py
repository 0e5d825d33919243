"""Many rows in one statement: one JSON document on PostgreSQL, ``executemany`` and ``VALUES`` on SQLite.

The document is one parameter and one plan however many rows there are; arrays (``unnest``) cost twice as much, because the driver
escapes every element by itself, and a statement for each row four times (measured).

Columns are named with their PostgreSQL type. Names are our own constants; every value travels as a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import connection

Columns = Mapping[str, str]
Row = Sequence[Any]
MOST_PARAMETERS = 30_000  # SQLite takes 32,766


def insert(table: str, columns: Columns, rows: Sequence[Row], returning: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Insert rows; gives the columns of ``returning`` for each of them, in no promised order."""
    if not rows:
        return []
    tail = f" RETURNING {_names(returning)}" if returning else ""
    if connection.vendor == "postgresql":
        return _fetch(f"INSERT INTO {table} ({_names(columns)}) {_select(columns)}{tail}", _document(columns, rows), bool(returning))
    step = MOST_PARAMETERS // len(columns)
    parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    return [found for part in parts for found in _insert_values(table, columns, part, tail)]


def update(table: str, columns: Columns, rows: Sequence[Row]) -> None:
    """Set ``columns`` but the last one, which must be the primary key, for each row."""
    if not rows:
        return
    *changed, key = columns
    if connection.vendor == "postgresql":
        sets = ", ".join(f'"{name}" = v."{name}"' for name in changed)
        statement = f'UPDATE {table} SET {sets} FROM ({_select(columns)}) AS v WHERE {table}."{key}" = v."{key}"'  # noqa: S608 - our own names
        _fetch(statement, _document(columns, rows), wanted=False)
    else:
        sets = ", ".join(f'"{name}" = %s' for name in changed)
        _many(f'UPDATE {table} SET {sets} WHERE "{key}" = %s', rows)  # noqa: S608


def upsert(table: str, columns: Columns, keys: int, rows: Sequence[Row]) -> None:
    """Insert, or set all but the first ``keys`` columns where those are taken. No key may come twice."""
    if not rows:
        return
    key, sets = _names(list(columns)[:keys]), ", ".join(f'"{name}" = excluded."{name}"' for name in list(columns)[keys:])
    conflict = f"ON CONFLICT ({key}) DO UPDATE SET {sets}"
    if connection.vendor == "postgresql":
        _fetch(f"INSERT INTO {table} ({_names(columns)}) {_select(columns)} {conflict}", _document(columns, rows), wanted=False)
    else:
        _many(f"INSERT INTO {table} ({_names(columns)}) VALUES ({_places(len(columns))}) {conflict}", rows)  # noqa: S608


def _insert_values(table: str, columns: Columns, rows: Sequence[Row], tail: str) -> list[tuple[Any, ...]]:
    values = ", ".join([f"({_places(len(columns))})"] * len(rows))
    statement = f"INSERT INTO {table} ({_names(columns)}) VALUES {values}{tail}"  # noqa: S608 - our own names
    return _fetch(statement, [value for row in rows for value in _adapted(row)], bool(tail))


def _select(columns: Columns) -> str:
    kinds = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    return f"SELECT {_names(columns)} FROM jsonb_to_recordset(%s::jsonb) AS u ({kinds})"  # noqa: S608


def _document(columns: Columns, rows: Sequence[Row]) -> list[str]:
    writers = [_WRITERS.get(kind) for kind in columns.values()]
    named = [{name: write(value) if write else value for name, write, value in zip(columns, writers, row, strict=True)} for row in rows]
    return [_encoder.encode(named).decode()]


def _json(value: str | None) -> msgspec.Raw | None:
    return None if value is None else msgspec.Raw(value)


_WRITERS: Mapping[str, Callable[[Any], Any]] = {"jsonb": _json, "bytea": lambda value: "\\x" + value.hex()}
_encoder = msgspec.json.Encoder()


def _adapted(row: Row) -> list[Any]:
    return [_adapt(value) for value in row]


def _adapt(value: Any) -> Any:
    """As Django stores times and prices in SQLite."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, Decimal):
        return connection.ops.adapt_decimalfield_value(value, 12, 4)
    return value.isoformat() if isinstance(value, date) else value


def _names(columns: Columns | Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _places(count: int) -> str:
    return ", ".join(["%s"] * count)


def _fetch(statement: str, parameters: Sequence[Any], wanted: bool) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if wanted else []


def _many(statement: str, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, [_adapted(row) for row in rows])
