"""The fence: what a fixture's point feed says of its markets, for one bookmaker, at one instant (A1, A2, A13; decisions T1–T7).

Pure. What opens is a lease (the feed, the match's own connection, the reader's beats); what closes is a fact: a packet that is announced
and not applied yet, a point in play, a match state, a gap. Whatever is not known closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from .heard import NOTHING_HEARD, Heard
from .leases import LIVE, Line
from .messages import Market
from .rules import (
    NO_FENCE,
    SENT_TOLERANCE,
    UNKNOWN_FENCE,
    Code,
    Confirmation,
    FeedHealth,
    Fence,
    Gap,
    Reason,
    Reopening,
    answers,
    backlog_reasons,
    lease_reasons,
    lease_until,
    missed,
)
from .sports.tennis import ANEW, BREAKS, OPEN_STATES, TURN, Tennis, back_words, end_words, state_words
from .values import Phase

SPORTS = frozenset({"tennis"})
"""Slugs of the sports that have a point feed; a bookmaker can demand one of no other (O8)."""


class Points(Struct, frozen=True):
    """A binding that stands, with what its match's point feed has told, read in the same snapshot as the fixture's prices.

    ``fixture_id``, ``ref``, ``name``, ``revision``: of the point feed's own fixture. ``match`` is ``None`` before its first packet.
    """

    fixture_id: int
    source_id: int
    source: str
    ref: str
    name: str
    revision: int
    team_a_home: bool
    match: Tennis | None = None
    broken_at: datetime | None = None
    broken_cause: str = ""


class Policy(Struct, frozen=True):
    """What a bookmaker decided about point feeds, for one fixture.

    ``required``: its in-play markets need a live, bound one (A13). ``open_in_breaks``: match states that do not suspend (T4).
    """

    required: bool = False
    open_in_breaks: frozenset[str] = frozenset()
    reopenings: tuple[Reopening, ...] = ()
    tolerance: timedelta = SENT_TOLERANCE


class Signs(Struct, frozen=True):
    """Everything known of one fixture's point feed now.

    ``feed``: health of the point source, ``None`` when unknown. ``line``: the match's own connection, ``None`` when it never had one.
    ``heard``: what is under way to the store. ``confirmations``: people's words on gaps of the point source.
    """

    points: Points | None = None
    feed: FeedHealth | None = None
    line: Line | None = None
    heard: Heard = NOTHING_HEARD
    confirmations: tuple[Confirmation, ...] = ()


def fence(signs: Signs, policy: Policy, now: datetime) -> Fence:
    """The fence of one fixture. Without a binding: none, or closed where the bookmaker demands one."""
    points = signs.points
    if points is None:
        return _NOT_BOUND if policy.required else NO_FENCE
    match = points.match or Tennis()
    announced = _announced(match, signs.heard)
    rest = _rest(match, policy)
    return Fence(
        reasons=(*_match(match, rest), *announced, *_binding(points), *_reading(signs, points, rest, now)),
        pre_match=() if match.started else tuple(announced),
        settled_kept=rest.kept,
        settled_at=rest.at,
        started=match.started,
        ended=match.ended,
        until=_until(signs, now),
        reopenings=policy.reopenings,
        tolerance=policy.tolerance,
    )


def stuck(signs: Signs) -> str:
    """Why the match's stream does not go on by itself, in words: then a trader may have it begun anew (T2). Empty while it does."""
    points, feed = signs.points, signs.feed
    if points is None or points.match is None or points.match.ended:
        return ""
    if points.match.course.back is not None:
        return back_words(points.match)
    own = (g for g in (feed.gaps if feed else ()) if g.sticky and g.fixture_id == points.fixture_id and g.cause != ANEW)
    return next((gap.cause for gap in own if not any(_answered(word, gap, points) for word in signs.confirmations)), "")


