"""A tennis match point by point, in a real browser: an umpire's feed beside the prices of the same match (A1, A2, A13, D3)."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SECRET, Chrome, Desk
from tests.browser.courts import BrowserUmpire, Simulated, TennisMatch, scored, simulated
from tests.browser.provider import Provider
from tests.browser.steps import override, same_as_afresh, still
from tests.browser.test_accessibility import faults
from tests.cluster import free_port
from tests.promises.umpire import TOKEN, Court, status

pytestmark = pytest.mark.browser
GRACE = 0.15
"""Seconds after a point's end from which a price counts (A2: 100 ms by the database's clock)."""
BOUND = 0.25
"""A1's 50 ms, and what a slow machine's turn and one drawing of the screen may add; nine of ten points must be within it."""
FAULT = 2.0
"""What A1 allows when something stands still, as a browser on a busy machine may for a moment."""
SPEED = 10.0
_numbers = count(1)


class Side:
    """A fixture of the prices' provider, and its match on court."""

    def __init__(self, provider: Provider, umpire: BrowserUmpire) -> None:
        self.provider = provider
        self.match = TennisMatch(next(_numbers))
        self.court: Court = umpire.court(self.match.ref)
        self.court.begin()
        provider.introduce(self.match)

    def price(self, value: str = "1.90") -> None:
        """A price from after the point."""
        time.sleep(GRACE)
        self.match.prices = [[value, "2.00"] for _ in self.match.prices]
        self.provider.send(self.match.markets())

    def point(self) -> None:
        self.court.start_point()
        self.court.score()

    def open(self, page: Page) -> None:
        """Its page, with everything open, between points."""
        if self.court.in_point:
            self.court.score()
        self.court.say(status("InProgress"))
        show(page, self.match)
        self.price("1.95")
        expect(price(page)).to_have_attribute("data-s", "open")


def show(page: Page, match: TennisMatch) -> None:
    page.locator("#board-rows tr", has_text=match.name).locator(".fz-3 a").click()
    page.wait_for_selector("#markets [data-price]")
    page.wait_for_selector("#connection.ok")


def price(page: Page) -> Any:
    return page.locator("#markets [data-price]").first


def words(page: Page) -> Any:
    return page.locator("[data-points=words]")


def plays(page: Page, side: Side) -> None:
    """A point, until the desk has told the page of its end."""
    side.point()
    expect(page.locator("#timeline")).to_contain_text(f"#{side.court.last}", timeout=10_000)


def pill(page: Page) -> Any:
    return page.locator(".fixture-head [data-cell=state]")


@pytest.fixture(scope="module")
def umpire() -> Iterator[BrowserUmpire]:
    speaking = BrowserUmpire()
    yield speaking
    speaking.stop()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("courts")


@pytest.fixture(scope="module")
def courts_desk(home: Path, umpire: BrowserUmpire, port: int) -> Iterator[Desk]:
    """A desk that reads two umpires' feeds: what a test says, and a simulated one."""
    asked = ("--token-env", "UMPIRE_TOKEN", "--discovery-seconds", "0.5")
    feeds = [["addfeed", "tennis", slug, "--host", host, *asked] for slug, host in _hosts(umpire, port)]
    running = Desk(home, feeds, UMPIRE_TOKEN=TOKEN)
    try:
        yield running
    finally:
        running.stop()


def _hosts(umpire: BrowserUmpire, port: int) -> list[tuple[str, str]]:
    return [("umpire", umpire.host), ("courts", f"http://127.0.0.1:{port}")]


@pytest.fixture(scope="module")
def browser(chrome: Chrome, courts_desk: Desk) -> Chrome:
    return Chrome(chrome.browser, chrome.worker, courts_desk.url)


@pytest.fixture(scope="module")
def prices(courts_desk: Desk) -> Iterator[Provider]:
    speaking = Provider(f"{courts_desk.url}/feeds/updategram/test", SECRET, courts_desk.home)
    speaking.post("Heartbeat", b"")
    with speaking.beating():
        yield speaking


@pytest.fixture
def unbound(prices: Provider, umpire: BrowserUmpire) -> Side:
    return Side(prices, umpire)


@pytest.fixture
def fresh(browser: Chrome, unbound: Side) -> Side:
    """Bound, and no point played yet."""
    return bound(browser, unbound)


