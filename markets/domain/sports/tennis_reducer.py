"""What one packet of the umpire's feed does to a match (feeds.md 1.2–1.5; decisions T1–T6). Pure and total.

Everything that closes is believed at once, whatever the packet's standing. "Between points" is believed only when nothing closes any
more and the last word on how play stands was *live*: numbered, not delayed, not reconstructed, with nothing missing before it.

- **Point**: from PointStarted (or a fault, a let) until PointScored or PointReplayed. A state in between ends no point.
- **Correction**: from CorrectionMode, an Undo or a score going back, whatever its type, until a live PointStarted, InProgress or
  Unsuspended, or a live point packet that repeats the score already held (the re-issued keystroke). A point that was taken back and
  not given anew counts as in play.
- **Alarm**: until a later live packet of the stream, one that was neither kept before it nor received from the court before the connection
  was lost (a gap that is filled in the meantime proves nothing); after it, as after late packets, only a live point packet or a known
  state tells how play stands.
- **Unknown** type or state, or packets that never came: until a live InProgress or Unsuspended, or until a whole live point has been
  played, start and end; an end alone may belong to what was before. Such a point also ends whatever state it found, because what
  nobody knows may have been the end of it.
- **Numbers that went back**: until a packet in its order (:mod:`.tennis_course`). **By hand**: over, until a person takes it back.
- **End**: by state or MatchFinished, or by the score where scoring type and number of sets are documented. Play that goes on takes it
  back, but never opens: a score that must be the last one closes again with the next packet.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from .tennis_course import followed
from .tennis_hand import disputed
from .tennis_rules import deciding, format_of, legal_set, winner
from .tennis_values import Card, Entry, Games, Kind, Packet, Place, Reduced, Score, Server, Tennis
from .tennis_words import (
    BEFORE_PLAY,
    BREAKS,
    BY_SCORE,
    CORRECTION,
    ENDS,
    IN_PROGRESS,
    KNOWN_STATES,
    NOT_STARTED,
    OPEN_STATES,
    packet_words,
    score_words,
    side_words,
    state_words,
    unknown_kind,
)

_POINT_ENDS = frozenset({Kind.SCORED, Kind.REPLAYED})
_IN_POINT = frozenset({Kind.POINT_STARTED, Kind.FAULT, Kind.LET})
_MARKS = {
    Kind.STATUS: "state",
    Kind.POINT_STARTED: "started",
    Kind.FAULT: "started",
    Kind.LET: "started",
    Kind.SCORED: "point",
    Kind.REPLAYED: "point",
    Kind.PHYSIO: "alert",
    Kind.VIOLATION: "alert",
    Kind.TIME: "state",
    Kind.ALARM: "alarm",
    Kind.UNDO: "undo",
    Kind.FINISHED: "state",
    Kind.UNRECOGNISED: "unknown",
}
_CALLS = {"0": 0, "15": 1, "30": 2, "40": 3, "A": 4, "AD": 4, "ADV": 4}
_SETS_CERTAIN = frozenset({"Standard", "StandardWithNoAdv", "ShortSets", "ProSet", "MatchTieBreak", "LastSetTiebreak12"})
"""Scoring types whose name leaves no doubt when a set is over by its games."""
_PHYSIO = "physio called"
_MOST_ALERTS = 8
_AS_PLAYED = 0.5
"""A point counts as seen while it was played when we took at least this share of its own time to hear of it."""
_REASONS = {"normally": "finished", "retirement": "retired", "retire": "retired", "walkover": "walkover", "default": "defaulted"}


def place(match: Tennis | None, packet: Packet) -> Place:
    """Alarms and packets without a number are always next: they move no number (T2). A stream begins with 0 or 1 (004); 0 is said anew
    until it does, with whatever is known of the match by then.
    """
    applied = None if match is None else match.applied
    if packet.seq is None or packet.kind is Kind.ALARM:
        return Place.NEXT
    if applied == packet.seq == 0 and packet.state == NOT_STARTED:
        return Place.NEXT
    if applied is None:
        return Place.NEXT if packet.seq <= 1 else Place.BEYOND
    if packet.seq == applied + 1:
        return Place.NEXT
    return Place.BEYOND if packet.seq > applied else Place.LATE


def unplaced(match: Tennis | None, packet: Packet) -> Packet:
    """Play that a number of the past tells of, though by its time it began after the last point: without the number, so that it closes."""
    settled_at = None if match is None else match.settled_at
    if packet.kind not in _IN_POINT or packet.at is None or settled_at is None or packet.at <= settled_at:
        return packet
    return replace(packet, seq=None) if place(match, packet) is Place.LATE else packet


def reduce(match: Tennis | None, packet: Packet, kept_at: datetime) -> Reduced:
    """``match`` with a packet that is next, or that jumped, applied. Never raises for content."""
    before = match or Tennis()
    undone = packet.score is not None and went_back(before.score, packet.score)
    after = _alarmed(before, packet, kept_at) if packet.kind is Kind.ALARM else _played(before, packet, kept_at, undone)
    after = replace(after, course=followed(before, after, packet, kept_at, undone=undone), hand=disputed(before, after, packet, kept_at))
    after = _settled(before, after, packet, kept_at)
    return Reduced(after, _entries(before, after, packet, kept_at, undone), _notes(before, packet, undone), undone)


def is_live(packet: Packet) -> bool:
    """Whether the packet may open anything: in its place, and told as it happened."""
    return not packet.delay and not packet.jumped and packet.seq is not None


def went_back(before: Score, after: Score) -> bool:
    """Whether anything that was won is less than before, or another's: an undo, whatever the packet's type (T6)."""
    if _less(before.sets, after.sets) or after.previous[: len(before.previous)] != before.previous:
        return True
    if before.sets != after.sets:
        return False
    if before.games != after.games:
        return _less(before.games, after.games)
    return _points_back(before, after)


def _less(before: Games, after: Games) -> bool:
    return after.a < before.a or after.b < before.b


def _points_back(before: Score, after: Score) -> bool:
    """Advantage back to deuce is play; texts that are no points cannot be compared."""
    was, now = (_ranks(s) for s in (before, after))
    if was is None or now is None or (max(was) == 4 and now == (3, 3) and min(was) == 3):
        return False
    return now[0] < was[0] or now[1] < was[1]


def _ranks(score: Score) -> tuple[int, int] | None:
    texts = (score.points_a.upper(), score.points_b.upper())
    if all(text in _CALLS for text in texts):
        return _CALLS[texts[0]], _CALLS[texts[1]]
    return (int(texts[0]), int(texts[1])) if all(text.isdecimal() for text in texts) else None


def over_by_score(card: Card, score: Score) -> bool:
    """Whether the match must be over; never where its scoring type or number of sets is not documented."""
    kind = format_of(card.scoring, card.sets, card.tie_break)
    if kind is None:
        return False
    if winner(kind, score) is not None:
        return True
    if card.scoring not in _SETS_CERTAIN or not legal_set(kind, score.games, deciding(kind, score.sets)):
        return False
    return (score.sets.a if score.games.a > score.games.b else score.sets.b) + 1 >= kind.needed


# What a packet tells


def _alarmed(match: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    return replace(match, alarm=True, alarm_kept=kept_at, alarm_since=packet.last_received_at, live=False)


def _played(before: Tennis, packet: Packet, kept_at: datetime, undone: bool) -> Tennis:
    after = _told(before, packet)
    if packet.jumped:
        after = replace(after, unknown=_missing(before, packet), played_on=False)
    after = _moved(before, after, packet, kept_at)
    if undone:
        after = _taken_back(after, packet, kept_at)
    return _ended(_stood(after, packet, kept_at), packet)


def _told(match: Tennis, packet: Packet) -> Tennis:
    """The facts it carries, whatever its kind; a number moves only forward."""
    applied = match.applied if packet.seq is None else max(packet.seq, -1 if match.applied is None else match.applied)
    card = _merged(match.card, packet.card) if packet.card else match.card
    return replace(
        match,
        applied=applied,
        card=card,
        score=packet.score or match.score,
        server=_server(match, packet, card),
        next_server=packet.next_server or match.next_server,
        match_time=packet.match_time or match.match_time,
        started=match.started or _begins(packet),
    )


def _merged(known: Card, told: Card) -> Card:
    """A newer card, without losing what it does not say."""
    said = {name: value for name in Card.__struct_fields__ if (value := getattr(told, name)) not in (None, "", ())}
    return replace(known, **said)


def _server(match: Tennis, packet: Packet, card: Card) -> Server | None:
    if packet.server is None and packet.next_server is None:
        return match.server or (Server(card.first_server) if card.first_server else None)
    over = packet.kind in _POINT_ENDS
    return (packet.next_server if over else packet.server) or packet.server or match.server


def _begins(packet: Packet) -> bool:
    """U13."""
    return packet.kind in _IN_POINT or packet.kind in _POINT_ENDS or packet.state == IN_PROGRESS


def _moved(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    """What its kind does to the play."""
    match packet.kind:
        case Kind.POINT_STARTED:
            after = _point_started(before, after, packet, kept_at)
        case Kind.FAULT | Kind.LET:
            faults = after.faults + (packet.kind is Kind.FAULT)
            after = replace(_begun(after, packet, kept_at), in_point=True, faults=faults)
        case Kind.SCORED | Kind.REPLAYED:
            after = _point_ended(before, after, packet, kept_at)
        case Kind.STATUS:
            after = _state(before, after, packet, kept_at)
        case Kind.UNDO:
            after = replace(after, correcting=True)
        case Kind.FINISHED:
            after = replace(after, outcome=_REASONS.get(packet.reason.lower(), packet.reason[:40].lower() or "finished"))
        case Kind.PHYSIO:
            after = _alerted(after, f"{_PHYSIO} for {side_words(after.card, packet.team)}")
        case Kind.VIOLATION:
            after = _alerted(after, packet_words(before, after, packet))
        case Kind.UNRECOGNISED:
            after = replace(after, unknown=unknown_kind(packet), played_on=False)
        case Kind.TIME | Kind.ALARM:
            pass
    return after


def _point_started(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    live = is_live(packet)
    after = replace(
        _begun(after, packet, kept_at),
        in_point=True,
        faults=after.faults if before.in_point else 0,
        correcting=after.correcting and not live,
        played_on=after.played_on or (live and bool(after.unknown)),
        outcome="",
    )
    resumed = after.state in BEFORE_PLAY or (live and after.state == CORRECTION)
    return _in_progress(after, kept_at) if resumed else after


def _begun(after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    """Since when the point in play has closed; a start that is said again is the same point."""
    return after if after.point_kept else replace(after, point_kept=kept_at, point_at=packet.at)


def _point_ended(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    if packet.kind is Kind.SCORED and packet.score is None:
        return replace(after, unknown="point scored without a readable score", played_on=False)
    live = is_live(packet)
    repeats = packet.score is None or packet.score == before.score
    corrected = live and before.correcting and repeats
    cleared = live and after.played_on
    after = replace(after, in_point=False, faults=0, correcting=after.correcting and not corrected)
    if cleared:
        after = replace(after, unknown="", played_on=False)
    resumed = (corrected and after.state == CORRECTION) or (cleared and after.state != CORRECTION)
    return _in_progress(after, kept_at) if resumed and after.state not in OPEN_STATES else after


def _in_progress(after: Tennis, kept_at: datetime) -> Tennis:
    return replace(after, state=IN_PROGRESS, state_facts={}, state_kept=kept_at)


def _state(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    state = packet.state
    since = before.state_kept if state == before.state and before.state_kept else kept_at
    played_on = after.played_on and state in OPEN_STATES  # what stops play after a point's start says that it was not played out
    after = replace(after, state=state, state_facts=packet.state_facts, state_kept=since, played_on=played_on)
    if state not in KNOWN_STATES:
        return replace(after, unknown=f"unknown {state_words(state)}")
    if state == CORRECTION:
        return replace(after, correcting=True)
    if state in ENDS:
        walkover = str(packet.state_facts.get("reason", "")).lower() == "walkover"
        return replace(after, outcome="walkover" if walkover else ENDS[state])
    return _resumed(after, packet) if state in OPEN_STATES else after


def _resumed(after: Tennis, packet: Packet) -> Tennis:
    """In progress again; only live, it also ends what was doubtful."""
    alerts = tuple(alert for alert in after.alerts if not alert.startswith(_PHYSIO))
    if not is_live(packet):
        return replace(after, alerts=alerts)
    return replace(after, alerts=alerts, correcting=False, unknown="", played_on=False, outcome="")


def _alerted(match: Tennis, words: str) -> Tennis:
    return replace(match, alerts=(*(alert for alert in match.alerts if alert != words), words)[-_MOST_ALERTS:])


def _taken_back(after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    """A score that went back: nobody knows the last point, unless this very packet gives it."""
    if packet.kind is Kind.SCORED:
        return replace(after, correcting=True)
    return replace(_begun(after, packet, kept_at), correcting=True, in_point=True)


def _stood(after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    """Whether the last word on how play stands was live."""
    if not is_live(packet) or _before_alarm(after, packet, kept_at):
        return replace(after, live=False)
    tells = packet.kind in _IN_POINT or packet.kind in _POINT_ENDS or (packet.kind is Kind.STATUS and packet.state in KNOWN_STATES)
    return replace(after, alarm=False, alarm_kept=None, alarm_since=None, live=after.live or tells)


def _before_alarm(match: Tennis, packet: Packet, kept_at: datetime) -> bool:
    """Whether it says nothing of the connection that is lost, because it is older."""
    if match.alarm_kept is not None and kept_at < match.alarm_kept:
        return True
    return match.alarm_since is not None and packet.at is not None and packet.at <= match.alarm_since


def _ended(after: Tennis, packet: Packet) -> Tennis:
    over = packet.kind not in _IN_POINT and over_by_score(after.card, after.score)
    told = "" if after.outcome == BY_SCORE else after.outcome
    outcome = told or (BY_SCORE if over else "")
    return replace(after, outcome=outcome, ended=bool(outcome) or after.hand is not None)


# What follows


def _settled(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime) -> Tennis:
    """Since when it has been between points; each point's end and each new score starts anew (A2)."""
    calm = _calm(after)
    settled = calm and after.state in OPEN_STATES
    anew = packet.kind in _POINT_ENDS or after.score != before.score
    after = replace(
        after,
        calm_kept=_since(before.calm_kept, kept_at, anew) if calm else None,
        calm_at=_since(before.calm_at if before.calm_kept else packet.at, packet.at, anew) if calm else None,
        breaks=_breaks(before, after.state, anew) if calm else (),
        settled_kept=_since(before.settled_kept, kept_at, anew) if settled else None,
        settled_at=_since(before.settled_at if before.settled_kept else packet.at, packet.at, anew) if settled else None,
        closed_kept=None if settled else (before.closed_kept or kept_at),
    )
    if not settled or after.point_kept is None:
        return after
    return _counted(after, after.point_kept, packet.at, kept_at)


