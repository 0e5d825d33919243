"""What a fixture's page shows of the match that it is bound to, or of the one that it may be."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from markets.desk.words import clock_time
from markets.domain import fences
from markets.domain.fences import Points
from markets.domain.heard import Ears
from markets.domain.rules import AFTER_POINT
from markets.domain.sports.tennis import Tennis, turned
from markets.domain.sports.tennis_bands import WAITING, Band, bands, waits
from markets.live.cells import board_cells, fixture_cells
from markets.live.frames import milliseconds
from markets.live.points import standing, waiting
from markets.selectors import bindings, offer, timelines
from markets.selectors.offer import Offer

MINUTES = 10
BEFORE = timedelta(minutes=5)
"""What closed so long before the strip may reach into it."""
WIDTH = 600
SLOTS = range(5)
"""Sets that a scoreboard has room for."""


LEGEND = (
    ("closed started", "point in play"),
    ("closed state", "match state or alert"),
    ("closed wait", WAITING),
    ("open", "not closed by the match"),
)
"""A band's class and what it means."""


class StripBand(Struct, frozen=True):
    """A band as drawn: ``x`` and ``width`` of :data:`WIDTH` at the page's own time; the browser moves it on by the times."""

    since_ms: int
    until_ms: int | None
    mark: str
    words: str
    x: int
    width: int


class Strip(Struct, frozen=True):
    """The last minutes: closed in bands, waiting for a price after some of them, open between them."""

    minutes: int
    span_ms: int
    bands: tuple[StripBand, ...]
    words: str


def context(bookmaker_id: UUID, found: Offer) -> dict[str, Any]:
    """For ``points/_head.html`` and ``points/_match.html``. ``unbound``: the fixture could follow a match and follows none."""
    view, bound = fixture_cells(found), found.snapshot.points
    may_follow = bound is None and found.snapshot.sport in fences.SPORTS
    return {
        "view": view,
        "cell": view.cell.points,
        "match": view.points,
        "slots": SLOTS,
        "legend": LEGEND,
        "home_name": found.snapshot.home_name or "Home",
        "away_name": found.snapshot.away_name or "Away",
        "unbound": bindings.proposal(bookmaker_id, found.snapshot.id) if may_follow else None,
        **(lines(found, bound) if bound else {}),
    }


class Standing(Struct, frozen=True):
    """How a fixture stands while somebody decides to open it.

    ``state`` … ``clears``: of its match, empty without one; ``feed``: the match's point feed and its connection. ``needs_binding``: its
    sport has a point feed, the bookmaker demands it, and none is bound.
    ``holds``: what holds all of it now, in words, unless the match's own words say it.
    """

    id: int
    name: str
    score: str
    state: str
    label: str
    words: str
    since: datetime | None
    clears: str
    feed: str
    needs_binding: bool
    holds: str


def standings(bookmaker_id: UUID, fixture_ids: Collection[int], ears: Ears) -> list[Standing]:
    """In the order asked for; those that the bookmaker does not see are left out."""
    found = offer.offers(bookmaker_id, fixture_ids, ears=ears)
    return [_standing(found[i]) for i in fixture_ids if i in found]


def _standing(found: Offer) -> Standing:
    bound, stands, row = found.snapshot.points, standing(found), board_cells(found)
    needs = bound is None and found.snapshot.sport in fences.SPORTS and found.terms.points.required
    how = (stands.state, stands.label, stands.words, stands.since, stands.clears) if stands else ("", "", "", None, "")
    told = [stands.words, *(reason.words for reason in found.around.fence.reasons)] if stands else []
    holds = "" if any(words in row.cell.reason for words in told) else row.cell.reason
    return Standing(row.id, row.name, row.cell.score, *how, _feed_words(found), needs, holds)


def _feed_words(found: Offer) -> str:
    """``Umpire 2026-580-MS001: live, last packet #57``."""
    bound, line = found.snapshot.points, found.signs.line
    if bound is None:
        return ""
    applied = bound.match.applied if bound.match else None
    connection = " ".join(part for part in (line.state or "live", line.words) if part) if line else "never heard"
    return f"{bound.source} {bound.ref}: {connection}" + (f", last packet #{applied}" if applied is not None else "")


def lines(found: Offer, bound: Points, after: int = 0) -> dict[str, Any]:
    """The timeline's newest lines, those after a row id, and the strip of the last minutes."""
    newest = timelines.told_since(bound.fixture_id, found.now - timedelta(minutes=MINUTES) - BEFORE)
    shown = [line if bound.team_a_home else _turned(line) for line in newest[: timelines.LINES] if line.id > after]
    return {"lines": shown, "strip": strip(newest, bound.match or Tennis(), found)}


def _turned(line: timelines.Line) -> timelines.Line:
    """Its score home first."""
    return replace(line, entry=replace(line.entry, score=turned(line.entry.score)))


def strip(newest: list[timelines.Line], match: Tennis, found: Offer) -> Strip:
    """Drawn from the timeline's lines of that time, newest first."""
    span = timedelta(minutes=MINUTES)
    closed = bands((line.entry for line in reversed(newest)), match)
    waited = _waits(closed, found, span)
    shown = [[_drawn(band, found.now, span) for band in some if _recent(band, found.now, span)] for some in (closed, waited)]
    return Strip(MINUTES, span // timedelta(milliseconds=1), (*shown[0], *shown[1]), _strip_words(*shown))


def _recent(band: Band, now: datetime, span: timedelta) -> bool:
    return band.until is None or band.until > now - span


def _strip_words(closed: list[StripBand], waited: list[StripBand]) -> str:
    now = next((words for some, words in ((closed, "closed"), (waited, "waiting")) if any(band.until_ms is None for band in some)), "open")
    return f"Closed {len(closed)} times, {len(waited)} times waiting for a price after it, {now} now"


def _waits(closed: tuple[Band, ...], found: Offer, span: timedelta) -> tuple[Band, ...]:
    """What opened is read from changes of prices and, for what holds now, from the gate itself."""
    rows = [row for row in found.snapshot.markets if row.facts.market.in_play]
    if not rows or not closed:
        return ()
    ids = [selection.id for row in rows for selection in row.selections]
    changes = timelines.priced(found.snapshot.id, ids, found.now - span, found.now)
    fresh = [row.facts.fresh_kept for row in rows if row.facts.fresh_kept is not None]
    rules = [at - settled for row in rows if (settled := _settled(found)) and (at := found.around.fence.reopens_at(row.facts.market))]
    waited = waits(closed, sorted({*changes, *fresh}), margin=AFTER_POINT, rule=min(rules, default=None), now=found.now)
    return tuple(band for band in waited if band.until is not None or waiting(found))


def _settled(found: Offer) -> datetime | None:
    return found.around.fence.settled_kept


def _drawn(band: Band, now: datetime, span: timedelta) -> StripBand:
    start, end = (_across(at, now, span) for at in (band.since, band.until or now))
    words = f"{clock_time(band.since)} to {clock_time(band.until) if band.until else 'now'}: {band.words}"
    until = milliseconds(band.until) if band.until else None
    return StripBand(milliseconds(band.since), until, band.mark, words, start, max(1, end - start))


def _across(at: datetime, now: datetime, span: timedelta) -> int:
    share = 1 - (now - at) / span
    return round(min(max(share, 0.0), 1.0) * WIDTH)
