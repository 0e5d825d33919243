"""One match as one stream tells it: what was told, what holds now, and the frame between the two. Pure but for the serialising."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import UNSET

from markets.domain.publish import IN_PLAY_MS
from markets.live.sockets import ALIVE, Packed
from markets.selectors.offer import Offer

from . import payload
from .streams_changes import VALIDITY, Path, changed_keys, changed_odds, closed, open_prices, paths, same_document
from .streams_frames import AnyFrame, Beat, Gone, Json, MatchBeat, Odds, Renewal, Renewals, Snapshot, Suspend, Update, encode

UNTOLD: Json = {}
"""In place of a price that the next update must name, whatever it is."""
_MILLISECOND = timedelta(milliseconds=1)


class MatchStream(ABC):
    """``part``: what a socket that missed something of it asks for anew. Raises nothing; what failed is told as suspended."""

    def __init__(self, offer: Offer, part: int) -> None:
        self.match_id = offer.snapshot.match_id or 0
        self.sport = offer.snapshot.sport
        self.part = part
        self.seq = 0
        self.offer = offer

    @property
    @abstractmethod
    def changed(self) -> bool:
        """Whether something is not told yet."""

    @property
    @abstractmethod
    def closing(self) -> bool:
        """Whether something was told as open that is not."""

    @abstractmethod
    def take(self, offer: Offer) -> None:
        """What is offered now."""

    def confirm(self, offer: Offer) -> None:
        """The same as a beat falls due."""
        self.take(offer)

    @abstractmethod
    def fail(self, words: str) -> None:
        """Nobody can say what is offered."""

    @abstractmethod
    def snapshot(self, now: datetime) -> Packed:
        """Everything that holds now, under the count as it stands: what follows continues it."""

    @abstractmethod
    def frame(self, now: datetime) -> Packed:
        """The next frame; what it says counts as told."""

    @abstractmethod
    def beat(self, now: datetime) -> Packed:
        """Renews what is open."""

    def gone(self, now: datetime) -> Packed:
        """Farewell, to those who are told; for others the count goes on as it stands."""
        return self._packed(Gone(self.match_id, self.sport, self.seq + 1, self.seq, now=now))

    def _numbered(self, before: int | None) -> Json:
        """What every frame of the match has: which match, and its place in the count after ``before``."""
        return {"match_id": self.match_id, "sport": self.sport, "seq": self.seq, "prev_seq": before}

    def _count(self) -> int:
        """One frame more; the count before it."""
        self.seq += 1
        return self.seq - 1

    def _packed(self, frame: AnyFrame, part: int | None = None) -> Packed:
        return Packed(encode(frame), self.seq, self.part if part is None else part)


class OddsStream(MatchStream):
    """The ``updates`` stream: a client that applies its frames has what REST answers (promise D3)."""

    def __init__(self, offer: Offer, part: int) -> None:
        super().__init__(offer, part)
        self._document: Json = {}
        self._in_play: frozenset[str] = frozenset()
        self._open: dict[Path, int] = {}
        self._open_at = offer.now
        self._told: Json = {}
        self._told_open: set[Path] = set()
        self._changed = False
        self._failed = ""
        self.take(offer)
        self._count_as_told()

    @property
    def changed(self) -> bool:
        return self._changed

    @property
    def closing(self) -> bool:
        return not self._told_open <= self._open.keys()

    def take(self, offer: Offer) -> None:
        self.offer, self._failed = offer, ""
        self._document = payload.match(offer)
        self._in_play = frozenset(p.key for row, p in zip(offer.snapshot.markets, offer.published, strict=True) if row.facts.market.in_play)
        self._open, self._open_at = open_prices(self._document["odds"]), offer.now
        self._changed = not same_document(self._document, self._told)

    def confirm(self, offer: Offer) -> None:
        """Only what is open, and for how long, can have changed without anybody's notice."""
        open_now = _lives(offer, self._document["odds"])
        if self._failed or open_now.keys() != self._open.keys():
            self.take(offer)
        else:
            self._open, self._open_at = open_now, offer.now

    def fail(self, words: str) -> None:
        self._failed = words
        self._document = {**self._document, "odds": closed(self._document["odds"], words)}
        self._open = {}
        self._changed = not same_document(self._document, self._told)

    def snapshot(self, now: datetime) -> Packed:
        document = self._document
        frame = Snapshot(
            **self._numbered(None),
            **_head(document),
            odds=self._aged(document["odds"], now),
            markets=document["markets"],
            override=document["override"],
            valid_for_ms=min((self._left(ms, now) for ms in self._open.values()), default=0),
            now=now,
        )
        return self._packed(frame)

    def frame(self, now: datetime) -> Packed:
        """The fence before anything else: where nothing is left open it says only that; the rest follows as an update."""
        scope = self._scope()
        return self._suspend(scope, now) if scope else self._update(now)

    def beat(self, now: datetime) -> Packed:
        valid, odds = self._renewals(now)
        frame = Beat(**self._numbered(self.seq), **_revisions(self._told), odds=odds, valid_for_ms=valid, now=now)
        return self._packed(frame, ALIVE)

    def match_beat(self, now: datetime) -> MatchBeat:
        """The same inside a sport's beat."""
        valid, odds = self._renewals(now)
        return MatchBeat(self.seq, valid, odds)

    # Closing

    def _scope(self) -> Literal["inPlay", "all"] | None:
        """What is closed as a whole: nothing of it is open any more, and something was told as open."""
        if not self.closing:
            return None
        if not self._open:
            return "all"
        told, now = (any(market in self._in_play for _, market, _ in paths) for paths in (self._told_open, self._open))
        return "inPlay" if told and not now else None

    def _suspend(self, scope: Literal["inPlay", "all"], now: datetime) -> Packed:
        """The client takes more for suspended than it was told one by one, so the next update names all of it."""
        before = self._count()
        self._told["odds"] = {
            group: {m: dict.fromkeys(o, UNTOLD) if scope == "all" or m in self._in_play else o for m, o in markets.items()}
            for group, markets in self._told["odds"].items()
        }
        self._told_open = {path for path in self._told_open if scope == "inPlay" and path[1] not in self._in_play}
        self._changed = True
        return self._packed(Suspend(**self._numbered(before), **_revisions(self._told), scope=scope, now=now))

    # Changing

    def _update(self, now: datetime) -> Packed:
        before = self._count()
        document, told = self._document, self._told
        odds = changed_odds(told["odds"], document["odds"])
        named = {path for path in paths(odds) if path in self._open}
        frame = Update(
            **self._numbered(before),
            **_head(document),
            odds=self._aged(odds, now),
            markets=changed_keys(told["markets"], document["markets"]),
            valid_for_ms=min((self._left(self._open[path], now) for path in named), default=0),
            override=document["override"] if told["override"] != document["override"] else UNSET,
            now=now,
        )
        self._count_as_told()
        return self._packed(frame)

    def _count_as_told(self) -> None:
        self._told = dict(self._document)
        self._told_open = set(self._open)
        self._changed = False

    # Lasting

    def _left(self, valid_ms: int, now: datetime) -> int:
        """Of what was true when the offer was made: what is left of it now."""
        return max(0, valid_ms - _ceil_ms(now - self._open_at))

    def _aged(self, odds: Any, now: datetime) -> Any:
        """Prices with what is left of their time; ``null`` stays."""
        if not self._open:
            return odds
        return {
            group: markets and {m: outcomes and self._aged_market(group, m, outcomes, now) for m, outcomes in markets.items()}
            for group, markets in odds.items()
        }

    def _aged_market(self, group: str, market: str, outcomes: Mapping[str, Json | None], now: datetime) -> dict[str, Json | None]:
        return {
            outcome: {**price, VALIDITY: self._left(self._open[group, market, outcome], now)}
            if price and (group, market, outcome) in self._open
            else price
            for outcome, price in outcomes.items()
        }

    def _renewals(self, now: datetime) -> tuple[int, Renewals]:
        """For how long everything that was told open may be believed, and what has less than that."""
        lives = {path: min(IN_PLAY_MS, self._left(self._open.get(path, 0), now)) for path in self._told_open}
        if not lives:
            return 0, {}
        usual = Counter(lives.values()).most_common(1)[0][0]
        odds: Renewals = {}
        for (group, market, outcome), ms in lives.items():
            if ms < usual:
                odds.setdefault(group, {}).setdefault(market, {})[outcome] = Renewal(ms)
        return usual, odds


def _revisions(document: Json) -> Json:
    return {"revision": document["revision"], "bookmaker_revision": document["bookmakerRevision"]}


def _head(document: Json) -> Json:
    """What a frame that says what is offered says of the match itself."""
    named = {"phase": document["phase"], "state_hash": document["stateHash"], "linked_match_ids": document["linkedMatchIds"]}
    return {**_revisions(document), **named}


def _lives(offer: Offer, odds: Odds) -> dict[Path, int]:
    """The same of another offer of the same markets."""
    groups = {market: group for group, markets in odds.items() for market in markets}
    return {
        (groups.get(market.key, ""), market.key, selection.key): selection.valid_for_ms
        for market in offer.published
        for selection in market.selections
        if selection.tradable
    }


def _ceil_ms(span: timedelta) -> int:
    return max(0, -(-span // _MILLISECOND))
