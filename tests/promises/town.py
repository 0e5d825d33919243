"""A whole desk in processes of its own, with everybody who speaks to it: a provider, two bookmakers, their people, staff."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.processes import ROOT, SCALED, DeskProcess, Place, until
from tests.promises import letters
from tests.promises.prepare import SECRET, SLUG

Json = dict[str, Any]
PRICES = ("2.00", "3.50", "4.00")
logging.getLogger("httpx").setLevel(logging.WARNING)
_refs = itertools.count(700_001)


class Worker(Protocol):
    """A worker process of a scaled desk."""

    def stop(self, how: int = signal.SIGTERM) -> None: ...


class House:
    """A bookmaker: ``id`` and ``key`` as the operator was shown them."""

    def __init__(self, id: str, key: str) -> None:
        self.id, self.key = id, key
        self.bearer = {"Authorization": f"Bearer {key}"}


class Prepared:
    """An empty desk with its feed, bookmakers and people, made once and copied for each town; no process runs on it."""

    def __init__(self, home: Path) -> None:
        self.place = Place(home)
        command = [sys.executable, "-m", "tests.promises.prepare"]
        made = subprocess.run(command, env=self.place.environment, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
        assert made.returncode == 0, made.stderr
        self.told: Json = json.loads(made.stdout)


class Town:
    """The desk and its people; see :func:`opened`."""

    def __init__(self, home: Path, prepared: Prepared, **environment: str) -> None:
        self.place = Place(home, prepared.place, **environment)
        self.houses = {name: House(**one) for name, one in prepared.told["houses"].items()}
        self.ops: str = prepared.told["ops"]
        self.passwords: dict[str, str] = prepared.told["people"]
        self.silent = threading.Event()
        self.web: DeskProcess
        self.worker: Worker | None = None

    @property
    def alpha(self) -> House:
        return self.houses["Alpha"]

    @property
    def beta(self) -> House:
        return self.houses["Beta"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web.port}"

    @property
    def feed(self) -> str:
        return f"{self.url}/feeds/updategram/{SLUG}"

    def start(self) -> None:
        """Until it serves; a scaled desk's worker may still be starting."""
        if SCALED and self.worker is None:
            from tests.pushing import WorkerProcess  # knows the models, which a bare process has not loaded

            self.worker = WorkerProcess(self.place)
        self.web = DeskProcess(self.place)
        self.http = httpx.Client(base_url=self.url, timeout=20, trust_env=False)

    def kill(self) -> None:
        """Every process at once, as a power cut would."""
        self.web.process.kill()
        if self.worker is not None:
            self.worker.stop(signal.SIGKILL)
            self.worker = None
        self.web.stop(signal.SIGKILL)
        self.http.close()

    def end(self) -> None:
        if hasattr(self, "web"):  # else it did not start, and said why
            self.kill()
        elif self.worker is not None:
            self.worker.stop(signal.SIGKILL)
        self.place.drop()

    # the provider

    def post(self, body: bytes, method: str = "ProcessMessage") -> int:
        return httpx.post(f"{self.feed}/{method}", params={"token": SECRET}, content=body, timeout=20, trust_env=False).status_code

    def beat(self) -> None:
        assert self.post(b"", "Heartbeat") == 200

    def say(self, part: str, **header: Any) -> None:
        """Push and wait until it has its outcome."""
        assert self.post(letters.letter(part, **header)) == 200
        self.settle()

    def settle(self, seconds: float = 20) -> None:
        assert until(lambda: self.books()["pending"] == 0, seconds), self.books()

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Heartbeats each second but while ``silent`` is set."""
        done = threading.Event()

        def beats() -> None:
            while not done.wait(1):
                if not self.silent.is_set():
                    with contextlib.suppress(httpx.HTTPError):
                        self.post(b"", "Heartbeat")

        thread = threading.Thread(target=beats, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(10)

    def match(self, *, in_play: bool = False, markets: int = 1, sport: str = "football") -> Match:
        """A new fixture with open prices, seen through the bookmaker's door."""
        made = Match(self, next(_refs), in_play, markets, sport)
        self.post(letters.letter(letters.fixture(made.ref, off=in_play, sport=sport)))
        self.post(letters.letter(letters.coverage(made.ref)))
        made.offer()
        assert until(lambda: made.open() == set(made.selections), 20), made.read()
        return made

    # the bookmakers

    def get(self, path: str, house: House | None = None) -> httpx.Response:
        return self.http.get(path, headers=(house or self.alpha).bearer)

    def books(self) -> Json:
        books = self.http.get("/feeds/accounting", headers={"Authorization": f"Bearer {self.ops}"}).raise_for_status().json()
        return dict(next(one for one in books if one["feed"] == SLUG))

    def fate(self, guid: str) -> list[Json]:
        """What became of the frames of a guid."""
        answer = self.http.get(f"/feeds/messages/{SLUG}/{guid}", headers={"Authorization": f"Bearer {self.ops}"})
        return list(answer.raise_for_status().json())

    # the people

    def person(self, name: str) -> Person:
        return Person(self, name)


