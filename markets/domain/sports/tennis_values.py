"""Tennis, point by point: the values of an umpire's feed (004; decisions T1–T6). Pure.

Times whose name ends in ``_kept`` are ours (database time at which the frame was kept) and are no part of the feed hash (P8);
all others are the provider's.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Side(StrEnum):
    """``TeamA`` and ``TeamB`` of the feed; which of them is home is the binding's business (T7)."""

    A = "A"
    B = "B"


class Kind(StrEnum):
    """004, feeds.md 1.3 and the vendor's pages (ADR 0011), ``eventElementType``."""

    STATUS = "MatchStatusUpdate"
    POINT_STARTED = "PointStarted"
    FAULT = "PointFault"
    LET = "PointLet"
    REPLAYED = "PointReplayed"
    SCORED = "PointScored"
    PHYSIO = "PhysioCalled"
    VIOLATION = "CodeViolation"
    TIME = "TimeAnnouncement"
    ALARM = "Alarm"
    UNDO = "Undo"
    FINISHED = "MatchFinished"
    UNRECOGNISED = "unrecognised"


class Server(Struct, frozen=True):
    """Who serves; ``member`` 1 or 2 in doubles, else ``None``."""

    side: Side | None
    member: int | None = None


class Player(Struct, frozen=True):
    """``id`` trimmed of the blanks that pad it (feeds.md 1.5)."""

    id: str
    name: str = ""
    country: str = ""


class Card(Struct, frozen=True):
    """What a MatchStatusUpdate says of the match; "Unknown…" and −1 become empty or ``None`` (T4)."""

    umpire: str = ""
    umpire_code: str = ""
    umpire_country: str = ""
    court: str = ""
    sets: int | None = None
    scoring: str = ""
    tie_break: str = ""
    toss_winner: Side | None = None
    toss_choice: str = ""
    first_server: Side | None = None
    team_a: tuple[Player, ...] = ()
    team_b: tuple[Player, ...] = ()


class Games(Struct, frozen=True):
    a: int
    b: int


class Score(Struct, frozen=True):
    """Points are the feed's own texts (``"15"``, ``"A"``, ``"7"``); ``sets`` overall, ``previous`` the sets that are over."""

    points_a: str = "0"
    points_b: str = "0"
    game_type: str = ""
    games: Games = Games(0, 0)
    previous: tuple[Games, ...] = ()
    sets: Games = Games(0, 0)


class Packet(Struct, frozen=True, tag_field="part", tag="point"):
    """One packet, typed. ``seq`` ``None``: it carries none that can be read.

    ``delay``: ``DELAYED``, ``RECONSTRUCTED`` or another word of ``delayStatus``; empty means live.
    ``jumped``: the packets before it never came and are given up (the store sets it, never the wire).
    ``team``: whom a physio, violation or end is about, for ``MatchFinished`` the winner.
    ``state`` and ``state_facts``: ``matchState.state`` with everything beside it, as sent. ``facts``: other fields, as sent.
    """

    seq: int | None
    kind: Kind
    kind_text: str
    at: datetime | None = None
    match_time: str = ""
    delay: str = ""
    server: Server | None = None
    next_server: Server | None = None
    card: Card | None = None
    state: str = ""
    state_facts: dict[str, Any] = {}
    score: Score | None = None
    scored_by: Side | None = None
    point_type: str = ""
    team: Side | None = None
    player_id: str = ""
    reason: str = ""
    last_received_at: datetime | None = None
    facts: dict[str, Any] = {}
    jumped: bool = False


class Entry(Struct, frozen=True):
    """A line of the timeline: ``words`` for people, ``mark`` for the eye.

    ``mark``: point, started, state, alert, alarm, undo, gap, unknown. ``score``: the score after it, in words.
    """

    seq: int | None
    kind: str
    mark: str
    words: str
    at: datetime | None
    at_kept: datetime
    score: str = ""
    delay: str = ""


TURN = 10_000
"""More than any number of a stream: what each new beginning of a stream adds to its numbers, so that they never go down (T3)."""


class Span(Struct, frozen=True, array_like=True):
    """A score that was told and taken back. ``since``: when it was first told, ``None`` for longer ago than is remembered; ``until``:
    when the correction was over, ``None`` while it goes on; both our times. ``words``: from which score to which.
    """

    since: datetime | None
    until: datetime | None
    words: str


