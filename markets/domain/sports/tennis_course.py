"""The course of a match's stream: begun anew, numbers that went back, alarms that took numbers, scores taken back (T2, T6). Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from .tennis_values import Course, Entry, Kind, Packet, Place, Reduced, Span, Tennis
from .tennis_words import back_words, score_words

ANEW = "the stream was begun anew"
BEGUN_ANEW = f"{ANEW}: waiting for its replay"
_MOST_SCORES = 24
_MOST_SPANS = 12
_MOST_ALARMS = 400
"""Alarms come every 25 s: nearly three hours without the court."""


def followed(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime, *, undone: bool) -> Course:
    """The course after a packet that made ``after`` of ``before``."""
    if packet.kind is Kind.ALARM:
        return _alarm(after, packet)
    course = _scored(before, after, kept_at, undone=undone)
    if packet.seq is None:
        return course
    told = [at for at in (course.told_at, packet.at) if at is not None]
    in_place = not packet.jumped and not packet.delay
    return replace(
        course,
        told_at=max(told, default=None),
        back=None if in_place else course.back,
        alarms=tuple(n for n in course.alarms if after.applied is None or n > after.applied),
    )


def behind(match: Tennis | None, where: Place, packet: Packet, kept_at: datetime) -> Reduced | None:
    """What the first packet tells of the stream whose number lies in the past though its time does not: nothing of it can be believed until
    the numbers go on in their order, or a person has it begun anew.
    """
    told_at = match.course.told_at if match else None
    if match is None or where is not Place.LATE or told_at is None or packet.at is None or packet.at <= told_at:
        return None
    if match.course.back is not None:
        return None  # said once: the words, and the button beside them, stand still while packets come
    course = replace(match.course, back=packet.seq)
    closed = replace(
        match, course=course, live=False, settled_kept=None, settled_at=None, calm_kept=None, calm_at=None, breaks=(),
        closed_kept=match.closed_kept or kept_at,
    )  # fmt: skip
    words = back_words(closed)
    return Reduced(closed, (Entry(packet.seq, "numbers went back", "gap", words, packet.at, kept_at),), (words,))


def begun_anew(match: Tennis, at: datetime) -> Tennis:
    """The match before the first packet of its replay. Kept is what no replay may take back: that it has started, who plays, an alarm,
    an outcome set by hand, and what was measured.
    """
    course = Course(
        turn=match.course.turn + 1,
        retold=max(match.applied or 0, match.course.retold or 0),
        undone=tuple(replace(span, until=span.until or at) for span in match.course.undone),
    )
    return Tennis(
        card=match.card,
        started=match.started,
        alarm=match.alarm,
        alarm_kept=match.alarm_kept,
        alarm_since=match.alarm_since,
        live=False,
        unknown=BEGUN_ANEW,
        match_time=match.match_time,
        closed_kept=match.closed_kept or at,
        points_seen=match.points_seen,
        suspended_seconds=match.suspended_seconds,
        course=course,
        hand=match.hand,
        ended=match.hand is not None,
    )


def anew_line(at: datetime) -> Entry:
    """The timeline's line of it."""
    return Entry(None, "begun anew", "gap", BEGUN_ANEW, None, at)


def told_before(match: Tennis, entry: Entry) -> bool:
    """Whether an equal line may stand in the timeline already, from before the stream was begun anew."""
    return entry.seq is not None and match.course.retold is not None and entry.seq <= match.course.retold


def taken_by_alarms(match: Tennis | None, first: int, last: int) -> bool:
    """Whether each of the missing numbers is one that a kept Alarm carried (ADR 0011)."""
    return match is not None and set(range(first, last + 1)) <= set(match.course.alarms)


def doubted(match: Tennis | None, resulted_kept: datetime | None) -> str:
    """Why a result that came at ``resulted_kept`` may rest on a score that was taken back (T6); empty when it does not."""
    if match is None or resulted_kept is None:
        return ""
    for span in match.course.undone:
        if (span.since is None or span.since <= resulted_kept) and (span.until is None or resulted_kept <= span.until):
            return f"score went back after result: {span.words}"
    return ""


def _alarm(match: Tennis, packet: Packet) -> Course:
    course = match.course
    if packet.seq is None or (match.applied is not None and packet.seq <= match.applied) or packet.seq in course.alarms:
        return course
    return replace(course, alarms=(*course.alarms, packet.seq)[-_MOST_ALARMS:])


def _scored(before: Tennis, after: Tennis, kept_at: datetime, *, undone: bool) -> Course:
    course = _corrected(before, after, kept_at)
    words = score_words(after.score)
    if undone:
        return _went_back(course, f"{score_words(before.score)} → {words}", words, kept_at, over=not after.correcting)
    if after.score == before.score:
        return course
    return replace(course, trail=(*course.trail, (words, kept_at))[-_MOST_SCORES:])


def _corrected(before: Tennis, after: Tennis, kept_at: datetime) -> Course:
    """Results that come while the umpire corrects may rest on the wrong score still."""
    course = before.course
    if not before.correcting or after.correcting:
        return course
    return replace(course, undone=tuple(replace(span, until=span.until or kept_at) for span in course.undone))


def _went_back(course: Course, told: str, words: str, kept_at: datetime, *, over: bool) -> Course:
    places = [place for place, (score, _) in enumerate(course.trail) if score == words]
    left = course.trail[places[-1] + 1 :] if places else course.trail
    trail = course.trail[: places[-1] + 1] if places else ((words, kept_at),)
    since = left[0][1] if places and left else kept_at if places else None
    span = Span(since, kept_at if over else None, told)
    return replace(course, trail=trail, undone=(*course.undone, span)[-_MOST_SPANS:])
