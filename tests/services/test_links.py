"""Fixtures of two feeds are linked by a person, held by ids; each odd group is taken from one feed (promises A7, E1; P4)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction
from msgspec import Struct

from feeds import accounting  # noqa: F401 - the inbox hands in who knows what is pending
from markets import db
from markets.domain.messages import Competitor, FixtureDetails, Market, MarketSet, Message, Ref, Selection
from markets.domain.rules import Code
from markets.domain.values import FixtureStatus, MarketStatus, Role, SelectionStatus
from markets.models import AuditRecord, Bookmaker, Fixture, Link, MarketType, Source, SourceChoice, Sport
from markets.selectors import links as selector
from markets.selectors import offer
from markets.services import ingest, links, sources
from markets.services.actor import Actor
from markets.services.errors import Conflict, Forbidden, NotFound, Refused
from tests.services.world import STAFF, add_bookmaker, person

pytestmark = pytest.mark.django_db
START = datetime.now(UTC).replace(microsecond=0)


class Pair(Struct):
    wire: Source
    other: Source
    fixture: Fixture
    twin: Fixture
    alpha: Bookmaker

    def trader(self) -> Actor:
        return person(1, self.alpha.pk, Role.TRADER)

    def supervisor(self) -> Actor:
        return person(2, self.alpha.pk, Role.SUPERVISOR)

    def link(self, *, crossed: bool = False) -> Link:
        return links.link(self.trader(), self.alpha.pk, self.fixture.pk, self.twin.pk, crossed=crossed, why="proposed 0.9")

    def reasons(self, of: Fixture) -> dict[str, set[Code]]:
        """Odd group → why its markets are closed; empty sets are open."""
        found = offer.offers(self.alpha.pk, [of.pk])[of.pk]
        return {market.group: {reason.code for s in market.selections for reason in s.reasons} for market in found.published}

    def revisions(self) -> list[int]:
        found = offer.offers(self.alpha.pk, [self.fixture.pk, self.twin.pk])
        return [found[pk].revision for pk in (self.fixture.pk, self.twin.pk)]


def tell(source: Source, ref: str, home: str, away: str, *, crossed: bool = False) -> Fixture:
    """Its own message with these competitor ids, and a market of each of two groups."""
    names = ("Ann Squire", "Eva Rodionov")
    people = (Competitor(home, names[crossed], home_away="Home"), Competitor(away, names[not crossed], home_away="Away"))
    said = FixtureDetails("A v B", "Match", FixtureStatus.SCHEDULED, "Scheduled", START, Ref("24", "Tennis"), competitors=people)
    priced = MarketSet((_market("1", "whole"), _market("2", "set")))
    with transaction.atomic():
        ingest.apply(source, [ingest.Incoming(Message(f"{source.slug}-{home}-{away}", ref, (said, priced)), db.now(), 0)])
    sources.heard(source.pk, db.now())
    MarketType.objects.filter(ref="set").update(odd_group="set-time")
    return Fixture.objects.get(source=source, ref=ref)


def _market(ref: str, type_id: str) -> Market:
    prices = (("h", "1.80"), ("a", "2.10"))
    selections = tuple(Selection(f"{ref}{n}", n, SelectionStatus.TRADING, price=Decimal(p)) for n, p in prices)
    return Market(ref, None, f"Market {ref}", MarketStatus.OPEN, type_id, f"Type {type_id}", in_play=True, selections=selections)


@pytest.fixture
def pair() -> Pair:
    wire, second = (
        Source.objects.create(slug=slug, provider="updategram", name=slug, coverage_expected=False, created_at=db.now())
        for slug in ("wire", "second")
    )
    tennis = Sport.objects.get(slug="tennis")
    return Pair(wire, second, tell(wire, "500", "71", "72"), tell(second, "9", "h1", "a1"), add_bookmaker("Alpha", tennis))


def test_the_system_proposes_and_a_trader_confirms_by_ids(pair: Pair) -> None:
    (proposed,) = selector.listing(pair.alpha.pk).pairs
    assert (proposed.fixture.id, proposed.other.id, proposed.proposal.team_a_home) == (pair.fixture.pk, pair.twin.pk, True)
    before = pair.revisions()
    made = pair.link()
    assert (made.fixture_home, made.fixture_away, made.other_home, made.other_away) == (["71"], ["72"], ["h1"], ["a1"])
    listing = selector.listing(pair.alpha.pk)
    assert (listing.pairs, [row.fixture.id for row in listing.linked]) == ((), [pair.fixture.pk])
    assert [after > old for after, old in zip(pair.revisions(), before, strict=True)] == [True, True]
    assert AuditRecord.objects.get(action="fixtures linked").fixture_id == pair.fixture.pk


def test_crossed_sides_are_proposed_as_crossed(pair: Pair) -> None:
    tell(pair.other, "9", "h1", "a1", crossed=True)
    (proposed,) = selector.listing(pair.alpha.pk).pairs
    assert proposed.proposal.team_a_home is False


def test_without_a_choice_every_group_is_taken_from_the_leading_feed(pair: Pair) -> None:
    assert pair.reasons(pair.twin) == {"full-time": set(), "set-time": set()}
    pair.link()
    assert pair.reasons(pair.fixture) == {"full-time": set(), "set-time": set()}
    assert pair.reasons(pair.twin) == {"full-time": {Code.OTHER_SOURCE}, "set-time": {Code.OTHER_SOURCE}}


def test_staff_choose_the_feed_of_a_group_and_no_group_is_ever_open_at_both(pair: Pair) -> None:
    pair.link()
    before = pair.revisions()
    links.choose(STAFF, pair.fixture.sport_id or 0, "set-time", pair.other.pk)
    assert pair.reasons(pair.fixture) == {"full-time": set(), "set-time": {Code.OTHER_SOURCE}}
    assert pair.reasons(pair.twin) == {"full-time": {Code.OTHER_SOURCE}, "set-time": set()}
    assert all(after > old for after, old in zip(pair.revisions(), before, strict=True))
    assert AuditRecord.objects.get(action="source of a group chosen").after == {"source": "second"}
    links.choose(STAFF, pair.fixture.sport_id or 0, "set-time", None)
    assert pair.reasons(pair.fixture) == {"full-time": set(), "set-time": set()}


def test_a_choice_says_nothing_of_matches_that_its_feed_does_not_know(pair: Pair) -> None:
    third = Source.objects.create(slug="third", provider="updategram", name="third", created_at=db.now())
    pair.link()
    links.choose(STAFF, pair.fixture.sport_id or 0, "set-time", third.pk)
    assert pair.reasons(pair.fixture) == {"full-time": set(), "set-time": set()}


@pytest.mark.parametrize("side", ["wire", "other"])
def test_an_id_that_changes_on_either_side_breaks_it_and_suspends_both(pair: Pair, side: str) -> None:
    pair.link()
    before = pair.revisions()
    tell(pair.wire, "500", "71", "99") if side == "wire" else tell(pair.other, "9", "h1", "z9")
    assert f"feed {'wire' if side == 'wire' else 'second'}" in Link.objects.get().broken_cause
    for fixture in (pair.fixture, pair.twin):
        assert all(Code.LINK in codes for codes in pair.reasons(fixture).values())
    broken = pair.revisions()
    assert all(after > old for after, old in zip(broken, before, strict=True))
    assert AuditRecord.objects.filter(action="link broken").count() == 1
    links.unlink(pair.supervisor(), pair.alpha.pk, pair.twin.pk, "another match")
    assert all(after > old for after, old in zip(pair.revisions(), broken, strict=True))
    assert all(not codes for fixture in (pair.fixture, pair.twin) for codes in pair.reasons(fixture).values())


def test_p4_traders_link_supervisors_unlink_and_only_staff_choose(pair: Pair) -> None:
    viewer = person(3, pair.alpha.pk, Role.VIEWER)
    with pytest.raises(Forbidden):
        links.link(viewer, pair.alpha.pk, pair.fixture.pk, pair.twin.pk)
    pair.link()
    with pytest.raises(Forbidden):
        links.unlink(pair.trader(), pair.alpha.pk, pair.fixture.pk, "wrong")
    with pytest.raises(Refused) as refused:
        links.unlink(pair.supervisor(), pair.alpha.pk, pair.fixture.pk, " ")
    assert refused.value.fields.keys() == {"reason"}
    with pytest.raises(Forbidden):
        links.choose(pair.supervisor(), pair.fixture.sport_id or 0, "set-time", pair.other.pk)


def test_what_cannot_be_one_match_is_refused(pair: Pair) -> None:
    same_feed = tell(pair.wire, "501", "1", "2")
    with pytest.raises(Refused):
        links.link(pair.trader(), pair.alpha.pk, pair.fixture.pk, same_feed.pk)
    Fixture.objects.filter(pk=pair.twin.pk).update(simulated=True)
    Bookmaker.objects.filter(pk=pair.alpha.pk).update(demo=True)
    with pytest.raises(Refused):
        pair.link()


def test_a_fixture_has_one_link_whichever_side_it_is_on(pair: Pair) -> None:
    third = Source.objects.create(slug="third", provider="updategram", name="third", created_at=db.now())
    more = tell(third, "77", "x", "y")
    pair.link()
    for fixture, other in ((pair.twin, more), (more, pair.fixture)):
        with pytest.raises(Conflict):
            links.link(pair.trader(), pair.alpha.pk, fixture.pk, other.pk)


def test_e1_who_linked_and_why_is_for_the_own_people_only(pair: Pair) -> None:
    tennis = Sport.objects.get(slug="tennis")
    beta, gamma = add_bookmaker("Beta", tennis), add_bookmaker("Gamma")
    pair.link()
    (row,) = selector.listing(beta.pk).linked
    assert (row.by, row.why) == ("", "")
    assert selector.listing(gamma.pk).linked == ()
    with pytest.raises(NotFound):
        links.unlink(person(5, gamma.pk, Role.SUPERVISOR), gamma.pk, pair.fixture.pk, "x")


def test_a_choice_names_a_feed_of_prices_and_a_group_in_small_letters(pair: Pair) -> None:
    umpire = Source.objects.create(slug="umpire", provider="tennis", name="umpire", created_at=db.now())
    with pytest.raises(Refused):
        links.choose(STAFF, pair.fixture.sport_id or 0, "set-time", umpire.pk)
    with pytest.raises(Refused):
        links.choose(STAFF, pair.fixture.sport_id or 0, "Set Time", pair.other.pk)
    assert not SourceChoice.objects.exists()
