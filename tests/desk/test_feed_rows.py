"""The rows of matches that have streams of their own, and of lists, on the page of the feeds (O2)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from feeds import pace
from feeds.models import Frame, ProviderList
from markets import db
from markets.domain.heard import Deaf, Heard
from markets.live import fences
from markets.models import Fixture, PointLiveness, Source, SourceLiveness, Sport
from tests.services.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def odds(world: World) -> Source:
    """An Odds360 feed with two matches, one of them a fixture that Alpha may see."""
    source = Source.objects.create(slug="tables", provider="odds360", name="Tables", lease_seconds=60)
    now = db.now()
    SourceLiveness.objects.create(source=source, heard_at=now)
    sport, _ = Sport.objects.get_or_create(slug="table-tennis", defaults={"name": "Table Tennis"})
    world.alpha.sports.add(sport)
    Fixture.objects.create(
        source=source, ref="7001", match_id=7001, sport=sport, name="Ito v Sun", has_details=True, phase="live", changed_at=now
    )
    times = {"heard_at": now - timedelta(seconds=4), "data_at": now - timedelta(seconds=9), "changed_at": now}
    PointLiveness.objects.create(source=source, ref="7001", state="live", road="ws+sse", rereads=12, reconnects=3, **times)
    words = "127.0.0.1 answers <500>"
    PointLiveness.objects.create(source=source, ref="7002", state="lost", road="poll", words=words, gaps=1, **times)
    PointLiveness.objects.create(source=source, ref="discovery", state="live", words="2 live, 0 to come", heard_at=now, changed_at=now)
    return source


def row(page: str, ref: str) -> str:
    return page.partition(f'<tr data-ref="{ref}">')[2].partition("</tr>")[0]


def test_each_match_shows_its_road_state_ages_rereads_reconnects_and_last_error(desk: Client, odds: Source) -> None:
    page = desk.get("/feeds/cards").content.decode()
    good, bad = row(page, "7001"), row(page, "7002")
    for said in ("LIVE", "Ito v Sun", "WebSocket, overrides SSE", ">12<", ">3<", "/fixture/"):
        assert said in good, said
    for said in ("LOST", "polling", "answers &lt;500&gt;", "7002"):
        assert said in bad, said
    assert page.index('data-ref="7002"') < page.index('data-ref="7001"'), "in trouble first"
    assert "lists of live matches" in row(page, "discovery")
    assert "not bound" not in page


def test_a_feed_is_not_shown_well_beside_a_list_of_live_matches_that_cannot_be_read(
    desk: Client, odds: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deaf, "heard", lambda *_: Heard(joined=True, silent_in=1.5))
    monkeypatch.setattr(fences, "ears", Deaf)
    assert "heard, in order" in told(desk, "tables")
    PointLiveness.objects.filter(ref="discovery").update(state="lost", words="upstream answers 429")
    assert "cannot be read now: upstream answers 429" in told(desk, "tables")
    assert "heard, in order" in told(desk, "wire"), "nobody fetches that one"


def test_a_feed_whose_reader_is_silent_is_shown_so_wherever_it_is_named(
    desk: Client, odds: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deaf, "heard", lambda *_: Heard(joined=True))
    monkeypatch.setattr(fences, "ears", Deaf)
    assert "its reader is silent" in told(desk, "tables")
    assert "Its reader is silent" in desk.get("/feeds/cards").content.decode()
    fixture = Fixture.objects.get(source=odds)
    assert "its reader is silent" in desk.get(f"/fixture/{fixture.pk}").content.decode()


def told(desk: Client, feed: str) -> str:
    """What the board's sidebar says of a feed."""
    aside = desk.get("/board/aside").content.decode()
    return aside.partition(f"<dt>{feed}</dt>")[2].partition("</dd>")[0]


def test_a_match_that_has_ended_does_not_say_that_it_never_was_heard(desk: Client, odds: Source) -> None:
    PointLiveness.objects.filter(ref="7002").update(state="ended", heard_at=None, data_at=None)
    assert "never" not in row(desk.get("/feeds/cards").content.decode(), "7002")


def test_a_match_of_a_sport_that_is_not_the_bookmakers_leads_nowhere(desk: Client, odds: Source, world: World) -> None:
    world.alpha.sports.remove(Sport.objects.get(slug="table-tennis"))
    assert "/fixture/" not in row(desk.get("/feeds/cards").content.decode(), "7001")


def card(desk: Client, name: str) -> dict[str, str]:
    """What a feed's card tells, by name."""
    page = desk.get("/feeds/cards").content.decode()
    mine = page.partition(f'aria-label="{name}"')[2].partition("</section>")[0]
    return dict(re.findall(r"<dt[^>]*>([^<]*)</dt><dd[^>]*>([^<]*)</dd>", mine))


def keep(source: Source, ago: float, took: float | None, **also: object) -> None:
    """A frame of some seconds ago that took so long to be applied, or has not been yet."""
    now = db.now()
    kept = now - timedelta(seconds=ago)
    outcome = {} if took is None else {"outcome": "applied", "applied_at": kept + timedelta(seconds=took)}
    Frame.objects.create(day=now.date(), source=source, lane=0, received_at=kept, kept_at=kept, size=1, body=b"x", **outcome | also)


def test_a_card_tells_how_fast_its_feed_speaks_and_how_far_it_is_from_applied(desk: Client, world: World, odds: Source) -> None:
    keep(world.source, 30, 29)
    for _ in range(20):
        keep(world.source, 5, 0.02)
    keep(odds, 5, 0.01, parked=True)
    told, other = card(desk, "wire"), card(desk, "tables")
    assert (told["Rate"], told["Lag"]) == ("2.0 / s", "20 ms"), "what is older than the window does not count"
    assert (other["Rate"], other["Lag"]) == ("0.1 / s", "–"), "what waits beyond a gap is named there"
    keep(odds, 4, None)
    assert re.fullmatch(r"4\.\d s", card(desk, "tables")["Lag"]), "what is not applied yet counts with its age"


def test_the_pace_of_a_fast_feed_is_told_from_its_newest_frames(desk: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MOST", 4)
    for ago in (9, 4, 3, 2, 1):
        keep(world.source, ago, 0.02)
    assert float(card(desk, "wire")["Rate"].removesuffix(" / s")) == pytest.approx(1.0, abs=0.1)


def test_a_feed_that_is_still_has_no_lag(desk: Client, world: World) -> None:
    assert (card(desk, "wire")["Rate"], card(desk, "wire")["Lag"]) == ("0.0 / s", "–")


def test_lists_say_when_they_were_read_and_why_not(desk: Client, odds: Source) -> None:
    now = db.now()
    ProviderList.objects.create(source=odds, name="leagues", due_at=now, read_at=now - timedelta(seconds=61), rows=42)
    ProviderList.objects.create(source=odds, name="classes", due_at=now, words="an answer is no list")
    page = desk.get("/feeds/cards").content.decode()
    table = page.split('id="lists"')[1].split("</table>")[0]
    assert "leagues" in table
    assert ">42<" in table
    assert "an answer is no list" in table
    odds.enabled = False
    odds.save()
    assert 'id="lists"' not in desk.get("/feeds/cards").content.decode()