@pytest.fixture(scope="module")
def side(browser: Chrome, prices: Provider, umpire: BrowserUmpire) -> Side:
    """Bound; several tests play on it, each from :meth:`Side.open`."""
    return bound(browser, Side(prices, umpire))


def bound(browser: Chrome, made: Side) -> Side:
    def steps(page: Page) -> None:
        show(page, made.match)
        bind(page)

    browser.run(steps)
    return made


def bind(page: Page) -> None:
    page.locator("#proposal").get_by_role("button", name="Confirm binding").click(timeout=20_000)
    page.wait_for_selector("#points-card")


def test_t7_the_match_that_fits_is_bound_with_one_button_and_shown_by_home_and_away(browser: Chrome, unbound: Side) -> None:
    def steps(page: Page) -> None:
        show(page, unbound.match)
        expect(page.locator("#proposal")).to_contain_text("No point feed is bound")
        expect(page.locator("#proposal")).to_contain_text(unbound.match.ref, timeout=15_000)
        assert faults(page) == []
        bind(page)
        expect(page.locator("#proposal")).to_have_count(0)
        number = unbound.match.ref[-1]
        expect(page.locator("tr[data-side=home] th")).to_contain_text(f"Rodionov{number}")
        unbound.point()
        expect(page.locator("tr[data-side=away] [data-points=points]")).to_have_text("15")
        expect(page.locator("tr[data-side=home] [data-points=points]")).to_have_text("0")
        expect(page.locator("tr[data-side=away] [data-points=serves]")).to_contain_text("serves")
        card = page.locator("#points-card")
        for told in ("M. PETROVIC (SRB)", "J. RODIONOV (AUT)", "best of 3", "standard", "tie break in final set", "H. SQUIRE (away)"):
            expect(card).to_contain_text(told)

    browser.run(steps)


def test_t7_without_a_match_that_fits_the_page_leads_to_binding_by_hand(browser: Chrome, prices: Provider) -> None:
    lonely = TennisMatch(next(_numbers))
    prices.introduce(lonely)

    def steps(page: Page) -> None:
        show(page, lonely)
        expect(page.locator("#proposal")).to_contain_text("No match fits")
        page.locator("#proposal").get_by_text("Bind by hand").click()
        page.wait_for_url("**/bindings")

    browser.run(steps)


def test_a1_a2_a_point_is_counted_live_and_then_the_price_is_waited_for(browser: Chrome, fresh: Side) -> None:
    def steps(page: Page) -> None:
        fresh.open(page)
        fresh.court.start_point()
        expect(pill(page)).to_have_text("POINT")
        expect(price(page)).to_have_attribute("data-s", "suspended")
        expect(words(page)).to_have_text("point in play")
        elapsed = page.locator("[data-points=elapsed]")
        began, first = time.monotonic(), float(elapsed.inner_text().split()[0])
        expect(elapsed).to_have_text(re.compile(rf"^{int(first) + 1}\.[0-9] s"))
        counted = float(elapsed.inner_text().split()[0]) - first
        assert abs(counted - (time.monotonic() - began)) < 0.5
        fresh.court.score()
        expect(words(page)).to_have_text("waiting for a price after the point")
        expect(pill(page)).to_have_text("BETWEEN")
        expect(price(page)).to_have_attribute("data-s", "suspended")
        going_on = page.locator("#points-strip .wait[data-to='']")
        expect(going_on).to_have_count(1)
        fresh.price("2.04")
        expect(price(page)).to_have_attribute("data-s", "open")
        expect(words(page)).to_have_text("between points")
        expect(going_on).to_have_count(0)
        expect(page.locator("#points-strip .wait").last).to_have_attribute("data-to", re.compile("[0-9]+"))
        newest = page.locator("#timeline li").first
        expect(newest).to_contain_text("point to H. SQUIRE")
        expect(newest).to_contain_text("#7")
        expect(page.locator("#points-strip .closed").last).to_have_attribute("data-to", re.compile("[0-9]+"))
        page.goto(browser.base)
        row = page.locator("#board-rows tr", has_text=fresh.match.name)
        expect(row.locator("[data-cell=score]")).to_have_text("0-0 0:15 ●")
        fresh.court.start_point()
        expect(row.locator("[data-cell=state]")).to_have_text("POINT")
        fresh.court.score()
        expect(row.locator("[data-cell=score]")).to_have_text("0-0 0:30 ●")

    browser.run(steps)


