"""Frames of Odds360 through the inbox to what is offered (promises A3, A5, B3, B5, B7; decisions O2, O3, O6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feeds import accounting
from feeds.keeping import Arrived, Writer
from feeds.models import Frame
from feeds.odds360.subjects import Kind, subject, unplaced
from markets import db
from markets.domain.publish import PublishedSelection
from markets.models import Bookmaker, Fixture, Gap, Market, MarketType, PointLiveness, Source, SourceLiveness, Sport
from markets.selectors import health, offer
from markets.services import clearing, ingest
from tests.feeds.frames import drain_all
from tests.services.court import Listening

pytestmark = pytest.mark.django_db
REF = "2450840"
ODDS = {"setTime": {"winner": {"home": 1.5, "away": 2.5}}, "fullTime": {"winner": {"home": 1.85, "away": 1.95}, "total": {"over": 1.9}}}


class Provider:
    """An Odds360 feed and a bookmaker that may see its sport; frames are kept and drained as the desk would."""

    def __init__(self, slug: str = "odds") -> None:
        lease = {"lease_seconds": 60.0, "coverage_expected": False}
        self.source = Source.objects.create(slug=slug, provider="odds360", name=slug.title(), **lease)
        self.alpha, _ = Bookmaker.objects.get_or_create(name="Alpha")
        self.alpha.sports.set([Sport.objects.get(slug="table-tennis")])

    def heard(self, ref: str = REF, ago: float = 0.0, data: float = 0.0) -> None:
        now = db.now()
        SourceLiveness.objects.update_or_create(source=self.source, defaults={"heard_at": now, "listening_at": now})
        times = {"heard_at": now - timedelta(seconds=ago), "data_at": now - timedelta(seconds=data), "changed_at": now}
        line = {**times, "lease_seconds": 10.0, "state": "live"}
        PointLiveness.objects.update_or_create(source=self.source, ref=ref, defaults=line)

    def send(self, kind: Kind, said: Any, ref: str = REF, stream: str = "") -> Frame:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        stream = stream or subject(kind, ref, "table-tennis" if ref else "")
        arrived = Arrived(self.source.pk, datetime.now(UTC), "application/json", "", body, stream)
        (frame_id,), _ = Writer().write([arrived])
        drain_all()
        return Frame.objects.get(pk=frame_id)

    def row(self, ref: str = REF, **said: Any) -> Frame:
        names = {"home_team_id": 11, "home_team_name": "Ito M.", "away_team_id": 12, "away_team_name": "Sun Y."}
        league = {"league_id": 77, "league_name": "Open", "start_time": (db.now() + timedelta(hours=1)).isoformat()}
        return self.send(Kind.MATCH, {"id": int(ref), **names, **league, "status_type": "live", **said}, ref)

    def payload(self, odds: Any = ODDS, ref: str = REF, **said: Any) -> Frame:
        whole = {"matchId": int(ref), "sport": "table-tennis", "odds": odds, "override": [], **said}
        return self.send(Kind.ODDS, whole, ref)

    def update(self, odds: Any) -> Frame:
        return self.send(Kind.UPDATES, {"type": "update", "matchId": int(REF), "odds": odds})

    @property
    def fixture(self) -> Fixture:
        return Fixture.objects.get(source=self.source, ref=REF)

    def offered(self) -> dict[str, PublishedSelection]:
        """``market#outcome`` → what the bookmaker is offered."""
        (found,) = offer.offers(self.alpha.pk, [self.fixture.pk], ears=Listening()).values()
        return {f"{market.key}#{s.key}": s for market in found.published for s in market.selections}

    def open(self) -> set[str]:
        return {key for key, s in self.offered().items() if s.tradable}

    def codes(self) -> set[str]:
        return {reason.code for s in self.offered().values() for reason in s.reasons}


@pytest.fixture
def provider(db: None) -> Iterator[Provider]:
    before = health._backlog_reader
    health.register_backlog_reader(accounting.oldest_pending)
    made = Provider()
    made.row()
    made.payload()
    made.heard()
    yield made
    health.register_backlog_reader(before)


ALL = {"winner#home", "winner#away", "winner-full-time#home", "winner-full-time#away", "total#over"}
"""The same key in a second odd group is told apart by its group."""


def test_a_live_match_is_offered_under_the_providers_own_keys(provider: Provider) -> None:
    fixture = provider.fixture
    assert (fixture.match_id, fixture.phase, fixture.competition_ref, fixture.home_ref) == (int(REF), "live", "77", "11")
    assert fixture.sport is not None
    assert fixture.sport.slug == "table-tennis"
    groups = dict(MarketType.objects.filter(provider="odds360").values_list("ref", "odd_group"))
    assert groups == {"set-time/winner": "set-time", "full-time/winner": "full-time", "full-time/total": "full-time"}
    assert provider.open() == ALL


