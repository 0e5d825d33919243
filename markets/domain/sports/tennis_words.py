"""Tennis in words: states, scores, why a match is not between points, lines of the timeline. Pure."""

from __future__ import annotations

import re
from typing import Any

from .tennis_values import Card, Games, Hand, Kind, Outcome, Packet, Score, Side, Tennis

NOT_STARTED = "NotStarted"
IN_PROGRESS = "InProgress"
UNSUSPENDED = "Unsuspended"
CORRECTION = "CorrectionMode"
BY_SCORE = "finished, by the score"

OPEN_STATES = frozenset({IN_PROGRESS, UNSUSPENDED})
"""In-play markets may be open in these, between points (T4)."""
BREAKS = frozenset({"ToiletBreak", "MedicalTreatment"})
"""A bookmaker may choose not to suspend in these (T4)."""
BEFORE_PLAY = frozenset({NOT_STARTED, "UmpireOnCourt", "PlayersArriveOnCourt", "Warmup"})
ENDS = {"Finished": "finished", "Complete": "finished", "Retire": "retired", "Walkover": "walkover", "Default": "defaulted"}
"""States that end a match → outcome. ``Retire`` is on the vendor's pages, the others are words of its public client (ADR 0011)."""

_STATES = {
    NOT_STARTED: "not started",
    "UmpireOnCourt": "umpire on court",
    "PlayersArriveOnCourt": "players arrive on court",
    "Warmup": "warm-up",
    IN_PROGRESS: "in progress",
    UNSUSPENDED: "suspension over",
    "Suspended": "play suspended",
    "ChallengeInProgress": "challenge in progress",
    "BallMarkInspection": "ball mark inspection",
    CORRECTION: "correction under way",
    "ToiletBreak": "toilet break",
    "MedicalTreatment": "medical treatment",
    **ENDS,
}
KNOWN_STATES = frozenset(_STATES)
_DETAILS = ("suspensionType", "treatmentLocation", "reason")
_VALUES = {
    "Ace": "ace",
    "DoubleFault": "double fault",
    "Rain": "rain",
    "Darkness": "darkness",
    "Pause": "pause",
    "Heat": "heat",
    "HeatBreak": "heat break",
    "Other": "other",
    "OnCourt": "on court",
    "OffCourt": "off court",
    "Normally": "played to the end",
    "Retirement": "retirement",
    "Retire": "retirement",
    "Walkover": "walkover",
    "Default": "default",
    "Injury": "injury",
    "Illness": "illness",
}
"""Documented values of a packet's details (feeds.md 1.3, 1.4; ADR 0011), without blanks between their parts → words."""
_WORD = {value.lower(): words for value, words in _VALUES.items()}
_ENDED_BY = ("toiletBreakEnded", "suspensionEnded", "treatmentEnded", "challengeEnded")


def state_words(state: str) -> str:
    """A match state for people; an unknown one in the feed's own word."""
    return _STATES.get(state) or f"match state “{state[:60]}”"


def value_words(said: str) -> str:
    """A documented value in words, however its parts are written together; any other as sent, in quotes; empty of an unknown one (T4)."""
    if not said or said.startswith("Unknown"):
        return ""
    return _WORD.get(re.sub(r"[^A-Za-z]", "", said).lower()) or f"“{said[:60]}”"


def closed_words(match: Tennis | None) -> str:
    """Why a match is not "in progress, between points"; empty when it is."""
    if match is None:
        return "nothing heard of the match yet"
    if match.between_points:
        return ""
    return next(words for closed, words in _reasons(match) if closed)


def _reasons(match: Tennis) -> tuple[tuple[bool, str], ...]:
    """The first that holds is told: what ends or breaks everything before what one point does."""
    state_closed = match.state not in OPEN_STATES and match.state != CORRECTION
    return (
        (match.ended, f"match over: {end_words(match)}"),
        (match.alarm, "alarm: connection to the court lost"),
        (match.course.back is not None, back_words(match)),
        (bool(match.unknown), match.unknown),
        (match.correcting, "correction under way"),
        (state_closed and match.state in _STATES, _told_state(match)),
        (state_closed, state_words(match.state)),
        (not match.started, "not started"),
        (match.in_point, "point in play"),
        (not match.live, "point feed not live: waiting for a live packet"),
        (True, state_words(match.state)),
    )


def end_words(match: Tennis) -> str:
    """How it ended; a person's word before the feed's."""
    return hand_words(match.card, match.hand) if match.hand else match.outcome


_BY_HAND = {Outcome.RETIRED: "retirement", Outcome.WALKOVER: "walkover", Outcome.ABANDONED: "abandoned"}


