"""``ResultSet`` of an Updategram (003; decision U10)."""

from __future__ import annotations

from msgspec.structs import replace

from markets.domain.messages import MarketResult, ResultSet, SelectionResult
from markets.domain.values import ResultStatus

from .entities import once_each, refuse_too_many
from .reading import Element, Reading, Value, names
from .values import decimal, integer, required_id, sequence_of, status_of

RESULT_STATUS: dict[str, ResultStatus] = {s.value: s for s in ResultStatus if s is not ResultStatus.UNRECOGNISED}

_RESULT_SET = names("FixtureId", "Results")
_RESULT_ITEM = names("MarketResult")
_MARKET_RESULT = names("MarketId", "MarketSequence", "Results", "MarketResultScore")
_SELECTION_RESULT_ITEM = names("SelectionResult")
_SELECTION_RESULT = names("SelectionId", "ResultStatus", "AdditionalResultData")
_ADDITIONAL = names("PercentageWin", "PercentagePush", "Place", "CountInPlace")
_SCORE = names("First", "Second")


def _selection_result(reading: Reading, element: Element) -> SelectionResult:
    f = reading.fields(element, _SELECTION_RESULT)
    selection_id = required_id(f, "SelectionId", element)
    what = f"result status of selection {selection_id}"
    status, said = status_of(reading, f.get("ResultStatus"), RESULT_STATUS, ResultStatus.UNRECOGNISED, what)
    a = reading.object(f.get("AdditionalResultData"), _ADDITIONAL)
    return SelectionResult(
        selection_id,
        status,
        said,
        decimal(reading, a, "PercentageWin"),
        decimal(reading, a, "PercentagePush"),
        integer(reading, a, "Place"),
        integer(reading, a, "CountInPlace"),
    )


def _score(reading: Reading, value: Value) -> tuple[int | None, int | None] | None:
    f = reading.object(value, _SCORE)
    return (integer(reading, f, "First"), integer(reading, f, "Second")) if f else None


def _market_result(reading: Reading, element: Element) -> MarketResult:
    f = reading.fields(element, _MARKET_RESULT)
    market_id = required_id(f, "MarketId", element)
    found = [_selection_result(reading, e) for e in reading.array(f.get("Results"), _SELECTION_RESULT_ITEM)]
    return MarketResult(
        market_id,
        sequence_of(element, f, "MarketSequence"),
        once_each(reading, found, [s.selection_id for s in found], held=_held, what="selection"),
        _score(reading, f.get("MarketResultScore")),
    )


def _held(result: SelectionResult) -> SelectionResult:
    return replace(result, status=ResultStatus.UNRECOGNISED)


def _held_market(result: MarketResult) -> MarketResult:
    return replace(result, selections=tuple(map(_held, result.selections)))


def result_set(reading: Reading, element: Element) -> tuple[str, ResultSet]:
    """003 "ResultSet"."""
    refuse_too_many(element, *_RESULT_ITEM, *_SELECTION_RESULT_ITEM)
    f = reading.fields(element, _RESULT_SET)
    results = [_market_result(reading, e) for e in reading.array(f.get("Results"), _RESULT_ITEM)]
    kept = once_each(reading, results, [r.ref for r in results], held=_held_market, what="the result of market")
    return required_id(f, "FixtureId", element), ResultSet(kept)
