"""A whole simulated match from a raw log (B6): what its points and prices leave behind, by value."""

from __future__ import annotations

from collections import Counter
from io import StringIO

import msgspec
import pytest
from django.core.management import call_command

from feeds.models import Frame
from markets.domain.sports.tennis import Games, Tennis
from markets.domain.values import Phase
from markets.models import Fixture, Gap, PointState, TimelineEntry
from tests.feeds.tennis.tapes.record import EVENT, TAPE
from tests.feeds.test_tape import wipe

pytestmark = pytest.mark.django_db


def replayed() -> str:
    """The feed hashes, as it prints them."""
    out = StringIO()
    call_command("replay", TAPE, stdout=out)
    return out.getvalue()


def test_b6_a_whole_match_replays_to_its_end_and_every_frame_of_it_has_an_outcome() -> None:
    first = replayed()
    assert_the_match_is_over()
    assert_books_balance()
    assert_the_timeline_tells_what_went_wrong()
    prices = Fixture.objects.get(source__slug="prices")
    assert (prices.sport.slug if prices.sport else "", prices.phase) == ("tennis", Phase.FINISHED)
    wipe()
    assert replayed() == first


def assert_the_match_is_over() -> None:
    match = msgspec.convert(PointState.objects.get(fixture__ref=EVENT).state, Tennis)
    assert (match.applied, match.ended, match.outcome, match.unknown) == (262, True, "finished", "")
    assert match.score.previous == (Games(3, 6), Games(1, 6))
    assert (match.card.team_a[0].name, match.card.team_a[0].id, match.card.court) == ("J. CORVINO", "C2CG", "9")


def assert_books_balance() -> None:
    """B5."""
    outcomes = Counter(Frame.objects.values_list("source__slug", "outcome"))
    assert outcomes == {("umpire", "applied"): 262 + 5, ("umpire", "duplicate"): 1, ("prices", "applied"): 160}
    assert not Gap.objects.filter(closed_at=None).exists()


def assert_the_timeline_tells_what_went_wrong() -> None:
    lines = TimelineEntry.objects.filter(fixture__ref=EVENT)
    assert Counter(lines.exclude(delay="").values_list("delay", flat=True)) == {"DELAYED": 3, "RECONSTRUCTED": 6}
    assert lines.filter(mark="alarm").count() == 3
    assert lines.filter(mark="undo").count() >= 2
    assert not lines.filter(mark__in=["gap", "unknown"]).exists()
