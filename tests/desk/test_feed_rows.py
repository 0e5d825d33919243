"""The rows of matches that have streams of their own, and of lists, on the page of the feeds (O2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from feeds.models import ProviderList
from markets import db
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


def test_a_match_of_a_sport_that_is_not_the_bookmakers_leads_nowhere(desk: Client, odds: Source, world: World) -> None:
    world.alpha.sports.remove(Sport.objects.get(slug="table-tennis"))
    assert "/fixture/" not in row(desk.get("/feeds/cards").content.decode(), "7001")


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
