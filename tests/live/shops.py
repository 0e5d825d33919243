"""A served desk with bookmakers whose systems listen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.test import Client as Browser
from msgspec import Struct

from markets.models import Bookmaker, Fixture
from markets.services import bookmakers
from markets.services.actor import of_command
from tests.live.clients import Client, EventClient, Json, SocketClient
from tests.live.listening import Feed, Server

GROUP = "full-time"


class House(Struct):
    """A bookmaker with a key, whose id is ``key_id``."""

    id: UUID
    key: str
    key_id: int

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def house_of(bookmaker: Bookmaker, *scopes: str) -> House:
    row, key = bookmakers.create_key(of_command(), bookmaker.pk, scopes=scopes or ("odds",))
    return House(bookmaker.pk, key, row.pk)


class Shop(Struct):
    """Two bookmakers of football, one feed with one fixture (match id 100); everybody who listens is closed at the end."""

    feed: Feed
    fixture: Fixture
    server: Server
    alpha: House
    beta: House
    clients: list[Client]

    def path(self, rest: str = "updates", *, of: House | None = None, sport: str = "football", match: object = None) -> str:
        return f"/live/{(of or self.alpha).id}/{sport}/{match or self.fixture.match_id}/{rest}"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    def socket(self, path: str | None = None, key: str | None = None, **how: Any) -> Client:
        token = self.alpha.key if key is None else key
        return self._with(SocketClient(self.url(path or self.path()) + (f"?token={token}" if token else ""), **how))

    def events(self, path: str | None = None, key: str | None = None, **headers: str) -> EventClient:
        token = self.alpha.key if key is None else key
        made = EventClient(self.url(path or self.path()) + (f"?token={token}" if token else ""), **headers)
        self._with(made)
        return made

    def rest(self, of: House | None = None) -> Json:
        house = of or self.alpha
        answer = Browser().get(f"/bookmaker/{house.id}/football/{self.fixture.match_id}", headers=house.bearer)
        assert answer.status_code == 200
        found: Json = answer.json()
        return found

    def patch(self, key: str, *, of: House | None = None, **body: Any) -> Json:
        house = of or self.alpha
        path = f"/bookmaker/{house.id}/football/{self.fixture.match_id}/{GROUP}"
        answer = Browser().patch(path, {"oddKey": key, **body}, content_type="application/json", headers=house.bearer)
        assert answer.status_code == 200, answer.content
        found: Json = answer.json()
        return found

    def _with(self, client: Client) -> Client:
        self.clients.append(client)
        return client
