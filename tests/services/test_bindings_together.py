"""Messages of either side of a binding, and people who bind and unbind, at once: the second waits, and nobody waits in a ring (T7)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from feeds import accounting  # noqa: F401 - the inbox hands in who knows what is pending
from feeds.tennis import mapping
from markets import db
from markets.models import Binding, Fixture, Source, Sport
from markets.services import bindings, factstore, ingest
from markets.services.errors import Conflict
from tests.feeds import points
from tests.processes import until
from tests.services.test_bindings import Town, bind, tell
from tests.services.world import add_bookmaker

pytestmark = [pytest.mark.scaled, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def town() -> Town:
    """Bound; the fixture's row is the older one."""
    wire = Source.objects.create(slug="wire", provider="updategram", name="Wire", created_at=db.now())
    fixture = tell(wire, "71", "72")
    umpire = points.feed()
    points.send(umpire, points.live_event())
    made = Town(wire, umpire, fixture, points.fixture(umpire), add_bookmaker("Alpha", Sport.objects.get(slug="tennis")))
    bind(made)
    return made


def while_held(held: Fixture, theirs: Callable[[], Any], ours: Callable[[], Any]) -> None:
    """A message has locked ``held``; ``theirs`` on another connection comes to wait for something; then ``ours`` goes on and commits."""
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            factstore.lock(held.source_id, {held.ref}, held.simulated, db.now())
            done = other.submit(_apart, theirs)
            until(_somebody_waits)
            ours()
        done.result(30)


def _apart(action: Callable[[], Any]) -> None:
    try:
        action()
    finally:
        connections.close_all()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def other_players(town: Town) -> None:
    message = mapping.parse(points.live_event(b="X0ZZ"), points.EVENT)
    with transaction.atomic():
        ingest.apply(town.umpire, [ingest.Incoming(message, db.now(), 0)])


def other_competitors(town: Town) -> None:
    tell(town.wire, "71", "99")


def broken_once() -> bool:
    return Binding.objects.get().broken_at is not None


def test_the_match_names_others_while_somebody_binds_anew(town: Town) -> None:
    def refused() -> None:
        with pytest.raises(Conflict):
            bind(town)

    while_held(town.match, refused, lambda: other_players(town))
    assert broken_once()


def test_the_match_names_others_while_a_supervisor_unbinds(town: Town) -> None:
    def unbind() -> None:
        bindings.unbind(town.supervisor(), town.alpha.pk, town.fixture.pk, "wrong match")

    while_held(town.match, unbind, lambda: other_players(town))
    binding = Binding.objects.get()
    assert (binding.broken_at is None, binding.ended_by) == (False, town.supervisor().name)


def test_both_sides_name_others_at_once(town: Town) -> None:
    while_held(town.fixture, lambda: other_players(town), lambda: other_competitors(town))
    assert broken_once()


def test_the_fixture_names_others_while_a_supervisor_unbinds(town: Town) -> None:
    def unbind() -> None:
        bindings.unbind(town.supervisor(), town.alpha.pk, town.fixture.pk, "wrong match")

    while_held(town.fixture, unbind, lambda: other_competitors(town))
    assert Binding.objects.get().ended_at is not None