def test_o6_a_match_keeps_its_number_and_its_keys_whatever_is_told_later(provider: Provider) -> None:
    before = {m.ref: m.key for m in Market.objects.all()}
    provider.payload({"fullTime": {"total": {"over": 2}, "winner": {"home": {"value": 2, "name": "Ito"}}}})
    assert ({m.ref: m.key for m in Market.objects.all()}, provider.fixture.match_id) == (before, int(REF))


def test_a3_a_match_without_a_connection_offers_nothing_however_well_its_feed_is_heard(provider: Provider) -> None:
    PointLiveness.objects.all().delete()
    assert (provider.open(), provider.codes()) == (set(), {"lease"})


@pytest.mark.parametrize(("ago", "data"), [(10.1, 0.0), (0.0, 60.1)])
def test_a3_o2_each_of_the_two_leases_closes_the_match(provider: Provider, ago: float, data: float) -> None:
    provider.heard(ago=ago, data=data)
    assert (provider.open(), provider.codes()) == (set(), {"lease"})


def test_a3_the_connection_of_another_match_or_feed_says_nothing_of_this_one(provider: Provider) -> None:
    PointLiveness.objects.all().delete()
    provider.heard("2450841")
    other = Source.objects.create(slug="other", provider="odds360", name="Other")
    now = db.now()
    PointLiveness.objects.create(source=other, ref=REF, state="live", heard_at=now, data_at=now, changed_at=now)
    assert provider.open() == set()


def test_a12_the_lease_that_ends_first_is_the_price_s_end(provider: Provider) -> None:
    provider.heard(ago=9)
    assert all(0 < s.valid_for_ms <= 1000 for s in provider.offered().values())


def test_leases_cost_no_query_more_whatever_the_number_of_matches(provider: Provider) -> None:
    refs = [str(int(REF) + n) for n in range(6)]
    for ref in refs[1:]:
        provider.row(ref)
        provider.payload(ref=ref)
        provider.heard(ref)
    ids = list(Fixture.objects.filter(ref__in=refs).values_list("pk", flat=True))
    counts = []
    for asked in (ids[:1], ids):
        with CaptureQueriesContext(connection) as queries:
            found = offer.offers(provider.alpha.pk, asked, ears=Listening())
        assert all(s.tradable for one in found.values() for market in one.published for s in market.selections)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_b5_a_beat_or_a_payload_that_says_the_same_changes_no_revision(provider: Provider) -> None:
    rows = dict(Market.objects.values_list("ref", "revision"))
    provider.payload()
    provider.send(Kind.UPDATES, {"type": "beat", "seq": 7})
    assert dict(Market.objects.values_list("ref", "revision")) == rows
    assert set(Frame.objects.values_list("outcome", flat=True)) == {"applied"}


@pytest.mark.parametrize("kind", [Kind.ODDS, Kind.UPDATES, Kind.OVERRIDES, Kind.MATCH])
@pytest.mark.parametrize(
    "body", [b"<html>502 Bad Gateway</html>", b'{"matchId": 2450840, "odds": {"fullTime"', b'{"matchId": 9, "odds": {}}']
)
def test_a5_b7_a_frame_that_cannot_be_read_holds_its_match_until_a_whole_payload_comes(provider: Provider, kind: Kind, body: bytes) -> None:
    provider.row("2450841")
    frame = provider.send(kind, body)
    assert (frame.outcome, frame.fixture_ref) == ("quarantined", REF)
    assert (provider.open(), provider.codes()) == (set(), {"gap"})
    assert Gap.objects.get().fixture == provider.fixture
    provider.update({"fullTime": {"winner": {"home": 1.86}}})
    assert provider.open() == set(), "of what it did not name nothing is proven"
    provider.payload()
    assert provider.open() == ALL
    assert clearing.close_cleared(db.now() + timedelta(seconds=6)) == 1


def test_b7_a_list_that_cannot_be_read_is_kept_shown_and_ends_with_whole_payloads(provider: Provider) -> None:
    frame = provider.send(Kind.MATCH, b"<html>502 Bad Gateway</html>", "")
    assert (frame.outcome, frame.fixture_ref, Fixture.objects.count()) == ("quarantined", "", 1)
    assert provider.codes() == {"gap"}
    provider.payload()
    assert provider.open() == ALL


@pytest.mark.parametrize("said", [{"type": "jackpot", "odds": ODDS}, {"type": "update", "odds": {"fullTime": [1]}}])
def test_a9_a_frame_of_no_known_kind_or_shape_opens_a_gap_with_its_words(provider: Provider, said: dict[str, Any]) -> None:
    provider.send(Kind.UPDATES, said)
    assert provider.codes() == {"gap"}
    assert "known" in Gap.objects.get().cause or "cannot be read" in Gap.objects.get().cause
    provider.payload()
    assert provider.open() == ALL


