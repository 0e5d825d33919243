"""What the page does when the road to it is bad: frames lost, held up or cut off, the person signed out, the computer asleep."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import Chrome
from tests.browser.provider import Match, Provider
from tests.browser.steps import comes, first_price, open_fixture, row, seen, told

pytestmark = pytest.mark.browser
OPEN, SUSPENDED = ("data-s", "open"), ("data-s", "suspended")


class Road:
    """Between the page's sockets and the desk: passes on what ``rewrites`` makes of it, not what it ``loses``, nobody while ``closed``."""

    def __init__(self, page: Page) -> None:
        self.loses: Callable[[str], bool] = lambda text: False
        self.rewrites: Callable[[str], str] = lambda text: text
        self.closed = False
        self.opened = 0
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/live/ws/"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        self.opened += 1
        if self.closed:
            socket.close(code=4503)
            return
        self._sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda text: None if self.loses(str(text)) else socket.send(self.rewrites(str(text))))

    def close(self, code: int = 4503) -> None:
        self.closed = True
        for socket in self._sockets:
            socket.close(code=code)


def is_frame(text: str) -> bool:
    return text.startswith("{") and json.loads(text)["kind"] == "frame"


def travelled(page: Page) -> Road:
    """The page loaded again, with a road in between."""
    road = Road(page)
    page.reload()
    page.wait_for_selector("#connection.ok")
    return road


def move(provider: Provider, match: Match, price: str) -> None:
    match.prices[0][0] = price
    provider.send(match.markets())