def next_change(fence_: Fence, markets: Iterable[Market], now: datetime) -> datetime | None:
    """When, after ``now``, time alone next closes the fence or re-opens one of ``markets`` (A2's "after N seconds")."""
    ends = [fence_.until]
    if not fence_.raised and fence_.reopenings:
        ends += [fence_.reopens_at(market) for market in markets if market.in_play]
    return min((at for at in ends if at is not None and at > now), default=None)


def joint_phase(own: Phase, points: Points | None) -> Phase:
    """Where a fixture is by both its feeds (U12); a broken binding has no say."""
    if points is None or points.match is None or points.broken_at is not None or own is Phase.FINISHED:
        return own
    if points.match.ended:
        return Phase.FINISHED
    return Phase.LIVE if points.match.started else own


class _Rest(Struct, frozen=True):
    """Since when nothing has closed the match, by our clock and the provider's."""

    kept: datetime | None
    at: datetime | None


_NOT_BOUND = Fence(
    reasons=(Reason(Code.POINT_FEED, "no point feed is bound to this fixture", clears="a trader who binds its match of the point feed"),)
)


def _rest(match: Tennis, policy: Policy) -> _Rest:
    """Breaks in which the bookmaker stays open interrupt nothing, as long as there was no other since the last point."""
    if match.breaks and BREAKS & policy.open_in_breaks >= set(match.breaks):
        return _Rest(match.calm_kept, match.calm_at)
    return _Rest(match.settled_kept, match.settled_at)


def _match(match: Tennis, rest: _Rest) -> list[Reason]:
    """T4: open only in progress, live and between points."""
    reasons = [*_point(match), *_state(match, rest), *_trouble(match)]
    if not reasons and rest.kept is None:
        reasons = [Reason(Code.MATCH_STATE, "the match is not between points", match.closed_kept, _NEXT_POINT)]
    return reasons


def _point(match: Tennis) -> list[Reason]:
    if not match.in_point:
        return []
    return [Reason(Code.POINT, "a point is in play", match.point_kept, "the point's end and a price from after it")]


def _state(match: Tennis, rest: _Rest) -> list[Reason]:
    if match.ended:
        told = end_words(match)
        words = f"the match is over: {told}" if told else "the match is over"
        clears = "a trader who takes the outcome back" if match.hand else "nothing: in-play markets end with the match"
        return [Reason(Code.MATCH_STATE, words, match.closed_kept, clears)]
    if match.applied is None and match.state_kept is None:
        return [Reason(Code.MATCH_STATE, "no packet of the match yet", clears="the first packets of the match")]
    if match.state in OPEN_STATES or rest.kept is not None:
        return []
    return [Reason(Code.MATCH_STATE, state_words(match.state), match.state_kept, _IN_PROGRESS)]


def _trouble(match: Tennis) -> list[Reason]:
    since = match.closed_kept
    found = (
        (match.alarm, "the venue has lost its connection (Alarm)", "packets from the venue"),
        (not match.live, "the last packet was delayed or reconstructed", "a live packet"),
        (match.course.back is not None, back_words(match), "packets in their order, or a trader who begins the stream anew"),
        (match.correcting, "the umpire corrects the score", "the corrected point"),
        (bool(match.unknown), match.unknown, _NEXT_POINT),
    )
    return [Reason(Code.POINT_FEED, words, since, clears) for holds, words, clears in found if holds]


def _announced(match: Tennis, heard: Heard) -> list[Reason]:
    """A1: a packet is on its way whose meaning nobody knows yet, or nobody can say whether one is."""
    if not heard.joined:
        return list(UNKNOWN_FENCE.reasons)
    if heard.doubt:
        return [Reason(Code.FENCE, heard.doubt, clears="the reader's next beats")]
    if not heard.beyond(match.number):
        return []
    if heard.unsettled or heard.announced is None:
        return [Reason(Code.FENCE, "a packet of the match was announced and is not applied yet", heard.read_at, "its outcome")]
    number = heard.announced % TURN
    words = f"packet {number} of the match was announced and is not applied yet"
    return [Reason(Code.FENCE, words, heard.read_at, f"packet {number}, applied")]


