"""What travels on the streams that bookmakers listen to (docs/api.md "Streams"): one JSON object a frame, the same on WebSocket and SSE.

``seq`` counts the frames of one match on one stream; ``prevSeq`` names the frame before it, ``null`` with a snapshot. A client that
holds another ``seq`` has missed something, and shows that match suspended until the next snapshot, which comes by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Json = dict[str, Any]


def _as_rest_has_it(name: str) -> Meta:
    """The object of that name in the documents of REST and of the streams alike."""
    return Meta(extra_json_schema={"$ref": f"#/components/schemas/{name}"})


Price = Annotated[Json, _as_rest_has_it("Price")]
Market = Annotated[Json, _as_rest_has_it("Market")]
Entry = Annotated[Json, _as_rest_has_it("OverrideEntry")]
Odds = dict[str, dict[str, dict[str, Price]]]
"""Odd group → market → outcome → price object, as REST has them."""
MarketChanges = dict[str, dict[str, Price | None] | None]
Changes = dict[str, MarketChanges | None]
"""The same of what changed; ``null`` in place of a price, a market or a group: it is gone."""


class _Told(Struct, frozen=True, rename="camel", kw_only=True):
    """``now``: database time, the last member of every frame."""

    now: datetime


class _Numbered(_Told, frozen=True, rename="camel"):
    """A frame of one match, at its place in the count."""

    match_id: int
    sport: str
    seq: int
    prev_seq: int | None


class _Revised(_Numbered, frozen=True, rename="camel"):
    """One that speaks of a state, at the revisions of REST."""

    revision: int
    bookmaker_revision: int


class _Offered(_Revised, frozen=True, rename="camel"):
    """One that says what is offered, under the same names as REST."""

    phase: str
    state_hash: str
    linked_match_ids: tuple[int, ...]


class Snapshot(_Offered, frozen=True, rename="camel", tag_field="type", tag="snapshot"):
    """Everything that REST answers for the match; the first frame of a connection, and after whatever was missed.

    ``validForMs``: of the open price that must be renewed first, 0 when none is open; each price has its own.
    """

    prev_seq: None
    odds: Odds
    markets: dict[str, Market]
    override: list[Entry]
    valid_for_ms: int


class Update(_Offered, frozen=True, rename="camel", tag_field="type", tag="update"):
    """What changed: prices and markets whole, each in place of the one before; ``null``: it is gone. ``override`` is the whole list,
    there only when it changed. ``validForMs`` as in a snapshot, of the prices named here; nothing else is renewed by it."""

    prev_seq: int
    odds: Changes
    markets: dict[str, Market | None]
    valid_for_ms: int
    override: list[Entry] | msgspec.UnsetType = msgspec.UNSET


class Suspend(_Revised, frozen=True, rename="camel", tag_field="type", tag="suspend"):
    """The fence: every in-play price (``scope`` ``inPlay``) or every price (``all``) of the match is suspended, from now until a later
    update or snapshot says otherwise of it. Revisions are those last told; what holds the prices follows in an update."""

    prev_seq: int
    scope: Literal["inPlay", "all"]


class Renewal(Struct, frozen=True, rename="camel"):
    """Of one price in a beat."""

    valid_for_ms: int


Renewals = dict[str, dict[str, dict[str, Renewal]]]
"""Odd group → market → outcome, of prices that end sooner than the others."""


class Beat(_Revised, frozen=True, rename="camel", tag_field="type", tag="beat"):
    """Once a second. Every open price that is held as of ``seq`` may be believed for ``validForMs`` from now, except those that ``odds``
    names, which have their own; 0 renews nothing. ``prevSeq`` equals ``seq``: a beat is not counted."""

    prev_seq: int
    odds: Renewals
    valid_for_ms: int


class OverrideBeat(_Revised, frozen=True, rename="camel", tag_field="type", tag="beat"):
    """Once a second on the ``overrides`` stream, which has no prices to renew: it is alive, and complete as of ``seq``. ``validForMs`` is 0
    while the store does not answer."""

    prev_seq: int
    valid_for_ms: int


class MatchBeat(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One match in a sport's beat; the fields as in :class:`Beat`."""

    seq: int
    valid_for_ms: int
    odds: Renewals = {}


class SportBeat(_Told, frozen=True, rename="camel", tag_field="type", tag="beat"):
    """The beat of a whole sport, for all of its matches by match id. A match that is not in it is not on the stream any more."""

    sport: str
    matches: dict[str, MatchBeat]


class Gone(_Numbered, frozen=True, rename="camel", tag_field="type", tag="gone"):
    """The match is not on this stream any more: forget its prices."""

    prev_seq: int


class OverrideSnapshot(_Revised, frozen=True, rename="camel", tag_field="type", tag="snapshot"):
    """All overrides and selection holds in effect, as REST lists them, and the wider holds that reach the match.

    ``holds``: ``all`` closes every price, ``markets`` (by market key) those of one market; in words.
    """

    prev_seq: None
    override: list[Entry]
    holds: Json
    valid_for_ms: int


class OverrideUpdate(_Revised, frozen=True, rename="camel", tag_field="type", tag="update"):
    """Entries that are new or different, by ``id``; one that ended has ``"ended": true``. ``holds`` is whole."""

    prev_seq: int
    override: list[Entry]
    holds: Json
    valid_for_ms: int


AnyFrame = Snapshot | Update | Suspend | Beat | SportBeat | Gone | OverrideSnapshot | OverrideUpdate | OverrideBeat
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(frame: AnyFrame) -> str:
    """The text that is sent, the same for every connection: prices as plain numbers, times as RFC 3339."""
    return _encoder.encode(frame).decode()
