"""What makes a trader's hour lighter: undo, odds as one reads them, a fixture in its own window, cards without holes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from markets.live.points import LABELS
from tests.browser.conftest import Chrome, introduced
from tests.browser.provider import Match, Provider
from tests.browser.steps import first_price, open_fixture, override, row

pytestmark = pytest.mark.browser


def test_a_suspension_is_undone_by_one_key(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("s")
        expect(cell).to_have_attribute("data-s", "suspended")
        expect(page.locator("#toasts .undo")).to_be_visible()
        page.keyboard.press("u")
        expect(cell).to_have_attribute("data-s", "open")
        expect(page.locator("#toasts .undo")).to_have_count(0)

    chrome.run(steps)


def test_a_suspension_that_stood_already_offers_no_undo_and_a_resumption_does(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("s")
        expect(page.locator("#toasts .undo")).to_have_count(1)
        page.keyboard.press("s")
        expect(page.locator("#toasts .said")).to_have_count(2)
        expect(page.locator("#toasts .undo")).to_have_count(0)
        expect(cell).to_have_attribute("data-s", "suspended")
        page.keyboard.press("r")
        expect(cell).to_have_attribute("data-s", "open")
        page.locator("#toasts .undo").last.click()
        expect(cell).to_have_attribute("data-s", "suspended")
        page.keyboard.press("r")

    chrome.run(steps)


def test_an_override_is_undone_to_what_stood_before(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        override(page, cell, "2.04")
        override(page, cell, "2.08")
        page.keyboard.press("u")
        expect(cell.locator("span")).to_have_text("2.04")
        expect(cell).to_have_attribute("data-s", "override")
        page.keyboard.press("u")
        expect(page.locator("#toasts")).to_contain_text("Nothing to undo")

    chrome.run(steps)


def test_a_cancelled_override_comes_back_for_what_it_had_left(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = open_fixture(page, match)
        override(page, cell, "2.04")
        page.locator("#active").get_by_text("Cancel").click()
        expect(cell).to_have_attribute("data-s", "open")
        page.locator("#toasts .said", has_text="cancelled").locator(".undo").click()
        expect(cell).to_have_attribute("data-s", "override")
        expect(cell).to_have_attribute("data-left", re.compile("^0[45]:"))

    chrome.run(steps)


def test_undo_is_offered_for_eight_seconds(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.clock.install()
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("s")
        undo = page.locator("#toasts .undo")
        expect(undo).to_be_visible()
        page.clock.run_for(7000)
        expect(undo).to_be_visible()
        page.clock.run_for(1500)
        expect(undo).to_have_count(0)
        page.keyboard.press("r")

    chrome.run(steps)


def shown(cell: Locator) -> str:
    """What the eye sees of a price."""
    text: str = cell.evaluate("e => getComputedStyle(e, '::after').content")
    return text.strip('"')


@pytest.fixture
def decimal_again(chrome: Chrome) -> Iterator[None]:
    yield
    chrome.run(lambda page: choose_odds(page, "Decimal"))


def choose_odds(page: Page, words: str) -> None:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + "/account")
    page.get_by_label(re.compile(words)).check()
    page.get_by_role("form", name="Odds shown to me").get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status")).to_have_text("Kept.")


@pytest.mark.usefixtures("decimal_again")
@pytest.mark.parametrize(
    ("words", "prices"), [("Fraction", ["1/1", "5/2", "3/1", "53/50"]), ("American", ["+100", "+250", "+300", "+106"])]
)
def test_odds_are_shown_as_the_person_reads_them(chrome: Chrome, provider: Provider, match: Match, words: str, prices: list[str]) -> None:
    def steps(page: Page) -> None:
        choose_odds(page, words)
        page.goto(chrome.base)
        cells = page.locator("#board-rows tr", has_text=match.name).locator("[data-price] > span")
        expect(cells.first).to_have_attribute("data-shown", prices[0])
        assert [shown(cell) for cell in cells.all()] == prices[:3]
        match.prices[0][0] = "2.06"
        provider.send(match.markets())
        expect(cells.first).to_have_attribute("data-shown", prices[3])
        expect(cells.first).to_have_text("2.06")
        cells.first.locator("..").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#override-value")).to_have_value("2.06")
        expect(page.locator("#override-preview .odds").first).to_have_attribute("data-shown", prices[3])

    chrome.run(steps)


FRACTIONS = {"1.85": "17/20", "1.33": "1/3", "1.91": "10/11", "1.01": "1/100", "1.62": "8/13", "34.00": "33/1"}


@pytest.mark.usefixtures("decimal_again")
def test_fractions_are_those_that_bookmakers_write(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        choose_odds(page, "Fraction")
        page.goto(chrome.base)
        for price, fraction in FRACTIONS.items():
            match.prices[0][0] = price
            provider.send(match.markets())
            expect(first_price(page, match).locator("span")).to_have_attribute("data-shown", fraction)

    chrome.run(steps)


def test_a_fixture_pops_out_into_a_window_of_its_own_and_lives_there(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        first_price(page, match).focus()
        with page.expect_popup() as opened:
            page.keyboard.press("o")
        window = opened.value
        window.wait_for_selector("#connection.ok")
        expect(window.locator("h1")).to_contain_text(match.name)
        expect(window.locator("nav")).to_be_hidden()
        expect(window.locator("#panic")).to_be_visible()
        match.prices[0][0] = "2.10"
        provider.send(match.markets())
        expect(window.locator("#markets [data-price] > span").first).to_have_text("2.10")
        window.close()

    chrome.run(steps)


NO_HOLES = """() => {
  const columns = {};
  for (const card of document.querySelectorAll("#markets .market")) {
    const box = card.getBoundingClientRect();
    (columns[box.x] ||= []).push([box.top, box.bottom]);
  }
  const gaps = Object.values(columns).flatMap((c) => c.sort((a, b) => a[0] - b[0]).slice(1).map(([top], n) => top - c[n][1]));
  return Object.keys(columns).length > 1 && gaps.length > 1 && gaps.every((gap) => gap >= 4 && gap <= 13);
}"""


def test_cards_of_many_heights_leave_no_hole_and_do_not_overlap(chrome: Chrome, provider: Provider) -> None:
    match = introduced(provider, markets=5)

    def steps(page: Page) -> None:
        open_fixture(page, match)
        page.wait_for_function(NO_HOLES)
        tall = page.locator("#markets .market").nth(1)
        before = tall.evaluate("e => e.offsetHeight")
        tall.locator("tbody").evaluate("e => e.append(...[...e.rows].map((row) => row.cloneNode(true)))")
        assert tall.evaluate("e => e.offsetHeight") > before
        page.wait_for_function(NO_HOLES)

    chrome.run(steps)


FITS = """row => {
  row.querySelector("[data-cell=score]").textContent = "● 6-2 4-6 3-2 40:30";
  const prices = [...row.querySelectorAll("[data-price]")];
  prices.forEach((price) => { price.querySelector("span").textContent = "1001.00"; });
  const held = prices.every((p) => p.querySelector("span").getBoundingClientRect().right <= p.getBoundingClientRect().right);
  const pill = row.querySelector("[data-cell=state]"), cell = pill.closest("td"), table = row.closest(".scroll");
  const inside = pill.getBoundingClientRect().right <= cell.getBoundingClientRect().right;
  const name = row.querySelector(".name").getBoundingClientRect(), about = row.querySelector(".name small").getBoundingClientRect();
  const whole = about.width > 40 && about.bottom <= name.bottom + 1 && about.right <= name.right + 1;
  const words = row.querySelector("td.why").getBoundingClientRect(), frame = table.getBoundingClientRect();
  return [inside, held, whole, table.scrollWidth <= table.clientWidth && words.right <= frame.right, row.offsetHeight <= 29,
          document.querySelector(".tools").offsetHeight < 40];
}"""


WIDTHS = (1280, 1366, 1440, 1480, 1536, 1600, 1680, 1920)
"""Of screens, and of windows that fill them on a scaled display, in CSS px."""


def test_the_board_shows_its_longest_states_and_who_holds_a_row_whole(chrome: Chrome, match: Match) -> None:
    labels = sorted({label for _, label in LABELS.values()} | {"POSTPONED"}, key=len)

    def steps(page: Page) -> None:
        cell = first_price(page, match)
        override(page, cell, "2.05")
        cell.focus()
        page.keyboard.press("s")
        shown = row(page, match)
        expect(shown.locator("[data-cell=reason]")).to_contain_text("alice")
        page.evaluate("htmx.trigger('#extras', 'desk:rows')")
        expect(shown.locator(".who small")).to_have_text("you")
        for width, label in itertools.product(WIDTHS, labels):
            page.set_viewport_size({"width": width, "height": 950})
            put = f"row.querySelector('[data-cell=state]').textContent = '{label}'"
            assert shown.evaluate(f"row => {{ {put}; return ({FITS})(row); }}") == [True] * 6, (width, label)
        page.keyboard.press("r")
        expect(cell).to_have_attribute("data-s", "override")

    chrome.run(steps)


STOPS = """() => {
  const box = document.getElementById("panic").getBoundingClientRect(), root = document.documentElement;
  return box.left >= 0 && box.right <= innerWidth && root.scrollWidth <= innerWidth && document.querySelector(".top").offsetHeight <= 43;
}"""


@pytest.mark.parametrize("path", ["/", "/feeds"])
def test_the_stop_button_is_whole_in_a_window_of_any_width(chrome: Chrome, path: str) -> None:
    def steps(page: Page) -> None:
        for width in range(1280, 1930, 10):
            page.set_viewport_size({"width": width, "height": 950})
            assert page.evaluate(STOPS), width
        page.set_viewport_size({"width": 1000, "height": 950})
        assert page.evaluate("document.getElementById('panic').getBoundingClientRect().right <= innerWidth")

    chrome.run(steps, path=path)


def test_a_view_of_the_board_is_kept_and_comes_back_by_a_click(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.fill("#filter", match.name)
        page.locator("[data-tab=mine]").click()
        page.locator(".sort[data-sort=name]").click()
        page.locator("#views-open").click()
        page.fill("#keep-view [name=name]", match.name)
        page.keyboard.press("Enter")
        kept = page.locator("#views-list").get_by_role("button", name=match.name, exact=True)
        expect(kept).to_be_visible()
        page.reload()
        expect(row(page, match)).to_be_visible()
        page.keyboard.press("v")
        kept.click()
        expect(page.locator("#views")).to_be_hidden()
        expect(page.locator("[data-tab=mine]")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#filter")).to_have_value(match.name)
        expect(page.locator("th[aria-sort=ascending] .sort")).to_have_attribute("data-sort", "name")
        expect(row(page, match)).to_be_hidden()
        page.keyboard.press("v")
        page.get_by_role("button", name=f"Forget {match.name}").click()
        expect(kept).to_have_count(0)

    chrome.run(steps)


@pytest.fixture
def own_keys(chrome: Chrome) -> Iterator[None]:
    yield
    chrome.run(lambda page: page.get_by_role("button", name="Back to the desk's own").click(), path="/account")


@pytest.mark.usefixtures("own_keys")
def test_a_key_does_what_the_person_has_put_on_it_and_says_so(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.goto(f"{chrome.base}/account")
        page.fill("#keys-form [name=suspend]", "q")
        page.fill("#keys-form [name=resume]", "W")
        page.locator("#keys-form").get_by_role("button", name="Keep").click()
        expect(page.get_by_role("status")).to_have_text("Kept.")
        page.goto(chrome.base)
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        cell.focus()
        page.keyboard.press("s")
        page.keyboard.press("q")
        expect(cell).to_have_attribute("data-s", "suspended")
        expect(page.locator("#toasts .said")).to_have_count(1)
        expect(page.locator("#suspend-rows kbd")).to_have_text("Q")
        expect(page.locator("#aside [data-key=suspend]")).to_have_text("Q")
        expect(page.locator("#resume-rows kbd")).to_have_text("Shift W")
        page.keyboard.press("Shift+W")
        expect(cell).to_have_attribute("data-s", "open")

    chrome.run(steps)


def test_a_sparkline_of_a_row_that_has_left_is_passed_over_in_silence(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        here = first_price(page, match).locator("xpath=ancestor::tr").locator(".spark")
        known = here.get_attribute("id")
        part = '<svg class="spark" id="{}" hx-swap-oob="true"><path d="M0 1H84"/></svg>'
        page.route("**/board/extras", lambda route: route.fulfill(body=part.format("spark-0") + part.format(known)))
        page.evaluate("htmx.trigger('#extras', 'desk:rows')")
        expect(here.locator("path")).to_have_attribute("d", "M0 1H84")

    chrome.run(steps)