PARTS = "() => ['#points', '#points-head'].map((id) => document.querySelector(id).innerHTML)"
MOVING = re.compile(r' (x|width|data-told)="[^"]*"|(?<=data-points="elapsed">)[^<]*|\s+')


def parts(page: Page) -> list[str]:
    """What is shown of the match once nothing is on its way to it, apart from what time alone moves."""
    expect(page.locator("#points .htmx-request, #points.htmx-request")).to_have_count(0)
    found: list[str] = page.evaluate(PARTS)
    plain = (re.sub(r'hidden=""', "hidden", MOVING.sub(" ", re.sub(" htmx-[a-z]+", "", part))) for part in found)
    return [line for part in plain for line in re.split(r"\s*(?=<)", part.replace(" >", ">"))]


def test_d3_the_page_with_its_frames_is_the_page_loaded_afresh(browser: Chrome, fresh: Side) -> None:
    told = [
        scored(1, 0),
        {"eventElementType": "PhysioCalled", "team": "TeamA"},
        status("MedicalTreatment", team="TeamA"),
        status("InProgress"),
        {"eventElementType": "CodeViolation", "team": "TeamB", "reason": "Ball abuse"},
        scored(2, 0),
        status("CorrectionMode"),
        scored(1, 1, by="TeamB"),
        scored(1, 1, by="TeamB"),
    ]

    def steps(page: Page) -> None:
        fresh.open(page)
        for packet in told:
            if packet["eventElementType"] == "PointScored":
                fresh.court.start_point()
            fresh.court.say(packet)
            expect(page.locator("#timeline")).to_contain_text(f"#{fresh.court.last}")
        fresh.court.start_point()
        expect(page.locator("#timeline li").first).to_contain_text("point started", timeout=5000)
        expect(page.locator("#points-alerts")).to_contain_text("Ball abuse")
        expect(page.locator("#timeline li.undo").first).to_contain_text("undo:")
        same_as_afresh(page, parts)

    browser.run(steps)


def test_states_of_the_match_are_told_in_a_word(browser: Chrome, side: Side) -> None:
    states = [
        (status("Suspended", suspensionType="Rain"), "RAIN", "play suspended (rain)"),
        (status("ChallengeInProgress", team="TeamA"), "CHALLENGE", "challenge in progress"),
        (status("MedicalTreatment", team="TeamA"), "MEDICAL", "medical treatment"),
        (status("Warmup"), "WARM-UP", "warm-up"),
        (status("SomethingNew"), "UNKNOWN", "unknown match state “SomethingNew”"),
    ]

    def steps(page: Page) -> None:
        side.open(page)
        for packet, label, told in states:
            side.court.say(packet)
            expect(pill(page)).to_have_text(label)
            expect(words(page)).to_have_text(told)
            expect(price(page)).to_have_attribute("data-s", "suspended")

    browser.run(steps)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_bound_match_has_no_fault_that_axe_can_find(browser: Chrome, side: Side, theme: str) -> None:
    def steps(page: Page) -> None:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": browser.base}])
        side.open(page)
        side.court.say({"eventElementType": "PhysioCalled", "team": "TeamA"})
        side.court.say(status("CorrectionMode"))
        expect(pill(page)).to_have_text("CORRECTION")
        page.reload()
        page.wait_for_selector("#timeline li.undo")
        still(page)
        assert faults(page) == []

    browser.run(steps)


def test_a_match_held_manually_opens_only_when_it_is_released(browser: Chrome, side: Side) -> None:
    def steps(page: Page) -> None:
        side.open(page)
        page.keyboard.press("m")
        expect(page.locator("[data-points=takeover]")).to_have_text("MANUAL")
        expect(price(page)).to_have_attribute("title", re.compile("held manually"))
        plays(page, side)
        side.price("1.91")
        expect(price(page)).to_have_attribute("data-feed", "1.91")
        expect(price(page)).to_have_attribute("data-s", "suspended")
        expect(pill(page)).to_have_text("HELD")
        page.keyboard.press("m")
        expect(page.locator("[data-points=takeover]")).to_have_text("AUTO")
        expect(price(page)).to_have_attribute("data-s", "open")

    browser.run(steps)


