"""The query dialect of SportMicro (feeds.md 3.1): ``id=eq.1``, ``start_time=gte.2026-06-11``, ``or=(a.eq.1,b.eq.2)``, ``limit``…

Pure: rows and a query in, rows out. ``lang`` and ``select`` change nothing here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

MOST_ROWS = 50
PASSED_OVER = frozenset({"lang", "select", "token"})

Row = dict[str, Any]
Test = Callable[[Row], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class BadQuery(Exception):
    """What PostgREST would answer with 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def body(self) -> dict[str, str | None]:
        return {"code": self.code, "details": None, "hint": None, "message": str(self)}


def select(rows: Iterable[Row], query: Sequence[tuple[str, str]], columns: frozenset[str]) -> list[Row]:
    """The page of rows that the query asks for, in the order of ``order`` where it is given. Raises :class:`BadQuery`."""
    limit, offset, order, tests = MOST_ROWS, 0, "", []
    for name, value in query:
        if name == "limit":
            limit = min(_whole(value), MOST_ROWS)
        elif name == "offset":
            offset = _whole(value)
        elif name == "order":
            order = value
        elif name not in PASSED_OVER:
            tests.append(_test(name, value, columns))
    found = [row for row in rows if all(test(row) for test in tests)]
    return _sorted(found, order, columns)[offset : offset + limit]


def _test(name: str, value: str, columns: frozenset[str]) -> Test:
    if name in ("or", "and"):
        return _group(name, value, columns)
    if name not in columns:
        raise BadQuery("42703", f"column {name} does not exist")
    operation, dot, wanted = value.partition(".")
    if not dot:
        raise _misread(value)
    if operation == "in":
        choices = [_test(name, f"eq.{one}", columns) for one in wanted.strip("()").split(",")]
        return lambda row: any(choice(row) for choice in choices)
    if operation in ("like", "ilike"):
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("*")), re.IGNORECASE if operation == "ilike" else 0)
        return lambda row: bool(pattern.fullmatch(str(row.get(name, ""))))
    if operation == "is" and wanted == "null":
        return lambda row: row.get(name) is None
    if operation not in _COMPARE:
        raise _misread(value)
    compare = _COMPARE[operation]
    return lambda row: row.get(name) is not None and compare(*_alike(row[name], wanted))


def _group(name: str, value: str, columns: frozenset[str]) -> Test:
    if not (value.startswith("(") and value.endswith(")")):
        raise _misread(value)
    parts = [part.partition(".") for part in re.split(r",(?![^(]*\))", value[1:-1])]
    tests = [_test(column, rest, columns) for column, _, rest in parts]
    among = any if name == "or" else all
    return lambda row: among(test(row) for test in tests)


def _alike(held: Any, wanted: str) -> tuple[Any, Any]:
    """Both as the type that the row holds. Raises :class:`BadQuery`."""
    try:
        if isinstance(held, bool):
            return held, {"true": True, "false": False}[wanted]
        if isinstance(held, int | float):
            return held, type(held)(wanted)
        if isinstance(held, str) and _looks_like_a_moment(held):
            return moment(held), moment(wanted)
    except (KeyError, ValueError):
        raise BadQuery("22P02", f'invalid input syntax for type {type(held).__name__}: "{wanted}"') from None
    return held, wanted


def _looks_like_a_moment(text: str) -> bool:
    return re.match(r"\d{4}-\d{2}-\d{2}T", text) is not None


def moment(text: str) -> datetime:
    """A date or a time with an offset, which is UTC where there is none; a ``+`` may have become a blank on its way."""
    found = datetime.fromisoformat(re.sub(r" (?=\d{2}:\d{2}$)", "+", text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _sorted(rows: list[Row], order: str, columns: frozenset[str]) -> list[Row]:
    """``order=start_time.desc``: one column."""
    if not order:
        return rows
    name, _, direction = order.partition(".")
    if name not in columns:
        raise BadQuery("42703", f"column {name} does not exist")
    return sorted(rows, key=lambda row: _rank(row.get(name)), reverse=direction.startswith("desc"))


def _rank(value: Any) -> tuple[bool, Any]:
    """Nothing comes last; moments by time, whatever their offsets."""
    return value is None, moment(value) if isinstance(value, str) and _looks_like_a_moment(value) else value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadQuery("22P02", f'invalid input syntax for type integer: "{text}"')
    return int(text)


def _misread(value: str) -> BadQuery:
    return BadQuery("PGRST100", f'"failed to parse filter ({value})" (line 1, column 1)')
