"""What a person keeps for himself: views of the board, and where the single keys are (E1)."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets.desk.shortcuts import SHORTCUTS
from markets.domain.preferences import MOST_VIEWS
from markets.models import Preference
from tests.desk.conftest import SignIn

pytestmark = pytest.mark.usefixtures("world")
OWN = {shortcut.action: shortcut.key for shortcut in SHORTCUTS}


def views(client: Client) -> list[str]:
    return re.findall(r"<button[^>]*data-view=[^>]*>([^<]*)<", client.get("/").content.decode())


def keep(client: Client, name: str, **also: str) -> int:
    return client.post("/board/views/keep", {"name": name, "tab": "soon", "words": "cup", **also}).status_code


def keys(client: Client) -> dict[str, str]:
    """Action → key, as the pages are told."""
    (told,) = re.findall(r'data-keys="([^"]*)"', client.get("/").content.decode())
    return {pair[1:]: pair[0] for pair in told.split()}


def test_a_view_is_kept_shown_replaced_by_its_name_and_forgotten(desk: Client) -> None:
    assert views(desk) == []
    assert keep(desk, "Cups", sort="name", down="1") == 200
    page = desk.get("/").content.decode()
    assert 'data-view="soon" data-words="cup" data-sort="name" data-down="1">Cups<' in page
    assert "Soon, “cup”" in page
    keep(desk, "Other")
    keep(desk, "Cups", words="league")
    assert views(desk) == ["Cups", "Other"]
    assert 'data-words="league"' in desk.get("/").content.decode()
    desk.post("/board/views/forget", {"name": "Cups"})
    assert views(desk) == ["Other"]


def test_views_and_keys_are_those_of_the_person_alone(desk: Client, bob: User, vera: User, sign_in: SignIn) -> None:
    keep(desk, "Mine")
    desk.post("/account/keys", OWN | {"suspend": "q"})
    for other in (bob, vera):
        client = sign_in(other)
        client.post("/board/views/forget", {"name": "Mine"})
        assert (views(client), keys(client)["suspend"]) == ([], "s")
    assert (views(desk), keys(desk)["suspend"]) == (["Mine"], "q")


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "x" * 31}, {"tab": "all"}, {"sort": "price"}, {"words": "x" * 101}])
def test_a_view_that_the_board_does_not_have_is_refused_in_words(desk: Client, wrong: dict[str, str]) -> None:
    answer = desk.post("/board/views/keep", {"name": "a", "tab": "live"} | wrong)
    assert (answer.status_code, 'class="said bad"' in answer.content.decode()) == (422, True)
    assert views(desk) == []


def test_there_are_no_more_views_than_a_dialog_shows(desk: Client) -> None:
    assert [keep(desk, f"View {n}") for n in range(MOST_VIEWS + 1)] == [*[200] * MOST_VIEWS, 422]
    assert keep(desk, "View 0", words="again") == 200, "one in the place of another is not one more"


def test_words_of_a_view_are_never_markup(desk: Client) -> None:
    keep(desk, '<b onclick="x">', words='"><script>')
    assert "<script>" not in desk.get("/").content.decode().partition('id="views-list"')[2]
    assert "<b onclick" not in desk.get("/").content.decode()


def test_a_key_is_put_elsewhere_switched_off_and_put_back(desk: Client) -> None:
    assert keys(desk) == OWN
    assert desk.post("/account/keys", OWN | {"suspend": "q", "resume": "", "undo": "s"}).status_code == 302
    assert keys(desk) == {action: key for action, key in (OWN | {"suspend": "q", "undo": "s"}).items() if action != "resume"}
    assert Preference.objects.get().keys == {"suspend": "q", "resume": "", "undo": "s"}, "the others stay the desk's own"
    assert '<kbd data-key="suspend">Q</kbd>' in desk.get("/").content.decode()
    desk.post("/account/keys", {"reset": "1"})
    assert keys(desk) == OWN


@pytest.mark.parametrize(("wrong", "words"), [({"undo": "s"}, "s is taken: suspend"), ({"undo": "ab"}, "at most 1 character")])
def test_a_key_that_does_two_things_or_is_none_is_refused(desk: Client, wrong: dict[str, str], words: str) -> None:
    answer = desk.post("/account/keys", OWN | wrong).content.decode()
    assert words in answer
    assert keys(desk) == OWN