def _counted(after: Tennis, began_kept: datetime, ended_at: datetime | None, kept_at: datetime) -> Tennis:
    """A point that is over. What comes all at once, after a reconnect or in a replay, took none of our time and suspended nothing."""
    waited = max(0.0, (kept_at - began_kept).total_seconds())
    played = 0.0 if after.point_at is None or ended_at is None else (ended_at - after.point_at).total_seconds()
    seen = waited > 0 and waited >= played * _AS_PLAYED
    return replace(
        after,
        point_kept=None,
        point_at=None,
        points=after.points + 1,
        points_seen=after.points_seen + seen,
        suspended_seconds=after.suspended_seconds + (waited if seen else 0.0),
    )


def _breaks(before: Tennis, state: str, anew: bool) -> tuple[str, ...]:
    known = () if anew or before.calm_kept is None else before.breaks
    return known if state in OPEN_STATES or state in known else (*known, state)


def _since(before: datetime | None, now: datetime | None, anew: bool) -> datetime | None:
    return now if anew or before is None else before


def _calm(match: Tennis) -> bool:
    return (
        match.started
        and match.live
        and match.course.back is None
        and match.state in OPEN_STATES | BREAKS
        and not (match.ended or match.alarm or match.unknown or match.correcting or match.in_point)
    )


