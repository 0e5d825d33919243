"""The page of bindings, and its two commands (T7, P4, C3)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from markets.domain.values import Role
from markets.models import Binding, Fixture, Sport
from markets.services import demo
from tests.desk.conftest import SignIn, person
from tests.feeds import points
from tests.services.test_bindings import tell
from tests.services.world import World
from tradingdesk.binding import bind_simulated


@pytest.fixture
def pair(world: World) -> tuple[Fixture, Fixture]:
    """A fixture and the match that it is, unbound."""
    world.alpha.sports.add(Sport.objects.get(slug="tennis"))
    umpire = points.feed()
    points.send(umpire, points.live_event())
    return tell(world.source, "71", "72"), points.fixture(umpire)


def test_a_trader_sees_the_proposal_and_confirms_it_by_one_button(desk: Client, pair: tuple[Fixture, Fixture]) -> None:
    fixture, match = pair
    page = desk.get("/bindings").content.decode()
    assert "Squire v Rodionov" in page
    assert points.EVENT in page
    form = {"fixture": fixture.pk, "points": match.pk, "team_a": "home", "why": "proposed", "idempotency_key": "k1"}
    for _ in range(2):  # a repeat with its key has no second effect
        answer = desk.post("/do/bind", form)
        assert answer.status_code == 200
    assert "follows the points of" in answer.content.decode()
    assert Binding.objects.count() == 1
    assert "HOLDS" in desk.get("/bindings/lists").content.decode()


def test_a_second_binding_is_refused_with_whose_it_is(desk: Client, pair: tuple[Fixture, Fixture]) -> None:
    fixture, match = pair
    form = {"fixture": fixture.pk, "points": match.pk, "team_a": "away"}
    assert desk.post("/do/bind", form).status_code == 200
    answer = desk.post("/do/bind", form)
    assert answer.status_code == 409
    assert "bound by alice" in answer.content.decode()


def test_p4_a_trader_may_not_unbind_and_a_supervisor_may(
    desk: Client, world: World, pair: tuple[Fixture, Fixture], sign_in: SignIn
) -> None:
    fixture, match = pair
    desk.post("/do/bind", {"fixture": fixture.pk, "points": match.pk, "team_a": "home"})
    assert desk.post("/do/unbind", {"fixture": fixture.pk}).status_code == 403
    assert "Unbind" not in desk.get("/bindings").content.decode()
    sue = sign_in(person("sue", Role.SUPERVISOR, world.alpha))
    assert "Unbind" in sue.get("/bindings").content.decode()
    refused = sue.post("/do/unbind", {"fixture": fixture.pk, "reason": " "})
    assert (refused.status_code, "say why it is no longer the same match" in refused.content.decode()) == (422, True)
    assert sue.post("/do/unbind", {"fixture": fixture.pk, "reason": "wrong match"}).status_code == 200
    assert Binding.objects.get().ended_at is not None


def test_e1_who_may_not_see_the_sport_sees_neither_side(bob: User, pair: tuple[Fixture, Fixture], sign_in: SignIn) -> None:
    fixture, match = pair
    client = sign_in(bob)
    page = client.get("/bindings").content.decode()
    assert "Rodionov" not in page
    assert points.EVENT not in page
    foreign = client.post("/do/bind", {"fixture": fixture.pk, "points": match.pk, "team_a": "home"})
    unknown = client.post("/do/bind", {"fixture": 10**9, "points": match.pk, "team_a": "home"})
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


@pytest.mark.parametrize("wrong", [{"team_a": "left"}, {"points": "x"}, {"fixture": ""}])
def test_a_wrong_field_is_refused_by_name(desk: Client, pair: tuple[Fixture, Fixture], wrong: dict[str, str]) -> None:
    fixture, match = pair
    answer = desk.post("/do/bind", {"fixture": fixture.pk, "points": match.pk, "team_a": "home", **wrong})
    assert answer.status_code == 422
    assert next(iter(wrong)).replace("_", " ") in answer.content.decode()


def test_the_page_of_a_match_is_that_of_its_fixture_or_of_bindings(desk: Client, pair: tuple[Fixture, Fixture]) -> None:
    fixture, match = pair
    assert desk.get(f"/fixture/{match.pk}").headers["Location"] == "/bindings"
    desk.post("/do/bind", {"fixture": fixture.pk, "points": match.pk, "team_a": "home"})
    assert desk.get(f"/fixture/{match.pk}").headers["Location"] == f"/fixture/{fixture.pk}"


def test_e1_a_match_does_not_exist_for_who_has_not_its_sport(desk: Client, world: World, pair: tuple[Fixture, Fixture]) -> None:
    world.alpha.sports.remove(Sport.objects.get(slug="tennis"))
    assert desk.get(f"/fixture/{pair[1].pk}").status_code == 404


def test_the_demonstration_binds_what_is_proposed_once_and_never_what_somebody_unbound(
    settings: Settings, pair: tuple[Fixture, Fixture], sign_in: SignIn
) -> None:
    settings.DESK_DEMO_SIGN_INS = True
    Fixture.objects.update(simulated=True)
    demo.ensure_demo()
    assert (bind_simulated(), bind_simulated()) == (1, 0)
    supervisor = sign_in(User.objects.get(username="demo-supervisor"))
    assert supervisor.post("/do/unbind", {"fixture": pair[0].pk, "reason": "another match"}).status_code == 200
    assert bind_simulated() == 0
    assert not Binding.objects.filter(ended_at=None).exists()