class Course(Struct, frozen=True):
    """What became of the stream itself; no part of the feed hash (P8), because people and our own clock have a hand in it.

    ``turn``: how often a person had it begun anew. ``retold``: the highest number that was applied before that.
    ``told_at``: the provider's newest time among the numbered packets applied. ``back``: the first number that lay in the past though
    its time did not: the provider counts anew, or a wild number came before it.
    ``alarms``: alarms' own numbers beyond the applied one (T2).
    ``trail``: the last scores, in words, with when each was told; ``undone``: those that were taken back.
    """

    turn: int = 0
    retold: int | None = None
    told_at: datetime | None = None
    back: int | None = None
    alarms: tuple[int, ...] = ()
    trail: tuple[tuple[str, datetime], ...] = ()
    undone: tuple[Span, ...] = ()


class Outcome(StrEnum):
    """How a person may say that a match ended (T6)."""

    WINNER = "winner"
    RETIRED = "retired"
    WALKOVER = "walkover"
    ABANDONED = "abandoned"


class Hand(Struct, frozen=True):
    """An outcome that a person set (T6). ``winner``: who won, or goes through; ``sets``: won by each side, where it was said.

    ``by`` is for the people of ``bookmaker`` (its UUID as text) only (E1). ``disputed``: what the feed said later against it, in words.
    """

    outcome: Outcome
    winner: Side | None
    sets: Games | None
    at_kept: datetime
    by: str
    bookmaker: str
    disputed: str = ""


class Tennis(Struct, frozen=True):
    """One match as the feed has told it.

    ``applied``: highest seqNum of the contiguous stream, ``None`` before the first. ``state``: the last match state's own word.
    ``in_point``: PointStarted came and its end did not, or the last point was taken back; ``point_kept``: since when, until the next
    settling. ``alarm``: venue connectivity is lost, told last at ``alarm_kept``, with nothing received from the court after ``alarm_since``
    (its clock). ``live``: false from an alarm or a late packet until a live one tells how play stands.
    ``correcting``: an undo or correction is under way. ``unknown``: what nobody knows and holds it (A9), in words; ``played_on``: a live
    point has started since. ``server``: of the point in play, else of the next one.
    ``settled_kept``/``settled_at``: since when the match has been "in progress, between points" without a break, by our clock and the
    provider's; ``None`` while it is not. ``calm_kept``/``calm_at``: the same, breaks (toilet, medical) included, for those who do not
    suspend in them (T4), and ``breaks`` those since ``calm_kept``. ``closed_kept``: since when it has not been settled.
    ``ended``/``outcome``: finished, retired … as the feed says; ended too while a person's outcome (``hand``) stands.
    ``point_at``: its start by the provider's clock. ``points``: that were played and settled. ``suspended_seconds``: the sum of all times
    between a point's start and the next settling, over the ``points_seen`` points that were seen as they were played.
    """

    applied: int | None = None
    card: Card = Card()
    state: str = "NotStarted"
    state_facts: dict[str, Any] = {}
    state_kept: datetime | None = None
    started: bool = False
    ended: bool = False
    outcome: str = ""
    in_point: bool = False
    point_kept: datetime | None = None
    point_at: datetime | None = None
    faults: int = 0
    alarm: bool = False
    alarm_kept: datetime | None = None
    alarm_since: datetime | None = None
    live: bool = True
    correcting: bool = False
    unknown: str = ""
    played_on: bool = False
    server: Server | None = None
    next_server: Server | None = None
    score: Score = Score()
    match_time: str = ""
    settled_kept: datetime | None = None
    settled_at: datetime | None = None
    calm_kept: datetime | None = None
    calm_at: datetime | None = None
    breaks: tuple[str, ...] = ()
    closed_kept: datetime | None = None
    points: int = 0
    points_seen: int = 0
    suspended_seconds: float = 0.0
    alerts: tuple[str, ...] = ()
    course: Course = Course()
    hand: Hand | None = None

    @property
    def number(self) -> int | None:
        """``applied``, counted through all beginnings of the stream; what fences compare (T3)."""
        if not self.course.turn:
            return self.applied
        return self.course.turn * TURN + (-1 if self.applied is None else self.applied)

    @property
    def between_points(self) -> bool:
        """In progress, live and between points: the only state in which in-play markets may be open (T4)."""
        return self.settled_kept is not None


class Place(StrEnum):
    """Where a packet stands in its stream (T2)."""

    NEXT = "next"
    BEYOND = "beyond"
    LATE = "late"


class Reduced(Struct, frozen=True):
    """The match after a packet, the timeline's new lines, and notes for the frame. ``undone``: the score went back (T6)."""

    match: Tennis
    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    undone: bool = False
