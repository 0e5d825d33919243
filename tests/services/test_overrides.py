"""Timed prices: who may set them, how far, for how long, and what a second writer is told."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets import db
from markets.domain.values import OverrideKind, Scope
from markets.models import AuditRecord, BookmakerFixture, Override
from markets.services import clock, holds, overrides
from markets.services.actor import Actor
from markets.services.errors import Conflict, Forbidden, NotFound, Refused
from tests.services.threads import at_once, of_kind
from tests.services.world import STAFF, World, add_fixture, add_market, facts_of

D = Decimal


def put(world: World, actor: Actor, value: str = "2.04", **more: Any) -> overrides.OverrideEntry:
    wish: dict[str, Any] = {"kind": OverrideKind.PRICE, "seconds": 60, "confirmed": True} | more
    return overrides.set_override(actor, world.alpha.pk, world.first.pk, value=D(value), **wish)


def test_it_prices_a_selection_for_a_while(world: World) -> None:
    before = db.now()
    entry = put(world, world.trader())
    assert (entry.value, entry.price, entry.version) == (D("2.04"), D("2.04"), 1)
    assert entry.odd_key == "match-result-7#runner-0"
    assert timedelta(seconds=60) <= entry.ends_at - before < timedelta(seconds=62)
    assert BookmakerFixture.objects.get(bookmaker=world.alpha, fixture=world.fixture).revision == 1


def test_f1_each_command_has_one_audit_record_with_before_and_after(world: World) -> None:
    actor = world.trader()
    put(world, actor, reason="injury")
    put(world, actor, "2.02")
    overrides.extend(actor, world.alpha.pk, world.first.pk, 30)
    overrides.cancel(actor, world.alpha.pk, world.first.pk)
    rows = list(AuditRecord.objects.order_by("id"))
    assert [r.action for r in rows] == ["override set", "override replaced", "override extended", "override cancelled"]
    first, second, _, last = rows
    assert (first.actor, first.actor_name, first.before, facts_of(first.after)["value"], first.reason) == (
        "user:1",
        "Person 1",
        None,
        "2.04",
        "injury",
    )
    assert (facts_of(second.before)["value"], facts_of(second.after)["value"]) == ("2.04", "2.02")
    assert (facts_of(last.before)["value"], last.after) == ("2.02", None)
    assert {(r.bookmaker_id, r.fixture_id, r.selection_id, r.via, r.request_id) for r in rows} == {
        (world.alpha.pk, world.fixture.pk, world.first.pk, "page", "r1")
    }


def test_c2_a_replaced_override_is_ended_and_kept(world: World) -> None:
    old = put(world, world.trader())
    new = put(world, world.trader(), "2.02")
    row = Override.objects.get(pk=old.id)
    assert (row.ended_cause, row.ended_at) == ("replaced", new.set_at)


def test_c4_the_version_stops_the_later_writer_and_names_the_earlier(world: World) -> None:
    put(world, world.trader(number=1), version=0)
    with pytest.raises(Conflict) as refused:
        put(world, world.trader(number=2), "2.10", version=0)
    assert refused.value.words.startswith("Person 1 changed this")
    told = refused.value.current
    assert (told["value"], told["by"], told["owner"], told["version"]) == ("2.04", "Person 1", "user:1", 1)
    assert told["changedAt"]


def test_c4_with_the_current_version_another_owners_price_may_be_replaced(world: World) -> None:
    put(world, world.trader(number=1))
    assert put(world, world.trader(number=2), "2.10", version=1).owner == "user:2"


def test_c4_without_a_version_only_ones_own_is_replaced(world: World) -> None:
    put(world, world.trader(number=1))
    put(world, world.trader(number=1), "2.02")
    with pytest.raises(Conflict) as refused:
        put(world, world.trader(number=2), "2.10")
    assert refused.value.current["value"] == "2.02"
    with pytest.raises(Conflict):
        overrides.cancel(world.trader(number=2), world.alpha.pk, world.first.pk)
    with pytest.raises(Conflict):
        overrides.extend(world.trader(number=2), world.alpha.pk, world.first.pk, 5)


def test_c4_a_cancelled_price_still_stops_an_old_version(world: World) -> None:
    put(world, world.trader(number=1))
    overrides.cancel(world.trader(number=1), world.alpha.pk, world.first.pk)
    with pytest.raises(Conflict) as refused:
        put(world, world.trader(number=2), version=1)
    assert (refused.value.current["value"], refused.value.current["changedBy"]) == (None, "Person 1")


def test_c4_a_hold_on_the_selection_moves_the_version_too(world: World) -> None:
    held = holds.suspend(world.trader(number=1), world.alpha.pk, Scope.SELECTION, str(world.first.pk))
    assert held.version == 1
    with pytest.raises(Conflict) as refused:
        put(world, world.trader(number=2), version=0)
    assert refused.value.current["suspended"] is True


def test_c4_of_two_writers_at_once_one_wins_and_the_other_is_told(committed: World) -> None:
    for round_ in range(5):
        version = overrides.preview(
            committed.trader(), committed.alpha.pk, committed.first.pk, kind=OverrideKind.PRICE, value=D(2), seconds=5
        ).version
        results = at_once(*(lambda n=n, v=version: put(committed, committed.trader(number=n), f"2.0{n}", version=v) for n in (1, 2)))
        assert len(of_kind(results, overrides.OverrideEntry)) == 1, results
        assert len(of_kind(results, Conflict)) == 1, results
        assert Override.objects.filter(ended_at=None).count() == 1
        assert AuditRecord.objects.count() == round_ + 1


def test_c4_of_two_owners_at_once_without_versions_one_wins(committed: World) -> None:
    results = at_once(*(lambda n=n: put(committed, committed.trader(number=n), f"2.0{n}") for n in (1, 2, 3)))
    assert (len(of_kind(results, overrides.OverrideEntry)), len(of_kind(results, Conflict))) == (1, 2), results


def test_c1_an_override_past_its_end_is_no_override_even_before_the_sweep(world: World) -> None:
    gone = put(world, world.trader(number=1), seconds=1)
    time.sleep(1.02)
    with pytest.raises(NotFound):
        overrides.extend(world.trader(number=1), world.alpha.pk, world.first.pk, 60)
    put(world, world.trader(number=2), "2.02")
    row = Override.objects.get(pk=gone.id)
    assert (row.ended_cause, row.ended_at) == ("expired", row.ends_at)
    clock.sweep()
    assert AuditRecord.objects.filter(action="override expired").count() == 1


def test_it_extends_to_the_longest_duration_and_no_further(world: World) -> None:
    world.alpha.max_override_seconds = 100
    world.alpha.save()
    entry = put(world, world.trader())
    later = overrides.extend(world.trader(), world.alpha.pk, world.first.pk, 30)
    assert later.ends_at - entry.ends_at == timedelta(seconds=30)
    with pytest.raises(Refused) as refused:
        overrides.extend(world.trader(), world.alpha.pk, world.first.pk, 30)
    assert "100 seconds" in refused.value.fields["seconds"]


@pytest.mark.parametrize("seconds", [0, -1, 86_401])
def test_it_refuses_a_duration_out_of_range(world: World, seconds: int) -> None:
    with pytest.raises(Refused) as refused:
        put(world, world.trader(), seconds=seconds)
    assert "86400" in refused.value.fields["seconds"]


def test_it_asks_for_a_reason_and_then_a_confirmation_beyond_the_soft_limit(world: World) -> None:
    with pytest.raises(Refused) as refused:
        put(world, world.trader(), "2.40")
    assert (refused.value.code, list(refused.value.fields)) == ("reason", ["reason"])
    with pytest.raises(Refused) as refused:
        put(world, world.trader(), "2.40", reason="late money", confirmed=False)
    assert refused.value.code == "confirm"
    assert "+20.00 %" in refused.value.words
    assert put(world, world.trader(), "2.40", reason="late money").value == D("2.40")
    assert AuditRecord.objects.count() == 1


def test_it_refuses_beyond_the_hard_limit_whoever_asks(world: World) -> None:
    for actor in (world.trader(), world.supervisor(), STAFF):
        with pytest.raises(Refused) as refused:
            put(world, actor, "3.20", reason="sure")
        assert refused.value.code == "hard-limit"
        assert "50.00 %" in refused.value.words
    assert not Override.objects.exists()


def test_it_measures_the_change_after_the_margin(world: World) -> None:
    world.alpha.margin_percent = D(10)
    world.alpha.save()
    seen = overrides.preview(world.trader(), world.alpha.pk, world.first.pk, kind=OverrideKind.PRICE, value=D("2.00"), seconds=60)
    assert seen.change_percent == D("10.50")  # 2.00 ÷ 1.10, down to 1.81


def test_it_previews_change_book_and_end(world: World) -> None:
    before = db.now()
    seen = overrides.preview(world.trader(), world.alpha.pk, world.first.pk, kind=OverrideKind.PERCENT, value=D("-5"), seconds=600)
    assert (seen.price, seen.change_percent, seen.book_after) == (D("1.90"), D("-5.00"), D("106.20"))
    assert (seen.needs_confirmation, seen.refused_words) == (False, "")
    assert seen.ends_at >= before + timedelta(seconds=600)
    assert not Override.objects.exists()


def test_it_confirms_a_book_below_a_hundred(world: World) -> None:
    _, (first, *_) = add_market(world.fixture, "9", ("2.04", "3.70", "4.40"))
    wish: dict[str, Any] = {"kind": OverrideKind.PRICE, "value": D("2.10"), "seconds": 60}
    with pytest.raises(Refused) as refused:
        overrides.set_override(world.trader(), world.alpha.pk, first.pk, **wish)
    assert (refused.value.code, "97.37 %" in refused.value.words) == ("confirm", True)
    assert overrides.set_override(world.trader(), world.alpha.pk, first.pk, **wish, confirmed=True)


def test_p2_an_untradable_selection_takes_an_override(world: World) -> None:
    world.first.status, world.first.price = "Unpriced", None
    world.first.save()
    assert put(world, world.trader(), "2.04").price == D("2.04")


def test_a_key_needs_no_reason(world: World) -> None:
    key = Actor(id="key:abc", name="key abc", via="api", roles=world.trader().roles)
    assert put(world, key, "2.40").by == "key abc"


def test_p4_a_viewer_may_not_price(world: World) -> None:
    with pytest.raises(Forbidden):
        put(world, world.viewer())


def test_e1_foreign_and_unknown_ids_answer_alike(world: World) -> None:
    stranger = world.trader(world.beta)
    _, selections = add_market(add_fixture(world.source, world.fixture.sport, "101", simulated=True), "8", ("2.00", "2.00"))
    said = []
    for bookmaker, selection in [
        (world.alpha.pk, world.first.pk),
        (uuid.uuid4(), world.first.pk),
        (world.beta.pk, 10**9),
        (world.beta.pk, selections[0].pk),
    ]:
        with pytest.raises(NotFound) as refused:
            overrides.set_override(stranger, bookmaker, selection, kind=OverrideKind.PRICE, value=D(2), seconds=60)
        said.append(refused.value.words)
    assert len(set(said)) == 1


def test_e1_bookmakers_do_not_see_each_others_prices_or_versions(world: World) -> None:
    put(world, world.trader())
    other = overrides.set_override(
        world.trader(world.beta), world.beta.pk, world.first.pk, kind=OverrideKind.PRICE, value=D("2.02"), seconds=60, version=0
    )
    assert other.version == 1
    assert Override.objects.filter(ended_at=None).count() == 2


def test_e1_a_sport_that_the_bookmaker_does_not_take_is_unknown_to_it(world: World) -> None:
    world.alpha.sports.clear()
    with pytest.raises(NotFound):
        put(world, world.trader())
