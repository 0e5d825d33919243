"""What can go wrong between the umpire and a reader, as dials."""

from __future__ import annotations

from enum import StrEnum
from random import Random

from msgspec import Struct

from feeds.playing.faults import drawn


class Fault(StrEnum):
    """Of one packet, or begun by it. Only DROP, DUPLICATE, REORDER, SILENT and HALF_OPEN are undone by connecting again.

    DROP: not sent to those who are connected; a replay has it. GAP: it never comes, to nobody. REORDER: the next one overtakes it.
    DUPLICATE: sent twice. SILENT: the socket stays open and answers pings, but says nothing more, no heartbeat either. HALF_OPEN: the
    other end is gone without a word: it neither reads nor writes. DELAYED: this and what follows comes late, marked ``DELAYED``. ALARM:
    the venue cannot be reached: ``Alarm`` at once and again and again, then what was missed, marked ``RECONSTRUCTED``. UNKNOWN: a packet
    of a type that nobody knows comes before it. BROKEN: a frame that is no JSON comes before it. RESTART: the server ends all
    connections, is away for a while, and replays.
    """

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    GAP = "gap"
    SILENT = "silent"
    HALF_OPEN = "half_open"
    DELAYED = "delayed"
    ALARM = "alarm"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    RESTART = "restart"


class Faults(Struct, frozen=True):
    """Chances 0–1 for each packet, by the name of the fault."""

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    gap: float = 0.0
    silent: float = 0.0
    half_open: float = 0.0
    delayed: float = 0.0
    alarm: float = 0.0
    unknown: float = 0.0
    broken: float = 0.0
    restart: float = 0.0

    def draw(self, random: Random) -> Fault | None:
        """At most one a packet."""
        return drawn(random, self, Fault)
