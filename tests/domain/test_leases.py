"""A match's own connection holds its prices open, and nothing else does where a feed has one each match (A3, A10, A12; decision O2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from markets.domain.heard import NOTHING_HEARD, Heard
from markets.domain.leases import Line, held_until, lease
from markets.domain.publish import MarketRow, SelectionRow, Terms, publish
from markets.domain.rules import NO_FENCE, Circumstances, Code, FeedHealth, FixtureFacts, Lease, MarketFacts, Verdict, gate
from markets.domain.values import FixtureStatus, Phase
from tests.domain import says

pytestmark = pytest.mark.modeless
NOW = says.at(100)
MS = timedelta(milliseconds=1)
FEED = FeedHealth("odds", NOW, lease_seconds=60, coverage_expected=False, each_match=True)
READ = Heard(joined=True, silent_in=1.8)
FIXTURE = FixtureFacts(1, True, FixtureStatus.SCHEDULED, True, "table-tennis", "5:77", None)
MARKET = MarketFacts(10, says.market("7", in_play=True), seen_at=NOW, fresh_kept=NOW)


def line(heard: float = 0, data: float = 0, seconds: float | None = 10, state: str = "live", words: str = "") -> Line:
    """``heard``, ``data``: how many seconds ago."""
    return Line(NOW - timedelta(seconds=heard), state, words, None, seconds, NOW - timedelta(seconds=data))


def judged(of: Line | None, phase: Phase = Phase.LIVE, now: datetime = NOW, reader: Heard = READ, feed: FeedHealth = FEED) -> Verdict:
    feed = replace(feed, heard_at=now)
    around = Circumstances(now, FIXTURE, feed, fence=NO_FENCE, store_confirmed_at=now, lease=lease(feed, of, reader, phase, now))
    return gate(MARKET.market.selections[0], 100, MARKET, around)


def codes(verdict: Verdict) -> list[Code]:
    assert all(reason.words and reason.clears for reason in verdict.reasons)
    return [reason.code for reason in verdict.reasons]


def test_a3_a_match_that_is_heard_and_has_new_odds_is_open() -> None:
    assert judged(line()).tradable


def test_a3_a_match_without_a_connection_is_closed() -> None:
    assert codes(judged(None)) == [Code.LEASE, Code.LEASE]


def test_a3_where_nobody_asked_for_the_connection_the_match_is_closed() -> None:
    around = Circumstances(NOW, FIXTURE, FEED, fence=NO_FENCE, store_confirmed_at=NOW)
    assert codes(gate(MARKET.market.selections[0], 100, MARKET, around)) == [Code.LEASE]


@pytest.mark.parametrize("seconds", [10.0, 4.0, 0.5])
def test_a3_the_connection_lapses_exactly_at_its_own_end(seconds: float) -> None:
    end = NOW + timedelta(seconds=seconds)
    assert judged(line(seconds=seconds), now=end - MS).tradable
    closed = judged(line(seconds=seconds), now=end)
    assert codes(closed) == [Code.LEASE]
    assert (closed.reasons[0].since, f"{seconds:g} s" in closed.reasons[0].words) == (end, True)


def test_a3_without_a_lease_of_its_own_the_feeds_counts() -> None:
    assert judged(line(59, seconds=None)).tradable
    assert not judged(line(60, seconds=None)).tradable


@pytest.mark.parametrize(("phase", "seconds"), [(Phase.LIVE, 60), (Phase.UPCOMING, 300)])
def test_a3_o2_odds_lapse_though_the_connection_is_heard(phase: Phase, seconds: float) -> None:
    assert judged(line(data=seconds - 0.001), phase).tradable
    closed = judged(line(data=seconds), phase)
    assert codes(closed) == [Code.LEASE]
    assert f"over {seconds:g} s old" in closed.reasons[0].words


@pytest.mark.parametrize(("phase", "seconds"), [(Phase.LIVE, 20), (Phase.UPCOMING, 40)])
def test_a3_o2_how_long_odds_count_is_a_setting_of_the_feed(phase: Phase, seconds: float) -> None:
    feed = replace(FEED, live_data_seconds=20, upcoming_data_seconds=40)
    assert judged(line(data=seconds - 0.001), phase, feed=feed).tradable
    closed = judged(line(data=seconds), phase, feed=feed)
    assert codes(closed) == [Code.LEASE]
    assert f"over {seconds:g} s old" in closed.reasons[0].words


def test_a3_a_connection_that_was_never_heard_or_never_had_odds_is_closed() -> None:
    assert codes(judged(Line(None, "live", data_at=NOW))) == [Code.LEASE]
    assert codes(judged(Line(NOW, "live", lease_seconds=10))) == [Code.LEASE]


@pytest.mark.parametrize("state", ["connecting", "waiting", "gap", "refused", "lost", "ended", "", "whatever"])
def test_a3_only_a_live_connection_holds_anything_open(state: str) -> None:
    closed = judged(line(state=state, words="429 Too Many Requests"))
    assert codes(closed) == [Code.LEASE]
    assert "429 Too Many Requests" in closed.reasons[0].words


def test_a3_a_reader_that_has_stopped_closes_every_match() -> None:
    assert codes(judged(line(), reader=Heard(joined=True, silent_in=0.0))) == [Code.LEASE]
    assert codes(judged(line(), Phase.UPCOMING, reader=Heard(joined=True, silent_in=0.0))) == [Code.LEASE]


def test_a10_a_process_that_does_not_listen_serves_nothing() -> None:
    assert codes(judged(line(), reader=NOTHING_HEARD)) == [Code.LEASE]


def test_a_clock_that_jumped_closes() -> None:
    assert codes(judged(line(heard=-6))) == [Code.LEASE]
    assert codes(judged(line(data=-6))) == [Code.LEASE]


@pytest.mark.parametrize(
    ("of", "phase", "expected"),
    [
        (line(heard=9), Phase.LIVE, 1_000),
        (line(data=59.5), Phase.LIVE, 500),
        (line(seconds=30), Phase.LIVE, 1_800),
        (line(seconds=30), Phase.UPCOMING, 10_000),
        (line(heard=25, seconds=30), Phase.UPCOMING, 5_000),
        (line(data=298, seconds=30), Phase.UPCOMING, 2_000),
    ],
)
def test_a12_no_price_is_promised_beyond_the_first_lease_that_ends(of: Line, phase: Phase, expected: int) -> None:
    market = says.market("7", in_play=phase is Phase.LIVE)
    facts = MarketFacts(10, market, seen_at=NOW, fresh_kept=NOW)
    rows = tuple(SelectionRow(100 + n, s.id, s.id) for n, s in enumerate(market.selections))
    fixture = replace(FIXTURE, started=phase is Phase.LIVE)
    around = Circumstances(NOW, fixture, FEED, fence=NO_FENCE, store_confirmed_at=NOW, lease=lease(FEED, of, READ, phase, NOW))
    (published,) = publish((MarketRow(10, "winner", "full-time", facts, rows),), Terms(), around)
    assert [s.valid_for_ms for s in published.selections] == [expected, expected]


def test_a_feed_without_connections_for_each_match_needs_none() -> None:
    feed = replace(FEED, each_match=False)
    around = Circumstances(NOW, FIXTURE, feed, fence=NO_FENCE, store_confirmed_at=NOW, lease=Lease())
    assert gate(MARKET.market.selections[0], 100, MARKET, around).tradable


def test_the_deadline_of_a_match_is_the_earlier_of_its_two() -> None:
    assert held_until(line(), 60, 60) == NOW + timedelta(seconds=10)
    assert held_until(line(data=55), 60, 60) == NOW + timedelta(seconds=5)
    assert held_until(line(data=55), 60, 300) == NOW + timedelta(seconds=10)
    assert held_until(line(state="lost"), 60, 60) is None
    assert held_until(Line(None, "live"), 60, 60) is None
