"""Suspending and resuming at six scopes, and the stop button."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from markets.domain.values import HoldOwner, Role, Scope
from markets.models import AuditRecord, Bookmaker, BookmakerFixture, Hold, SelectionBook
from markets.services import clock, doorbell, holds
from markets.services.errors import Conflict, Forbidden, NotFound, Refused
from tests.services.threads import at_once
from tests.services.world import STAFF, World, add_fixture, person


def targets(world: World) -> list[tuple[Scope, str]]:
    return [
        (Scope.SELECTION, str(world.first.pk)),
        (Scope.MARKET, str(world.market.pk)),
        (Scope.FIXTURE, str(world.fixture.pk)),
        (Scope.COMPETITION, f"{world.source.pk}:55"),
        (Scope.SPORT, "football"),
        (Scope.EVERYTHING, ""),
    ]


def test_c5_a_hold_stands_at_each_of_the_six_scopes_and_goes(world: World) -> None:
    for scope, target in targets(world):
        held = holds.suspend(world.trader(), world.alpha.pk, scope, target, reason="look")
        assert (held.scope, held.target, held.owner_kind, held.ends_at) == (scope, target, HoldOwner.TRADER, None)
        done = holds.resume(world.trader(), world.alpha.pk, scope, target)
        assert ([h.id for h in done.released], done.remaining) == ([held.id], ())
    assert not Hold.objects.filter(released_at=None).exists()


def test_c5_narrow_holds_raise_the_fixture_and_wide_ones_the_bookmaker(world: World) -> None:
    for n, (scope, target) in enumerate(targets(world)[:3], 1):
        holds.suspend(world.trader(), world.alpha.pk, scope, target)
        assert BookmakerFixture.objects.get(bookmaker=world.alpha).revision == n
    for n, (scope, target) in enumerate(targets(world)[3:], 1):
        holds.suspend(world.trader(), world.alpha.pk, scope, target)
        assert Bookmaker.objects.get(pk=world.alpha.pk).revision == n
    assert Bookmaker.objects.get(pk=world.beta.pk).revision == 0


def test_f1_suspend_and_resume_have_one_audit_record_each(world: World) -> None:
    holds.suspend(world.trader(), world.alpha.pk, Scope.MARKET, str(world.market.pk), reason="injury")
    holds.resume(world.trader(), world.alpha.pk, Scope.MARKET, str(world.market.pk))
    first, second = AuditRecord.objects.order_by("id")
    assert (first.action, first.reason, first.market_id, first.before) == ("suspended", "injury", world.market.pk, None)
    assert first.object_words == "market: Ajax v PSV · Match result"
    assert (second.action, second.after) == ("resumed", [])


def test_a_second_suspend_of_the_same_owner_returns_the_hold_that_stands(world: World) -> None:
    one = holds.suspend(world.trader(), world.alpha.pk, Scope.SPORT, "football")
    assert holds.suspend(world.trader(), world.alpha.pk, Scope.SPORT, "football").id == one.id
    assert holds.suspend(world.trader(number=2), world.alpha.pk, Scope.SPORT, "football").id != one.id


def test_a7_a_shorter_suspend_never_shortens_a_longer_one(world: World) -> None:
    target = str(world.first.pk)
    long = holds.suspend(world.trader(), world.alpha.pk, Scope.SELECTION, target, seconds=600)
    assert holds.suspend(world.trader(), world.alpha.pk, Scope.SELECTION, target, seconds=5).ends_at == long.ends_at
    assert holds.suspend(world.trader(), world.alpha.pk, Scope.SELECTION, target).ends_at is None
    assert holds.suspend(world.trader(), world.alpha.pk, Scope.SELECTION, target, seconds=5).ends_at is None


def test_of_two_clicks_at_once_one_hold_is_made(committed: World) -> None:
    for scope, target in targets(committed):
        act = lambda s=scope, t=target: holds.suspend(committed.trader(), committed.alpha.pk, s, t).id  # noqa: E731
        first, second, third = at_once(act, act, act)
        assert first == second == third, (first, second, third)


def test_a7_a_trader_releases_only_ones_own_hold(world: World) -> None:
    theirs = holds.suspend(world.trader(number=2), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk))
    mine = holds.suspend(world.trader(), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk))
    done = holds.resume(world.trader(), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk))
    assert ([h.id for h in done.released], [(h.id, h.by) for h in done.remaining]) == ([mine.id], [(theirs.id, "Person 2")])


def test_p4_a_supervisor_releases_the_holds_of_others_too(world: World) -> None:
    holds.suspend(world.trader(number=2), world.alpha.pk, Scope.EVERYTHING, "")
    done = holds.resume(world.supervisor(), world.alpha.pk, Scope.EVERYTHING, "")
    assert (len(done.released), done.remaining) == (1, ())
    assert Hold.objects.get().released_by == "Person 90"


def test_p4_nobody_at_a_bookmaker_releases_what_staff_hold_for_all(world: World) -> None:
    held = holds.suspend(STAFF, None, Scope.FIXTURE, str(world.fixture.pk))
    assert held.bookmaker_id is None
    assert holds.resume(world.supervisor(), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk)).released == ()
    with pytest.raises(Forbidden):
        holds.resume(world.supervisor(), None, Scope.FIXTURE, str(world.fixture.pk))
    assert holds.resume(STAFF, None, Scope.FIXTURE, str(world.fixture.pk)).released[0].id == held.id


def test_c5_panic_is_a_hold_of_its_own_beside_others(world: World) -> None:
    plain = holds.suspend(world.trader(), world.alpha.pk, Scope.EVERYTHING, "")
    panic = holds.panic(world.trader(), world.alpha.pk)
    assert (panic.owner_kind, panic.scope, panic.id != plain.id) == (HoldOwner.PANIC, Scope.EVERYTHING, True)
    assert holds.panic(world.trader(), world.alpha.pk).id == panic.id
    done = holds.resume(world.trader(), world.alpha.pk, Scope.EVERYTHING, "")
    assert {h.id for h in done.released} == {plain.id, panic.id}
    with pytest.raises(Forbidden):
        holds.panic(world.supervisor(), None)
    assert holds.panic(STAFF, None).bookmaker_id is None


def test_c5_the_doorbell_rings_when_the_hold_is_committed(committed: World) -> None:
    def act() -> None:
        holds.suspend(committed.trader(), committed.alpha.pk, Scope.FIXTURE, str(committed.fixture.pk))
        holds.panic(committed.trader(), committed.alpha.pk)

    assert rings_of(act) == [f"f:{committed.fixture.pk}", f"b:{committed.alpha.pk}"]


def _where() -> dict[str, Any]:
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: connection.settings_dict[key] for name, key in names.items() if connection.settings_dict[key]}


def rings_of(act: Callable[[], None]) -> list[str]:
    """What a hub hears of ``act``: notifications of PostgreSQL, or this process's own."""
    if connection.vendor == "postgresql":
        with psycopg.connect(**_where(), autocommit=True) as ear:
            ear.execute("LISTEN desk")
            act()
            return [n.payload for n in ear.notifies(timeout=2, stop_after=2)]
    rung: list[frozenset[str]] = []
    stop = doorbell.listen(rung.append)
    act()
    stop()
    return [topic for topics in rung for topic in topics]


