"""A foreign page that uses a trader's browser changes nothing and runs nothing (promise E5)."""

from __future__ import annotations

import re

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.promises.crawl import crawl
from tests.promises.town import Match, Person, Town

EVIL = "https://evil.example"
_INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=[\"']application/json)[^>]*>|<style\b|\s(?:on[a-z]+|style)\s*=\s*[\"']", re.IGNORECASE
)


def commands(match: Match) -> dict[str, dict[str, object]]:
    row, selection = match.row(), match.selection_row()
    return {
        "/do/panic": {},
        "/do/suspend": {"scope": "fixture", "target": row},
        "/do/override": {"selection": selection, "kind": "price", "value": "2.05", "seconds": 60, "reason": "x"},
        "/do/override/confirm": {"selection": selection, "point_ended": 0},
        "/do/bind": {"fixture": row, "points": row, "team_a": "home"},
        "/do/unbind": {"fixture": row},
        "/do/confirm": {"fixture": row},
        "/choose-bookmaker": {"bookmaker": match.town.beta.id},
        "/watch": {"fixture": row},
        "/account": {"old_password": "x", "new_password1": "a-new-password-1", "new_password2": "a-new-password-1"},
        "/sign-out": {},
    }


def state(town: Town, match: Match) -> tuple[object, ...]:
    """What a command would leave behind."""
    audited = town.place.rows("SELECT COUNT(*) FROM markets_auditrecord WHERE via NOT IN ('feed', 'clock')")
    held = town.place.rows("SELECT COUNT(*) FROM markets_hold")
    return audited, held, match.read()["override"], match.open()


@pytest.mark.parametrize("htmx", [False, True])
def test_e5_a_foreign_origin_changes_nothing_by_form_or_htmx(town: Town, htmx: bool) -> None:
    match, trader = town.match(), town.person("alpha-trader")
    before = state(town, match)
    sent = {"Origin": EVIL, "Referer": f"{EVIL}/page"} | ({"HX-Request": "true", "HX-Current-URL": EVIL} if htmx else {})
    for path, data in commands(match).items():
        for token in ("", trader.http.cookies["csrftoken"]):
            answer = trader.post(path, data, **{**sent, "X-CSRFToken": token})
            assert answer.status_code == 403, path
            assert trader.http.get(path if path in {"/account"} else "/").status_code == 200
    staff = town.person("alpha-staff")
    for path in ("/admin/markets/bookmaker/add/", "/admin/auth/user/add/", "/admin/logout/"):
        assert staff.post(path, {"name": "evil"}, **sent).status_code == 403
    group, key = match.odd_key(match.selections[0])
    patched = trader.http.patch(f"{match.path()}/{group}", json={"oddKey": key, "suspended": True, "durationSeconds": 60}, headers=sent)
    assert patched.status_code == 403
    assert state(town, match) == before


def test_e5_a_foreign_page_may_not_read_by_cookie_either(town: Town) -> None:
    trader = town.person("alpha-trader")
    answer = trader.http.get(town.match().path(), headers={"Origin": EVIL})
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers
    assert "SameSite=Lax" in town.http.post("/sign-in").headers.get("set-cookie", "SameSite=Lax")


@pytest.mark.parametrize("origin", [EVIL, "null", "http://127.0.0.1.evil.example", ""])
def test_e5_a_foreign_origin_gets_no_socket(town: Town, origin: str) -> None:
    cookie = {"Cookie": f"sessionid={town.person('alpha-trader').session}"}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{town.web.port}/live/ws/board", additional_headers=cookie, origin=Origin(origin) if origin else None),
    ):
        pass
    assert refused.value.response.status_code == 403


def all_pages(person: Person) -> dict[str, str]:
    pages = {}
    for path, answer in crawl(person.http).items():
        assert answer.status_code < 500, path
        if "text/html" in answer.headers.get("content-type", ""):
            policy = answer.headers.get("content-security-policy", "")
            assert "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
            pages[path] = answer.text
    return pages


@pytest.mark.parametrize("name", ["alpha-trader", "alpha-staff"])
def test_e5_no_page_allows_or_needs_anything_inline(town: Town, name: str) -> None:
    town.match()
    pages = all_pages(town.person(name))
    assert len(pages) > (30 if name == "alpha-staff" else 8), sorted(pages)
    for path, text in pages.items():
        found = _INLINE.search(text)
        assert found is None, f"{path}: {text[max(0, found.start() - 80) : found.end() + 80]}"
