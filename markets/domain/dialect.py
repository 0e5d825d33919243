"""The query dialect of the public routes (SportMicro's, which is PostgREST's): ``match_id=eq.1``, ``start_time=gte.2026-06-11``,
``or=(match_id.eq.1,match_id.eq.2)``, ``limit``, ``offset``. Pure.

What is not understood is refused by name: a filter that is passed over would answer with rows that nobody asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

MOST = 50
FAR = 10**9
"""An offset beyond every list; larger numbers are none."""
MOST_CONDITIONS = 100
IGNORED = frozenset({"token", "lang"})
"""``token``: who calls; ``lang``: our names are in one language."""


class Op(StrEnum):
    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"


ORDERED = (Op.EQ, Op.NEQ, Op.GT, Op.GTE, Op.LT, Op.LTE)
SAME = (Op.EQ, Op.NEQ, Op.IN)
Value = int | str | datetime


class Column(Struct, frozen=True):
    """What may be filtered by: ``read`` raises ValueError with words, ``words`` and ``pattern`` describe a value."""

    name: str
    ops: tuple[Op, ...]
    read: Callable[[str], Value]
    words: str
    pattern: str

    @property
    def allowed(self) -> str:
        """In words, for whoever sent something else."""
        return f"{', '.join(f'{op}.' for op in self.ops)} and {self.words}"


class Condition(Struct, frozen=True):
    """``values`` holds one value, for ``in`` one or more."""

    column: str
    op: Op
    values: tuple[Value, ...]


class Either(Struct, frozen=True):
    """At least one of the conditions holds."""

    of: tuple[Condition, ...]


class Asked(Struct, frozen=True):
    """A query understood: all of ``where`` hold; ``plain`` are the parameters without an operator."""

    where: tuple[Condition | Either, ...] = ()
    plain: Mapping[str, str] = {}
    limit: int = MOST
    offset: int = 0

    def values(self, column: str) -> tuple[Value, ...]:
        """Those that ``column`` must equal, when the query names them."""
        named = (c for c in self.where if isinstance(c, Condition) and c.column == column and c.op in (Op.EQ, Op.IN))
        return next((c.values for c in named), ())


class Unfit(ValueError):
    """``fields``: parameter → what is wrong with it, with what would be right."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in fields.items()))
        self.fields = dict(fields)


def read(given: Sequence[tuple[str, str]], columns: Sequence[Column], plain: Sequence[str] = (), *, either: bool = False) -> Asked:
    """The parameters of a query in their order; one may come several times, and then all of them hold. ``either``: ``or`` is taken.

    Raises :class:`Unfit`.
    """
    reading = _Reading({column.name: column for column in columns}, (*plain, *(["or"] if either else [])))
    for name, text in given:
        if name not in IGNORED:
            reading.take(name, text)
    return reading.asked()


class _Reading:
    def __init__(self, columns: Mapping[str, Column], plain: Sequence[str]) -> None:
        self._columns, self._names = columns, plain
        self._where: list[Condition | Either] = []
        self._plain: dict[str, str] = {}
        self._range = {"limit": MOST, "offset": 0}
        self._problems: dict[str, str] = {}

    def take(self, name: str, text: str) -> None:
        try:
            self._take(name, text)
        except ValueError as problem:
            self._problems[name] = str(problem)

    def _take(self, name: str, text: str) -> None:
        if "\0" in text:
            raise ValueError("a NUL is in no text of ours")
        if name in self._range:
            low, high = (1, MOST) if name == "limit" else (0, FAR)
            self._range[name] = _whole(text, low, high)
        elif name == "or" and "or" in self._names:
            self._where.append(Either(tuple(self._members(text))))
        elif name in self._columns:
            self._where.append(_condition(self._columns[name], text))
        elif name in self._names:
            self._plain[name] = text
        else:
            known = (*self._columns, *self._names, "limit", "offset")
            raise ValueError(f"is not understood; understood are {', '.join(known)}")

    def _members(self, text: str) -> Iterator[Condition]:
        if not (text.startswith("(") and text.endswith(")") and len(text) > 2):
            raise ValueError("must be like (match_id.eq.1,match_id.eq.2)")
        for member in _apart(text[1:-1]):
            name, _, rest = member.strip().partition(".")
            if name not in self._columns:
                raise ValueError(f"{name or 'an empty condition'} is not understood in or; understood are {', '.join(self._columns)}")
            yield _condition(self._columns[name], rest)

    def asked(self) -> Asked:
        if sum(len(c.of) if isinstance(c, Either) else len(c.values) for c in self._where) > MOST_CONDITIONS:
            self._problems["or"] = f"at most {MOST_CONDITIONS} conditions"
        if self._problems:
            raise Unfit(self._problems)
        return Asked(tuple(self._where), self._plain, self._range["limit"], self._range["offset"])


def _condition(column: Column, text: str) -> Condition:
    op, dot, value = text.partition(".")
    if not dot or op not in column.ops:
        raise ValueError(f"must begin with {column.allowed}")
    if op != Op.IN:
        return Condition(column.name, Op(op), (column.read(value),))
    if not (value.startswith("(") and value.endswith(")") and len(value) > 2):
        raise ValueError("in. takes a list like in.(1,2)")
    return Condition(column.name, Op.IN, tuple(column.read(one.strip()) for one in value[1:-1].split(",")))


def _apart(text: str) -> Iterator[str]:
    """At the commas that no bracket encloses."""
    depth, begin = 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def _whole(text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise ValueError(f"must be a whole number from {low} to {high}")
    return int(text)


def number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError("must be a whole number of at most 18 digits")
    return int(text)


def word(text: str) -> str:
    if not 1 <= len(text) <= 200:
        raise ValueError("must be a text of 1 to 200 characters")
    return text


def one_of(*words: str) -> Callable[[str], Value]:
    def read_one(text: str) -> Value:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read_one


_YEARS = (1970, 2200)
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+ -]\d{2}:?\d{2})?)?", re.ASCII)


def moment(text: str) -> datetime:
    """A date, or a time of RFC 3339; without an offset UTC. A ``+`` that came as a blank, as it does in addresses, counts as one."""
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        day, clock, offset = found.groups()
        made = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or 'Z').replace(' ', '+')}")
        if not _YEARS[0] <= made.year < _YEARS[1]:
            raise ValueError(text)
        return made.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date (2026-06-11) or a time (2026-06-11T18:30:00Z)") from None


def number_column(name: str, ops: tuple[Op, ...] = (*ORDERED, Op.IN)) -> Column:
    return Column(name, ops, number, "a whole number", _pattern(ops, r"[0-9]{1,18}"))


def word_column(name: str, ops: tuple[Op, ...] = SAME) -> Column:
    return Column(name, ops, word, "a text", _pattern(ops, r"[A-Za-z0-9-]{1,60}"))


def choice_column(name: str, *words: str) -> Column:
    return Column(name, SAME, one_of(*words), f"one of {', '.join(words)}", _pattern(SAME, f"({'|'.join(words)})"))


def time_column(name: str, ops: tuple[Op, ...] = ORDERED) -> Column:
    return Column(name, ops, moment, "a date or a time", _pattern(ops, _SHOWN_TIME))


_SHOWN_TIME = r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?"
"""Only days that every month has: a pattern knows no calendar."""


def _pattern(ops: tuple[Op, ...], value: str) -> str:
    """Of values that are understood, for the OpenAPI document; more are."""
    single = "|".join(op for op in ops if op != Op.IN)
    several = rf"|in\.\({value}(,{value}){{0,9}}\)" if Op.IN in ops else ""
    return rf"^(({single})\.{value}{several})$"