def test_p1_the_version_counts_at_selection_scope(world: World) -> None:
    target = str(world.first.pk)
    assert holds.suspend(world.trader(), world.alpha.pk, Scope.SELECTION, target, version=0).version == 1
    with pytest.raises(Conflict) as refused:
        holds.suspend(world.trader(number=2), world.alpha.pk, Scope.SELECTION, target, version=0)
    assert (refused.value.current["version"], refused.value.current["suspended"]) == (1, True)
    with pytest.raises(Conflict):
        holds.resume(world.trader(), world.alpha.pk, Scope.SELECTION, target, version=0)
    assert holds.resume(world.trader(), world.alpha.pk, Scope.SELECTION, target, version=1).version == 2
    assert SelectionBook.objects.get().version == 2


def test_p2_a_timed_hold_ends_by_itself_with_one_record(world: World) -> None:
    held = holds.suspend(world.trader(), world.alpha.pk, Scope.SELECTION, str(world.first.pk), seconds=1)
    assert held.ends_at is not None
    assert held.ends_at - held.since == timedelta(seconds=1)
    clock.sweep()
    assert Hold.objects.get().released_at is None
    time.sleep(1.02)
    clock.sweep()
    clock.sweep()
    row = Hold.objects.get()
    assert (row.released_at, row.released_by) == (held.ends_at, "clock")
    record = AuditRecord.objects.get(action="hold ended")
    assert (record.actor, record.at, record.selection_id) == ("clock", held.ends_at, world.first.pk)


def test_p4_a_viewer_suspends_nothing(world: World) -> None:
    with pytest.raises(Forbidden):
        holds.suspend(world.viewer(), world.alpha.pk, Scope.EVERYTHING, "")


def test_e1_foreign_and_unknown_targets_answer_alike(world: World) -> None:
    hidden = add_fixture(world.source, world.fixture.sport, "101", simulated=True)
    outsider = person(5, world.beta.pk, Role.SUPERVISOR)
    said = set()
    for bookmaker, scope, target in [
        (world.alpha.pk, Scope.EVERYTHING, ""),
        (uuid.uuid4(), Scope.EVERYTHING, ""),
        (world.beta.pk, Scope.FIXTURE, str(hidden.pk)),
        (world.beta.pk, Scope.FIXTURE, "999999"),
        (world.beta.pk, Scope.FIXTURE, "²"),
        (world.beta.pk, Scope.FIXTURE, "9" * 40),
        (world.beta.pk, Scope.SPORT, "chess"),
        (world.beta.pk, Scope.COMPETITION, f"{world.source.pk}:56"),
        (world.beta.pk, Scope.COMPETITION, "nonsense"),
    ]:
        with pytest.raises(NotFound) as refused:
            holds.suspend(outsider, bookmaker, scope, target)
        said.add(refused.value.words)
    assert said == {"not found"}
    assert not Hold.objects.exists()


def test_e1_a_hold_of_one_bookmaker_is_not_another_ones(world: World) -> None:
    holds.suspend(world.trader(), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk))
    done = holds.resume(world.supervisor(world.beta), world.beta.pk, Scope.FIXTURE, str(world.fixture.pk))
    assert (done.released, done.remaining) == ((), ())


@pytest.mark.parametrize("seconds", [0, -5, 86_401])
def test_it_refuses_a_duration_out_of_range(world: World, seconds: int) -> None:
    with pytest.raises(Refused):
        holds.suspend(world.trader(), world.alpha.pk, Scope.SPORT, "football", seconds=seconds)


def test_f3_neither_mode_keeps_a_nul(world: World) -> None:
    with pytest.raises(Refused) as refused:
        holds.panic(world.trader(), world.alpha.pk, reason="a\0b")
    assert list(refused.value.fields) == ["reason"]
    with pytest.raises(NotFound):
        holds.suspend(world.trader(), world.alpha.pk, Scope.SPORT, "foot\0ball")
