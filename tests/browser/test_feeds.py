"""Gaps, broken messages and the way out of them, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Chrome, introduced
from tests.browser.provider import Match, Provider
from tests.browser.steps import first_price, open_fixture, override, row

pytestmark = pytest.mark.browser


def test_b7_a_broken_message_is_shown_raw_and_its_fixture_opens_when_it_is_dismissed(
    chrome: Chrome, provider: Provider, match: Match
) -> None:
    broken = f"<Updategram><MarketSet><FixtureId>{match.id}</FixtureId><b>bold".encode()

    def steps(page: Page) -> None:
        expect(first_price(page, match)).to_have_attribute("data-s", "open")
        provider.post("ProcessMessage", broken)
        expect(first_price(page, match)).to_have_attribute("data-s", "suspended")
        page.goto(f"{chrome.base}/feeds")
        line = page.locator("#cards tr", has_text=match.name)
        expect(line).to_be_visible()
        line.get_by_text("View raw").click()
        expect(page.locator("#raw pre")).to_contain_text("<b>bold")
        page.keyboard.press("Escape")
        line.get_by_text("Dismiss").click()
        page.fill("#dismiss [name=reason]", "seen, harmless")
        page.keyboard.press("Enter")
        expect(page.locator("#dismiss")).to_be_hidden()
        expect(line).to_have_count(0)
        page.fill("#filter", "harmless")
        expect(page.locator("#audit-rows tbody tr").first).to_contain_text("alice")
        page.goto(chrome.base + "/")
        expect(first_price(page, match)).to_have_attribute("data-s", "open")

    chrome.run(steps)


def test_a_message_that_still_cannot_be_read_stays_after_a_retry(chrome: Chrome, provider: Provider, match: Match) -> None:
    provider.post("ProcessMessage", f"<Updategram><MarketSet><FixtureId>{match.id}</FixtureId><c>".encode())

    def steps(page: Page) -> None:
        line = page.locator("#cards tr", has_text=match.name)
        expect(line).to_be_visible()
        line.get_by_text("Retry").click()
        expect(page.locator("#toasts .bad")).to_be_visible()
        expect(line).to_be_visible()

    chrome.run(steps, path="/feeds")


def test_competitions_and_sports_are_suspended_from_the_dialog(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = first_price(page, match)
        expect(cell).to_have_attribute("data-s", "open")
        page.locator("#hold-open").click()
        page.select_option("#hold-scope", "sport")
        page.select_option("#hold-target", "football")
        page.fill("#hold [name=reason]", "storm over all pitches")
        page.locator("#hold .danger").click()
        expect(page.locator("#hold")).to_be_hidden()
        expect(cell).to_have_attribute("data-s", "suspended")
        expect(cell).to_have_attribute("title", re.compile("storm"))
        expect(page.locator("#aside .holds")).to_contain_text("storm", timeout=8000)
        page.locator("#aside [data-release=sport]").click()
        expect(cell).to_have_attribute("data-s", "open")

    chrome.run(steps)


def test_many_ticked_rows_are_suspended_at_once(chrome: Chrome, provider: Provider, match: Match) -> None:
    other = introduced(provider)

    def steps(page: Page) -> None:
        for each in (match, other):
            row(page, each).locator("input[name=target]").check()
        expect(page.locator("#selected")).to_have_text("2 selected")
        page.locator("#suspend-rows").click()
        for each in (match, other):
            expect(first_price(page, each)).to_have_attribute("data-s", "suspended")
        page.locator("#resume-rows").click()
        for each in (match, other):
            expect(first_price(page, each)).to_have_attribute("data-s", "open")

    chrome.run(steps)


def test_the_fixture_page_shows_active_overrides_that_can_be_extended_and_cancelled(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        cell = open_fixture(page, match)
        override(page, cell, "2.05", seconds=60)
        active = page.locator(".active-override")
        expect(active).to_contain_text("2.05")
        expect(active.locator("[data-countdown]")).to_have_text(re.compile("00:5|01:00"))
        active.get_by_text("+5 min").click()
        expect(active.locator("[data-countdown]")).to_have_text(re.compile("0[56]:"))
        page.locator("#active").get_by_text("Cancel").click()
        expect(cell).to_have_attribute("data-s", "open")
        expect(active).to_have_count(0)
        expect(page.locator("#audit")).to_contain_text("override cancelled", timeout=12_000)

    chrome.run(steps)


def test_a_price_is_explained_step_by_step(chrome: Chrome, match: Match) -> None:
    def steps(page: Page) -> None:
        first_price(page, match).focus()
        page.keyboard.press("e")
        for part in ("as the feed sent it", "ladder", "2.00"):
            expect(page.locator("#explain-body")).to_contain_text(part)

    chrome.run(steps)


def test_one_message_after_the_other_is_retried_and_dismissed_without_loading(chrome: Chrome, provider: Provider, match: Match) -> None:
    matches = [match, introduced(provider), introduced(provider)]
    for each in matches:
        provider.post("ProcessMessage", f"<Updategram><MarketSet><FixtureId>{each.id}</FixtureId><d>".encode())

    def steps(page: Page) -> None:
        for each in matches:
            line = page.locator("#cards tr", has_text=each.name)
            with page.expect_response("**/do/quarantine/retry") as retried:
                line.get_by_text("Retry").click()
            assert "Idempotency" not in retried.value.text()
            line.get_by_text("Dismiss").click()
            expect(page.locator("#dismiss [name=reason]")).to_have_value("")
            page.fill("#dismiss [name=reason]", f"seen {each.name}")
            page.keyboard.press("Enter")
            expect(page.locator("#dismiss")).to_be_hidden()
            expect(line).to_have_count(0)

    chrome.run(steps, path="/feeds")
