"""An offer in the shape of the Odds360 contract (000 "Load the full table tennis odds payload", decision O4). Pure.

Every price is gated at the instant of the offer; ``validForMs`` says for how long it may be believed (promise A12).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from markets.domain.feedhash import state_hash
from markets.domain.messages import EachWay, Market, Selection, SelectionResult
from markets.domain.pricing import Override
from markets.domain.publish import MarketRow, PublishedMarket, PublishedSelection
from markets.domain.rules import Hold, Reason
from markets.domain.sports.groups import camel, groups_of
from markets.domain.values import OverrideKind, Scope
from markets.selectors.fixture import FixtureSnapshot
from markets.selectors.matches import MatchRow
from markets.selectors.offer import Offer

Json = dict[str, Any]

_encoder = msgspec.json.Encoder(decimal_format="number")
_VALIDITY = re.compile(rb'"validForMs":\d+')  # inside a JSON text the quotes would be escaped


class Body:
    """What is served of some offers: ``content``, ``etag``, and for how long the shortest price may be believed (0: none is open).

    The ETag leaves ``validForMs`` out: an answer that differs in nothing else is renewed by a 304 and its ``X-Valid-For-Ms``.
    """

    def __init__(self, value: Json | list[Json], offers: Collection[Offer]) -> None:
        lives = [s.valid_for_ms for offer in offers for m in offer.published for s in m.selections if s.tradable]
        self.valid_for_ms = min(lives, default=0)
        self.content = _encoder.encode(value)
        self.etag = f'"{hashlib.sha256(_VALIDITY.sub(b"", self.content)).hexdigest()[:32]}"'


def of_match(offer: Offer) -> Body:
    return Body(match(offer), [offer])


def of_list(rows: Iterable[tuple[MatchRow, Offer]]) -> Body:
    """The public list: each match's row with the whole payload of the match in one object."""
    shown = list(rows)
    return Body([{**msgspec.structs.asdict(row), **match(offer)} for row, offer in shown], [offer for _, offer in shown])


def match(offer: Offer) -> Json:
    """The whole payload of one match."""
    snapshot = offer.snapshot
    return {
        "matchId": snapshot.match_id,
        "sport": snapshot.sport,
        "phase": snapshot.phase,
        "revision": offer.revision,
        "bookmakerRevision": offer.bookmaker_revision,
        "stateHash": hash_of(snapshot),
        "linkedMatchIds": snapshot.linked_match_ids,
        "odds": _odds(offer),
        "markets": {p.key: _market(row, p) for row, p in _pairs(offer)},
        "override": overrides(offer),
    }


def overrides(offer: Offer) -> list[Json]:
    """One entry for each override in effect and one for each hold of a very selection, each with its own end."""
    return [
        entry
        for market in offer.published
        for selection in market.selections
        for entry in (override_entry(offer, market, selection), *hold_entries(offer, market, selection).values())
        if entry is not None
    ]


def override_entry(offer: Offer, market: PublishedMarket, selection: PublishedSelection) -> Json | None:
    """``oddValue`` is the price that the override makes now; ``suspended``: somebody holds this very selection."""
    if selection.override is None:
        return None
    price = _overridden(selection.override, selection)
    named = f"override-{selection.override.id}"
    return {"id": named, **_entry(market, selection, selection.override, price, suspended=bool(_own_holds(offer, selection.id)))}


def hold_entries(offer: Offer, market: PublishedMarket, selection: PublishedSelection) -> dict[int, Json]:
    """By the hold's row id: until when the selection is held, by whom; no ``oddValue``."""
    held = _own_holds(offer, selection.id)
    return {h.id: {"id": f"hold-{h.id}", **_entry(market, selection, h, None, suspended=True)} for h in held}


def _entry(
    market: PublishedMarket, selection: PublishedSelection, decided: Override | Hold, price: Decimal | None, *, suspended: bool
) -> Json:
    return {
        "oddKey": f"{market.key}#{selection.key}",
        "oddValue": price,
        "suspended": suspended,
        "endsAt": decided.ends_at,
        "by": decided.by,
        "reason": decided.reason,
    }


