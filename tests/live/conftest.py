"""What tests of the live road share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import Struct

from markets.models import Bookmaker, Fixture
from tests.live.listening import Ear, Feed, Server, bookmaker, selections, serving, show_on_board, signed_in
from tests.live.shops import Shop, house_of


class Scene(Struct):
    """One feed, one fixture with one market of three, one bookmaker with one trader, a served desk."""

    feed: Feed
    fixture: Fixture
    selections: list[int]
    alpha: Bookmaker
    session: str
    server: Server
    ears: list[Ear]

    def ear(self, path: str = "board", session: str | None = None) -> Ear:
        ear = Ear(self.server, path, self.session if session is None else session)
        self.ears.append(ear)
        return ear

    @property
    def page(self) -> str:
        return f"fixture/{self.fixture.pk}"


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    feed = Feed()
    fixture = feed.fixture("100")
    feed.market("100")
    show_on_board()
    alpha = bookmaker("Alpha")
    session = signed_in("ann", alpha)
    with serving() as server:
        made = Scene(feed, fixture, selections(fixture), alpha, session, server, [])
        yield made
        for ear in made.ears:
            ear.close()


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    feed = Feed()
    fixture = feed.fixture("100")
    feed.market("100")
    alpha, beta = (house_of(bookmaker(name)) for name in ("Alpha", "Beta"))
    with serving() as server:
        made = Shop(feed, fixture, server, alpha, beta, [])
        yield made
        for client in made.clients:
            client.hang_up()
        for client in made.clients:
            client.close()
