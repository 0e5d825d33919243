"""One match's stream of updates or overrides: numbered frames for whoever listens, by WebSocket or SSE alike, and their faults."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from feeds.playing.lines import Line, Told

from .faults import Fault

BROKEN = b'{"type": "update", "matchId": 24'
OTHER = b'{"kind": "delta", "payload": [[1, "a"], [2, "b"]]}'

Make = Callable[[int, int | None], bytes]
"""A frame from its number and the one before it (``None``: it begins a connection)."""


class Pace(Struct):
    """Seconds, as a client sees them. ``beat``: from one to the next, 0 for none. ``drift``: from one move of pre-match prices to the next.
    ``slow``: how long a slow answer takes. ``away``: how long a match vanishes. ``half_open``: after which a connection that was left so is
    given up for good. ``retry``: what a 429 asks for.
    """

    beat: float = 1.0
    drift: float = 12.0
    slow: float = 15.0
    away: float = 20.0
    half_open: float = 60.0
    retry: float = 2.0


Listener = Line[bytes]


class Stream(Told[Listener, Fault]):
    """``snapshot`` makes what a connection begins with. A fault is met by a change."""

    def __init__(self, snapshot: Make, draw: Callable[[], Fault | None]) -> None:
        super().__init__(draw)
        self._snapshot = snapshot
        self.seq = 0
        self.over = False

    def join(self) -> Listener:
        """A new connection, with a snapshot before anything else; of a match that is over it ends with that."""
        line = Listener()
        line.put(self._snapshot(self.seq, None))
        if self.over:
            line.end()
        self.lines.add(line)
        return line

    def say(self, make: Make) -> None:
        """A change, to all who are connected."""
        self.seq += 1
        if not self.lines:
            return
        self._harmed(make(self.seq, self.seq - 1), self._next_fault())

    def beat(self, make: Make) -> None:
        """What renews and changes nothing: it has the number of the frame before it."""
        if self.lines:
            self._send(make(self.seq, self.seq))

    def close(self, make: Make | None = None) -> None:
        """No more will come: a last word, then all connections end."""
        if make is not None:
            self.say(make)
        self.over = True
        self.cut()

    def _harmed(self, frame: bytes, fault: Fault | None) -> None:
        if fault is Fault.BROKEN:
            self._send(BROKEN)
        if fault is not Fault.GAP:
            self._send(OTHER if fault is Fault.OTHER else frame)
        if fault is Fault.REPEATED:
            self._send(frame)
        if fault is Fault.DROPPED:
            self.cut()
        for line in self.lines:
            line.silent = line.silent or fault is Fault.SILENT
            line.half_open = line.half_open or fault is Fault.HALF_OPEN

    def _send(self, frame: bytes) -> None:
        for line in self.lines:
            line.put(frame)
