"""A bound match is read with its fixture: at one instant, in no more queries, for each bookmaker by its own rules (A1, A5, A13, U12)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets import db
from markets.domain.heard import DEAF
from markets.domain.rules import Code
from markets.domain.values import Phase
from markets.models import Binding, Confirmation, Fixture, Gap, MarketType, PointLiveness, ReopenRule, SourceLiveness
from markets.selectors import board, fixture, health, matches, offer, points
from tests.domain.points import Played, between
from tests.services.court import Court, Listening, court
from tests.services.world import add_market

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    before = health._backlog_reader
    health.register_backlog_reader(lambda _: {})
    yield
    health.register_backlog_reader(before)


@pytest.fixture
def side(db: None) -> Court:
    return court()


def test_a_bound_fixture_is_read_with_its_match(side: Court) -> None:
    found = fixture.load([side.fixture.pk])[side.fixture.pk]
    assert found.points is not None
    assert (found.points.fixture_id, found.points.source, found.points.ref) == (side.match.pk, "umpire", side.match.ref)
    assert found.points.match is not None
    assert found.points.match.between_points
    assert (found.phase, found.facts.started) == (Phase.LIVE, True)


def test_d1_the_served_revision_rises_with_either_side(side: Court) -> None:
    def served() -> int:
        revision = fixture.load([side.fixture.pk])[side.fixture.pk].revision
        assert fixture.revisions([side.fixture.pk]) == {side.fixture.pk: revision}
        return revision

    seen = [served()]
    for row in (side.match, side.fixture):
        Fixture.objects.filter(pk=row.pk).update(revision=row.revision + 1)
        seen.append(served())
    assert seen == [41, 42, 43]


def test_a1_it_is_open_to_a_process_that_listens_and_to_no_other(side: Court) -> None:
    assert side.open() == 2
    assert side.open(ears=DEAF) == 0
    assert side.open(ears=Listening(announced=99)) == 0


def test_a2_a_point_closes_it_and_only_a_newer_price_opens_it(side: Court) -> None:
    now = db.now()
    played = Played(between(-30, at=lambda second: now + second * SECOND), 5, at=lambda second: now + second * SECOND)
    side.tell(played.start(-10))
    assert side.codes() == {Code.POINT}
    side.tell(played.score(-5))
    assert side.codes() == {Code.AFTER_POINT}
    side.price(now - 3 * SECOND, fresh=False)
    assert side.codes() == {Code.AFTER_POINT}
    side.price(now - 2 * SECOND)
    assert side.open() == 2


def test_a13_without_a_binding_it_depends_on_the_bookmaker(side: Court) -> None:
    Binding.objects.update(ended_at=db.now())
    assert side.codes() == {Code.POINT_FEED}
    side.world.beta.point_sports.clear()
    assert (side.open(side.world.alpha), side.open(side.world.beta)) == (0, 2)


def test_a13_a_broken_binding_closes_for_everybody(side: Court) -> None:
    side.world.beta.point_sports.clear()
    Binding.objects.update(broken_at=db.now(), broken_cause="another player")
    assert side.codes() == side.codes(side.world.beta) == {Code.BINDING}


@pytest.mark.parametrize("of", [SourceLiveness, PointLiveness])
def test_a3_the_feed_and_the_match_each_hold_a_lease(side: Court, of: type[SourceLiveness | PointLiveness]) -> None:
    of.objects.filter(source=side.umpire).update(heard_at=db.now() - 16 * SECOND)
    assert side.codes() == {Code.POINT_FEED}


def test_a12_an_open_price_is_not_valid_beyond_the_match_s_lease(side: Court) -> None:
    PointLiveness.objects.update(heard_at=db.now() - 14 * SECOND)
    assert all(0 < s.valid_for_ms <= 1000 for m in side.offer().published for s in m.selections)


def test_a5_a_gap_of_the_match_closes_it_until_each_bookmaker_s_own_word(side: Court) -> None:
    gap = Gap.objects.create(source=side.umpire, fixture=side.match, opened_at=db.now(), cause="packets 6 to 8 never came", sticky=True)
    assert side.codes() == {Code.POINT_FEED}
    Confirmation.objects.create(bookmaker=side.alpha, source=side.umpire, fixture=side.match, gap=gap, at=db.now() + SECOND, by="Ann")
    assert (side.open(), side.open(side.world.beta)) == (2, 0)


def test_a5_a_gap_of_another_match_closes_nothing_here(side: Court) -> None:
    other = court("501", side.world)
    Gap.objects.create(source=side.umpire, fixture=other.match, opened_at=db.now(), cause="never came", sticky=True)
    assert (side.open(), other.open()) == (2, 0)


def test_t4_each_bookmaker_stays_open_in_its_own_breaks(side: Court) -> None:
    now = db.now()
    played = Played(between(-30, at=lambda second: now + second * SECOND), 5, at=lambda second: now + second * SECOND)
    side.tell(played.state(-10, "ToiletBreak"))
    type(side.alpha).objects.filter(pk=side.alpha.pk).update(open_in_breaks=["ToiletBreak"])
    assert (side.open(), side.open(side.world.beta)) == (2, 0)


def test_a2_a_re_open_rule_is_one_bookmaker_s_and_of_the_provider_s_own_types(side: Court) -> None:
    side.price(db.now() - 60 * SECOND)
    assert side.codes() == {Code.AFTER_POINT}
    theirs = MarketType.objects.create(provider="odds360", ref="1", name="Match result")
    ReopenRule.objects.create(bookmaker=side.alpha, type=theirs, seconds=Decimal(10))
    assert side.open() == 0
    ours = MarketType.objects.get(provider="updategram", ref="1")
    rule = ReopenRule.objects.create(bookmaker=side.alpha, type=ours, seconds=Decimal(60))
    assert side.open() == 0
    rule.seconds = Decimal("29.5")
    rule.save()
    assert (side.open(), side.open(side.world.beta)) == (2, 0)


def test_u13_pre_match_markets_end_when_the_point_feed_says_started(side: Court) -> None:
    add_market(side.fixture, "8", ("1.50",))
    assert side.codes() == {Code.STARTED}
    assert side.open() == 2


# Lists


def test_matches_of_point_feeds_are_listed_nowhere(side: Court) -> None:
    assert [c.id for c in board.candidates(side.alpha.pk)] == [side.fixture.pk, side.world.fixture.pk]
    Fixture.objects.filter(pk=side.match.pk).update(match_id=77, total_odds=3)
    assert [row.match_id for row in matches.page(side.alpha.pk, "tennis", matches.Filters())] == [500]
    assert matches.fixture_id(side.alpha.pk, "tennis", 77) is None
    assert side.match.pk not in board.visible(side.alpha.pk).values_list("pk", flat=True)


def test_u12_lists_say_the_phase_of_both_feeds_together(side: Court) -> None:
    def listed() -> list[tuple[str, Phase]]:
        rows = matches.page(side.alpha.pk, "tennis", matches.Filters())
        shown = [c.phase for c in board.candidates(side.alpha.pk) if c.id == side.fixture.pk]
        return list(zip([row.status_type for row in rows], shown, strict=True))

    assert listed() == [("live", Phase.LIVE)]
    assert matches.page(side.alpha.pk, "tennis", matches.Filters(status=Phase.UPCOMING)) == []
    Binding.objects.update(broken_at=db.now())
    assert listed() == [("upcoming", Phase.UPCOMING)]
    Binding.objects.update(broken_at=None)
    Fixture.objects.filter(pk=side.match.pk).update(phase="finished")
    assert listed() == []


# How much is asked


def test_a_board_of_100_bound_fixtures_takes_at_most_four_queries(side: Court) -> None:
    ids = [side.fixture.pk, *(court(str(ref), side.world).fixture.pk for ref in range(501, 600))]
    side.beat()
    with CaptureQueriesContext(connection) as asked:
        found = offer.offers(side.alpha.pk, ids, ears=Listening())
    assert sum(s.tradable for one in found.values() for m in one.published for s in m.selections) == 200
    assert len(asked) + 1 <= 4  # one for the backlog, which is not asked of the store here


def test_lines_and_pending_packets_take_one_query_each(side: Court) -> None:
    with CaptureQueriesContext(connection) as asked:
        lines = points.load_lines()
    assert (len(asked), list(lines), lines[side.match.pk].state) == (1, [side.match.pk], "live")
    before = points._pending_reader
    points.register_pending_reader(lambda _: {(side.umpire.pk, side.match.ref): (7, False)})
    assert points.pending() == {(side.umpire.pk, side.match.ref): points.Pending(7, False)}
    points.register_pending_reader(None)
    assert (points.pending(), points.pending_reader_known()) == (None, False)
    points.register_pending_reader(before)
