"""What a market's sequence number means: set, game and point (003 "Sequence Number", decisions U14, U16). Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

GAME_POINT_TYPES = frozenset({"11328", "11329", "11335"})
SET_GAME_POINT_TYPES = frozenset({"11336", "11337", "11340"})
GAME_IN_MATCH_TYPES = frozenset({"11103"})
SERVED_SPORTS = frozenset({"tennis", "table-tennis", "badminton", "volleyball", "beach-volleyball"})
FULL_TIME = "full-time"
SET_TIME = "set-time"

_VARIANT = re.compile(r"^(current|next|numbered)\s+", re.IGNORECASE)
_INDEXED = re.compile(r"\b(set|game|point)\b(?!\s+(betting|handicap))", re.IGNORECASE)


class Meaning(StrEnum):
    """A market type's setting for sequences below 1000 (``MarketType.sequence_meaning``)."""

    AUTO = "auto"
    INDEX = "index"
    SET = "set"
    GAME = "game"
    SET_GAME = "set-game"
    POINT = "point"


class Position(Struct, frozen=True):
    """What a sequence points at; ``index`` where it is no more than a running number."""

    set: int | None = None
    game: int | None = None
    point: int | None = None
    index: int | None = None


def decode(type_id: str, sequence: int | None, meaning: str = Meaning.AUTO) -> Position:
    """``decode("11336", 4003002)`` is set 2, game 3, point 4; ``decode("11103", 20)`` is game 20 of the match."""
    if sequence is None:
        return Position()
    if type_id in GAME_POINT_TYPES:
        return _game_point(sequence)
    if sequence >= 1_000_000:
        return _set_game_point(sequence)
    if sequence >= 1_000:
        return Position(set=sequence % 1_000, game=sequence // 1_000)
    return Position(game=sequence) if type_id in GAME_IN_MATCH_TYPES else _small(sequence, meaning)


def _game_point(sequence: int) -> Position:
    point, game = divmod(sequence, 1_000_000)
    return Position(game=game, point=point or None)


def _set_game_point(sequence: int) -> Position:
    point, rest = divmod(sequence, 1_000_000)
    game, set_ = divmod(rest, 1_000)
    return Position(set=set_, game=game, point=point) if game else Position(game=set_, point=point)


def _small(sequence: int, meaning: str) -> Position:
    match meaning:
        case Meaning.SET | Meaning.SET_GAME:
            return Position(set=sequence)
        case Meaning.GAME:
            return Position(game=sequence)
        case Meaning.POINT:
            return Position(point=sequence)
        case _:
            return Position(index=sequence)


def family(name: str) -> str:
    """What the Current, Next and Numbered variants of a market type share (003 "Market Type Variants")."""
    return _VARIANT.sub("", name.strip()).casefold()


def default_meaning(type_id: str, name: str) -> Meaning:
    """The setting a market type starts with; the ids of 003 need none."""
    if type_id in GAME_IN_MATCH_TYPES:
        return Meaning.GAME
    shared = family(name)
    for word, meaning in (("point", Meaning.POINT), ("game", Meaning.GAME), ("set", Meaning.SET)):
        if _INDEXED.search(shared) and re.search(rf"\b{word}\b", shared):
            return meaning
    return Meaning.AUTO


def indexed_by_id(type_id: str) -> bool:
    """Whether 003 itself says that the type is one of a game or a point."""
    return type_id in GAME_POINT_TYPES | SET_GAME_POINT_TYPES | GAME_IN_MATCH_TYPES


def default_group(sport: str | None, type_id: str, name: str, sequence: int | None) -> str:
    """The odd group a market type starts with: set-, game- and point-indexed types of served sports are ``set-time``.

    ``sport`` is a slug, ``None`` while no fixture message has named it; the type then speaks for itself.
    """
    if indexed_by_id(type_id):
        return SET_TIME
    if sport is not None and sport not in SERVED_SPORTS:
        return FULL_TIME
    indexed = sequence is not None and (sequence >= 1_000 or bool(_INDEXED.search(name)))
    return SET_TIME if indexed else FULL_TIME