def test_a6_a_quarantined_frame_that_is_retried_later_reprices_nothing(provider: Provider) -> None:
    body = json.dumps(
        {"matchId": int(REF), "sport": "table-tennis", "odds": {"fullTime": {"winner": {"home": 5}}}, "override": []}
    ).encode()
    arrived = Arrived(provider.source.pk, datetime.now(UTC), "application/json", "", body, subject(Kind.ODDS, REF))
    (old,), _ = Writer().write([arrived])
    Frame.objects.filter(pk=old).update(outcome="quarantined")
    provider.payload()
    Frame.objects.filter(pk=old).update(outcome=None)
    drain_all()
    assert Frame.objects.get(pk=old).outcome == "superseded"
    assert (provider.open(), str(provider.offered()["winner-full-time#home"].feed_price)) == (ALL, "1.85")


def test_a5_a_frame_that_has_no_place_in_its_stream_may_close_but_holds_the_match_until_the_whole_payload(provider: Provider) -> None:
    said = {"type": "update", "matchId": int(REF), "odds": {"fullTime": {"winner": {"home": 1.70, "away": 2.1}, "total": None}}}
    assert provider.send(Kind.UPDATES, said, stream=unplaced(Kind.UPDATES, REF)).outcome == "applied"
    assert (provider.open(), "gap" in provider.codes()) == (set(), True)
    assert "has no number" in Gap.objects.get().cause
    provider.update({"fullTime": {"winner": {"home": 1.72}}})
    assert provider.open() == set()
    provider.payload()
    assert (provider.open(), provider.codes()) == (ALL, set())


def test_a6_a_frame_that_has_no_place_in_its_stream_undoes_no_suspension(provider: Provider) -> None:
    provider.update({"fullTime": {"winner": {"home": {"value": 1.7, "suspended": True}}}})
    provider.send(Kind.OVERRIDES, {"type": "update", "override": [{"oddType": "full-time", "oddKey": "total#over", "suspended": True}]})
    said = {"type": "snapshot", "matchId": int(REF), "odds": ODDS, "override": []}
    provider.send(Kind.UPDATES, said, stream=unplaced(Kind.UPDATES, REF))
    codes = {key: {reason.code for reason in one.reasons} for key, one in provider.offered().items()}
    assert "selection" in codes["winner-full-time#home"]
    assert "upstream" in codes["total#over"]


def test_o3_a_suspension_by_the_providers_people_is_a_reason_of_its_own(provider: Provider) -> None:
    provider.send(Kind.OVERRIDES, {"type": "update", "override": [{"oddType": "full-time", "oddKey": "total#over", "suspended": True}]})
    closed = provider.offered()["total#over"]
    assert ([r.code for r in closed.reasons], len(provider.open())) == (["upstream"], len(ALL) - 1)
    provider.payload()
    assert provider.open() == ALL


def test_b6_the_same_frames_give_the_same_feed_hash(provider: Provider) -> None:
    provider.update({"fullTime": {"winner": {"home": 1.86}, "total": None}})
    provider.send(Kind.OVERRIDES, {"type": "update", "override": [{"id": "7", "oddKey": "winner#home", "suspended": True}]})
    provider.send(Kind.UPDATES, {"type": "suspend", "scope": "all"})
    other = Provider("other")
    for stream, body in Frame.objects.filter(source=provider.source).order_by("id").values_list("stream", "body"):
        Writer().write([Arrived(other.source.pk, datetime.now(UTC), "application/json", "", bytes(body), stream)])
        drain_all()
    assert ingest.feed_hash(provider.source.pk) == ingest.feed_hash(other.source.pk)
    other.update({"fullTime": {"winner": {"home": 1.87}}})
    assert ingest.feed_hash(provider.source.pk) != ingest.feed_hash(other.source.pk)


def test_a_match_that_is_gone_offers_nothing_and_comes_back_with_a_snapshot(provider: Provider) -> None:
    provider.send(Kind.UPDATES, {"type": "gone", "matchId": int(REF)})
    assert (provider.open(), provider.codes(), provider.fixture.total_odds) == (set(), {"not-listed"}, 0)
    provider.send(Kind.UPDATES, {"type": "snapshot", "matchId": int(REF), "odds": ODDS})
    assert provider.open() == ALL


def test_a11_an_upcoming_match_is_closed_at_its_start_unless_it_is_called_live(provider: Provider) -> None:
    ref = "2450850"
    provider.row(ref, status_type="upcoming", start_time=(db.now() - timedelta(seconds=1)).isoformat())
    provider.payload(ref=ref)
    provider.heard(ref)
    fixture = Fixture.objects.get(ref=ref)

    def judged() -> tuple[set[bool], set[str]]:
        (found,) = offer.offers(provider.alpha.pk, [fixture.pk], ears=Listening()).values()
        of_all = [s for market in found.published for s in market.selections]
        return {s.tradable for s in of_all}, {reason.code for s in of_all for reason in s.reasons}

    assert judged() == ({False}, {"expired"})
    provider.row(ref)
    assert judged() == ({True}, set())
