"""Both documents and every fragment of 003, asserted by values; the broken ones as they stand and repaired."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import TypeVar

import pytest

from feeds.errors import Unreadable
from feeds.updategram.wire import parse
from markets.domain.messages import (
    BasketballProperties,
    Competition,
    Competitor,
    Coverage,
    CoverageFeed,
    EachWay,
    ExternalRef,
    FirstLeg,
    FixtureDetails,
    FootballProperties,
    Market,
    MarketResult,
    MarketSet,
    MatchState,
    Ref,
    ResultSet,
    SelectionResult,
    TennisProperties,
    Venue,
)
from markets.domain.values import FixtureStatus, MarketStatus, ResultStatus, SelectionStatus

from .building import SAMPLES, sample

pytestmark = pytest.mark.modeless

P = TypeVar("P")


def part(name: str, kind: type[P]) -> P:
    message = parse(sample(name))
    (only,) = message.parts
    assert isinstance(only, kind)
    assert message.notes == ()
    return only


def details(name: str) -> FixtureDetails:
    return part(name, FixtureDetails)


def one_market(name: str) -> Market:
    (market,) = part(name, MarketSet).markets
    return market


def one_result(name: str) -> MarketResult:
    (result,) = part(name, ResultSet).results
    return result


def test_it_reads_the_football_fixture_of_003_whole() -> None:
    message = parse(sample("fixture-football"))
    assert (message.guid, message.fixture_ref) == ("6a39609c-5d82-45b4-8ff0-d409286b90c1", "5235368")
    assert message.sent_at == datetime(2018, 4, 12, 19, 6, 57, 344251, UTC)
    assert (message.order, message.stream, message.retry, message.notes) == (None, "7026", 0, ())
    found = details("fixture-football")
    assert (found.name, found.type, found.status) == ("Olympique Marseille v RB Leipzig", "Match", FixtureStatus.SCHEDULED)
    assert found.start == datetime(2018, 4, 12, 19, 5, tzinfo=UTC)
    assert found.sport == Ref("10", "Football")
    assert found.competition == Competition("2072", "UEFA Europa League", Ref("6", "Europe"))
    assert found.season == Ref("64680", "UEFA Europa League 2017 2018")
    assert found.round == Ref("398950", "Olympique Marseille v RB Leipzig")
    assert (found.tour_season, found.venue, found.tennis, found.basketball, found.is_off) == (None, None, None, None, None)
    assert found.first_leg == FirstLeg()
    assert found.external_ids == (ExternalRef("1659322"),)
    assert found.football == FootballProperties(5400, 1800, True, True, "5235367", None, True, True)


def test_it_reads_the_players_of_both_teams() -> None:
    home, away = details("fixture-football").competitors
    assert (home.id, home.name, home.home_away, home.type, len(home.competitors)) == ("10134", "Olympique Marseille", "Home", "Team", 25)
    assert (away.id, away.name, away.home_away, away.type, len(away.competitors)) == ("500564", "RB Leipzig", "Away", "Team", 30)
    assert home.competitors[14] == Competitor("717082", "Andonian, G", "Person", "Home", first_name="Gaël", last_name="Andonian")
    assert home.competitors[9].last_name == "Pires da Fonseca"
    assert away.competitors[17].last_name == "Tué Na Bangna"


def test_it_reads_the_tennis_fixture_of_003_whole() -> None:
    message = parse(sample("fixture-tennis"))
    assert message.sent_at == datetime(2018, 4, 16, 11, 11, 2, 142697, UTC)
    found = details("fixture-tennis")
    assert (message.fixture_ref, found.name, found.sport) == ("5293414", "Domingues, J v Bellalouna, M", Ref("24", "Tennis"))
    assert found.competition == Competition("4002", "Tunis Open Challenger", Ref("64", "Tunisia"))
    assert found.tennis == TennisProperties(3, "TieBreak", "StandardAdvantage", "Clay")
    assert [c.first_name for c in found.competitors] == ["Joao", "Mohamed Ali"]
    assert found.external_ids == (ExternalRef("1686744"),)
    assert found.football is None


def test_it_reads_the_header_fragment() -> None:
    message = parse(sample("fragment-0118-header"))
    assert message.guid == "c64c3a47-4f34-427c-ba67-3bc031208849"
    assert message.sent_at == datetime(2015, 10, 22, 9, 27, 19, 265400, UTC)
    assert (message.retry, message.stream, message.order) == (0, "6012", 215)


def test_it_reads_every_fixture_fragment() -> None:
    assert details("fragment-0948-external-ids").external_ids == (ExternalRef("548412135485", "5153"), ExternalRef("1254-2244", "8411"))
    assert details("fragment-0965-external-id").external_ids == (ExternalRef("548412135485", "5153"),)
    assert details("fragment-0982-sport").sport == Ref("10", "Football")
    assert details("fragment-1132-competition").competition == Competition("115", "Kategoria Superiore", Ref("218", "Albania"), "Male")
    assert details("fragment-1183-region").competition == Competition("115", "Kategoria Superiore", Ref("218", "Albania"))
    assert details("fragment-1214-season").season == Ref("46344", "Kategoria Superiore 2015-2016")
    assert details("fragment-1245-round").round == Ref("221896", "Round 7")
    assert details("fragment-1276-venue").venue == Venue("1970", "Stadiumi Skënderbeu", Ref("3181898", "Korçë"))
    assert details("fragment-1317-competitor").competitors == (Competitor("127134", "KS Skënderbeu Korçë", home_away="Home"),)
    assert details("fragment-1434-aggregate").first_leg == FirstLeg(1, 0)
    assert details("fragment-1465-basketball").basketball == BasketballProperties("FIBA")
    assert details("fragment-1489-football").football == FootballProperties(5400, 1800)
    assert details("fragment-1527-extra-time").football == FootballProperties(None, None, True, True, "54876512", False, True, True)
    assert details("fragment-1586-tennis").tennis == TennisProperties(3, "TieBreak", "StandardAdvantage", "Unset")


def test_it_reads_the_market_set_fragments() -> None:
    market = one_market("fragment-1652-market-set")
    assert (market.ref, market.status, market.in_play, market.selections) == ("100001331/0", MarketStatus.SUSPENDED, True, ())
    assert market.expiry == datetime(2015, 10, 24, 9, 59, 59, tzinfo=UTC)
    assert part("fragment-1902-market-set", MarketSet).markets == ()


def test_it_reads_a_match_result_market() -> None:
    market = one_market("fragment-1686-match-result")
    home, draw, away = market.selections
    assert (market.type_id, market.type_name, market.is_handicap, market.line) == ("2", "Match Result", False, None)
    assert (home.id, home.name, home.competitor_id, home.outcome) == ("300002720", "FK Sementchi Farg'ona", "810068", Ref("1", "Home"))
    assert (home.numerator, home.denominator, home.price, home.status) == (1, 20, D("1.05"), SelectionStatus.TRADING)
    assert (draw.price, draw.competitor_id, draw.outcome) == (D("8.5"), "", Ref("2", "Draw"))
    assert (away.price, away.price_text, away.numerator, away.denominator) == (D("25.0"), "25.0", 24, 1)


def test_it_reads_handicaps_ranges_and_terms() -> None:
    asian = one_market("fragment-1748-asian-handicap")
    assert (asian.line, asian.is_handicap) == (D("2.5"), True)
    assert [s.price for s in asian.selections] == [D("2.15"), D("1.74")]
    scores = one_market("fragment-1804-correct-score")
    assert [(s.range_low, s.range_high, s.price) for s in scores.selections] == [(D(2), D(0), D("5.4")), (D(2), D(1), D("6.75"))]
    three_one = one_market("fragment-1799-range").selections[0]
    assert (three_one.range_low, three_one.range_high) == (D(3), D(1))
    game = one_market("fragment-1855-game-score.repaired")
    assert (game.ref, game.type_id, game.line, game.status) == ("100001359/9", "11103", None, MarketStatus.OPEN)
    assert [(s.range_low, s.range_high, s.price) for s in game.selections] == [(None, D(15), D("2.3")), (None, D(30), D("2.9"))]
    two_nil = one_market("fragment-2247-range").selections[0]
    assert (two_nil.range_low, two_nil.range_high) == (D(2), D(0))
    kind = one_market("fragment-2075-market-type")
    assert (kind.type_id, kind.type_name, kind.is_handicap) == ("82", "Asian Handicap", True)
    assert one_market("fragment-2278-each-way").each_way == EachWay(5, 1, 2)
    assert one_market("fragment-2316-sequence").sequence == 0


def test_it_reads_probability_outcome_and_cash_out() -> None:
    market = one_market("fragment-1937-market.repaired")
    one, two = market.selections
    assert (market.cash_out, market.type_id, market.status) == ("Closed", "322", MarketStatus.OPEN)
    assert (one.price, one.probability, one.outcome) == (D("1.94"), D("0.49278"), Ref("25", "Player 1"))
    assert (two.price, two.probability, two.outcome) == (D("1.87"), D("0.50722"), Ref("26", "Player 2"))
    selection = one_market("fragment-2113-selection").selections[0]
    assert (selection.id, selection.price, selection.probability) == ("300053292", D("1.87"), D("0.50721"))
    assert one_market("fragment-2214-outcome").selections[0].outcome == Ref("2", "Draw")


@pytest.mark.parametrize("name", ["fragment-2406-result-set.repaired", "fragment-2440-market-result.repaired"])
def test_it_reads_results(name: str) -> None:
    result = one_result(name)
    assert (result.ref, result.score, result.withdrawn) == ("100001358/14", (0, 1), False)
    assert [(s.selection_id, s.status) for s in result.selections] == [
        ("300002810", ResultStatus.LOSER),
        ("300002811", ResultStatus.WINNER),
    ]


def test_it_reads_result_details() -> None:
    assert one_result("fragment-2493-selection-result").selections == (SelectionResult("300002810", ResultStatus.LOSER, "Loser"),)
    (partial,) = one_result("fragment-2536-additional-result-data").selections
    assert (partial.status, partial.percentage_win, partial.percentage_push) == (ResultStatus.PARTIAL, D(50), D(50))
    assert (partial.place, partial.count_in_place) == (0, 0)
    assert one_result("fragment-2581-score.repaired").score == (0, 1)


def test_it_reads_coverage() -> None:
    assert part("fragment-2622-coverage.repaired", Coverage) == Coverage(True)
    assert part("fragment-2650-feed", Coverage) == Coverage(True, (CoverageFeed("MatchState", True),))


BROKEN = {
    "fragment-1855-game-score.broken": (50, "3476056", "tag mismatch"),
    "fragment-1937-market.broken": (51, "3476056", "Probability line 50"),
    "fragment-2406-result-set.broken": (15, "3474167", "tag mismatch"),
    "fragment-2440-market-result.broken": (30, "3474167", "MarketResultScore line 29"),
    "fragment-2581-score.broken": (18, "3474167", "MarketResultScore line 17"),
    "fragment-2622-coverage.broken": (10, "3025747", "attribute name"),
    "fragment-2622-coverage-only-nil.broken": (10, "3025747", "attribute name"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_it_quarantines_a_broken_fragment_with_line_reason_guid_and_fixture(name: str) -> None:
    line, fixture_ref, words = BROKEN[name]
    with pytest.raises(Unreadable) as caught:
        parse(sample(name))
    assert (caught.value.line, caught.value.fixture_ref) == (line, fixture_ref)
    assert words in caught.value.reason
    assert len(caught.value.guid) == 36


def test_it_has_a_test_for_every_broken_sample() -> None:
    assert {p.stem for p in SAMPLES.glob("*.broken.xml")} == set(BROKEN)


def test_it_reads_a_football_summary_into_a_scoreboard() -> None:
    state = part("match-state-football", MatchState)
    assert (state.element, state.phase, state.in_play, state.ended) == ("FootballMatchSummary", "SecondHalf", True, False)
    assert state.bet_accept_ok is False
    board = state.scoreboard
    assert (board["sport"], board["home"], board["away"], board["minute"]) == ("football", 2, 1, 64)
    assert board["clock"] == {"seconds": 1110, "at": "2018-04-12T20:23:30Z", "running": True}
    assert board["counts"]["Corners"] == {"home": 5, "away": 3, "collected": True, "reliable": False}
    assert board["facts"]["CurrentVarState"] == "NotInProgress"
    assert board["facts"]["FirstLegScore"] == {"Home": "0", "Away": "1"}
    assert state.raw == ""


def test_it_reads_a_basketball_summary_into_a_scoreboard() -> None:
    state = part("match-state-basketball", MatchState)
    assert (state.phase, state.in_play, state.bet_accept_ok) == ("SecondQuarter", True, None)
    board = state.scoreboard
    assert (board["sport"], board["home"], board["away"]) == ("basketball", 30, 30)
    assert board["periods"] == [{"name": "Q1", "home": 21, "away": 18}, {"name": "Q2", "home": 9, "away": 12}]
    assert (board["clock"]["running"], board["facts"]["Possession"]) == (False, "Home")


def test_it_keeps_other_match_states_raw_and_they_hold_nothing() -> None:
    handball = part("match-state-handball", MatchState)
    assert (handball.element, handball.phase, handball.in_play, handball.bet_accept_ok) == (
        "HandballMatchSummary",
        "EndOfFirstHalf",
        False,
        None,
    )
    assert "<Home>12</Home>" in handball.raw
    tennis = part("match-state-tennis-details", MatchState)
    assert (tennis.element, tennis.scoreboard, tennis.bet_accept_ok) == ("TennisMatchDetails", {}, True)
    assert "<ScoreInGames>1</ScoreInGames>" in tennis.raw
