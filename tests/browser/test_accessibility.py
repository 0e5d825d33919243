"""Every page by axe-core (WCAG 2.2 A and AA), in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Chrome
from tests.browser.provider import Match
from tests.browser.steps import still

pytestmark = pytest.mark.browser
AXE = next(Path(__file__).parent.glob("axe-*/axe.min.js"))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[str]:
    """Each fault with the element it was found in. The script comes over the debugger, so the page's policy stays as it is."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES)
    return [
        f"{v['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("where", ["board", "panel", "fixture", "feeds", "bindings", "links", "account", "sign-in", "help", "views"])
def test_a_page_has_no_fault_that_axe_can_find(chrome: Chrome, match: Match, where: str, theme: str) -> None:
    def steps(page: Page) -> list[str]:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": chrome.base}])
        page.reload()
        go(page, match, where)
        still(page)
        return faults(page)

    assert chrome.run(steps) == []


def go(page: Page, fixture: Match, where: str) -> None:
    row = page.locator("#board-rows tr", has_text=fixture.name)
    match where:
        case "panel":
            row.locator("[data-price]").first.focus()
            page.keyboard.press("Enter")
        case "fixture":
            row.locator(".fz-3 a").click()
            page.wait_for_selector("#markets [data-price]")
            page.locator("[data-price]").first.focus()
            page.keyboard.press("Enter")
        case "help":
            page.keyboard.press("?")
        case "views":
            page.keyboard.press("v")
        case "sign-in":
            page.context.clear_cookies(name="sessionid")
            page.goto(page.url + "sign-in")
        case "feeds" | "bindings" | "links" | "account":
            page.goto(page.url + where)
        case _:
            pass
