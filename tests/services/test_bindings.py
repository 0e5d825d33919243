"""A person binds a fixture to a match; ids hold the binding and break it (T7, P4, E1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from msgspec import Struct

from feeds import accounting  # noqa: F401 - the inbox hands in who knows what is pending
from markets import db
from markets.domain.messages import Competitor, FixtureDetails, Message, Ref
from markets.domain.values import FixtureStatus, Role
from markets.models import AuditRecord, Binding, Bookmaker, Fixture, Source, Sport
from markets.selectors import bindings as selector
from markets.selectors import offer
from markets.services import bindings, ingest
from markets.services.errors import Conflict, Forbidden, NotFound, Refused
from tests.feeds import points
from tests.services.world import add_bookmaker, person

pytestmark = pytest.mark.django_db


class Town(Struct):
    wire: Source
    umpire: Source
    fixture: Fixture
    match: Fixture
    alpha: Bookmaker

    def trader(self) -> Any:
        return person(1, self.alpha.pk, Role.TRADER)

    def supervisor(self) -> Any:
        return person(2, self.alpha.pk, Role.SUPERVISOR)


def tell(source: Source, home: str, away: str, name: str = "Ann Squire", ref: str = "500") -> Fixture:
    """The fixture's own message, with these competitor ids."""
    people = (Competitor(home, name, home_away="Home"), Competitor(away, "Ann Rodionov", home_away="Away"))
    said = FixtureDetails(
        "Squire v Rodionov", "Match", FixtureStatus.SCHEDULED, "Scheduled", db.now(), Ref("24", "Tennis"), competitors=people
    )
    with transaction.atomic():
        ingest.apply(source, [ingest.Incoming(Message(f"{home}-{away}-{name}", ref, (said,)), db.now(), 0)])
    return Fixture.objects.get(source=source, ref=ref)


@pytest.fixture
def town() -> Town:
    tennis = Sport.objects.get(slug="tennis")
    wire = Source.objects.create(slug="wire", provider="updategram", name="Wire", created_at=db.now())
    umpire = points.feed()
    points.send(umpire, points.live_event())
    return Town(wire, umpire, tell(wire, "71", "72"), points.fixture(umpire), add_bookmaker("Alpha", tennis))


def bind(town: Town) -> Binding:
    return bindings.bind(town.trader(), town.alpha.pk, town.fixture.pk, town.match.pk, team_a_home=True, why="proposed 0.9")


def revision(town: Town) -> int:
    return offer.offers(town.alpha.pk, [town.fixture.pk])[town.fixture.pk].revision


def test_t7_the_system_proposes_and_a_trader_confirms_by_ids(town: Town) -> None:
    (row,) = selector.listing(town.alpha.pk).fixtures
    assert row.match is not None
    assert row.proposal is not None
    assert (row.id, row.match.id, row.proposal.team_a_home) == (town.fixture.pk, town.match.pk, True)
    made = bind(town)
    assert (made.home_refs, made.away_refs, made.team_a_refs, made.team_b_refs) == (["71"], ["72"], ["S0AK"], ["R09X"])
    listing = selector.listing(town.alpha.pk)
    assert (listing.fixtures, listing.matches, [b.fixture_id for b in listing.bound]) == ((), (), [town.fixture.pk])
    record = AuditRecord.objects.get(action="match bound")
    assert (record.actor, record.fixture_id) == ("user:1", town.fixture.pk)


def test_t7_an_id_that_changes_on_either_side_breaks_it_and_a_name_never(town: Town) -> None:
    bind(town)
    tell(town.wire, "71", "72", "Ann Married-Name")
    assert Binding.objects.get().broken_at is None
    tell(town.wire, "71", "99")
    broken = Binding.objects.get()
    assert "the fixture's competitors" in broken.broken_cause
    assert AuditRecord.objects.filter(action="binding broken", actor="feed:wire", fixture_id=town.fixture.pk).count() == 1


