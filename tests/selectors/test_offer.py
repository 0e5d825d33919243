"""What is read of the store for an offer: whole, in few queries, at one instant, of one bookmaker only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from markets import db
from markets.domain.rules import Code
from markets.domain.values import HoldOwner, OverrideKind, Phase, ResultStatus, Scope
from markets.models import (
    Bookmaker,
    BookmakerFixture,
    Confirmation,
    Fixture,
    Gap,
    Hold,
    Override,
    Selection,
    SelectionBook,
    Source,
    SourceLiveness,
)
from markets.selectors import fixture, health, offer, terms
from markets.selectors.bundle import snapshot
from markets.services import ingest, sources
from markets.services.factstore import CACHE
from tests.domain import says

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    before = health._backlog_reader
    health.register_backlog_reader(lambda _: {})
    CACHE.clear()
    yield
    health.register_backlog_reader(before)


@pytest.fixture
def source() -> Source:
    made = Source.objects.create(slug="wire", provider="updategram", name="Wire")
    SourceLiveness.objects.update_or_create(source=made, defaults={"heard_at": db.now()})
    return made


@pytest.fixture
def alpha() -> Bookmaker:
    return Bookmaker.objects.create(name="Alpha")


def hear(source: Source, *parts: Any, ref: str = "100") -> int:
    with transaction.atomic():
        applied = ingest.apply(source, [ingest.Incoming(says.message(*parts, fixture=ref), db.now(), 1)])
    assert applied[0].fixture_id is not None
    return applied[0].fixture_id


def stock(source: Source, markets: int = 1, ref: str = "100") -> int:
    runners = [says.selection(str(n)) for n in range(1, 4)]
    return hear(source, says.details(), *(says.market(str(n), *runners) for n in range(markets)), ref=ref)


def one(bookmaker: Bookmaker, fixture_id: int) -> offer.Offer:
    return offer.offers(bookmaker.pk, [fixture_id])[fixture_id]


def open_prices(found: offer.Offer) -> int:
    return sum(s.tradable for m in found.published for s in m.selections)


def test_it_reads_a_fixture_whole(source: Source) -> None:
    fixture_id = hear(source, says.details(), says.market("7", sequence=2, in_play=True), says.coverage(), says.summary())
    hear(source, says.result("9", s1=ResultStatus.WINNER))
    found = fixture.load([fixture_id])[fixture_id]
    assert (found.ref, found.match_id, found.sport, found.name, found.phase) == ("100", 100, "football", "Ajax v PSV", Phase.LIVE)
    assert (found.home_name, found.away_name, found.total_odds, found.source) == ("Ajax", "PSV", 2, "wire")
    assert [row.facts.market.ref for row in found.markets] == ["7/2"]
    assert list(found.results) == ["9"]
    assert found.facts.started
    assert found.facts.coverage == says.coverage()
    assert found.state == with_no_marks(fixture_id)


def with_no_marks(fixture_id: int) -> Any:
    stored = ingest.feed_state(fixture_id)
    return type(stored)(stored.details, stored.markets, stored.results, stored.coverage, stored.match_states, {}, stored.started)


def test_it_reads_selections_in_the_provider_s_order(source: Source) -> None:
    fixture_id = hear(source, says.details(), says.market("7", *(says.selection(n) for n in ("3", "1", "2"))))
    row = fixture.load([fixture_id])[fixture_id].markets[0]
    assert [s.provider_id for s in row.selections] == [s.id for s in row.facts.market.selections] == ["3", "1", "2"]


def test_it_leaves_out_what_does_not_exist(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    assert list(offer.offers(alpha.pk, [fixture_id, 987_654])) == [fixture_id]
    assert offer.offers(uuid4(), [fixture_id]) == {}
    assert offer.offers(alpha.pk, []) == {}


def test_it_reads_a_stub_as_closed(source: Source, alpha: Bookmaker) -> None:
    found = one(alpha, hear(source, says.market()))
    assert found.snapshot.details is None
    assert Code.NO_FIXTURE in [r.code for r in found.published[0].reasons]


def test_a_page_of_100_by_3_takes_at_most_five_queries(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source, markets=100)
    with CaptureQueriesContext(connection) as asked:
        found = one(alpha, fixture_id)
    assert open_prices(found) == 300
    assert len(asked) + 1 <= 5  # one for the backlog, which is not asked of the store here


def test_a_board_of_100_fixtures_takes_at_most_four_queries(source: Source, alpha: Bookmaker) -> None:
    ids = [stock(source, ref=str(ref)) for ref in range(1, 101)]
    SourceLiveness.objects.update(heard_at=db.now())
    with CaptureQueriesContext(connection) as asked:
        found = offer.offers(alpha.pk, ids)
    assert sum(open_prices(one) for one in found.values()) == 300
    assert len(asked) + 1 <= 4


def test_health_and_terms_take_one_query_each(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    for read in (health.load_health, lambda: terms.load(alpha.pk, [fixture_id]), lambda: fixture.load([fixture_id])):
        with CaptureQueriesContext(connection) as asked:
            assert read()
        assert len(asked) == 1


def test_it_reads_health_with_gaps_and_backlog(source: Source) -> None:
    fixture_id = stock(source)
    now = db.now()
    sources.close_gap(sources.open_gap(source.pk, "over"), "Ann", "seen")
    sources.open_gap(source.pk, "cut off")
    sources.open_gap(source.pk, "quarantined", fixture_ref="100", sticky=True, frame_id=5)
    health.register_backlog_reader(lambda _: {source.pk: now})
    found = health.load_health()[source.pk]
    assert [(g.cause, g.fixture_id, g.sticky, g.frame_id) for g in found.gaps] == [
        ("cut off", None, False, None), ("quarantined", fixture_id, True, 5),
    ]  # fmt: skip
    assert (found.source, found.oldest_pending_at, found.backlog_known, found.lease_seconds) == ("wire", now, True, 25.0)


def test_a10_without_anybody_who_knows_the_backlog_everything_is_suspended(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    assert open_prices(one(alpha, fixture_id)) == 3
    health.register_backlog_reader(None)
    assert open_prices(one(alpha, fixture_id)) == 0


def test_a3_a_source_that_was_never_heard_is_suspended(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    SourceLiveness.objects.all().delete()
    assert open_prices(one(alpha, fixture_id)) == 0


def decide(bookmaker: Bookmaker | None, fixture_id: int) -> None:
    """An override, a version, a hold and a confirmation of one bookmaker, or (None) of staff where that can be."""
    selection = Selection.objects.filter(market__fixture=fixture_id).select_related("market")[0]
    now = db.now()
    Hold.objects.create(bookmaker=bookmaker, owner_kind="trader", scope="sport", target="tennis", owner="user:1", by="Ann", since=now)
    Confirmation.objects.create(bookmaker=bookmaker, source_id=selection.market.fixture.source_id, at=now, by="Ann")
    if bookmaker is None:
        return
    SelectionBook.objects.create(bookmaker=bookmaker, selection=selection, version=3)
    BookmakerFixture.objects.create(bookmaker=bookmaker, fixture_id=fixture_id, revision=4)
    Override.objects.create(
        bookmaker=bookmaker, fixture_id=fixture_id, market=selection.market, selection=selection, kind="percent", value=Decimal("2.5"),
        owner="user:1", by="Ann", reason="why", set_at=now, ends_at=now + timedelta(seconds=60), through_points=True,
    )  # fmt: skip


def test_it_reads_what_a_bookmaker_decided(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    Bookmaker.objects.update(margin_percent=Decimal("5.5"), low_price=Decimal("1.05"), revision=10)
    decide(alpha, fixture_id)
    found = terms.load(alpha.pk, [fixture_id])[fixture_id]
    selection = Selection.objects.order_by("pk")[0].pk
    made = found.terms.overrides[selection]
    assert (made.kind, made.value, made.by, made.reason, made.through_points) == (OverrideKind.PERCENT, Decimal("2.5"), "Ann", "why", True)
    assert (found.terms.margin_percent, found.terms.versions, found.bookmaker_revision) == (Decimal("5.5"), {selection: 3}, 14)
    assert [(h.owner, h.scope, h.target) for h in found.holds] == [(HoldOwner.TRADER, Scope.SPORT, "tennis")]
    assert (len(found.confirmations), found.limits.low, found.demo) == (1, Decimal("1.05"), False)


def test_e1_it_reads_nothing_of_another_bookmaker_but_what_staff_decided_for_all(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    decide(Bookmaker.objects.create(name="Beta"), fixture_id)
    found = terms.load(alpha.pk, [fixture_id])[fixture_id]
    assert (found.terms.overrides, found.terms.versions, found.holds, found.confirmations, found.bookmaker_revision) == ({}, {}, (), (), 0)
    decide(None, fixture_id)
    found = terms.load(alpha.pk, [fixture_id])[fixture_id]
    assert (len(found.holds), len(found.confirmations)) == (1, 1)


def test_it_reads_only_what_still_stands(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    decide(alpha, fixture_id)
    Hold.objects.update(released_at=db.now())
    Override.objects.update(ended_at=db.now())
    found = terms.load(alpha.pk, [fixture_id])[fixture_id]
    assert (found.holds, found.terms.overrides) == ((), {})


def test_it_reads_the_newest_word_on_each_thing(source: Source, alpha: Bookmaker) -> None:
    fixture_id = stock(source)
    other = stock(source, ref="200")
    now = db.now()
    gap = Gap.objects.get(pk=sources.open_gap(source.pk, "cut"))
    for seconds in (1, 3, 2):
        Confirmation.objects.create(bookmaker=alpha, source=source, at=now + timedelta(seconds=seconds), by="Ann")
    Confirmation.objects.create(bookmaker=alpha, source=source, at=now, by="Ann", gap=gap)
    Confirmation.objects.create(bookmaker=alpha, source=source, at=now, by="Ann", fixture_id=other)
    found = terms.load(alpha.pk, [fixture_id, other])
    assert {(c.at, c.gap_id, c.fixture_id) for c in found[fixture_id].confirmations} == {
        (now + timedelta(seconds=3), None, None), (now, gap.pk, None),
    }  # fmt: skip
    assert other in {c.fixture_id for c in found[other].confirmations}
    sources.close_gap(gap.pk, "Ann", "seen")
    assert len(terms.load(alpha.pk, [fixture_id])[fixture_id].confirmations) == 1


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_shows_one_instant_and_lets_others_write(source: Source) -> None:
    fixture_id = stock(source)
    done = threading.Event()

    def write() -> None:
        Fixture.objects.filter(pk=fixture_id).update(name="Renamed")
        connections.close_all()
        done.set()

    with snapshot("default"):
        assert fixture.load([fixture_id])[fixture_id].name == "Ajax v PSV"
        threading.Thread(target=write).start()
        assert done.wait(5)
        assert fixture.load([fixture_id])[fixture_id].name == "Ajax v PSV"
    assert fixture.load([fixture_id])[fixture_id].name == "Renamed"


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_ends_when_reading_fails(source: Source) -> None:
    with pytest.raises(ZeroDivisionError), snapshot("default"):
        _fail()
    assert stock(source)


def _fail() -> None:
    fixture.load([1])
    raise ZeroDivisionError
