"""What a trader does to a match from its page: begin its stream anew, say how it ended (T2, T6; C3, E1, P4)."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets.domain import facts
from markets.domain.sports.tennis import Tennis
from markets.models import AuditRecord, Fixture, Gap, PointState, Sport
from markets.services import sources
from tests.desk.conftest import SignIn
from tests.feeds import points
from tests.services.test_bindings import tell
from tests.services.world import World


@pytest.fixture
def bound(world: World) -> tuple[Fixture, Fixture]:
    """A fixture and the match that it is bound to, twenty packets old."""
    world.alpha.sports.add(Sport.objects.get(slug="tennis"))
    umpire = points.feed()
    points.send(umpire, points.live_event(), event="")
    points.send(umpire, *points.match(most=20))
    fixture, match = tell(world.source, "71", "72"), points.fixture(umpire)
    points.bind(fixture, match)
    return fixture, match


def told(match: Fixture) -> Tennis:
    return facts.tennis_from(PointState.objects.get(fixture=match).state)


def holes(match: Fixture) -> None:
    sources.open_gap(match.source_id, "packets 21–4999 never came", fixture_ref=match.ref, sticky=True)


def test_t2_the_page_offers_it_where_the_stream_does_not_go_on_and_only_there(desk: Client, bound: tuple[Fixture, Fixture]) -> None:
    fixture, match = bound
    assert "Begin the stream anew" not in desk.get(f"/fixture/{fixture.pk}").content.decode()
    holes(match)
    page = desk.get(f"/fixture/{fixture.pk}").content.decode()
    assert "Begin the stream anew" in page
    assert "packets 21–4999 never came" in page
    assert "packets 21–4999 never came" in desk.get(f"/fixture/{fixture.pk}/anew").content.decode()


def test_t2_the_list_of_bindings_offers_it_where_numbers_went_back(desk: Client, bound: tuple[Fixture, Fixture]) -> None:
    _, match = bound
    assert "Begin the stream anew" not in desk.get("/bindings/lists").content.decode()
    state = told(match)
    back = {**json.loads(facts.encode(state)), "course": {**json.loads(facts.encode(state.course)), "back": 7}}
    PointState.objects.filter(fixture=match).update(state=back)
    page = desk.get("/bindings/lists").content.decode()
    assert "Begin the stream anew" in page
    assert "numbers went back: packet 7 came after packet 20" in page


def test_c3_it_is_begun_anew_once_whatever_is_sent_again(desk: Client, bound: tuple[Fixture, Fixture]) -> None:
    fixture, match = bound
    holes(match)
    form = {"fixture": fixture.pk, "reason": "wild number", "idempotency_key": "k1"}
    for _ in range(2):
        answer = desk.post("/do/anew", form)
        assert (answer.status_code, points.EVENT in answer.content.decode()) == (200, True)
    assert told(match).course.turn == 1
    assert [gap.cause for gap in Gap.objects.filter(fixture=match, closed_at=None)] == ["the stream was begun anew"]
    page = desk.get(f"/fixture/{fixture.pk}").content.decode()
    assert "Begin the stream anew" not in page
    assert "waiting for its replay" in page


def test_without_a_reason_nothing_is_begun_anew(desk: Client, bound: tuple[Fixture, Fixture]) -> None:
    answer = desk.post("/do/anew", {"fixture": bound[0].pk, "reason": " "})
    assert (answer.status_code, "say why" in answer.content.decode()) == (422, True)
    assert told(bound[1]).course.turn == 0


def test_t6_a_trader_ends_the_match_and_takes_it_back(desk: Client, bound: tuple[Fixture, Fixture]) -> None:
    fixture, match = bound
    assert "Set outcome" in desk.get(f"/fixture/{fixture.pk}").content.decode()
    assert "How did the match end?" in desk.get(f"/fixture/{fixture.pk}/outcome").content.decode()
    form = {"fixture": fixture.pk, "outcome": "retired", "winner": "away", "sets_home": "1", "sets_away": "0", "reason": "on court"}
    answer = desk.post("/do/outcome", form)
    assert answer.status_code == 200
    assert "won by retirement, 0–1 in sets, set by hand" in answer.content.decode()
    assert "/do/outcome/back" in answer.content.decode()
    page = desk.get(f"/fixture/{fixture.pk}").content.decode()
    assert "set by hand by alice" in page
    assert "Take the outcome back" in page
    assert "Set outcome" not in page
    assert desk.post("/do/outcome/back", {"fixture": fixture.pk}).status_code == 200
    assert told(match).hand is None
    assert set(AuditRecord.objects.filter(bookmaker__isnull=False).values_list("action", flat=True)) >= {
        "outcome set by hand",
        "outcome taken back",
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"outcome": "drawn"}, "outcome"),
        ({"winner": "nobody"}, "winner"),
        ({"outcome": "winner", "winner": ""}, "say who won"),
        ({"sets_home": "1"}, "both sides"),
        ({"sets_home": "x", "sets_away": "1"}, "sets home"),
        ({"fixture": "x"}, "fixture"),
    ],
)
def test_a_wrong_field_is_refused_in_words(desk: Client, bound: tuple[Fixture, Fixture], wrong: dict[str, str], words: str) -> None:
    answer = desk.post("/do/outcome", {"fixture": bound[0].pk, "outcome": "retired", "winner": "home", **wrong})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not told(bound[1]).ended


def test_p4_a_viewer_sees_no_button_and_may_do_neither(vera: User, bound: tuple[Fixture, Fixture], sign_in: SignIn) -> None:
    fixture, match = bound
    holes(match)
    client = sign_in(vera)
    page = client.get(f"/fixture/{fixture.pk}").content.decode()
    assert "packets 21–4999 never came" in page
    assert "data-trades" not in page  # without it a style hides every control: pieces are pushed alike to all of a bookmaker's people
    for button in ("begin-anew", "ask-outcome"):
        assert f'class="control" id="{button}"' in page
    for path, form in _commands(fixture):
        assert client.post(path, form).status_code == 403
    assert (told(match).course.turn, told(match).ended) == (0, False)


def test_e1_for_who_has_not_the_sport_there_is_no_such_fixture(bob: User, bound: tuple[Fixture, Fixture], sign_in: SignIn) -> None:
    client = sign_in(bob)
    for path, form in _commands(bound[0]):
        foreign, unknown = client.post(path, form), client.post(path, {**form, "fixture": 10**9})
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert client.get(f"/fixture/{bound[0].pk}/anew").status_code == 404
    assert client.get(f"/fixture/{bound[0].pk}/outcome").status_code == 404


def test_e1_who_set_an_outcome_is_for_the_people_of_that_bookmaker(
    desk: Client, bob: User, world: World, bound: tuple[Fixture, Fixture], sign_in: SignIn
) -> None:
    world.beta.sports.add(Sport.objects.get(slug="tennis"))
    desk.post("/do/outcome", {"fixture": bound[0].pk, "outcome": "abandoned"})
    client = sign_in(bob)
    page = client.get(f"/fixture/{bound[0].pk}").content.decode()
    assert "abandoned, set by hand" in page
    assert "alice" not in page
    assert client.post("/do/outcome/back", {"fixture": bound[0].pk}).status_code == 403


def test_the_page_of_a_match_that_was_never_connected_is_shown(desk: Client, bound: tuple[Fixture, Fixture]) -> None:
    page = desk.get(f"/fixture/{bound[0].pk}")
    assert (page.status_code, "never" in page.content.decode()) == (200, True)


def _commands(fixture: Fixture) -> list[tuple[str, dict[str, object]]]:
    return [
        ("/do/anew", {"fixture": fixture.pk, "reason": "x"}),
        ("/do/outcome", {"fixture": fixture.pk, "outcome": "abandoned"}),
        ("/do/outcome/back", {"fixture": fixture.pk}),
    ]