def test_t7_another_player_in_the_match_breaks_it(town: Town) -> None:
    bind(town)
    points.send(town.umpire, points.live_event(b="Q555"))
    assert "the match's players" in Binding.objects.get().broken_cause


def test_p4_traders_bind_supervisors_unbind_and_viewers_do_neither(town: Town) -> None:
    viewer = person(3, town.alpha.pk, Role.VIEWER)
    with pytest.raises(Forbidden):
        bindings.bind(viewer, town.alpha.pk, town.fixture.pk, town.match.pk, team_a_home=True)
    bind(town)
    with pytest.raises(Forbidden):
        bindings.unbind(town.trader(), town.alpha.pk, town.fixture.pk, "wrong match")
    bindings.unbind(town.supervisor(), town.alpha.pk, town.fixture.pk, "wrong match")
    assert Binding.objects.get().ended_by == "Person 2"
    assert AuditRecord.objects.get(action="match unbound").reason == "wrong match"
    bind(town)


@pytest.mark.parametrize("reason", ["", "  ", "a\0b"])
def test_nobody_unbinds_without_saying_why(town: Town, reason: str) -> None:
    bind(town)
    with pytest.raises(Refused) as refused:
        bindings.unbind(town.supervisor(), town.alpha.pk, town.fixture.pk, reason)
    assert refused.value.fields.keys() == {"reason"}
    assert Binding.objects.get().ended_at is None


def test_of_two_who_bind_the_later_is_told_by_whom(town: Town) -> None:
    bind(town)
    with pytest.raises(Conflict, match="by Person 1 already"):
        bind(town)


def test_e1_a_fixture_of_another_sport_s_bookmaker_does_not_exist(town: Town) -> None:
    beta = add_bookmaker("Beta")
    with pytest.raises(NotFound):
        bindings.bind(person(5, beta.pk, Role.TRADER), beta.pk, town.fixture.pk, town.match.pk, team_a_home=True)


def test_e1_who_bound_and_why_is_told_to_the_people_of_the_same_bookmaker_only(town: Town) -> None:
    bind(town)
    gamma = add_bookmaker("Gamma", Sport.objects.get(slug="tennis"))
    (own,), (foreign,) = selector.listing(town.alpha.pk).bound, selector.listing(gamma.pk).bound
    assert (own.by, own.why) == ("Person 1", "proposed 0.9")
    assert (foreign.fixture_id, foreign.by, foreign.why) == (town.fixture.pk, "", "")
    with pytest.raises(Conflict) as refused:
        bindings.bind(person(7, gamma.pk, Role.TRADER), gamma.pk, town.fixture.pk, town.match.pk, team_a_home=True)
    assert "Person 1" not in f"{refused.value.words} {refused.value.current}"
    bindings.unbind(town.supervisor(), town.alpha.pk, town.fixture.pk, "wrong match")
    records = AuditRecord.objects.filter(action__in=("match bound", "match unbound"))
    assert {record.bookmaker_id for record in records} == {town.alpha.pk}


def test_what_is_no_match_or_has_no_known_players_is_refused(town: Town) -> None:
    with pytest.raises(NotFound):
        bindings.bind(town.trader(), town.alpha.pk, town.fixture.pk, town.fixture.pk, team_a_home=True)
    Fixture.objects.filter(pk=town.match.pk).update(details=None)
    with pytest.raises(Refused, match="not known"):
        bind(town)


def test_d1_the_served_revision_never_goes_down_by_binding_or_unbinding(town: Town) -> None:
    points.send(town.umpire, *points.match(most=6))
    seen = [revision(town)]
    for _ in range(2):
        bind_again = bindings.bind(town.trader(), town.alpha.pk, town.fixture.pk, town.match.pk, team_a_home=True)
        assert bind_again.ended_at is None
        seen.append(revision(town))
        bindings.unbind(town.supervisor(), town.alpha.pk, town.fixture.pk, "wrong match")
        seen.append(revision(town))
    assert seen == sorted(set(seen))
