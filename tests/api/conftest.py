"""A shop with two bookmakers and three personas: the owner, the other bookmaker, and nobody. Facts come in as messages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from markets import db
from markets.domain import messages as m
from markets.domain.values import Role
from markets.models import Bookmaker, Fixture, Market, Selection, Source, SourceLiveness
from markets.selectors import health
from markets.services import bookmakers, ingest
from markets.services.actor import of_command
from markets.services.factstore import CACHE
from tests.api.served import Desk
from tests.domain import says
from tests.promises.town import Prepared, opened

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

HOME, AWAY = "match-result#runner-1", "match-result#runner-2"
_frames = itertools.count(1)


@dataclass
class Caller:
    """Somebody with a key, or without."""

    token: str = ""
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> Answer:
        return self.client.get(path, headers=self._headers(headers))

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self.client.patch(path, body, content_type="application/json", headers=self._headers(headers))

    def delete(self, path: str, **headers: str) -> Answer:
        return self.client.delete(path, headers=self._headers(headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {self.token}", **named} if self.token else named


@dataclass
class Shop:
    source: Source
    alpha: Bookmaker
    beta: Bookmaker
    owner: Caller
    other: Caller
    nobody: Caller

    def says(self, *parts: Any, fixture: str = "100") -> Fixture:
        """Apply one message as if it had been kept just now."""
        with transaction.atomic():
            ingest.apply(self.source, [ingest.Incoming(says.message(*parts, fixture=fixture), db.now(), next(_frames))])
        return Fixture.objects.get(source=self.source, ref=fixture)

    def fixture(self, ref: str = "100", *markets: m.Market, name: str = "Ajax v PSV", sport: str = "10") -> Fixture:
        """A fixture with markets, one of two prices unless said otherwise."""
        return self.says(says.details(name=name, sport=sport), *(markets or (says.market(),)), fixture=ref)

    def silence(self, seconds: float) -> None:
        """Nothing was heard of the feed for so long."""
        SourceLiveness.objects.filter(source=self.source).update(heard_at=db.now() - timedelta(seconds=seconds))

    def path(self, *rest: str, of: Bookmaker | None = None, sport: str = "football", match: str | int = 100) -> str:
        return "/".join(["", "bookmaker", str((of or self.alpha).pk), sport, str(match), *rest])

    def match(self, **more: Any) -> dict[str, Any]:
        """The owner's view of the match."""
        found: dict[str, Any] = self.owner.get(self.path(**more)).json()
        return found

    def price(self, odd_key: str = HOME, group: str = "fullTime") -> dict[str, Any]:
        market, outcome = odd_key.split("#")
        found: dict[str, Any] = self.match()["odds"][group][market][outcome]
        return found

    def selection(self, odd_key: str = HOME) -> Selection:
        market, outcome = odd_key.split("#")
        return Selection.objects.get(market__key=market, key=outcome)

    def market(self) -> Market:
        return Market.objects.get()


def person(name: str, bookmaker: Bookmaker, role: Role) -> User:
    user = User.objects.create_user(name, password="long enough for anybody")
    bookmakers.set_role(of_command(), bookmaker.pk, user.pk, role)
    return user


def key_of(bookmaker_id: UUID, *scopes: str) -> Caller:
    return Caller(bookmakers.create_key(of_command(), bookmaker_id, scopes=scopes or ("odds",))[1])


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    """These tests keep no frames: the backlog is known, and empty."""
    before = health._backlog_reader
    health.register_backlog_reader(lambda _: {})
    CACHE.clear()
    yield
    health.register_backlog_reader(before)


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One running desk for all tests that speak to it from outside."""
    prepared = Prepared(tmp_path_factory.mktemp("prepared"))
    with opened(tmp_path_factory.mktemp("desk"), prepared) as town:
        made = Desk(town)
        made.stock()
        yield made
    prepared.place.drop()


@pytest.fixture
def shop(db: None) -> Shop:
    return make()


def make() -> Shop:
    """Seeds again what a test with its own transactions truncated."""
    import_module("markets.migrations.0004_seed_sports_and_types").seed(apps, None)
    source = Source.objects.create(slug="wire", provider="updategram", name="Wire")
    SourceLiveness.objects.update_or_create(source=source, defaults={"heard_at": db.now()})
    alpha = bookmakers.create(of_command(), "Alpha", ["football", "tennis", "table-tennis"])
    beta = bookmakers.create(of_command(), "Beta", ["football"])
    return Shop(source, alpha, beta, key_of(alpha.pk), key_of(beta.pk), Caller())
