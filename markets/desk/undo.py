"""The reverse of a command, offered for a few seconds beside its answer: another command through the same door, with its own checks.

A reverse names what it takes back (a version, the ids of holds), so that it undoes no more than its command did. The stop button,
confirmations and what is done to messages have none: they are taken back deliberately.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from msgspec import Struct

from markets.domain.values import Scope
from markets.services.holds import HoldEntry, Released
from markets.services.overrides import OverrideEntry


class Undo(Struct, frozen=True):
    """Where to POST what. Of ``values``, ``until`` (ms since 1970) stands for the seconds left then."""

    url: str
    values: dict[str, Any]


class Done(Struct, frozen=True):
    """What a command did, in words, and how to take it back."""

    words: str
    undo: Undo | None = None


def of_override(entry: OverrideEntry) -> Undo:
    """The override that stood before, for what it had left; without one, none."""
    if entry.replaced is None:
        return Undo(reverse("do-override-cancel"), {"selection": entry.selection_id, "version": entry.version})
    return of_cancel(entry.replaced)


def of_cancel(entry: OverrideEntry) -> Undo:
    """The same override again, for what it had left; its limits count anew, its warnings were heeded once."""
    values = {
        "selection": entry.selection_id,
        "kind": entry.kind.value,
        "value": f"{entry.value.normalize():f}",
        "reason": entry.reason,
        "version": entry.version,
        "confirmed": "1",
        "until": _ms(entry.ends_at),
    }
    return Undo(reverse("do-override"), values | ({"through_points": "1"} if entry.through_points else {}))


def of_suspend(made: Sequence[HoldEntry], started: datetime) -> Undo | None:
    """Releases what the command made, not what stood before it."""
    new = [h for h in made if h.since >= started]
    if not new:
        return None
    values = {**_reach(new), "hold": [h.id for h in new]}
    return Undo(reverse("do-resume"), values)


def of_resume(done: Sequence[Released]) -> Undo | None:
    """Suspends again what was released, until the latest end that it had."""
    freed = [h for released in done for h in released.released]
    if not freed:
        return None
    ends = [h.ends_at for h in freed]
    known = [end for end in ends if end is not None]
    values = {**_reach(freed), "reason": freed[0].reason}
    return Undo(reverse("do-suspend"), values | ({"until": _ms(max(known))} if len(known) == len(ends) else {}))


def of_outcome(fixture_id: int) -> Undo:
    """The feed's word about the match's end counts again."""
    return Undo(reverse("do-outcome-back"), {"fixture": fixture_id, "reason": "undone at once"})


def _reach(holds: Sequence[HoldEntry]) -> dict[str, Any]:
    """Scope and targets as the form of holds takes them."""
    scope = holds[0].scope
    targets = {} if scope is Scope.EVERYTHING else {"target": list(dict.fromkeys(h.target for h in holds))}
    return {"scope": scope.value, **targets, **({"everyone": "1"} if holds[0].bookmaker_id is None else {})}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
