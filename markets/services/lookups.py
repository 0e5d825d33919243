"""Sports and market types by a provider's ids, made on first sight (decisions U15, U16).

Asked once a transaction for all that is needed; nothing is kept between transactions, so that nothing can be stale.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from markets.domain import sequence
from markets.domain.messages import Market, Ref
from markets.domain.sports import catalogue
from markets.models import MarketType, Sport, SportRef


class SportRow(Struct, frozen=True):
    id: int
    slug: str


def sport(provider: str, ref: Ref) -> SportRow:
    """The sport of a provider's id; an unknown id becomes ``sport-<id>``."""
    row = _sport(provider, ref.id)
    if row is None:
        _make_sport(provider, ref)
        row = _sport(provider, ref.id)
    assert row is not None
    return row


def _sport(provider: str, ref: str) -> SportRow | None:
    found = SportRef.objects.filter(provider=provider, ref=ref).values_list("sport_id", "sport__slug").first()
    return found and SportRow(*found)


def _make_sport(provider: str, ref: Ref) -> None:
    known = catalogue.sport_of(ref.id, ref.name)
    Sport.objects.bulk_create([Sport(slug=known.slug[:50], name=known.name[:80])], ignore_conflicts=True)
    row = Sport.objects.get(slug=known.slug[:50])
    SportRef.objects.bulk_create([SportRef(provider=provider, ref=ref.id, sport=row)], ignore_conflicts=True)


def type_ids(provider: str, wanted: Iterable[tuple[Market, str | None]]) -> dict[str, int]:
    """Row ids by type id for markets, each with the slug of its sport (``None`` while unknown); missing ones are made."""
    markets = {market.type_id: (market, slug) for market, slug in wanted}
    found = _type_ids(provider, markets)
    if missing := sorted(markets.keys() - found.keys()):
        _make_types(provider, [markets[ref] for ref in missing])
        found |= _type_ids(provider, missing)
    return found


def _type_ids(provider: str, refs: Iterable[str]) -> dict[str, int]:
    return dict(MarketType.objects.filter(provider=provider, ref__in=list(refs)).values_list("ref", "pk"))


def _make_types(provider: str, markets: Iterable[tuple[Market, str | None]]) -> None:
    rules = {sequence.family(t.name): t for t in MarketType.objects.filter(provider=provider)}
    made = [_new_type(provider, market, slug, rules.get(sequence.family(market.type_name))) for market, slug in markets]
    MarketType.objects.bulk_create(made, ignore_conflicts=True)


def _new_type(provider: str, market: Market, slug: str | None, relative: MarketType | None) -> MarketType:
    """Current, Next and Numbered variants share one rule (U14), so a new one takes over what its relative has."""
    name, ref = market.type_name, market.type_id
    return MarketType(
        provider=provider,
        ref=ref,
        name=name[:200],
        odd_group=_group(market, slug, relative),
        sequence_meaning=relative.sequence_meaning if relative else sequence.default_meaning(ref, name),
        is_main=ref in catalogue.MAIN_TYPES,
    )


def _group(market: Market, slug: str | None, relative: MarketType | None) -> str:
    """The provider's own odd group, where it has them; U16 otherwise."""
    if market.group:
        return market.group
    return relative.odd_group if relative else sequence.default_group(slug, market.type_id, market.type_name, market.sequence)


def share_rule(changed: MarketType) -> int:
    """Give a type's odd group and sequence meaning to the whole family (U14); returns how many others changed."""
    family = sequence.family(changed.name)
    rows = MarketType.objects.filter(provider=changed.provider).exclude(pk=changed.pk)
    relatives = [row.pk for row in rows if sequence.family(row.name) == family]
    return MarketType.objects.filter(pk__in=relatives).update(odd_group=changed.odd_group, sequence_meaning=changed.sequence_meaning)
