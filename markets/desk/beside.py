"""Two feeds' prices of one match, side by side: rows for the fixture's page."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from markets.desk.facts import named
from markets.domain.links import Link
from markets.domain.publish import PublishedMarket, PublishedSelection
from markets.domain.rules import Code
from markets.selectors.offer import Offer


class Side(Struct, frozen=True):
    """One feed's price of an outcome, as it is published or would be if it were taken; ``why``: what else holds it, in words."""

    price: Decimal | None
    open: bool
    why: str
    taken: bool


class Row(Struct, frozen=True):
    """An outcome that either feed knows, by the public keys of both; ``taken``: slug of the feed whose group is offered."""

    group: str
    market: str
    outcome: str
    taken: str
    own: Side | None
    other: Side | None

    @property
    def sides(self) -> tuple[Side | None, Side | None]:
        return self.own, self.other


_Key = tuple[str, str, str]


class _Known(Struct, frozen=True):
    market: str
    outcome: str
    side: Side


def rows(own: Offer, other: Offer, link: Link) -> tuple[Row, ...]:
    """Everything that either feed has and that has no result yet, in the order of the first."""
    here, there = dict(_known(own, link)), dict(_known(other, link))
    return tuple(_row(key, here.get(key), there.get(key), link) for key in {**here, **there})


def _row(key: _Key, here: _Known | None, there: _Known | None, link: Link) -> Row:
    named = here or there
    assert named is not None
    sides = (here.side if here else None, there.side if there else None)
    return Row(key[0], named.market, named.outcome, link.taken_from(key[0]), *sides)


def _known(offer: Offer, link: Link) -> Iterator[tuple[_Key, _Known]]:
    names = {row.id: row.facts for row in offer.snapshot.markets}
    for market in offer.published:
        if names[market.id].result is not None:
            continue
        for selection in market.selections:
            key = (market.group, market.key, selection.key)
            side = _side(market, selection, link.taken_from(market.group) == offer.snapshot.source)
            yield key, _Known(named(names[market.id].market), selection.name, side)


def _side(market: PublishedMarket, selection: PublishedSelection, taken: bool) -> Side:
    """That the other feed is taken is the desk's own choice and says nothing of this one."""
    reasons = [reason for reason in selection.reasons or market.reasons if reason.code is not Code.OTHER_SOURCE]
    is_open = selection.price is not None and not reasons
    return Side(selection.price, is_open, reasons[0].words if reasons else "", taken)
