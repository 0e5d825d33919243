"""Odds: group → market → outcome → price, in any of the shapes that feeds.md 3.2 leaves open, with what stands beside them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from feeds.errors import Unreadable
from markets.domain.sports.groups import kebab

from .beside import About, Beside, Holds, holds, told_whole
from .outcomes import Outcome, containers, outcomes_of
from .prices import FLAG_NAMES, Price, Standing, closes, is_flag, most_closed, price_of, standing_of
from .wire import Object, line_of, text_of

MOST_MARKETS = 1_000
MOST_SELECTIONS = 5_000


class Market(Struct, frozen=True):
    """``group``, ``key`` verbatim. ``readable`` is false where something stood there that holds no outcomes; ``gone``: ``null`` did."""

    group: str
    key: str
    outcomes: tuple[Outcome, ...]
    standing: Standing = Standing.UNSAID
    readable: bool = True
    name: str = ""
    line: Decimal | None = None
    gone: bool = False


class Odds(Struct, frozen=True):
    """``unreadable``: groups that hold no markets that could be read; ``gone``: those in whose place ``null`` stands. ``closed``: markets
    that are closed without their odds being told; their ``group`` is empty where nobody can say which it is, or that it is one market only.
    """

    markets: tuple[Market, ...]
    unreadable: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    standing: Standing = Standing.UNSAID
    closed: tuple[Market, ...] = ()


def odds_of(said: Object, about: object = None) -> Odds:
    """``said``: the open map of groups; ``about``: the ``markets`` object beside it."""
    beside = Beside(about, said)
    groups = {group: value for group, value in said.items() if group not in FLAG_NAMES or isinstance(value, dict | list)}
    standings = _standings(groups, beside)
    markets = [market for group, value in groups.items() if isinstance(value, dict) for market in _group(group, value, beside)]
    empty = {kebab(group) for group, value in groups.items() if not isinstance(value, dict)}
    more, closed = _others(beside, markets, empty)
    _bound([*markets, *more, *closed])
    return Odds(
        markets=tuple(_under(standings[kebab(market.group)], market) for market in (*markets, *more)),
        unreadable=tuple(group for group, value in groups.items() if value is not None and not isinstance(value, dict)),
        gone=tuple(group for group, value in said.items() if value is None),
        standing=most_closed((beside.standing, _flags_of(said))),
        closed=(*closed, *(Market("", group, (), standing) for group, standing in standings.items() if closes(standing))),
    )


def _standings(groups: Object, beside: Beside) -> Mapping[str, Standing]:
    """What is said of each group as a whole, by its name in kebab-case; of a group that nothing is said of, that."""
    found = defaultdict(lambda: Standing.UNSAID, beside.groups)
    for group, value in groups.items():
        if isinstance(value, dict):
            found[kebab(group)] = most_closed((found[kebab(group)], _flags_of(value)))
    return found


def _flags_of(said: Object) -> Standing:
    """Of a group or of all groups; what holds something is a market or a group that is only called so."""
    return standing_of({name: said[name] for name in FLAG_NAMES if is_flag(said.get(name))})


def _bound(markets: list[Market]) -> None:
    if len(markets) > MOST_MARKETS:
        raise Unreadable(f"it has {len(markets)} markets, more than {MOST_MARKETS}")
    if (count := sum(len(market.outcomes) for market in markets)) > MOST_SELECTIONS:
        raise Unreadable(f"it has {count} selections, more than {MOST_SELECTIONS}")


def _group(group: str, said: Object, beside: Beside) -> Iterator[Market]:
    """Its markets, and those of which it has each outcome as ``market#outcome``."""
    flat: dict[str, Object] = {}
    for key, value in said.items():
        if key in FLAG_NAMES and is_flag(value):
            continue
        market, sharp, outcome = key.partition("#")
        if sharp and outcome:
            flat.setdefault(market, {})[outcome] = value
        else:
            yield _market(group, key, value, beside.of(group, key))
    for key, value in flat.items():
        yield _market(group, key, value, beside.of(group, key))


