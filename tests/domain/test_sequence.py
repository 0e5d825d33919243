"""Sequence numbers, odd groups and families (003 "Sequence Number", decisions U14, U16)."""

from __future__ import annotations

import pytest

from markets.domain.sequence import Meaning, Position, decode, default_group, default_meaning, family


@pytest.mark.parametrize(
    ("type_id", "sequence", "meaning", "position"),
    [
        ("11328", 2_000_003, "auto", Position(game=3, point=2)),
        ("11335", 1_001_234, "auto", Position(game=1_234, point=1)),
        ("11340", 4_003_002, "auto", Position(set=2, game=3, point=4)),
        ("5", 4_003_002, "index", Position(set=2, game=3, point=4)),
        ("5", 3_001, "auto", Position(set=1, game=3)),
        ("11103", 20, "auto", Position(game=20)),
        ("5", 3, "set", Position(set=3)),
        ("5", 3, "set-game", Position(set=3)),
        ("5", 9, "game", Position(game=9)),
        ("5", 9, "point", Position(point=9)),
        ("2", 0, "auto", Position(index=0)),
        ("2", 999, "auto", Position(index=999)),
        ("5", 2_000_014, "auto", Position(game=14, point=2)),
        ("2", None, "set", Position()),
    ],
)
def test_u14_a_sequence_is_decoded(type_id: str, sequence: int | None, meaning: str, position: Position) -> None:
    assert decode(type_id, sequence, meaning) == position


def test_u14_current_next_and_numbered_variants_are_one_family() -> None:
    assert family("Current Set Winner") == family("Next Set Winner") == family("numbered  Set Winner") == "set winner"
    assert family("Set Winner") == "set winner"
    assert family("Currently Leading") == "currently leading"


@pytest.mark.parametrize(
    ("sport", "type_id", "name", "sequence", "group"),
    [
        ("tennis", "322", "Match", None, "full-time"),
        ("tennis", "1", "Set Winner", 2, "set-time"),
        ("tennis", "1", "Total Games", 1, "full-time"),
        ("tennis", "1", "Set Betting", 1, "full-time"),
        ("table-tennis", "1", "Anything", 3_001, "set-time"),
        ("tennis", "11336", "Current Service Game Point Winner", None, "set-time"),
        ("football", "1", "Next Goal", 3, "full-time"),
        (None, "1", "Game Winner", 9, "set-time"),
        (None, "2", "Match Result", 0, "full-time"),
    ],
)
def test_u16_set_game_and_point_types_of_served_sports_are_set_time(
    sport: str | None, type_id: str, name: str, sequence: int | None, group: str
) -> None:
    assert default_group(sport, type_id, name, sequence) == group


def test_u14_a_new_type_starts_with_the_meaning_its_name_tells() -> None:
    assert default_meaning("1", "Current Set Winner") is Meaning.SET
    assert default_meaning("1", "Numbered Game Score") is Meaning.GAME
    assert default_meaning("1", "Service Game Point Winner") is Meaning.POINT
    assert default_meaning("11103", "whatever") is Meaning.GAME
    assert default_meaning("2", "Match Result") is Meaning.AUTO
