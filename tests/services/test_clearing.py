"""A gap is closed once no open market waits for a newer message (promise A5)."""

from __future__ import annotations

import pytest
from django.db import transaction

from markets import db
from markets.domain.messages import Message
from markets.domain.values import MarketStatus
from markets.models import Gap, Source
from markets.services import clearing, ingest, sources
from tests.domain import says

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    made = Source.objects.create(slug="wire", provider="updategram", name="Wire", created_at=db.now())
    apply(made, 0, says.message(says.details(), says.market("7"), says.market("8")))
    return made


def apply(source: Source, kept: float, message: Message) -> None:
    with transaction.atomic():
        ingest.apply(source, [ingest.Incoming(message, says.at(kept), 1)])


def gap(source: Source, **of: object) -> Gap:
    return Gap.objects.get(pk=sources.open_gap(source.pk, "nobody was receiving", at=says.at(10), **of))  # type: ignore[arg-type]


def closed(gap: Gap) -> bool:
    clearing.close_cleared(says.at(60))
    gap.refresh_from_db()
    return gap.closed_at is not None


@pytest.mark.parametrize("fixture_ref", [None, "100"])
def test_a5_a_gap_stays_while_an_open_market_waits_and_closes_after_its_newer_message(source: Source, fixture_ref: str | None) -> None:
    one = gap(source, fixture_ref=fixture_ref)
    apply(source, 20, says.message(says.market("7")))
    assert not closed(one)
    apply(source, 21, says.message(says.market("8")))
    assert closed(one)
    assert one.closed_by == clearing.BY


def test_a_market_that_is_not_open_is_not_waited_for(source: Source) -> None:
    apply(source, 5, says.message(says.market("8", status=MarketStatus.CLOSED)))
    one = gap(source)
    apply(source, 20, says.message(says.market("7")))
    assert closed(one)


def test_b7_a_sticky_gap_is_never_closed_by_messages(source: Source) -> None:
    one = gap(source, sticky=True)
    apply(source, 20, says.message(says.market("7"), says.market("8")))
    assert not closed(one)
