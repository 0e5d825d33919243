"""What the tests of the pages do again and again, and where they find what they look at."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.provider import Match


def row(page: Page, match: Match) -> Locator:
    return page.locator("#board-rows tr", has_text=match.name)


def first_price(page: Page, match: Match) -> Locator:
    """On the board."""
    return row(page, match).locator("[data-price]").first


def told(page: Page, cell: Locator) -> None:
    """Until the socket has told of the price, which came with the page."""
    while not page.evaluate("id => Boolean(window.live.cell(id.slice(2)))", cell.get_attribute("id")):
        page.wait_for_timeout(100)


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
