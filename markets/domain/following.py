"""Facts that come in pieces, put together: rows of several shapes, changes of a market, overrides of the provider (O2, O3). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from .messages import (
    Competition,
    Competitor,
    FixtureDetails,
    Market,
    MatchState,
    Selection,
    Upstream,
    UpstreamChange,
    UpstreamSet,
    upstream_place,
)
from .values import FixtureStatus, MarketStatus, SelectionStatus

OVERRIDES = "Overrides"
"""The match state that holds the overrides of the provider's own people."""

SUSPENSION = "none"
"""The value of an override without a price."""

Overrides = Mapping[str, Upstream]


def completed(current: FixtureDetails | None, details: FixtureDetails) -> FixtureDetails:
    """``details`` with what it leaves out as it was; a name without an id keeps the id that came with it."""
    if not details.partial:
        return details
    if current is None:
        return replace(details, partial=False)
    said = {name: value for name in _PIECES if (value := getattr(details, name))}
    if details.competition is not None and current.competition is not None:
        said["competition"] = _competition(current.competition, details.competition)
    if details.competitors:
        said["competitors"] = _competitors(current.competitors, details.competitors)
    if details.status is not FixtureStatus.UNKNOWN:
        said |= {"status": details.status, "status_text": details.status_text, "is_off": details.is_off}
    return replace(current, **said)


_PIECES = ("name", "type", "start", "sport", "competition", "season", "tour_season", "round", "venue", "external_ids")


def _competition(current: Competition, said: Competition) -> Competition:
    """Known by its name alone it would lose the holds that lie on it; not every list says of which region the same one is."""
    if not said.id and current.id:
        return current
    same = said.id == current.id if said.id else said.name == current.name
    return replace(said, region=current.region) if said.region is None and same else said


def _competitors(current: tuple[Competitor, ...], said: tuple[Competitor, ...]) -> tuple[Competitor, ...]:
    by_side = {one.home_away: one for one in current}
    return tuple(_competitor(by_side.get(one.home_away), one) for one in said)


def _competitor(current: Competitor | None, said: Competitor) -> Competitor:
    """A row without ids names the same one as long as the name is the same; whoever is called otherwise may be another (T7)."""
    if said.id or current is None or said.name != current.name:
        return said
    return current


def changed(current: Market, changes: Market) -> Market:
    """``current`` with the selections that ``changes`` names. Its status stays unless the message gives one in words."""
    named = {s.id: s for s in changes.selections}
    kept = tuple(named.pop(s.id, s) for s in current.selections)
    said = changes.status is not MarketStatus.OPEN or (changes.status_text and not _in_doubt(current, changes))
    status = (changes.status, changes.status_text) if said else (current.status, current.status_text)
    return replace(
        current,
        status=status[0],
        status_text=status[1],
        line=current.line if changes.line is None else changes.line,
        is_handicap=changes.is_handicap or current.is_handicap,
        selections=kept + tuple(named.values()),
    )


def _in_doubt(current: Market, changes: Market) -> bool:
    """What could not be read may have closed any of its selections, so that more than a word must open it again."""
    return current.status is MarketStatus.UNRECOGNISED and not speaks_of_all(current, changes)


def speaks_of_all(current: Market | None, changes: Market) -> bool:
    """Whether no listed selection of ``current`` is left out."""
    named = {s.id for s in changes.selections}
    return current is None or all(s.id in named for s in current.selections if s.listed)


def with_line(current: Market, market: Market) -> Market:
    """A line that stands beside the odds in some frames and not in others has not moved because it is not told."""
    if not market.follows_match or market.line is not None or current.line is None:
        return market
    return replace(market, line=current.line, is_handicap=current.is_handicap)


def unlisted(market: Market) -> Market:
    """Nothing of it is in the last message."""
    if not any(s.listed for s in market.selections):
        return market
    return replace(market, selections=tuple(replace(s, listed=False) for s in market.selections))