def _overridden(override: Override, selection: PublishedSelection) -> Decimal | None:
    """Without a feed price nothing is published, yet an absolute price is known."""
    if selection.price is None and override.kind is OverrideKind.PRICE:
        return override.value
    return selection.price


def _own_holds(offer: Offer, selection_id: int) -> list[Hold]:
    target = str(selection_id)
    held = (h for h in offer.terms.holds if h.scope is Scope.SELECTION and h.target == target)
    return [h for h in held if h.ends_at is None or offer.now < h.ends_at]


def _pairs(offer: Offer) -> list[tuple[MarketRow, PublishedMarket]]:
    return list(zip(offer.snapshot.markets, offer.published, strict=True))


def _odds(offer: Offer) -> dict[str, dict[str, Json]]:
    """Every group of the sport, and any other that a market is in."""
    odds: dict[str, dict[str, Json]] = {camel(group): {} for group in groups_of(offer.snapshot.sport)}
    for row, published in _pairs(offer):
        results = _results(row)
        values = {s.id: s for s in row.facts.market.selections}
        outcomes = odds.setdefault(camel(row.group), {}).setdefault(row.key, {})
        for selection in published.selections:
            value = values.get(selection.provider_id)
            outcomes[selection.key] = _outcome(selection, value, results.get(selection.provider_id))
    return odds


def _outcome(published: PublishedSelection, value: Selection | None, result: SelectionResult | None) -> Json:
    """``value``: one that the feed has taken away has no price any more, and does not count in ``totalOdds`` either (O4)."""
    return {
        "value": published.price if value and value.listed else None,
        "suspended": not published.tradable,
        "reasons": [words(reason) for reason in published.reasons],
        "validForMs": published.valid_for_ms,
        "id": published.provider_id,
        "name": published.name,
        "competitorId": (value.competitor_id or None) if value else None,
        "version": published.version,
        "feedValue": published.feed_price,
        "numerator": value.numerator if value else None,
        "denominator": value.denominator if value else None,
        "result": _result(result) if result else None,
    }


def words(reason: Reason) -> str:
    """``code: words``; the codes are listed in the glossary."""
    return f"{reason.code}: {reason.words}"


def _results(row: MarketRow) -> dict[str, SelectionResult]:
    result = row.facts.result
    return {s.selection_id: s for s in result.result.selections} if result else {}


def _result(result: SelectionResult) -> Json:
    return {
        "status": result.status,
        "percentageWin": result.percentage_win,
        "percentagePush": result.percentage_push,
        "place": result.place,
        "countInPlace": result.count_in_place,
    }


def _market(row: MarketRow, published: PublishedMarket) -> Json:
    market, result = row.facts.market, row.facts.result
    return {
        "id": market.id,
        "name": market.name,
        "typeId": market.type_id,
        "group": camel(row.group),
        "inPlay": market.in_play,
        "line": market.line,
        "sequence": market.sequence,
        "status": _status(market),
        "tradable": published.tradable,
        "expiry": market.expiry,
        "cashOutStatus": market.cash_out or None,
        "eachWay": _each_way(market.each_way) if market.each_way else None,
        "score": _score(result.result.score) if result and result.result.score else None,
        "resultRevision": result.revision if result else None,
    }


def _status(market: Market) -> str:
    """A word that we do not know is served as it came."""
    return market.status_text if market.status == "unrecognised" and market.status_text else market.status


def _each_way(terms: EachWay) -> Json:
    return {"places": terms.places, "numerator": terms.numerator, "denominator": terms.denominator}


def _score(score: tuple[int | None, int | None]) -> Json:
    return {"first": score[0], "second": score[1]}


_Key = tuple[int, int, datetime]


def hash_of(snapshot: FixtureSnapshot) -> str:
    """The state hash that is served of it; hashed once a revision, since a revision never shows two states."""
    key = (snapshot.id, snapshot.revision, snapshot.changed_at)
    if key not in _hashes:
        while len(_hashes) >= _MOST_HASHES:
            _hashes.pop(next(iter(_hashes)), None)
        _hashes[key] = state_hash(snapshot.ref, snapshot.state)
    return _hashes[key]


_MOST_HASHES = 4096
_hashes: dict[_Key, str] = {}
