"""SportMicro and Odds360, wired up: settings, credentials, lists of live matches, what follows each match (000; decisions O1, O2)."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Struct

from feeds.errors import Gone, Hopeless, Refused, Retryable, Trouble
from feeds.outgoing import Errand, Followed, Following, Keep, Subject, Wanted
from feeds.transport import address, rest, sse, ws
from feeds.transport.limits import Limits

from . import answers, discovery
from .discovery import Found, ListOf
from .leg import PUSHING, Road, worst_of
from .match import Channel, MatchFollower
from .settings import Odds360Settings, filled, places, settings_of
from .subjects import Kind, subject

logger = logging.getLogger(__name__)
ROW = "application/json"
_MISSING_SECONDS = 300.0
"""A list that the provider has not is asked for again after so long."""


class Access(Struct, frozen=True):
    """What the dashboard said of our bookmaker. ``open``: it lets us in and names the sport; ``words``: why not."""

    open: bool = False
    words: str = ""
    until: float = 0.0


class _Bookmaker(Struct):
    sports: list[object]


_bookmaker = msgspec.json.Decoder(_Bookmaker)


class Odds360Feed:
    """One connection to the provider; see :class:`feeds.outgoing.Following`."""

    def __init__(self, wanted: Wanted) -> None:
        if wanted.refusal:
            raise Refused(wanted.refusal)
        self.settings = settings_of(wanted.settings)
        self.slug = wanted.slug
        self.habits = self.settings.habits
        self.pace = self.settings.pace
        self._token = wanted.token
        self._dashboard_token = dashboard_token(self.settings, wanted.token)
        self._places = places(self.settings)
        rates = self.settings.rates
        limits = Limits(rates.requests, rates.burst)
        self._connects = limits.beside(rates.connects, rates.burst)
        seconds, pause = self.settings.request_seconds, self.pace.longest_pause
        self._client = rest.Client(seconds=seconds, whole=2 * seconds, limits=limits, longest_pause=pause)
        self._events = sse.Opener(seconds=self.pace.connect, longest_pause=pause)
        self._access = Access()
        self._missing: dict[str, float] = {}
        self._live: set[str] = set()
        self._upcoming: list[str] = []
        self._listed_at: dict[str, float] = {}
        self._looked_at = 0.0
        self._seen_at: dict[str, float] = {}
        self._saw_at = 0.0
        self._followers: dict[str, MatchFollower] = {}
        self._remark = ""
        self._beyond = 0
        self._odd: list[Subject] = []
        self._polling = 0
        self._worst: Road | None = None

    # --- lists -----------------------------------------------------------------------------------------------------------------------

    async def discover(self) -> Sequence[Subject]:
        """Live matches by the provider's lists, and those that begin before long. Raises the trouble of the lists when all of them fail."""
        try:
            return await self._discover()
        finally:
            self._tell_roads()

    async def _discover(self) -> Sequence[Subject]:
        await self._look_at_access()
        asked_at = time.monotonic()
        lists = [one for one in self._lists() if self._missing.get(one.name, 0.0) <= time.monotonic()]
        found = dict(zip([one.name for one in lists], await asyncio.gather(*map(self._read, lists)), strict=True))
        self._note_missing(found)
        self._odd += _unreadable(found)
        self._judge(found)
        live = self._followable(_live_rows(lists, found))
        self._take(live, whole=not self._beyond and all(one.whole or one.missing for one in found.values()))
        rows = await discovery.aside(sum(map(len, live.values())), _subjects, live, self.sport, asked_at)
        return rows + [Subject(ref, b"", "") for ref in self._upcoming if ref not in live]

    def unreadable(self) -> Sequence[Subject]:
        found, self._odd = self._odd, []
        return found

    def remark(self) -> str:
        return self._remark

    def upcoming(self, refs: Sequence[str]) -> None:
        self._upcoming = list(refs)

    def _lists(self) -> list[ListOf]:
        return [*discovery.live_lists(self.settings), *([discovery.dashboard_live(self.settings)] if self._access.open else [])]

    async def _read(self, wanted: ListOf) -> Found:
        ask = self._ask_dashboard if wanted.name.startswith("dashboard") else self._ask
        return await discovery.read(wanted, ask, self.settings.most_pages, self.settings.most_rows)

    def _note_missing(self, found: dict[str, Found]) -> None:
        """A provider that has one of the lists need not have the others."""
        missing = [name for name, one in found.items() if one.missing]
        if len(missing) < len(found):
            self._missing |= dict.fromkeys(missing, time.monotonic() + _MISSING_SECONDS)

    def _judge(self, found: dict[str, Found]) -> None:
        """Raises where nothing could be read."""
        bad = {name: one for name, one in found.items() if not one.pages}
        if bad and len(bad) == len(found):
            raise _worst(bad.values())
        words = [self._access.words] if self._access.words else []
        words += [f"{name}: {_words(one)}" for name, one in found.items() if not one.whole and not one.missing]
        words += [f"{name} repeats itself" for name, one in found.items() if one.repeated]
        self._remark = "; ".join(words)

    def _followable(self, live: dict[str, bytes]) -> dict[str, bytes]:
        """Of live matches those that are followed, and new ones while there is room; what the store knows to come comes after them."""
        room = max(0, self.settings.most_matches - len(self._followers))
        new = [ref for ref in live if ref not in self._followers]
        left = set(new[room:])
        coming = [ref for ref in self._upcoming if ref not in self._followers and ref not in live]
        beyond = len(left) + len(late := set(coming[max(0, room - len(new)) :]))
        self._upcoming = [ref for ref in self._upcoming if ref not in late]
        if beyond and not self._beyond:
            logger.warning("feed %s: %d matches are not followed: it has over %d", self.slug, beyond, self.settings.most_matches)
        elif self._beyond and not beyond:
            logger.info("feed %s: every match is followed again", self.slug)
        self._beyond = beyond
        return {ref: body for ref, body in live.items() if ref not in left}

    def _take(self, live: dict[str, bytes], *, whole: bool) -> None:
        now = time.monotonic()
        self._live = set(live) if whole else self._live | live.keys()
        self._listed_at |= dict.fromkeys(self._live | set(self._upcoming), now)
        self._looked_at = now if whole else self._looked_at
        self._seen_at |= dict.fromkeys([*live, *self._upcoming], now)
        self._saw_at = now
        for ref in live.keys() & self._followers.keys():
            self._followers[ref].live()
        beyond = f"{self._beyond} beyond the {self.settings.most_matches} that are followed" if self._beyond else ""
        told = (f"{len(self._live)} live, {len(self._upcoming)} to come", beyond, self._remark)
        self._remark = "; ".join(filter(None, told))

    def _tell_roads(self) -> None:
        """Once when live matches had to fall back from websockets, and from streams at all; once when none has to any more."""
        self._polling = sum(one.polls() for one in self._followers.values())
        fallen = [road for ref, one in self._followers.items() if ref in self._live and (road := one.fallen_to())]
        worst, before = worst_of(fallen), self._worst
        self._worst = worst
        if worst is before:
            return
        many = f"{fallen.count(worst) if worst else 0} of {len(self._followers)}"
        level = logging.WARNING
        match worst:
            case Road.POLL:
                words = f"streams do not open, matches read by polling: {many}"
            case Road.EVENTS if before is Road.POLL:
                level = logging.INFO
                words = f"streams open again, matches read by event streams: {many}"
            case Road.EVENTS:
                words = f"websockets do not open, matches read by event streams: {many}"
            case _:
                level = logging.INFO
                words = "no match has to do without websockets any more"
        logger.log(level, "feed %s: %s", self.slug, words)

    # --- what a match's follower asks ------------------------------------------------------------------------------------------------

    def follower(self, ref: str, keep: Keep) -> Followed:
        found = self._followers[ref] = MatchFollower(self, ref, keep)
        for known in (self._listed_at, self._seen_at):
            known.setdefault(ref, time.monotonic())
        if ref in self._live:
            found.live()
        return found

    def outdated(self, subject: Subject) -> bool:
        follower = self._followers.get(subject.ref)
        return follower is not None and follower.told_status_since(subject.asked_at)

    @property
    def sport(self) -> str:
        return self.settings.sport

    @property
    def roads(self) -> tuple[Road, ...]:
        """Streams need the UUID that Odds360 assigned; without it there is polling."""
        return (*PUSHING, Road.POLL) if self.settings.bookmaker else (Road.POLL,)

    def verify_seconds(self) -> float:
        """Between two looks at ``verify``."""
        return self.settings.intervals.verify

    def unlisted(self, ref: str, *, finished: bool) -> float:
        """For how many seconds the lists have been without a match: as far as they could be read whole, and of one that is ``finished`` by
        its own word as far as they could be read at all, since a list that fails for hours must not keep all that ends meanwhile.
        """
        looked_at, listed_at = (self._saw_at, self._seen_at) if finished else (self._looked_at, self._listed_at)
        return max(0.0, looked_at - listed_at.get(ref, looked_at))

    def forget(self, ref: str) -> None:
        """It is over."""
        self._followers.pop(ref, None)
        self._listed_at.pop(ref, None)
        self._seen_at.pop(ref, None)
        self._live.discard(ref)

    def poll_seconds(self) -> float:
        """Between two re-reads of a match without streams: longer where many share the rate, but no longer than twice (O2 stays short)."""
        share = 1.25 * max(1, self._polling) / self.settings.rates.requests
        return min(max(self.habits.poll, share), 2 * self.habits.poll)

    async def payload(self, ref: str) -> answers.Payload:
        """The whole payload of a match (000 section 4), from the dashboard where it lets us in, else from the public side."""
        if self._access.open:
            body = await self._ask_dashboard(self._places.dashboard + filled(self.settings.paths.payload, self.settings, ref=ref))
        else:
            query = urlencode({"match_id": f"eq.{ref}"})
            body = await self._ask(f"{self._places.odds}{filled(self.settings.paths.public, self.settings)}?{query}")
        return await discovery.aside(len(body), answers.payload, body, ref)

    async def row(self, ref: str) -> bytes:
        """The match's row among all matches (feeds.md 3.1: a single item is a list filtered by its id); empty where there is none."""
        query = urlencode({"id": f"eq.{ref}", "lang": self.settings.lang})
        body = await self._ask(f"{self._places.data}{self.settings.paths.matches}?{query}")
        found = await discovery.aside(len(body), answers.rows, body)
        return next((entry.body for entry in found.entries if entry.ref == ref), b"") if found is not None else b""

    async def verify(self, ref: str) -> bytes:
        """What the dashboard's ``verify`` says of a match; empty where there is no dashboard."""
        if not self._access.open:
            return b""
        return await self._ask_dashboard(self._places.dashboard + filled(self.settings.paths.verify, self.settings, ref=ref))

    async def open(self, kind: Kind, ref: str, road: Road) -> Channel:
        """A stream of a match, by one of its roads. The address carries the token: it is told to nobody."""
        path = filled(self.settings.paths.stream, self.settings, ref=ref, stream=kind)
        url = f"{self._places.streams}{path}?{urlencode({'token': self._token})}"
        limiter = self._connects.of(url)
        await limiter.turn()
        try:
            if road is Road.WEBSOCKET:
                return await ws.open_socket(address.stream(url), seconds=self.pace.connect, longest_pause=self.pace.longest_pause)
            return await self._events.open(url)
        except Trouble as trouble:
            limiter.pause(getattr(trouble, "seconds", 0.0))
            raise

    # --- our overrides, upstream (O3) ------------------------------------------------------------------------------------------------

    @property
    def sends_for(self) -> UUID | None:
        return UUID(self.settings.overrides_of) if self.settings.send_overrides else None

    async def send(self, errand: Errand) -> None:
        """By PATCH (000 section 7); ended by a second more of the same price, or by DELETE where the provider has it.

        Never with ``"suspended": false``: it might release what somebody else suspended there.
        """
        url = self._places.dashboard + filled(self.settings.paths.override, self.settings, ref=errand.ref, odd_type=errand.odd_type)
        said = self._dashboard_headers()
        if errand.ends and self.settings.end_overrides_by == "delete":
            await self._client.ask("DELETE", f"{url}?{urlencode({'oddKey': errand.odd_key})}", said)
            return
        seconds = 1 if errand.ends else errand.seconds
        body = {"oddKey": errand.odd_key, "oddValue": float(errand.value), "durationSeconds": seconds}
        await self._client.ask("PATCH", url, {**said, "Content-Type": ROW}, msgspec.json.encode(body))

    def conceal(self, words: str) -> str:
        return concealed(words, self._token, self._dashboard_token)

    async def close(self) -> None:
        await self._client.close()
        await self._events.close()

    # --- requests --------------------------------------------------------------------------------------------------------------------

    async def _ask(self, url: str) -> bytes:
        return await self._client.get(url, headers(self._token))

    async def _ask_dashboard(self, url: str) -> bytes:
        return await self._client.get(url, self._dashboard_headers())

    def _dashboard_headers(self) -> dict[str, str]:
        if not self._dashboard_token:
            raise Refused(f"the environment variable {self.settings.dashboard_token_env} is not set in this process")
        return headers(self._dashboard_token)

    async def _look_at_access(self) -> None:
        """Whether the bookmaker may see the sport (000 section 2); the public pattern carries on without it (O1)."""
        now = time.monotonic()
        if self.settings.bookmaker and now >= self._access.until:
            self._access = await self._access_now(now)

    async def _access_now(self, now: float) -> Access:
        again = now + self.settings.intervals.access
        try:
            body = await self._ask_dashboard(self._places.dashboard + filled(self.settings.paths.bookmaker, self.settings))
            sports = [_sport(one) for one in _bookmaker.decode(body).sports]
        except Gone:
            return Access(until=again)
        except (Refused, Hopeless) as trouble:
            return Access(False, f"no dashboard: {trouble.words}", until=now + self.pace.refused_wait)
        except Trouble as trouble:
            return Access(self._access.open, f"dashboard: {trouble.words}", until=now + self.pace.discovery)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return Access(self._access.open, "dashboard: its list of sports cannot be read", until=now + self.pace.refused_wait)
        if self.settings.sport in sports:
            return Access(True, until=again)
        return Access(False, f"the bookmaker may not see {self.settings.sport}", until=now + self.pace.refused_wait)


