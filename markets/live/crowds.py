"""How many listen, counted by whose connections they are: nobody's clients may take the places of all others.

Only the hub's thread touches it; the numbers are of one process.
"""

from __future__ import annotations

import time
from collections import Counter

from django.conf import settings

from .frames import TOO_MANY, TOO_SLOW
from .standing import Standing

SOCKETS_EACH = 32
"""Open sockets of one person; ``DESK_SOCKETS_EACH`` sets another number."""
STREAMS_EACH = 1_000
"""Open streams of one key; ``DESK_STREAMS_EACH`` sets another number."""
CONNECTS = 100
"""New streams of one key in a second; ``DESK_STREAM_CONNECTS`` sets another number."""
FORGET_SECONDS = 10.0


class Crowds:
    """Who is in, and who has come lately."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()
        self._windows: dict[str, tuple[float, int]] = {}

    def joins(self, standing: Standing) -> int:
        """Counts one more in; else the close code that turns it away."""
        code = self._key_joins(standing) if standing.key_id else self._person_joins(standing)
        if not code:
            self._inside[standing.owner] += 1
        return code

    def left(self, standing: Standing) -> None:
        """One that had joined is gone."""
        self._inside[standing.owner] -= 1
        if self._inside[standing.owner] <= 0:
            del self._inside[standing.owner]

    def forget(self) -> None:
        """Whoever has not come for a while."""
        now = time.monotonic()
        self._windows = {owner: w for owner, w in self._windows.items() if now - w[0] < FORGET_SECONDS}

    def _person_joins(self, standing: Standing) -> int:
        return TOO_SLOW if self._inside[standing.owner] >= getattr(settings, "DESK_SOCKETS_EACH", SOCKETS_EACH) else 0

    def _key_joins(self, standing: Standing) -> int:
        if self._inside[standing.owner] >= getattr(settings, "DESK_STREAMS_EACH", STREAMS_EACH):
            return TOO_MANY
        now = time.monotonic()
        since, count = self._windows.get(standing.owner, (now, 0))
        if now - since >= 1.0:
            since, count = now, 0
        self._windows[standing.owner] = (since, count + 1)
        return TOO_MANY if count >= getattr(settings, "DESK_STREAM_CONNECTS", CONNECTS) else 0
