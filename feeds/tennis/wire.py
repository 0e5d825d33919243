"""Read one frame of the umpire feed as JSON (004), bounded; what it means is in :mod:`feeds.tennis.mapping`. Pure.

Bytes come from outside: size and depth are limited, and whatever goes wrong becomes :class:`feeds.errors.Unreadable`. A single value of
another type than documented is no reason for that: it is left out and noted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from feeds.errors import Unreadable
from markets.domain.sports.tennis import TURN

MOST_BYTES = 1 << 20
MOST_DEPTH = 32
MOST_FACTS = 40
MOST_NOTES = 40
_FACT_LENGTH = 300
_FACT_DEPTH = 4
_LARGEST = 2**63 - 1
MOST_PACKETS = TURN - 1
"""9,999, the highest seqNum that is believed: the longest match ever played had 980 points, some 3,000 packets. A wild one would end
the stream.
"""
_MILLISECONDS = 10**11  # a number of seconds this large lies in the year 5138

_document = msgspec.json.Decoder(Any)
_canonical = msgspec.json.Encoder(order="sorted")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_HEAD_URGENT = re.compile(rb'"eventElementType"\s*:\s*"(PointStarted|Alarm)"')
URGENT = frozenset({"PointStarted", "Alarm"})
ALARM = "Alarm"
STATUS = "MatchStatusUpdate"

Object = dict[str, Any]


class Hint(Struct, frozen=True):
    """What the first bytes say, for routing only; ``urgent``: it raises the fence whatever its number (T2)."""

    guid: str = ""
    fixture_ref: str = ""
    seq: int | None = None
    urgent: bool = False


def document(body: bytes) -> Object:
    """The one object that a frame holds."""
    if len(body) > MOST_BYTES:
        raise Unreadable(f"the frame has {len(body)} bytes, more than {MOST_BYTES}")
    try:
        said = _document.decode(body)
    except RecursionError:
        raise Unreadable("the frame is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Unreadable(f"the frame is no JSON: {error}") from error
    if not isinstance(said, dict):
        raise Unreadable(f"the frame is no JSON object but {_kind(said)}")
    if _deeper_than(said, MOST_DEPTH):
        raise Unreadable("the frame is nested too deeply")
    return said


def _kind(said: object) -> str:
    return {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}.get(type(said), "a number")


def _deeper_than(said: Any, most: int) -> bool:
    level = [said]
    for _ in range(most):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(said: Any) -> Iterable[Any]:
    values: Iterable[Any] = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return (value for value in values if isinstance(value, dict | list))


def is_packet(said: Object) -> bool:
    """T1: a frame with neither is a heartbeat, or an object of the list of live events."""
    return "eventElementType" in said or "seqNum" in said


def is_live_event(said: Object) -> bool:
    """feeds.md 1.1; told apart by what it holds, since a replay has only the bytes."""
    return not is_packet(said) and "eventId" in said and isinstance(said.get("teamA"), dict) and isinstance(said.get("teamB"), dict)


def number(said: object) -> int | None:
    """A ``seqNum``: a whole number from 0 on that a match can have. A text or a fraction is none."""
    return said if type(said) is int and 0 <= said <= MOST_PACKETS else None


def alarm_guid(event: str, timestamp: str) -> str:
    """Alarms count for themselves and are repeated every 25 s: each is another message (T2)."""
    return guid(event, f"alarm@{timestamp[:30]}")


def not_started_guid(event: str, body: bytes) -> str:
    """Number 0 is no place in the stream but the match as it stands before it (004): with another card it is another message."""
    return guid(event, f"0@{content_digest(body)[:24]}")


def guid(event: str, rest: str) -> str:
    """At most 64 characters; an event id that leaves too little room is named by its hash."""
    named = f"{event}#{rest}"
    return named if len(named) <= 64 else f"{hashlib.sha256(event.encode()).hexdigest()[:20]}#{rest}"[:64]


def numbered(event: str) -> Iterator[str]:
    """The guids of every numbered packet that a stream can have; those of alarms and of what has no number are others."""
    return (guid(event, str(seq)) for seq in range(1, MOST_PACKETS + 1))


def hint(head: bytes, stream: str) -> Hint:
    """From the first 4 KB; never raises. ``stream``: the event whose stream it came on."""
    try:
        said = document(head)
    except Unreadable:
        return _scanned(head, stream)
    if not is_packet(said):
        return Hint(fixture_ref=stream or (cleaned(said["eventId"], 64) if isinstance(said.get("eventId"), str) else ""))
    kind, seq = said.get("eventElementType"), number(said.get("seqNum"))
    if kind == ALARM:
        timestamp = said.get("timestamp")
        return Hint(alarm_guid(stream, timestamp) if isinstance(timestamp, str) else "", stream, None, urgent=True)
    if seq == 0 and kind == STATUS:
        return Hint(not_started_guid(stream, head), stream, seq)
    return Hint("" if seq is None else guid(stream, str(seq)), stream, seq, urgent=isinstance(kind, str) and kind in URGENT)


def _scanned(head: bytes, stream: str) -> Hint:
    """Of a frame whose first 4 KB are not all of it, or that is broken: no number. One that stands inside another object, or in what
    nobody can read, would raise the announced number for good; a frame without one fences until it has its outcome.
    """
    return Hint("", stream, None, urgent=_HEAD_URGENT.search(head) is not None)


def content_digest(body: bytes) -> str:
    """SHA-256 (hex) of the content, however it is spelled; of the bytes where they are no JSON."""
    try:
        return hashlib.sha256(_canonical.encode(_document.decode(body))).hexdigest()
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        return hashlib.sha256(body).hexdigest()


def same_content(a: bytes, b: bytes) -> bool:
    """Whether two frames say the same."""
    return a == b or content_digest(a) == content_digest(b)


def cleaned(said: str, limit: int) -> str:
    """Without padding, line breaks and control characters (``"S0AK  "``)."""
    return _CONTROL.sub(" ", said).strip()[:limit].strip()


class Fields:
    """One object of a frame, read value by value; ``notes`` is shared by all of one frame."""

    def __init__(self, said: Object, notes: list[str]) -> None:
        self.said = said
        self.notes = notes

    def note(self, words: str) -> None:
        if words not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(words)

    def text(self, name: str, limit: int = 100) -> str:
        """A number counts as its text (``courtNum``); absent or anything else is empty."""
        said = self.said.get(name)
        if isinstance(said, str):
            return cleaned(said, limit)
        if type(said) is int and abs(said) <= _LARGEST:
            return str(said)
        self._left_out(name, said, "no text")
        return ""

    def known(self, name: str, limit: int = 100) -> str:
        """A text, where ``Unknown``, ``UnknownTossChooser`` … mean none (T4)."""
        said = self.text(name, limit)
        return "" if said.startswith("Unknown") else said

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number, or its text; −1 stands for unknown."""
        said = self.said.get(name)
        if isinstance(said, str) and said.strip().isdecimal() and len(said) <= 20:
            said = int(said)
        if type(said) is int and low <= said <= high:
            return said
        if said != -1:
            self._left_out(name, said, f"no number from {low} to {high}")
        return None

    def inner(self, name: str) -> Fields | None:
        said = self.said.get(name)
        if isinstance(said, dict):
            return Fields(said, self.notes)
        self._left_out(name, said, "no object")
        return None

    def array(self, name: str, most: int) -> list[Fields] | None:
        """An array of objects; ``None`` when it is something else or too long, empty when it is absent."""
        said = self.said.get(name)
        if said is None:
            return []
        if isinstance(said, list) and len(said) <= most and all(isinstance(one, dict) for one in said):
            return [Fields(one, self.notes) for one in said]
        self._left_out(name, said, f"no array of at most {most} objects")
        return None

    def moment(self, name: str) -> datetime | None:
        """A time with its zone, or milliseconds since 1970. The epoch itself stands for unknown; a time without a zone is none."""
        said = self.said.get(name)
        found = _moment(said)
        if found is None and said is not None:
            self._left_out(name, said, "no time with a zone")
        return None if found is None or found.timestamp() == 0 else found

    def rest(self, known: Iterable[str]) -> Object:
        """Everything beside ``known``, plain and bounded, as sent."""
        left = [(name, value) for name, value in self.said.items() if name not in known]
        if len(left) > MOST_FACTS:
            self.note(f"{len(left) - MOST_FACTS} fields are left out")
        return {cleaned(name, 60): _plain(value, _FACT_DEPTH) for name, value in left[:MOST_FACTS]}

    def _left_out(self, name: str, said: object, what: str) -> None:
        if said is not None:
            self.note(f"{name} “{cleaned(str(said)[:200], 40)}” is {what}: left out")


def _moment(said: object) -> datetime | None:
    try:
        if isinstance(said, str) and len(said) <= 40:
            found = datetime.fromisoformat(said.strip())
            return found.astimezone(UTC) if found.tzinfo else None
        if type(said) is int and said >= 0:
            return datetime.fromtimestamp(said / 1000 if said >= _MILLISECONDS else said, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _plain(said: Any, depth: int) -> Any:
    """What every store takes: no text too long, no number too large, nothing too deep."""
    if isinstance(said, str):
        return cleaned(said, _FACT_LENGTH)
    if isinstance(said, dict | list) and depth == 0:
        return "…"
    if isinstance(said, dict):
        return {cleaned(name, 60): _plain(value, depth - 1) for name, value in list(said.items())[:MOST_FACTS]}
    if isinstance(said, list):
        return [_plain(value, depth - 1) for value in said[:MOST_FACTS]]
    return str(said)[:_FACT_LENGTH] if type(said) is int and abs(said) > _LARGEST else said