def connect(wanted: Wanted) -> Following:
    """The Odds360 feed that ``wanted`` describes."""
    return Odds360Feed(wanted)


def headers(token: str) -> dict[str, str]:
    """Of a request by REST (feeds.md 3.1)."""
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def dashboard_token(settings: Odds360Settings, token: str) -> str:
    """The dashboard's own credential where it has one, else the feed's; empty where it is not at hand (then no dashboard)."""
    return os.environ.get(settings.dashboard_token_env, "") if settings.dashboard_token_env else token


def concealed(words: str, *tokens: str) -> str:
    """``words`` without any of our credentials."""
    for token in filter(None, tokens):
        words = words.replace(token, "***")
    return words


def _sport(said: object) -> str:
    """A sport of the bookmaker's list, by its slug: a text, or an object that names it."""
    if isinstance(said, dict):
        said = next((said[name] for name in ("slug", "sport", "id", "name") if isinstance(said.get(name), str)), "")
    return str(said).strip().lower().replace(" ", "-").replace("_", "-")


def _live_rows(lists: Iterable[ListOf], found: dict[str, Found]) -> dict[str, bytes]:
    """Each live match once, with its row of the first list that has it."""
    rows: dict[str, bytes] = {}
    for one in lists:
        for entry in found[one.name].entries:
            if not entry.over and (one.live or entry.live):
                rows.setdefault(entry.ref, entry.body)
    return rows


def _subjects(live: dict[str, bytes], sport: str, asked_at: float) -> list[Subject]:
    return [Subject(ref, body, ROW, subject(Kind.MATCH, ref, sport), answers.row_content(body), asked_at) for ref, body in live.items()]


def _unreadable(found: dict[str, Found]) -> list[Subject]:
    """Answers that are no list, kept as they are."""
    return [Subject("", body, "text/plain", subject(Kind.MATCH)) for one in found.values() for body in one.unreadable]


def _worst(found: Iterable[Found]) -> Trouble:
    """What a person must act on, before what passes."""
    troubles = [one.trouble or Retryable("its lists cannot be read") for one in found]
    return next((one for kind in (Refused, Retryable) for one in troubles if isinstance(one, kind)), troubles[0])


def _words(found: Found) -> str:
    return found.trouble.words if found.trouble is not None else "an answer is no list"
