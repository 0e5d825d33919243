"""Read what SportMicro and Odds360 send as JSON (000; feeds.md 3.2), leniently in shape and strictly in prices; what it means is in
:mod:`feeds.odds360.mapping`. Here are documents and single values; prices, odds, overrides and rows stand beside it. Pure.

Bytes come from outside: size, depth and counts are limited, and the only error is :class:`feeds.errors.Unreadable`. Numbers keep the text
they were sent as, so that no price ever passes through a float. A name that comes twice in one object has no value at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, NoReturn

from feeds.errors import Unreadable

MOST_BYTES = 2 << 20
MOST_DEPTH = 32
MOST_VALUES = 60_000
"""Members of all objects and arrays of a frame: what is read in under a second (E4)."""
MOST_NOTES = 40
_LARGEST = 2**63 - 1
_REMEMBERED = 64  # longer texts are rare and hostile: they are read, but never remembered
_MILLISECONDS = 10**11  # a number of seconds this large lies in the year 5138

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_LINE = re.compile(r"[+-]?[0-9]{1,7}(?:\.[0-9]{1,4})?")
_REF = re.compile(r"[1-9][0-9]{0,18}")
_DAY_FIRST = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(.*)", re.DOTALL)


class Number(str):
    """The text of a JSON number."""

    __slots__ = ()


class Twice(Enum):
    """Stands for the value of a name that came twice in one object."""

    VALUE = "named twice"


TWICE = Twice.VALUE
Object = dict[str, Any]


def document(body: bytes) -> Any:
    """The JSON value that a frame holds: an object or an array, with :class:`Number` for numbers and :data:`TWICE` for repeated names."""
    if len(body) > MOST_BYTES:
        raise Unreadable(f"the frame has {len(body)} bytes, more than {MOST_BYTES}")
    try:
        said = json.loads(body.decode(), parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise Unreadable("the frame is nested too deeply") from None
    except (ValueError, UnicodeError) as error:
        raise Unreadable(f"the frame is no JSON: {error}") from error
    if not isinstance(said, dict | list):
        raise Unreadable("the frame is neither a JSON object nor an array")
    _measure(said)
    return said


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> Object:
    said = dict(pairs)
    if len(said) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                said[name] = TWICE
            seen.add(name)
    return said


def _measure(said: Any) -> None:
    level, values = [said], 0
    for _ in range(MOST_DEPTH):
        values += sum(map(len, level))
        if values > MOST_VALUES:
            raise Unreadable(f"the frame has over {MOST_VALUES} values")
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Unreadable("the frame is nested too deeply")


def _children(said: Any) -> Iterable[Any]:
    values: Iterable[Any] = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return (value for value in values if isinstance(value, dict | list))


def content_digest(body: bytes) -> str:
    """SHA-256 (hex) of the bytes: nothing that Odds360 sends has a name of its own that could come again with other content."""
    return hashlib.sha256(body).hexdigest()


def same_content(a: bytes, b: bytes) -> bool:
    """Whether two frames say the same."""
    return a == b


# Single values


def cleaned(said: str, limit: int) -> str:
    """Without padding, line breaks and what no store takes."""
    return _cleaned(said, limit) if len(said) <= _REMEMBERED else _CONTROL.sub(" ", said[: limit + _REMEMBERED]).strip()[:limit].strip()


@lru_cache(8192)
def _cleaned(said: str, limit: int) -> str:
    return _CONTROL.sub(" ", said).strip()[:limit].strip()


def name_of(key: str, limit: int) -> str:
    """A key as it came, or, where a store would not take it so, told apart from all others by its hash."""
    tidy = cleaned(key, limit)
    return key if tidy == key and key else marked(tidy, key, limit)


def marked(tidy: str, key: str, limit: int) -> str:
    """``tidy`` with a hash of ``key``."""
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{tidy[: limit - 13]}~{mark}"


def ref_of(said: object) -> str:
    """A match id as decimal text; empty for what is none."""
    return str(said) if isinstance(said, str) and _REF.fullmatch(said) and int(said) <= _LARGEST else ""


def text_of(said: object, limit: int = 200) -> str:
    """A number counts as its text; anything else but a text is empty."""
    return cleaned(str(said), limit) if isinstance(said, str) and len(said) <= 10_000 else ""


def flag_of(said: object) -> bool | None:
    """``true``, ``"true"``, ``1`` …; ``None`` for anything else."""
    if isinstance(said, bool):
        return said
    return _FLAGS.get(said.strip().lower()) if isinstance(said, str) and len(said) <= 10 else None


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def word_of(said: object) -> str:
    """A word of a status without blanks, hyphens and capitals; empty for what is no text."""
    return "".join(c for c in text_of(said, 60).lower() if c.isalnum())


def integer_of(said: object) -> int | None:
    found = said.strip() if isinstance(said, str) else ""
    return int(found) if _INTEGER.fullmatch(found) and abs(int(found)) <= _LARGEST else None


def line_of(said: object) -> Decimal | None:
    """A handicap or total, plain and signed."""
    return Decimal(said) if isinstance(said, str) and _LINE.fullmatch(said) else None


def moment_of(said: object) -> datetime | None:
    """ISO 8601 with an offset, or seconds or milliseconds since 1970; with day before month where only that is a date."""
    if isinstance(said, Number):
        return _epoch(said)
    if not isinstance(said, str) or len(said) > 40:
        return None
    found = _iso(said.strip())
    if found is None and (parts := _DAY_FIRST.fullmatch(said.strip())):
        year, day, month, rest = parts.groups()
        found = _iso(f"{year}-{month}-{day}{rest}")
    return found


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _epoch(said: Number) -> datetime | None:
    number = integer_of(said)
    if number is None or number < 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


class Notes:
    """In words, what was tolerated in one frame; bounded."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def add(self, words: str) -> None:
        if words not in self.words and len(self.words) < MOST_NOTES:
            self.words.append(words[:300])