def _under(standing: Standing, market: Market) -> Market:
    """What a group says of itself holds for each of its markets."""
    return replace(market, standing=most_closed((standing, market.standing))) if closes(standing) else market


def _market(group: str, key: str, said: object, abouts: Iterable[Any] = ()) -> Market:
    """A market of the odds, with what is told of it elsewhere."""
    if said is None:
        return Market(group, key, (), gone=True)
    market = _own(group, key, said)
    for about in abouts:
        market = _with(market, about)
    return market


def _own(group: str, key: str, said: object) -> Market:
    outcomes = outcomes_of(said)
    if outcomes is None:
        return Market(group, key, (), Standing.UNKNOWN, readable=False)
    if not isinstance(said, dict):
        return Market(group, key, tuple(outcomes))
    line = next((found for name in ("line", "handicap") if (found := line_of(said.get(name))) is not None), None)
    status = standing_of({name: value for name, value in said.items() if _says_so(value)})
    return Market(group, key, tuple(outcomes), status, name=text_of(said.get("name")), line=line)


def _says_so(said: object) -> bool:
    """Whether a member of a market is about the market: an outcome may well be called “open”, and then has a price."""
    return is_flag(said) and not (isinstance(said, str) and price_of(said).value is not None)


# What stands beside them


def _with(market: Market, about: object) -> Market:
    """``market`` with what is told of it beside its odds, which may close it and name things, and contradict no price."""
    if not isinstance(about, dict):
        return replace(market, standing=most_closed((market.standing, Standing.UNKNOWN)))
    inside = containers(about)
    told = [found for one in inside if (found := outcomes_of(one)) is not None]
    doubt = Standing.UNKNOWN if len(told) != len(inside) else Standing.UNSAID
    return replace(
        market,
        outcomes=tuple(_together(market.outcomes, [outcome for found in told for outcome in found])),
        standing=most_closed((market.standing, standing_of(about), doubt)),
        name=text_of(about.get("name")) or market.name,
        line=line_of(about.get("line")) if market.line is None else market.line,
    )


def _together(own: tuple[Outcome, ...], told: list[Outcome]) -> Iterator[Outcome]:
    """One that the odds leave out has no price of theirs: it is closed where it is told to be closed, or to have one."""
    by_key: dict[str, list[Outcome]] = {}
    for one in told:
        by_key.setdefault(one.key, []).append(one)
    for one in own:
        yield _both(one, by_key.pop(one.key, []))
    for key, found in by_key.items():
        standing = most_closed(one.standing for one in found)
        if closes(standing) or any(not one.price.absent for one in found):
            yield Outcome(key, Price(problem="its price stands beside the odds only"), standing, name=found[0].name)


def _both(own: Outcome, told: list[Outcome]) -> Outcome:
    prices = [one.price for one in told if not one.price.absent]
    differ = not own.price.absent and any((one.value, one.problem) != (own.price.value, own.price.problem) for one in prices)
    return replace(
        own,
        price=Price(problem="it has two prices that differ") if differ else own.price,
        standing=most_closed((own.standing, *(one.standing for one in told))),
        name=own.name or next((one.name for one in told if one.name), ""),
    )


def _others(beside: Beside, markets: list[Market], empty: Collection[str]) -> tuple[list[Market], list[Market]]:
    """Markets that stand beside the odds only: those that are told whole, and those that are closed. ``empty``: groups that have no odds
    by the odds themselves."""
    whole: list[Market] = []
    closed: list[Market] = []
    for about in beside.others({(market.group, market.key) for market in markets}):
        if holds(about) is Holds.OUTCOMES and about.group not in empty:
            whole.append(_own(about.group, about.key, told_whole(about)))
        elif closes((market := _described(about)).standing):
            closed.append(market)
    return whole, closed


def _described(about: About) -> Market:
    """Of a market without outcomes that could be read: what is told of it."""
    if holds(about) is not Holds.NOTHING:
        return Market(about.group, about.key, (), Standing.UNKNOWN, readable=False)
    return Market(about.group, about.key, (), standing_of(about.said), name=text_of(about.said.get("name")))
