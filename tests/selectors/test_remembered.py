"""What the feeds said is remembered by revision; what is open is worked out anew each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from markets.models import Fixture, SourceLiveness
from markets.selectors import offer
from markets.selectors.offer import Offer
from tests.api.conftest import Shop, make
from tests.domain import says

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "read"])


@pytest.fixture
def stocked() -> Shop:
    shop = make()
    shop.fixture("100", *(says.market(str(n)) for n in range(3)))
    return shop


def reads(ask: Callable[[], Offer]) -> tuple[Offer, int]:
    with CaptureQueriesContext(connection) as asked:
        found = ask()
    return found, sum(query["sql"].startswith("SELECT") for query in asked)


def asked(shop: Shop) -> Offer:
    fixture = Fixture.objects.get(ref="100").pk
    return offer.offers(shop.alpha.pk, [fixture])[fixture]


def price(found: Offer) -> str:
    return str(found.published[0].selections[0].price)


def test_an_unchanged_fixture_is_not_read_again_and_is_the_same(stocked: Shop) -> None:
    (first, many), (second, fewer) = reads(lambda: asked(stocked)), reads(lambda: asked(stocked))
    assert second.snapshot is first.snapshot
    assert fewer == many - 1
    assert [m.key for m in second.published] == [m.key for m in first.published]


def test_whatever_changes_is_read_anew(stocked: Shop) -> None:
    first = asked(stocked)
    stocked.says(says.market("0", says.selection("1", "2.50"), says.selection("2")))
    second = asked(stocked)
    assert (price(first), price(second)) == ("2.00", "2.50")
    assert second.revision == first.revision + 1


def test_a3_the_gate_is_never_remembered(stocked: Shop) -> None:
    assert asked(stocked).published[0].tradable
    SourceLiveness.objects.all().delete()
    assert not asked(stocked).published[0].tradable


def test_what_may_still_be_undone_is_not_remembered(stocked: Shop) -> None:
    with transaction.atomic():
        stocked.says(says.market("0", says.selection("1", "9.00"), says.selection("2")))
        assert price(asked(stocked)) == "9.00"
        transaction.set_rollback(True)
    assert price(asked(stocked)) == "2.00"
    stocked.says(says.market("0", says.selection("1", "2.20"), says.selection("2")))
    assert price(asked(stocked)) == "2.20"


def test_a_row_that_took_the_place_of_another_is_not_taken_for_it(stocked: Shop) -> None:
    before = Fixture.objects.values().get(ref="100")
    assert asked(stocked).snapshot.name == "Ajax v PSV"
    Fixture.objects.filter(ref="100").delete()
    Fixture.objects.create(**{**before, "name": "Another", "created_at": before["created_at"]})
    assert Fixture.objects.get(ref="100").created_at != before["created_at"]
    assert asked(stocked).snapshot.name == "Another"
