"""A store that does not answer, as a browser, a part of a page and a machine are told (promise F4)."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client, RequestFactory

from tradingdesk.store_down import StoreDown


@pytest.fixture
def gone() -> StoreDown:
    return StoreDown(lambda request: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("problem", [OperationalError("server closed the connection"), InterfaceError("connection already closed")])
def test_f4_it_is_told_in_words(gone: StoreDown, problem: Exception) -> None:
    ask = RequestFactory()
    for asked, kind in (
        (ask.get("/", headers={"Accept": "text/html"}), "text/html"),
        (ask.get("/feeds/cards", headers={"HX-Request": "true"}), "text/plain"),
        (ask.get("/", headers={"Accept": "*/*"}), "application/json"),
    ):
        told = gone.process_exception(asked, problem)
        assert told is not None
        assert (told.status_code, told["Retry-After"]) == (503, "1")
        assert told["Content-Type"].startswith(kind)
        assert "the store does not answer" in told.content.decode().lower()


def test_what_is_no_fault_of_the_store_is_not_called_one(gone: StoreDown) -> None:
    assert gone.process_exception(RequestFactory().get("/"), ValueError("ours")) is None


def test_f4_a_page_whose_store_is_gone_is_503(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    def refuse(*_: object) -> None:
        raise OperationalError("the connection is closed")

    with connection.execute_wrapper(refuse):
        told = client.get("/sign-in", headers={"Accept": "text/html"})
        told = client.post("/sign-in", {"username": "ann", "password": "x"}, headers={"Accept": "text/html"})
    assert told.status_code == 503
