"""What REST answers hold, without I/O: lists split into the exact bytes of each object, payloads judged (000; feeds.md 3.1, 3.2).

What an object means is :mod:`feeds.odds360.mapping`'s; here is only read what routing needs: its id, its status, whether it holds odds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from feeds.errors import Gone

from . import wire

LONGEST_REF = 19
"""Digits of a match id; it is a 64-bit number."""
MOST_ROWS = 2_000
"""Objects of an answer that are read, where a feed's settings name no other number."""
MOST_LISTED = 400_000
"""Values of a whole list, counted by their commas: what is read of it must not take many times its own memory (E4)."""
MOST_COMPARED = 256 * 1024
"""Bytes of an answer that is compared by what it says; a longer one by its bytes, so that it may be kept more often than it has news."""
MOST_ABOVE = 4096
"""Bytes of what a match is listed under, which are kept with each match."""
_LIVE = frozenset({"live", "inprogress", "inplay", "playing", "started", "running"})
_OVER = frozenset({"finished", "ended", "cancelled", "canceled", "abandoned", "postponed", "retired", "walkover", "closed"})
_VOLATILE = frozenset({"validForMs", "now", "checkedAt", "requestId", "duration"})
"""What changes with every answer and says nothing of the match, at the top of an answer: further down it is a name like others."""
_PRICED = frozenset({"odds", "markets", "override", "totalOdds", "revision", "bookmakerRevision", "stateHash"})
"""What is no news of a list's row, since prices are taken from payloads and streams only."""
_ABOVE = frozenset({"date", *(f"{of}{end}" for of in ("league", "class") for end in ("", "_id", "Id", "_name", "Name"))})
"""What is kept of a date or league with each match that is listed under it: what :mod:`feeds.odds360.rows` reads there, and the date."""
_DEEPEST = 2
"""Matches in a league, in a date, in a list: none are looked for any deeper."""
_LONGEST_WORD = 1000
"""Bytes of an id, or of a status and what stands with it; longer ones are none."""
_PRICES = 4
"""Objects from the odds down to one price: the odds, group, market, outcome."""
MATCHES = ("match_id", "matchId", "id")
NAMES = ("id", "league_id", "class_id", "leagueId", "classId")
"""Fields that name the object of a list, of matches or of what matches belong to."""


class Entry(Struct, frozen=True):
    """One object of a list as sent, with its id as decimal text. ``live``, ``over``: what its status says, if anything."""

    ref: str
    body: bytes
    live: bool
    over: bool


class Rows(Struct, frozen=True):
    """A list: its objects that name an id, each id once, and how many objects there were. ``cut``: there are more than are read."""

    entries: tuple[Entry, ...]
    count: int
    cut: bool = False


class Payload(Struct, frozen=True):
    """An answer about one match. ``body``: the object's exact bytes; ``good``: it holds odds of this match; ``row``: it is a list's row
    without any. ``content`` is the same for answers that say the same of the match; ``revision`` where the sender counts; ``over``: it
    says that the match is.
    """

    body: bytes
    good: bool
    row: bool
    content: bytes
    revision: int | None = None
    over: bool = False


class _Head(Struct):
    """Of an object of a list, members as sent: there are many, and few of them are looked at."""

    match_id: Raw = Raw()
    matchId: Raw = Raw()
    id: Raw = Raw()
    league_id: Raw = Raw()
    leagueId: Raw = Raw()
    class_id: Raw = Raw()
    classId: Raw = Raw()
    status_type: Raw = Raw()
    status: Raw = Raw()
    matches: Raw = Raw()


class _Whole(Struct):
    match_id: Any = None
    matchId: Any = None
    id: Any = None
    revision: Any = None
    odds: Any = None
    status_type: Any = None
    status: Any = None
    phase: Any = None


_list = msgspec.json.Decoder(list[Raw])
_head = msgspec.json.Decoder(_Head)
_grouped = msgspec.json.Decoder(dict[str, Raw])
_whole = msgspec.json.Decoder(_Whole)
_any = msgspec.json.Decoder()
_exact = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_WRONG = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_NO_DIGEST = (*_WRONG, ValueError, ArithmeticError)


class _TooMuchAbove(ValueError):
    """What a match is listed under is too long to be kept with each match."""


def rows(body: bytes, named_by: Sequence[str] = MATCHES, most: int = MOST_ROWS) -> Rows | None:
    """The objects of a bare array, the first ``most`` of them; those of a date or league in it are its ``matches``, each kept under what
    that is called with none beside it, since the league stands there alone (feeds.md 3.2). ``None`` for what is no list, or too much of
    one. Empty for 204.
    """
    if not body.strip():
        return Rows((), 0)
    if body.count(b",") > MOST_LISTED:
        return None
    found: dict[str, Entry] = {}
    try:
        objects = _list.decode(body)
        for entry in islice((entry for raw in objects[:most] for entry in _entries(bytes(raw), named_by)), most + 1):
            found.setdefault(entry.ref, entry)
    except (*_WRONG, _TooMuchAbove):
        return None
    return Rows(tuple(islice(found.values(), most)), len(objects), len(objects) > most or len(found) > most)


def payload(body: bytes, ref: str) -> Payload:
    """The answer about match ``ref``, an object or a list of one. Raises ``Gone`` for an empty list.

    What :mod:`feeds.odds360.mapping` refuses for its size, or because nobody can say which of several objects counts, is no payload.
    """
    if len(body) > wire.MOST_BYTES or body.count(b",") > wire.MOST_VALUES:
        return _unreadable(body)
    if body.lstrip()[:1] != b"[":
        return _judged(body, ref, listed=False)
    try:
        objects = [bytes(raw) for raw in _list.decode(body)]
        own = [one for one in objects for entry in _entries(one) if entry.ref == ref]
    except (*_WRONG, _TooMuchAbove):
        return _unreadable(body)
    if not objects:
        raise Gone("the list of this match is empty")
    able = own or [one for one in objects if one.startswith(b"{")] or objects[:1]
    return _judged(able[0], ref, listed=True) if len(able) == 1 else _unreadable(body)