def cancel(page: Page) -> None:
    """The override of the first price, once the list beside it knows of the last change to it."""
    known = f"[hx-vals*='\"version\": {price(page).get_attribute('data-version')}']"
    page.locator(f"#active button{known}", has_text="Cancel").click()


def override_before_a_point(page: Page, side: Side, then: str) -> None:
    """1.96, and the feed's price from after the point."""
    side.open(page)
    override(page, price(page), "1.96")
    plays(page, side)
    side.price(then)
    expect(price(page)).to_have_attribute("data-old", re.compile("[0-9]+"))


def test_a2_an_override_from_before_the_point_returns_by_one_key(browser: Chrome, side: Side) -> None:
    def steps(page: Page) -> None:
        override_before_a_point(page, side, then="1.94")
        expect(price(page)).to_have_attribute("title", re.compile("override from before the point"))
        expect(page.locator("[data-still-holds]")).to_be_visible()
        page.keyboard.press("c")
        expect(page.locator("#toasts .ok", has_text="still holds")).to_be_visible(timeout=10_000)
        expect(price(page)).to_have_attribute("data-s", "override")
        expect(price(page)).not_to_have_attribute("data-old", re.compile("[0-9]+"))
        expect(page.locator("[data-still-holds]")).to_be_hidden()
        cancel(page)
        expect(price(page)).to_have_attribute("data-s", "open")

    browser.run(steps)


def test_a2_an_override_far_from_the_price_after_the_point_asks_why_and_says_where(browser: Chrome, side: Side) -> None:
    def steps(page: Page) -> None:
        override_before_a_point(page, side, then="1.62")
        price(page).focus()
        page.keyboard.press("c")
        expect(page.locator("#toasts .bad", has_text="say why")).to_be_visible()
        expect(page.locator("#override-reason")).to_be_focused()
        page.keyboard.type("the market is thin")
        page.keyboard.press("Enter")
        expect(page.locator("#override-said .warn")).to_be_visible()
        page.keyboard.press("Enter")
        expect(price(page)).to_have_attribute("data-s", "override")
        expect(price(page)).not_to_have_attribute("data-old", re.compile("[0-9]+"))
        expect(page.locator("#active")).to_contain_text("the market is thin")
        cancel(page)
        expect(price(page)).to_have_attribute("data-s", "open")

    browser.run(steps)


def test_commands_in_quick_succession_all_reach_the_desk(browser: Chrome, side: Side) -> None:
    def steps(page: Page) -> None:
        side.open(page)
        ids = page.locator("#markets [data-price]").evaluate_all("cells => cells.slice(0, 3).map(cell => cell.id.slice(2))")
        page.evaluate("ids => ids.forEach(id => void desk.hold('selection', [id]))", ids)
        for each in ids:
            expect(page.locator(f"#p-{each}")).to_have_attribute("title", re.compile("suspended by alice"))
        page.evaluate("ids => ids.forEach(id => void desk.release('selection', [id]))", ids)
        for each in ids:
            expect(page.locator(f"#p-{each}")).to_have_attribute("data-s", "open")

    browser.run(steps)


COUNTING = """window.tones = 0; const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.tones++; return make.call(this); };"""


def test_sounds_are_off_until_a_person_wants_them_and_each_shows_its_word(browser: Chrome, side: Side) -> None:
    def steps(page: Page) -> None:
        page.add_init_script(COUNTING)
        side.open(page)
        page.locator("h1").click()
        plays(page, side)
        assert page.evaluate("window.tones") == 0
        expect(page.locator("#cue")).to_be_hidden()
        page.goto(f"{browser.base}/account")
        page.get_by_label("A point begins", exact=True).check()
        page.locator("#sounds-form").get_by_role("button", name="Keep").click()
        expect(page.get_by_role("status")).to_have_text("Kept.")
        page.goto(browser.base)
        side.open(page)
        side.court.start_point()
        expect(page.locator("#cue")).to_have_text("♪ POINT")
        side.court.score()
        page.locator("h1").click()
        expect(page.locator("#cue")).to_be_hidden()
        side.court.start_point()
        expect(page.locator("#cue")).to_be_visible()
        assert page.evaluate("window.tones") in (2, 4), "a browser may play before the first click on a page of the same site"
        side.court.score()

    browser.run(steps)


