"""From an umpire's PointStarted until a headless Chromium has drawn every cell of the fixture's page suspended (embedded, under load)."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.figure import Figure, percentile
from bench.point import load
from tests.promises.courtside import Courtside, courtside
from tests.promises.town import Prepared

ROUNDS = 60
RATE = 20
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
WATCH = """() => {
  const open = () => document.querySelector('[data-price][data-s="open"], [data-price][data-s="override"]') !== null;
  let was = open();
  window.closedAt = 0;
  new MutationObserver(() => {
    const is = open();
    if (was && !is) requestAnimationFrame(() => setTimeout(() => { window.closedAt = performance.timeOrigin + performance.now(); }));
    was = is;
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-s"] });
}"""
OPEN = '[data-price][data-s="open"]'


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as side:
        prepared = Prepared(Path(home))
        try:
            with courtside(Path(side), prepared, LOG_LEVEL="WARNING") as scene, load(scene, RATE):
                took = _measure(scene)
        finally:
            prepared.place.drop()
    name = f"PointStarted to every cell drawn suspended in Chromium at {RATE} MarketSets/s"
    return [
        Figure(f"{name}, p50", percentile(took, 0.5) * 1000, "ms", "≤ 50"),
        Figure(f"{name}, p99", percentile(took, 0.99) * 1000, "ms", "≤ 50"),
    ]


def _measure(scene: Courtside) -> list[float]:
    session = scene.town.person("alpha-trader").session
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=ARGS)
        context = browser.new_context(viewport={"width": 1680, "height": 950})
        context.add_cookies([{"name": "sessionid", "value": session, "url": scene.town.url}])
        page = context.new_page()
        page.goto(f"{scene.town.url}/fixture/{scene.match.row()}")
        page.wait_for_selector(OPEN)
        page.evaluate(WATCH)
        took = [_point(scene, page) for _ in range(ROUNDS)]
        browser.close()
    return took


def _point(scene: Courtside, page: Page) -> float:
    """Seconds by the machine's clock, which browser and umpire share."""
    page.evaluate("window.closedAt = 0")
    began = scene.court.start_point()
    sent = time.time() - (time.monotonic() - began)
    while not (closed := float(page.evaluate("window.closedAt")) / 1000):
        page.wait_for_timeout(20)
    scene.court.score()
    scene.reopen()
    page.wait_for_selector(OPEN)
    return closed - sent
