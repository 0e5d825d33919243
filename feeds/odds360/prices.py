"""Prices, and what is said of their being offered: a plain decimal or nothing, and the most closed word of all (promise A8). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum, IntEnum, auto
from functools import lru_cache

from msgspec import Struct

from .wire import TWICE, Object, cleaned, flag_of, word_of

LOWEST, HIGHEST = Decimal("1.01"), Decimal("1001")
"""A8."""
_PRICE = re.compile(r"(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,10})?")


class Standing(IntEnum):
    """What a price, market or group says of being offered, the more closed the higher; ``UNSAID`` where it says nothing."""

    UNSAID = 0
    OPEN = 1
    SUSPENDED = 2
    CLOSED = 3
    UNKNOWN = 4

    @property
    def word(self) -> str:
        return "" if self is Standing.UNSAID else self.name.lower()


class Price(Struct, frozen=True):
    """``value`` only where it is whole (A8), else ``problem`` in words; ``text`` as sent. ``absent``: none was sent, which is no fault."""

    value: Decimal | None = None
    text: str = ""
    problem: str = ""
    absent: bool = False


NO_PRICE = Price(problem="no price", absent=True)
_LONGEST_PRICE = 40
PRICE_NAMES = ("value", "odds", "price", "oddValue", "odd", "decimal")
SUSPENDED_NAMES = ("suspended", "isSuspended", "blocked")
ACTIVE_NAMES = ("active", "isActive", "open", "isOpen", "enabled", "available", "tradable", "isTradable")
STATUS_NAMES = ("status", "tradingStatus", "status_type", "statusType")
FLAG_NAMES = frozenset({*SUSPENDED_NAMES, *ACTIVE_NAMES, *STATUS_NAMES})
_STANDINGS = {
    "open": Standing.OPEN, "active": Standing.OPEN, "trading": Standing.OPEN, "live": Standing.OPEN, "available": Standing.OPEN,
    "suspended": Standing.SUSPENDED, "inactive": Standing.SUSPENDED, "blocked": Standing.SUSPENDED, "paused": Standing.SUSPENDED,
    "closed": Standing.CLOSED, "settled": Standing.CLOSED, "resulted": Standing.CLOSED, "finished": Standing.CLOSED,
}  # fmt: skip


def price_of(said: object) -> Price:
    """Of a number or a text: a plain decimal within A8's range. No sign, exponent, grouping or NaN."""
    if said is None:
        return NO_PRICE
    if said is TWICE:
        return Price(problem="named twice in one message")
    if not isinstance(said, str):
        return Price(problem="its price is neither a number nor a text")
    return _plain_price(said.strip() if len(said) <= _LONGEST_PRICE else said[:_LONGEST_PRICE] + "…")


@lru_cache(8192)
def _plain_price(text: str) -> Price:
    if not text:
        return NO_PRICE
    if not _PRICE.fullmatch(text):
        return Price(None, cleaned(text, _LONGEST_PRICE), f"“{cleaned(text, _LONGEST_PRICE)}” is no plain decimal")
    value = Decimal(text)
    if not LOWEST <= value <= HIGHEST:
        return Price(None, text, f"the price {text} is not within {LOWEST} and {HIGHEST}")
    return Price(value, text)


def price_in(said: Object) -> Price:
    """Of an object: one of the names that a price may have; two that disagree are none."""
    found = [price_of(said[name]) for name in PRICE_NAMES if said.get(name) is not None]
    if not found:
        return NO_PRICE
    if any((one.value, one.problem) != (found[0].value, found[0].problem) for one in found):
        return Price(problem="it has two prices that differ")
    return found[0]


class _About(Enum):
    """Of what a member speaks: of being closed, of being offered, or of either by a word."""

    CLOSED = auto()
    OFFERED = auto()
    STATUS = auto()


_ABOUT = {
    **{name.replace("_", "").lower(): _About.CLOSED for name in SUSPENDED_NAMES},
    **{name.replace("_", "").lower(): _About.OFFERED for name in ACTIVE_NAMES},
    **{name.replace("_", "").lower(): _About.STATUS for name in STATUS_NAMES},
}
_WORDS = {
    **dict.fromkeys(("suspend", "suspended", "suspension", "blocked", "locked", "closed", "inactive", "disabled", "halted"), _About.CLOSED),
    **dict.fromkeys(("active", "enabled", "available", "tradable"), _About.OFFERED),
    **dict.fromkeys(("status", "state"), _About.STATUS),
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LONGEST_NAME = 60


def standing_of(said: Object) -> Standing:
    """The most closed of everything that an object says of itself; what it says unreadably counts as unknown. Names in any spelling."""
    return most_closed(_flag(about, said[name]) for name in said if (about := _about(name)) is not None and said[name] is not None)


def standing_of_price(said: Object) -> Standing:
    """Of the object of one price: a member that nobody knows, but whose name speaks of being closed, counts too."""
    named = ((_about(name) or _hinted(name), value) for name, value in said.items())
    return most_closed(_flag(about, value) for about, value in named if about is not None and value is not None)


@lru_cache(4096)
def _about(name: str) -> _About | None:
    return _ABOUT.get(name.replace("_", "").lower()) if len(name) <= _LONGEST_NAME else None


@lru_cache(4096)
def _hinted(name: str) -> _About | None:
    words = {word.lower() for word in _WORD.findall(name[:_LONGEST_NAME])}
    return next((about for word, about in _WORDS.items() if word in words), None)


def opens(word: str) -> bool:
    """Whether a word of a status, as :attr:`Row.statuses` has it, says that prices are offered."""
    return _STANDINGS.get(word) is Standing.OPEN


def most_closed(standings: Iterable[Standing]) -> Standing:
    return max(standings, default=Standing.UNSAID)


def closes(standing: Standing) -> bool:
    return standing not in (Standing.UNSAID, Standing.OPEN)


def _flag(about: _About, said: object) -> Standing:
    match about:
        case _About.STATUS:
            return _STANDINGS.get(word_of(said), Standing.UNKNOWN)
        case _About.CLOSED:
            return _flagged(said, Standing.SUSPENDED, Standing.OPEN)
        case _About.OFFERED:
            return _flagged(said, Standing.OPEN, Standing.SUSPENDED)


def _flagged(said: object, if_true: Standing, if_false: Standing) -> Standing:
    flag = flag_of(said)
    return Standing.UNKNOWN if flag is None else if_true if flag else if_false


def is_flag(said: object) -> bool:
    """Whether it may say something of being offered, rather than hold something."""
    return said is not None and not isinstance(said, dict | list)
