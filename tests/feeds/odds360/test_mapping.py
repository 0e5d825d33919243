"""What rows, payloads and frames of Odds360 mean (000; feeds.md 3.2; decisions O1–O3, O6, U12; promises A5, A8, A9)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from feeds.errors import Unreadable
from feeds.odds360.mapping import hint, parse
from feeds.odds360.subjects import Kind, subject
from markets.domain.fold import Folded, Stamp, fold
from markets.domain.messages import FixtureDetails, Message
from markets.domain.offering import offered
from markets.domain.phase import phase
from markets.domain.state import FixtureState
from markets.domain.values import FixtureStatus, MarketStatus, Phase, ResultStatus

pytestmark = pytest.mark.modeless
SAMPLES = Path(__file__).parent / "samples"
T0 = datetime(2026, 6, 11, 9, 0, tzinfo=UTC)
REF = "2450840"
WINNER = "full-time/winner"


class Match:
    """One match as it is told: each message folded into what was told before, a second apart."""

    def __init__(self, ref: str = REF) -> None:
        self.ref = ref
        self.state = FixtureState()
        self.folded: Folded | None = None
        self.at = T0

    def told(self, kind: Kind, said: Any, *, sport: str = "") -> Folded:
        return self.take(parse(json.dumps(said).encode(), subject(kind, self.ref, sport)))

    def take(self, message: Message) -> Folded:
        self.at += timedelta(seconds=1)
        self.folded = fold(self.state, message, Stamp(self.at))
        self.state = self.folded.state
        return self.folded

    def row(self, **said: Any) -> Folded:
        names = {"home_team_id": 11, "home_team_name": "Ito M.", "away_team_id": 12, "away_team_name": "Sun Y."}
        start = {"start_time": "2026-06-11T10:00:00+02:00"}
        return self.told(Kind.MATCH, {"id": int(self.ref), **names, **start, **said}, sport="table-tennis")

    def payload(self, odds: Any, **said: Any) -> Folded:
        return self.told(Kind.ODDS, {"matchId": int(self.ref), "sport": "table-tennis", "odds": odds, "override": [], **said})

    def update(self, odds: Any, **said: Any) -> Folded:
        return self.told(Kind.UPDATES, {"type": "update", "matchId": int(self.ref), "odds": odds, **said})

    def offers(self, market: str = WINNER) -> dict[str, str]:
        """Selection → price of what the feed offers of a market."""
        found = self.state.markets.get(market)
        open_ = offered(found)
        return {s.id: str(s.price) for s in found.selections if s.id in open_} if found else {}

    @property
    def details(self) -> FixtureDetails:
        assert self.state.details is not None
        return self.state.details

    @property
    def phase(self) -> Phase:
        return phase(self.state)


@pytest.fixture
def match() -> Match:
    return Match()


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def winner(home: Any = 1.85, away: Any = 1.95) -> dict[str, Any]:
    return {"setTime": {}, "fullTime": {"winner": {"home": home, "away": away}}}


# The samples of the source


def test_the_payload_of_the_source_is_read_and_holds_nothing(match: Match) -> None:
    match.take(parse(sample("payload.json"), subject(Kind.ODDS, REF)))
    assert match.state.markets == {}
    assert match.details.sport is not None
    assert match.details.sport.id == "table-tennis"


def test_the_body_of_the_source_as_an_entry_closes_what_it_names(match: Match) -> None:
    match.payload({"fullTime": {"market_name": {"outcome_key": 1.80, "other": 2}}})
    match.take(parse(sample("override.json"), subject(Kind.OVERRIDES, REF)))
    assert match.offers("full-time/market_name") == {"other": "2"}


def test_a_match_listed_by_date_and_league_is_described_by_both(match: Match) -> None:
    match.take(parse(sample("matches-by-date-league.json"), subject(Kind.MATCH, REF, "table-tennis")))
    details = match.details
    assert (details.name, details.status, match.phase) == ("Ito M. - Sun Y.", FixtureStatus.FINISHED, Phase.FINISHED)
    assert details.start == datetime(2026, 6, 11, 8, 0, tzinfo=UTC)
    assert details.competition is not None
    assert (details.competition.id, details.competition.name) == ("77", "Open")
    assert [(c.id, c.name, c.home_away) for c in details.competitors] == [("11", "Ito M.", "Home"), ("12", "Sun Y.", "Away")]
    assert match.state.match_states["MatchSummary"].scoreboard == {"home": 3, "away": 1, "phase": "Ended"}


def test_a_postponed_match_is_neither_listed_nor_tradable() -> None:
    match = Match("2450841")
    match.take(parse(sample("matches-by-date-league.json"), subject(Kind.MATCH, match.ref)))
    assert (match.details.status, match.phase) == (FixtureStatus.POSTPONED, Phase.POSTPONED)


def test_a_live_match_is_live() -> None:
    match = Match("2450842")
    match.take(parse(sample("matches-live.json"), subject(Kind.MATCH, match.ref, "table-tennis")))
    assert (match.details.status, match.phase, match.state.started) == (FixtureStatus.SCHEDULED, Phase.LIVE, True)


def test_a_row_with_both_ids_is_of_the_sportmicro_match() -> None:
    match = Match("2450843")
    match.take(parse(sample("matches.json"), subject(Kind.MATCH, match.ref)))
    assert (match.details.name, match.phase) == ("Han Y. v Diaz A.", Phase.UPCOMING)


# Details


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        ({"status_type": "live"}, FixtureStatus.SCHEDULED, Phase.LIVE),
        ({"status": "inprogress", "status_reason": "1st set"}, FixtureStatus.SCHEDULED, Phase.LIVE),
        ({"status": "In Progress"}, FixtureStatus.SCHEDULED, Phase.LIVE),
        ({"status": {"type": "inprogress"}}, FixtureStatus.SCHEDULED, Phase.LIVE),
        ({"status_type": "upcoming"}, FixtureStatus.SCHEDULED, Phase.UPCOMING),
        ({"status": "not_started"}, FixtureStatus.SCHEDULED, Phase.UPCOMING),
        ({"status": "finished", "status_type": "live"}, FixtureStatus.FINISHED, Phase.FINISHED),
        ({"status": "inprogress", "status_reason": "Retired"}, FixtureStatus.FINISHED, Phase.FINISHED),
        ({"status": "canceled"}, FixtureStatus.CANCELLED, Phase.FINISHED),
        ({"status_type": "postponed"}, FixtureStatus.POSTPONED, Phase.POSTPONED),
        ({"status": "interrupted"}, FixtureStatus.INTERRUPTED, Phase.LIVE),
        ({"status_type": "in the coffee break"}, FixtureStatus.UNRECOGNISED, Phase.UPCOMING),
        ({"status_type": 7}, FixtureStatus.UNRECOGNISED, Phase.UPCOMING),
        ({"status_type": ["live"]}, FixtureStatus.UNRECOGNISED, Phase.UPCOMING),
        ({}, FixtureStatus.UNKNOWN, Phase.UPCOMING),
    ],
)
def test_u12_the_phase_is_what_the_row_says_and_what_is_not_known_is_held(
    match: Match, said: dict[str, Any], status: FixtureStatus, expected: Phase
) -> None:
    match.row(**said)
    assert (match.details.status, match.phase) == (status, expected)


def test_a_row_without_ids_and_status_changes_neither(match: Match) -> None:
    match.row(status_type="live", league_id=77, league_name="Open")
    before = match.state
    match.told(Kind.MATCH, {"match_id": int(REF), "home_team_name": "Ito M.", "away_team_name": "Sun Y.", "tournament_name": "Open, Women"})
    assert match.details == before.details


def test_t7_another_name_without_an_id_is_another_competitor(match: Match) -> None:
    match.row(status_type="live")
    match.told(Kind.MATCH, {"match_id": int(REF), "home_team_name": "Ito M.", "away_team_name": "Someone Else"})
    assert [c.id for c in match.details.competitors] == ["11", ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-11T10:00:00+02:00", datetime(2026, 6, 11, 8, tzinfo=UTC)),
        ("2026-06-11 10:00:00+00", datetime(2026, 6, 11, 10, tzinfo=UTC)),
        ("2026-06-11T10:00:00Z", datetime(2026, 6, 11, 10, tzinfo=UTC)),
        ("2026-25-11T10:00:00Z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        (1781172000, datetime(2026, 6, 11, 10, tzinfo=UTC)),
        (1781172000000, datetime(2026, 6, 11, 10, tzinfo=UTC)),
        ("2026-06-11T10:00:00", None),
        ("soon", None),
        (["2026"], None),
        (10**30, None),
    ],
)
def test_times_are_read_with_their_offset_and_either_order_of_the_date(match: Match, text: Any, expected: datetime | None) -> None:
    match.row(status_type="upcoming", start_time=text)
    assert match.details.start == expected


def test_markets_are_in_play_and_expire_as_their_match(match: Match) -> None:
    match.row(status_type="upcoming")
    match.payload(winner())
    market = match.state.markets[WINNER]
    assert (market.in_play, market.expiry) == (False, datetime(2026, 6, 11, 8, tzinfo=UTC))
    assert match.row(status_type="live").touched == (WINNER,)
    market = match.state.markets[WINNER]
    assert (market.in_play, market.expiry) == (True, None)
    assert match.update({"fullTime": {"winner": {"home": 1.85}}}).touched == ()


# Odds


def test_groups_markets_and_outcomes_keep_their_names(match: Match) -> None:
    match.payload({"setTime": {"winner": {"home": 2}}, "fullTime": {"winner": {"home": 3}}, "Extra_Time": {"winner": {"home": 4}}})
    found = {ref: (m.group, m.key, m.selections[0].key, m.selections[0].price) for ref, m in match.state.markets.items()}
    assert found == {
        "set-time/winner": ("set-time", "winner", "home", Decimal(2)),
        "full-time/winner": ("full-time", "winner", "home", Decimal(3)),
        "Extra_Time/winner": ("Extra_Time", "winner", "home", Decimal(4)),
    }


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (1.85, "1.85"),
        ("1.85", "1.85"),
        (" 1.850 ", "1.850"),
        (2, "2"),
        ({"value": 1.85}, "1.85"),
        ({"odds": "1.85"}, "1.85"),
        ({"price": 1.85, "suspended": False}, "1.85"),
        ({"value": 1.85, "active": True, "status": "open"}, "1.85"),
        ({"oddValue": 1.85, "value": "1.85"}, "1.85"),
    ],
)
def test_a_price_may_be_a_number_a_text_or_an_object(match: Match, price: Any, expected: str) -> None:
    match.payload(winner(home=price))
    assert match.offers() == {"home": expected, "away": "1.95"}


@pytest.mark.parametrize(
    "price",
    [
        None, True, [], [1.85], {}, "", "1,85", "1.85x", "NaN", "Infinity", "1e1", 1e22, -1.85, 1.0, 1.005, 1001.5, 0,
        "+1.85", "1_0.5", "٣", {"value": None}, {"value": 1.85, "suspended": True}, {"value": 1.85, "suspended": "yes"},
        {"value": 1.85, "active": False}, {"value": 1.85, "status": "suspended"}, {"value": 1.85, "status": "whatever"},
        {"value": 1.85, "price": 1.86}, {"value": {"value": 1.85}}, {"suspended": False}, {"value": 1.85, "suspended": []},
    ],
)  # fmt: skip
def test_a8_whatever_is_no_whole_open_price_closes_that_selection_alone(match: Match, price: Any) -> None:
    match.payload(winner())
    match.payload(winner(home=price))
    assert match.offers() == {"away": "1.95"}


@pytest.mark.parametrize(
    "body",
    [
        '{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":1.85,"home":1.86,"away":1.95}}}}',
        '{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":{"value":1.85,"value":1.9},"away":1.95}}}}',
        '{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":{"value":1.85,"suspended":true,"suspended":false},"away":1.95}}}}',
        '{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":1.85e0,"away":1.95}}}}',
        '{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":18' + "0" * 5000 + ',"away":1.95}}}}',
        '{"matchId":2450840,"odds":{"fullTime":{"winner":{"home":1e999999999999,"away":1.95}}}}',
    ],
)
def test_a8_a_name_that_comes_twice_and_a_wild_number_open_nothing(match: Match, body: str) -> None:
    match.take(parse(body.encode(), subject(Kind.ODDS, REF)))
    assert match.offers() == {"away": "1.95"}


@pytest.mark.parametrize(
    "odds",
    [
        '"fullTime":{"winner":{"home":1.85},"winner":{"home":1.86}}',
        '"fullTime":{"winner":{"home":1.85}},"fullTime":{"winner":{"home":1.86}}',
        '"fullTime":{"winner":{"home":1.85}},"full-time":{"winner":{"home":1.86}}',
        '"fullTime":{"winner":1.85}',
        '"fullTime":{"winner":[1.85]}',
        '"fullTime":[{"winner":{"home":1.85}}]',
        '"fullTime":{"winner":{"home":1.85},"suspended":true}',
        '"fullTime":{"winner":{"home":1.85,"suspended":true}}',
        '"fullTime":{"winner":{"home":1.85}},"suspended":true',
        '"winner":{"home":1.85}',
    ],
)
def test_a9_a_market_or_group_that_is_unreadable_closed_or_named_twice_opens_nothing(match: Match, odds: str) -> None:
    match.take(parse(f'{{"matchId":2450840,"odds":{{{odds}}}}}'.encode(), subject(Kind.ODDS, REF)))
    assert not any(offered(market) for market in match.state.markets.values())


@pytest.mark.parametrize(
    "market",
    [
        {"outcomes": {"home": 1.85, "away": 1.95}, "name": "Winner", "id": 7},
        {"name": "Winner", "line": 2.5, "selections": [{"key": "home", "price": 1.85}, {"key": "away", "price": 1.95}]},
        [{"outcome": "home", "value": 1.85}, {"outcome": "away", "value": "1.95"}],
        {"home": 1.85, "away": 1.95, "line": 2.5, "updatedAt": 1781172000},
    ],
)
def test_other_shapes_of_a_market_are_read(match: Match, market: Any) -> None:
    match.payload({"fullTime": {"winner": market}})
    assert match.offers() == {"home": "1.85", "away": "1.95"}
    assert [s.id for s in match.state.markets[WINNER].selections] == ["home", "away"]


def test_a_flat_group_of_odd_keys_is_read(match: Match) -> None:
    match.payload({"fullTime": {"winner#home": 1.85, "winner#away": {"value": 1.95, "suspended": True}}})
    assert match.offers() == {"home": "1.85"}
    match.update({"fullTime": {"winner#home": {"suspended": True}}})
    assert match.offers() == {}


def test_a_result_of_all_outcomes_is_one(match: Match) -> None:
    won, lost = {"status": "Winner"}, {"status": "Loser"}
    match.payload(winner(home={"value": 1.85, "result": won}, away={"value": 1.95, "result": lost}))
    found = match.state.results[WINNER]
    assert [(s.selection_id, s.status) for s in found.result.selections] == [("home", ResultStatus.WINNER), ("away", ResultStatus.LOSER)]


# Whole payloads and changes (O2)


def test_o2_a_whole_payload_unlists_what_it_leaves_out(match: Match) -> None:
    match.payload({"fullTime": {"winner": {"home": 1.85, "away": 1.95}, "total": {"over": 1.9}}})
    match.payload({"fullTime": {"winner": {"home": 1.86}}})
    assert (match.offers(), match.offers("full-time/total")) == ({"home": "1.86"}, {})


def test_an_update_changes_what_it_names_and_nothing_else(match: Match) -> None:
    match.payload({"fullTime": {"winner": {"home": 1.85, "away": 1.95}, "total": {"over": 1.9}}})
    folded = match.update({"fullTime": {"winner": {"home": 1.86}}})
    assert folded.touched == (WINNER,)
    assert (match.offers(), match.offers("full-time/total")) == ({"home": "1.86", "away": "1.95"}, {"over": "1.9"})


def test_a5_only_what_speaks_of_the_whole_market_proves_it(match: Match) -> None:
    match.payload(winner())
    whole = match.at
    match.update({"fullTime": {"winner": {"home": 1.86}}})
    mark = match.state.marks[f"market:{WINNER}"]
    assert (mark.proven_at, mark.seen_at) == (whole, match.at)
    match.update({"fullTime": {"winner": {"home": 1.87, "away": 1.94}}})
    assert match.state.marks[f"market:{WINNER}"].proven_at == match.at


def test_what_could_not_be_read_stays_closed_until_something_speaks_of_all_of_it(match: Match) -> None:
    match.payload(winner())
    match.update({"fullTime": {"winner": "?"}})
    match.update({"fullTime": {"winner": {"home": 1.86}}})
    assert match.offers() == {}
    match.payload(winner())
    assert match.offers() == {"home": "1.85", "away": "1.95"}


def test_u5_a_line_moves_only_where_another_is_told(match: Match) -> None:
    match.payload(winner(), markets={"winner": {"name": "Winner", "line": 2.5, "status": "Open"}})
    assert match.state.markets[WINNER].name == "Winner"
    assert match.payload(winner()).line_moved == ()
    assert match.state.markets[WINNER].line == Decimal("2.5")
    assert match.payload(winner(), markets={"winner": {"name": "Winner", "line": 3.5, "status": "Open"}}).line_moved == (WINNER,)


@pytest.mark.parametrize(
    "said",
    [
        {"type": "gone", "matchId": 2450840},
        {"type": "suspend", "matchId": 2450840},
        {"type": "suspend", "matchId": 2450840, "odds": {}},
        {"type": "suspend", "odds": {"fullTime": {"winner": {"home": {"value": 1.85}, "away": 1.95}}}},
        {"type": "snapshot", "matchId": 2450840, "odds": {}},
        {"matchId": 2450840, "odds": {}},
        {"matchId": 2450840, "suspended": True},
        {"type": "update", "odds": {"fullTime": {"winner": {"suspended": True}}}},
        {"type": "update", "suspended": True, "odds": winner()},
        {"type": "beat", "suspended": True},
        {"type": "ping", "odds": {"fullTime": {"winner": {"home": {"value": 1.7, "suspended": True}, "away": None}}}},
        {"type": "heartbeat", "markets": {"winner": {"status": "suspended"}}},
    ],
)
def test_frames_that_close_a_match_close_it(match: Match, said: dict[str, Any]) -> None:
    match.payload(winner())
    match.told(Kind.UPDATES, said)
    assert match.offers() == {}


CLOSING = (
    {"status_type": "finished"}, {"status": "suspended"}, {"statusType": "Cancelled"}, {"status": "in the coffee break"},
    {"status": "live", "status_type": "interrupted"}, {"phase": "finished"}, {"status": 7}, {"status": {"type": "finished"}},
    {"status": "live", "status_reason": "Retired"}, {"tradable": False}, {"blocked": True}, {"tradingStatus": "suspended"},
    {"tradable": "perhaps"}, {"matchStatus": "Finished"}, {"match_status": "suspended"}, {"is_suspended": True}, {"Suspended": True},
)  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        {"is_suspended": True}, {"Suspended": True}, {"SUSPENDED": True}, {"suspend": True}, {"is_active": False}, {"locked": True},
        {"isLocked": "yes"}, {"state": "suspended"}, {"market_status": "suspended"}, {"oddState": "weird"}, {"closed": 1}, {"isClosed": {}},
        {"suspendedAt": "2026-11-20T09:00:00Z"}, {"tradingStatus": "closed"}, {"Is_Open": False}, {"priceSuspended": True},
    ],
)  # fmt: skip
def test_a9_a_member_of_a_price_whose_name_speaks_of_being_shut_closes_it_however_it_is_spelt(match: Match, said: dict[str, Any]) -> None:
    match.payload({"fullTime": {"winner": {"home": {"value": 1.85, **said}, "away": 1.95}}})
    assert set(match.offers()) == {"away"}


@pytest.mark.parametrize(
    "said",
    [
        {"is_suspended": False}, {"Suspended": None}, {"SUSPENDED": "false"}, {"is_active": True}, {"locked": 0}, {"state": "open"},
        {"market_status": "Active"}, {"closed": False}, {"name": "Status quo"}, {"clock": "12:01"}, {"history": [1.8]},
    ],
)  # fmt: skip
def test_a_member_of_a_price_that_says_that_it_is_not_shut_or_nothing_of_it_leaves_it_open(match: Match, said: dict[str, Any]) -> None:
    match.payload({"fullTime": {"winner": {"home": {"value": 1.85, **said}, "away": 1.95}}})
    assert set(match.offers()) == {"home", "away"}


def test_a_status_of_the_match_under_another_name_closes_only_by_a_word_that_is_known(match: Match) -> None:
    match.payload(winner(), matchStatus="2nd set")
    assert match.offers() != {}


@pytest.mark.parametrize("said", CLOSING)
@pytest.mark.parametrize("type_", ["snapshot", "update", None])
def test_u12_what_a_frame_says_of_its_match_counts_as_in_a_payload(match: Match, said: dict[str, Any], type_: str | None) -> None:
    match.row(status_type="live")
    match.payload(winner())
    match.told(Kind.UPDATES, {"type": type_, "matchId": 2450840, "odds": winner(), **said})
    assert match.details.status in CLOSED_STATUSES or match.offers() == {}
    other = Match()
    other.row(status_type="live")
    other.payload(winner(), **said)
    assert (match.details.status, match.phase, match.offers()) == (other.details.status, other.phase, other.offers())


CLOSED_STATUSES = (FixtureStatus.FINISHED, FixtureStatus.CANCELLED, FixtureStatus.INTERRUPTED, FixtureStatus.UNRECOGNISED)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"status_type": "finished"}, FixtureStatus.FINISHED),
        ({"status": "suspended"}, FixtureStatus.INTERRUPTED),
        ({"type": "suspend", "status": "finished"}, FixtureStatus.FINISHED),
        ({"type": "update", "override": [], "odds": {}, "status": "finished"}, FixtureStatus.FINISHED),
        ({"override": [], "status": "interrupted"}, FixtureStatus.INTERRUPTED),
    ],
)
def test_u12_a_frame_without_odds_says_the_status_too(match: Match, said: dict[str, Any], status: FixtureStatus) -> None:
    match.row(status_type="live")
    match.payload(winner())
    match.told(Kind.UPDATES, {"matchId": 2450840, **said})
    assert match.details.status is status


@pytest.mark.parametrize("word", ["status", "status_type"])
def test_a_strange_word_without_odds_closes_until_the_next_payload(match: Match, word: str) -> None:
    match.row(status_type="live")
    match.payload(winner())
    match.told(Kind.UPDATES, {word: "reconnecting"})
    assert (match.details.status, match.offers()) == (FixtureStatus.SCHEDULED, {})
    match.payload(winner())
    assert match.offers() == {"home": "1.85", "away": "1.95"}


SHUT: tuple[Any, ...] = (
    {"suspended": True}, {"tradable": False}, {"status": "Suspended"}, {"status": "Open", "tradable": False}, {"status_type": "closed"},
    {"active": False}, {"status": "whatever"}, 7, "open", [],
)  # fmt: skip


@pytest.mark.parametrize("about", SHUT)
@pytest.mark.parametrize("kind", [Kind.ODDS, Kind.UPDATES])
def test_what_stands_beside_the_odds_closes_its_market(match: Match, kind: Kind, about: Any) -> None:
    odds = {"fullTime": {"winner": {"home": 1.85}, "total": {"over": 1.9}}}
    match.payload(odds)
    type_ = {"type": "update"} if kind is Kind.UPDATES else {}
    match.told(kind, {**type_, "matchId": 2450840, "odds": odds, "markets": {"winner": about}})
    assert (match.offers(), match.offers("full-time/total")) == ({}, {"over": "1.9"})


def test_what_stands_beside_the_odds_may_be_by_group(match: Match) -> None:
    match.payload({**winner(), "setTime": {"winner": {"home": 1.5}}})
    match.payload({**winner(), "setTime": {"winner": {"home": 1.5}}}, markets={"setTime": {"winner": {"suspended": True}}})
    assert (match.offers("set-time/winner"), match.offers()) == ({}, {"home": "1.85", "away": "1.95"})


@pytest.mark.parametrize("type_", ["update", None])
def test_a_market_is_closed_beside_the_odds_of_others_and_opened_again(match: Match, type_: str | None) -> None:
    match.payload({"fullTime": {"winner": {"home": 1.85}, "total": {"over": 1.9}}})
    closed = {"winner": {"tradable": False, "group": "fullTime"}}
    match.told(Kind.UPDATES, {"type": type_, "odds": {"fullTime": {"total": {"over": 1.91}}}, "markets": closed})
    assert (match.offers(), match.offers("full-time/total")) == ({}, {"over": "1.91"})
    match.update({"fullTime": {"winner": {"home": 1.86}}}, markets={"winner": {"tradable": True, "status": "Open"}})
    assert match.offers() == {"home": "1.86"}


@pytest.mark.parametrize(
    "markets",
    [{"winner": {"suspended": True}}, {"winner": 7}, [{"key": "winner", "suspended": True}], "closed", {"winner": {"status": []}}],
)
def test_a_market_that_cannot_be_found_is_closed_with_all_others(match: Match, markets: Any) -> None:
    match.payload(winner())
    match.update({}, markets=markets)
    assert match.offers() == {}


def test_markets_without_odds_of_an_unknown_sender_hold_the_match(match: Match) -> None:
    match.payload(winner())
    assert match.told(Kind.UPDATES, {"markets": {"winner": {"suspended": True}}}).doubts != ()


# What a ``markets`` object beside the odds may bring itself


def test_names_of_outcomes_beside_the_odds_are_read(match: Match) -> None:
    outcomes = {"home": {"name": "Ito M."}, "away": {"name": "Sun Y.", "suspended": False}}
    match.payload(winner(), markets={"winner": {"name": "Winner", "outcomes": outcomes}})
    found = match.state.markets[WINNER]
    assert (found.name, [s.name for s in found.selections]) == ("Winner", ["Ito M.", "Sun Y."])
    assert match.offers() == {"home": "1.85", "away": "1.95"}
    match.payload(winner(), markets={"fullTime": {"winner": {"selections": [{"key": "away", "name": "Sun Yi"}]}}})
    assert [s.name for s in match.state.markets[WINNER].selections] == ["home", "Sun Yi"]


@pytest.mark.parametrize(
    "about",
    [
        {"outcomes": {"home": {"suspended": True}}},
        {"outcomes": {"home": {"value": 1.86}}},
        {"outcomes": {"home": {"value": "?"}}},
        {"selections": [{"key": "home", "price": 1.85, "status": "closed"}]},
        {"selections": [{"key": "home", "price": 1.85}, {"key": "home", "price": 1.85}]},
        {"group": "fullTime", "outcomes": {"home": {"active": "perhaps"}}},
    ],
)
@pytest.mark.parametrize("type_", ["snapshot", "update", None])
def test_what_stands_beside_the_odds_closes_an_outcome_that_it_contradicts(match: Match, about: Any, type_: str | None) -> None:
    match.payload(winner())
    match.told(Kind.UPDATES, {"type": type_, "matchId": 2450840, "odds": winner(), "markets": {"winner": about}})
    assert match.offers() == {"away": "1.95"}


@pytest.mark.parametrize("told", [{"value": 1.9}, {"suspended": True}, {"name": "Sun Y.", "status": "whatever"}])
@pytest.mark.parametrize("type_", ["snapshot", "update", None])
def test_an_outcome_that_the_odds_leave_out_is_not_opened_beside_them(match: Match, told: Any, type_: str | None) -> None:
    match.payload(winner())
    odds = {"fullTime": {"winner": {"home": 1.86}}}
    match.told(Kind.UPDATES, {"type": type_, "matchId": 2450840, "odds": odds, "markets": {"winner": {"outcomes": {"away": told}}}})
    assert match.offers() == {"home": "1.86"}


OUTCOMES = {"home": {"name": "Ito M.", "value": 1.85}, "away": {"name": "Sun Y.", "value": "1.95", "suspended": False}}


@pytest.mark.parametrize(
    "markets",
    [
        {"fullTime": {"winner": OUTCOMES}},
        {"full-time": {"winner": {"name": "Winner", "line": None, "status": "Open", "outcomes": OUTCOMES}}},
        {"fullTime": {"winner": {"selections": [{"key": key, **price} for key, price in OUTCOMES.items()]}}},
        {"winner": {"group": "fullTime", "tradable": True, "outcomes": OUTCOMES}},
        {"winner": {"group": "full-time", "name": "Winner", "prices": {"home": 1.85, "away": "1.95"}}},
    ],
)
@pytest.mark.parametrize("odds", [{}, {"setTime": {}, "fullTime": {}}, {"fullTime": {"total": {"over": 1.9}}}])
def test_prices_beside_the_odds_are_read_where_group_and_outcomes_are_said(match: Match, odds: Any, markets: Any) -> None:
    match.payload(odds, markets=markets)
    assert match.offers() == {"home": "1.85", "away": "1.95"}
    match.payload(odds)
    assert match.offers() == {}


@pytest.mark.parametrize(
    "markets",
    [
        {"winner": {"outcomes": OUTCOMES}},
        {"winner": OUTCOMES},
        {"winner": {"group": "sets", "outcomes": OUTCOMES}},
        {"sets": {"winner": OUTCOMES}},
        {"fullTime": {"winner": {"home": 1.85, "away": 1.95}}},
        {"fullTime": {"winner": {**OUTCOMES, "betDelay": 5}}},
        {"fullTime": {"winner": {"outcomes": OUTCOMES, "prices": {"home": 1.85}}}},
        {"fullTime": {"winner": {"outcomes": OUTCOMES, "draw": {"value": 3}}}},
        {"fullTime": {"winner": {"outcomes": [{"value": 1.85}]}}},
        {"fullTime": {"outcomes": OUTCOMES}},
        {"fullTime": {"name": "Full time", "selections": [{"key": "home", "value": 1.85}]}},
        {"fullTime": {"suspended": True, "winner": OUTCOMES}},
        {"fullTime": {"winner": {"tradable": False, "outcomes": OUTCOMES}}},
        {"fullTime": {"winner": OUTCOMES}, "full-time": {"winner": OUTCOMES}},
        {"fullTime": {"winner": OUTCOMES}, "winner": {"group": "fullTime", "outcomes": OUTCOMES}},
    ],
)
@pytest.mark.parametrize("type_", ["snapshot", "update", None])
def test_a9_prices_beside_the_odds_that_nobody_can_place_open_nothing(match: Match, markets: Any, type_: str | None) -> None:
    match.told(Kind.UPDATES, {"type": type_, "matchId": 2450840, "odds": {"fullTime": {}}, "markets": markets})
    assert not any(offered(market) for market in match.state.markets.values())
    match.payload(winner())
    match.told(Kind.UPDATES, {"type": type_, "matchId": 2450840, "odds": {"setTime": {}}, "markets": markets})
    assert match.offers() == {}, "what was offered before may be what could not be placed"


@pytest.mark.parametrize("told", [{"resultRevision": 2}, {"limit": {"value": 100}}, {"cashOutStatus": "Open"}, {"score": {"value": 2}}])
@pytest.mark.parametrize("whole", [OUTCOMES, {"outcomes": OUTCOMES}])
def test_what_tells_of_a_market_beside_the_odds_is_no_outcome_of_it(match: Match, whole: dict[str, Any], told: dict[str, Any]) -> None:
    match.payload({}, markets={"fullTime": {"winner": {**whole, **told}}})
    assert [s.id for s in match.state.markets[WINNER].selections] == ["home", "away"]
    assert match.offers() == {"home": "1.85", "away": "1.95"}


@pytest.mark.parametrize("odds", [{"fullTime": None}, {"fullTime": "?"}, {"fullTime": {"suspended": True}}, {"fullTime": {"winner": None}}])
def test_what_the_odds_themselves_take_back_is_not_opened_beside_them(match: Match, odds: Any) -> None:
    match.payload(odds, markets={"fullTime": {"winner": OUTCOMES}})
    assert match.offers() == {}


def test_what_could_not_be_placed_is_noted(match: Match) -> None:
    folded = match.payload({}, markets={"fullTime": {"winner": {"home": 1.85, "away": 1.95}}})
    assert "market “winner” holds no outcomes that can be read" in folded.notes


def test_a_market_is_closed_by_its_own_group_and_not_by_its_name_alone(match: Match) -> None:
    both = {**winner(), "setTime": {"winner": {"home": 1.5}}}
    match.payload(both)
    match.update({"setTime": both["setTime"]}, markets={"winner": {"group": "fullTime", "suspended": True}})
    assert (match.offers("set-time/winner"), match.offers()) == ({"home": "1.5"}, {})
    match.payload(both)
    match.update({}, markets={"fullTime": {"winner": {"status": "Closed"}}})
    assert (match.offers("set-time/winner"), match.offers()) == ({"home": "1.5"}, {})
    match.payload(both, markets={"setTime": "closed"})
    assert (match.offers("set-time/winner"), match.offers()) == ({}, {"home": "1.85", "away": "1.95"})


@pytest.mark.parametrize(
    "said",
    [
        {"odds": {"fullTime": {"suspended": True}}},
        {"odds": {"fullTime": {"total": {"over": 1.91}, "suspended": True}}},
        {"odds": {"fullTime": {"total": {"over": 1.91}}}, "suspended": True},
        {"odds": {"fullTime": {"total": {"over": 1.91}}, "tradable": False}},
        {"odds": {}, "markets": {"fullTime": {"suspended": True}}},
        {"odds": {"fullTime": {"total": {"over": 1.91}}}, "markets": {"fullTime": {"status": "Suspended"}}},
    ],
)
def test_a_change_that_closes_a_group_or_the_match_closes_what_it_does_not_name_too(match: Match, said: dict[str, Any]) -> None:
    match.payload({"fullTime": {"winner": {"home": 1.85}, "total": {"over": 1.9}}})
    match.told(Kind.UPDATES, {"type": "update", "matchId": 2450840, **said})
    assert (match.offers(), match.offers("full-time/total")) == ({}, {})


def test_a_market_that_is_called_like_a_group_is_closed_by_its_name(match: Match) -> None:
    match.payload({"fullTime": {"player": {"over": 1.9}, "winner": {"home": 1.85}}}, markets={"player": {"suspended": True}})
    assert (match.offers("full-time/player"), match.offers()) == ({}, {"home": "1.85"})


@pytest.mark.parametrize("price", [{"value": 1.85, "tradable": False}, {"value": 1.85, "status_type": "suspended"}])
def test_a_price_that_is_not_tradable_is_closed(match: Match, price: Any) -> None:
    match.payload(winner())
    match.update({"fullTime": {"winner": {"home": price}}})
    assert match.offers() == {"away": "1.95"}


def test_a_suspension_keeps_the_prices_readable(match: Match) -> None:
    match.payload(winner())
    match.told(Kind.UPDATES, {"type": "suspend", "matchId": 2450840, "scope": "all"})
    assert [(s.price, s.listed) for s in match.state.markets[WINNER].selections] == [(Decimal("1.85"), True), (Decimal("1.95"), True)]
    match.update(winner(home={"value": 1.85, "suspended": False}))
    assert match.offers() == {"home": "1.85", "away": "1.95"}


@pytest.mark.parametrize(
    ("odds", "left"),
    [
        ({"fullTime": {"winner": {"home": None}}}, ({"away": "1.95"}, {"over": "1.9"})),
        ({"fullTime": {"winner": None}}, ({}, {"over": "1.9"})),
        ({"fullTime": None}, ({}, {})),
    ],
)
def test_null_in_an_update_takes_back_what_was_there(
    match: Match, odds: dict[str, Any], left: tuple[dict[str, str], dict[str, str]]
) -> None:
    match.payload({"fullTime": {"winner": {"home": 1.85, "away": 1.95}, "total": {"over": 1.9}}})
    folded = match.update(odds)
    assert (match.offers(), match.offers("full-time/total")) == left
    assert folded.line_moved == ()


def test_after_a_suspension_an_update_opens_what_it_names(match: Match) -> None:
    match.payload(winner())
    match.told(Kind.UPDATES, {"type": "suspend", "odds": winner()})
    match.update({"fullTime": {"winner": {"home": {"value": 1.9, "suspended": False}}}})
    assert match.offers() == {"home": "1.9"}


@pytest.mark.parametrize(
    "said",
    [
        {"fullTime": {"winner": {"home": 1.9}}},
        {"odds": {"fullTime": {"winner": {"home": 1.9}}}},
        [{"oddType": "full-time", "oddKey": "winner#home", "oddValue": 1.9}],
        {"type": "update", "odds": {"full-time": {"winner#home": "1.9"}}},
    ],
)
def test_changes_of_an_unknown_sender_are_read_in_any_of_their_shapes(match: Match, said: Any) -> None:
    match.payload(winner())
    match.told(Kind.UPDATES, said)
    assert match.offers() == {"home": "1.9", "away": "1.95"}


@pytest.mark.parametrize(
    "said",
    [
        {"type": "jackpot", "odds": winner()},
        {"type": ["update"], "odds": winner()},
        {"event": {"home": 1.9}, "at": 7},
        [{"home": 1.9}],
        {"type": "update", "odds": {"fullTime": [1.9]}},
    ],
)
def test_a9_a_frame_of_an_unknown_kind_or_shape_holds_the_match(match: Match, said: Any) -> None:
    match.payload(winner())
    assert match.told(Kind.UPDATES, said).doubts != ()


@pytest.mark.parametrize("said", [{"type": "beat", "seq": 7}, {"connected": True}, {"type": "heartbeat"}, {}])
def test_a_heartbeat_changes_nothing(match: Match, said: dict[str, Any]) -> None:
    match.payload(winner())
    before = match.state
    folded = match.told(Kind.UPDATES, said)
    assert (folded.state.markets, folded.doubts) == (before.markets, ())


# Overrides of the provider (O3)


def test_o3_a_suspension_closes_the_selection_until_it_has_ended(match: Match) -> None:
    match.payload(winner())
    entry = {"oddType": "full-time", "oddKey": "winner#home", "suspended": True}
    folded = match.told(Kind.OVERRIDES, {"type": "update", "matchId": 2450840, "override": [entry]})
    assert (match.offers(), folded.closed) == ({"away": "1.95"}, (WINNER,))
    match.told(Kind.OVERRIDES, {"type": "update", "override": [{"oddKey": "winner#home", "ended": True}]})
    assert match.offers() == {"home": "1.85", "away": "1.95"}


def test_o3_a_value_that_differs_closes_until_the_odds_agree(match: Match) -> None:
    match.payload(winner(), override=[{"oddKey": "winner#home", "oddValue": 1.9, "suspended": False}])
    assert match.offers() == {"away": "1.95"}
    match.update({"fullTime": {"winner": {"home": "1.90"}}})
    assert match.offers() == {"home": "1.90", "away": "1.95"}


def test_o3_an_override_that_comes_before_the_odds_is_not_forgotten(match: Match) -> None:
    match.told(Kind.OVERRIDES, [{"oddType": "full-time", "oddKey": "winner#home", "suspended": True}])
    match.told(Kind.UPDATES, {"type": "snapshot", "odds": winner()})
    assert match.offers() == {"away": "1.95"}


def test_o3_a_whole_list_ends_those_that_it_leaves_out(match: Match) -> None:
    match.payload(winner(), override=[{"oddKey": "winner#home", "suspended": True}])
    match.payload(winner(), override=[])
    assert match.offers() == {"home": "1.85", "away": "1.95"}


def test_o3_the_list_in_an_update_is_whole(match: Match) -> None:
    match.payload(winner(), override=[{"oddKey": "winner#home", "suspended": True}])
    match.update({}, override=[{"oddKey": "winner#away", "suspended": True}])
    assert match.offers() == {"home": "1.85"}
    match.update({"fullTime": {"winner": {"away": 1.95}}})
    assert match.offers() == {"home": "1.85"}, "a list that is not there says nothing"


def test_o3_entries_of_one_selection_end_one_by_one(match: Match) -> None:
    hold = {"id": "hold-7", "oddKey": "winner#home", "oddValue": None, "suspended": True}
    price = {"id": "override-3", "oddKey": "winner#home", "oddValue": 1.9, "suspended": False}
    match.payload(winner(home=1.9), override=[price, hold])
    assert match.offers() == {"away": "1.95"}
    match.told(Kind.OVERRIDES, {"type": "update", "override": [{**hold, "ended": True}]})
    assert match.offers() == {"home": "1.9", "away": "1.95"}
    match.update({"fullTime": {"winner": {"home": 2}}})
    assert match.offers() == {"away": "1.95"}, "the price that is set is 1.9"
    match.told(Kind.OVERRIDES, {"type": "update", "override": [{**price, "oddType": "full-time", "ended": True}]})
    assert match.offers() == {"home": "2", "away": "1.95"}


SET = {"oddKey": "winner#home", "oddValue": 1.9, "suspended": False, "endsAt": "2026-06-11T12:00:00.000+00:00"}
HELD = {"oddKey": "winner#home", "oddValue": None, "suspended": True, "endsAt": "2026-06-11T12:05:00Z"}


def ended(entry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "update", "override": [{**entry, "ended": True}]}


@pytest.mark.parametrize(
    "told",
    [
        {"id": "override-3"},
        {"id": "override-3", "oddValue": "1.90", "endsAt": "2026-06-11T14:00:00+02:00"},
        {},
        {"endsAt": None},
        {"oddType": "full-time"},
    ],
)
def test_o3_what_a_payload_listed_without_an_id_ends_as_soon_as_the_stream_says_so(match: Match, told: dict[str, Any]) -> None:
    match.told(Kind.OVERRIDES, {"type": "snapshot", "override": [{**SET, "id": "override-3"}]})
    match.payload(winner(), override=[SET])
    assert match.offers() == {"away": "1.95"}
    match.told(Kind.OVERRIDES, ended({**SET, **told}))
    assert match.offers() == {"home": "1.85", "away": "1.95"}


@pytest.mark.parametrize(
    "told",
    [
        {"id": "override-4", "oddValue": 1.8},
        {"id": "override-4", "endsAt": "2026-06-11T12:00:01Z"},
        {"id": "override-4", "endsAt": None},
        {"oddValue": 1.8},
        {"oddValue": None},
        {"endsAt": "2026-06-11T12:00:01Z"},
        {"oddKey": "winner#away"},
        {"oddType": "set-time"},
    ],
)
def test_o3_the_end_of_another_override_ends_none_that_has_no_id(match: Match, told: dict[str, Any]) -> None:
    match.payload(winner(), override=[{**SET, "oddType": "full-time"}])
    match.told(Kind.OVERRIDES, ended({**SET, **told}))
    assert match.offers() == {"away": "1.95"}
    match.payload(winner(), override=[])
    assert match.offers() == {"home": "1.85", "away": "1.95"}


def test_o3_a_price_and_a_suspension_without_ids_are_two_overrides(match: Match) -> None:
    match.payload(winner(home=1.9), override=[HELD, SET])
    assert match.offers() == {"away": "1.95"}
    match.told(Kind.OVERRIDES, ended({"oddKey": "winner#home"}))
    assert match.offers() == {"away": "1.95"}, "nobody can say which of them"
    match.told(Kind.OVERRIDES, ended(HELD))
    assert match.offers() == {"home": "1.9", "away": "1.95"}
    match.told(Kind.OVERRIDES, ended({"oddKey": "winner#home"}))
    match.update({"fullTime": {"winner": {"home": 2}}})
    assert match.offers() == {"home": "2", "away": "1.95"}


def test_o3_a_later_price_without_an_id_takes_the_place_of_the_earlier_one(match: Match) -> None:
    match.payload(winner(home=2), override=[HELD, SET])
    match.told(Kind.OVERRIDES, {"type": "update", "override": [{**SET, "oddValue": 2}]})
    assert match.offers() == {"away": "1.95"}, "it is held besides"
    match.told(Kind.OVERRIDES, ended(HELD))
    assert match.offers() == {"home": "2", "away": "1.95"}
    match.told(Kind.OVERRIDES, {"type": "update", "override": [SET, {**SET, "oddValue": 2}]})
    assert match.offers() == {"away": "1.95"}, "of two prices in one list neither is the later one"


def test_o3_an_override_that_is_told_anew_under_its_id_replaces_itself(match: Match) -> None:
    match.payload(winner(home=2))
    for value in (1.9, 2):
        match.told(Kind.OVERRIDES, {"type": "update", "override": [{**SET, "id": "override-3", "oddValue": value}]})
    assert match.offers() == {"home": "2", "away": "1.95"}
    match.told(Kind.OVERRIDES, ended({"id": "override-3", "oddKey": "winner#home"}))
    match.update({"fullTime": {"winner": {"home": 2.1}}})
    assert match.offers() == {"home": "2.1", "away": "1.95"}


@pytest.mark.parametrize("entry", [{"oddKey": "winner"}, {"oddKey": 7}, "winner#home", {"oddValue": 2}, None])
def test_o3_an_entry_that_names_no_selection_holds_the_match(match: Match, entry: Any) -> None:
    match.payload(winner())
    assert match.told(Kind.OVERRIDES, {"type": "update", "override": [entry]}).doubts != ()


@pytest.mark.parametrize("value", [None, "x", [], 0.5])
def test_o3_an_override_whose_value_cannot_be_read_closes_its_selection(match: Match, value: Any) -> None:
    match.payload(winner())
    match.told(Kind.OVERRIDES, {"type": "update", "override": [{"oddKey": "winner#home", "oddValue": value}]})
    assert match.offers() == {"away": "1.95"}


# Verify, ids, and what cannot be read


def test_what_the_provider_itself_doubts_is_held_and_what_it_confirms_opens_nothing(match: Match) -> None:
    match.payload(winner(home=None))
    assert match.told(Kind.VERIFY, {"matchId": 2450840, "verified": False, "problems": ["stale"]}).doubts != ()
    assert match.told(Kind.VERIFY, {"matchId": 2450840, "verified": True, "problems": []}).doubts == ()
    assert match.offers() == {"away": "1.95"}


@pytest.mark.parametrize(
    "said", [{}, {"verified": None}, {"verified": "yes"}, {"verified": 1}, {"verified": []}, {"verified": True, "problems": "stale"}]
)
def test_a_check_that_does_not_say_true_is_a_doubt(match: Match, said: dict[str, Any]) -> None:
    match.payload(winner())
    assert match.told(Kind.VERIFY, said).doubts != ()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.ODDS, b"<html><body>502 Bad Gateway</body></html>"),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": {"fullTime": {"winner": {"ho'),
        (Kind.ODDS, b""),
        (Kind.ODDS, b"null"),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": NaN}'),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": null}'),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": {}, "odds": {}}'),
        (Kind.ODDS, b'{"error": "not_found", "detail": "no such match"}'),
        (Kind.ODDS, b'{"matchId": 9, "odds": {}}'),
        (Kind.ODDS, b"[]"),
        (Kind.ODDS, b"[" * 2000),
        (Kind.ODDS, b"[" + b"[]," * 70_000 + b"[]]"),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": {"fullTime": {"winner": {%s}}}}' % b",".join(b'"o%d":2' % n for n in range(6_000))),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": {"fullTime": {%s}}}' % b",".join(b'"m%d":{}' % n for n in range(2_000))),
        (Kind.ODDS, b'{"matchId": 2450840, "odds": {}, "more": "%s"}' % (b"x" * (2 << 20))),
        (Kind.ODDS, b'{"a":' * 50 + b"1" + b"}" * 50),
        (Kind.MATCH, b'{"id": 2450840}'),
        (Kind.MATCH, b'{"id": 9, "status": "live"}'),
        (Kind.MATCH, b'[{"id": 2450840, "status": "live"}, {"id": 2450840, "status": "finished"}]'),
        (Kind.UPDATES, b'{"type": "update", "matchId": 9, "odds": {}}'),
        (Kind.UPDATES, b'{"type": "update", "odds": 7}'),
        (
            Kind.UPDATES,
            b'{"type": "update", "odds": {}, "markets": {%s}}' % b",".join(b'"m%d":{"suspended":true}' % n for n in range(2_000)),
        ),
        (Kind.UPDATES, b"\xff\xfe\x00"),
        (Kind.VERIFY, b"[]"),
    ],
)
def test_b7_what_cannot_be_read_names_its_match_alone(kind: Kind, body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(body, subject(kind, REF))
    assert caught.value.fixture_refs == (REF,)


NAMES_ANOTHER = (
    '"id": 888002', '"matchId": 2450840, "matchId": 2450840', '"match_id": 888002', '"matchId": 888002.0', '"matchId": "02450840"',
    '"matchId": "abc-2450840"', '"id": 2450840, "matchId": 888002', '"matchId": 2450840, "match_id": 888002', '"matchID": 888002',
    '"matchId": null', '"id": "abc"', '"id": [2450840]', '"matchId": true', '"matchId": 2450840, "match": {"id": 888002}',
    '"match": 888002', '"match": "888002"',
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES_ANOTHER)
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind.UPDATES, '"odds": {"fullTime": {"winner": {"home": 1.85}}}'),
        (Kind.UPDATES, '"type": "update", "odds": {"fullTime": {"winner": {"home": 1.85}}}'),
        (Kind.UPDATES, '"type": "snapshot", "odds": {"fullTime": {"winner": {"home": 1.85}}}'),
        (Kind.OVERRIDES, '"type": "update", "override": [{"oddKey": "winner#home", "ended": true}]'),
        (Kind.ODDS, '"odds": {"fullTime": {"winner": {"home": 1.85}}}'),
        (Kind.VERIFY, '"verified": true'),
    ],
)
def test_what_is_not_readably_about_this_match_is_not_read(name: str, kind: Kind, said: str) -> None:
    with pytest.raises(Unreadable, match="another match") as caught:
        parse(f"{{{name}, {said}}}".encode(), subject(kind, REF))
    assert caught.value.fixture_refs == (REF,)


@pytest.mark.parametrize("kind", [Kind.UPDATES, Kind.OVERRIDES])
@pytest.mark.parametrize(
    "said",
    [
        [{"matchId": 888002, "oddType": "full-time", "oddKey": "winner#home", "oddValue": 1.9}],
        [{"oddType": "full-time", "oddKey": "winner#away", "oddValue": 1.9}, {"match_id": "x", "oddKey": "winner#home", "ended": True}],
        {"matchId": 888002, "oddType": "full-time", "oddKey": "winner#home", "oddValue": 1.9},
        {"override": [{"matchId": 888002, "oddKey": "winner#home", "suspended": False}]},
        {"type": "update", "matchId": 2450840, "odds": {}, "override": [{"matchId": 888002, "oddKey": "winner#home", "ended": True}]},
        {"type": "snapshot", "matchId": 2450840, "odds": {}, "overrides": {"match_id": 888002.0, "oddKey": "winner#home"}},
    ],
)
def test_an_entry_of_another_match_is_not_read(kind: Kind, said: Any) -> None:
    with pytest.raises(Unreadable, match="another match"):
        parse(json.dumps(said).encode(), subject(kind, REF))


def test_the_id_of_an_entry_and_of_a_frame_that_names_its_match_are_their_own(match: Match) -> None:
    match.payload(winner())
    entry = {"id": "hold-7", "matchId": 2450840, "oddType": "full-time", "oddKey": "winner#home", "suspended": True}
    match.told(Kind.OVERRIDES, {"type": "update", "id": "event-9", "matchId": "2450840", "override": [entry]})
    assert match.offers() == {"away": "1.95"}
    match.told(Kind.OVERRIDES, {**entry, "ended": True})
    assert match.offers() == {"home": "1.85", "away": "1.95"}


def test_a_frame_with_two_numbers_is_not_read() -> None:
    with pytest.raises(Unreadable):
        parse(b'{"type": "update", "seq": 90, "seq": 102, "odds": {}}', subject(Kind.UPDATES, REF))


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"odds": {}}', '{"odds": {}}'.encode("utf-16-le"), b'{"odds": {}, "n": "\xed\xa0\x80"}'])
def test_what_is_no_plain_utf_8_is_not_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(body, subject(Kind.UPDATES, REF))


@pytest.mark.parametrize("stream", ["", "odds", "nonsense/7", "odds/", "match/"])
def test_b7_a_frame_of_no_match_names_none(stream: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(sample("payload.json"), stream)
    assert caught.value.fixture_refs == ()


@pytest.mark.parametrize(("stream", "ref"), [("odds/7", "7"), ("match/7@table-tennis", "7"), ("match/", ""), ("", ""), ("what/7", "")])
def test_a_frame_is_routed_by_the_match_of_its_stream(stream: str, ref: str) -> None:
    assert hint(b"\xff", stream).fixture_ref == ref


def test_a_key_that_no_store_takes_is_told_apart_from_all_others(match: Match) -> None:
    long = "x" * 500
    match.payload({"fullTime": {long: {"a\0b": 2, "a b": 3, "\ud800": 4}, f"{long}y": {"home": 2}}})
    market, other = match.state.markets.values()
    assert len({market.id, other.id}) == 2
    assert all(len(m.id) <= 100 and m.status is MarketStatus.OPEN for m in (market, other))
    ids = [s.id for s in market.selections]
    assert len(set(ids)) == 3
    assert all(i.encode() and i.isprintable() and len(i) <= 64 for i in ids)
