"""A real desk in a process of its own, a real provider, a real Chromium.

Playwright's blocking API keeps a loop in its thread, so the browser lives in a worker thread and tests hand it their steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, StorageState, sync_playwright

from tests.browser.prepare import PASSWORD
from tests.browser.provider import Match, Provider
from tests.cluster import free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET = "browser-test-feed-secret-0001"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
CLOSE_SECONDS = 10
T = TypeVar("T")


class Desk:
    """A running ``manage.py desk`` on a data directory of its own; ``commands`` of ``manage.py`` are run before it starts."""

    def __init__(self, home: Path, commands: Sequence[Sequence[str]] = (), **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        scaled = ("DATABASE_URL", "REDIS_URL", "DESK_SIMULATE", "HOST", "PORT")
        kept = {k: v for k, v in os.environ.items() if k not in scaled and not k.startswith(("DESK_", "DJANGO_"))}
        self.env = kept | {"DESK_DATA_DIR": str(home), "DESK_SIMULATE": "0", "PORT": str(self.port), "HOST": "127.0.0.1"} | environment
        self.home = home
        self.log = home / "desk.log"
        self._run(["-m", "tests.browser.prepare", SECRET])
        for command in commands:
            self._run(["manage.py", *command])
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "manage.py", "desk"], cwd=ROOT, env=self.env, stdout=log, stderr=log)
        self._wait()

    def _run(self, args: Sequence[str]) -> None:
        done = subprocess.run([sys.executable, *args], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr

    def _wait(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/sign-in", timeout=5):
                return
            time.sleep(0.2)
        raise TimeoutError(self.log.read_text(errors="replace"))

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()


class Chrome:
    """One Chromium, driven from its own thread."""

    def __init__(self, browser: Browser, worker: ThreadPoolExecutor, base: str) -> None:
        self.browser, self.worker, self.base = browser, worker, base
        self._sessions: dict[str, StorageState] = {}

    def run(self, steps: Callable[[Page], T], user: str = "alice", path: str = "/") -> T:
        """``steps`` with a signed-in page at ``path``; anything wrong in the console fails the test."""
        return self.worker.submit(self._steps, steps, user, path).result(110)

    def _steps(self, steps: Callable[[Page], T], user: str, path: str) -> T:
        context = self.browser.new_context(viewport={"width": 1680, "height": 950}, storage_state=self._sessions.get(user))
        wrong: list[str] = []
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_wrong(said) else None)
        try:
            page.goto(self.base + path)
            if "/sign-in" in page.url:  # nobody was yet, or has signed out since
                sign_in(page, self.base, user, path)
                self._sessions[user] = context.storage_state()
            arrived(page, path)
            done = steps(page)
        finally:
            _close(context)
        assert wrong == []
        return done


def _close(context: BrowserContext) -> None:
    """Playwright waits for ever where a page went away while a socket of it was being routed; everything else of it has a limit."""
    with contextlib.suppress(asyncio.TimeoutError):
        context._sync(asyncio.wait_for(context._impl_obj.close(None), CLOSE_SECONDS))


def _is_wrong(said: ConsoleMessage) -> bool:
    """A refused command is an answer, not a fault, though browsers log its status."""
    return said.type == "error" and "Failed to load resource" not in said.text


def sign_in(page: Page, base: str, user: str, path: str) -> None:
    page.goto(f"{base}/sign-in?next={path}")
    page.fill("[name=username]", user)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}{path}")
    arrived(page, path)


def arrived(page: Page, path: str) -> None:
    if path == "/":
        page.wait_for_selector("#connection.ok")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    running = Desk(tmp_path_factory.mktemp("desk"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def provider(desk: Desk) -> Iterator[Provider]:
    speaking = Provider(f"{desk.url}/feeds/updategram/test", SECRET, desk.home)
    speaking.post("Heartbeat", b"")
    with speaking.beating():
        yield speaking


@pytest.fixture(scope="session")
def chrome(desk: Desk) -> Iterator[Chrome]:
    path = shutil.which("chromium") or "/usr/bin/chromium"
    worker = ThreadPoolExecutor(1)

    def launch() -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(executable_path=path, args=ARGS)

    playwright, browser = worker.submit(launch).result(60)
    try:
        yield Chrome(browser, worker, desk.url)
    finally:
        worker.submit(browser.close).result(30)
        worker.submit(playwright.stop).result(30)
        worker.shutdown()


@pytest.fixture
def match(provider: Provider) -> Match:
    """A match of its own for each test, known to the desk."""
    return introduced(provider)


_numbers = iter(range(1, 10_000))


def introduced(provider: Provider, markets: int = 1) -> Match:
    number = next(_numbers)
    made = Match(number, f"Northgate {number}", f"Harbour {number}", markets)
    provider.introduce(made)
    return made
