"""The desk is killed and started again (promises A5, A10, B1, C1, C3), seen from outside."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.processes import ROOT, SCALED, DeskProcess, until
from tests.promises import letters
from tests.promises.town import Match, Prepared, Town, opened

GAP = 3.5  # nobody has received for longer than the desk lets pass


@pytest.fixture
def own(tmp_path: Path, prepared: Prepared) -> Iterator[Town]:
    with opened(tmp_path, prepared) as town:
        yield town


def audit(town: Town) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(town.person("alpha-trader").http.get("/audit.csv").text)))


def keep_one_more(town: Town, body: bytes) -> None:
    """What a receiver leaves that was killed between its acknowledgement and the worker's work."""
    program = (
        "import sys, django; django.setup()\n"
        "from feeds.keeping import Arrived, Writer\nfrom markets.models import Source\nfrom markets import db\n"
        "source = Source.objects.get()\n"
        "Writer().write([Arrived(source.pk, db.now(), 'text/xml', '127.0.0.1', sys.stdin.buffer.read())])\n"
    )
    environment = {**town.place.environment, "DJANGO_SETTINGS_MODULE": "tradingdesk.settings"}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, input=body, timeout=60, check=True)


def test_a5_a10_after_a_crash_nothing_opens_but_what_proves_itself(own: Town) -> None:
    proved, unproved = own.match(markets=2), own.match()
    own.kill()
    keep_one_more(own, letters.letter(letters.market_set(proved.ref, proved.market(1, status="Suspended"))))
    time.sleep(GAP)
    own.start()
    for _ in range(20):
        assert proved.open() == unproved.open() == set()
        own.beat()
    assert until(lambda: own.books()["pending"] == 0, 30)
    assert "gap" in unproved.reasons()
    assert proved.open() == unproved.open() == set()
    proved.say(proved.market(0, "2.30"))
    assert until(lambda: proved.open() == set(proved.selections[:3]), 15), proved.reasons()
    assert unproved.open() == set()
    trader = own.person("alpha-trader")
    row = unproved.row()
    shown = trader.http.get("/would-open", params={"fixture": row}).text
    as_of = shown.split('name="as_of" value="')[1].split('"')[0].replace("&#x2B;", "+")
    trader.do("confirm", fixture=row, as_of=as_of, reason="looked at it")
    unproved.wait_open()
    assert unproved.open(own.beta) == set()
    assert sum("confirm" in row["action"] for row in audit(own)) == 1


def test_b1_what_was_acknowledged_is_there_after_a_crash(own: Town) -> None:
    match = own.match()
    bodies = [letters.letter(letters.market_set(match.ref, match.market(first=f"2.{n:02d}")), order=n) for n in range(1, 30)]
    for body in bodies:
        assert own.post(body) == 200
    own.kill()
    kept = {bytes(row[0]) for row in own.place.rows("SELECT body FROM feeds_frame")}
    assert set(bodies) <= kept
    own.start()
    assert until(lambda: own.books()["pending"] == 0, 30)
    assert match.first()["value"] == 2.29


def test_c1_an_override_outlives_a_crash_and_ends_at_its_deadline_with_every_worker_down(own: Town) -> None:
    lasting, short = own.match(), own.match()
    ends = end_of(lasting.patch({"oddValue": 2.05, "durationSeconds": 30, "reason": "test"}))
    short_ends = end_of(short.patch({"oddValue": 2.05, "durationSeconds": 2, "reason": "test"}))
    own.kill()
    time.sleep(max(0.0, short_ends + 0.3 - time.time()))
    own.start()
    for match in (lasting, short):
        match.offer("2.30")
    for match in (lasting, short):
        match.wait_open(20)
    assert short.first()["value"] == 2.30
    assert lasting.first()["value"] == 2.05, "ended early"
    assert time.time() < ends, "the desk took too long to start for this test"
    if own.worker is not None:
        own.worker.stop()
    while (asked := time.time()) < ends + 1.0:
        value = lasting.first()["value"]
        assert value in (2.05, 2.30), "the price from before the override"
        assert value == 2.30 or asked < ends + 0.25
        time.sleep(0.02 if ends - asked < 1 else 0.25)
    assert lasting.first()["value"] == 2.30
    if SCALED:
        own.worker = None
        return
    expired = [row for row in audit(own) if row["action"] == "override expired"]
    assert sorted(datetime.fromisoformat(row["time"]).timestamp() for row in expired) == pytest.approx([short_ends, ends], abs=0.001)


def end_of(answer: httpx.Response) -> float:
    assert answer.status_code == 200, answer.text
    return datetime.fromisoformat(answer.json()["endsAt"]).timestamp()


def test_c3_what_was_accepted_survives_a_crash_and_a_repeat_has_no_second_effect(own: Town) -> None:
    match = own.match()
    group, key = match.odd_key(match.selections[0])
    order = {"oddKey": key, "oddValue": 2.05, "durationSeconds": 600, "reason": "test"}
    headers = {**own.alpha.bearer, "Idempotency-Key": "a-key-of-the-caller"}
    first = own.http.patch(f"{match.path()}/{group}", json=order, headers=headers)
    own.kill()
    assert first.status_code == 200
    own.start()
    again = own.http.patch(f"{match.path()}/{group}", json=order, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    (entry,) = match.read()["override"]
    assert entry["oddValue"] == 2.05
    assert len([row for row in audit(own) if row["action"].startswith("override")]) == 1


@pytest.mark.scaled
def test_a10_a_web_process_that_joins_a_running_desk_shows_what_the_store_says(town: Town) -> None:
    match, held = town.match(), town.match()
    held.say(held.market(status="Suspended"))
    second = DeskProcess(town.place)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{second.port}", timeout=20, trust_env=False) as client:
            first_answers = [client.get(one.path(), headers=town.alpha.bearer).json() for one in (match, held)]
            assert client.get("/readyz").status_code == 200
        assert all(not outcome["suspended"] for outcome in match.outcomes(body=first_answers[0]).values())
        assert all(outcome["suspended"] for outcome in held.outcomes(body=first_answers[1]).values())
        assert match.open() == set(match.selections)
    finally:
        second.stop()


def test_a10_nothing_is_offered_before_a_fixture_is_known(town: Town) -> None:
    """U11: prices without their fixture make a stub, closed until the fixture message is there."""
    match = Match(town, 699_999, in_play=False, markets=1)
    match.offer()
    town.settle()
    assert match.open() == set()
    town.say(letters.fixture(match.ref))
    match.wait_open()
