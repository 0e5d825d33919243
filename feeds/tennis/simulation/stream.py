"""One match's stream: every packet with its number, kept for replay, sent to whoever listens; and the faults of its packets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from feeds.playing import lines
from feeds.playing.court import now

from .faults import Fault
from .packets import Packet, abandoned, alarm, not_started, unknown

MOST_WAITING = 20_000
DELAYED, RECONSTRUCTED = "DELAYED", "RECONSTRUCTED"


class Pace(Struct):
    """Seconds, as a client sees them. ``alarm``: from one Alarm to the next. ``outage``, ``delay``: how long packets are held back.
    ``away``: how long a restart takes. ``half_open``: after which a connection that was left so is given up for good.
    """

    heartbeat: float = 10.0
    alarm: float = 25.0
    outage: float = 40.0
    delay: float = 5.0
    away: float = 3.0
    half_open: float = 60.0


class Line(lines.Line[str | bytes]):
    """One packet may be overtaken by the next."""

    most_waiting = MOST_WAITING

    def __init__(self) -> None:
        super().__init__()
        self._overtaken: str | None = None

    def packet(self, text: str, fault: Fault | None) -> None:
        """A packet as it happens, harmed as told."""
        if fault is Fault.REORDER:
            self._overtaken = text
            return
        if fault is not Fault.DROP:
            self.put(text)
        if fault is Fault.DUPLICATE:
            self.put(text)
        if self._overtaken is not None:
            overtaken, self._overtaken = self._overtaken, None
            self.put(overtaken)


class Stream(lines.Told[Line, Fault]):
    """``log[n]`` is packet ``n`` as sent, ``None`` when it never comes; 0 is NotStarted. Used on one event loop.

    A fault is met by a packet.
    """

    def __init__(self, pace: Pace, draw: Callable[[], Fault | None], restart: Callable[[], None]) -> None:
        super().__init__(draw)
        self._pace, self._restart = pace, restart
        self.log: list[str | None] = [_text(not_started())]
        self._held: list[Packet] | None = None
        self._alarms = 0
        self._heard_at: datetime = now()
        self._alarm_text: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def last(self) -> int:
        return len(self.log) - 1

    def past(self, packet: Packet) -> None:
        """A packet from before anybody could listen."""
        self._number(packet, "")

    def say(self, packet: Packet) -> None:
        """The umpire's next keystroke."""
        if self._held is not None:
            self._held.append(packet)
            return
        self._say(packet, self._next_fault())

    def _say(self, packet: Packet, fault: Fault | None) -> None:
        if fault in (Fault.DELAYED, Fault.ALARM):
            self._hold(packet, alarming=fault is Fault.ALARM)
            return
        if fault is Fault.BROKEN:
            self.raw('{"timestamp": "2022-08-16T08:10:25')
        if fault is Fault.UNKNOWN:
            self._send(self._number(unknown(now()), ""), None)
        self._send(self._number(packet, ""), fault)
        if fault is Fault.GAP:
            self.log[-1] = None
        if fault is Fault.RESTART:
            self._restart()

    def raw(self, frame: str | bytes) -> None:
        """Any frame, to all who are connected; no replay has it."""
        for line in self.lines:
            line.put(frame)

    def _number(self, packet: Packet, delay: str) -> str:
        self._heard_at = now()
        text = encoded(packet, len(self.log), delay)
        self.log.append(text)
        return text

    def _send(self, text: str, fault: Fault | None) -> None:
        if fault is Fault.GAP:
            return
        for line in self.lines:
            line.packet(text, fault)
            line.silent = line.silent or fault is Fault.SILENT
            line.half_open = line.half_open or fault is Fault.HALF_OPEN

    # readers

    def join(self, position: int) -> Line:
        """A new connection, with all from ``position`` on before anything else: NotStarted alone before the match, whatever it asks for."""
        line = Line()
        for text in self.log[position if self.last else 0 :]:
            if text is not None:
                line.put(text)
        if self._alarm_text is not None:
            line.put(self._alarm_text)
        self.lines.add(line)
        return line

    # outages

    def _hold(self, packet: Packet, *, alarming: bool) -> None:
        self._held = [packet]
        self._start(self._outage() if alarming else self._late())

    async def _late(self) -> None:
        await asyncio.sleep(self._pace.delay)
        self._release(DELAYED)

    async def _outage(self) -> None:
        alarming = asyncio.ensure_future(self._alarm())
        try:
            await asyncio.sleep(self._pace.outage)
        finally:
            alarming.cancel()
        self._alarm_text = None
        self._release(RECONSTRUCTED)

    async def _alarm(self) -> None:
        while True:
            self._alarms += 1
            self._alarm_text = _text(alarm(self._alarms, now(), self._heard_at))
            self.raw(self._alarm_text)
            await asyncio.sleep(self._pace.alarm)

    def _release(self, delay: str) -> None:
        held, self._held = self._held or [], None
        for packet in held:
            self._send(self._number(packet, delay), None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.cut()


class Withdrawn(Stream):
    """A match of an earlier run: whoever still follows it hears, at whatever number he asks for, that it is over."""

    def join(self, position: int) -> Line:
        wanted = min(max(position, 1), MOST_WAITING)
        self.log += [None] * (wanted - len(self.log))
        if len(self.log) == wanted:
            self.past(abandoned(now()))
        return super().join(position)


def encoded(packet: Packet, seq: int, delay: str = "") -> str:
    """As it is sent; ``seqNum`` stands after ``matchTime``, as in the samples."""
    found: Packet = {}
    for name, value in packet.items():
        found[name] = value
        if name == "matchTime":
            found["seqNum"] = seq
    return _text(found | ({"delayStatus": delay} if delay else {}))


def _text(packet: Packet) -> str:
    return msgspec.json.encode(packet).decode()
