"""A result that may not hold is marked on its market's card, for as long as it may not (T6, U10)."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from markets.domain.sports.tennis import Kind
from markets.domain.values import ResultStatus, Role
from markets.live.cells import fixture_cells
from markets.selectors import offer
from tests.desk.conftest import SignIn, person
from tests.domain.umpire import score
from tests.services.test_bindings import Town, town
from tests.services.test_results_in_doubt import WENT_BACK, Court

pytestmark = pytest.mark.django_db
__all__ = ["town"]


@pytest.fixture
def side(town: Town) -> Court:
    return Court(town)


@pytest.fixture
def trader(town: Town, sign_in: SignIn) -> Client:
    return sign_in(person("ann", Role.TRADER, town.alpha))


def card(trader: Client, side: Court) -> str:
    """What the market's card says of its result."""
    page = trader.get(f"/fixture/{side.town.fixture.pk}").content.decode()
    (words,) = re.findall(r'data-cell="doubt">([^<]*)<', page)
    return str(words)


def pushed(side: Court) -> str:
    """What a frame says of it."""
    (market,) = fixture_cells(offer.offers(side.town.alpha.pk, [side.town.fixture.pk])[side.town.fixture.pk]).markets
    return market.cell.doubt


def test_the_card_of_a_market_says_that_its_result_is_in_doubt_until_it_is_corrected(side: Court, trader: Client) -> None:
    side.game()
    side.results()
    assert (card(trader, side), pushed(side)) == ("", "")
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    assert WENT_BACK in card(trader, side)
    assert pushed(side) == card(trader, side)
    side.scores(score("40-15", "0-0"))
    side.results(ResultStatus.LOSER)
    assert (card(trader, side), pushed(side)) == ("", "")
