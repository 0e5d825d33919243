"""The domain's values as the JSON that the store keeps, and back.

A market's facts are stored without its selections, which have rows of their own; ``market`` puts them together again.
Every ``…_from`` accepts JSON text or what a JSON column gives (plain dicts and lists).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from .messages import Coverage, FixtureDetails, Market, MatchState, Selection
from .sports.tennis import Tennis
from .state import Mark, Result

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


def encode(value: Any) -> str:
    """JSON text of a domain value; ``Decimal`` and times become strings."""
    return _encoder.encode(value).decode()


def encode_market(market: Market) -> str:
    return encode(msgspec.structs.replace(market, selections=()))


class _Marks(msgspec.Struct, array_like=True):
    """Entities set by one message share their mark, so each mark is stored once: ``entities`` are places in ``marks``."""

    marks: list[Mark]
    entities: dict[str, int]


def encode_marks(marks: dict[str, Mark]) -> bytes:
    """For ``FixtureMarks.marks``."""
    places: dict[int, int] = {}
    different: list[Mark] = []
    entities: dict[str, int] = {}
    for entity, mark in marks.items():
        place = places.setdefault(id(mark), len(different))
        if place == len(different):
            different.append(mark)
        entities[entity] = place
    return _encoder.encode(_Marks(different, entities))


def _reader(kind: type[T]) -> Callable[[Any], T]:
    decoder = msgspec.json.Decoder(kind)

    def read(stored: Any) -> T:
        return decoder.decode(stored) if isinstance(stored, str | bytes) else msgspec.convert(stored, kind)

    return read


_market = _reader(Market)
_selection = _reader(Selection)
_details = _reader(FixtureDetails)
_coverage = _reader(Coverage)
_match_state = _reader(MatchState)
_result = _reader(Result)
_marks = _reader(_Marks)
_tennis = _reader(Tennis)


def market_from(stored: Any, selections: Iterable[Selection]) -> Market:
    """A market of its stored facts and its selections, in the provider's order."""
    return msgspec.structs.replace(_market(stored), selections=tuple(selections))


def selection_from(stored: Any) -> Selection:
    return _selection(stored)


def details_from(stored: Any) -> FixtureDetails:
    return _details(stored)


def coverage_from(stored: Any) -> Coverage:
    return _coverage(stored)


def match_state_from(stored: Any) -> MatchState:
    return _match_state(stored)


def result_from(stored: Any) -> Result:
    return _result(stored)


def tennis_from(stored: Any) -> Tennis:
    """Of ``PointState.state``."""
    return _tennis(stored)


def marks_from(stored: Any) -> dict[str, Mark]:
    """Marks by entity, see ``markets.domain.state``; of ``FixtureMarks.marks``."""
    read = _marks(bytes(stored))
    return {entity: read.marks[place] for entity, place in read.entities.items()}