def test_d1_a_lost_frame_suspends_everything_until_a_snapshot(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        road = travelled(page)
        lost: list[str] = []
        cell = first_price(page, match)
        expect(cell).to_have_attribute(*OPEN)
        seen(page, cell)

        def once(text: str) -> bool:
            if is_frame(text) and not lost:
                lost.append(text)
                return True
            return False

        road.loses = once
        move(provider, match, "2.11")
        comes(page, "window.seen.includes('suspended')")
        assert lost
        move(provider, match, "2.12")
        expect(cell.locator("span")).to_have_text("2.12", timeout=8000)
        expect(cell).to_have_attribute(*OPEN)
        assert road.opened == 2

    chrome.run(steps)


@pytest.mark.alone
def test_d2_beats_that_do_not_come_suspend_though_the_socket_is_open(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        road = travelled(page)
        cell = first_price(page, match)
        expect(cell).to_have_attribute(*OPEN)
        road.loses = lambda text: True
        expect(cell).to_have_attribute(*SUSPENDED, timeout=3500)
        expect(cell).to_have_attribute("title", "not confirmed by the desk")
        road.loses = lambda text: False
        expect(cell).to_have_attribute(*OPEN, timeout=15_000)

    chrome.run(steps)


def never_tells(kind: str, shown: Locator) -> Callable[[str], str]:
    """What the socket says, without the cell of that element; ``kind`` is fixtures, markets or prices."""
    untold = str(shown.get_attribute("id"))[2:]

    def without(text: str) -> str:
        frame = json.loads(text) if text.startswith("{") else {}
        if kind not in frame:
            return text
        frame[kind].pop(untold, None)
        return json.dumps(frame)

    return without


def test_d2_a_price_that_the_socket_never_tells_of_is_not_left_open(chrome: Chrome, match: Match) -> None:
    """A page may show a fixture that the desk has not told the socket about yet; then the desk may fall silent."""

    def steps(page: Page) -> None:
        cell, other = first_price(page, match), row(page, match).locator("[data-price]").last
        Road(page).rewrites = never_tells("prices", cell)
        page.reload()
        expect(cell).to_have_attribute(*SUSPENDED)
        expect(cell).to_have_attribute("title", "not confirmed by the desk")
        expect(other).to_have_attribute(*OPEN)

    chrome.run(steps)


def test_d2_the_head_of_a_fixture_that_the_socket_never_tells_of_goes_stale(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        shown = row(page, match)
        Road(page).rewrites = never_tells("fixtures", shown)
        page.reload()
        expect(shown.locator("[data-cell=state]")).to_have_text("STALE")
        expect(shown.locator("[data-cell=open]")).to_have_text("0")
        expect(shown.locator("[data-cell=suspended]")).to_have_text("3")

    chrome.run(steps)


def test_d2_a_market_that_the_socket_never_tells_of_is_not_called_open(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        open_fixture(page, match)
        card = page.locator("#markets .market").first
        pill = card.locator("[data-cell=open]")
        expect(pill).to_have_text("OPEN")
        Road(page).rewrites = never_tells("markets", card)
        page.reload()
        expect(pill).to_have_text("SUSP")

    chrome.run(steps)


def test_d1_a_fixture_that_is_told_older_than_it_was_is_suspended_until_it_has_caught_up(
    chrome: Chrome, provider: Provider, match: Match
) -> None:
    """Two processes may answer one page's sockets, and one of them may be behind."""

    def steps(page: Page) -> None:
        road = travelled(page)
        shown, still = row(page, match), row(page, match).locator("[data-price]").last
        expect(still).to_have_attribute(*OPEN)
        told(page, still)
        known = str(shown.get_attribute("id"))[2:]

        def older(text: str) -> str:
            frame = json.loads(text) if is_frame(text) else {}
            if known not in frame.get("fixtures", {}):
                return text
            frame["fixtures"][known]["revision"] = 0
            return json.dumps(frame)

        road.rewrites = older
        move(provider, match, "2.11")
        expect(still).to_have_attribute(*SUSPENDED)
        expect(shown.locator("[data-cell=state]")).to_have_text("STALE")
        road.rewrites = lambda text: text
        move(provider, match, "2.12")
        expect(still).to_have_attribute(*OPEN)
        expect(shown.locator("[data-cell=state]")).to_have_text("LIVE")

    chrome.run(steps)


def test_a_page_of_a_fixture_that_is_gone_says_so_and_asks_no_more(chrome: Chrome, match: Match) -> None:
    """As after a restart of the demonstration, whose fixtures are new ones."""

    def steps(page: Page) -> None:
        road = travelled(page)
        open_fixture(page, match)
        active = page.locator("#active")
        expect(active).to_contain_text("None.")
        page.route("**/fixture/*/*", lambda route: route.fulfill(status=404, body="<main>Not found</main>"))
        with page.expect_response("**/active"):
            page.evaluate("htmx.trigger(document.body, 'desk:overrides')")
        road.close(4403)
        expect(page.locator("#connection")).to_have_text("CLOSED")
        expect(page.locator("#banner-words")).to_contain_text("not listed any more")
        expect(active).to_have_text("None.")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.evaluate("htmx.trigger('#active', 'load'); htmx.trigger('#audit', 'load')")
        assert asked == []

    chrome.run(steps)


def test_a_question_without_an_answer_is_told_and_is_no_fault_of_the_page(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.evaluate("console.error = () => {}")  # htmx tells it there, as it should
        page.route("**/watch", lambda route: route.abort())
        star = row(page, match).locator("[data-star]")
        star.click()
        expect(page.locator("#toasts .bad")).to_contain_text("No answer from the desk")
        expect(star).to_have_attribute("aria-pressed", "false")

    chrome.run(steps)


def test_what_was_added_while_the_road_was_cut_is_there_afterwards(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        road = travelled(page)
        open_fixture(page, match)
        expect(page.locator("#markets .market")).to_have_count(1)
        road.close()
        expect(page.locator("[data-price]").first).to_have_attribute(*SUSPENDED)
        match.prices.append(["1.50", "3.00", "6.00"])
        provider.send(match.markets([1]))
        provider.is_read()
        road.closed = False
        expect(page.locator("#connection")).to_have_class(re.compile("ok"), timeout=15_000)
        expect(page.locator("#markets .market")).to_have_count(2)
        expect(page.locator("[data-price]").last).to_have_attribute(*OPEN)

    chrome.run(steps)


def test_e2_after_signing_out_elsewhere_the_page_shows_nothing_open_and_stays_away(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        road = travelled(page)
        cell = first_price(page, match)
        expect(cell).to_have_attribute(*OPEN)
        other = page.context.new_page()
        other.goto(chrome.base)
        other.locator("text=Sign out").click()
        told = page.locator("#banner-words", has_text="signed out").or_(page.get_by_role("button", name="Sign in"))
        expect(told.first).to_be_visible(timeout=6000)  # the banner, or the sign-in page once a part of the page asks for itself
        expect(page.locator("[data-price][data-s='open']")).to_have_count(0)
        opened = road.opened
        page.wait_for_timeout(3000)
        assert road.opened == opened

    chrome.run(steps)


@contextlib.contextmanager
def asleep(name: str) -> Iterator[None]:
    """Every process of that name below this one stands still."""
    ours = [p for p in psutil.Process().children(recursive=True) if name in p.name()]
    assert ours
    for process in ours:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in ours:
            process.send_signal(signal.SIGCONT)


@pytest.mark.alone  # starved of time, the page hears the desk's confirmation before it draws, and shows no suspension at all
def test_d2_a_computer_that_slept_shows_nothing_open_that_is_not_confirmed(chrome: Chrome, match: Match) -> None:
    """What the page painted is noted by the page itself, from the moment it wakes up."""

    def steps(page: Page) -> None:
        cell = first_price(page, match)
        expect(cell).to_have_attribute(*OPEN)
        seen(page, cell)
        with asleep("chrom"):
            time.sleep(6)
        expect(row(page, match)).to_be_visible()
        comes(page, "window.seen.length > 0")
        assert page.evaluate("seen[0]") == "suspended"
        expect(cell).to_have_attribute(*OPEN, timeout=15_000)

    chrome.run(steps)


def test_d2_a_tab_that_is_not_drawn_shows_nothing_open_that_is_not_confirmed(chrome: Chrome, match: Match) -> None:
    """A hidden tab is given no animation frames."""

    def steps(page: Page) -> None:
        road = travelled(page)
        cell = first_price(page, match)
        expect(cell).to_have_attribute(*OPEN)
        told(page, cell)
        page.evaluate("window.requestAnimationFrame = () => 0")
        road.loses = lambda text: True
        expect(cell).to_have_attribute(*SUSPENDED, timeout=4000)
        expect(row(page, match).locator("[data-cell=state]")).to_have_text("STALE", timeout=8000)

    chrome.run(steps)
