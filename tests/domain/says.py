"""Messages as a provider would send them, in few words, for tests of folding and ingest."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from markets.domain import messages as m
from markets.domain.fold import Stamp
from markets.domain.values import FixtureStatus, MarketStatus, ResultStatus, SelectionStatus

T0 = datetime(2026, 5, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def stamp(kept: float, *, order: int | None = None, sent: float | None = None, stream: str = "", order_lost: bool = False) -> Stamp:
    return Stamp(at(kept), None if sent is None else at(sent), order, stream, order_lost=order_lost)


def selection(ref: str, price: str | None = "2.00", status: SelectionStatus = SelectionStatus.TRADING, name: str = "") -> m.Selection:
    whole = None if price is None else Decimal(price)
    return m.Selection(ref, name or f"Runner {ref}", status, status.value, price=whole, price_text=price or "")


def market(
    ref: str = "7",
    *selections: m.Selection,
    status: MarketStatus = MarketStatus.OPEN,
    sequence: int | None = None,
    line: str | None = None,
    in_play: bool = False,
    type_id: str = "2",
    type_name: str = "Match Result",
) -> m.Market:
    kept = selections or (selection("1"), selection("2", "3.00"))
    number = None if line is None else Decimal(line)
    return m.Market(ref, sequence, type_name, status, type_id, type_name, in_play, status.value, line is not None, number, selections=kept)


def details(
    status: FixtureStatus = FixtureStatus.SCHEDULED, *, name: str = "Ajax v PSV", sport: str = "10", is_off: bool | None = None
) -> m.FixtureDetails:
    sides = (m.Competitor("1", "Ajax", home_away="Home"), m.Competitor("2", "PSV", home_away="Away"))
    return m.FixtureDetails(name, "Match", status, status.value, at(3600), m.Ref(sport, "Football"), competitors=sides, is_off=is_off)


def result(ref: str = "7", *, sequence: int | None = None, **of: ResultStatus) -> m.MarketResult:
    """``result("7", s1=ResultStatus.WINNER)`` speaks of selection 1."""
    return m.MarketResult(ref, sequence, tuple(m.SelectionResult(name[1:], status, status.value) for name, status in of.items()))


def coverage(booked: bool = True, licensed: bool = True) -> m.Coverage:
    return m.Coverage(booked, (m.CoverageFeed("MatchState", licensed), m.CoverageFeed("TradingState", licensed)))


def summary(phase: str = "FirstHalf", *, in_play: bool = True, ended: bool = False, accepts: bool | None = True) -> m.MatchState:
    return m.MatchState("FootballMatchSummary", phase, in_play, ended, accepts)


def message(
    *parts: m.Part | m.Market | m.MarketResult, fixture: str = "100", order: int | None = None, sent: float | None = None, stream: str = ""
) -> m.Message:
    """Markets and results may stand by themselves; the guid is new each time."""
    whole = tuple(_part(part) for part in parts)
    return m.Message(f"guid-{next(_numbers)}", fixture, whole, None if sent is None else at(sent), order, stream)


def _part(part: m.Part | m.Market | m.MarketResult) -> m.Part:
    if isinstance(part, m.Market):
        return m.MarketSet((part,))
    return m.ResultSet((part,)) if isinstance(part, m.MarketResult) else part
