"""Who may listen, and for how long (promises E1, E2, E5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from pytest_django.fixtures import Settings

from markets.domain.values import OverrideKind, Role
from markets.live.frames import Pong
from markets.models import Member
from markets.selectors import seat
from markets.services import overrides
from markets.services.actor import Actor
from markets.sessions import SessionStore
from tests.live.conftest import Scene
from tests.live.listening import Ear, bookmaker, signed_in, until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])


def refused(ear: Ear) -> int | None:
    ear.wait(lambda e: e.code)
    assert ear.frames == []
    return ear.code


def test_e2_strangers_are_sent_to_sign_in(scene: Scene) -> None:
    assert refused(scene.ear(session="")) == 4401
    assert refused(scene.ear(session="no-such-session")) == 4401


def test_e1_foreign_and_unknown_fixtures_answer_alike(scene: Scene) -> None:
    tennis = bookmaker("Beta", "tennis")
    session = signed_in("bob", tennis)
    assert refused(scene.ear(scene.page, session)) == refused(scene.ear("fixture/999999", session)) == 4403
    board = scene.ear(session=session).ready()
    assert board.fixtures == {}


def test_e1_nothing_of_another_bookmaker_is_heard(scene: Scene) -> None:
    beta = bookmaker("Beta")
    theirs = scene.ear(session=signed_in("bob", beta)).ready()
    before = len(theirs.frames)
    ann = Actor(id="user:1", name="Ann", user_id=1, roles={scene.alpha.pk: Role.TRADER})
    kind, value = OverrideKind.PRICE, Decimal("2.05")
    overrides.set_override(ann, scene.alpha.pk, scene.selections[0], kind=kind, value=value, seconds=60, reason="test")
    mine = scene.ear().ready()
    assert mine.prices[scene.selections[0]].state == "override"
    time.sleep(1.2)
    assert theirs.prices[scene.selections[0]].override is None
    assert all(f.__class__.__name__ == "Beat" for _, f in theirs.frames[before:])


def test_e1_a_person_of_no_bookmaker_hears_nothing(scene: Scene) -> None:
    assert refused(scene.ear(session=signed_in("nobody", None))) == 4403


def test_e5_a_foreign_origin_is_not_let_in(scene: Scene) -> None:
    ear = Ear(scene.server, "board", scene.session, origin="https://evil.example")
    assert ear.code == 403


def log_out(scene: Scene) -> None:
    SessionStore(scene.session).delete()


def disable(scene: Scene) -> None:
    get_user_model().objects.filter(username="ann").update(is_active=False)


def change_password(scene: Scene) -> None:
    ann = get_user_model().objects.get(username="ann")
    ann.set_password("another password")
    ann.save()


def change_role(scene: Scene) -> None:
    Member.objects.filter(user__username="ann").update(role=Role.VIEWER.value)


def leave(scene: Scene) -> None:
    Member.objects.filter(user__username="ann").delete()


def choose_another(scene: Scene) -> None:
    beta = bookmaker("Beta")
    Member.objects.create(user=get_user_model().objects.get(username="ann"), bookmaker=beta, role=Role.TRADER.value)
    session = SessionStore(scene.session)
    session[seat.SESSION_KEY] = str(beta.pk)
    session.save()


@pytest.mark.parametrize(
    ("happens", "code"),
    [(log_out, 4401), (disable, 4401), (change_password, 4401), (change_role, 4403), (leave, 4403), (choose_another, 4403)],
)
def test_e2_open_sockets_end_within_five_seconds(scene: Scene, happens: Callable[[Scene], None], code: int) -> None:
    ears = [scene.ear().ready(), scene.ear(scene.page).ready()]
    start = time.monotonic()
    happens(scene)
    for ear in ears:
        ear.wait(lambda e: e.code, 5)
        assert ear.code == code
        assert ear.closed_at - start < 5
        assert max(at for at, _ in ear.frames) - start < 5


def test_the_pill_gets_its_answer_and_a_flood_gets_none(scene: Scene) -> None:
    ear = scene.ear().ready()
    ear.say('{"ping": 12.5}')
    ear.wait(lambda e: any(isinstance(f, Pong) and f.ping == 12.5 for _, f in e.frames))
    for _ in range(200):
        ear.say('{"ping": 1}')
    ear.say("x" * 5000)
    ear.say('{"set_override": 1}')
    time.sleep(0.5)
    assert sum(isinstance(f, Pong) for _, f in ear.frames) <= 10
    assert ear.code is None


def test_one_person_has_a_bounded_number_of_sockets(scene: Scene, settings: Settings) -> None:
    settings.DESK_SOCKETS_EACH = 2
    first = [scene.ear().ready() for _ in range(2)]
    assert refused(scene.ear()) == 4408
    first[0].close()
    until(lambda: is_let_in(scene), 5)


def is_let_in(scene: Scene) -> bool:
    ear = scene.ear()
    ear.wait(lambda e: e.frames or e.code)
    return bool(ear.frames)
