"""A match's connection that is lost or heard again is audited where it holds prices open (F1; decision O2)."""

from __future__ import annotations

import pytest

from markets import db
from markets.models import AuditRecord, Fixture, PointLiveness, Source
from markets.services import pointlife

pytestmark = pytest.mark.django_db
REFS = ("2450840", "2450841")


def feed(provider: str) -> Source:
    source = Source.objects.create(slug=provider, provider=provider, name=provider)
    for ref in REFS:
        Fixture.objects.create(source=source, ref=ref, name=f"Match {ref}", changed_at=db.now())
    return source


def told(source: Source, *states: str, words: str = "") -> None:
    lives = [
        pointlife.Life(source.pk, ref, db.now(), state, words, None, 0, 0, 10.0, db.now()) for ref, state in zip(REFS, states, strict=False)
    ]
    pointlife.record(lives, [source.pk])


def audited() -> list[tuple[str, str, str]]:
    rows = AuditRecord.objects.order_by("pk")
    return [(row.action, row.object_words, row.reason) for row in rows]


def test_f1_a_loss_and_its_end_have_one_record_each_of_that_match_alone() -> None:
    source = feed("odds360")
    told(source, "connecting", "connecting")
    told(source, "live", "live")
    assert audited() == []
    told(source, "lost", "live", words="silent for too long")
    told(source, "lost", "live", words="silent for too long")
    told(source, "live", "live")
    assert audited() == [("match silent", "Match 2450840", "silent for too long"), ("match heard", "Match 2450840", "")]
    assert [(row.before, row.after) for row in AuditRecord.objects.order_by("pk")] == [
        ({"connection": "live"}, {"connection": "lost"}),
        ({"connection": "lost"}, {"connection": "live"}),
    ]


def test_the_end_of_a_match_is_no_loss() -> None:
    source = feed("odds360")
    told(source, "live")
    told(source, "ended")
    assert audited() == []


def test_a_point_feed_has_records_of_its_own() -> None:
    source = feed("tennis")
    told(source, "live")
    told(source, "lost")
    assert audited() == []
    assert PointLiveness.objects.get().state == "lost"
