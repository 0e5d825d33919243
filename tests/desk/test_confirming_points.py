"""Confirm re-opening where a match is bound, or none is: how it stands is said beside what opens (A5, A13)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest
from django.test import Client

from markets.live import fences
from markets.live.announcer import Announcer
from markets.models import AuditRecord
from markets.services import bindings, sources
from tests.desk.conftest import SignIn, person
from tests.feeds import points
from tests.services.court import Court, court
from tests.services.world import STAFF, World, facts_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def side(world: World) -> Iterator[Court]:
    """Between points, and this process hears its reader."""
    made = court(of=world)
    book = fences.registry()
    book.open([])
    reader, over = Announcer(book.hear), threading.Event()
    reader.beat(made.umpire.pk)
    book.read(time.monotonic(), {})

    def beat() -> None:
        while not over.wait(0.3):
            reader.beat(made.umpire.pk)

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    yield made
    over.set()
    beating.join()
    book.close()


def shown(desk: Client, **target: int) -> str:
    page = desk.get("/would-open", target).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a5_one_market_s_dialog_says_how_its_match_stands_and_what_opens(desk: Client, side: Court) -> None:
    sources.open_gap(side.world.source.pk, "a message was cut off", fixture_ref=side.fixture.ref)
    market = side.offer().published[0].id
    said = shown(desk, market=market)
    for words in ("15:0", "BETWEEN", "Point feed umpire 2026-580-MS500: live, last packet #", "Runner 0", "1.80", "2.00"):
        assert words in said
    page = desk.get("/would-open", {"market": market}).content.decode()
    as_of = page.split('name="as_of" value="')[1].split('"')[0]
    assert desk.post("/do/confirm", {"market": market, "as_of": as_of}).status_code == 200
    assert AuditRecord.objects.filter(action="re-opening confirmed", market_id=market).exists()


def test_a5_a_gap_of_the_match_offers_all_of_its_markets_or_none(desk: Client, side: Court) -> None:
    sources.open_gap(side.umpire.pk, "packet 6 never came", fixture_ref=side.match.ref, sticky=True)
    assert "A gap of the match is confirmed with it" in shown(desk, fixture=side.fixture.pk)
    assert 'name="market"' not in desk.get("/would-open", {"fixture": side.fixture.pk}).content.decode()
    said = shown(desk, market=side.offer().published[0].id)
    assert "Nothing would open now" in said
    assert "NO POINTS point feed: packet 6 never came" in said


def test_a13_an_unbound_fixture_s_dialog_says_what_is_missing(desk: Client, side: Court) -> None:
    bindings.unbind(STAFF, side.alpha.pk, side.fixture.pk, "wrong match")
    said = shown(desk, fixture=side.fixture.pk)
    assert "No point feed is bound to this fixture" in said
    assert "what holds the rest is not a gap" not in said


def test_a_match_without_a_fixture_is_to_be_bound_first(desk: Client, side: Court) -> None:
    gap = sources.open_gap(side.umpire.pk, "packet 6 never came", fixture_ref=side.match.ref, sticky=True)
    bindings.unbind(STAFF, side.alpha.pk, side.fixture.pk, "wrong match")
    assert "Squire v Rodionov: it is bound to no fixture" in shown(desk, gap=gap)


@pytest.mark.parametrize("staff", [False, True])
def test_f1_the_record_of_a_dismissed_packet_lists_what_it_let_open(desk: Client, side: Court, sign_in: SignIn, staff: bool) -> None:
    (frame,) = points.send(side.umpire, b"no packet", event=side.match.ref)
    assert (frame.outcome, side.open()) == ("quarantined", 0)
    who = sign_in(person("root", is_staff=True)) if staff else desk
    answer = who.post("/do/quarantine/dismiss", {"frame": frame.pk, "reason": "seen on court"})
    assert (answer.status_code, side.open()) == (200, 2)
    record = AuditRecord.objects.get(action="quarantine dismissed")
    opened = facts_of(record.after)["opened"]
    assert [o["price"] for o in opened if o["bookmaker"] == "Alpha"] == ["1.80", "2.00"]


def test_the_head_of_a_match_names_what_holds_it_beside_its_points(desk: Client, side: Court) -> None:
    """A price after the point is not enough where a person holds the match too."""
    assert desk.post("/do/suspend", {"scope": "fixture", "target": side.fixture.pk}).status_code == 200
    page = desk.get(f"/fixture/{side.fixture.pk}").content.decode()
    head = page.split('data-points="clears">')[1].split("</span>")[0]
    assert "its release" in head
    assert "alice" in head
