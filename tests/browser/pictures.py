"""Take the pictures of ``docs/img`` anew: ``python -m tests.browser.pictures [URL of a running demonstration]``.

Without a URL a desk is started on an empty data directory and plays its simulators for six minutes, so that graphs and strips are filled.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.cluster import free_port

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "img"
SIZE = (1680, 950)
PLAYED_SECONDS = 360
SETTLE_MS = 4000
SIGN_IN = ("demo-supervisor", "demo-desk-1")
PAGES = (
    ("board-light", "/", "light"),
    ("board-dark", "/", "dark"),
    ("fixture-dark", "tennis", "dark"),
    ("fixture-light", "tennis", "light"),
    ("feeds-dark", "/feeds", "dark"),
)
_TENNIS = (
    "rows => rows.filter(r => / ?[0-9]+:[0-9A]+/.test(r.querySelector('[data-cell=score]')?.textContent || '')).map(r => r.id.slice(2))"
)


def main() -> None:
    with contextlib.ExitStack() as stack:
        url = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else stack.enter_context(_demonstration())
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        _take(browser, url)
        browser.close()


def _take(browser: Browser, url: str) -> None:
    width, height = SIZE
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    _sign_in(page, url)
    tennis = _tennis(page)
    for name, path, theme in PAGES:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.goto(url + (tennis if path == "tennis" else path))
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=OUT / f"{name}.png")
        print(f"{name}.png")


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("[name=username]", SIGN_IN[0])
    page.fill("[name=password]", SIGN_IN[1])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")


def _tennis(page: Page) -> str:
    """The page of a tennis fixture whose match is told point by point, with an override of its first price."""
    page.wait_for_selector("#board-rows tr")
    page.wait_for_timeout(SETTLE_MS)
    path = f"/fixture/{page.eval_on_selector_all('#board-rows tr', _TENNIS)[0]}"
    page.goto(page.url.rstrip("/") + path)
    page.wait_for_selector("#markets [data-price]")
    page.locator("#markets [data-price]").first.focus()
    page.keyboard.press("Enter")
    page.locator("#override [name=through_points]").check()
    page.fill("#override-reason", "seen on court")
    page.keyboard.press("Enter")
    page.wait_for_timeout(SETTLE_MS)
    return path


@contextlib.contextmanager
def _demonstration() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        env = os.environ | {"DESK_DATA_DIR": home, "DESK_SIMULATE": "1", "HOST": "127.0.0.1", "PORT": str(port)}
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
        desk = subprocess.Popen([sys.executable, "manage.py", "desk"], cwd=ROOT, env=env)
        try:
            yield _ready(f"http://127.0.0.1:{port}", desk)
        finally:
            desk.send_signal(signal.SIGINT)
            desk.wait(20)


def _ready(url: str, desk: subprocess.Popen[bytes]) -> str:
    """Once it answers, and has played for a while."""
    for _ in range(120):
        if desk.poll() is not None:
            sys.exit("the desk ended")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/sign-in", timeout=5):
            break
        time.sleep(0.5)
    print(f"playing for {PLAYED_SECONDS} s …")
    time.sleep(PLAYED_SECONDS)
    return url


if __name__ == "__main__":
    main()
