"""A match that two feeds know: it keeps the number of each, and each says that it is the other too (ADR 0013)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets.domain import messages as m
from markets.domain.values import Role
from markets.models import Fixture, Source, SourceLiveness
from markets.services import links
from markets.services.actor import Actor
from tests.api.conftest import Shop
from tests.api.test_classes import WORLD
from tests.api.test_public import table_tennis
from tests.domain import says


@pytest.fixture
def two(shop: Shop) -> Shop:
    """Match 1 of the shop's feed and match 2 of another's are one match; match 3 is by itself."""
    table_tennis(shop, "1")
    first, other = shop.source, Source.objects.create(slug="second", provider="updategram", name="Second")
    SourceLiveness.objects.create(source=other, heard_at=SourceLiveness.objects.get(source=first).heard_at)
    shop.source = other
    table_tennis(shop, "2")
    shop.source = first
    table_tennis(shop, "3", league=m.Competition("9", "Open", WORLD))
    return shop


def link(shop: Shop) -> None:
    links.link(_ann(shop), shop.alpha.pk, *(Fixture.objects.get(ref=ref).pk for ref in ("1", "2")))


def unlink(shop: Shop) -> None:
    links.unlink(_ann(shop), shop.alpha.pk, Fixture.objects.get(ref="1").pk, "two matches after all")


def _ann(shop: Shop) -> Actor:
    return Actor(id="user:1", name="Ann", user_id=1, roles={shop.alpha.pk: Role.SUPERVISOR}, bookmaker=shop.alpha.pk)


def listed(shop: Shop, path: str = "") -> dict[int, list[int]]:
    rows: list[dict[str, Any]] = shop.owner.get(path or f"/bookmaker/{shop.alpha.pk}/table-tennis/matches").json()
    return {row["match_id"]: row["linkedMatchIds"] for row in rows}


@pytest.mark.parametrize("path", ["", "/table-tennis"])
def test_both_numbers_are_listed_and_each_names_the_other(two: Shop, path: str) -> None:
    assert listed(two, path) == {1: [], 2: [], 3: []}
    link(two)
    assert listed(two, path) == {1: [2], 2: [1], 3: []}
    unlink(two)
    assert listed(two, path) == {1: [], 2: [], 3: []}


def test_both_stay_readable_and_a_group_is_open_under_one_of_them_only(two: Shop) -> None:
    link(two)
    one, other = (two.match(sport="table-tennis", match=match) for match in (1, 2))
    assert (one["linkedMatchIds"], other["linkedMatchIds"]) == ([2], [1])
    prices = [body["odds"]["fullTime"]["match-result"]["runner-1"] for body in (one, other)]
    assert [price["suspended"] for price in prices] == [False, True]
    assert prices[1]["reasons"][0].startswith("other-source: ")


def test_a_link_changes_what_is_renewed_by_304(two: Shop) -> None:
    path = two.path(sport="table-tennis", match=1)
    before = two.owner.get(path)["ETag"]
    link(two)
    assert two.owner.get(path, If_None_Match=before).status_code == 200


def test_a_link_whose_competitors_changed_is_the_same_match_until_somebody_unlinks_it(two: Shop) -> None:
    link(two)
    two.says(says.details(sport="269467", name="Others v Else"), fixture="1")
    assert listed(two)[2] == [1]


def test_the_list_asks_no_more_for_linked_matches(two: Shop) -> None:
    with CaptureQueriesContext(connection) as alone:
        listed(two)
    link(two)
    with CaptureQueriesContext(connection) as linked:
        listed(two)
    assert len(alone) == len(linked)
