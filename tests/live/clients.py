"""A bookmaker's system as docs/api.md describes it: it listens to a stream by WebSocket or SSE, and applies the frames to what it has."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Self

import httpx
from httpx_sse import ServerSentEvent, connect_sse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.live.listening import until

Json = dict[str, Any]
VOLATILE = "validForMs"


class Match:
    """What a client holds of one match: exactly what the frames say, and until when each price may be believed.

    ``broken``: what a client may rely on and was not so. A hole makes the match ``stale``: nothing of it counts until a snapshot.
    """

    def __init__(self) -> None:
        self.body: Json = {}
        self.seq: int | None = None
        self.stale = True
        self.gone = False
        self.broken: list[str] = []
        self._ends: dict[tuple[str, str, str], float] = {}

    def hear(self, frame: Json) -> None:
        if frame["type"] == "snapshot":
            self._begin(frame)
        elif frame["prevSeq"] != self.seq or frame["revision" if "revision" in frame else "seq"] is None:
            self.stale = True
        else:
            getattr(self, f"_{frame['type']}")(frame)

    def open(self) -> dict[tuple[str, str, str], Any]:
        """What the client may offer now, with its price."""
        if self.stale or self.gone or "odds" not in self.body:
            return {}
        now = time.monotonic()
        return {path: p["value"] for path, p in prices(self.body["odds"]) if not p["suspended"] and self._ends.get(path, 0) > now}

    def _begin(self, frame: Json) -> None:
        for name in ("revision", "bookmakerRevision"):
            if self.body and frame[name] < self.body[name]:
                self.broken.append(f"{name} went back from {self.body[name]} to {frame[name]}")
        self.body = {key: frame[key] for key in frame if key not in ("type", "seq", "prevSeq", "now", VOLATILE)}
        self.seq, self.stale, self.gone = frame["seq"], False, False
        self._ends = {}
        self._believe(frame.get("odds", {}))

    def _update(self, frame: Json) -> None:
        for name in ("revision", "bookmakerRevision"):
            if frame[name] < self.body[name]:
                self.broken.append(f"{name} went back from {self.body[name]} to {frame[name]}")
        self.seq = frame["seq"]
        if "holds" in frame:
            self._apply_overrides(frame)
        else:
            self._apply_odds(frame)

    def _apply_odds(self, frame: Json) -> None:
        for name in ("revision", "bookmakerRevision", "phase", "stateHash", "linkedMatchIds"):
            self.body[name] = frame[name]
        for group, markets in frame["odds"].items():
            if markets is None:
                self.body["odds"].pop(group)
                continue
            self.body["odds"].setdefault(group, {})
            for market, outcomes in markets.items():
                _merge(self.body["odds"].setdefault(group, {}), market, outcomes)
        for key, market in frame["markets"].items():
            _put(self.body["markets"], key, market)
        self.body["override"] = frame.get("override", self.body["override"])
        self._believe({g: {m: o for m, o in ms.items() if o} for g, ms in frame["odds"].items() if ms})

    def _apply_overrides(self, frame: Json) -> None:
        entries = {entry["id"]: entry for entry in self.body["override"]}
        for entry in frame["override"]:
            if entry.get("ended"):
                entries.pop(entry["id"])
            else:
                entries[entry["id"]] = entry
        self.body |= {"override": list(entries.values()), "holds": frame["holds"]}
        self.body |= {name: frame[name] for name in ("revision", "bookmakerRevision")}

    def _suspend(self, frame: Json) -> None:
        self.seq = frame["seq"]
        for (_, market, _), price in prices(self.body["odds"]):
            if frame["scope"] == "all" or self.body["markets"][market]["inPlay"]:
                price["suspended"] = True

    def _beat(self, frame: Json) -> None:
        if frame["seq"] != self.seq:
            self.broken.append(f"a beat of {frame['seq']} at {self.seq}")
        for path, price in prices(self.body.get("odds", {})):
            if not price["suspended"]:
                group, market, outcome = path
                named = frame.get("odds", {}).get(group, {}).get(market, {}).get(outcome)
                ms = frame[VOLATILE] if named is None else named[VOLATILE]
                if ms:
                    self._ends[path] = time.monotonic() + ms / 1000

    def _gone(self, frame: Json) -> None:
        self.seq, self.gone = frame["seq"], True

    def _believe(self, odds: Json) -> None:
        for path, price in prices(odds):
            if price and not price["suspended"]:
                self._ends[path] = time.monotonic() + price[VOLATILE] / 1000


def prices(odds: Json) -> Iterator[tuple[tuple[str, str, str], Json]]:
    for group, markets in odds.items():
        for market, outcomes in markets.items():
            for outcome, price in outcomes.items():
                yield (group, market, outcome), price


def without_time(value: Any) -> Any:
    """What REST and a stream must agree on: everything but for how long it is valid."""
    if isinstance(value, dict):
        return {key: without_time(one) for key, one in value.items() if key != VOLATILE}
    return [without_time(one) for one in value] if isinstance(value, list) else value


def _merge(markets: Json, market: str, outcomes: Json | None) -> None:
    if outcomes is None:
        markets.pop(market)
        return
    for outcome, price in outcomes.items():
        _put(markets.setdefault(market, {}), outcome, price)


def _put(into: Json, key: str, value: Any) -> None:
    if value is None:
        into.pop(key)
    else:
        into[key] = value


class Client(ABC):
    """Listens in a thread of its own. ``frames``: (monotonic time, frame); ``code``: why it ended, the close code or HTTP status."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, Json]] = []
        self.texts: list[str] = []
        self.matches: dict[int, Match] = {}
        self.listed: set[int] | None = None
        self.code: int | None = None
        self.closed_at = 0.0
        self.failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.listen()
        except BaseException as failed:
            self.failed = failed
            raise
        finally:
            self.closed_at = time.monotonic()

    @abstractmethod
    def listen(self) -> None: ...

    @abstractmethod
    def hang_up(self) -> None:
        """Begins to end; returns at once."""

    def close(self) -> None:
        self.hang_up()
        self._thread.join(5)

    def hear(self, text: str) -> None:
        frame = json.loads(text)
        self.texts.append(text)
        if "matches" in frame:
            self.listed = {int(match) for match in frame["matches"]}
            for match, beat in frame["matches"].items():
                self.matches[int(match)].hear({"type": "beat", "prevSeq": beat["seq"], **beat})
        else:
            self.matches.setdefault(frame["matchId"], Match()).hear(frame)
        self.frames.append((time.monotonic(), frame))

    def of(self, kind: str) -> list[Json]:
        return [frame for _, frame in self.frames if frame["type"] == kind]

    @property
    def match(self) -> Match:
        (one,) = self.matches.values()
        return one

    def wait(self, what: Callable[[Client], Any], seconds: float = 10.0) -> float:
        try:
            return until(lambda: what(self), seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}; heard {[f for _, f in self.frames[-3:]]}, ended with {self.code}") from self.failed

    def ready(self) -> Self:
        self.wait(lambda c: c.frames or c.code)
        assert self.frames, f"ended with {self.code}"
        return self

    def ended(self) -> int:
        self.wait(lambda c: c.code)
        assert self.code is not None
        return self.code


