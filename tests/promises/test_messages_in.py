"""What becomes of what a provider pushes (promises B1–B5, B7), through HTTP only."""

from __future__ import annotations

import http.client
import threading
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.pace import keeps_to
from tests.processes import until
from tests.promises import letters
from tests.promises.prepare import SECRET, SLUG
from tests.promises.town import Match, Town

OUTCOMES = ("applied", "superseded", "duplicate", "quarantined", "pending")
FAULT = 2.0
"""Seconds that nothing takes even while one thing is broken."""


def test_b2_repeats_have_one_effect_and_a_guid_with_other_content_is_quarantined(town: Town) -> None:
    match, guid = town.match(), str(uuid.uuid4())
    sent = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    for retry in range(3):
        match.say(match.market(first="2.11"), guid=guid, retry=retry, sent=sent, order=7)
    assert [one["outcome"] for one in town.fate(guid)] == ["applied", "duplicate", "duplicate"]
    match.say(match.market(first="2.99"), guid=guid, sent=sent, order=7)
    assert town.fate(guid)[-1]["outcome"] == "quarantined"
    assert match.open() == set()
    assert match.first()["value"] == 2.11


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML at all",
        b"\x00\xff" * 500,
        b"<Updategram>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Updategram/>',
        letters.letter("<MarketSet><FixtureId>1</FixtureId></MarketSet>", guid="no-guid"),
        b"<Other/>",
    ],
)
def test_b3_broken_content_is_acknowledged_kept_and_shown(town: Town, body: bytes) -> None:
    before = town.books()
    assert town.post(body) == 200
    town.settle()
    after = town.books()
    assert after["quarantined"] == before["quarantined"] + 1
    dismiss_all(town)


def test_b3_the_fixture_of_a_broken_message_is_suspended_within_a_second(town: Town) -> None:
    keeps_to(1.0, lambda: closed_by_a_broken_message(town.match()), never=FAULT)


def closed_by_a_broken_message(match: Match) -> float:
    """Seconds from its acknowledgement until nothing was open."""
    assert match.town.post(letters.cut_short(match.ref)) == 200
    started = time.monotonic()
    assert until(lambda: not match.open(), 10)
    took = time.monotonic() - started
    assert "quarantine" in match.reasons()
    return took


def test_b5_the_books_balance_at_every_moment(town: Town) -> None:
    matches = [town.match() for _ in range(3)]

    def push(match: Match) -> None:
        for number in range(60):
            body = letters.letter(letters.market_set(match.ref, match.market(first=f"2.{number:02d}")), order=number + 1)
            town.post(body if number % 10 else letters.cut_short(match.ref))
            if number % 7 == 0:
                town.post(body)

    pushing = [threading.Thread(target=push, args=(match,)) for match in matches]
    for thread in pushing:
        thread.start()
    looks = 0
    while any(thread.is_alive() for thread in pushing):
        books = town.books()
        assert books["received"] == sum(books[name] for name in OUTCOMES), books
        looks += 1
        time.sleep(0.02)
    assert looks > 5
    assert until(lambda: town.books()["pending"] == 0, 5)
    dismiss_all(town)


def test_b7_one_bad_message_stops_only_its_own_fixture(town: Town) -> None:
    bad, good = town.match(markets=2), town.match()
    town.post(letters.cut_short(bad.ref))
    town.settle()
    assert bad.open() == set()
    assert good.open() == set(good.selections)
    bad.say(bad.market(0, "2.50"))
    assert bad.open() == set(bad.selections[:3])  # A5: what a newer message proved
    dismiss_all(town)
    bad.wait_open()


def test_b7_what_names_no_fixture_holds_the_feed_until_it_is_dismissed(town: Town) -> None:
    match = town.match()
    town.post(letters.cut_short(None))
    assert until(lambda: not match.open(), 5)
    match.offer("2.50")
    town.settle()
    assert match.open() == set()
    dismiss_all(town)
    match.wait_open()


def dismiss_all(town: Town) -> None:
    """Staff look at each quarantined message and let it go for everybody."""
    staff = town.person("alpha-staff")
    waiting = town.place.rows("SELECT id FROM feeds_frame WHERE outcome = 'quarantined' AND resolution = ''")
    for (frame,) in waiting:
        assert staff.http.get(f"/feeds/frame/{frame}").status_code == 200
        staff.do("quarantine/dismiss", frame=frame, reason="seen in a test")


class Line:
    """One connection of a provider that pushes at a rate; ``times``: seconds until each 200."""

    def __init__(self, town: Town, bodies: list[bytes], rate: float) -> None:
        self.port, self.bodies, self.rate = town.web.port, bodies, rate
        self.times: list[float] = []
        self.thread = threading.Thread(target=self._push, daemon=True)

    def _push(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        path = f"/feeds/updategram/{SLUG}/ProcessMessage?token={quote(SECRET, safe='')}"
        begun = time.monotonic()
        for number, body in enumerate(self.bodies):
            time.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
            started = time.monotonic()
            connection.request("POST", path, body)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            self.times.append(time.monotonic() - started)


def rated_load(town: Town, matches: list[Match], big: Match, seconds: int) -> float:
    """P9: 100 messages a second of 20 markets, and 3 of 2 MB. p99 of the acknowledgements in seconds."""
    small = [[twenty(match, n) for n in range(25 * seconds)] for match in matches]
    large = [two_megabytes(big, n) for n in range(3 * seconds)]
    lines = [*(Line(town, bodies, 25) for bodies in small), Line(town, large, 3)]
    for line in lines:
        line.thread.start()
    for line in lines:
        line.thread.join(60)
    assert [len(line.times) for line in lines] == [25 * seconds] * 4 + [3 * seconds]
    times = sorted(time for line in lines for time in line.times)
    return times[int(len(times) * 0.99)]


def twenty(match: Match, number: int) -> bytes:
    prices = (f"{1.5 + number % 40 / 100:.2f}", f"{2.5 + number % 90 / 100:.2f}")
    return letters.letter(letters.market_set(match.ref, *(match.market(n, prices[0 if n % 5 else 1]) for n in range(20))))


def two_megabytes(match: Match, number: int) -> bytes:
    body = twenty(match, number)
    rest = b"<!-- " + b"x" * (2_000_000 - len(body)) + b" -->"
    return body.replace(b"</Updategram>", rest + b"</Updategram>")


@pytest.mark.timeout(240)
@pytest.mark.alone
def test_b4_p9_acknowledgements_take_a_tenth_of_a_second_at_the_rated_load(town: Town) -> None:
    """Five seconds of it."""
    matches = [town.match(markets=20) for _ in range(4)]
    big = town.match(markets=20)

    def once() -> float:
        p99 = rated_load(town, matches, big, seconds=5)
        town.settle(60)
        return p99

    keeps_to(0.1, once, never=FAULT)