class Match:
    """One fixture. Its markets are ``ref * 10 + n``, their selections ``market * 10 + place``."""

    def __init__(self, town: Town, ref: int, in_play: bool, markets: int, sport: str = "football") -> None:
        self.town, self.ref, self.in_play, self.sport = town, ref, in_play, sport
        self.markets = [ref * 10 + n for n in range(markets)]

    @property
    def selections(self) -> list[str]:
        return [str(market * 10 + place) for market in self.markets for place in range(3)]

    def prices(self, market: int, first: str = PRICES[0]) -> dict[int, str]:
        return {market * 10 + place: price for place, price in enumerate((first, *PRICES[1:]))}

    def market(self, number: int = 0, first: str = PRICES[0], **more: Any) -> str:
        return letters.market(self.markets[number], self.prices(self.markets[number], first), in_play=self.in_play, **more)

    def offer(self, first: str = PRICES[0], **header: Any) -> None:
        """Every market anew, open; ``first`` is the first price of each."""
        every = (self.market(number, first) for number in range(len(self.markets)))
        assert self.town.post(letters.letter(letters.market_set(self.ref, *every), **header)) == 200

    def say(self, *markets: str, **header: Any) -> None:
        self.town.say(letters.market_set(self.ref, *markets), **header)

    def path(self, house: House | None = None) -> str:
        return f"/bookmaker/{(house or self.town.alpha).id}/{self.sport}/{self.ref}"

    def read(self, house: House | None = None) -> Json:
        """The REST body, ``{}`` where there is none yet."""
        answer = self.town.get(self.path(house), house)
        assert answer.status_code in {200, 404, 503}, answer.text
        return dict(answer.json()) if answer.status_code == 200 else {}

    def outcomes(self, house: House | None = None, body: Json | None = None) -> dict[str, Json]:
        """Selection id → outcome as served."""
        found = self.read(house) if body is None else body
        return {o["id"]: o for group in found.get("odds", {}).values() for m in group.values() for o in m.values()}

    def open(self, house: House | None = None) -> set[str]:
        return {id_ for id_, outcome in self.outcomes(house).items() if not outcome["suspended"]}

    def first(self, house: House | None = None) -> Json:
        """The first selection of the first market."""
        return self.outcomes(house)[self.selections[0]]

    def reasons(self) -> str:
        return " ".join(words for outcome in self.outcomes().values() for words in outcome["reasons"])

    def odd_key(self, selection: str) -> tuple[str, str]:
        """(Group as a path takes it, ``market#outcome``)."""
        for group, markets in self.read()["odds"].items():
            for market, outcomes in markets.items():
                for key, outcome in outcomes.items():
                    if outcome["id"] == selection:
                        return {"fullTime": "full-time", "setTime": "set-time"}.get(group, group), f"{market}#{key}"
        raise AssertionError(selection)

    def patch(self, order: Mapping[str, Any], headers: Mapping[str, str] = {}) -> httpx.Response:
        """Alpha's PATCH on the first selection."""
        group, key = self.odd_key(self.selections[0])
        sent = {"oddKey": key, **order}
        return self.town.http.patch(f"{self.path()}/{group}", json=sent, headers={**self.town.alpha.bearer, **headers})

    def wait_open(self, seconds: float = 15) -> None:
        assert until(lambda: self.open() == set(self.selections), seconds), (self.open(), self.reasons())

    def row(self) -> int:
        """Its number in the pages' addresses."""
        return int(self.town.place.rows(f"SELECT id FROM markets_fixture WHERE ref = '{self.ref}'")[0][0])

    def selection_row(self) -> int:
        """Of the first selection."""
        return int(self.town.place.rows(f"SELECT id FROM markets_selection WHERE ref = '{self.selections[0]}'")[0][0])


class Person:
    """Somebody signed in by the form, as a browser does it."""

    def __init__(self, town: Town, name: str) -> None:
        self.town = town
        self.http = httpx.Client(base_url=town.url, timeout=20, trust_env=False)
        self.http.get("/sign-in")
        answer = self.post("/sign-in", {"username": name, "password": town.passwords[name]})
        assert answer.status_code == 302, answer.text

    @property
    def session(self) -> str:
        return str(self.http.cookies["sessionid"])

    def post(self, path: str, data: Mapping[str, Any], **headers: str) -> httpx.Response:
        """With the token of the forms, as long as ``headers`` say nothing else."""
        token = {"X-CSRFToken": self.http.cookies.get("csrftoken") or ""}
        return self.http.post(path, data=dict(data), headers={**token, **headers})

    def do(self, command: str, **data: Any) -> httpx.Response:
        answer = self.post(f"/do/{command}", data)
        assert answer.status_code == 200, answer.text + "".join(self.town.web.lines[-30:])
        return answer


@contextlib.contextmanager
def opened(home: Path, prepared: Prepared) -> Iterator[Town]:
    """A town whose desk runs until the block ends."""
    town = Town(home, prepared)
    try:
        town.start()
        with town.beating():
            yield town
    finally:
        town.end()


def while_watching(look: Callable[[], bool], seconds: float) -> list[tuple[float, bool]]:
    """What ``look`` said and when it was asked (before the question left), again and again for ``seconds``."""
    seen: list[tuple[float, bool]] = []
    ends = time.time() + seconds
    while (asked := time.time()) < ends:
        seen.append((asked, look()))
        time.sleep(0.02)
    return seen
