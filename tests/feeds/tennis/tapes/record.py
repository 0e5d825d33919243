"""Make ``whole-match.tape``: a short match from the umpire's coming to its end, points and prices, on a clock of its own.

    python manage.py shell --command 'from tests.feeds.tennis.tapes import record; record.main()'

What goes wrong in it: a packet comes twice, three come late (``DELAYED``), and once the venue cannot be reached: three Alarms, then what
was missed (``RECONSTRUCTED``). On court: a correction, a challenge, a toilet break, medical treatment.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from feeds.playing.court import Court, Happened
from feeds.playing.tennis import Chances, Match, plan
from feeds.tape import FORMAT, Header, Taped, TapedFeed
from feeds.tennis.simulation.events import Event
from feeds.tennis.simulation.packets import Packet, Scribe, alarm, not_started
from feeds.tennis.simulation.stream import DELAYED, RECONSTRUCTED, Pace, Stream, encoded
from feeds.updategram.simulation.documents import Envelope, new_guid
from feeds.updategram.simulation.life import Ids
from feeds.updategram.simulation.tennis import Tennis

TAPE = Path(__file__).with_name("whole-match.tape")
EVENT = "2026-0580-MS001"
START = datetime(2026, 11, 20, 9, tzinfo=UTC)
SEED = 55
CHANCES = Chances(correction=0.02, challenge=0.03, physio=0.08, toilet=0.7)
KEPT_AFTER = timedelta(milliseconds=120)
PRICED_AFTER = timedelta(milliseconds=600)
TWICE, LATE, LOST = 40, range(70, 73), range(120, 126)
"""Numbers of the packets with which something goes wrong."""
FEEDS = [
    TapedFeed("prices", "updategram", "Prices", 25.0, True, False, False),
    TapedFeed("umpire", "tennis", "Umpire", 15.0, False, False, False),
]


class Recording:
    """Both providers telling of one match; ``lines`` as they arrive."""

    def __init__(self) -> None:
        random = Random(SEED)
        self.match = Match(plan(random, 1), random, CHANCES)
        self.court = Court(self.match, 1.0, START)
        self.scribe = Scribe(self.match, Random(SEED))
        self.now = START - timedelta(minutes=8)
        self.life = Tennis(Random(SEED), Ids(SEED), lambda: self.now, START, court=self.court)
        self.parts = self.life.messages()
        self.order = 0
        self.guids = Random(SEED)

    def lines(self) -> Iterator[Taped]:
        stream = Stream(Pace(), lambda: None, lambda: None)
        yield self._points(msgspec.json.encode(Event(EVENT, self.court, self.scribe, stream).live_event()), self.now)
        yield from (self._price() for _ in range(4))  # fixture, coverage, pre-match prices
        yield self._points(msgspec.json.encode(not_started()), self.now)
        yield from self._told()

    def _told(self) -> Iterator[Taped]:
        lost: list[Packet] = []
        for number, happening in enumerate(self.match.happenings(), 1):
            self.now += timedelta(seconds=happening.wait)
            happened = Happened(self.now, happening)
            packet = self.scribe.packet(happened)
            if number in LOST:
                lost.append(packet)
                yield from self._outage(number, lost)
            else:
                yield from self._sent(number, packet)
            self.court.happen(happened)
            yield from self._prices()

    def _sent(self, number: int, packet: Packet) -> Iterator[Taped]:
        body = encoded(packet, number, DELAYED if number in LATE else "").encode()
        arrival = self.now + (timedelta(seconds=4) if number in LATE else timedelta())
        yield from [self._points(body, arrival)] * (2 if number == TWICE else 1)

    def _outage(self, number: int, lost: list[Packet]) -> Iterator[Taped]:
        if number in (LOST[0], LOST[2], LOST[4]):
            yield self._points(msgspec.json.encode(alarm(len(lost), self.now, self.now)), self.now)
        if number == LOST[-1]:
            for missed, packet in zip(LOST, lost, strict=True):
                yield self._points(encoded(packet, missed, RECONSTRUCTED).encode(), self.now)

    def _points(self, body: bytes, at: datetime) -> Taped:
        return Taped("umpire", at, at + KEPT_AFTER, "application/json", "", body, EVENT)

    def _prices(self) -> Iterator[Taped]:
        while self.life.unsaid:
            yield self._price()

    def _price(self) -> Taped:
        self.order += 1
        said = self.now + PRICED_AFTER
        body = Envelope(new_guid(self.guids), said, self.order, next(self.parts)).render()
        return Taped("prices", said, said + KEPT_AFTER, "text/xml; charset=utf-8", "", body)


def main() -> None:
    with gzip.GzipFile(TAPE, "wb", compresslevel=9, mtime=0) as tape:
        tape.write(msgspec.json.encode(Header(FORMAT, FEEDS)) + b"\n")
        tape.writelines(msgspec.json.encode(line) + b"\n" for line in Recording().lines())
