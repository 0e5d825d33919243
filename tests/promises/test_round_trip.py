"""Our own reader on our own server: desk B reads desk A as an Odds360 feed, and shows what A shows (000, both ways)."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.processes import SCALED, until
from tests.promises.courtside import Runner
from tests.promises.town import Json, Match, Prepared, Town, opened

SLUG = "upstream"
SPORT = "table-tennis"
Prices = dict[tuple[str, str, str], tuple[float | None, bool]]
"""(Group, market, outcome) → (price, suspended), by the public keys of both desks."""


def prices(body: Json) -> Prices:
    groups = body.get("odds", {}).items()
    found = {(g, m, o): (price["value"], price["suspended"]) for g, ms in groups for m, os_ in ms.items() for o, price in os_.items()}
    return {key: (None if suspended else value, suspended) for key, (value, suspended) in found.items()}


class Pair(Struct):
    """A's match, and B, which knows it from A only."""

    match: Match
    downstream: Town

    def upstream_says(self) -> Prices:
        return prices(self.match.read())

    def downstream_says(self) -> Prices:
        answer = self.downstream.get(f"/bookmaker/{self.downstream.alpha.id}/{SPORT}/{self.match.ref}")
        return prices(answer.json()) if answer.status_code == 200 else {}

    def both(self) -> tuple[Prices, Prices]:
        return self.upstream_says(), self.downstream_says()

    def same(self) -> bool:
        ours, theirs = self.both()
        return bool(ours) and ours == theirs

    def agree(self, seconds: float = 40) -> None:
        assert until(self.same, seconds), self.both()

    def some_open(self) -> bool:
        return any(not suspended for _, suspended in self.downstream_says().values())


def reading(home: Path, prepared: Prepared, upstream: Town) -> Town:
    """A desk that reads ``upstream`` with Alpha's key of it."""
    apart = {"REDIS_URL": f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/1"} if SCALED else {}
    town = Town(home, prepared, UPSTREAM_TOKEN=upstream.alpha.key, **apart)
    upstream_of = ("--host", upstream.url, "--token-env", "UPSTREAM_TOKEN", "--bookmaker", upstream.alpha.id)
    town.place.manage("addfeed", "odds360", SLUG, *upstream_of, "--sport", SPORT, "--discovery-seconds", "1")
    return town


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Pair]:
    homes = [tmp_path_factory.mktemp(name) for name in ("upstream", "downstream")]
    with opened(homes[0], prepared) as upstream:
        match = upstream.match(in_play=True, sport=SPORT, markets=2)
        downstream = reading(homes[1], prepared, upstream)
        runner = Runner(downstream.place) if SCALED else None
        try:
            downstream.start()
            yield Pair(match, downstream)
        finally:
            if runner:
                runner.stop()
            downstream.end()


@contextlib.contextmanager
def frozen(town: Town) -> Iterator[None]:
    """Its web process stands still; sockets to it stay open."""
    town.web.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        town.web.process.send_signal(signal.SIGCONT)


def test_a3_what_one_desk_serves_another_reads_price_by_price(pair: Pair) -> None:
    pair.agree()
    assert pair.some_open()


def test_a_price_that_moves_upstream_moves_downstream(pair: Pair) -> None:
    pair.match.offer("2.36")
    assert until(lambda: any(value == 2.36 for value, _ in pair.downstream_says().values()), 40), pair.both()
    pair.agree()


def test_what_is_suspended_upstream_is_suspended_downstream_and_opens_again_with_it(pair: Pair) -> None:
    pair.match.say(pair.match.market(0, "2.40", status="Suspended"))
    pair.agree()
    pair.match.offer("2.44")
    assert until(lambda: pair.some_open() and pair.same(), 40), pair.both()


def test_an_override_upstream_is_the_price_downstream_for_as_long_as_it_lasts(pair: Pair) -> None:
    assert pair.match.patch({"oddValue": 2.48, "durationSeconds": 12}).status_code == 200
    assert until(lambda: any(value == 2.48 for value, _ in pair.downstream_says().values()), 10), pair.both()
    assert until(lambda: all(value != 2.48 for value, _ in pair.downstream_says().values()), 30), pair.both()
    pair.agree()


def test_a3_nothing_stays_open_downstream_when_the_upstream_desk_falls_silent(pair: Pair) -> None:
    """Last, since the desk that it reads is frozen."""
    pair.agree()
    with frozen(pair.match.town):
        assert until(lambda: not pair.some_open(), 25), pair.downstream_says()
    pair.agree(90)
