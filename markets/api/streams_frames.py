"""What travels on the streams that bookmakers listen to (docs/api.md "Streams"): one JSON object a frame, the same on WebSocket and SSE.

``seq`` counts the frames of one match on one stream; ``prevSeq`` names the frame before it, ``null`` with a snapshot. A client that
holds another ``seq`` has missed something, and shows that match suspended until the next snapshot, which comes by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

Json = dict[str, Any]
Odds = dict[str, dict[str, dict[str, Json]]]
"""Odd group → market → outcome → price object, as REST has them."""
MarketChanges = dict[str, dict[str, Json | None] | None]
Changes = dict[str, MarketChanges | None]
"""The same of what changed; ``null`` in place of a price, a market or a group: it is gone."""


class Snapshot(Struct, frozen=True, rename="camel", tag_field="type", tag="snapshot"):
    """Everything that REST answers for the match; the first frame of a connection, and after whatever was missed.

    ``validForMs``: of the open price that must be renewed first, 0 when none is open; each price has its own.
    """

    match_id: int
    sport: str
    seq: int
    prev_seq: None
    revision: int
    bookmaker_revision: int
    phase: str
    state_hash: str
    odds: Odds
    markets: dict[str, Json]
    override: list[Json]
    valid_for_ms: int
    now: datetime


class Update(Struct, frozen=True, rename="camel", tag_field="type", tag="update"):
    """What changed: prices and markets whole, each in place of the one before; ``null``: it is gone. ``override`` is the whole list,
    there only when it changed. ``validForMs`` as in a snapshot, of the prices named here; nothing else is renewed by it."""

    match_id: int
    sport: str
    seq: int
    prev_seq: int
    revision: int
    bookmaker_revision: int
    phase: str
    state_hash: str
    odds: Changes
    markets: dict[str, Json | None]
    valid_for_ms: int
    now: datetime
    override: list[Json] | msgspec.UnsetType = msgspec.UNSET


class Suspend(Struct, frozen=True, rename="camel", tag_field="type", tag="suspend"):
    """The fence: every in-play price (``scope`` ``inPlay``) or every price (``all``) of the match is suspended, from now until a later
    update or snapshot says otherwise of it. Revisions are those last told; what holds the prices follows in an update."""

    match_id: int
    sport: str
    seq: int
    prev_seq: int
    revision: int
    bookmaker_revision: int
    scope: Literal["inPlay", "all"]
    now: datetime


class Beat(Struct, frozen=True, rename="camel", tag_field="type", tag="beat"):
    """Once a second. Every open price that is held as of ``seq`` may be believed for ``validForMs`` from now, except those that ``odds``
    names, which have their own; 0 renews nothing. ``prevSeq`` equals ``seq``: a beat is not counted."""

    match_id: int
    sport: str
    seq: int
    prev_seq: int
    revision: int
    bookmaker_revision: int
    odds: Odds
    valid_for_ms: int
    now: datetime


class MatchBeat(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One match in a sport's beat; the fields as in :class:`Beat`."""

    seq: int
    valid_for_ms: int
    odds: Odds = {}


class SportBeat(Struct, frozen=True, rename="camel", tag_field="type", tag="beat"):
    """The beat of a whole sport, for all of its matches by match id. A match that is not in it is not on the stream any more."""

    sport: str
    matches: dict[str, MatchBeat]
    now: datetime


class Gone(Struct, frozen=True, rename="camel", tag_field="type", tag="gone"):
    """The match is not on this stream any more: forget its prices."""

    match_id: int
    sport: str
    seq: int
    prev_seq: int
    now: datetime


class OverrideSnapshot(Struct, frozen=True, rename="camel", tag_field="type", tag="snapshot"):
    """All overrides and selection holds in effect, as REST lists them, and the wider holds that reach the match.

    ``holds``: ``all`` closes every price, ``markets`` (by market key) those of one market; in words.
    """

    match_id: int
    sport: str
    seq: int
    prev_seq: None
    revision: int
    bookmaker_revision: int
    override: list[Json]
    holds: Json
    valid_for_ms: int
    now: datetime


class OverrideUpdate(Struct, frozen=True, rename="camel", tag_field="type", tag="update"):
    """Entries that are new or different, by ``id``; one that ended has ``"ended": true``. ``holds`` is whole."""

    match_id: int
    sport: str
    seq: int
    prev_seq: int
    revision: int
    bookmaker_revision: int
    override: list[Json]
    holds: Json
    valid_for_ms: int
    now: datetime


AnyFrame = Snapshot | Update | Suspend | Beat | SportBeat | Gone | OverrideSnapshot | OverrideUpdate
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(frame: AnyFrame) -> str:
    """The text that is sent, the same for every connection: prices as plain numbers, times as RFC 3339."""
    return _encoder.encode(frame).decode()
