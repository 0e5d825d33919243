"""The store does not answer (promise F4): nothing is offered, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.api.conftest import HOME, Shop, key_of


@contextmanager
def store_down() -> Iterator[None]:
    def refuse(*_: Any) -> Any:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("tail", ["", "/football/matches", "/football/100"])
def test_f4_without_the_store_nothing_is_offered(shop: Shop, tail: str) -> None:
    shop.fixture()
    with store_down():
        answer = shop.owner.get(f"/bookmaker/{shop.alpha.pk}{tail}")
    assert (answer.status_code, answer["Retry-After"], answer.json()["error"]) == (503, "1", "store")


def test_f4_without_the_store_no_command_is_accepted(shop: Shop) -> None:
    shop.fixture()
    with store_down():
        answer = shop.owner.patch(shop.path("full-time"), {"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 60})
    assert answer.status_code == 503
    assert shop.match()["override"] == []


def test_f4_without_the_store_the_books_are_closed_and_the_desk_is_not_ready(shop: Shop) -> None:
    ops = key_of(shop.alpha.pk, "ops")
    with store_down():
        assert ops.get("/feeds/accounting").status_code == 503
        assert "the store does not answer" in ops.get("/readyz").json()["problems"]
        assert ops.get("/healthz").status_code == 200