class SocketClient(Client):
    """By WebSocket; ``code`` is the close code."""

    def __init__(self, url: str, *, bearer: str = "", origin: str = "") -> None:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._connect = partial(
            connect, url.replace("http", "ws", 1), additional_headers=headers, origin=Origin(origin) if origin else None, max_size=None
        )
        self._socket: ClientConnection | None = None
        super().__init__()

    def listen(self) -> None:
        try:
            with self._connect() as self._socket:
                while True:
                    self.hear(str(self._socket.recv()))
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006

    def hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()


class EventClient(Client):
    """By SSE; ``code`` is the HTTP status of a refusal, 200 when the response ended."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.headers = headers
        self.answer: httpx.Response | None = None
        self.events: list[ServerSentEvent] = []
        self._closing = False
        super().__init__()

    def listen(self) -> None:
        with httpx.Client(timeout=30) as http, contextlib.suppress(httpx.TransportError):
            with connect_sse(http, "GET", self.url, headers=self.headers) as source:
                self.answer = source.response
                if source.response.status_code != 200:
                    source.response.read()
                    self.code = source.response.status_code
                    return
                for event in source.iter_sse():
                    if self._closing:
                        break
                    self.events.append(event)
                    self.hear(event.data)
            self.code = 200

    def hang_up(self) -> None:
        """With the next event, which is a beat at the latest."""
        self._closing = True
