"""What a process has heard of a point feed's match besides what the store says (A1): the input of its fence. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Heard(Struct, frozen=True):
    """One match of a point feed at one instant, as announced to this process by the reader before anything was kept.

    ``joined``: this process hears announcements and has read the pending frames since it began; else nothing is known (A10).
    ``announced``: highest number announced or pending, ``None`` without any. ``unsettled``: a PointStarted, an Alarm or a packet
    without a number was announced whose outcome no reading of the store has shown yet (T2).
    ``doubt``: why the reader cannot be believed now, in words: it has stopped beating, or something may have been missed; else empty.
    ``silent_in``: seconds from now until the reader counts as stopped unless it beats. ``read_at``: when the last announced packet was
    read, by the reader's clock. ``held``: why the prices that come by this match's own connection are held, in words: something of it was
    read that the store does not have; else empty.
    """

    joined: bool = False
    announced: int | None = None
    unsettled: bool = False
    doubt: str = ""
    silent_in: float = 0.0
    read_at: datetime | None = None
    held: str = ""

    def beyond(self, applied: int | None) -> bool:
        """Whether something was announced that applied state does not hold (T3): only a number that is applied lowers a number."""
        return self.unsettled or (self.announced is not None and (applied is None or self.announced > applied))

    def and_also(self, other: Heard) -> Heard:
        """Whatever closes in either of two instants closes."""
        known = [n for n in (self.announced, other.announced) if n is not None]
        return Heard(
            joined=self.joined and other.joined,
            announced=max(known, default=None),
            unsettled=self.unsettled or other.unsettled,
            doubt=self.doubt or other.doubt,
            silent_in=min(self.silent_in, other.silent_in),
            read_at=other.read_at or self.read_at,
            held=self.held or other.held,
        )


NOTHING_HEARD = Heard()


class Ears(Protocol):
    """Who knows what was announced; ``ref`` is the match's own at its point feed ``source_id``."""

    def heard(self, source_id: int, ref: str) -> Heard: ...


class Deaf:
    """A process that does not listen: nothing is known of any match, which suspends."""

    def heard(self, source_id: int, ref: str) -> Heard:
        return NOTHING_HEARD


DEAF = Deaf()
