"""What the tests of the pages do again and again, and where they find what they look at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Locator, Page, expect

from tests.browser.provider import Match

T = TypeVar("T")
CATCHES_UP = 10
"""Seconds in which a page has drawn whatever the desk knows, on a slow machine too."""


def row(page: Page, match: Match) -> Locator:
    return page.locator("#board-rows tr", has_text=match.name)


def first_price(page: Page, match: Match) -> Locator:
    """On the board."""
    return row(page, match).locator("[data-price]").first


def told(page: Page, cell: Locator) -> None:
    """Until the socket has told of the price, which came with the page."""
    comes(page, f"Boolean(window.live.cell('{cell.get_attribute('id')}'.slice(2)))")


def open_fixture(page: Page, match: Match) -> Locator:
    """From the board to the fixture's page; its first price."""
    row(page, match).locator(".fz-3 a").click()
    page.wait_for_selector("#markets [data-price]")
    return page.locator("#markets [data-price]").first


def override(page: Page, cell: Locator, value: str, seconds: int | None = None) -> None:
    """Typed into the panel and applied; returns when the cell shows it."""
    cell.focus()
    page.keyboard.press("Enter")
    page.fill("#override-value", value)
    if seconds is not None:
        page.fill("#override-seconds", str(seconds))
    page.keyboard.press("Enter")
    expect(cell).to_have_attribute("data-s", "override")
    expect(cell.locator("span")).to_have_text(value)
    expect(page.locator("#panel:not([hidden]) #override-value:enabled")).to_have_count(0)  # gone on the board, at rest on a fixture's page


def comes(page: Page, true: str, seconds: float = CATCHES_UP) -> None:
    """Until that is true on the page, as its own policy lets nobody wait inside it."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(20)


def same_as_afresh(page: Page, look: Callable[[Page], T]) -> None:
    """What frames have made of the page is what it is when it is loaded anew (D3). The desk knows all of it by now."""
    fresh = page.context.new_page()
    fresh.goto(page.url)
    fresh.wait_for_selector("#connection.ok")
    deadline = time.monotonic() + CATCHES_UP
    while (pushed := look(page)) != (afresh := look(fresh)) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    fresh.close()
    assert pushed == afresh


def seen(page: Page, cell: Locator) -> None:
    """The page notes from now on how the price is painted, in ``window.seen``."""
    page.evaluate(
        """id => { window.seen = []; new MutationObserver(() => seen.push(document.getElementById(id).dataset.s))
           .observe(document.getElementById(id), {attributes: true}); }""",
        cell.get_attribute("id"),
    )


def still(page: Page) -> None:
    """Until every part has come and nothing moves by style any more: axe would judge a colour between two."""
    comes(page, "!document.getAnimations().length && !document.querySelector('.htmx-request')")
