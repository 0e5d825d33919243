"""Applying messages to the store: facts, keys, ticks, audit, overrides, gaps, the doorbell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from threading import Event
from time import process_time, sleep

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from markets import db
from markets.domain.messages import Message, UnknownPart
from markets.domain.values import FixtureStatus, MarketStatus, Outcome, OverrideKind, ResultStatus, Role, SelectionStatus
from markets.models import (
    AuditRecord,
    Bookmaker,
    Confirmation,
    Fixture,
    Gap,
    Market,
    Override,
    PriceTick,
    Result,
    Selection,
    SelectionBook,
    Source,
    Sport,
)
from markets.services import doorbell, ingest, overrides, sources
from markets.services.factstore import CACHE
from markets.services.keys import Keys
from tests.domain import says
from tests.pace import is_within
from tests.services.world import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return Source.objects.create(slug="wire", provider="updategram", name="Wire", created_at=db.now())


def apply(source: Source, *messages: Message, kept: float = 0) -> list[ingest.Applied]:
    batch = [ingest.Incoming(message, says.at(kept + place / 1000), place) for place, message in enumerate(messages)]
    with transaction.atomic():
        return ingest.apply(source, batch)


def the_fixture(ref: str = "100") -> Fixture:
    return Fixture.objects.get(ref=ref)


def test_it_stores_a_fixture_with_what_is_searched(source: Source) -> None:
    [applied] = apply(source, says.message(says.details(), says.coverage()))
    fixture = the_fixture()
    assert applied == ingest.Applied(Outcome.APPLIED, (), fixture.pk)
    assert (fixture.name, fixture.home_name, fixture.away_ref, fixture.status) == ("Ajax v PSV", "Ajax", "2", "Scheduled")
    assert fixture.sport is not None
    assert (fixture.sport.slug, fixture.match_id, fixture.revision, fixture.phase, fixture.has_details) == (
        "football",
        100,
        1,
        "upcoming",
        True,
    )


def test_it_reads_back_exactly_the_state_it_folded(source: Source) -> None:
    apply(source, says.message(says.details(), says.market("7", sequence=0), says.coverage(), says.summary(), order=1, sent=1))
    apply(source, says.message(says.result("7", sequence=0, s1=ResultStatus.WINNER), order=2, sent=2))
    stored = ingest.feed_state(the_fixture().pk)
    assert stored.markets["7/0"] == says.market("7", sequence=0)
    assert stored.details == says.details()
    assert stored.coverage == says.coverage()
    assert stored.match_states["FootballMatchSummary"] == says.summary()
    assert stored.results["7/0"].revision == 1
    assert stored.started
    assert stored.marks["market:7/0"].orders == {"": 1}


def test_u11_anything_for_a_fixture_never_seen_makes_a_stub(source: Source) -> None:
    apply(source, says.message(says.market()))
    stub = the_fixture()
    assert (stub.has_details, stub.match_id, stub.sport_id, stub.total_odds) == (False, None, None, 2)
    apply(source, says.message(says.details()), kept=1)
    assert (the_fixture().has_details, the_fixture().match_id, the_fixture().total_odds) == (True, 100, 2)


def test_it_counts_on_where_keys_of_one_name_are_many(source: Source) -> None:
    """The time must not grow with the square of their number: on SQLite nobody else writes meanwhile."""
    keys = Keys(["next-goal", "next-goal-3"])
    started = process_time()
    given = [keys.give("next-goal") for _ in range(20_000)]
    assert is_within(1, process_time() - started)
    assert (given[:3], given[-1], len(set(given))) == (["next-goal-2", "next-goal-4", "next-goal-5"], "next-goal-20002", 20_000)
    apply(source, says.message(says.market("7", says.selection("1", name="X"), says.selection("2", name="X")), says.market("8")))
    apply(source, says.message(says.market("9"), says.market("7", says.selection("3", name="X"))), kept=1)
    assert list(Market.objects.order_by("pk").values_list("key", flat=True)) == ["match-result", "match-result-2", "match-result-3"]
    assert list(Selection.objects.filter(market__ref="7").order_by("pk").values_list("key", flat=True)) == ["x", "x-2", "x-3"]


def test_u15_an_unknown_sport_gets_a_slug_of_its_id(source: Source) -> None:
    apply(source, says.message(says.details(sport="777")))
    sport = the_fixture().sport
    assert sport is not None
    assert sport.slug == "sport-777"


def test_o6_a_taken_number_is_not_given_twice_in_a_sport(source: Source) -> None:
    other = Source.objects.create(slug="other", provider="updategram", name="Other", created_at=db.now())
    apply(source, says.message(says.details()))
    apply(other, says.message(says.details()), says.message(says.details(), fixture="x-1"))
    numbers = Fixture.objects.filter(source=other).order_by("ref").values_list("match_id", flat=True)
    assert list(numbers) == [9_000_000_000_000, 9_000_000_000_001]


def test_a6_a_wholly_late_message_is_superseded_and_writes_nothing(source: Source) -> None:
    apply(source, says.message(says.market("7", says.selection("1", "2.00")), order=5))
    before = the_fixture().revision
    [applied] = apply(source, says.message(says.market("7", says.selection("1", "9.00")), order=4), kept=1)
    assert applied.outcome is Outcome.SUPERSEDED
    assert applied.notes == ("older than applied, left as it is: market 7",)
    assert (the_fixture().revision, Selection.objects.get(ref="1").price) == (before, Decimal("2.0000"))


def test_u1_a_partly_late_message_counts_as_applied_with_a_note(source: Source) -> None:
    apply(source, says.message(says.market("7"), order=5))
    [applied] = apply(source, says.message(says.market("7", says.selection("1", "9.00")), says.market("8"), order=4), kept=1)
    assert applied.outcome is Outcome.APPLIED
    assert applied.notes == ("older than applied, left as it is: market 7",)
    assert Market.objects.filter(ref="8").exists()


def test_it_writes_no_market_row_when_nothing_changed(source: Source) -> None:
    markets = [says.market(str(number)) for number in range(20)]
    apply(source, says.message(*markets, order=1))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        apply(source, says.message(*markets, order=2), kept=1)
    written = [query["sql"] for query in asked if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert not [sql for sql in written if "markets_market" in sql.split("WHERE", maxsplit=1)[0] or "markets_selection" in sql]
    assert set(Market.objects.values_list("revision", flat=True)) == {1}
    assert the_fixture().revision == 2


def test_it_writes_only_what_changed(source: Source) -> None:
    apply(source, says.message(says.market("7"), says.market("8")))
    apply(source, says.message(says.market("7"), says.market("8", says.selection("1", "2.10"), says.selection("2", "3.00"))), kept=1)
    assert dict(Market.objects.values_list("ref", "revision")) == {"7": 1, "8": 2}
    changed = Selection.objects.filter(market__ref="8").order_by("ref").values_list("revision", "price")
    assert list(changed) == [(2, Decimal("2.1000")), (1, Decimal("3.0000"))]


def test_a_public_key_never_changes(source: Source) -> None:
    apply(source, says.message(says.market("7"), says.market("8"), says.market("9", sequence=3, in_play=True)))
    apply(source, says.message(says.market("7", says.selection("1", name="New name"), type_name="Other")), kept=1)
    assert dict(Market.objects.values_list("ref", "key")) == {"7": "match-result", "8": "match-result-2", "9/3": "match-result-3"}
    assert Selection.objects.get(market__ref="7", ref="1").key == "runner-1"


def test_u4_a_selection_left_out_is_kept_and_not_listed(source: Source) -> None:
    apply(source, says.message(says.market("7", says.selection("1"), says.selection("2"))))
    apply(source, says.message(says.market("7", says.selection("2"))), kept=1)
    left = ingest.feed_state(the_fixture().pk).markets["7"].selections
    assert [(s.id, s.listed) for s in left] == [("2", True), ("1", False)]
    assert the_fixture().total_odds == 1


def test_it_ticks_every_change_of_price_and_offer_with_several_messages_in_a_batch(source: Source) -> None:
    shorter = says.market("7", says.selection("1", "1.90"))
    apply(source, says.message(says.market("7", says.selection("1"))), says.message(shorter), says.message(shorter))
    apply(source, says.message(says.market("7", says.selection("1", "1.90"), status=MarketStatus.SUSPENDED)), kept=1)
    ticks = PriceTick.objects.order_by("at").values_list("price", "offered")
    assert list(ticks) == [(Decimal("2.0000"), True), (Decimal("1.9000"), True), (Decimal("1.9000"), False)]
    assert the_fixture().revision == 2


def test_f1_a_message_that_suspends_or_opens_has_exactly_one_record(source: Source) -> None:
    apply(source, says.message(says.details(), says.market("7"), says.market("8")))
    opened = AuditRecord.objects.get()
    assert (opened.action, opened.actor) == ("feed opens", "feed:wire")
    apply(source, says.message(says.market("7", says.selection("1", "2.2"), says.selection("2", "3.00"))), kept=1)
    assert AuditRecord.objects.count() == 1
    closing = says.message(says.market("7", status=MarketStatus.SUSPENDED), says.market("8", status=MarketStatus.CLOSED))
    apply(source, closing, kept=2)
    record = AuditRecord.objects.latest("id")
    assert (AuditRecord.objects.count(), record.action, record.message) == (2, "feed suspends", closing.guid)
    assert record.before is not None
    assert record.after is not None
    assert record.before["markets"]["7"]["offered"] == ["1", "2"]
    assert record.after["markets"]["7"] == {"name": "Match Result", "status": "Suspended", "offered": [], "line": None}


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (says.market("7", line="3.5"), "line moved"),
        (says.result("7", s1=ResultStatus.WINNER), "resulted"),
        (says.details(FixtureStatus.DELETED), "deleted"),
    ],
)
def test_c2_a_moved_line_a_result_and_a_deleted_fixture_end_overrides(source: Source, said: object, cause: str) -> None:
    apply(source, says.message(says.details(), says.market("7", line="2.5"), says.market("8")))
    override = an_override(Selection.objects.get(market__ref="7", ref="1"))
    other = an_override(Selection.objects.get(market__ref="8", ref="1"))
    apply(source, says.message(said), kept=1)  # type: ignore[arg-type]
    override.refresh_from_db()
    other.refresh_from_db()
    assert override.ended_at is not None
    assert override.ended_cause == cause
    assert (other.ended_at is None) == (cause != "deleted")
    record = AuditRecord.objects.get(action="override ended", selection_id=override.selection_id)
    assert (record.reason, record.bookmaker_id) == (cause, override.bookmaker_id)
    assert SelectionBook.objects.get(selection_id=override.selection_id).version == 1


def test_c2_a_suspension_and_a_new_price_end_no_override(source: Source) -> None:
    apply(source, says.message(says.details(), says.market("7")))
    override = an_override(Selection.objects.get(market__ref="7", ref="1"))
    apply(source, says.message(says.market("7", status=MarketStatus.SUSPENDED)), kept=1)
    apply(source, says.message(says.market("7", says.selection("1", "8.00"))), kept=2)
    override.refresh_from_db()
    assert override.ended_at is None


@pytest.mark.django_db(transaction=True)
def test_u5_an_override_under_way_while_the_line_moves_is_ended_too(source: Source) -> None:
    apply(source, says.message(says.details(), says.market("7", line="2.5")))
    selection = Selection.objects.get(market__ref="7", ref="1")
    bookmaker = Bookmaker.objects.create(name="Alpha")
    bookmaker.sports.add(Sport.objects.get(slug="football"))
    inserted = Event()

    def trader() -> None:
        with transaction.atomic():
            who = person(1, bookmaker.pk, Role.TRADER)
            overrides.set_override(
                who, bookmaker.pk, selection.pk, kind=OverrideKind.PRICE, value=Decimal("2.02"), seconds=60, confirmed=True, reason="seen"
            )
            inserted.set()
            sleep(0.3)
        connection.close()

    with ThreadPoolExecutor(1) as others:
        done = others.submit(trader)
        inserted.wait(5)
        apply(source, says.message(says.market("7", line="3.5")), kept=1)
        done.result()
    assert Override.objects.get().ended_cause == "line moved"


def an_override(selection: Selection) -> Override:
    bookmaker, _ = Bookmaker.objects.get_or_create(name="Alpha")
    now = db.now()
    return Override.objects.create(
        bookmaker=bookmaker, fixture_id=selection.market.fixture_id, market=selection.market, selection=selection,
        value=Decimal("2.5"), owner="user:1", by="Tina", set_at=now, ends_at=now + timedelta(hours=1),
    )  # fmt: skip


def test_u10_a_result_stands_alone_and_a_later_one_is_a_correction(source: Source) -> None:
    apply(source, says.message(says.result("50", s1=ResultStatus.WINNER)))
    apply(source, says.message(says.result("50", s1=ResultStatus.LOSER)), kept=1)
    corrected = Result.objects.get()
    assert (corrected.market_ref, corrected.revision, corrected.withdrawn) == ("50", 2, False)
    apply(source, says.message(says.result("50", s1=ResultStatus.NONE)), kept=2)
    assert Result.objects.values_list("revision", "withdrawn").get() == (3, True)


def test_u6_an_unknown_child_holds_its_fixture_from_the_time_it_was_kept(source: Source) -> None:
    [applied] = apply(source, says.message(UnknownPart("Weather"), says.market("7")))
    gap = Gap.objects.get()
    assert (gap.fixture_id, gap.opened_at, gap.sticky, gap.cause) == (the_fixture().pk, says.at(0), False, "Weather is not known")
    assert applied.outcome is Outcome.APPLIED


def test_u3_a_jump_is_noted_and_no_gap(source: Source) -> None:
    apply(source, says.message(says.market("7"), order=1))
    [applied] = apply(source, says.message(says.market("7"), order=4), kept=1)
    assert applied.notes == ("orders 2 to 3 not seen",)
    assert not Gap.objects.exists()


def test_u3_a_jump_is_a_gap_where_order_is_contiguous_and_each_late_message_fills_its_own(source: Source) -> None:
    source.order_contiguous = True
    source.save()
    apply(source, says.message(says.market("7"), order=1))
    apply(source, says.message(says.market("7"), order=4), kept=1)
    assert sorted(Gap.objects.values_list("cause", flat=True)) == ["order 2 missing", "order 3 missing"]
    apply(source, says.message(says.market("8"), order=3), kept=2)
    assert list(Gap.objects.filter(closed_at__isnull=True).values_list("cause", flat=True)) == ["order 2 missing"]


def test_a5_contiguous_order_proves_that_a_fixture_missed_nothing_in_a_gap(source: Source) -> None:
    source.order_contiguous = True
    source.save()
    apply(source, says.message(says.market("7"), order=1), says.message(says.market("7"), order=1, fixture="101"))
    gap = sources.open_gap(source.pk, "cut off", at=says.at(1))
    sticky = sources.open_gap(source.pk, "unreadable", at=says.at(1), sticky=True)
    apply(source, says.message(says.market("8"), order=2), says.message(says.market("8"), order=3, fixture="101"), kept=2)
    word = Confirmation.objects.get()
    assert (word.gap_id, word.fixture_id, word.at, word.by) == (gap, the_fixture().pk, says.at(2), sources.ORDER_PROOF)
    apply(source, says.message(says.market("8"), order=3), kept=3)
    assert not Confirmation.objects.filter(gap_id=sticky).exists()
    assert Confirmation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_rings_for_each_changed_fixture_on_commit(source: Source) -> None:
    with rings() as heard:
        apply(source, says.message(says.market("7")), says.message(says.market("7"), fixture="101"))
    assert heard == [{f"f:{the_fixture().pk}", f"f:{the_fixture('101').pk}"}]


@contextmanager
def rings() -> Iterator[list[frozenset[str]]]:
    """What the doorbell rings meanwhile: by NOTIFY on PostgreSQL, by a call elsewhere."""
    heard: list[frozenset[str]] = []
    if connection.vendor != "postgresql":
        forget = doorbell.listen(heard.append)
        yield heard
        forget()
        return
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {doorbell.CHANNEL}")
    yield heard
    heard += [doorbell.topics_of(notice.payload) for notice in connection.connection.notifies(timeout=2, stop_after=1)]


@pytest.mark.django_db(transaction=True)
def test_b6_the_same_messages_give_the_same_feed_hash(source: Source) -> None:
    history: Sequence[Message] = [
        says.message(says.details(), says.coverage(), order=1),
        says.message(says.market("7"), says.market("8", sequence=1, in_play=True), order=2),
        says.message(says.market("7", says.selection("2", "1.5")), order=3),
        says.message(says.result("7", s1=ResultStatus.WINNER), order=4),
    ]
    other = Source.objects.create(slug="other", provider="updategram", name="Other", created_at=db.now())
    for place, message in enumerate(history):
        apply(source, message, kept=place)
    CACHE.clear()
    apply(other, *history, kept=100)
    assert ingest.feed_hash(source.pk) == ingest.feed_hash(other.pk)
    apply(other, says.message(says.market("8", says.selection("1", "7"), sequence=1, in_play=True), order=5), kept=200)
    assert ingest.feed_hash(source.pk) != ingest.feed_hash(other.pk)


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_never_taken_from_memory(source: Source) -> None:
    apply(source, says.message(says.market("7", says.selection("1", "2.00"))))
    with transaction.atomic():
        ingest.apply(source, [ingest.Incoming(says.message(says.market("7", says.selection("1", "3.00"))), says.at(1), 1)])
        transaction.set_rollback(True)
    apply(source, says.message(says.market("7", says.selection("1", "3.00"), status=MarketStatus.SUSPENDED)), kept=2)
    assert Selection.objects.get(ref="1").price == Decimal("3.0000")
    assert Market.objects.get().status == "Suspended"


def test_it_holds_a_selection_named_twice_in_one_market(source: Source) -> None:
    [applied] = apply(source, says.message(says.market("7", says.selection("1", "2.00"), says.selection("1", "3.00"))))
    assert Selection.objects.get().price is None
    assert applied.notes == ("market 7: named twice: selection 1",)


def test_u2_an_older_message_without_order_may_close_and_never_reprice(source: Source) -> None:
    apply(source, says.message(says.market("7", says.selection("1", "2.00")), sent=10))
    older = says.market("7", says.selection("1", "9.00", SelectionStatus.SUSPENDED))
    apply(source, says.message(older, sent=5), kept=1)
    assert Selection.objects.values_list("price", "status").get() == (Decimal("2.0000"), "Suspended")
