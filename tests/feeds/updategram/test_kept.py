"""What the reader says, seen from the store: documents as they come out of the inbox."""

from __future__ import annotations

import pytest

from markets.models import Fixture, Gap, Market, Selection
from tests.feeds import frames

from .building import HEADER, fixture, market, market_set, sample, selection, updategram

pytestmark = pytest.mark.django_db


def test_it_applies_a_heartbeat_dressed_as_an_updategram_to_nothing() -> None:
    body = updategram(header=HEADER.replace("<Retry>", "<IsHeartbeat>true</IsHeartbeat><Retry>"))
    (row,) = frames.send(frames.feed(), body)
    assert (row.outcome, row.fixture_ref) == ("applied", "")
    assert (Fixture.objects.count(), Gap.objects.count()) == (0, 0)


def test_b7_a_message_about_two_fixtures_holds_both() -> None:
    (row,) = frames.send(frames.feed(), updategram(market_set(market()), fixture()))
    assert (row.outcome, row.fixture_ref) == ("quarantined", "")
    assert "several fixtures" in row.reason
    assert sorted(Gap.objects.values_list("fixture__ref", flat=True)) == ["3476056", "5235368"]


def test_it_stores_both_documents_and_the_markets_of_003() -> None:
    source = frames.feed()
    names = (
        "fixture-football",
        "fixture-tennis",
        "fragment-1686-match-result",
        "fragment-1855-game-score.repaired",
        "match-state-football",
    )
    rows = frames.send(source, *(sample(name) for name in names))
    assert {row.outcome for row in rows} == {"applied"}
    assert Fixture.objects.get(ref="5235368").home_name == "Olympique Marseille"
    assert Fixture.objects.get(ref="5293414").sport.slug == "tennis"  # type: ignore[union-attr]  # it has one
    assert set(Market.objects.values_list("ref", flat=True)) == {"100001331/0", "100001359/9"}
    assert Selection.objects.filter(price__isnull=False).count() == 5


@pytest.mark.parametrize("name", ["fragment-1937-market.broken", "fragment-2622-coverage.broken"])
def test_b3_a_broken_fragment_is_quarantined_with_its_line_and_the_repaired_one_applied(name: str) -> None:
    source = frames.feed()
    broken, repaired = frames.send(source, sample(name), sample(name.replace(".broken", ".repaired")))
    assert broken.outcome == "quarantined"
    assert broken.reason.startswith("line ")
    assert (repaired.outcome, repaired.fixture_ref) == ("applied", broken.fixture_ref)


def test_it_stores_the_longest_texts_and_numbers_that_it_reads() -> None:
    longest = "é" * 400
    body = updategram(
        fixture(f"<AssociationFixtureId>{longest}</AssociationFixtureId>", "3476056").replace("A v B", longest),
        market_set(
            market(selection("<Numerator>999000</Numerator><Denominator>1000</Denominator><Decimal>1000.0000000001</Decimal>", "9" * 18))
            .replace("Match Result", longest)
            .replace("<Handicap", "")
        ),
    )
    (row,) = frames.send(frames.feed(), body)
    assert row.outcome == "applied"
