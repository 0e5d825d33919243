"""Whether what is served is what the feeds said, and what may be missing (000 "The frontend also loads … /verify")."""

from __future__ import annotations

from typing import Any

import pytest

from markets import db
from markets.domain.values import Scope
from markets.models import Fixture, Gap, Selection
from markets.services import holds, sources
from markets.services.actor import of_command
from tests.api.conftest import Shop
from tests.domain import says


def verified(shop: Shop) -> dict[str, Any]:
    answer = shop.owner.get(shop.path("verify"))
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_whole_match_of_a_healthy_feed_is_verified(shop: Shop) -> None:
    fixture = shop.fixture()
    found, served = verified(shop), shop.match()
    assert list(found) == ["matchId", "sport", "verified", "revision", "stateHash", "checkedAt", "problems"]
    assert (found["matchId"], found["sport"], found["verified"], found["problems"]) == (100, "football", True, [])
    assert (found["revision"], found["stateHash"]) == (fixture.revision, served["stateHash"])
    assert found["checkedAt"].endswith("Z")


def test_what_was_changed_behind_the_desk_is_found(shop: Shop) -> None:
    shop.fixture()
    shop.match()
    row = Selection.objects.get(key="runner-1")
    Selection.objects.filter(pk=row.pk).update(facts={**row.facts, "price": "9.99"})
    found = verified(shop)
    assert (found["verified"], found["problems"]) == (False, ["hash: the stored facts give another hash than the one that is served"])
    assert found["stateHash"] != shop.match()["stateHash"]


def test_a_lapsed_lease_is_a_problem_in_words(shop: Shop) -> None:
    shop.fixture()
    shop.silence(26)
    found = verified(shop)
    assert (found["verified"], found["problems"]) == (False, ["lease: feed wire silent for over 25 s"])


def test_a_gap_is_a_problem_until_every_market_made_it_good(shop: Shop) -> None:
    shop.fixture("100", says.market("7"), says.market("8"))
    sources.open_gap(shop.source.pk, "cut off")
    shop.says(says.market("7"))
    assert verified(shop)["problems"] == ["gap: something may have been missed: cut off"]
    shop.says(says.market("8"))
    assert verified(shop)["verified"] is True


def test_a_gap_of_a_match_without_markets_is_told_too(shop: Shop) -> None:
    shop.says(says.details())
    sources.open_gap(shop.source.pk, "cut off")
    assert verified(shop)["problems"] == ["gap: something may have been missed: cut off"]


def test_a_quarantined_message_is_a_problem(shop: Shop) -> None:
    fixture = shop.fixture()
    Gap.objects.create(source=shop.source, fixture=fixture, opened_at=db.now(), cause="message x cannot be read", sticky=True)
    assert verified(shop)["problems"] == ["quarantine: message x cannot be read"]


def test_what_people_hold_is_no_problem(shop: Shop) -> None:
    shop.fixture()
    holds.suspend(of_command(), shop.alpha.pk, Scope.FIXTURE, str(Fixture.objects.get().pk))
    assert verified(shop)["verified"] is True


@pytest.mark.parametrize("tail", ["verify", "override"])
def test_e1_a_foreign_match_and_one_that_never_was_answer_alike(shop: Shop, tail: str) -> None:
    shop.fixture()
    foreign = shop.other.get(shop.path(tail), X_Request_Id="r")
    never = shop.other.get(shop.path(tail, of=shop.beta, match=7), X_Request_Id="r")
    assert (foreign.status_code, foreign.content) == (404, never.content)
