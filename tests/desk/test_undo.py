"""Undo takes back what a command did, and no more."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.test import Client

from markets import db
from markets.domain.values import Role
from markets.models import Hold, Override
from tests.desk.conftest import SignIn, person
from tests.services.world import World


def send(client: Client, url: str, **values: object) -> dict[str, Any] | None:
    """The reverse that the answer offers."""
    answer = client.post(url, values | {"idempotency_key": uuid4().hex})
    said = answer.content.decode()
    assert answer.status_code == 200, said
    found = re.search(r'data-undo="([^"]*)"', said)
    return json.loads(html.unescape(found[1])) if found else None


def undo(client: Client, reverse: dict[str, Any] | None) -> None:
    assert reverse is not None
    values = dict(reverse["values"])
    if until := values.pop("until", None):
        values["seconds"] = int(until / 1000 - db.now().timestamp())
    assert send(client, reverse["url"], **values, undone="1") is None, "an undo offers no undo"


def holders() -> set[str]:
    return set(Hold.objects.filter(released_at=None).values_list("by", flat=True))


def in_effect() -> Override | None:
    return Override.objects.filter(ended_at=None).first()


def test_a_supervisors_undo_leaves_what_a_trader_holds_there(desk: Client, world: World, sign_in: SignIn) -> None:
    boss = sign_in(person("boss", Role.SUPERVISOR, world.alpha))
    send(desk, "/do/suspend", scope="fixture", target=world.fixture.pk)
    reverse = send(boss, "/do/suspend", scope="fixture", target=world.fixture.pk)
    assert holders() == {"alice", "boss"}
    undo(boss, reverse)
    assert holders() == {"alice"}


def test_a_suspension_that_stood_already_offers_no_undo(desk: Client, world: World) -> None:
    send(desk, "/do/suspend", scope="market", target=world.market.pk)
    assert send(desk, "/do/suspend", scope="market", target=world.market.pk) is None


def test_the_stop_button_offers_no_undo(desk: Client) -> None:
    assert send(desk, "/do/panic") is None


def test_a_resumption_undone_suspends_until_the_end_that_it_had(desk: Client, world: World) -> None:
    send(desk, "/do/suspend", scope="fixture", target=world.fixture.pk, seconds=600, reason="team news")
    undo(desk, send(desk, "/do/resume", scope="fixture", target=world.fixture.pk))
    again = Hold.objects.get(released_at=None)
    first = Hold.objects.exclude(pk=again.pk).get()
    assert again.ends_at is not None
    assert first.ends_at is not None
    assert timedelta(0) <= first.ends_at - again.ends_at < timedelta(seconds=2)
    assert again.reason == "team news"


def test_an_override_undone_brings_back_the_one_before_it(desk: Client, world: World) -> None:
    send(desk, "/do/override", selection=world.first.pk, value="2.04", seconds=900, kind="price", through_points="on", reason="injury")
    before = in_effect()
    undo(desk, send(desk, "/do/override", selection=world.first.pk, value="2.08", seconds=60, kind="price"))
    back = in_effect()
    assert before is not None
    assert back is not None
    assert (back.value, back.through_points, back.reason) == (before.value, True, "injury")
    assert timedelta(0) <= before.ends_at - back.ends_at < timedelta(seconds=2)


def test_an_undo_that_comes_after_a_colleagues_change_is_refused(desk: Client, bob: User, world: World, sign_in: SignIn) -> None:
    maria = sign_in(person("maria", Role.TRADER, world.alpha))
    reverse = send(desk, "/do/override", selection=world.first.pk, value="2.04", seconds=900, kind="price")
    version = reverse["values"]["version"] if reverse else 0
    send(maria, "/do/override", selection=world.first.pk, value="2.06", seconds=900, kind="price", version=version)
    answer = desk.post("/do/override/cancel", reverse["values"] if reverse else {})
    assert answer.status_code == 409
    now = in_effect()
    assert now is not None
    assert now.by == "maria"


def test_odds_are_a_preference_of_the_person(desk: Client, bob: User, sign_in: SignIn) -> None:
    assert 'data-odds="decimal"' in desk.get("/account").content.decode()
    desk.post("/account/odds", {"odds": "american"})
    assert 'data-odds="american"' in desk.get("/").content.decode()
    desk.post("/account/odds", {"odds": "roman"})
    assert 'data-odds="american"' in desk.get("/").content.decode()
    assert 'data-odds="decimal"' in sign_in(bob).get("/").content.decode()
