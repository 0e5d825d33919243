"""What a bookmaker's REST costs: queries, and time beside an answer that asks no store.

In this process, through every middleware. The floor of the list is the very same rows kept in memory and answered by the same door: HTTP,
middlewares and encoding without key, sport and store. Works taken in turns, so that a slow spell hits all alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from bench.figure import Figure, interleaved

MATCHES = 2_000
MARKETS, OUTCOMES = 100, 3
ROUNDS = 40


def figures() -> list[Figure]:
    from django.db import transaction
    from django.test import Client

    with transaction.atomic():
        shop = _Shop()
    client = Client(headers={"Authorization": f"Bearer {shop.key}", "Host": "localhost"})
    return [*_of_list(client, shop), *_of_odds(client, shop)]


def _of_list(client: Any, shop: _Shop) -> list[Figure]:
    path = f"{shop.path}/matches"
    rows = _answered(client, path)
    assert len(rows.json()) == 100
    from_memory = _from_memory(client, shop)
    took, floor = interleaved(ROUNDS, lambda: client.get(path), from_memory)
    name = f"page of 100 of {MATCHES} matches"
    return [
        Figure(f"{name}: queries", _queries(client, path), "queries", "≤ 4"),
        Figure(name, took * 1000, "ms", "≤ 6", floor * 1000, "the same rows from memory"),
    ]


def _of_odds(client: Any, shop: _Shop) -> list[Figure]:
    path = f"{shop.path}/{shop.full}"
    first = _answered(client, path)
    assert sum(len(market) for market in first.json()["odds"]["fullTime"].values()) == MARKETS * OUTCOMES
    tag = {"If-None-Match": first["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    took, renewed = interleaved(ROUNDS, lambda: client.get(path), lambda: client.get(path, headers=tag))
    name = f"odds of {MARKETS} × {OUTCOMES} prices"
    return [
        Figure(f"{name}: queries", _queries(client, path), "queries", "≤ 5"),
        Figure(name, took * 1000, "ms", "≤ 100"),
        Figure(f"{name}, renewed by 304: queries", _queries(client, path, tag), "queries", "≤ 5"),
        Figure(f"{name}, renewed by 304", renewed * 1000, "ms", "≤ 1.2", took * 1000, "the whole answer"),
    ]


def _answered(client: Any, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer


def _queries(client: Any, path: str, headers: dict[str, str] | None = None) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        client.get(path, headers=headers)
    return sum(query["sql"].lstrip().startswith("SELECT") for query in asked)  # not the words around a snapshot


def _from_memory(client: Any, shop: _Shop) -> Callable[[], object]:
    """The rows of the page, answered by a view that knows them."""
    import types

    from django.http import HttpRequest, HttpResponse
    from django.test import override_settings
    from django.urls import path

    from markets import http
    from markets.selectors import matches

    rows = matches.page(shop.bookmaker, "football", matches.Filters())
    urls = types.ModuleType("bench.rest_urls")

    def answered(request: HttpRequest) -> HttpResponse:
        return http.answer(request, rows)

    urls.urlpatterns = [path("from-memory", answered)]  # type: ignore[attr-defined]

    def ask() -> None:
        with override_settings(ROOT_URLCONF=urls):
            assert client.get("/from-memory").status_code == 200

    return ask


class _Shop:
    """A bookmaker with a key, many matches, and one match with many prices; their feed was heard just now."""

    def __init__(self) -> None:
        from markets import db
        from markets.models import Source, SourceLiveness
        from markets.selectors import health
        from markets.services import bookmakers
        from markets.services.actor import of_command

        health.register_backlog_reader(lambda _: {})
        self.source = Source.objects.create(slug="bench", provider="updategram", name="Bench")
        SourceLiveness.objects.create(source=self.source, heard_at=db.now())
        made = bookmakers.create(of_command(), "Bench", ["football"])
        bookmakers.update(of_command(), made.pk, requests_per_second=10_000)
        self.bookmaker = made.pk
        self.key = bookmakers.create_key(of_command(), made.pk)[1]
        self.path = f"/bookmaker/{made.pk}/football"
        self._frames = itertools.count(1)
        self.full = self._stock()

    def _stock(self) -> int:
        """The match with all the prices; the others are copies of its row."""
        from markets.models import Fixture
        from tests.domain import says

        prices = [says.selection(str(n), f"{2 + n / 10:.2f}") for n in range(OUTCOMES)]
        full = self._say(
            says.details(), *(says.market(str(n), *prices, type_id=str(9000 + n), type_name=f"Type {n}") for n in range(MARKETS))
        )
        columns = Fixture.objects.values().get(pk=full.pk)
        copies = ({**columns, "id": full.pk + n, "ref": f"b{n}", "match_id": 1000 + n} for n in range(1, MATCHES))
        Fixture.objects.bulk_create([Fixture(**copy) for copy in copies], batch_size=500)
        return int(full.match_id or 0)

    def _say(self, *parts: Any) -> Any:
        from markets import db
        from markets.models import Fixture
        from markets.services import ingest
        from tests.domain import says

        ingest.apply(self.source, [ingest.Incoming(says.message(*parts, fixture="100"), db.now(), next(self._frames))])
        return Fixture.objects.get(source=self.source, ref="100")
