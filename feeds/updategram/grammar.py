"""What the text of one element may look like (003, decisions U7 and A8). Pure functions from text to values.

Every function takes text that is already trimmed and answers ``None`` (or ``""``) for what it cannot read; it never raises.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache

from msgspec import Struct

LOWEST = Decimal("1.01")
HIGHEST = Decimal("1001")
TOLERANCE = Decimal("0.01")
LARGEST_INTEGER = 2**63 - 1
CACHED_LENGTH = 32  # longer texts are rare and hostile: they are read, but never remembered

_INTEGER = re.compile(r"([+-]?[0-9]{1,19})(?:\.0{1,9})?")
_COUNT = re.compile(r"([0-9]{1,9})(?:\.0{1,9})?")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?")
_PRICE = re.compile(r"(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,10})?")
_GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{0,9}))?(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))?"
)
_DURATION = re.compile(r"P(?:([0-9]{1,5})D)?(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,7})M)?(?:([0-9]{1,9})(?:\.[0-9]{1,9})?S)?)?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Price(Struct, frozen=True):
    """A selection's price: ``value`` only where it is whole (A8), else ``problem`` in words; ``text``: the decimal as sent.

    ``absent``: neither a decimal nor a fraction was sent, which is normal for an unpriced selection.
    """

    value: Decimal | None = None
    numerator: int | None = None
    denominator: int | None = None
    problem: str = ""
    text: str = ""
    absent: bool = False


NO_PRICE = Price(problem="no price", absent=True)


def integer(text: str) -> int | None:
    """A whole number; ``"50.0"`` counts as one (U7)."""
    found = _INTEGER.fullmatch(text)
    value = int(found[1]) if found else None
    return value if value is not None and abs(value) <= LARGEST_INTEGER else None


def identifier(text: str) -> str:
    """A provider's id in its one decimal spelling; ``""`` where it is none."""
    if text.isdecimal() and text.isascii() and text[0] != "0" and len(text) <= 18:
        return text
    value = integer(text) if len(text) <= CACHED_LENGTH else None
    return "" if value is None else str(value)


@lru_cache(4096)
def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def decimal(text: str) -> Decimal | None:
    """A plain signed decimal: line, range, probability, percentage. No exponent, NaN or digit grouping."""
    return _decimal(text) if len(text) <= CACHED_LENGTH else None


def boolean(text: str) -> bool | None:
    """``true``/``false``/``1``/``0`` in any case (U7)."""
    return _BOOLEANS.get(text.lower()) if len(text) <= 5 else None


def guid(text: str) -> str:
    """A guid in lower case without braces; the empty guid of a sender that forgot to make one is none."""
    found = _GUID.fullmatch(text)
    value = found[1].lower() if found else ""
    return "" if value == _EMPTY_GUID else value


@lru_cache(1024)
def _moment(text: str) -> datetime | None:
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, ahead_hours, ahead_minutes = found.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        ahead = timedelta(hours=int(ahead_hours or 0), minutes=int(ahead_minutes or 0))
        zone = timezone(-ahead if sign == "-" else ahead)
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micro, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment(text: str) -> datetime | None:
    """An instant with 0–9 fractional digits (microseconds are kept), in UTC; without a zone it is UTC already."""
    return _moment(text) if len(text) <= 40 else None


def seconds(text: str) -> int | None:
    """An ``xs:duration`` of days and shorter, in whole seconds: ``PT1H30M`` is 5400."""
    found = _DURATION.fullmatch(text) if len(text) <= 40 else None
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + rest


def _count(text: str) -> int | None:
    found = _COUNT.fullmatch(text)
    return int(found[1]) if found else None


def _decimal_problem(text: str) -> str:
    if not _PRICE.fullmatch(text):
        return f"decimal price “{text[:24]}” is no plain number"
    if not LOWEST <= Decimal(text) <= HIGHEST:
        return f"price {text} is outside {LOWEST} to {HIGHEST}"
    return ""


def _fraction_problem(price: Decimal, numerator: int | None, denominator: int | None) -> str:
    if numerator is None or denominator is None or denominator == 0:
        return "the fraction cannot be read"
    if abs((price - 1) * denominator - numerator) > TOLERANCE * denominator:
        return f"decimal {price} and fraction {numerator}/{denominator} disagree"
    return ""


def _missing(decimal_text: str, numerator_text: str, denominator_text: str) -> str:
    if not decimal_text:
        return "fraction without a decimal price"
    if not numerator_text and not denominator_text:
        return "decimal price without a fraction"
    if not numerator_text or not denominator_text:
        return "half of the fraction is missing"
    return ""


def _read_price(decimal_text: str, numerator_text: str, denominator_text: str) -> Price:
    if not (decimal_text or numerator_text or denominator_text):
        return NO_PRICE
    numerator, denominator = _count(numerator_text), _count(denominator_text)
    problem = _missing(decimal_text, numerator_text, denominator_text) or _decimal_problem(decimal_text)
    if problem:
        return Price(None, numerator, denominator, problem, decimal_text[:40])
    value = Decimal(decimal_text)
    problem = _fraction_problem(value, numerator, denominator)
    return Price(None if problem else value, numerator, denominator, problem, decimal_text)


_remembered_price = lru_cache(16_384)(_read_price)  # prices come off a ladder: most have been seen before


def price(decimal_text: str, numerator_text: str, denominator_text: str) -> Price:
    """The price that three texts make (A8, U7): plain decimal in 1.01–1001 *and* a fraction within 0.01 of it."""
    if len(decimal_text) + len(numerator_text) + len(denominator_text) > CACHED_LENGTH:
        return _read_price(decimal_text, numerator_text, denominator_text)
    return _remembered_price(decimal_text, numerator_text, denominator_text)
