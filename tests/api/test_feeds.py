"""The feeds' books by REST (promise B5): for staff and for keys with scope ops."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets.domain.values import Role
from tests.api.conftest import Shop, key_of, person

PATHS = ("/feeds/accounting", "/feeds/messages/wire/some-guid")
BOOKS = {"feed", "received", "applied", "superseded", "duplicate", "quarantined", "pending", "oldestPendingMs", "state", "reason"}


def test_b5_the_books_of_every_feed_balance(shop: Shop) -> None:
    books = key_of(shop.alpha.pk, "ops").get("/feeds/accounting").json()
    assert [entry["feed"] for entry in books] == ["wire"]
    entry = books[0]
    assert set(entry) == BOOKS
    assert entry["received"] == sum(entry[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending"))


def test_it_tells_nothing_of_a_message_that_never_came(shop: Shop) -> None:
    ops = key_of(shop.alpha.pk, "ops")
    assert ops.get("/feeds/messages/wire/some-guid").json() == []
    assert ops.get("/feeds/messages/nowhere/some-guid").json() == []
    assert ops.get("/feeds/messages/wire/a%00b").json() == []


@pytest.mark.parametrize("path", PATHS)
def test_it_is_for_operators_only(shop: Shop, path: str) -> None:
    assert shop.nobody.get(path).status_code == 401
    assert shop.owner.get(path).status_code == 403
    ann = Client()
    ann.force_login(person("ann", shop.alpha, Role.SUPERVISOR))
    assert ann.get(path).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_it_is_open_to_staff(shop: Shop, path: str) -> None:
    staff = Client()
    staff.force_login(User.objects.create_user("sam", is_staff=True))
    assert staff.get(path).status_code == 200
    assert staff.post(path).status_code == 405
