"""What a fixture's page tells beside its prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from markets import db
from markets.desk import graph, notices, words
from markets.desk.facts import stream_link
from markets.desk.views.feeds import as_text
from markets.domain import messages as m
from markets.domain.heard import NOTHING_HEARD, Heard
from markets.domain.rules import FeedHealth, Gap
from markets.domain.values import FixtureStatus, ResultStatus
from markets.selectors.ticks import Span, Tick
from markets.services import audit, ingest
from tests.desk.conftest import PASSWORD
from tests.services.world import World

T0 = datetime(2026, 5, 1, 12, tzinfo=UTC)
D = Decimal


def tell(world: World, *parts: m.Part) -> None:
    with transaction.atomic():
        ingest.apply(world.source, [ingest.Incoming(m.Message(f"g{len(parts)}{db.now()}", world.fixture.ref, parts), db.now(), 0)])


def result(*statuses: ResultStatus, score: tuple[int, int] | None = None) -> m.ResultSet:
    told = tuple(m.SelectionResult(f"7{place}", status, status.value) for place, status in enumerate(statuses))
    return m.ResultSet((m.MarketResult("7", None, told, score),))


def page_of(desk: Client, world: World) -> str:
    return desk.get(f"/fixture/{world.fixture.pk}").content.decode()


def test_results_show_corrections_and_withdrawals(desk: Client, world: World) -> None:
    won, lost, none = ResultStatus.WINNER, ResultStatus.LOSER, ResultStatus.NONE
    tell(world, result(won, lost, lost, score=(2, 1)))
    page = page_of(desk, world)
    assert "Winner" in page
    assert "2–1" in page
    assert "corrected" not in page
    tell(world, result(lost, won, lost, score=(1, 1)))
    assert "corrected, revision 2" in page_of(desk, world)
    tell(world, result(none, none, none))
    assert "withdrawn" in page_of(desk, world)


def test_a_result_of_a_market_never_seen_is_shown_too(desk: Client, world: World) -> None:
    tell(world, m.ResultSet((m.MarketResult("999", 3, (m.SelectionResult("1", ResultStatus.WINNER, "Winner"),)),)))
    assert "999/3 (never seen)" in page_of(desk, world)


def test_competitors_coverage_state_and_stream_are_shown(desk: Client, world: World) -> None:
    world.source.stream_url_template = "https://pictures.example/watch/{id}"
    world.source.save()
    pair = m.Competitor(
        "1", "Pair", "Pair", "Home", (m.Competitor("11", "First of them", "Person"), m.Competitor("12", "Second of them", "Person"))
    )
    details = m.FixtureDetails(
        "Pair v PSV", "Match", FixtureStatus.SCHEDULED, "Scheduled", db.now(), m.Ref("10", "Football"), competitors=(pair,),
        venue=m.Venue("5", "Old ground"), association_fixture_id="a/b 1",
    )  # fmt: skip
    coverage = m.Coverage(True, (m.CoverageFeed("MatchState", True), m.CoverageFeed("TradingState", False)), "ext-9")
    board = {
        "home": 2,
        "away": 0,
        "minute": 63,
        "phase": "SecondHalf",
        "periods": [],
        "clock": {},
        "counts": {},
        "facts": {"Weather": "rain"},
    }
    tell(world, details, coverage, m.MatchState("FootballMatchSummary", "SecondHalf", True, False, False, board))
    page = page_of(desk, world)
    for told in (
        "Second of them",
        "Old ground",
        "not licensed",
        "ext-9",
        "2-0 63",
        "accepts no bets",
        "rain",
        "https://pictures.example/watch/a%2Fb%201",
    ):
        assert told in page, told


@pytest.mark.parametrize("template", ["", "javascript:alert({id})", "data:text/html,{id}", "//evil.example/{id}"])
def test_a_stream_link_is_a_web_address_or_nothing(template: str) -> None:
    details = m.FixtureDetails("", "", FixtureStatus.SCHEDULED, "", None, None, association_fixture_id="1")
    assert stream_link(template, details) == ""
    assert stream_link("https://a.example/{id}", None) == ""


def test_a_stub_says_that_no_fixture_message_came_yet(desk: Client, world: World) -> None:
    type(world.fixture).objects.update(has_details=False, details=None, name="")
    page = page_of(desk, world)
    assert "No fixture message yet" in page
    assert f'id="p-{world.first.pk}" data-price data-s="suspended"' in page


# -- the state of a feed in words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feed", "state", "clears"),
    [
        (FeedHealth("a", T0), "ok", ""),
        (FeedHealth("a", None), "silent", "heartbeat"),
        (FeedHealth("a", T0 - timedelta(seconds=26)), "silent", "confirmation"),
        (FeedHealth("a", T0, enabled=False), "off", "administrator"),
        (FeedHealth("a", T0, oldest_pending_at=T0 - timedelta(seconds=3)), "behind", "by itself"),
        (FeedHealth("a", T0, slow_until=T0 + timedelta(seconds=2)), "behind", "12:00:02"),
        (FeedHealth("a", T0, backlog_known=False), "behind", "inbox"),
        (FeedHealth("a", T0, gaps=(Gap(1, T0, "a hole"),)), "gap", "confirm re-opening"),
        (FeedHealth("a", T0, gaps=(Gap(1, T0, "broken", sticky=True),)), "held", "dismiss"),
        (FeedHealth("a", T0, gaps=(Gap(1, T0, "broken", fixture_id=4),)), "gaps", "needing a look"),
    ],
)
def test_a_feed_says_what_is_wrong_and_what_will_clear_it(feed: FeedHealth, state: str, clears: str) -> None:
    told = notices.feed_state(feed, T0)
    assert told.state == state
    assert clears in told.clears


WELL = Heard(joined=True, silent_in=1.5)


@pytest.mark.parametrize(
    ("fetching", "state", "tone", "words"),
    [
        (notices.Fetching(WELL), "ok", "ok", "in order"),
        (notices.Fetching(NOTHING_HEARD), "silent", "bad", "not known here"),
        (notices.Fetching(Heard(joined=True)), "silent", "bad", "its reader is silent"),
        (notices.Fetching(Heard(joined=True, silent_in=1.5, held="prices are not in the store")), "held", "bad", "not in the store"),
        (notices.Fetching(WELL, "lost", "10.0.0.1 answers 500"), "lost", "warn", "cannot be read now: 10.0.0.1 answers 500"),
        (notices.Fetching(WELL, "refused"), "refused", "warn", "cannot be read now"),
    ],
)
def test_a_feed_that_is_fetched_is_well_only_while_it_is_read_and_so_is_its_list(
    fetching: notices.Fetching, state: str, tone: str, words: str
) -> None:
    told = notices.feed_state(FeedHealth("a", T0), T0, fetching)
    assert (told.state, told.tone) == (state, tone)
    assert words in told.words


def test_alerts_come_by_time_whatever_the_order_in_which_they_were_written(world: World) -> None:
    at = db.now()
    for seconds in (3, 1, 2):
        audit.record(at=at - timedelta(seconds=seconds), actor="feed:wire", actor_name="Feed", action="feed heard", via="feed")
    times = [told.at for told in notices.alerts(world.alpha.pk, at)]
    assert times == sorted(times, reverse=True)
    assert len(times) == 3


def test_a_command_that_changed_nothing_shows_no_change(desk: Client, world: World) -> None:
    given: dict[str, Any] = {
        "actor": "user:1",
        "actor_name": "Ann",
        "bookmaker_id": world.alpha.pk,
        "fixture_id": world.fixture.pk,
        "via": "api",
    }
    audit.record(at=db.now(), action="resumed", before={"parts": {}}, after={}, **given)
    assert "resumed" in (told := desk.get(f"/fixture/{world.fixture.pk}/audit").content.decode())
    assert "→" not in told
    audit.record(at=db.now(), action="resumed", before={"since": "2026-05-01T12:00:00Z", "by": "Ann"}, after=None, **given)
    assert "suspended by Ann → –" in desk.get(f"/fixture/{world.fixture.pk}/audit").content.decode()


def test_the_state_of_the_match_is_renewed_beside_the_score(desk: Client, world: World) -> None:
    assert "Match state" not in desk.get(f"/fixture/{world.fixture.pk}/states").content.decode()
    for goals in (1, 2):
        board: dict[str, Any] = {"home": goals, "away": 0, "periods": [], "clock": {}, "counts": {}, "facts": {}}
        tell(world, m.MatchState("FootballMatchSummary", "FirstHalf", scoreboard=board))
        part = desk.get(f"/fixture/{world.fixture.pk}/states").content.decode()
        assert f"<b>{goals}</b>" in part
    assert f'hx-get="/fixture/{world.fixture.pk}/states"' in page_of(desk, world)
    assert desk.get("/fixture/999999/states").status_code == 404


def test_what_says_nothing_of_the_match_has_no_heading(desk: Client, world: World) -> None:
    tell(world, m.MatchState("Overrides", ""))
    assert "Overrides" not in desk.get(f"/fixture/{world.fixture.pk}/states").content.decode()


# -- small things --------------------------------------------------------------------------------------------------------


def test_a_sparkline_is_a_staircase_over_the_window() -> None:
    ticks = [Tick(T0, D("2.00"), True), Tick(T0 + timedelta(minutes=5), D("2.10"), True)]
    assert graph.sparkline(ticks, T0, T0 + timedelta(minutes=10)) == "M0.0 18.0H42.0V2.0H84.0"
    assert graph.sparkline(ticks[1:], T0, T0 + timedelta(minutes=10)) == "M42.0 10.0H84.0"
    assert graph.sparkline([], T0, T0) == ""


def test_the_graph_has_overrides_dashed_and_suspensions_as_bands() -> None:
    ticks = [Tick(T0, D("2.00"), True), Tick(T0 + timedelta(minutes=5), D("2.00"), False)]
    until = T0 + timedelta(minutes=10)
    drawn = graph.draw(ticks, [Span(T0, T0 + timedelta(minutes=1), D("2.10"))], [Span(T0, None)], T0, until)
    assert drawn is not None
    assert drawn.bands == ((190.0, 190.0), (0.0, 380.0))
    assert drawn.published.startswith("M0.0 ")
    assert graph.draw([Tick(T0, None, True)], [], [], T0, until) is None


def test_raw_bytes_are_shown_whatever_they_are() -> None:
    assert as_text("\ufeff<a>é</a>".encode()) == "<a>é</a>"
    assert as_text("<a>é</a>".encode("utf-16")) == "\ufeff<a>é</a>".lstrip("\ufeff")
    assert as_text(b"\xffoops") == "\\xffoops"


@pytest.mark.parametrize(("seconds", "told"), [(30, "30 s"), (300, "5 min"), (90, "1 min 30 s"), (5400, "1 h 30 min"), (3600, "1 h")])
def test_durations_in_words(seconds: int, told: str) -> None:
    assert words.duration_words(seconds) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        ({"kind": "price", "value": "2.74", "endsAt": "2026-11-20T10:12:35.843631+00:00"}, "2.74 until 10:12:35"),
        ({"owner": "user:1", "kind": "trader", "since": "2026-11-20T09:57:38+00:00", "endsAt": None}, "suspended"),
        ([{"owner": "user:1", "by": "ann", "since": "2026-11-20T09:57:38+00:00"}], "suspended by ann"),
        (
            {"opened": [{"market": "1X2", "selection": s, "price": "2.00"} for s in "ABCD"]},
            "opened 1X2 A 2.00, 1X2 B 2.00, 1X2 C 2.00 and 1 more",
        ),
        ({"opened": []}, "opened nothing"),
        ({"ended": "the line moved"}, "ended: the line moved"),
        ({"markets": 3, "expiry": "2026-11-20T10:12:35.843631+00:00"}, "markets 3, expiry 10:12:35"),
        ({"markets": {str(n): {"name": f"M{n}", "status": "Open"} for n in range(5)}}, "M0 Open, M1 Open, M2 Open and 2 more"),
        ({"markets": {"7/1": None}}, "7/1 unknown"),
        ({"closed by": []}, "nothing"),
        ({"role": "trader", "demo": True, "empty": {}}, "role trader, demo yes"),
    ],
)
def test_the_audit_tells_changes_in_few_words(value: object, told: str) -> None:
    assert words.change_words(value) == told


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("everything: everything", "everything"),
        ("fixture: Ajax v PSV", "Ajax v PSV"),
        ("sport: Football", "sport Football"),
        ("feed a: b", "feed a: b"),
    ],
)
def test_what_a_record_is_about_is_told_once(kept: str, told: str) -> None:
    assert words.object_words(kept) == told


def test_gaps_of_one_cause_are_told_once() -> None:
    holes = [Gap(n, T0 + timedelta(seconds=n), "nobody was receiving") for n in range(3)]
    told = notices.open_gaps(FeedHealth("a", T0, gaps=(*holes, Gap(9, T0, "broken", fixture_id=4))))
    assert [(g.newest.id, g.several) for g in told] == [(2, 3), (9, 1)]


def test_a_cell_of_the_csv_is_no_formula(desk: Client, world: World) -> None:
    desk.post("/do/suspend", {"scope": "sport", "target": "football", "reason": "=1+1"})
    sent = b"".join(desk.get("/audit.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=1+1" in sent
    assert sent.splitlines()[0].startswith("time,who,action")


def test_e6_guessing_a_password_is_slowed_before_it_is_looked_at(alice: User) -> None:
    client = Client()
    answers = [client.post("/sign-in", {"username": "alice", "password": f"wrong {n}"}).status_code for n in range(40)]
    assert answers[0] == 200
    assert answers[-1] == 429
    refused = client.post("/sign-in", {"username": "alice", "password": PASSWORD})
    assert refused.status_code == 429
    assert "Try again in" in refused.content.decode()


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Expecting value: line 1 column 1 (char 0)", "it is no whole JSON: cannot be read from line 1, character 1 on"),
        ("odds: Extra data: line 2 column 7 (char 31)", "odds: it is no whole JSON: cannot be read from line 2, character 7 on"),
        ("not well-formed, line 1", "not well-formed, line 1"),
    ],
)
def test_why_a_message_waits_is_told_in_words(reason: str, told: str) -> None:
    assert words.fault_words(reason) == told
