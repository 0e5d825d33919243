"""One match's stream, without I/O: what to send, what each message is to us, where to begin again (004; decisions T1, T2; feeds.md 1).

Positions are seqNums. A stream goes on from the last packet that is *kept*; every packet is kept, whatever it is, and only the next
number moves the position. Trouble is told by a :class:`feeds.errors.Trouble` beside the packet that showed it; who owns the socket then
closes it and comes back. Times are monotonic seconds.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from feeds.errors import NotYet, Refused, Retryable, Trouble, Unreadable
from feeds.outgoing import Line, Read, Report

from .wire import ALARM, URGENT, document, number

NOT_STARTED = 0
"""seqNum of the packet that only says that there is none yet."""
_REFUSING_CODES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
_REMEMBERED = 256
_EVENT_NAMES = ("eventId", "event_id", "matchId")
_AUTHORISED = ("authorised", "authorized", "authenticated")
_WHY = ("reason", "error", "message")


class Habits(Struct, frozen=True):
    """What rules a stream, each a setting of the feed.

    ``settle_seconds``: how long a connection that is open catches up before it counts as live. ``gap_tries``: how often a hole is asked
    for again; ``gap_seconds``: for how long after that the match is shown with a gap, while the store waits for the hole to be filled.
    ``heartbeat_without``: a message with none of these fields is a heartbeat (T1), and so is one whose type is in ``heartbeat_types``.
    """

    settle_seconds: float = 1.0
    gap_tries: int = 3
    gap_seconds: float = 30.0
    heartbeat_without: tuple[str, ...] = ("eventElementType", "seqNum")
    heartbeat_types: tuple[str, ...] = ()


_HEARTBEAT = Read(False)


class MatchStream:
    """``position``: the highest seqNum of the unbroken stream that is kept, ``None`` when nothing is.

    The owner calls :meth:`opened`, then :meth:`received` for every message, :meth:`kept` for every packet that is durable, in order, and
    :meth:`lost` when the connection ends.
    """

    def __init__(self, ref: str, position: int | None, habits: Habits) -> None:
        self.ref = ref
        self._habits = habits
        self._kept = position
        self._seen = position
        self._contents: OrderedDict[int, bytes] = OrderedDict()
        self._authorised = False
        self._reached = False
        self._leaving = False
        self._opened_at: float | None = None
        self._gap_words = ""
        self._gap_until: float | None = None
        self._holes: dict[int, int] = {}
        self._complaints: dict[int | None, int] = {}
        self._state = Line.CONNECTING
        self._words = ""
        self._gaps = 0
        self._connections = 0
        self._odd = 0
        self._oddity = ""
        self._last_loss = ""

    @property
    def start_position(self) -> int | None:
        """What to ask for: the packet after the last one kept; ``None`` for the beginning."""
        return None if self._kept is None else self._kept + 1

    def opened(self, now: float) -> None:
        """The socket is open; our credential is on its way."""
        self._connections += 1
        self._opened_at = now
        self._authorised = self._reached = self._leaving = False
        self._seen = self._kept
        if self._state is Line.LOST:
            self._state, self._words = Line.CONNECTING, ""

    def received(self, body: bytes, now: float, *, text: bool = True) -> Read:
        """Judge one message. Never raises for content."""
        said = _parsed(body) if text else None
        if said is None:
            words = "a message is no JSON object" if text else "a binary message"
            return self._complain(Read(True), words)
        if self._is_heartbeat(said):
            return self._heartbeat(said)
        self._authorised = True
        return self._packet(said, body, now)

    def oversize(self) -> Read:
        """A message was longer than is taken; its beginning is kept."""
        return self._complain(Read(True), "a message is longer than 1 MiB")

    def kept(self, read: Read) -> None:
        """The packet is durable, and so is all before it."""
        if read.advances is not None and (self._kept is None or read.advances > self._kept):
            self._kept = read.advances

    def lost(self, trouble: Trouble) -> Trouble:
        """The connection ended; the trouble as it is to be treated: a close before anything was said may be a refusal."""
        code = getattr(trouble, "code", None)
        if code in _REFUSING_CODES and not self._authorised:
            trouble = Refused(f"the provider refuses the token: {trouble.words}")
        self._opened_at = None
        self._words = self._last_loss = trouble.words
        self._state = self._as_closed(trouble)
        return trouble

    def ended(self) -> None:
        """Nothing more is expected."""
        self._state, self._words, self._opened_at = Line.ENDED, "", None

    def steady(self, now: float) -> bool:
        """Whether the connection has proved itself: open, let in, and caught up."""
        return self._authorised and self._opened_at is not None and now - self._opened_at >= self._habits.settle_seconds

    def report(self, now: float) -> Report:
        state, words = self._state, self._words
        if self._opened_at is not None and self.steady(now):
            state, words = self._as_open(now)
        return Report(state, words, self._seen, self._gaps, max(0, self._connections - 1))

    def _as_closed(self, trouble: Trouble) -> Line:
        if isinstance(trouble, NotYet):
            return Line.WAITING
        if isinstance(trouble, Retryable):
            return Line.GAP if self._gap_words and self._gap_until is None else Line.LOST
        return Line.REFUSED

    def _as_open(self, now: float) -> tuple[Line, str]:
        if self._gap_words and (self._gap_until is None or now < self._gap_until):
            return Line.GAP, self._gap_words
        if self._seen is None or self._seen <= NOT_STARTED:
            return Line.WAITING, "the match has not started"
        if self._odd:
            return Line.LIVE, f"{self._odd} odd message{'s' if self._odd > 1 else ''}, the last: {self._oddity}"
        return Line.LIVE, f"connected again after: {self._last_loss}" if self._last_loss else ""

    def _is_heartbeat(self, said: dict[str, Any]) -> bool:
        if not any(name in said for name in self._habits.heartbeat_without):
            return True
        return said.get("eventElementType") in self._habits.heartbeat_types

    def _heartbeat(self, said: dict[str, Any]) -> Read:
        if not self._authorised:
            if (why := _refusal(said)) is not None:
                return Read(False, trouble=Refused(f"the provider refuses the token{f': {why}' if why else ''}"))
            self._authorised = True
        return _HEARTBEAT

    def _packet(self, said: dict[str, Any], body: bytes, now: float) -> Read:
        kind = said.get("eventElementType")
        urgent = isinstance(kind, str) and kind in URGENT
        if other := self._another_match(said):
            return self._complain(Read(True, urgent=urgent), f"a packet of another match: {other}")
        if kind == ALARM:
            return Read(True, urgent=True)
        seq = number(said.get("seqNum"))
        if seq is None:
            return self._complain(Read(True, urgent=urgent), "a packet without a readable seqNum")
        return self._numbered(seq, urgent, body, now)

    def _another_match(self, said: dict[str, Any]) -> str:
        named = (said[name] for name in _EVENT_NAMES if name in said)
        return next((str(ref)[:64] for ref in named if ref != self.ref), "")

    def _numbered(self, seq: int, urgent: bool, body: bytes, now: float) -> Read:
        repeated = self._remember(seq, body)
        expected = 1 if self._seen is None else self._seen + 1
        if seq == NOT_STARTED:
            return self._not_started(urgent)
        if seq < expected:
            return self._older(seq, urgent, repeated)
        self._reached = True
        if seq > expected and not self._given_up(seq, expected, now):
            self._leaving = True
            return Read(True, seq, urgent, trouble=Retryable(self._gap_words))
        self._follow(seq, expected)
        return Read(True, seq, urgent, advances=seq)

    def _not_started(self, urgent: bool) -> Read:
        """Said anew at every connection before the match, and no part of the count."""
        if self._seen is None:
            self._seen = NOT_STARTED
        return Read(True, NOT_STARTED, urgent, advances=NOT_STARTED)

    def _older(self, seq: int, urgent: bool, repeated: bool) -> Read:
        """A repeat, a replay of what is kept already, or a provider that counts anew."""
        read = Read(True, seq, urgent)
        if repeated or not self._reached:
            return read
        return self._complain(read, f"seqNum went back from {self._seen} to {seq}")

    def _given_up(self, seq: int, expected: int, now: float) -> bool:
        """Whether this hole has been asked for often enough; if not, it is asked for (again), once a connection."""
        if self._leaving:
            return False
        missing = f"packet {expected} is" if seq == expected + 1 else f"packets {expected} to {seq - 1} are"
        tries = self._holes.get(expected, 0)
        if tries == 0:
            self._gaps += 1
        self._holes[expected] = tries + 1
        if tries < self._habits.gap_tries:
            self._gap_words, self._gap_until = f"{missing} missing: asked for again", None
            return False
        self._gap_words, self._gap_until = f"{missing} missing and did not come", now + self._habits.gap_seconds
        return True

    def _follow(self, seq: int, expected: int) -> None:
        self._seen = seq
        if seq == expected and self._gap_until is None:
            self._gap_words = ""
        self._complaints.clear()

    def _remember(self, seq: int, body: bytes) -> bool:
        """Whether this number came with the same content before."""
        content = hashlib.blake2b(body, digest_size=8).digest()
        same = self._contents.get(seq) == content
        self._contents[seq] = content
        if len(self._contents) > _REMEMBERED:
            self._contents.popitem(last=False)
        return same

    def _complain(self, read: Read, words: str) -> Read:
        """Reconnect for it, but not for ever from the same place: what the provider says again and again is kept and passed over."""
        self._odd += 1
        self._oddity = words
        if self._leaving:
            return read
        tries = self._complaints.get(self._seen, 0)
        self._complaints[self._seen] = tries + 1
        if tries >= self._habits.gap_tries:
            return read
        self._leaving = True
        return msgspec.structs.replace(read, trouble=Retryable(words))


def _parsed(body: bytes) -> dict[str, Any] | None:
    """As the parser reads it, so that no number is announced of a frame that cannot be applied."""
    try:
        return document(body)
    except Unreadable:
        return None


def _refusal(said: dict[str, Any]) -> str | None:
    """Why the answer to our credential is a no; ``None`` when it is none. Its shape is documented nowhere (feeds.md 1.1)."""
    lower = {name.lower(): value for name, value in said.items()}
    verdict = next((lower[name] for name in _AUTHORISED if name in lower), UNSET)
    why = next((str(lower[name])[:200] for name in _WHY if lower.get(name)), "")
    if verdict is UNSET:
        return why if why and lower.get("reason", lower.get("error")) else None
    return None if str(verdict).lower() in ("true", "yes", "ok", "1") else why