def hand_words(card: Card, hand: Hand) -> str:
    """``H. SQUIRE won by retirement, 1–0 in sets, set by hand``; the winner's sets first, and no name of who set it (E1)."""
    how = _BY_HAND.get(hand.outcome, "")
    won = f"{side_words(card, hand.winner)} won" if hand.winner else ""
    words = f"{won} by {how}" if won and how else won or how
    return f"{words}{_sets_words(card, hand)}, set by hand"


def _sets_words(card: Card, hand: Hand) -> str:
    if hand.sets is None:
        return ""
    if hand.winner is None:
        return f", sets: {side_words(card, Side.A)} {hand.sets.a}, {side_words(card, Side.B)} {hand.sets.b}"
    return f", {_games(hand.sets if hand.winner is Side.A else Games(hand.sets.b, hand.sets.a))} in sets"


def back_words(match: Tennis) -> str:
    return f"numbers went back: packet {match.course.back} came after packet {match.applied}"


def _told_state(match: Tennis) -> str:
    return state_words(match.state) + _in_brackets(_details(match.state_facts))


def _details(facts: dict[str, Any]) -> str:
    return ", ".join(words for name in _DETAILS if (words := value_words(str(facts.get(name) or ""))))


def _in_brackets(words: str) -> str:
    return f" ({words})" if words else ""


def side_words(card: Card, side: Side | None) -> str:
    """The players' names, or the team's where they are not known."""
    if side is None:
        return "unknown team"
    players = card.team_a if side is Side.A else card.team_b
    return "/".join(p.name for p in players if p.name) or f"Team{side.value}"


def score_words(score: Score) -> str:
    """Sets over, games of this set, points: ``6–4 3–2, 40–15``; between two sets only what is over."""
    over = " ".join(_games(g) for g in score.previous)
    if over and score.games == Games(0, 0) and score.points_a == score.points_b == "0":
        return over
    return f"{over} {_games(score.games)}, {score.points_a}–{score.points_b}".strip()


def turned(words: str) -> str:
    """:func:`score_words` with the sides exchanged, for a match whose Team A is not named first."""
    return _PAIR.sub(r"\2–\1", words)


def _games(games: Games) -> str:
    return f"{games.a}–{games.b}"


_PAIR = re.compile(r"([^\s,–]+)–([^\s,–]+)")


_PLAIN = {
    Kind.FAULT: "fault",
    Kind.LET: "let",
    Kind.REPLAYED: "point to be replayed",
    Kind.TIME: "time called",
    Kind.ALARM: "alarm: connection to the court lost",
    Kind.UNDO: "undo",
}


def packet_words(before: Tennis, after: Tennis, packet: Packet) -> str:
    """One packet as a line of the timeline."""
    card = after.card
    match packet.kind:
        case Kind.STATUS:
            words = _state_line(card, packet) + (", match card told anew" if before.applied == packet.seq == 0 else "")
        case Kind.POINT_STARTED:
            words = _started_line(before, card, packet)
        case Kind.SCORED:
            words = _point_line(before, after, packet)
        case Kind.PHYSIO:
            words = f"physio called for {side_words(card, packet.team)}"
        case Kind.VIOLATION:
            why = value_words(packet.reason)
            words = f"code violation, {side_words(card, packet.team)}" + (f": {why}" if why else "")
        case Kind.FINISHED:
            winner = f": {side_words(card, packet.team)} won" if packet.team else ""
            words = f"match finished{winner}" + _in_brackets(value_words(packet.reason))
        case Kind.UNRECOGNISED:
            words = unknown_kind(packet)
        case _:
            words = _PLAIN[packet.kind]
    return words


def unknown_kind(packet: Packet) -> str:
    return f"packet of unknown type “{packet.kind_text[:60]}”"


def _started_line(before: Tennis, card: Card, packet: Packet) -> str:
    if before.in_point and before.faults:
        return "second serve"
    side = packet.server.side if packet.server else None
    return "point started" + (f", {side_words(card, side)} to serve" if side else "")


def _state_line(card: Card, packet: Packet) -> str:
    facts = packet.state_facts
    over = " over" if any(facts.get(name) for name in _ENDED_BY) and packet.state not in OPEN_STATES else ""
    team = f", {side_words(card, packet.team)}" if packet.team else ""
    return state_words(packet.state) + over + team + _in_brackets(_details(facts))


def _point_line(before: Tennis, after: Tennis, packet: Packet) -> str:
    won = side_words(after.card, packet.scored_by)
    kind = _in_brackets(value_words(packet.point_type)) if packet.point_type != "Standard" else ""
    if after.score.sets != before.score.sets:
        return f"set to {won}{kind}"
    if after.score.games != before.score.games:
        return f"game to {won}{kind}"
    return f"point to {won}{kind}"
