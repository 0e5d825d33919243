"""How often a key may ask, and from which web pages it may be used (decision O5)."""

from __future__ import annotations

import threading

import pytest

from markets.models import ApiKey, AuditRecord
from markets.services import bookmakers, rates
from markets.services.actor import of_command
from markets.services.errors import Refused
from tests.api.conftest import HOME, Caller, Shop, key_of
from tests.processes import until
from tests.services.world import facts_of

PAGE = "https://shop.example"


def statuses(caller: Caller, path: str, times: int) -> list[int]:
    return [caller.get(path).status_code for _ in range(times)]


def test_a_key_that_asks_too_often_is_told_when_to_ask_again(shop: Shop) -> None:
    path = f"/bookmaker/{shop.alpha.pk}"
    bookmakers.update(of_command(), shop.alpha.pk, requests_per_second=2)
    refused = next(answer for answer in (shop.owner.get(path) for _ in range(1000)) if answer.status_code != 200)
    assert (refused.status_code, refused["Retry-After"], refused.json()["error"]) == (429, "1", "too-many")
    assert refused.json()["detail"] == "more than 2 requests in a second: wait 1 s"
    assert until(lambda: shop.owner.get(path).status_code == 200, 10)


def test_each_key_has_a_count_of_its_own(shop: Shop) -> None:
    path = f"/bookmaker/{shop.alpha.pk}"
    second = key_of(shop.alpha.pk)
    bookmakers.update(of_command(), shop.alpha.pk, requests_per_second=1)
    assert 429 in statuses(shop.owner, path, 50)
    assert second.get(path).status_code == 200


def test_of_many_at_once_no_more_are_counted_in_than_may(shop: Shop) -> None:
    """The count goes on where many ask at once, whoever keeps it."""
    waits: list[int] = []
    threads = [threading.Thread(target=lambda: waits.append(rates.wait_for("many", 5))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0) >= 5
    assert 1 in waits


def test_a_page_of_a_listed_origin_may_read_with_a_key(shop: Shop) -> None:
    shop.fixture()
    bookmakers.update(of_command(), shop.alpha.pk, origins=[PAGE])
    for path in (shop.path(), f"/football?token={shop.owner.token}", shop.path("verify"), shop.path(match=7)):
        answer = shop.owner.get(path, Origin=PAGE)
        assert answer["Access-Control-Allow-Origin"] == PAGE
        assert "X-Valid-For-Ms" in answer["Access-Control-Expose-Headers"]
        assert "Origin" in answer["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer
    renewed = shop.owner.get(shop.path(), Origin=PAGE, If_None_Match=shop.owner.get(shop.path())["ETag"])
    assert (renewed.status_code, renewed["Access-Control-Allow-Origin"]) == (304, PAGE)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://shop.example", "https://shop.example:8443", "null"])
def test_a_page_of_another_origin_may_not(shop: Shop, origin: str) -> None:
    bookmakers.update(of_command(), shop.alpha.pk, origins=[PAGE])
    bookmakers.update(of_command(), shop.beta.pk, origins=["https://elsewhere.example"])
    assert "Access-Control-Allow-Origin" not in shop.owner.get(f"/bookmaker/{shop.alpha.pk}", Origin=origin)


def test_what_a_session_opens_stays_on_our_own_pages(shop: Shop) -> None:
    bookmakers.update(of_command(), shop.alpha.pk, origins=[PAGE])
    assert "Access-Control-Allow-Origin" not in shop.nobody.get(f"/bookmaker/{shop.alpha.pk}", Origin=PAGE)


def test_no_page_elsewhere_may_change_anything(shop: Shop) -> None:
    shop.fixture()
    bookmakers.update(of_command(), shop.alpha.pk, origins=[PAGE])
    body = {"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 60}
    assert "Access-Control-Allow-Origin" not in shop.owner.patch(shop.path("full-time"), body, Origin=PAGE)


def _preflight(shop: Shop, path: str, method: str) -> dict[str, str]:
    answer = shop.nobody.client.options(path, headers={"Origin": PAGE, "Access-Control-Request-Method": method})
    assert (answer.status_code, answer.content) == (204, b"")
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}


def test_e1_a_preflight_says_the_same_of_every_bookmaker(shop: Shop) -> None:
    bookmakers.update(of_command(), shop.alpha.pk, origins=[PAGE])
    said = [_preflight(shop, path, "GET") for path in (shop.path(), shop.path(of=shop.beta), "/bookmaker/x", "/tennis", "/football")]
    assert said[0]["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Authorization" in said[0]["Access-Control-Allow-Headers"]
    assert all(one == said[0] for one in said)
    assert _preflight(shop, shop.path("full-time"), "PATCH") == {}


@pytest.mark.parametrize("origin", ["https://Shop.example", "https://shop.example/", "shop.example", "*", "javascript:alert(1)"])
def test_an_origin_is_listed_as_a_browser_sends_it(shop: Shop, origin: str) -> None:
    with pytest.raises(Refused) as refused:
        bookmakers.update(of_command(), shop.alpha.pk, origins=[origin])
    assert origin in refused.value.fields["origins"]


def test_e2_a_revoked_key_is_refused_before_it_is_counted(shop: Shop) -> None:
    bookmakers.revoke_key(of_command(), ApiKey.objects.get(bookmaker=shop.alpha).pk)
    assert shop.owner.get(f"/bookmaker/{shop.alpha.pk}").status_code == 401


def test_f1_a_change_of_limits_and_origins_is_audited(shop: Shop) -> None:
    before = AuditRecord.objects.count()
    bookmakers.update(of_command(), shop.alpha.pk, requests_per_second=50, origins=[PAGE])
    record = AuditRecord.objects.order_by("-id")[0]
    assert AuditRecord.objects.count() == before + 1
    facts = [facts_of(side) for side in (record.before, record.after)]
    assert [(side["requests_per_second"], side["origins"]) for side in facts] == [("200", []), ("50", [PAGE])]
