"""Results that rest on a score that was taken back: told in the audit, shown until they are corrected (T6; U10, A11, F1)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import transaction

from feeds import accounting  # noqa: F401 - the inbox hands in who knows what is pending
from markets.desk.facts import results_of
from markets.domain.messages import Message
from markets.domain.sports.tennis import Kind, Outcome, Packet, Score, Server, Side
from markets.domain.values import ResultStatus
from markets.live.points import match_view
from markets.models import AuditRecord, Bookmaker, Fixture, Source
from markets.selectors import offer
from markets.services import ingest, outcomes
from tests.domain import says
from tests.domain.umpire import CARD, score
from tests.feeds import points
from tests.services.test_bindings import Town, town
from tests.services.world import facts_of

pytestmark = pytest.mark.django_db
WENT_BACK = "score went back after result"
__all__ = ["town"]


class Court:
    """A bound match; ``second`` is the time by which everything is kept."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.second = 0.0
        self._seqs = itertools.count(1)
        points.bind(town.fixture, town.match)
        market = says.market("7", in_play=True, type_name="Game winner")
        self._apply(town.wire, says.message(market, fixture=town.fixture.ref))
        for state in ("UmpireOnCourt", "InProgress"):
            self.hears(Kind.STATUS, state=state, card=CARD)

    def hears(self, kind: Kind, **facts: Any) -> None:
        self.second += 1
        seq = next(self._seqs)
        packet = Packet(seq, kind, kind.value, at=says.at(self.second), **facts)
        self._apply(self.town.umpire, Message(f"e#{seq}", self.town.match.ref, (packet,)))

    def scores(self, after: Score) -> None:
        self.hears(Kind.POINT_STARTED, server=Server(Side.A))
        self.hears(Kind.SCORED, score=after, scored_by=Side.A)

    def results(self, status: ResultStatus = ResultStatus.WINNER) -> None:
        self.second += 1
        self._apply(self.town.wire, says.message(says.result("7", s1=status), fixture=self.town.fixture.ref))

    def game(self) -> None:
        for words in (("40-0", "0-0"), ("0-0", "1-0")):
            self.scores(score(*words))

    def _apply(self, source: Source, message: Message) -> None:
        with transaction.atomic():
            ingest.apply(source, [ingest.Incoming(message, says.at(self.second), 0)])

    def alerts(self, of: Bookmaker | None = None) -> tuple[str, ...]:
        view = match_view(offer.offers((of or self.town.alpha).pk, [self.town.fixture.pk])[self.town.fixture.pk])
        assert view is not None
        return view.alerts

    def doubts(self) -> list[str]:
        snapshot = offer.offers(self.town.alpha.pk, [self.town.fixture.pk])[self.town.fixture.pk].snapshot
        return [shown.doubt for shown in results_of(snapshot)]


@pytest.fixture
def side(town: Town) -> Court:
    return Court(town)


def told() -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(action=WENT_BACK).order_by("pk"))


def test_u10_an_undo_after_a_result_is_told_once_with_the_markets_and_shown(side: Court) -> None:
    side.game()
    side.results()
    assert (side.alerts(), side.doubts()) == ((), [""])
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    (record,) = told()
    assert (record.fixture_id, record.bookmaker_id) == (side.town.fixture.pk, None)
    assert facts_of(record.after) == {"markets": {"7": "Game winner"}}
    words = "score went back after result: 1–0, 0–0 → 0–0, 40–0"
    assert record.reason == words
    assert (side.alerts(), side.doubts()) == ((f"{words}: Game winner",), [words])


def test_u10_a_result_that_was_there_before_the_point_is_in_no_doubt(side: Court) -> None:
    side.scores(score("15-0", "0-0"))
    side.results()
    side.game()
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    assert (told(), side.alerts(), side.doubts()) == ([], (), [""])


def test_u10_a_result_that_comes_while_the_umpire_corrects_is_told_too(side: Court) -> None:
    side.game()
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    side.results()
    (record,) = told()
    assert (record.fixture_id, facts_of(record.after)) == (side.town.fixture.pk, {"markets": {"7": "Game winner"}})
    assert side.doubts() == [record.reason]


def test_u10_a_corrected_result_and_one_that_is_withdrawn_are_in_no_doubt(side: Court) -> None:
    side.game()
    side.results()
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    side.scores(score("40-15", "0-0"))
    side.results(ResultStatus.NONE)
    assert side.alerts() == ()
    side.results(ResultStatus.LOSER)
    assert (side.doubts(), len(told())) == ([""], 1)


def test_e1_it_is_told_and_shown_to_every_bookmaker_that_sees_the_fixture(side: Court) -> None:
    beta = Bookmaker.objects.create(name="Beta")
    beta.sports.set(side.town.alpha.sports.all())
    side.game()
    side.results()
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    assert side.alerts(beta) == side.alerts() != ()


def test_an_unbound_match_that_goes_back_tells_of_nothing(side: Court) -> None:
    Fixture.objects.get(pk=side.town.match.pk).bound_to.all().delete()
    side.game()
    side.results()
    side.hears(Kind.UNDO, score=score("40-0", "0-0"))
    assert told() == []


def test_t6_an_outcome_by_hand_that_the_feed_disputes_is_told_once(side: Court) -> None:
    outcomes.set_outcome(side.town.trader(), side.town.alpha.pk, side.town.fixture.pk, outcomes.Said(Outcome.ABANDONED))
    side.second = 10**9  # after the outcome, which is set by the database's clock
    side.game()
    (record,) = AuditRecord.objects.filter(action="outcome by hand disputed")
    assert (record.fixture_id, record.bookmaker_id) == (side.town.fixture.pk, None)
    assert record.reason.endswith("says otherwise: point started, H. SQUIRE to serve")
    assert side.alerts() == (f"outcome set by hand is disputed: {record.reason}",)
