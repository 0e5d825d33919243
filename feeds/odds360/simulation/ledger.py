"""The overrides of one match, as its bookmaker's people set them: a price or a suspension of one selection, each until its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

LONGEST = 86_400
LOWEST, HIGHEST = 1.01, 1001.0


class Wrong(Exception):
    """A PATCH that says something impossible; ``fields``: name → words."""

    def __init__(self, **fields: str) -> None:
        super().__init__(", ".join(f"{name}: {words}" for name, words in fields.items()))
        self.fields = fields


class Patch(Struct, frozen=True, rename="camel", forbid_unknown_fields=False):
    """The body of 000; at least one of ``odd_value`` and ``suspended``."""

    odd_key: str
    odd_value: float | None = None
    duration_seconds: int | None = None
    suspended: bool | None = None
    reason: str = ""


class Entry(Struct, frozen=True):
    """``value`` ``None``: a suspension."""

    odd_key: str
    value: float | None
    ends_at: datetime
    by: str
    reason: str
    version: int


def read(body: bytes) -> Patch:
    """Raises :class:`Wrong`, or ``ValueError`` where the body is no JSON."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ValueError("the body is not JSON") from None
    try:
        patch = msgspec.convert(said, Patch)
    except msgspec.ValidationError as error:
        raise Wrong(body=str(error)) from None
    if patch.odd_value is None and patch.suspended is None:
        raise Wrong(oddValue="oddValue or suspended is required")
    if patch.odd_value is not None and not LOWEST <= patch.odd_value <= HIGHEST:
        raise Wrong(oddValue=f"from {LOWEST} to {HIGHEST:g}")
    if (patch.odd_value is not None or patch.suspended) and not 1 <= (patch.duration_seconds or 0) <= LONGEST:
        raise Wrong(durationSeconds=f"from 1 to {LONGEST}")
    return patch


class Ledger:
    """What is in effect now, by selection, and whether it is a price or a suspension."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._entries: dict[tuple[str, bool], Entry] = {}
        self.version = 0

    def apply(self, patch: Patch, by: str) -> tuple[list[Entry], list[Entry]]:
        """What it began, the telling one last, and what it ended."""
        began, ended = [], []
        if patch.odd_value is not None:
            began.append(self._set(patch, by, patch.odd_value))
        if patch.suspended:
            began.append(self._set(patch, by, None))
        if patch.suspended is False and (gone := self._entries.pop((patch.odd_key, True), None)):
            ended.append(gone)
        return began, ended

    def _set(self, patch: Patch, by: str, value: float | None) -> Entry:
        self.version += 1
        ends_at = self._clock() + timedelta(seconds=patch.duration_seconds or 0)
        entry = Entry(patch.odd_key, value, ends_at, by, patch.reason, self.version)
        self._entries[patch.odd_key, value is None] = entry
        return entry

    def expire(self) -> list[Entry]:
        """What has come to its end."""
        now = self._clock()
        over = [key for key, entry in self._entries.items() if entry.ends_at <= now]
        return [self._entries.pop(key) for key in over]

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def value(self, odd_key: str) -> float | None:
        found = self._entries.get((odd_key, False))
        return found.value if found else None

    def suspended(self, odd_key: str) -> bool:
        return (odd_key, True) in self._entries

    def named(self, entry: Entry) -> dict[str, Any]:
        """As the stream tells it: with an id."""
        return {"id": f"{'hold' if entry.value is None else 'override'}-{entry.version}", **self.shown(entry)}

    def shown(self, entry: Entry) -> dict[str, Any]:
        """As ``override`` lists it (docs/api.md)."""
        return {
            "oddKey": entry.odd_key,
            "oddValue": entry.value,
            "suspended": entry.value is None or self.suspended(entry.odd_key),
            "endsAt": entry.ends_at.isoformat(timespec="milliseconds"),
            "by": entry.by,
            "reason": entry.reason,
            "version": entry.version,
        }
