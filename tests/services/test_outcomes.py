"""An outcome set by hand, and taken back: who may, what it closes, what is told (T6; U12, A7, E1, F1, P4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from markets import db
from markets.domain import facts
from markets.domain.rules import Code
from markets.domain.sports.tennis import Outcome, Tennis
from markets.domain.values import Phase, Role
from markets.models import AuditRecord, Fixture, PointState, TimelineEntry
from markets.selectors import health
from markets.selectors.points import with_joint_phase
from markets.services import outcomes, pointlife
from markets.services.errors import Conflict, Forbidden, NotFound, Refused
from markets.services.outcomes import Said
from tests.domain.points import Played
from tests.services.court import Court, court
from tests.services.world import STAFF, facts_of, person

RETIRED = Said(Outcome.RETIRED, winner=True, sets=(1, 0))


@pytest.fixture
def side(db: None) -> Iterator[Court]:
    before = health._backlog_reader
    health.register_backlog_reader(lambda _: {})
    yield court()
    health.register_backlog_reader(before)


def told(side: Court) -> Tennis:
    return facts.tennis_from(PointState.objects.get(fixture=side.match).state)


def ends(side: Court, said: Said = RETIRED, reason: str = "") -> str:
    return outcomes.set_outcome(side.world.trader(), side.alpha.pk, side.fixture.pk, said, reason)


def test_u12_it_ends_the_match_for_every_bookmaker(side: Court) -> None:
    assert (side.open(), side.open(side.world.beta)) == (2, 2)
    assert ends(side) == "TeamA won by retirement, 1–0 in sets, set by hand"
    for of in (side.alpha, side.world.beta):
        found = side.offer(of)
        assert (found.snapshot.phase, side.open(of)) == (Phase.FINISHED, 0)
        assert "Person 1" not in str(found.published)
    assert Code.MATCH_STATE in side.codes()
    assert Fixture.objects.get(pk=side.match.pk).phase == "finished"
    assert with_joint_phase(Fixture.objects.filter(pk=side.fixture.pk)).get().joint == "finished"


def test_its_revision_goes_up_and_its_timeline_says_it(side: Court) -> None:
    before = side.offer().revision
    ends(side)
    assert side.offer().revision > before
    line = TimelineEntry.objects.get(fixture=side.match)
    assert (line.mark, line.words) == ("state", "match over: TeamA won by retirement, 1–0 in sets, set by hand")


def test_t6_home_and_away_are_those_of_the_binding(side: Court) -> None:
    type(side.binding).objects.update(team_a_home=False)
    ends(side)
    hand = told(side).hand
    assert hand is not None
    assert (hand.winner, hand.sets and (hand.sets.a, hand.sets.b)) == ("B", (0, 1))


def test_f1_setting_and_taking_back_have_one_record_each(side: Court) -> None:
    ends(side, reason="announced on court")
    outcomes.take_back(side.world.trader(), side.alpha.pk, side.fixture.pk, "wrong match")
    set_, back = AuditRecord.objects.order_by("pk")
    assert (set_.action, set_.reason, set_.bookmaker_id) == ("outcome set by hand", "announced on court", side.alpha.pk)
    assert facts_of(set_.after)["outcome"] == "TeamA won by retirement, 1–0 in sets, set by hand"
    assert (back.action, back.reason) == ("outcome taken back", "wrong match")


def test_t6_taken_back_nothing_opens_before_a_live_packet_and_a_price_after_it(side: Court) -> None:
    ends(side)
    outcomes.take_back(side.world.trader(), side.alpha.pk, side.fixture.pk)
    side.price(db.now())
    assert (side.offer().snapshot.phase, side.open()) == (Phase.LIVE, 0)
    now = db.now()
    played = Played(match=told(side), seq=told(side).applied or 0, at=lambda second: now + timedelta(seconds=second))
    played.start(-2)
    side.tell(played.score(-1))
    side.price(now - timedelta(seconds=2))
    assert side.open() == 0
    side.price(db.now())
    assert side.open() == 2


def test_c4_it_is_set_once_and_whose_it_is_is_for_that_bookmaker_only(side: Court) -> None:
    ends(side)
    with pytest.raises(Conflict) as own:
        outcomes.set_outcome(side.world.trader(number=2), side.alpha.pk, side.fixture.pk, Said(Outcome.ABANDONED))
    assert "Person 1" in own.value.words
    beta = side.world.beta
    with pytest.raises(Conflict) as other:
        outcomes.set_outcome(person(5, beta.pk, Role.TRADER), beta.pk, side.fixture.pk, Said(Outcome.ABANDONED))
    assert "Person 1" not in other.value.words + str(other.value.current)


def test_e1_another_bookmakers_trader_does_not_take_it_back_and_staff_may(side: Court) -> None:
    ends(side)
    beta = side.world.beta
    with pytest.raises(Forbidden):
        outcomes.take_back(person(5, beta.pk, Role.SUPERVISOR), beta.pk, side.fixture.pk)
    assert told(side).ended
    outcomes.take_back(STAFF, beta.pk, side.fixture.pk)
    assert not told(side).ended


def test_p4_a_viewer_may_neither(side: Court) -> None:
    with pytest.raises(Forbidden):
        outcomes.set_outcome(side.world.viewer(), side.alpha.pk, side.fixture.pk, RETIRED)
    with pytest.raises(Forbidden):
        outcomes.take_back(side.world.viewer(), side.alpha.pk, side.fixture.pk)


def test_there_is_nothing_to_end_without_a_match_and_nothing_to_take_back_without_a_word(side: Court) -> None:
    with pytest.raises(NotFound):
        outcomes.set_outcome(side.world.trader(), side.alpha.pk, side.world.fixture.pk, RETIRED)
    with pytest.raises(Conflict):
        outcomes.take_back(side.world.trader(), side.alpha.pk, side.fixture.pk)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Said(Outcome.WINNER), "winner"),
        (Said(Outcome.ABANDONED, winner=True), "winner"),
        (Said(Outcome.WINNER, winner=True, sets=(0, 2)), "sets"),
        (Said(Outcome.WINNER, winner=False, sets=(1, 1)), "sets"),
        (Said(Outcome.RETIRED, sets=(-1, 0)), "sets"),
        (Said(Outcome.RETIRED, sets=(0, 10)), "sets"),
    ],
)
def test_what_cannot_be_is_refused_by_field(side: Court, said: Said, field: str) -> None:
    with pytest.raises(Refused) as refused:
        ends(side, said)
    assert list(refused.value.fields) == [field]
    assert not told(side).ended


def test_its_reader_goes_on_so_that_its_feed_can_disagree(side: Court) -> None:
    ends(side)
    assert pointlife.finished([side.umpire.pk]) == set()
