"""Single values of an Updategram (decisions U6, U7): an id that is missing makes the message unreadable, every smaller fault is noted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from feeds.errors import Unreadable
from markets.domain.messages import Ref
from markets.domain.values import FixtureStatus, MarketStatus, ResultStatus, SelectionStatus

from . import grammar
from .reading import Element, Fields, Reading, Value, line, names, path, text

ID_LIMIT = 64
REMEMBERED_NAME = 40

_REF = names("Id", "Name")

Status = TypeVar("Status", FixtureStatus, MarketStatus, SelectionStatus, ResultStatus)
Read = TypeVar("Read")


def required_id(fields: Fields, name: str, parent: Element) -> str:
    """An id without which the message means nothing (U7)."""
    said = text(fields.get(name))
    found = grammar.identifier(said) if said else ""
    if not found:
        raise Unreadable(f"{path(parent)} has no readable {name}" + (f": “{said[:40]}”" if said else ""), line(parent))
    return found


def optional_id(reading: Reading, value: Value) -> str:
    """A descriptive id: in its one spelling where it is an integer, else as it stands."""
    said = text(value)
    return (grammar.identifier(said) or reading.name(said, ID_LIMIT)) if said else ""


def status_of(reading: Reading, value: Value, known: dict[str, Status], unrecognised: Status, what: str) -> tuple[Status, str]:
    said = text(value)
    status = known.get(said)
    if status is not None:
        return status, said
    reading.note(f"{what} “{said[:40]}” is not known: held" if said else f"{what} is missing: held")
    return unrecognised, said[:40]


def worded(reading: Reading, value: Value, known: set[str], what: str) -> str:
    """A descriptive word: kept as it is, noted when it is a new one (U6)."""
    if value in known:
        return value
    said = reading.name(value, 40)
    if said and said not in known:
        reading.note(f"{what} “{said}” is not in the documentation: kept as text")
    return said


def sequence_of(element: Element, fields: Fields, name: str) -> int | None:
    """Part of a market's identity: present and unreadable means that the market cannot be named."""
    said = text(fields.get(name))
    value = grammar.integer(said) if said else None
    if said and value is None:
        raise Unreadable(f"{path(element)}: {name} “{said[:40]}” is no integer", line(element))
    return value


def _read(reading: Reading, fields: Fields, name: str, grammar_of: Callable[[str], Read | None], what: str) -> Read | None:
    """An optional value: what cannot be read is left out and noted."""
    if name not in fields:
        return None
    said = text(fields[name])
    value = grammar_of(said) if said else None
    if value is None and said:
        reading.note(f"{name} “{said[:40]}” is {what}: left out")
    return value


def integer(reading: Reading, fields: Fields, name: str) -> int | None:
    return _read(reading, fields, name, grammar.integer, "no integer")


def decimal(reading: Reading, fields: Fields, name: str) -> Decimal | None:
    return _read(reading, fields, name, grammar.decimal, "no plain number")


def moment(reading: Reading, fields: Fields, name: str) -> datetime | None:
    return _read(reading, fields, name, grammar.moment, "no time")


def seconds(reading: Reading, fields: Fields, name: str) -> int | None:
    return _read(reading, fields, name, grammar.seconds, "no duration")


def boolean(reading: Reading, fields: Fields, name: str) -> bool | None:
    return _read(reading, fields, name, grammar.boolean, "neither true nor false")


_remembered_ref = lru_cache(4096)(Ref)  # outcomes and market types are few, and named in every market


def ref(reading: Reading, value: Value) -> Ref | None:
    f = reading.object(value, _REF)
    if not f:
        return None
    key, name = optional_id(reading, f.get("Id")), reading.name(f.get("Name"))
    return _remembered_ref(key, name) if len(name) <= REMEMBERED_NAME else Ref(key, name)
