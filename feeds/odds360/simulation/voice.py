"""The shapes that tell of a match: payloads and frames as ``docs/api.md`` has them where 000 is silent, or spelled otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from .book import GROUPS, OPEN, Changed, Market, Selection
from .ledger import Entry

if TYPE_CHECKING:
    from .contest import Contest

SPORT = "table-tennis"
LIVE_MS, UPCOMING_MS = 2_000, 10_000
PRICES = ("object", "number", "string", "mixed")
NO_HOLDS: dict[str, Any] = {"all": [], "markets": {}}
SUSPENDED = "market: suspended by the provider"


class Spelling(Struct, frozen=True):
    """Which of the shapes that 000 leaves open is spoken. ``price``: one of :data:`PRICES`; a bare one that is suspended is ``null``.
    ``whole``: streams send the whole payload for each change, without a type, and nothing between. ``bare``: a payload has the four keys of
    000 and nothing else. ``apart``: the odds do not follow an override, so that the two disagree (decision O3). ``nulls``: a market that is
    not listed any more is ``null`` in an update; without it only the next snapshot or re-read shows that.
    """

    price: str = "object"
    whole: bool = False
    bare: bool = False
    apart: bool = False
    nulls: bool = False


class Voice:
    """Speaks for one contest."""

    def __init__(self, contest: Contest, spelling: Spelling) -> None:
        self._contest, self._spelling = contest, spelling
        self._head = {"matchId": contest.card.id, "sport": SPORT}

    # --- REST ---------------------------------------------------------------------------------------------------------------------

    def payload(self) -> dict[str, Any]:
        """The whole match (000 section 4, ``docs/api.md`` "One match")."""
        odds = self._odds(((market, market.selections) for market in self._offered()), empty=True)
        override = [self._contest.ledger.shown(entry) for entry in self._contest.ledger.entries()]
        if self._spelling.bare:
            return {**self._head, "odds": odds, "override": override}
        markets = {market.key: self._market(market) for market in self._offered()}
        return {**self._head, **self._revisions(), **self._facts(markets), "odds": odds, "override": override}

    def verify(self) -> dict[str, Any]:
        """What ``…/verify`` answers."""
        checked = {"revision": self._contest.revision, "stateHash": self.state_hash(), "checkedAt": _iso(datetime.now(UTC))}
        return {**self._head, "verified": True, **checked, "problems": []}

    def state_hash(self) -> str:
        """Of all prices; the same ones give the same hash."""
        facts = [(m.key, m.status, m.suspended, [(s.key, s.price, s.result) for s in m.selections]) for m in self._contest.book.offered()]
        return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()

    def total_odds(self) -> int:
        """Selections with a price, suspended ones too (decision O4)."""
        return sum(one.price is not None for market in self._offered() for one in market.selections)

    # --- frames -------------------------------------------------------------------------------------------------------------------

    def snapshot(self, seq: int, previous: int | None) -> bytes:
        if self._spelling.whole:
            return self._whole()
        if self._contest.over:
            return self.gone(seq, previous)
        payload = self.payload()
        names = ("phase", "stateHash", "odds", "markets", "override")
        return self._frame("snapshot", seq, previous, **{name: payload[name] for name in names if name in payload})

    def update(self, changed: Changed, seq: int, previous: int | None) -> bytes:
        if self._spelling.whole:
            return self._whole()
        listed = [(self._contest.book.markets[key], selections) for key, selections in changed.selections.items()]
        odds = self._odds(listed)
        gone = changed.gone if self._spelling.nulls else ()
        for market in gone:
            odds.setdefault(market.group, {})[market.key] = None
        facts = {} if self._spelling.bare else self._facts({**{m.key: self._market(m) for m, _ in listed}, **{m.key: None for m in gone}})
        return self._frame("update", seq, previous, odds=odds, **facts)

    def suspend(self, seq: int, previous: int | None) -> bytes:
        return self._whole() if self._spelling.whole else self._frame("suspend", seq, previous, scope="all")

    def gone(self, seq: int, previous: int | None) -> bytes:
        return self._whole() if self._spelling.whole else self._frame("gone", seq, previous)

    def beat(self, seq: int, previous: int | None) -> bytes:
        return self._frame("beat", seq, previous, odds={})

    def all_overrides(self, seq: int, previous: int | None) -> bytes:
        if self._contest.over:
            return self.gone(seq, previous)
        entries = [self._contest.ledger.named(entry) for entry in self._contest.ledger.entries()]
        return self._frame("snapshot", seq, previous, override=entries, holds=NO_HOLDS)

    def changed_overrides(self, began: Iterable[Entry], ended: Iterable[Entry], seq: int, previous: int | None) -> bytes:
        named = self._contest.ledger.named
        entries = [*(named(entry) for entry in began), *(named(entry) | {"ended": True} for entry in ended)]
        return self._frame("update", seq, previous, override=entries, holds=NO_HOLDS)

    def _frame(self, type_: str, seq: int, previous: int | None, **facts: Any) -> bytes:
        head = {"type": type_, **self._head, "seq": seq, "prevSeq": previous, **self._revisions()}
        return msgspec.json.encode({**head, **facts, "validForMs": self._valid_for(), "now": _iso(datetime.now(UTC))})

    def _whole(self) -> bytes:
        return msgspec.json.encode(self.payload())

    def _facts(self, markets: dict[str, Any]) -> dict[str, Any]:
        """What our own API tells beside the odds."""
        return {"phase": self._contest.status.value, "stateHash": self.state_hash(), "markets": markets}

    def _revisions(self) -> dict[str, int]:
        return {"revision": self._contest.revision, "bookmakerRevision": self._contest.ledger.version}

    # --- parts --------------------------------------------------------------------------------------------------------------------

    def value(self, market: Market, selection: Selection) -> float | None:
        """As published: the override where one is in effect."""
        own = None if self._spelling.apart else self._contest.ledger.value(f"{market.key}#{selection.key}")
        return own if own is not None else selection.price

    def held(self, market: Market, selection: Selection) -> bool:
        """Whether it is no offer now."""
        held = not self._spelling.apart and self._contest.ledger.suspended(f"{market.key}#{selection.key}")
        return held or not market.open or selection.price is None

    def _offered(self) -> list[Market]:
        return list(self._contest.book.offered())

    def _odds(self, listed: Iterable[tuple[Market, Iterable[Selection]]], empty: bool = False) -> dict[str, Any]:
        """Group → market → outcome → price; with ``empty`` groups that have nothing in them too."""
        odds: dict[str, Any] = {group: {} for group in GROUPS} if empty else {}
        for market, selections in listed:
            outcomes = odds.setdefault(market.group, {}).setdefault(market.key, {})
            outcomes.update({one.key: self._price(market, one) for one in selections})
        return odds

    def _price(self, market: Market, selection: Selection) -> Any:
        spelled = self._spelling.price
        if spelled == "mixed":
            spelled = PRICES[int(selection.id) % 3]
        value, held = self.value(market, selection), self.held(market, selection)
        if spelled == "object":
            return self._object(market, selection, value, held)
        if held or value is None:
            return None
        return value if spelled == "number" else f"{value:.2f}"

    def _object(self, market: Market, selection: Selection, value: float | None, held: bool) -> dict[str, Any]:
        return {
            "value": value,
            "suspended": held,
            "reasons": [SUSPENDED] if held else [],
            "validForMs": 0 if held else self._valid_for(),
            "id": selection.id,
            "name": selection.name,
            "competitorId": str(selection.competitor) if selection.competitor is not None else None,
            "version": self._contest.ledger.version,
            "feedValue": selection.price,
            "numerator": None,
            "denominator": None,
            "result": _result(selection),
        }

    def _market(self, market: Market) -> dict[str, Any]:
        return {
            "id": market.kind.id,
            "name": market.name,
            "typeId": market.kind.id,
            "group": market.group,
            "inPlay": self._contest.started_at is not None,
            "line": market.line,
            "sequence": market.game,
            "status": market.status if market.status != OPEN or not market.suspended else "Suspended",
            "tradable": any(not self.held(market, one) for one in market.selections),
            "expiry": None,
            "cashOutStatus": None,
            "eachWay": None,
            "score": None,
            "resultRevision": 1 if market.selections[0].result else None,
        }

    def _valid_for(self) -> int:
        return LIVE_MS if self._contest.started_at is not None else UPCOMING_MS


def _result(selection: Selection) -> dict[str, Any] | None:
    nothing = dict.fromkeys(("percentageWin", "percentagePush", "place", "countInPlace"))
    return {"status": selection.result, **nothing} if selection.result else None


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
