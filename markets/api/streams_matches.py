"""One match as one stream tells it: what was told, what holds now, and the frame between the two. Pure but for the serialising."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from msgspec import UNSET

from markets.domain.publish import IN_PLAY_MS
from markets.domain.rules import Code, Survey, survey
from markets.live.sockets import ALIVE, Packed
from markets.selectors.offer import Offer

from . import payload
from .streams_frames import (
    AnyFrame,
    Beat,
    Changes,
    Gone,
    Json,
    MarketChanges,
    MatchBeat,
    Odds,
    OverrideSnapshot,
    OverrideUpdate,
    Snapshot,
    Suspend,
    Update,
    encode,
)

Path = tuple[str, str, str]
"""Odd group, market key, outcome key."""
VALIDITY = "validForMs"
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
        return self._packed(Gone(self.match_id, self.sport, self.seq + 1, self.seq, now))

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
        self._open, self._open_at = _open_prices(self._document["odds"]), offer.now
        self._changed = not _same_document(self._document, self._told)

    def confirm(self, offer: Offer) -> None:
        """Only what is open, and for how long, can have changed without anybody's notice."""
        open_now = _lives(offer, self._document["odds"])
        if self._failed or open_now.keys() != self._open.keys():
            self.take(offer)
        else:
            self._open, self._open_at = open_now, offer.now

    def fail(self, words: str) -> None:
        self._failed = words
        self._document = {**self._document, "odds": _suspended(self._document["odds"], words)}
        self._open = {}
        self._changed = not _same_document(self._document, self._told)

    def snapshot(self, now: datetime) -> Packed:
        document = self._document
        frame = Snapshot(
            match_id=self.match_id,
            sport=self.sport,
            seq=self.seq,
            prev_seq=None,
            revision=document["revision"],
            bookmaker_revision=document["bookmakerRevision"],
            phase=document["phase"],
            state_hash=document["stateHash"],
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
        told = self._told
        frame = Beat(
            self.match_id, self.sport, self.seq, self.seq, told["revision"], told["bookmakerRevision"], odds, valid, now
        )  # fmt: skip
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
        before, self.seq = self.seq, self.seq + 1
        self._told["odds"] = {
            group: {m: dict.fromkeys(o, UNTOLD) if scope == "all" or m in self._in_play else o for m, o in markets.items()}
            for group, markets in self._told["odds"].items()
        }
        self._told_open = {path for path in self._told_open if scope == "inPlay" and path[1] not in self._in_play}
        self._changed = True
        told = self._told
        return self._packed(Suspend(self.match_id, self.sport, self.seq, before, told["revision"], told["bookmakerRevision"], scope, now))

    # Changing

    def _update(self, now: datetime) -> Packed:
        before, self.seq = self.seq, self.seq + 1
        document, told = self._document, self._told
        odds = _changes(told["odds"], document["odds"])
        named = {path for path in _paths(odds) if path in self._open}
        frame = Update(
            match_id=self.match_id,
            sport=self.sport,
            seq=self.seq,
            prev_seq=before,
            revision=document["revision"],
            bookmaker_revision=document["bookmakerRevision"],
            phase=document["phase"],
            state_hash=document["stateHash"],
            odds=self._aged(odds, now),
            markets=_changed(told["markets"], document["markets"]),
            valid_for_ms=min((self._left(self._open[path], now) for path in named), default=0),
            now=now,
            override=document["override"] if told["override"] != document["override"] else UNSET,
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

    def _renewals(self, now: datetime) -> tuple[int, Odds]:
        """For how long everything that was told open may be believed, and what has less than that."""
        lives = {path: min(IN_PLAY_MS, self._left(self._open.get(path, 0), now)) for path in self._told_open}
        if not lives:
            return 0, {}
        usual = Counter(lives.values()).most_common(1)[0][0]
        odds: Odds = {}
        for (group, market, outcome), ms in lives.items():
            if ms < usual:
                odds.setdefault(group, {}).setdefault(market, {})[outcome] = {VALIDITY: ms}
        return usual, odds


class OverrideStream(MatchStream):
    """The ``overrides`` stream: what the bookmaker's people, or staff, hold and price of the match."""

    def __init__(self, offer: Offer, part: int) -> None:
        super().__init__(offer, part)
        self._entries: dict[str, Json] = {}
        self._holds: Json = {}
        self._valid_ms = 0
        self.take(offer)
        self._told_entries, self._told_holds = self._entries, self._holds

    @property
    def changed(self) -> bool:
        return self._entries != self._told_entries or self._holds != self._told_holds

    @property
    def closing(self) -> bool:
        return False

    def take(self, offer: Offer) -> None:
        seen = survey(offer.around)
        self.offer = offer
        self._entries, self._holds = _entries(offer), _holds(offer, seen)
        self._valid_ms = 0 if any(reason.code is Code.STORE for reason in seen.wide) else IN_PLAY_MS

    def fail(self, words: str) -> None:
        self._valid_ms = 0

    def snapshot(self, now: datetime) -> Packed:
        frame = OverrideSnapshot(
            self.match_id, self.sport, self.seq, None, self.offer.revision, self.offer.bookmaker_revision,
            list(self._entries.values()), self._holds, self._valid_ms, now,
        )  # fmt: skip
        return self._packed(frame)

    def frame(self, now: datetime) -> Packed:
        before, self.seq = self.seq, self.seq + 1
        told, self._told_entries, self._told_holds = self._told_entries, self._entries, self._holds
        new = [entry for key, entry in self._entries.items() if told.get(key) != entry]
        ended = [{**entry, "ended": True} for key, entry in told.items() if key not in self._entries]
        frame = OverrideUpdate(
            self.match_id, self.sport, self.seq, before, self.offer.revision, self.offer.bookmaker_revision,
            [*new, *ended], self._holds, self._valid_ms, now,
        )  # fmt: skip
        return self._packed(frame)

    def beat(self, now: datetime) -> Packed:
        revisions = (self.offer.revision, self.offer.bookmaker_revision)
        return self._packed(Beat(self.match_id, self.sport, self.seq, self.seq, *revisions, {}, self._valid_ms, now), ALIVE)


# Odds


def _open_prices(odds: Odds) -> dict[Path, int]:
    """For how long each price that is open may be believed."""
    return {path: price[VALIDITY] for path, price in _prices(odds) if not price["suspended"]}


def _lives(offer: Offer, odds: Odds) -> dict[Path, int]:
    """The same of another offer of the same markets."""
    groups = {market: group for group, markets in odds.items() for market in markets}
    return {
        (groups.get(market.key, ""), market.key, selection.key): selection.valid_for_ms
        for market in offer.published
        for selection in market.selections
        if selection.tradable
    }


def _prices(odds: Odds) -> Iterator[tuple[Path, Json]]:
    for group, markets in odds.items():
        for market, outcomes in markets.items():
            for outcome, price in outcomes.items():
                yield (group, market, outcome), price


def _paths(changes: Changes) -> Iterator[Path]:
    for group, markets in changes.items():
        for market, outcomes in (markets or {}).items():
            for outcome in outcomes or ():
                yield group, market, outcome


def _suspended(odds: Odds, words: str) -> Odds:
    closed = {"suspended": True, "reasons": [words], VALIDITY: 0}
    return {
        group: {market: {outcome: {**price, **closed} for outcome, price in outcomes.items()} for market, outcomes in markets.items()}
        for group, markets in odds.items()
    }


def _same_document(one: Json, other: Json) -> bool:
    if one.keys() != other.keys():
        return False
    return all(_same_odds(one[k], other[k]) if k == "odds" else one[k] == other[k] for k in one)


def _same_odds(one: Odds, other: Odds) -> bool:
    return one == other or not _changes(one, other)


def _changes(before: Odds, after: Odds) -> Changes:
    """What ``after`` has that ``before`` has not, and ``None`` for what it has not any more."""
    changes: Changes = {group: None for group in before if group not in after}
    for group, markets in after.items():
        if (changed := _market_changes(before.get(group, {}), markets)) or group not in before:
            changes[group] = changed
    return changes


def _market_changes(before: Mapping[str, dict[str, Json]], after: Mapping[str, dict[str, Json]]) -> MarketChanges:
    found: MarketChanges = {market: None for market in before if market not in after}
    for market, outcomes in after.items():
        told = before.get(market)
        if told is None:
            found[market] = dict(outcomes)
        elif told != outcomes and (changed := _outcome_changes(told, outcomes)):
            found[market] = changed
    return found


def _outcome_changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, Json | None]:
    changed: dict[str, Json | None] = {o: price for o, price in after.items() if not _same_price(before.get(o), price)}
    return changed | {outcome: None for outcome in before if outcome not in after}


def _same_price(one: Json | None, other: Json) -> bool:
    """Its time apart, which beats renew."""
    return one is not None and (one == other or {**one, VALIDITY: 0} == {**other, VALIDITY: 0})


V = TypeVar("V")


def _changed(before: Mapping[str, V], after: Mapping[str, V]) -> dict[str, V | None]:
    changed: dict[str, V | None] = {key: value for key, value in after.items() if before.get(key) != value}
    return changed | {key: None for key in before if key not in after}


def _ceil_ms(span: timedelta) -> int:
    return max(0, -(-span // _MILLISECOND))


# Overrides


def _entries(offer: Offer) -> dict[str, Json]:
    """By ``id``: one for each override in effect, one for each hold of a very selection."""
    return {str(entry["id"]): entry for entry in payload.overrides(offer)}


def _holds(offer: Offer, seen: Survey) -> Json:
    """What holds more than one selection of the match, in words."""
    keys = {str(market.id): market.key for market in offer.published}
    wide = [payload.words(reason) for reason in seen.wide if reason.code is Code.HOLD]
    markets = {keys[target]: [payload.words(r) for r in reasons] for target, reasons in seen.on_market.items() if target in keys}
    return {"all": wide, "markets": markets}
