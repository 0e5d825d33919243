"""The topics that bookmakers' streams are: one match, or all live matches of a sport; and what their sockets ask for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from markets.live.frames import FeedCell
from markets.live.reader import Listing
from markets.live.sockets import ALIVE, WHOLE, Packed
from markets.live.standing import Standing
from markets.live.topics import Topic
from markets.selectors.offer import Offer

from .streams_frames import SportBeat, encode
from .streams_matches import MatchStream, OddsStream
from .streams_overrides import OverrideStream

MOST_GONE = 1_000
PROMPT = 0.01
"""Seconds between two frames of an ``overrides`` stream: people are few, and wait for what they did."""


class Kind(StrEnum):
    """The streams of the contract (000, "Subscribe to live updates")."""

    UPDATES = "updates"
    OVERRIDES = "overrides"


class MatchTopic(Topic):
    """One match."""

    confirms = True

    def __init__(self, bookmaker: UUID, name: str, fixture_id: int, tell: Callable[[Offer, int], MatchStream]) -> None:
        super().__init__(bookmaker, name, (fixture_id,))
        self._tell = tell
        self._stream: MatchStream | None = None
        if tell is OverrideStream:
            self.quiet = PROMPT

    @property
    def whole(self) -> bool:
        return self._stream is not None

    @property
    def changed(self) -> bool:
        return self._stream is not None and self._stream.changed

    @property
    def closing(self) -> bool:
        return self._stream is not None and self._stream.closing

    def take(self, offer: Offer) -> None:
        if self._stream is None:
            self._stream = self._tell(offer, WHOLE)
        else:
            self._stream.take(offer)

    def confirm(self, offer: Offer) -> None:
        if self._stream is not None:
            self._stream.confirm(offer)

    def fail(self, fixture_id: int, words: str) -> None:
        if self._stream is not None:
            self._stream.fail(words)

    def snapshots(self, parts: Collection[int] | None, now: datetime, feeds: Mapping[int, FeedCell]) -> list[Packed]:
        return [self._known.snapshot(now)]

    def frames(self, now: datetime) -> list[Packed]:
        return [self._known.frame(now)]

    def beat(self, now: datetime, feeds: Mapping[int, FeedCell], reason: str) -> Packed:
        return self._known.beat(now)

    def farewell(self, now: datetime) -> list[Packed]:
        return [self._stream.gone(now)] if self._stream else []

    @property
    def _known(self) -> MatchStream:
        assert self._stream is not None, "nothing is asked of a topic that is not whole"
        return self._stream


class SportTopic(Topic):
    """All live matches of a sport; each has its own count and is a part of its own."""

    confirms = True

    def __init__(self, bookmaker: UUID, name: str, sport: str) -> None:
        super().__init__(bookmaker, name, None, Listing(bookmaker, sport))
        self._sport = sport
        self._streams: dict[int, OddsStream] = {}
        self._changed: set[int] = set()
        self._closing: set[int] = set()
        self._new: set[int] = set()
        self._leaving: list[Packed] = []
        self._gone: OrderedDict[int, Packed] = OrderedDict()
        self._begun = False

    @property
    def whole(self) -> bool:
        """A match that is listed later comes when it is loaded, and holds nothing up."""
        self._begun = self._begun or (self.fixtures is not None and all(f in self._streams for f in self.fixtures))
        return self._begun

    @property
    def changed(self) -> bool:
        return bool(self._changed or self._new or self._leaving)

    @property
    def closing(self) -> bool:
        return bool(self._closing)

    def lists(self, fixtures: tuple[int, ...]) -> None:
        super().lists(fixtures)
        for gone in self._streams.keys() - set(fixtures):
            self._drop(gone, self._streams.pop(gone))

    def take(self, offer: Offer) -> None:
        fixture_id = offer.snapshot.id
        stream = self._streams.get(fixture_id)
        if stream is None:
            self._streams[fixture_id] = OddsStream(offer, fixture_id)
            self._new.add(fixture_id)
        else:
            stream.take(offer)
            self._note(fixture_id, stream)

    def confirm(self, offer: Offer) -> None:
        stream = self._streams.get(offer.snapshot.id)
        if stream is not None:
            stream.confirm(offer)
            self._note(offer.snapshot.id, stream)

    def fail(self, fixture_id: int, words: str) -> None:
        stream = self._streams.get(fixture_id)
        if stream is not None:
            stream.fail(words)
            self._note(fixture_id, stream)

    def snapshots(self, parts: Collection[int] | None, now: datetime, feeds: Mapping[int, FeedCell]) -> list[Packed]:
        """Of parts that are gone meanwhile: that they are."""
        if parts is None:
            return [stream.snapshot(now) for stream in self._streams.values()]
        known = [self._streams[part].snapshot(now) for part in parts if part in self._streams]
        return known + [self._gone[part] for part in parts if part not in self._streams and part in self._gone]

    def frames(self, now: datetime) -> list[Packed]:
        """What closes goes before all else; a match that is new begins with its snapshot."""
        if self._closing:
            return self._frames_of(self._closing, now)
        leaving, self._leaving = self._leaving, []
        new, self._new = self._new, set()
        return [*leaving, *(self._streams[f].snapshot(now) for f in new), *self._frames_of(self._changed - new, now)]

    def beat(self, now: datetime, feeds: Mapping[int, FeedCell], reason: str) -> Packed:
        told = [stream for fixture_id, stream in self._streams.items() if fixture_id not in self._new]
        matches = {str(stream.match_id): stream.match_beat(now) for stream in told}
        return Packed(encode(SportBeat(self._sport, matches, now=now)), part=ALIVE)

    def _frames_of(self, fixtures: Collection[int], now: datetime) -> list[Packed]:
        frames = []
        for fixture_id in tuple(fixtures):
            stream = self._streams[fixture_id]
            frames.append(stream.frame(now))
            self._note(fixture_id, stream)
        return frames

    def _note(self, fixture_id: int, stream: OddsStream) -> None:
        for marked, is_so in ((self._changed, stream.changed), (self._closing, stream.closing)):
            if is_so:
                marked.add(fixture_id)
            else:
                marked.discard(fixture_id)

    def _drop(self, fixture_id: int, stream: OddsStream) -> None:
        for marks in (self._changed, self._closing):
            marks.discard(fixture_id)
        if fixture_id in self._new:
            self._new.discard(fixture_id)
            return
        gone = stream.gone(stream.offer.now)
        self._leaving.append(gone)
        self._gone[fixture_id] = gone
        while len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)


class MatchSubject:
    """``…/{match_id}/updates`` or ``/overrides``."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def name(self, standing: Standing) -> str:
        return f"{self._kind}:{standing.fixture_id}"

    def open(self, standing: Standing, bookmaker: UUID) -> Topic:
        assert standing.fixture_id is not None, "who asks for a match is let in with its row"
        tell = OverrideStream if self._kind is Kind.OVERRIDES else OddsStream
        return MatchTopic(bookmaker, self.name(standing), standing.fixture_id, tell)


class SportSubject:
    """``/live/{bookmaker_id}/{sport}``."""

    def __init__(self, sport: str) -> None:
        self._sport = sport

    def name(self, standing: Standing) -> str:
        return f"sport:{self._sport}"

    def open(self, standing: Standing, bookmaker: UUID) -> Topic:
        return SportTopic(bookmaker, self.name(standing), self._sport)