def suspended(market: Market) -> Market:
    """All of it is closed, its prices stay readable."""
    if all(s.status is SelectionStatus.SUSPENDED for s in market.selections):
        return market
    kept = (replace(s, status=SelectionStatus.SUSPENDED, status_text="") for s in market.selections)
    return replace(market, selections=tuple(kept))


class _Entry(NamedTuple):
    """One override as it is kept; see :class:`markets.domain.messages.UpstreamChange`."""

    place: str
    id: str = ""
    value: str = ""
    ends: str = ""

    @property
    def key(self) -> str:
        return "\n".join(self)


def _entry(key: str) -> _Entry:
    return _Entry(*key.split("\n"))


def overridden(current: MatchState | None, said: UpstreamSet) -> MatchState:
    """The overrides in effect after ``said``."""
    kept = {} if said.whole or current is None else dict(current.overrides)
    before = tuple(map(_entry, kept))
    for change in said.changes:
        entry = _Entry(change.place, change.id, change.value, change.ends)
        ended = _ended_by(change, tuple(map(_entry, kept))) if change.override is None else _replaced_by(entry, before)
        for one in ended:
            kept.pop(one.key, None)
        if change.override is not None:
            kept[entry.key] = change.override
    return MatchState(OVERRIDES, overrides=kept)


def _ended_by(change: UpstreamChange, kept: Iterable[_Entry]) -> list[_Entry]:
    """Entries may or may not name their group, themselves, their price and their end. One that fits several ends none: the next whole list
    says which is left."""
    found = [one for one in kept if _same_place(one.place, change) and _same_entry(one, change)]
    return found if change.id or len(found) == 1 else []


def _same_place(place: str, change: UpstreamChange) -> bool:
    bare = upstream_place("", change.market, change.outcome)
    return place in (change.place, bare) or (not change.group and place.endswith(bare))


def _same_entry(one: _Entry, change: UpstreamChange) -> bool:
    """By the id where both have one. Where only one of them has, by price and end, which both must say; else by what both say."""
    if one.id and change.id:
        return one.id == change.id
    if change.id:
        return bool(one.value and one.ends) and (one.value, one.ends) == (change.value, change.ends)
    return all(not mine or not theirs or mine == theirs for mine, theirs in ((one.value, change.value), (one.ends, change.ends)))


def _replaced_by(entry: _Entry, before: Iterable[_Entry]) -> list[_Entry]:
    """One without an id takes the place of the earlier one of its selection: of a suspension if it is one, else of a price."""
    if entry.id:
        return [one for one in before if (one.place, one.id) == (entry.place, entry.id)]
    kind = entry.value == SUSPENSION
    return [one for one in before if one.place == entry.place and not one.id and (one.value == SUSPENSION) == kind]


def by_place(overrides: Mapping[str, Upstream]) -> Overrides:
    """What is set at each place: entries that differ in their price leave none to agree with."""
    places: dict[str, list[Upstream]] = {}
    for key, override in overrides.items():
        places.setdefault(key.partition("\n")[0], []).append(override)
    return {place: _together(found) for place, found in places.items()}


def _together(found: list[Upstream]) -> Upstream:
    prices = {one.price for one in found if one.price is not None}
    return Upstream(prices.pop() if len(prices) == 1 else None, any(one.suspended for one in found))


def following(market: Market, details: FixtureDetails | None, overrides: Overrides) -> Market:
    """``market`` as its match has it now: in play, its end as a pre-match market, the provider's overrides of its selections."""
    if not market.follows_match:
        return market
    live = bool(details and details.is_off)
    expiry = details.start if details and not live else None
    selections = market.selections
    if overrides or any(s.upstream for s in selections):
        selections = tuple(_with_override(market, s, overrides) for s in selections)
    if (market.in_play, market.expiry, market.selections) == (live, expiry, selections):
        return market
    return replace(market, in_play=live, expiry=expiry, selections=selections)


def _with_override(market: Market, selection: Selection, overrides: Overrides) -> Selection:
    found = [overrides[place] for group in (market.group, "") if (place := upstream_place(group, market.key, selection.key)) in overrides]
    said = _together(found) if found else None
    return selection if selection.upstream == said else replace(selection, upstream=said)
