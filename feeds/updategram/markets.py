"""``MarketSet`` of an Updategram (003; decisions U5–U7)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from markets.domain.messages import EachWay, Market, MarketSet, Selection, market_ref
from markets.domain.values import MarketStatus, SelectionStatus

from . import grammar
from .entities import once_each, refuse_too_many
from .reading import Element, Fields, Reading, Value, inside, names, text
from .values import ID_LIMIT, boolean, decimal, integer, moment, optional_id, ref, required_id, sequence_of, status_of, worded

TYPE_NAME_LIMIT = 200

MARKET_STATUS: dict[str, MarketStatus] = {s.value: s for s in MarketStatus if s is not MarketStatus.UNRECOGNISED}
SELECTION_STATUS: dict[str, SelectionStatus] = {s.value: s for s in SelectionStatus if s is not SelectionStatus.UNRECOGNISED}
CASH_OUTS = {"Open", "Suspended", "Closed"}

_MARKET_SET = names("FixtureId", "Markets")
_MARKET_ITEM = names("Market")
_MARKET = names(
    "Id", "Sequence", "TradingStatus", "Name", "ExpiryUtc", "Handicap", "MarketType", "InPlay", "Selections", "ExternalId", "CashOutStatus",
    "EachWayTerm",
)  # fmt: skip
_MARKET_TYPE = names("Id", "Name", "IsHandicap")
_EACH_WAY = names("Places", "Numerator", "Denominator")
_SELECTION_ITEM = names("Selection")
_SELECTION = names(
    "Id", "TradingStatus", "Name", "CompetitorId", "Outcome", "Range", "Numerator", "Denominator", "Decimal", "Probability", "ExternalId"
)
_RANGE = names("High", "Low")


def _price(reading: Reading, f: Fields, status: SelectionStatus, selection_id: str) -> grammar.Price:
    whole, numerator, denominator = f.get("Decimal"), f.get("Numerator"), f.get("Denominator")
    if isinstance(whole, str) and isinstance(numerator, str) and isinstance(denominator, str):
        found = grammar.price(whole, numerator, denominator)
    elif inside(whole) is None and inside(numerator) is None and inside(denominator) is None:
        found = grammar.price(text(whole), text(numerator), text(denominator))
    else:
        found = grammar.Price(problem="markup inside the price", text=text(whole)[:40])
    if found.problem and not (found.absent and status is not SelectionStatus.TRADING):
        reading.note(f"selection {selection_id}: {found.problem}")
    return found


def _range(reading: Reading, value: Value) -> tuple[Decimal | None, Decimal | None]:
    f = reading.object(value, _RANGE)
    return (decimal(reading, f, "Low"), decimal(reading, f, "High")) if f else (None, None)


def _selection(reading: Reading, element: Element) -> Selection:
    f = reading.fields(element, _SELECTION)
    selection_id = required_id(f, "Id", element)
    said = text(f.get("TradingStatus"))
    status = SELECTION_STATUS.get(said) or _unknown_selection_status(reading, said, selection_id)
    price = _price(reading, f, status, selection_id)
    low, high = _range(reading, f["Range"]) if "Range" in f else (None, None)
    return Selection(
        selection_id,
        reading.name(f.get("Name")),
        status,
        said if len(said) <= ID_LIMIT else said[:ID_LIMIT],
        optional_id(reading, f["CompetitorId"]) if "CompetitorId" in f else "",
        ref(reading, f["Outcome"]) if "Outcome" in f else None,
        low,
        high,
        price.numerator,
        price.denominator,
        price.value,
        price.text,
        price.problem,
        decimal(reading, f, "Probability"),
        reading.name(f["ExternalId"], 100) if "ExternalId" in f else "",
    )


def _unknown_selection_status(reading: Reading, said: str, selection_id: str) -> SelectionStatus:
    what = f"status of selection {selection_id}"  # apart, so that the words are made only when they are needed
    return status_of(reading, said, SELECTION_STATUS, SelectionStatus.UNRECOGNISED, what)[0]


def _held(selection: Selection) -> Selection:
    return replace(selection, status=SelectionStatus.UNRECOGNISED)


def _selections(reading: Reading, value: Value) -> tuple[Selection, ...]:
    found = [_selection(reading, e) for e in reading.array(value, _SELECTION_ITEM)]
    return once_each(reading, found, [s.id for s in found], held=_held, what="selection")


def _each_way(reading: Reading, value: Value) -> EachWay | None:
    f = reading.object(value, _EACH_WAY)
    if not f:
        return None
    places, numerator, denominator = (integer(reading, f, name) for name in ("Places", "Numerator", "Denominator"))
    if places is None or numerator is None or denominator is None:
        reading.note("each-way terms cannot be read: left out")
        return None
    return EachWay(places, numerator, denominator)


def _market_problem(f: Fields, in_play: bool | None, is_handicap: bool, line: Decimal | None, expiry: datetime | None) -> str:
    """Why a market that says Open cannot be taken at its word: a fact that decides about its prices is unreadable."""
    if in_play is None:
        return "InPlay is missing or unreadable"
    if line is None and (is_handicap or text(f.get("Handicap"))):
        return "the handicap line is missing or unreadable"
    if expiry is None and not in_play and text(f.get("ExpiryUtc")):
        return "the expiry time is unreadable"
    return ""


def _market_status(reading: Reading, said: str, problem: str, market: str) -> tuple[MarketStatus, str]:
    status = MARKET_STATUS.get(said)
    if status is None:
        return status_of(reading, said, MARKET_STATUS, MarketStatus.UNRECOGNISED, f"status of market {market}")
    if problem and status is MarketStatus.OPEN:
        reading.note(f"market {market}: {problem}: held")
        return MarketStatus.UNRECOGNISED, f"{said}, but {problem}"
    return status, said


def _market(reading: Reading, element: Element) -> Market:
    f = reading.fields(element, _MARKET)
    kind = reading.object(f.get("MarketType"), _MARKET_TYPE)
    market_id = required_id(f, "Id", element)
    sequence = sequence_of(element, f, "Sequence")
    in_play = boolean(reading, f, "InPlay")
    is_handicap = bool(boolean(reading, kind, "IsHandicap"))
    line = decimal(reading, f, "Handicap")
    expiry = moment(reading, f, "ExpiryUtc")
    problem = _market_problem(f, in_play, is_handicap, line, expiry)
    status, status_text = _market_status(reading, text(f.get("TradingStatus")), problem, market_ref(market_id, sequence))
    return Market(
        market_id,
        sequence,
        reading.name(f.get("Name")),
        status,
        optional_id(reading, kind.get("Id")),
        reading.name(kind.get("Name"), TYPE_NAME_LIMIT),
        sequence is not None if in_play is None else in_play,
        status_text,
        is_handicap,
        line,
        expiry,
        worded(reading, f["CashOutStatus"], CASH_OUTS, "cash-out status") if "CashOutStatus" in f else "",
        _each_way(reading, f["EachWayTerm"]) if "EachWayTerm" in f else None,
        reading.name(f["ExternalId"], 100) if "ExternalId" in f else "",
        _selections(reading, f.get("Selections")),
    )


def _held_market(market: Market) -> Market:
    return replace(market, status=MarketStatus.UNRECOGNISED)


def market_set(reading: Reading, element: Element) -> tuple[str, MarketSet]:
    """003 "MarketSet"."""
    refuse_too_many(element, *_MARKET_ITEM, *_SELECTION_ITEM)
    f = reading.fields(element, _MARKET_SET)
    markets = [_market(reading, e) for e in reading.array(f.get("Markets"), _MARKET_ITEM)]
    kept = once_each(reading, markets, [m.ref for m in markets], held=_held_market, what="market")
    return required_id(f, "FixtureId", element), MarketSet(kept)