def content(body: bytes) -> bytes:
    """A digest that neither the order of fields nor what changes with every answer alters; of the bytes where they are no JSON, name
    something twice, or are more than :data:`MOST_COMPARED`. Numbers count by their digits.
    """
    return _digest(body, _VOLATILE)


def row_content(body: bytes) -> bytes:
    """The same for a list's row, of which prices are no news."""
    return _digest(body, _VOLATILE | _PRICED)


def over_by(*statuses: object) -> bool | None:
    """Whether any of the names that a status has says that the match is over; ``None`` where none says anything."""
    words = [word for said in statuses if (word := _word(said))]
    return any(word in _OVER for word in words) if words else None


def ref_of(said: object) -> str:
    """An id as decimal text; empty for what is none."""
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    usable = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= LONGEST_REF
    return str(text) if usable else ""


def _entries(body: bytes, named_by: Sequence[str] = MATCHES, depth: int = 0) -> Iterator[Entry]:
    """Raises :class:`_TooMuchAbove`."""
    try:
        head = _head.decode(body)
        grouped = bytes(memoryview(head.matches)[:1]) == b"["
        inner = _list.decode(head.matches) if grouped and depth < _DEEPEST else []
        above = _kept(_grouped.decode(body)) if inner else {}
        ref, status = _named(head, named_by), _word(_value(head.status_type)) or _word(_value(head.status))
    except _WRONG:
        return
    for raw in inner:
        for entry in _entries(bytes(raw), named_by, depth + 1):
            yield replace(entry, body=_alone(above, entry.body))
    if ref and not grouped:
        yield Entry(ref, body, status in _LIVE, status in _OVER)


def _kept(above: Mapping[str, Raw]) -> dict[str, bytes]:
    """What is kept of what matches are listed under, as sent."""
    kept = {name: bytes(raw) for name, raw in above.items() if name in _ABOVE}
    if sum(map(len, kept.values())) > MOST_ABOVE:
        raise _TooMuchAbove
    return kept


def _alone(above: Mapping[str, bytes], match: bytes) -> bytes:
    """This one match under what it is listed under."""
    members = [msgspec.json.encode(name) + b":" + raw for name, raw in above.items()]
    return b"{" + b",".join([*members, b'"matches":[' + match + b"]"]) + b"}"


def _named(said: _Head, named_by: Sequence[str]) -> str:
    return next((ref for name in named_by if (ref := ref_of(_value(getattr(said, name))))), "")


def _value(said: Raw) -> Any:
    """A member that may be an id or a status; ``None`` for every other."""
    return _any.decode(said) if 0 < memoryview(said).nbytes <= _LONGEST_WORD else None


def _word(said: object) -> str:
    """Of a text, or of an object that has it as its type; empty for what is none."""
    if isinstance(said, dict):
        said = said.get("type", said.get("name"))
    return "".join(c for c in said.lower() if c.isalnum()) if isinstance(said, str) else ""


def _judged(body: bytes, ref: str, listed: bool) -> Payload:
    try:
        said = _whole.decode(body)
    except _WRONG:
        return _unreadable(body)
    revision = said.revision if isinstance(said.revision, int) and not isinstance(said.revision, bool) else None
    good = isinstance(said.odds, dict) and _may_be(said, ref)
    over = bool(over_by(said.status_type, said.status, said.phase))
    named = next((found for name in MATCHES if (found := ref_of(getattr(said, name)))), "")
    return Payload(body, good, listed and said.odds is None and named == ref, content(body), revision, over)


def _may_be(said: _Whole, ref: str) -> bool:
    """Whether it names this match, or none. Its ``id`` is the match's unless that is named beside it."""
    named = [one for one in (said.match_id, said.matchId) if one is not None] or [one for one in (said.id,) if one is not None]
    return all(ref_of(one) == ref for one in named)


def _unreadable(body: bytes) -> Payload:
    return Payload(body, False, False, content(body))


def _digest(body: bytes, without: frozenset[str]) -> bytes:
    if len(body) > MOST_COMPARED:
        return hashlib.blake2b(body, digest_size=16).digest()
    try:
        said = json.loads(body, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_once)
        stable = _exact.encode(_stable(said, without))
    except _NO_DIGEST:
        stable = body
    return hashlib.blake2b(stable, digest_size=16).digest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise ValueError("a name comes twice")
    return said


def _stable(said: Any, without: frozenset[str]) -> Any:
    """Of a match, of those that a list has, and of those that are listed under a date or league: what they say of themselves."""
    if isinstance(said, list):
        return [_stable(one, without) for one in said]
    if not isinstance(said, dict):
        return said
    kept = {name: value for name, value in said.items() if name not in without}
    if isinstance(matches := kept.get("matches"), list):
        kept["matches"] = _stable(matches, without)
    if "odds" in kept:
        kept["odds"] = _untimed(kept["odds"], _PRICES)
    return kept


def _untimed(said: Any, depth: int) -> Any:
    """Odds without how long each price of our own may be believed (docs/api.md "One match"): group, market, outcome, price."""
    if not isinstance(said, dict):
        return said
    if depth > 1:
        return {name: _untimed(value, depth - 1) for name, value in said.items()}
    return {name: value for name, value in said.items() if name != "validForMs"} if _is_price(said) else said


def _is_price(said: dict[str, Any]) -> bool:
    return "value" in said and not isinstance(said["value"], dict | list)