def test_the_feed_page_tells_each_match_and_what_is_wrong_with_it(browser: Chrome, side: Side) -> None:
    def steps(page: Page) -> None:
        row = page.locator(f"#lives tr[data-ref='{side.match.ref}']")
        expect(row).to_contain_text("LIVE")
        expect(row).to_contain_text(side.match.name)
        expect(row.locator("td").nth(4)).to_have_text(re.compile("[0-9]+"))
        before = int(row.locator("td").nth(7).inner_text())
        side.court.cut()
        expect(row.locator("td").nth(7)).to_have_text(str(before + 1), timeout=20_000)
        down = page.locator("#lives tr", has_text="list of live events").filter(has_text="courts")
        expect(down.locator(".bad").first).to_be_visible(timeout=20_000)

    browser.run(steps, path="/feeds")


# The proof: a whole minute of a simulated match


SAMPLING = """() => {
  window.samples = [];
  const look = () => {
    const open = document.querySelectorAll("#markets [data-price][data-s=open], #markets [data-price][data-s=override]").length;
    window.samples.push([Date.now(), open]);
  };
  setInterval(look, 20);
}"""


@pytest.mark.timeout(300)
def test_a1_a2_in_a_minute_of_a_simulated_match_nothing_is_open_from_a_points_start_to_the_price_after_its_end(
    browser: Chrome, prices: Provider, port: int, home: Path
) -> None:
    with simulated(prices.base, SECRET, port, SPEED) as match:
        samples = browser.run(lambda page: watch(page, match))
    seen = [(at / 1000, n) for at, n in samples]
    points = list(match.points(seen[0][0]))
    reopened = prices_kept(home, match)
    assert len(points) > 10
    closed = [(began, next((at for at in reopened if at > ended + 0.1), seen[-1][0])) for began, ended in points]
    took = sorted(shut_after(began, until, seen) for began, until in closed)
    holes = [later[0] - earlier[0] for earlier, later in pairwise(seen)]
    assert median(holes) < 0.1, "the page was not looked at"
    assert took[len(took) * 9 // 10] < BOUND, took
    assert took[-1] < FAULT, took
    opened_early = [(began, at) for began, until in closed for at in opening(began, until, seen)]
    assert opened_early == []
    between = [n for at, n in seen if not any(began <= at < until for began, until in closed)]
    assert sum(1 for n in between if n) > 100, "it was open between the points"


Sample = tuple[float, int]
"""When, and how many prices were open."""


def shut_after(began: float, until: float, seen: list[Sample]) -> float:
    """Seconds from a point's beginning to the first look at which nothing was open."""
    return next((at - began for at, n in seen if at >= began and not n), until - began)


def opening(began: float, until: float, seen: list[Sample]) -> list[float]:
    """When something was open again, between a point's beginning and the price after its end."""
    inside = [(at, n) for at, n in seen if began <= at < until]
    return [later for (_, before), (later, after) in pairwise(inside) if after and not before]


def watch(page: Page, match: Simulated) -> list[tuple[float, int]]:
    row = page.locator("#board-rows tr", has_text="Tennis").filter(has_text=match.court.match.plan.team_a[0].last)
    row.locator(".fz-3 a").click(timeout=20_000)
    bind(page)
    expect(page.locator("#markets [data-price][data-s=open]").first).to_be_visible(timeout=20_000)
    page.evaluate(SAMPLING)
    page.wait_for_timeout(60_000)
    found: list[tuple[float, int]] = page.evaluate("window.samples")
    return found


def prices_kept(home: Path, match: Simulated) -> list[float]:
    """When prices of the match were kept, by the database's clock."""
    (database,) = home.glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        rows = store.execute(
            "SELECT f.kept_at FROM feeds_frame f JOIN markets_source s ON s.id = f.source_id WHERE s.slug = 'test'"
            " AND instr(f.body, 'MarketSet') > 0 AND f.fixture_ref = (SELECT x.ref FROM markets_fixture x JOIN markets_binding b"
            " ON b.fixture_id = x.id JOIN markets_fixture p ON p.id = b.points_id JOIN markets_source q ON q.id = p.source_id"
            " WHERE q.slug = 'courts' LIMIT 1) ORDER BY f.kept_at"
        )
        return [datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for (at,) in rows]
