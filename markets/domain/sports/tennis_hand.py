"""A match's outcome set by a person, and taken back (T6): the feed's own words stay beside it and may dispute it. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from .tennis_values import Entry, Hand, Kind, Outcome, Packet, Side, Tennis
from .tennis_words import BY_SCORE, OPEN_STATES, hand_words, packet_words

_PLAY = frozenset({Kind.POINT_STARTED, Kind.FAULT, Kind.LET, Kind.SCORED, Kind.REPLAYED})
_AGREES = {
    Outcome.WINNER: frozenset({"finished", BY_SCORE}),
    Outcome.RETIRED: frozenset({"retired"}),
    Outcome.WALKOVER: frozenset({"walkover"}),
    Outcome.ABANDONED: frozenset({"abandoned"}),
}
"""What the feed may call it as well."""


class Told(Struct, frozen=True):
    """A match after a person's word, with the timeline's line of it."""

    match: Tennis
    line: Entry


def set_by_hand(match: Tennis, hand: Hand) -> Told:
    """Over, whatever the feed said; nothing of it is between points any more."""
    after = replace(
        match, hand=hand, ended=True, settled_kept=None, settled_at=None, calm_kept=None, calm_at=None, breaks=(),
        closed_kept=match.closed_kept or hand.at_kept,
    )  # fmt: skip
    return Told(after, _line("outcome set", f"match over: {hand_words(match.card, hand)}", hand.at_kept))


def taken_back(match: Tennis, at: datetime) -> Told:
    """Over only if the feed says so. What the feed told meanwhile counts, but nothing is believed to be between points until it says so."""
    after = replace(match, hand=None, ended=bool(match.outcome), live=False, closed_kept=match.closed_kept or at)
    return Told(after, _line("outcome taken back", "the outcome that was set by hand is taken back", at))


def disputed(before: Tennis, after: Tennis, packet: Packet, kept_at: datetime) -> Hand | None:
    """``after``'s outcome by hand, with what ``packet`` says against it; the first dispute stays."""
    hand = after.hand
    if hand is None or hand.disputed or kept_at <= hand.at_kept or not _denies(hand, after, packet):
        return hand
    number = "a packet" if packet.seq is None else f"packet {packet.seq}"
    return replace(hand, disputed=f"{number} says otherwise: {packet_words(before, after, packet)}"[:200])


def _denies(hand: Hand, after: Tennis, packet: Packet) -> bool:
    if packet.kind in _PLAY or (packet.kind is Kind.STATUS and packet.state in OPEN_STATES):
        return True
    if not after.outcome:
        return False
    told: Side | None = packet.team if packet.kind is Kind.FINISHED else None
    return after.outcome not in _AGREES[hand.outcome] or (told is not None and hand.winner is not None and told is not hand.winner)


def _line(kind: str, words: str, at: datetime) -> Entry:
    return Entry(None, kind, "state", words, None, at)
