"""Odd groups: which a sport has, and how they are spelt (000 "Supported table tennis odd groups", decisions O4, U16)."""

from __future__ import annotations

import re

FULL_TIME = "full-time"
GROUPS = {
    "table-tennis": ("set-time", FULL_TIME),
    "tennis": ("set-time", "half-time", FULL_TIME),
    "hockey": ("period-time", FULL_TIME),
    "ice-hockey": ("period-time", FULL_TIME),
    "basketball": ("quarter-time", "half-time", FULL_TIME),
    "football": ("next-play", "half-time", "player", "team", FULL_TIME),
    "badminton": ("set-time", FULL_TIME),
    "volleyball": ("set-time", FULL_TIME),
    "beach-volleyball": ("set-time", FULL_TIME),
}


_CAMEL = re.compile(r"[a-z0-9]+(?:[A-Z][a-z0-9]*)*")


def groups_of(sport: str) -> tuple[str, ...]:
    """Kebab-case, as in URLs; every sport has ``full-time``."""
    return GROUPS.get(sport, (FULL_TIME,))


def kebab(group: str) -> str:
    """``fullTime`` → ``full-time``; a spelling that would not come back the same is left as it is."""
    if not _CAMEL.fullmatch(group):
        return group
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in group)


def camel(group: str) -> str:
    """``full-time`` → ``fullTime``, as in JSON."""
    first, *rest = group.split("-")
    return first + "".join(word.capitalize() for word in rest)
