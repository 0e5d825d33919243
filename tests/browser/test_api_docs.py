"""The page of the API: everything on it is ours, and nothing in it offends our own policy."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Chrome

pytestmark = pytest.mark.browser


def test_e5_the_api_s_page_shows_every_route_and_asks_nobody_else(chrome: Chrome) -> None:
    def steps(page: Page) -> tuple[int, int]:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        page.locator(".opblock").first.click(timeout=60_000)
        page.get_by_text("match_id", exact=True).first.wait_for()
        assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(chrome.base).netloc}
        document = page.request.get(f"{chrome.base}/api/openapi.json").json()
        return page.locator(".opblock").count(), sum(len(operations) for operations in document["paths"].values())

    shown, described = chrome.run(steps, path="/api/docs")
    assert shown == described
