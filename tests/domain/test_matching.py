"""Which match is which fixture: ids by side, and what is proposed (T7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from markets.domain import matching
from markets.domain.matching import Look, Sides, propose
from markets.domain.messages import Competitor, FixtureDetails
from markets.domain.sports.tennis import Card, Player, Tennis
from markets.domain.values import FixtureStatus

START = datetime(2026, 11, 20, 10, tzinfo=UTC)


def details(*competitors: Competitor) -> FixtureDetails:
    return FixtureDetails("", "Match", FixtureStatus.SCHEDULED, "", START, None, competitors=competitors)


def look(first: str, second: str, start: datetime | None = START, tournament: str = "") -> Look:
    return Look(tuple(first.split("/")), tuple(second.split("/")), start, tournament)


def test_sides_of_a_fixture_are_home_and_away_with_every_member() -> None:
    pair = Competitor("9", "Ann / Bea", home_away="Home", competitors=(Competitor("3"), Competitor("1")))
    assert matching.fixture_sides(details(Competitor("7", home_away="Away"), pair)) == Sides(("1", "3", "9"), ("7",))


def test_sides_of_a_match_come_from_the_umpires_card_else_from_the_list_of_events() -> None:
    listed = details(Competitor("TeamA", competitors=(Competitor("S0AK"),)), Competitor("TeamB", competitors=(Competitor("R09X"),)))
    card = Card(team_a=(Player("S0AK"),), team_b=(Player("Q111"),))
    assert matching.match_sides(listed, None) == Sides(("S0AK",), ("R09X",))
    assert matching.match_sides(listed, Tennis(card=card)) == Sides(("S0AK",), ("Q111",))
    assert not matching.match_sides(None, Tennis()).known


def test_another_id_differs_and_one_that_is_not_known_tells_nothing() -> None:
    bound = Sides(("1",), ("2",))
    assert not matching.differs(bound, Sides((), ("2",)))
    assert matching.differs(bound, Sides(("1",), ("3",)))


@pytest.mark.parametrize("name", ["H. SQUIRE", "Squire, Henri", "Henri Squire", "SQUIRE H", "Hènri Squiré"])
def test_a_player_is_found_under_the_names_that_feeds_give_one(name: str) -> None:
    found = propose(look("Henri Squire", "Jurij Rodionov"), look(name, "J. Rodionov"))
    assert found is not None
    assert found.team_a_home
    assert found.score > 0.85


def test_a_match_whose_team_a_is_away_is_proposed_the_other_way_round() -> None:
    found = propose(look("Henri Squire", "Jurij Rodionov"), look("J. RODIONOV", "H. SQUIRE"))
    assert found is not None
    assert not found.team_a_home


def test_the_same_family_name_with_another_first_name_is_less_and_far_apart_not_enough() -> None:
    sure = propose(look("Elena Rybak", "Ann Moor"), look("E. RYBAK", "A. MOOR"))
    sister = propose(look("Elena Rybak", "Ann Moor"), look("T. RYBAK", "A. MOOR"))
    assert sure is not None
    assert sister is None or sister.score < sure.score
    assert propose(look("Elena Rybak", "Ann Moor"), look("T. RYBAK", "A. MOOR", START + timedelta(hours=20))) is None


def test_pairs_fit_pairs_in_any_order_and_never_singles() -> None:
    pairs = look("Ann Ost/Bea Ruhl", "Cleo Sand/Dana Tann")
    found = propose(pairs, look("B. RUHL/A. OST", "D. TANN/C. SAND"))
    assert found is not None
    assert found.score > 0.85
    assert propose(pairs, look("A. OST", "C. SAND")) is None


def test_strangers_and_nobody_are_never_proposed() -> None:
    assert propose(look("Ann Ost", "Bea Ruhl"), look("A. OST", "Z. ANDERS")) is None
    assert propose(look("Ann Ost", "Bea Ruhl"), Look((), ())) is None


def test_the_nearer_start_fits_better_and_the_words_say_why() -> None:
    near = propose(look("Ann Ost", "Bea Ruhl"), look("A. OST", "B. RUHL", START + timedelta(minutes=10)))
    far = propose(look("Ann Ost", "Bea Ruhl"), look("A. OST", "B. RUHL", START + timedelta(hours=4)))
    assert near is not None
    assert far is not None
    assert near.score > far.score
    assert "starts 10 min apart" in near.why


def test_names_that_read_alike_are_alike_in_full_with_initials_too() -> None:
    same = look("Halvorsen-Roy, J", "Varga-Lund, T")
    found = propose(same, same)
    assert found is not None
    assert "names 100% alike" in found.why
    initials = look("J", "T")
    assert propose(initials, initials) is None, "an initial is nobody's name"
