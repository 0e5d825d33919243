"""A desk that runs, with table tennis as 000 speaks of it: asked by plain HTTP only."""

from __future__ import annotations

from typing import Any

import httpx

from tests.processes import until
from tests.promises import letters
from tests.promises.town import Town

BARE, LIVE, OTHER = 2450840, 2450841, 2450842
"""Matches: the one of 000's sample, without prices; one in play with both odd groups; one that has not begun."""
SAMPLE_MARKET = LIVE * 10 + 1
SET_TIME_TYPE, SAMPLE_TYPE = 11336, 9001
Json = dict[str, Any]


class Desk:
    """``get``, ``patch``, ``delete``: as the client of a bookmaker with a key."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.bookmaker, self.key = town.alpha.id, town.alpha.key
        self.http = httpx.Client(base_url=town.url, timeout=20, trust_env=False, headers=town.alpha.bearer)

    def own(self, *rest: object) -> str:
        """``/bookmaker/{bookmakerId}/table-tennis/…``"""
        return "/".join(["", "bookmaker", self.bookmaker, "table-tennis", *map(str, rest)])

    def get(self, path: str, **query: object) -> Any:
        answer = self.http.get(path, params={name: str(value) for name, value in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def match(self, number: int = LIVE) -> Json:
        return dict(self.get(self.own(number)))

    def stock(self) -> None:
        """Tell the desk of the three matches; until their prices are open."""
        for number in (BARE, LIVE, OTHER):
            self._say(letters.fixture(number, off=number == LIVE, sport="table-tennis"))
        self._say(letters.coverage(LIVE))
        self.offer()
        assert until(lambda: self._open(LIVE) and self._open(OTHER), 20), self.match()

    def offer(self) -> None:
        """The prices of both matches, anew."""
        winner, in_set = LIVE * 10, LIVE * 10 + 2
        markets = (
            letters.market(winner, {winner * 10: "1.50", winner * 10 + 1: "2.50"}, in_play=True),
            _sample(letters.market(SAMPLE_MARKET, {SAMPLE_MARKET * 10: "1.90"}, in_play=True, type_id=SAMPLE_TYPE)),
            letters.market(in_set, {in_set * 10: "1.70"}, in_play=True, type_id=SET_TIME_TYPE),
        )
        self._say(letters.market_set(LIVE, *markets))
        self._say(letters.market_set(OTHER, letters.market(OTHER * 10, {OTHER * 100: "2.00"})))

    def _open(self, number: int) -> bool:
        answer = self.http.get(self.own(number))
        prices = [p for group in answer.json()["odds"].values() for m in group.values() for p in m.values()] if answer.is_success else []
        return bool(prices) and not any(price["suspended"] for price in prices)

    def _say(self, part: str) -> None:
        assert self.town.post(letters.letter(part)) == 200


def _sample(market: str) -> str:
    """Named so that its key is the one of 000's sample: ``market_name#outcome_key``."""
    return market.replace(f"Type {SAMPLE_TYPE}", "market_name").replace(f"Runner {SAMPLE_MARKET * 10}", "outcome_key")
