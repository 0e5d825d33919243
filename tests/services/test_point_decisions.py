"""What people decide about a match: a price still holds, a gap may open, what a point feed means to a bookmaker (A2, A5, A13, P4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from markets import db
from markets.domain.heard import DEAF, Ears
from markets.domain.rules import Code
from markets.domain.values import OverrideKind, Role
from markets.models import AuditRecord, Bookmaker, Confirmation, Gap, MarketType, Override, ReopenRule, Selection, Source
from markets.selectors import health
from markets.services import bindings, bookmakers, confirmations, demo, overrides, reopening, sources
from markets.services.actor import Actor
from markets.services.confirmations import Target
from markets.services.errors import Conflict, Forbidden, NotFound, Refused
from tests.domain.points import Played, between
from tests.services.court import Court, Listening, court
from tests.services.world import STAFF, facts_of, person

SECOND = timedelta(seconds=1)


@pytest.fixture
def side(db: None) -> Iterator[Court]:
    before = health._backlog_reader
    health.register_backlog_reader(lambda _: {})
    yield court()
    health.register_backlog_reader(before)


def first(side: Court) -> Selection:
    return Selection.objects.filter(market__fixture=side.fixture).order_by("pk")[0]


def typed(side: Court, value: str = "1.82", kind: OverrideKind = OverrideKind.PRICE, **more: object) -> Override:
    """By the trader, while the last point was in play."""
    overrides.set_override(
        side.world.trader(), side.alpha.pk, first(side).pk, kind=kind, value=Decimal(value), seconds=600, confirmed=True
    )  # fmt: skip
    Override.objects.update(set_at=db.now() - 35 * SECOND, **more)
    return Override.objects.get()


def test_a2_unbinding_during_play_opens_nothing_on_a_price_from_before(side: Court) -> None:
    side.alpha.point_sports.clear()
    assert side.open() == 2
    bindings.unbind(person(7, side.alpha.pk, Role.SUPERVISOR), side.alpha.pk, side.fixture.pk, "wrong match")
    assert (side.codes(), side.open()) == ({Code.GAP}, 0)
    side.price(db.now())
    assert side.open() == 2


# "It still holds" (A2)


def ended(side: Court) -> datetime:
    """When the last point was over, as a page shows it."""
    settled = side.offer().around.fence.settled_kept
    assert settled is not None
    return settled.replace(microsecond=settled.microsecond // 1000 * 1000)


def still_holds(
    side: Court, who: Actor, *, as_of: datetime | None = None, ears: Ears | None = None, **more: Any
) -> overrides.OverrideEntry:
    at = as_of or ended(side)
    return overrides.confirm(who, side.alpha.pk, first(side).pk, as_of=at, ears=ears or Listening(), **more)


def test_a2_one_word_brings_a_price_from_before_the_point_back(side: Court) -> None:
    before = typed(side)
    assert (side.codes(), side.open()) == ({Code.OLD_OVERRIDE}, 1)
    entry = still_holds(side, side.world.trader())
    assert side.open() == 2
    assert (entry.ends_at, entry.version, entry.confirmed_at is None) == (before.ends_at, 2, False)


def test_a2_the_word_is_refused_when_another_point_was_played_since_the_person_looked(side: Court) -> None:
    typed(side)
    looked = ended(side)
    now = db.now()
    side.tell(between(-5, at=lambda second: now + timedelta(seconds=second)))
    side.price(now)
    with pytest.raises(Refused) as refused:
        still_holds(side, side.world.trader(), as_of=looked)
    assert (refused.value.code, side.codes()) == ("moved", {Code.OLD_OVERRIDE})
    assert still_holds(side, side.world.trader()).confirmed_at
    assert side.open() == 2


def test_a2_the_word_is_refused_while_a_point_is_in_play_or_announced_or_nobody_knows(side: Court) -> None:
    typed(side)
    looked = ended(side)
    for ears in (Listening(announced=99), DEAF):
        with pytest.raises(Refused):
            still_holds(side, side.world.trader(), as_of=looked, ears=ears)
    now = db.now()
    played = Played(between(-30, at=lambda second: now + timedelta(seconds=second)), 5, lambda second: now + timedelta(seconds=second))
    side.tell(played.start(-1))
    with pytest.raises(Refused):
        still_holds(side, side.world.trader(), as_of=looked)
    assert Override.objects.get().confirmed_at is None


def test_f1_the_word_is_audited_once(side: Court) -> None:
    typed(side)
    still_holds(side, side.world.trader(), reason="seen on court")
    record = AuditRecord.objects.get(action="override confirmed")
    assert (record.actor, record.bookmaker_id, record.selection_id, record.reason) == (
        "user:1", side.alpha.pk, first(side).pk, "seen on court",
    )  # fmt: skip
    assert "confirmedAt" not in facts_of(record.before)
    assert facts_of(record.after)["confirmedAt"] == Override.objects.get().confirmed_at.isoformat()  # type: ignore[union-attr]


def test_a2_the_word_counts_for_this_point_only(side: Court) -> None:
    typed(side, confirmed_at=db.now() - 31 * SECOND)
    assert side.codes() == {Code.OLD_OVERRIDE}


def test_c4_another_s_price_is_confirmed_with_its_version_only(side: Court) -> None:
    typed(side)
    other = side.world.trader(number=2)
    with pytest.raises(Conflict):
        still_holds(side, other)
    with pytest.raises(Conflict):
        still_holds(side, other, version=0)
    assert still_holds(side, other, version=1).version == 2


def test_a_price_too_far_from_today_s_feed_price_is_not_simply_confirmed(side: Court) -> None:
    typed(side)
    Selection.objects.update(price=Decimal("1.60"))
    with pytest.raises(Refused) as refused:
        still_holds(side, side.world.trader(), reason="sure")
    assert refused.value.code == "confirm"
    assert still_holds(side, side.world.trader(), reason="sure", confirmed=True).confirmed_at
    Selection.objects.update(price=Decimal("1.10"))
    with pytest.raises(Refused) as refused:
        still_holds(side, side.world.trader(), reason="sure", confirmed=True)
    assert refused.value.code == "hard-limit"


def test_p4_nobody_else_confirms_and_nothing_that_is_not_there(side: Court) -> None:
    with pytest.raises(NotFound):
        still_holds(side, side.world.trader())
    typed(side)
    with pytest.raises(Forbidden):
        still_holds(side, side.world.viewer())
    with pytest.raises(NotFound):
        still_holds(side, side.world.trader(side.world.beta))


# Confirm re-opening (A5 iii)


def gap_of_match(side: Court, *, sticky: bool = True) -> Gap:
    return Gap.objects.get(
        pk=sources.open_gap(side.umpire.pk, "packets 6 to 8 never came", fixture_ref=side.match.ref, sticky=sticky, frame_id=3)
    )


def test_a5_confirming_a_bound_fixture_shows_and_opens_what_its_match_s_gap_holds(side: Court) -> None:
    gap = gap_of_match(side)
    assert side.codes() == {Code.POINT_FEED}
    me, targets = side.world.trader(), [Target(fixture=side.fixture.pk)]
    shown = confirmations.would_open(me, side.alpha.pk, targets, ears=Listening())
    assert [(o.fixture_id, o.selection, o.price) for o in shown.openings] == [
        (side.fixture.pk, "Runner 0", Decimal("1.80")),
        (side.fixture.pk, "Runner 1", Decimal("2.00")),
    ]
    done = confirmations.confirm(me, side.alpha.pk, targets, as_of=shown.as_of, ears=Listening())
    assert (len(done.openings), side.open(), side.open(side.world.beta)) == (2, 2, 0)
    record = AuditRecord.objects.get(action="re-opening confirmed")
    assert facts_of(record.after)["gapsOfMatch"] == [gap.pk]
    assert [o["price"] for o in facts_of(record.after)["opened"]] == ["1.80", "2.00"]


def test_a5_a_gap_of_the_match_can_be_confirmed_by_itself(side: Court) -> None:
    gap = gap_of_match(side)
    revision = side.offer().bookmaker_revision
    me, targets = side.world.trader(), [Target(gap=gap.pk)]
    shown = confirmations.would_open(me, side.alpha.pk, targets, ears=Listening())
    assert {o.fixture_id for o in shown.openings} == {side.fixture.pk}
    confirmations.confirm(me, side.alpha.pk, targets, as_of=shown.as_of, ears=Listening())
    assert side.open() == 2
    assert side.offer().bookmaker_revision > revision


def test_a5_a_whole_point_feed_can_be_confirmed(side: Court) -> None:
    other = court("501", side.world)
    for each in (side, other):
        gap_of_match(each)
    me, targets = side.world.trader(), [Target(source=side.umpire.pk)]
    shown = confirmations.would_open(me, side.alpha.pk, targets, ears=Listening())
    assert {o.fixture_id for o in shown.openings} == {side.fixture.pk, other.fixture.pk}
    confirmations.confirm(me, side.alpha.pk, targets, as_of=shown.as_of, ears=Listening())
    assert (side.open(), other.open()) == (2, 2)


def test_a5_a_gap_after_the_list_stays_closed(side: Court) -> None:
    gap_of_match(side)
    me, targets = side.world.trader(), [Target(fixture=side.fixture.pk)]
    shown = confirmations.would_open(me, side.alpha.pk, targets, ears=Listening())
    gap_of_match(side)
    confirmations.confirm(me, side.alpha.pk, targets, as_of=shown.as_of, ears=Listening())
    assert side.open() == 0


def test_a7_a_confirmation_opens_no_market_while_a_point_is_on_its_way(side: Court) -> None:
    gap_of_match(side)
    for ears in (Listening(announced=99), None):
        more = {"ears": ears} if ears else {}
        assert confirmations.would_open(side.world.trader(), side.alpha.pk, [Target(fixture=side.fixture.pk)], **more).openings == ()


def test_a5_one_market_alone_is_not_confirmed_past_a_gap_of_its_match(side: Court) -> None:
    gap_of_match(side)
    me, target = side.world.trader(), Target(market=first(side).market_id)
    assert confirmations.would_open(me, side.alpha.pk, [target], ears=Listening()).openings == ()
    with pytest.raises(Refused) as refused:
        confirmations.confirm(me, side.alpha.pk, [target], as_of=db.now(), ears=Listening())
    assert (refused.value.code, Confirmation.objects.count(), side.open()) == ("match", 0, 0)
    assert confirmations.would_open(me, side.alpha.pk, [Target(fixture=side.fixture.pk)], ears=Listening()).whole


def test_a5_one_market_alone_is_confirmed_past_a_gap_of_its_prices_with_how_its_match_stood(side: Court) -> None:
    sources.open_gap(side.world.source.pk, "a message was cut off", fixture_ref=side.fixture.ref)
    me, target = side.world.trader(), Target(market=first(side).market_id)
    shown = confirmations.would_open(me, side.alpha.pk, [target], ears=Listening())
    assert (len(shown.openings), shown.fixtures, shown.whole, shown.unbound) == (2, (side.fixture.pk,), False, ())
    confirmations.confirm(me, side.alpha.pk, [target], as_of=shown.as_of, ears=Listening())
    assert side.open() == 2
    record = AuditRecord.objects.get(action="re-opening confirmed")
    match = {"ref": side.match.ref, "state": "in progress, between points", "score": "0–0, 15–0"}
    assert facts_of(record.after)["match"] == match


def test_a_match_that_is_bound_to_no_fixture_is_named_where_somebody_would_open_it(side: Court) -> None:
    gap = gap_of_match(side)
    bindings.unbind(person(7, side.alpha.pk, Role.SUPERVISOR), side.alpha.pk, side.fixture.pk, "wrong match")
    shown = confirmations.would_open(side.world.trader(), side.alpha.pk, [Target(gap=gap.pk)], ears=Listening())
    assert (shown.openings, shown.fixtures, shown.unbound) == ((), (), (str(side.match),))


# What a point feed means to a bookmaker


def test_a13_a_supervisor_says_which_sports_need_a_point_feed_and_which_breaks_stay_open(side: Court) -> None:
    Bookmaker.objects.get(pk=side.alpha.pk).point_sports.clear()
    me = side.world.supervisor()
    changed = bookmakers.update(me, side.alpha.pk, point_sports=["tennis"], open_in_breaks=["ToiletBreak"])
    assert (list(changed.point_sports.values_list("slug", flat=True)), changed.open_in_breaks) == (["tennis"], ["ToiletBreak"])
    record = AuditRecord.objects.get(action="bookmaker changed")
    assert (facts_of(record.before)["pointSports"], facts_of(record.after)["pointSports"]) == ([], ["tennis"])
    assert facts_of(record.after)["openInBreaks"] == ["ToiletBreak"]
    with pytest.raises(Forbidden):
        bookmakers.update(side.world.trader(), side.alpha.pk, point_sports=[])


@pytest.mark.parametrize(
    "wrong", [{"point_sports": ["football"]}, {"point_sports": ["tennis", "table-tennis"]}, {"open_in_breaks": ["Suspended"]}]
)
def test_o8_a_sport_without_a_point_feed_and_a_state_that_is_no_break_are_refused(side: Court, wrong: dict[str, list[str]]) -> None:
    with pytest.raises(Refused) as refused:
        bookmakers.update(STAFF, side.alpha.pk, **wrong)
    assert refused.value.fields.keys() == wrong.keys()
    assert not AuditRecord.objects.exists()


def test_a2_a_re_open_rule_is_set_changed_and_taken_back_with_one_record_each(side: Court) -> None:
    side.price(db.now() - 60 * SECOND)
    kind, me = MarketType.objects.get(provider="updategram", ref="1"), side.world.supervisor()
    revision = side.offer().bookmaker_revision
    for seconds in (Decimal("20.5"), Decimal("20.5"), Decimal(45), None, None):
        reopening.set_rule(me, side.alpha.pk, kind.pk, seconds)
        assert side.open() == (2 if seconds == Decimal("20.5") else 0)
    rows = AuditRecord.objects.filter(action="re-open rule changed").order_by("pk")
    assert [(r.before, r.after) for r in rows] == [
        (None, {"seconds": "20.5"}),
        ({"seconds": "20.5"}, {"seconds": "45"}),
        ({"seconds": "45"}, None),
    ]
    assert side.offer().bookmaker_revision == revision + 3
    assert not ReopenRule.objects.exists()


def test_p4_a_re_open_rule_is_a_supervisor_s_of_this_bookmaker_and_within_bounds(side: Court) -> None:
    kind = MarketType.objects.get(provider="updategram", ref="1").pk
    with pytest.raises(Forbidden):
        reopening.set_rule(side.world.trader(), side.alpha.pk, kind, Decimal(5))
    with pytest.raises(NotFound):
        reopening.set_rule(side.world.supervisor(), side.world.beta.pk, kind, Decimal(5))
    with pytest.raises(NotFound):
        reopening.set_rule(side.world.supervisor(), side.alpha.pk, 10**9, Decimal(5))
    for seconds in (Decimal("0.4"), Decimal("600.1"), Decimal("NaN")):
        with pytest.raises(Refused):
            reopening.set_rule(person(9, side.alpha.pk, Role.SUPERVISOR), side.alpha.pk, kind, seconds)


def test_a13_the_demonstration_needs_the_point_feed_once_there_is_one(settings: Settings, side: Court) -> None:
    settings.DESK_DEMO_SIGN_INS = True
    demo.ensure_demo()
    houses = Bookmaker.objects.filter(demo=True)
    assert [h.point_sports.count() for h in houses] == [0, 0]
    Source.objects.filter(pk=side.umpire.pk).update(simulated=True)
    demo.demand_points()
    assert [h.point_sports.get().slug for h in houses] == ["tennis", "tennis"]
    audited = AuditRecord.objects.count()
    demo.ensure_demo()
    assert AuditRecord.objects.count() == audited
