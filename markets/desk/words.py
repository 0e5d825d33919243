"""Values in words, as the pages show them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from markets.domain.values import Scope
from markets.services.errors import Conflict


def clock_time(at: datetime) -> str:
    """``14:37:07``, UTC."""
    return at.strftime("%H:%M:%S")


def duration_words(seconds: int) -> str:
    """``30 s``, ``5 min``, ``1 h 30 min``."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h" + (f" {rest // 60} min" if rest >= 60 else "")


def age_words(at: datetime | None, now: datetime) -> str:
    """``0.4 s``, ``12.4 s``, ``3 min``; ``never`` for ``None``."""
    if at is None:
        return "never"
    seconds = max(0.0, (now - at).total_seconds())
    return f"{seconds:.1f} s" if seconds < 60 else duration_words(int(seconds))


def lag_words(seconds: float | None) -> str:
    """``22 ms``, ``3.2 s``, ``2 min``; a dash for ``None``."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else duration_words(int(seconds))


def price_words(price: Decimal | None) -> str:
    """At least two decimals, no trailing zeros beyond them; a dash without a price."""
    if price is None:
        return "–"
    text = f"{price.normalize():f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<2}"


_NO_JSON = re.compile(r"(?:Expecting|Extra data|Invalid|Unterminated)[^:]*: line ([0-9]+) column ([0-9]+) \(char [0-9]+\)")


def fault_words(reason: str) -> str:
    """Why a message was quarantined, without a parser's own way of speaking."""
    return _NO_JSON.sub(r"it is no whole JSON: cannot be read from line \1, character \2 on", reason)


def percent_words(value: Decimal | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}%"


def conflict_words(conflict: Conflict, mine: str | None) -> str:
    """Who was faster, when, and both values (promise C4)."""
    theirs = conflict.current.get("value")
    both = f" Theirs: {theirs}, yours: {mine}. Enter again replaces it." if theirs and mine else ""
    return conflict.words.rstrip(".") + "." + both


SHOWN = 3
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
WIDE = ("sport", "competition")


def object_words(told: str) -> str:
    """What an audit record is about: a hold's scope is left out where its target says it (``everything: everything``)."""
    scope, colon, target = told.partition(": ")
    if not colon or scope not in list(Scope):
        return told
    return f"{scope} {target}" if scope in WIDE else target


def sentence(told: str) -> str:
    """With a capital letter, the rest as it is."""
    return told[:1].upper() + told[1:]


def change_words(value: Any) -> str:
    """A before or after of the audit, as short as it can be told: a price, a suspension, some markets, else its JSON in words."""
    match value:
        case {"value": price, **rest}:
            return f"{price}{_until(rest)}"
        case {"since": str(), **rest}:
            return f"suspended{_by(rest)}{_until(rest)}"
        case {"parts": dict(parts)}:
            return "; ".join(told for part in parts.values() if (told := change_words(part)))
        case _:
            return _listed(value)


def _listed(value: Any) -> str:
    match value:
        case list(several):
            return _cut([told for one in several if (told := change_words(one))])
        case {"opened": list(opened), **rest}:
            return f"opened {_cut([_opened(o) for o in opened], '+' if rest.get('more') else '')}" if opened else "opened nothing"
        case {"ended": str(cause)}:
            return f"ended: {cause}"
        case {"markets": dict(markets)}:
            return _cut([_market(ref, told) for ref, told in markets.items()])
        case {"closed by": list(reasons)}:
            return _cut([str(r) for r in reasons]) or "nothing"
        case _:
            return json_words(value)


def json_words(value: Any) -> str:
    """A JSON value in one line, empty parts left out."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {told}" for k, v in value.items() if (told := json_words(v)))
    if isinstance(value, str) and INSTANT.match(value):
        return clock_time(datetime.fromisoformat(value))
    if isinstance(value, list):
        return ", ".join(json_words(v) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _market(ref: Any, told: Any) -> str:
    """``None`` before it was first seen."""
    if not isinstance(told, dict):
        return f"{ref} unknown"
    offered = told.get("offered")
    count = f" ({len(offered)} offered)" if isinstance(offered, list) else ""
    return f"{told.get('name', ref)} {told.get('status', '')}".strip() + count


def _until(rest: Mapping[Any, Any]) -> str:
    ends = rest.get("endsAt")
    return f" until {clock_time(datetime.fromisoformat(ends))}" if ends else ""


def _by(rest: Mapping[Any, Any]) -> str:
    return f" by {rest['by']}" if rest.get("by") else ""


def _opened(told: Any) -> str:
    """One price of a confirmation."""
    if not isinstance(told, dict):
        return str(told)
    return " ".join(str(told[name]) for name in ("market", "selection", "price") if name in told)


def _cut(told: list[str], plus: str = "") -> str:
    """``plus`` where the list itself was cut when it was kept."""
    more = f" and {len(told) - SHOWN}{plus} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more