def _missing(before: Tennis, packet: Packet) -> str:
    first = 1 if before.applied is None else before.applied + 1
    last = first if packet.seq is None else packet.seq - 1
    return f"packet {first} never came" if first >= last else f"packets {first} to {last} never came"


def _entries(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime, undone: bool) -> tuple[Entry, ...]:
    words = packet_words(before, after, packet)
    mark = _MARKS[packet.kind]
    if undone:
        mark, words = "undo", f"score goes back: {words}"
    elif packet.kind is Kind.STATUS and packet.state not in KNOWN_STATES:
        mark = "unknown"
    elif packet.kind is Kind.STATUS and packet.state == CORRECTION:
        mark = "undo"
    entry = Entry(
        seq=packet.seq,
        kind=(packet.kind_text or packet.kind.value)[:60],
        mark=mark,
        words=words[:300],
        at=packet.at,
        at_kept=kept_at,
        score=score_words(after.score)[:80] if after.started else "",
        delay=packet.delay[:20],
    )
    more = [replace(entry, mark="gap", words=_missing(before, packet), score="", delay="")] if packet.jumped else []
    ending = [replace(entry, mark="state", words=f"match over: {BY_SCORE}")] if after.outcome == BY_SCORE != before.outcome else []
    denied = after.hand is not None and before.hand is not None and after.hand.disputed != before.hand.disputed
    denial = (
        [replace(entry, mark="alert", words=f"outcome set by hand is disputed: {after.hand.disputed}"[:300])]
        if denied and after.hand
        else []
    )
    return (*more, entry, *ending, *denial)


def _notes(before: Tennis, packet: Packet, undone: bool) -> tuple[str, ...]:
    notes = []
    if packet.jumped:
        notes.append(f"{_missing(before, packet)}: applied as reconstructed")
    if packet.kind is Kind.UNRECOGNISED:
        notes.append(f"{unknown_kind(packet)}: the match is held")
    if packet.kind is Kind.STATUS and packet.state not in KNOWN_STATES:
        notes.append(f"unknown {state_words(packet.state)}: the match is held")
    if undone:
        notes.append(f"the score went back from {score_words(before.score)}")
    return tuple(notes)