def _binding(points: Points) -> list[Reason]:
    if points.broken_at is None:
        return []
    why = f": {points.broken_cause}" if points.broken_cause else ""
    return [Reason(Code.BINDING, f"the binding to the point feed is broken{why}", points.broken_at, "a supervisor who ends it")]


def _reading(signs: Signs, points: Points, rest: _Rest, now: datetime) -> list[Reason]:
    """A3, A4, A5 of the point source and of the match's own connection."""
    feed = signs.feed
    if feed is None:
        return [Reason(Code.POINT_FEED, f"point feed {points.source} is not known", clears="reading its state")]
    line = signs.line or Line(None)
    reasons = [*_switched(feed), *lease_reasons(feed, now), *backlog_reasons(feed, now), *_line(line, feed, now)]
    return [*map(_of_points, reasons), *_gaps(feed, points, signs.confirmations, rest)]


def _switched(feed: FeedHealth) -> list[Reason]:
    if feed.enabled:
        return []
    return [Reason(Code.DISABLED, f"feed {feed.source} is switched off", clears="an administrator who switches it on")]


def _line(line: Line, feed: FeedHealth, now: datetime) -> list[Reason]:
    """A3 for one match: a socket that is open but silent is down."""
    clears = "a packet, ping or heartbeat of the match"
    until = _line_until(line, feed)
    if until is None:
        return [Reason(Code.LEASE, "the match has never been heard", clears=clears)]
    if now >= until:
        why = f": {line.words}" if line.words else ""
        return [Reason(Code.LEASE, f"the match has been silent for over {feed.lease_seconds:g} s{why}", until, clears)]
    if line.state not in ("", LIVE):
        why = f": {line.words}" if line.words else ""
        return [Reason(Code.LEASE, f"the match's connection is {line.state}{why}", clears="a live connection of the match")]
    return []


def _of_points(reason: Reason) -> Reason:
    """Of the point feed, so that nobody takes it for the feed of the prices."""
    return Reason(Code.POINT_FEED, f"point feed: {reason.words}", reason.since, reason.clears)


def _gaps(feed: FeedHealth, points: Points, words: tuple[Confirmation, ...], rest: _Rest) -> list[Reason]:
    """A5: cleared by a person's word, or by a point's end that came, in order, after the gap; a sticky one by a person only."""
    own = (g for g in feed.gaps if g.fixture_id in (None, points.fixture_id))
    return [_of_points(missed(g)) for g in own if not _proven(g, rest) and not any(_answered(w, g, points) for w in words)]


def _proven(gap: Gap, rest: _Rest) -> bool:
    return not gap.sticky and rest.kept is not None and rest.kept > gap.opened_at


def _answered(word: Confirmation, gap: Gap, points: Points) -> bool:
    return word.market_id is None and word.fixture_id in (None, points.fixture_id) and answers(word, gap)


def _until(signs: Signs, now: datetime) -> datetime | None:
    """A12: the earliest of the leases of the feed, of the match and of the reader's beats."""
    if signs.feed is None or not signs.heard.joined:
        return None
    beats = now + timedelta(seconds=signs.heard.silent_in)
    ends = (lease_until(signs.feed), _line_until(signs.line or Line(None), signs.feed), beats)
    return min((at for at in ends if at is not None), default=None)


def _line_until(line: Line, feed: FeedHealth) -> datetime | None:
    return None if line.heard_at is None else line.heard_at + timedelta(seconds=feed.lease_seconds)


_IN_PROGRESS = "match state InProgress, and a price from after it"
_NEXT_POINT = "the next point's end, and a price from after it"

Lines = Mapping[int, Line]
"""By the id of the point feed's fixture."""
