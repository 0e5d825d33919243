"""Prices of a feed with a connection for each match: what lapses closes its sockets, on time and by itself (A3, A10; decision O2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from feeds.odds360.mapping import parse
from feeds.odds360.subjects import Kind, subject
from markets import db
from markets.live import fences
from markets.models import Fixture, PointLiveness, Source, SourceLiveness, Sport
from markets.selectors import offer
from markets.services import ingest
from tests.live.listening import bookmaker, listening, selections, serving, show_on_board, signed_in
from tests.live.reading import Beats, Page, on_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])
REF = "2450840"


class Reader:
    """Who reads an Odds360 feed: it beats, records its match's connection when a test says so, and applies real frames."""

    def __init__(self) -> None:
        lease = {"lease_seconds": 60.0, "coverage_expected": False}
        self.source = Source.objects.create(slug="odds", provider="odds360", name="Odds", **lease)
        self.heard()
        self._frames = 0
        self.beats = Beats(self.source.pk)

    def heard(self, ago: float = 0.0, data: float = 0.0, state: str = "live", words: str = "") -> None:
        now = db.now()
        SourceLiveness.objects.update_or_create(source=self.source, defaults={"heard_at": now})
        times = {"heard_at": now - timedelta(seconds=ago), "data_at": now - timedelta(seconds=data), "changed_at": now}
        line = {**times, "lease_seconds": 10.0, "state": state, "words": words}
        PointLiveness.objects.update_or_create(source=self.source, ref=REF, defaults=line)

    def told(self, kind: Kind, said: object) -> None:
        self._frames += 1
        message = parse(json.dumps(said).encode(), subject(kind, REF, "table-tennis"))
        with transaction.atomic():
            ingest.apply(self.source, [ingest.Incoming(message, db.now(), self._frames)])

    def row(self, status: str = "live") -> None:
        names = {"home_team_id": 11, "home_team_name": "Ito M.", "away_team_id": 12, "away_team_name": "Sun Y."}
        start = (db.now() + timedelta(hours=1)).isoformat()
        self.told(Kind.MATCH, {"id": int(REF), **names, "start_time": start, "status_type": status})

    def payload(self, home: float = 1.85) -> None:
        odds = {"setTime": {}, "fullTime": {"winner": {"home": home, "away": 1.95}}}
        self.told(Kind.ODDS, {"matchId": int(REF), "sport": "table-tennis", "odds": odds, "override": []})


class Side(Page, kw_only=True):
    """The match is live."""

    reader: Reader

    def served(self) -> tuple[set[bool], set[str]]:
        """Whether its prices are tradable as any other request of this process would see it, and the codes of what holds them."""
        (found,) = offer.offers(self.alpha.pk, [self.fixture.pk], ears=fences.ears()).values()
        of_all = [s for market in found.published for s in market.selections]
        return {s.tradable for s in of_all}, {reason.code for s in of_all for reason in s.reasons}


@pytest.fixture
def reader(transactional_db: None) -> Iterator[Reader]:
    one = Reader()
    yield one
    one.beats.stop()


@pytest.fixture
def side(reader: Reader) -> Iterator[Side]:
    reader.row()
    reader.payload()
    fixture = Fixture.objects.get(source=reader.source)
    show_on_board()
    alpha = bookmaker("Alpha")
    alpha.sports.add(Sport.objects.get(slug="table-tennis"))
    with serving() as server, listening(server, f"fixture/{fixture.pk}", signed_in("ann", alpha)) as ear:
        made = Side(reader=reader, fixture=fixture, alpha=alpha, server=server, ear=ear, first=selections(fixture)[0])
        made.waits(True)
        yield made


def test_a3_a_match_whose_connection_is_not_heard_closes_on_time_though_its_feed_is(side: Side) -> None:
    def once() -> int:
        side.reader.heard(ago=8)
        heard_at = PointLiveness.objects.get(ref=REF).heard_at
        assert heard_at is not None
        late = side.closes(heard_at + timedelta(seconds=10))
        assert side.served() == ({False}, {"lease"})
        side.reader.heard()
        side.waits(True)
        return late

    on_time(once)


def test_a3_odds_that_are_too_old_close_on_time_though_the_connection_is_heard(side: Side) -> None:
    def once() -> int:
        side.reader.heard(data=58)
        data_at = PointLiveness.objects.get(ref=REF).data_at
        assert data_at is not None
        late = side.closes(data_at + timedelta(seconds=60))
        side.reader.heard()
        side.waits(True)
        return late

    on_time(once)


def test_u13_a_match_that_has_been_live_offers_nothing_when_it_is_called_upcoming_again(side: Side) -> None:
    side.reader.row("upcoming")
    side.waits(False)
    assert side.served() == ({False}, {"started"})


def test_a3_a_connection_that_its_reader_calls_lost_closes_at_the_next_reading(side: Side) -> None:
    side.reader.heard(state="lost", words="429 Too Many Requests")
    side.waits(False)
    assert side.served() == ({False}, {"lease"})
    side.reader.heard()
    side.waits(True)


def test_a3_a_reader_that_stops_beating_closes_every_match_within_two_seconds(side: Side) -> None:
    def once() -> int:
        late = side.closes(side.reader.beats.fall_silent(REF))
        assert side.served() == ({False}, {"lease"})
        side.reader.beats.speak()
        side.waits(True)
        return late

    on_time(once)


@pytest.mark.parametrize("match", [REF, fences.EVERY])
def test_a4_what_was_read_and_is_not_in_the_store_closes_prices_though_the_store_says_that_all_is_well(side: Side, match: str) -> None:
    side.reader.beats.held = {match: "what was read of the feed waits to be stored"}
    side.waits(False)
    assert side.served() == ({False}, {"lease"})
    side.reader.beats.held = {"77": "what came could not be stored"}
    side.waits(True)
    assert side.served() == ({True}, set())


def test_a10_a_request_of_a_process_that_does_not_listen_offers_nothing(side: Side) -> None:
    (found,) = offer.offers(side.alpha.pk, [side.fixture.pk]).values()
    assert not any(s.tradable for market in found.published for s in market.selections)


def test_u12_a_match_that_is_put_off_closes_and_leaves_the_board(side: Side) -> None:
    side.reader.row("postponed")
    side.waits(False)
    assert side.served() == ({False}, {"fixture-status", "started"})
    assert Fixture.objects.values_list("phase", "match_id").get(source=side.reader.source) == ("postponed", int(REF))


def test_a9_a_status_that_is_not_known_closes_until_one_that_is(side: Side) -> None:
    side.reader.row("in the coffee break")
    side.waits(False)
    assert side.served() == ({False}, {"fixture-status", "started"})
    side.reader.row()
    side.waits(True)
