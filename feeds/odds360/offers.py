"""Odds as the desk's markets, selections and results (000; promises A8, A9). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from markets.domain.messages import Market, MarketResult, Selection, SelectionResult
from markets.domain.sports.groups import kebab
from markets.domain.values import MarketStatus, ResultStatus, SelectionStatus

from . import odds
from .odds import Odds
from .outcomes import Outcome
from .prices import Standing, most_closed
from .wire import Notes, cleaned, integer_of, line_of, marked, name_of, text_of

_LONGEST_GROUP, _LONGEST_MARKET, _LONGEST_TYPE, _LONGEST_SELECTION = 40, 100, 64, 64
_LONGEST_KEY = 120
_RESULTS = {status.value.lower(): status for status in ResultStatus if status not in (ResultStatus.NONE, ResultStatus.UNRECOGNISED)}


def group_of(said: str) -> str:
    """In kebab-case where it comes back as it was, else verbatim; without what separates it from its market."""
    group = kebab(said)
    return marked(group.replace("/", "-"), group, _LONGEST_GROUP) if "/" in group else name_of(group, _LONGEST_GROUP)


def key_of(said: str) -> str:
    """The public key of a market or an outcome."""
    return name_of(said, _LONGEST_KEY)


def market_id(group: str, key: str) -> str:
    """``group`` as :func:`group_of` has it."""
    return name_of(f"{group}/{key}", _LONGEST_MARKET)


def markets_of(said: Odds, notes: Notes) -> tuple[Market, ...]:
    """Each market once; one that is named twice in a message is held."""
    found: dict[str, Market] = {}
    for one in said.markets:
        if one.gone:
            continue
        market = market_of(one, said.standing, notes)
        if market.id in found:
            notes.add(f"named twice: market {market.id}")
            market = replace(market, status=MarketStatus.UNRECOGNISED, status_text="named twice in one message", selections=())
        found[market.id] = market
    return tuple(found.values())


def market_of(said: odds.Market, over: Standing, notes: Notes) -> Market:
    """``over``: what is said of all odds at once."""
    group = group_of(said.group)
    status, text = _market_status(most_closed((over, said.standing)), said.readable)
    if not said.readable:
        notes.add(f"market “{cleaned(said.key, 60)}” holds no outcomes that can be read")
    name = said.name or cleaned(said.key, 200)
    return Market(
        id=market_id(group, said.key),
        sequence=None,
        name=name,
        status=status,
        type_id=name_of(f"{group}/{said.key}", _LONGEST_TYPE),
        type_name=f"{name} ({group})"[:200],
        in_play=False,
        status_text=text,
        is_handicap=said.line is not None,
        line=said.line,
        selections=tuple(_selection(one, notes) for one in said.outcomes),
        key=key_of(said.key),
        group=group,
        follows_match=True,
    )


def _selection(said: Outcome, notes: Notes) -> Selection:
    price, status = said.price, _SELECTIONS[said.standing]
    if price.problem and not price.absent:
        notes.add(f"selection “{cleaned(said.key, 60)}”: {price.problem}")
    if price.absent and status is SelectionStatus.TRADING:
        status = SelectionStatus.UNPRICED
    return Selection(
        id=name_of(said.key, _LONGEST_SELECTION),
        name=said.name or cleaned(said.key, 200),
        status=status,
        status_text=said.standing.word,
        competitor_id=said.competitor_id,
        price=price.value,
        price_text=price.text,
        price_problem="" if price.absent else price.problem,
        key=key_of(said.key),
        listed=not said.gone,
    )


def _market_status(standing: Standing, readable: bool) -> tuple[MarketStatus, str]:
    """Words only where the message gives a status: a change that gives none leaves it as it was."""
    match standing:
        case Standing.UNSAID:
            return MarketStatus.OPEN, ""
        case Standing.OPEN:
            return MarketStatus.OPEN, "open"
        case Standing.SUSPENDED:
            return MarketStatus.SUSPENDED, "suspended"
        case Standing.CLOSED:
            return MarketStatus.CLOSED, "closed"
        case Standing.UNKNOWN:
            return MarketStatus.UNRECOGNISED, "a status that is not known" if readable else "unreadable"


_SELECTIONS = {
    Standing.UNSAID: SelectionStatus.TRADING,
    Standing.OPEN: SelectionStatus.TRADING,
    Standing.SUSPENDED: SelectionStatus.SUSPENDED,
    Standing.CLOSED: SelectionStatus.SUSPENDED,
    Standing.UNKNOWN: SelectionStatus.UNRECOGNISED,
}


def results_of(said: Odds) -> Iterator[MarketResult]:
    """Of markets whose every outcome has one (docs/api.md): a part of a result would count as a correction of the whole."""
    for market in said.markets:
        found = [_result(one) for one in market.outcomes]
        told = tuple(one for one in found if one is not None)
        if told and len(told) == len(found):
            yield MarketResult(market_id(group_of(market.group), market.key), None, told)


def _result(outcome: Outcome) -> SelectionResult | None:
    said = outcome.result
    status = _RESULTS.get(text_of(said.get("status"), 20).lower()) if said else None
    if said is None or status is None:
        return None
    return SelectionResult(
        selection_id=name_of(outcome.key, _LONGEST_SELECTION),
        status=status,
        status_text=status.value,
        percentage_win=line_of(said.get("percentageWin")),
        percentage_push=line_of(said.get("percentagePush")),
        place=integer_of(said.get("place")),
        count_in_place=integer_of(said.get("countInPlace")),
    )
