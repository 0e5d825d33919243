"""What a trader does, in a real browser on a real desk."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Chrome, Desk, sign_in
from tests.browser.provider import Match, Provider
from tests.browser.steps import comes, first_price, open_fixture, override, row, same_as_afresh, told

pytestmark = pytest.mark.browser


@pytest.mark.alone
def test_it_shows_a_new_fixture_and_its_moving_price_without_loading(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        expect(row(page, match)).to_be_visible()
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        told(page, cell)
        match.prices[0][0] = "2.06"
        provider.send(match.markets())
        expect(cell.locator("span")).to_have_text("2.06")
        expect(cell).to_have_attribute("data-d", re.compile("up"))
        expect(cell.locator("i")).to_have_text("▲")

    chrome.run(steps)


def test_an_override_is_typed_and_applied_by_keyboard_while_prices_tick(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        match.prices[0] = ["2.00", "3.50", "4.00"]
        with provider.ticking(match, 0.1):
            cell.focus()
            page.keyboard.press("Enter")
            expect(page.locator("#override-value")).to_be_focused()
            page.keyboard.type("2.02")
            page.keyboard.press("ArrowUp")
            expect(page.locator("#override-value")).to_have_value("2.04")
            page.keyboard.press("Tab")
            page.fill("#override-reason", "typed while it moved")
            expect(page.locator("#override-preview")).to_contain_text("Book after")
            page.locator("#override-seconds").focus()
            page.keyboard.press("Enter")
            expect(page.locator("#panel")).to_be_hidden()
            expect(cell).to_be_focused()
            expect(cell).to_have_attribute("data-s", "override")
            expect(cell.locator("span")).to_have_text("2.04")
            feed = cell.get_attribute("data-feed") or ""
            expect(cell).not_to_have_attribute("data-feed", feed)
            expect(cell.locator("span")).to_have_text("2.04")
        expect(row(page, match).locator("[data-cell=overrides]")).to_have_text("1")

    chrome.run(steps)


def test_an_override_ends_by_itself_and_the_market_shows_what_holds_now(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        override(page, cell, "2.05", seconds=4)
        match.prices[0][0] = "2.03"
        provider.send(match.markets())
        expect(cell).to_have_attribute("data-s", "open", timeout=6000)
        expect(cell.locator("span")).to_have_text("2.03")

    chrome.run(steps)


def test_the_soft_limit_wants_a_second_enter_and_the_hard_limit_refuses(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("Enter")
        page.fill("#override-reason", "injury")
        page.fill("#override-value", "9.00")
        page.keyboard.press("Enter")
        expect(page.locator("#override-said")).to_contain_text("hard limit of 50")
        page.fill("#override-value", "2.30")
        page.keyboard.press("Enter")
        expect(page.locator("#override-said")).to_contain_text("soft limit of 5")
        expect(page.locator("#override-confirmed")).to_have_value("1")
        expect(cell).to_have_attribute("data-s", "open")
        page.keyboard.press("Enter")
        expect(page.locator("#panel")).to_be_hidden()
        expect(cell).to_have_attribute("data-s", "override")

    chrome.run(steps)


def test_escape_leaves_the_panel_and_the_focus_returns(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Shift+ArrowUp")
        expect(page.locator("#override-value")).to_have_value("2.10")
        page.keyboard.press("Escape")
        expect(page.locator("#panel")).to_be_hidden()
        expect(cell).to_be_focused()
        expect(cell.locator("span")).to_have_text("2.00")

    chrome.run(steps)


@pytest.mark.alone
def test_c5_a_row_is_suspended_and_resumed_by_one_key(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        cell.focus()
        page.keyboard.press("s")
        expect(cell).to_have_attribute("data-s", "suspended")
        expect(cell.locator("i")).to_have_text("S")
        expect(cell.locator("span")).to_have_text("2.00")
        expect(cell).to_have_attribute("title", re.compile("alice.*since"))
        page.keyboard.press("r")
        expect(cell).to_have_attribute("data-s", "open")

    chrome.run(steps)


def test_keys_move_between_rows_and_prices_and_open_the_fixture(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.keyboard.press("/")
        page.keyboard.type(match.name)
        expect(page.locator("#board-rows tr:visible")).to_have_count(1)
        page.keyboard.press("Escape")
        page.fill("#filter", match.name)
        page.locator("#filter").blur()
        page.keyboard.press("j")
        expect(first_price(page, match)).to_be_focused()
        page.keyboard.press("l")
        expect(row(page, match).locator("[data-price]").nth(1)).to_be_focused()
        page.keyboard.press("f")
        page.wait_for_selector("#markets [data-price]")
        expect(page.locator("h1")).to_contain_text(match.name)

    chrome.run(steps)


def test_c4_the_slower_of_two_traders_is_told_by_whom_and_sees_both_values(chrome: Chrome, desk: Desk, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("Enter")
        page.fill("#override-value", "2.08")

        other = page.context.browser.new_context()  # type: ignore[union-attr]
        maria = other.new_page()
        sign_in(maria, desk.url, "maria", "/")
        override(maria, first_price(maria, match), "2.06")
        other.close()

        page.keyboard.press("Enter")
        said = page.locator("#override-said")
        for part in ("maria", "2.06", "2.08"):
            expect(said).to_contain_text(part)
        page.keyboard.press("Enter")
        expect(page.locator("#panel")).to_be_hidden()
        expect(cell.locator("span")).to_have_text("2.08")

    chrome.run(steps)


def cells(page: Page) -> dict[str, str]:
    """Everything that prices and states show, by element; ages and arrows, which time alone changes, apart."""
    told: dict[str, str] = page.evaluate(
        """() => {
          const told = {};
          for (const p of document.querySelectorAll("[data-price]")) {
            told[p.id] = [p.dataset.s, p.dataset.version, p.dataset.feed, p.querySelector("span").textContent, p.title].join("|");
          }
          for (const c of document.querySelectorAll("[data-cell]:not([data-cell=age])")) {
            const home = c.closest("[id]").id || "";
            told[`${home}/${c.dataset.cell}`] = c.textContent.trim();
          }
          return told;
        }"""
    )
    return told


@pytest.mark.parametrize("where", ["board", "fixture"])
def test_d3_a_page_with_its_pushed_frames_equals_it_loaded_afresh(chrome: Chrome, provider: Provider, match: Match, where: str) -> None:
    def steps(page: Page) -> None:
        if where == "fixture":
            open_fixture(page, match)
        with provider.ticking(match, 0.03):
            cell = page.locator("[data-price]").first if where == "fixture" else first_price(page, match)
            for _ in range(5):
                before = cell.locator("span").inner_text()
                expect(cell.locator("span")).not_to_have_text(before)
            cell.focus()
            page.keyboard.press("s")
            expect(cell).to_have_attribute("data-s", "suspended")
        provider.send(match.markets(status="Suspended"))
        match.prices.append(["1.50", "3.00", "6.00"])
        provider.send(match.markets([1]))
        provider.is_read()
        same_as_afresh(page, cells)

    chrome.run(steps)


def test_a_viewer_sees_prices_but_no_control_and_a_forged_post_is_refused(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        expect(first_price(page, match)).to_have_attribute("data-s", "open")
        expect(page.locator("#panic")).to_have_count(0)
        expect(row(page, match).locator(".control")).to_be_hidden()
        status = page.evaluate(
            """async () => (await fetch("/do/suspend", {method: "POST", body: new URLSearchParams({scope: "everything"}),
               headers: {"X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]}})).status"""
        )
        assert status == 403

    chrome.run(steps, user="vera")


def test_the_stop_button_wants_a_whole_second(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        button = page.locator("#panic")
        meter = button.locator("progress")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/do/panic") else None)
        button.hover()
        page.mouse.down()
        comes(page, "document.querySelector('#panic progress').value > 0")
        page.mouse.up()
        assert (meter.evaluate("meter => meter.value"), sent) == (0, [])
        page.mouse.down()
        expect(cell).to_have_attribute("data-s", "suspended")
        page.mouse.up()
        assert len(sent) == 1
        page.locator("#aside [data-release=everything]").click()
        expect(cell).to_have_attribute("data-s", "open")

    chrome.run(steps)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_theme_is_kept_from_the_first_paint_on(chrome: Chrome, theme: str) -> None:
    def steps(page: Page) -> None:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": chrome.base}])
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        page.locator("#theme").click()
        page.reload()
        expect(page.locator("html")).not_to_have_attribute("data-theme", theme)

    chrome.run(steps)


@pytest.mark.alone
def test_d2_prices_show_suspended_by_the_browser_itself_when_the_desk_falls_silent(chrome: Chrome, desk: Desk, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        well(page)
        expect(page.locator("#aside dd.ok").first).to_be_visible(timeout=8000)
        told(page, cell)
        desk.freeze()
        try:
            expect(cell).to_have_attribute("data-s", "suspended", timeout=4000)
            expect(page.locator("#banner")).to_be_visible(timeout=5000)
            expect(page.locator("#connection")).not_to_have_class(re.compile("ok"))
            expect(row(page, match).locator("[data-cell=state]")).to_have_text("STALE", timeout=8000)
            expect(row(page, match).locator("[data-cell=open]")).to_have_text("0")
            expect(page.locator("#aside dd.ok")).to_have_count(0)
            expect(page.locator("#aside dd.warn").first).to_contain_text("stale, was ok")
            cell.focus()
            page.keyboard.press("Enter")
            expect(page.locator("#panel")).to_be_hidden()
        finally:
            desk.thaw()
        expect(page.locator("#banner")).to_be_hidden(timeout=20_000)
        expect(row(page, match).locator("[data-cell=state]")).not_to_have_text("STALE", timeout=20_000)
        expect(page.locator("#aside")).not_to_contain_text("stale", timeout=8000)

    chrome.run(steps)


def well(page: Page) -> None:
    """Somebody has confirmed whatever the feed may have missed before."""
    page.evaluate("desk.command('/do/confirm', {source: '1', as_of: new Date(desk.now()).toISOString(), reason: 'as it stands'})")


@pytest.mark.alone
def test_cards_of_feeds_that_the_desk_no_longer_renews_are_not_green(chrome: Chrome, desk: Desk, provider: Provider) -> None:
    def steps(page: Page) -> None:
        well(page)
        expect(page.locator(".feed-card .pill.ok").first).to_be_visible()
        desk.freeze()
        try:
            expect(page.locator(".feed-card .pill.ok")).to_have_count(0, timeout=20_000)
            expect(page.locator(".feed-card .pill").first).to_have_text("STALE")
        finally:
            desk.thaw()
        expect(page.locator(".feed-card .pill").first).not_to_have_text("STALE", timeout=8000)

    chrome.run(steps, path="/feeds")


def test_the_panel_goes_from_price_to_duration_by_tab_and_applies_from_any_field(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        for field in ("#override-seconds", "#override-kind", "#override-reason", "[name=through_points]"):
            cell.focus()
            page.keyboard.press("Enter")
            page.fill("#override-value", "2.04")
            page.keyboard.press("Tab")
            expect(page.locator("#override-seconds")).to_be_focused()
            page.locator(f"#override {field}").focus()
            page.keyboard.press("Enter")
            expect(page.locator("#panel")).to_be_hidden()
            expect(cell).to_have_attribute("data-s", "override")
            expect(cell.locator("span")).to_have_text("2.04")

    chrome.run(steps)


def test_the_countdown_leaves_the_cell_with_the_override(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = open_fixture(page, match)
        override(page, cell, "2.05", seconds=50)
        expect(cell).to_have_attribute("data-left", re.compile("00:"))
        expect(cell).to_have_attribute("data-late", "1")
        page.locator("#active").get_by_text("Cancel").click()
        expect(cell).to_have_attribute("data-s", "open")
        clock = page.locator("#clock")
        for _ in range(2):  # whatever is counted each second has been counted
            expect(clock).not_to_have_text(clock.inner_text())
        assert cell.get_attribute("data-left") is None
        assert cell.get_attribute("data-late") is None

    chrome.run(steps)


def test_an_active_override_is_called_hidden_only_while_its_price_is_suspended(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = open_fixture(page, match)
        override(page, cell, "2.05")
        hidden = page.locator(".active-override [data-hidden]")
        expect(page.locator(".active-override")).to_have_count(1)
        expect(hidden).to_be_hidden()
        page.locator("[data-hold=fixture]").click()
        expect(cell).to_have_attribute("data-s", "suspended")
        expect(hidden).to_be_visible(timeout=1500)
        page.locator(".fixture-head [data-release=fixture]").click()
        expect(cell).to_have_attribute("data-s", "override")
        expect(hidden).to_be_hidden(timeout=1500)

    chrome.run(steps)


def test_beyond_the_soft_limit_a_missing_reason_is_asked_for_first(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        cell.focus()
        page.keyboard.press("Enter")
        page.fill("#override-value", "2.30")
        expect(page.locator("#override-preview")).to_contain_text("needs a reason")
        page.keyboard.press("Enter")
        expect(page.locator("#override-reason")).to_be_focused()
        page.keyboard.type("injury")
        expect(page.locator("#override-preview")).to_contain_text("Press Enter twice")
        page.keyboard.press("Enter")
        expect(page.locator("#override-confirmed")).to_have_value("1")
        page.keyboard.press("Enter")
        expect(page.locator("#panel")).to_be_hidden()
        expect(cell).to_have_attribute("data-s", "override")

    chrome.run(steps)


def test_a_reason_missed_by_the_server_is_asked_for_where_it_is_typed(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.route("**/preview?*", lambda route: route.abort())
        first_price(page, match).focus()
        page.keyboard.press("Enter")
        page.fill("#override-value", "2.30")
        page.keyboard.press("Enter")
        expect(page.locator("#override-said")).to_contain_text("say why")
        expect(page.locator("#override-reason")).to_be_focused()

    chrome.run(steps)


def test_the_theme_button_changes_a_light_system_at_the_first_click(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.emulate_media(color_scheme="light")
        page.reload()
        theme = page.locator("#theme")
        expect(theme).to_have_text("Dark theme")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        theme.click()
        expect(theme).to_have_text("Light theme")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    chrome.run(steps)


def test_a_part_that_cannot_renew_itself_is_silent_and_a_command_is_not(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        page.evaluate("console.error = () => {}")  # htmx tells it there, as it should
        page.route("**/board/*", lambda route: route.fulfill(status=500))
        page.evaluate("document.addEventListener('htmx:responseError', () => { window.failed = true; })")
        page.evaluate("htmx.trigger('#aside', 'load')")
        comes(page, "window.failed")
        expect(page.locator("#toasts .said")).to_have_count(0)
        page.route("**/do/suspend", lambda route: route.fulfill(status=500))
        first_price(page, match).focus()
        page.keyboard.press("s")
        expect(page.locator("#toasts .said")).to_contain_text("500")

    chrome.run(steps)


def test_a_row_that_comes_anew_keeps_its_tick_and_the_focus_under_the_keys(chrome: Chrome, provider: Provider, match: Match) -> None:
    """A changed name makes the server send the row again."""

    def steps(page: Page) -> None:
        cell = first_price(page, match)
        row(page, match).locator("input[name=target]").check()
        cell.focus()
        match.home = f"{match.home} Athletic"
        provider.send(match.fixture())
        expect(row(page, match)).to_have_count(1)
        expect(first_price(page, match)).to_be_focused()
        expect(row(page, match).locator("input[name=target]")).to_be_checked()

    chrome.run(steps)


def test_the_panel_gives_the_focus_to_the_price_whose_row_came_anew_meanwhile(chrome: Chrome, provider: Provider, match: Match) -> None:
    def steps(page: Page) -> None:
        first_price(page, match).focus()
        page.keyboard.press("Enter")
        match.home = f"{match.home} Athletic"
        provider.send(match.fixture())
        expect(row(page, match)).to_have_count(1)
        page.keyboard.press("Escape")
        expect(first_price(page, match)).to_be_focused()

    chrome.run(steps)
