"""What is recorded of a source's life (promises A3–A5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from markets import db
from markets.models import Confirmation, Fixture, Gap, Source, SourceLiveness
from markets.selectors import health
from markets.services import sources

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return Source.objects.create(slug="wire", provider="updategram", name="Wire", created_at=db.now())


def silent_for(source: Source, seconds: float) -> None:
    SourceLiveness.objects.update_or_create(source=source, defaults={"listening_at": db.now() - timedelta(seconds=seconds)})


def test_a5_nobody_receiving_for_over_three_seconds_is_a_gap(source: Source) -> None:
    silent_for(source, 5)
    assert sources.listening(source.pk)
    gap = Gap.objects.get()
    assert gap.cause.startswith("nobody was receiving for 5.")
    assert (gap.fixture_id, gap.sticky) == (None, False)
    assert not sources.listening(source.pk)


@pytest.mark.parametrize("seconds", [0, 2.5])
def test_a5_a_short_silence_of_receivers_is_none(source: Source, seconds: float) -> None:
    silent_for(source, seconds)
    assert not sources.listening(source.pk)
    assert not Gap.objects.exists()


def test_a5_the_first_receiver_ever_finds_no_hole(source: Source) -> None:
    assert not sources.listening(source.pk)
    assert SourceLiveness.objects.get().listening_at is not None


@pytest.mark.django_db(transaction=True)
def test_a5_of_several_receivers_exactly_one_finds_the_hole(source: Source) -> None:
    silent_for(source, 10)

    def receive(_: int) -> bool:
        try:
            return sources.listening(source.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as receivers:
        found = list(receivers.map(receive, range(8)))
    assert (found.count(True), Gap.objects.count()) == (1, 1)


def test_a3_an_older_time_never_replaces_a_newer_one(source: Source) -> None:
    now = db.now()
    sources.heard(source.pk, now)
    sources.heard(source.pk, now - timedelta(seconds=5))
    assert SourceLiveness.objects.get().heard_at == now


def test_a4_a_slow_source_is_marked_with_when_it_may_open(source: Source) -> None:
    sources.register(source)
    until = db.now() + timedelta(seconds=3)
    sources.mark_slow(source.pk, until)
    assert SourceLiveness.objects.get().slow_until == until


def test_a_gap_of_a_fixture_never_seen_makes_its_stub(source: Source) -> None:
    sources.open_gap(source.pk, "unreadable", fixture_ref="100", sticky=True, frame_id=9)
    gap = Gap.objects.get()
    assert gap.fixture_id == sources.ensure_fixture(source.pk, "100") == Fixture.objects.get().pk
    assert (gap.sticky, gap.frame_id, Fixture.objects.get().has_details) == (True, 9, False)


def test_a_gap_is_closed_once(source: Source) -> None:
    gap_id = sources.open_gap(source.pk, "cut off")
    sources.close_gap(gap_id, "Ann", "seen")
    sources.close_gap(gap_id, "Bob", "again")
    gap = Gap.objects.get()
    assert (gap.closed_by, gap.closed_reason, gap.closed_at is not None) == ("Ann", "seen", True)


@pytest.mark.parametrize("ref", [None, "100"])
def test_a5_a_later_gap_takes_the_place_of_the_earlier_one(source: Source, ref: str | None) -> None:
    first, second = (sources.open_gap(source.pk, cause, fixture_ref=ref) for cause in ("one", "two"))
    assert list(Gap.objects.filter(closed_at=None).values_list("pk", flat=True)) == [second]
    assert Gap.objects.get(pk=first).closed_reason == "merged into a later gap"


def test_a5_only_a_gap_that_demands_as_much_takes_anothers_place(source: Source) -> None:
    """Not one of another scope, of a message (its own ways out), that is sticky, or that opened earlier."""
    kept = [
        sources.open_gap(source.pk, "of a fixture", fixture_ref="100"),
        sources.open_gap(source.pk, "of a message", frame_id=7),
        sources.open_gap(source.pk, "of another", frame_id=8),
        sources.open_gap(source.pk, "sticky", sticky=True),
        sources.open_gap(source.pk, "later", at=db.now() + timedelta(seconds=1)),
        sources.open_gap(source.pk, "the last"),
    ]
    assert sorted(Gap.objects.filter(closed_at=None).values_list("pk", flat=True)) == sorted(kept)


def test_a5_who_confirmed_the_earlier_gap_has_not_confirmed_the_later(source: Source) -> None:
    first = Gap.objects.get(pk=sources.open_gap(source.pk, "one"))
    Confirmation.objects.create(source=source, gap=first, at=db.now(), by="Ann")
    sources.open_gap(source.pk, "two")
    (held,) = health.load_health()[source.pk].gaps
    assert not Confirmation.objects.filter(gap_id=held.id).exists()
