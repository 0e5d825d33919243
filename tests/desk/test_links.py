"""The page of links, its two commands, and both feeds' prices on a fixture's page (P4, C3, E1)."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F
from django.test import Client

from markets import db
from markets.domain.messages import Market, MarketSet, Message, Selection
from markets.domain.values import MarketStatus, Role, SelectionStatus
from markets.live.cells import BoardRow, board_cells
from markets.models import Fixture, Link, Source, SourceChoice, Sport
from markets.selectors import offer
from markets.services import ingest
from tests.desk.conftest import SignIn, person
from tests.services.test_links import Pair, tell
from tests.services.world import World


@pytest.fixture
def pair(world: World) -> Pair:
    tennis = Sport.objects.get(slug="tennis")
    world.alpha.sports.add(tennis)
    Source.objects.update(coverage_expected=False)
    other = Source.objects.create(slug="second", provider="updategram", name="second", coverage_expected=False, created_at=db.now())
    return Pair(world.source, other, tell(world.source, "500", "71", "72"), tell(other, "9", "h1", "a1"), world.alpha)


def test_a_trader_sees_the_proposal_and_confirms_it_by_one_button(desk: Client, pair: Pair) -> None:
    assert "names 100% alike" in desk.get("/links").content.decode()
    form = {"fixture": pair.fixture.pk, "other": pair.twin.pk, "why": "proposed", "idempotency_key": "k1"}
    for _ in range(2):  # a repeat with its key has no second effect
        assert "are one match now" in desk.post("/do/link", form).content.decode()
    assert Link.objects.count() == 1
    assert "HOLDS" in desk.get("/links/lists").content.decode()


def test_a_linked_fixture_shows_both_feeds_prices_and_which_is_taken(desk: Client, pair: Pair) -> None:
    assert 'id="beside"' not in desk.get(f"/fixture/{pair.fixture.pk}").content.decode()
    desk.post("/do/link", {"fixture": pair.fixture.pk, "other": pair.twin.pk})
    assert 'id="beside"' in desk.get(f"/fixture/{pair.fixture.pk}").content.decode()
    part = desk.get(f"/fixture/{pair.fixture.pk}/beside").content.decode()
    assert part.count("1.80") == 4  # two markets at two feeds
    assert part.count("not taken") == 4  # all of the other feed's
    assert "SUSP" not in part, "neither feed has suspended anything"


def test_a_column_that_is_not_taken_shows_its_own_feeds_state_and_each_market_its_line(desk: Client, pair: Pair) -> None:
    pair.link()
    with transaction.atomic():
        at = db.now()
        closed = MarketSet((handicap(MarketStatus.SUSPENDED),))
        ingest.apply(pair.other, [ingest.Incoming(Message("closed", "9", (closed,)), at, 0)])
        ingest.apply(pair.wire, [ingest.Incoming(Message("open", "500", (MarketSet((handicap(MarketStatus.OPEN),)),)), at, 0)])
    part = desk.get(f"/fixture/{pair.fixture.pk}/beside").content.decode()
    lines = [row for row in part.split("<tr>") if "Games handicap -1.5" in row]
    assert len(lines) == 2
    for row in lines:
        own, other = (cell.partition("</td>")[0] for cell in row.split('<td class="num')[1:])
        assert ("1.90" in own, "SUSP" in own, "not taken" in own) == (True, False, False)
        assert ("1.90" in other, "SUSP" in other, "not taken" in other) == (True, True, True), "that feed's own word"


def handicap(status: MarketStatus) -> Market:
    selections = tuple(Selection(f"9{n}", n, SelectionStatus.TRADING, price=Decimal("1.90")) for n in ("h", "a"))
    return Market("90", None, "Games handicap", status, "hcp", "Handicap", in_play=True, line=Decimal("-1.5"), selections=selections)


def board_rows(desk: Client) -> dict[int, str]:
    """Fixture id → its row."""
    found = re.findall(r'<tr id="f-(\d+)"(.*?)</tr>', desk.get("/").content.decode(), re.DOTALL)
    return {int(pk): row for pk, row in found}


def test_the_board_names_each_fixtures_feed_and_marks_the_rows_of_one_match(desk: Client, pair: Pair) -> None:
    rows = board_rows(desk)
    assert 'title="feed second"' in rows[pair.twin.pk]
    assert f'title="feed {pair.wire.slug}"' in rows[pair.fixture.pk]
    assert not any("the same match" in row for row in rows.values())
    before = {pk: board_row(pair, pk).structure for pk in rows}
    pair.link()
    rows = board_rows(desk)
    assert "the same match at feed second" in rows[pair.fixture.pk]
    assert f"the same match at feed {pair.wire.slug}" in rows[pair.twin.pk]
    linked = (pair.fixture.pk, pair.twin.pk)
    assert {pk for pk in rows if board_row(pair, pk).structure != before[pk]} == set(linked), "open boards get these rows anew"
    Link.objects.update(broken_at=db.now(), broken_cause="competitors changed")
    Fixture.objects.filter(pk=pair.fixture.pk).update(revision=F("revision") + 1)
    assert "the link is broken" in board_rows(desk)[pair.fixture.pk]


def board_row(pair: Pair, pk: int) -> BoardRow:
    return board_cells(offer.offers(pair.alpha.pk, [pk])[pk])


def test_a_foreign_fixture_shows_nothing_beside_it(desk: Client, pair: Pair) -> None:
    pair.link()
    pair.alpha.sports.remove(Sport.objects.get(slug="tennis"))
    assert desk.get(f"/fixture/{pair.fixture.pk}/beside").status_code == desk.get("/fixture/999999/beside").status_code == 404


def test_p4_a_supervisor_unlinks_with_a_reason(desk: Client, world: World, pair: Pair, sign_in: SignIn) -> None:
    pair.link()
    assert desk.post("/do/unlink", {"fixture": pair.fixture.pk, "reason": "wrong"}).status_code == 403
    sue = sign_in(person("sue", Role.SUPERVISOR, world.alpha))
    assert sue.post("/do/unlink", {"fixture": pair.fixture.pk}).status_code == 422
    assert "two matches again" in sue.post("/do/unlink", {"fixture": pair.twin.pk, "reason": "wrong"}).content.decode()


def test_staff_choose_the_source_of_a_group_in_the_admin_and_take_it_back(pair: Pair, sign_in: SignIn) -> None:
    client = sign_in(person("root", is_staff=True))
    tennis = Sport.objects.get(slug="tennis")
    answer = client.post("/admin/markets/sourcechoice/add/", {"sport": tennis.pk, "odd_group": "set-time", "source": pair.other.pk})
    assert answer.status_code == 302, answer.content.decode()
    made = SourceChoice.objects.get()
    assert made.source_id == pair.other.pk
    assert client.post(f"/admin/markets/sourcechoice/{made.pk}/change/", {"source": pair.wire.pk}).status_code == 302
    assert SourceChoice.objects.get().source_id == pair.wire.pk
    assert client.post(f"/admin/markets/sourcechoice/{made.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not SourceChoice.objects.exists()


def test_the_admin_offers_the_odd_groups_that_are_known_and_takes_only_those_of_the_sport(pair: Pair, sign_in: SignIn) -> None:
    client = sign_in(person("root", is_staff=True))
    football = Sport.objects.get(slug="football")
    form = client.get("/admin/markets/sourcechoice/add/").content.decode()
    assert '<option value="set-time">' in form
    tennis = {"sport": Sport.objects.get(slug="tennis").pk, "odd_group": "banana", "source": pair.other.pk}
    assert "banana" in client.post("/admin/markets/sourcechoice/add/", tennis).content.decode()
    answer = client.post("/admin/markets/sourcechoice/add/", tennis | {"sport": football.pk, "odd_group": "set-time"})
    assert "Not an odd group of this sport" in answer.content.decode()
    assert not SourceChoice.objects.exists()
