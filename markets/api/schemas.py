"""The shapes that callers send and get, for checking and for the OpenAPI document at ``/api/openapi.json``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from msgspec import Struct
from msgspec.structs import fields
from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, StrictBool, StrictStr, create_model

from markets.selectors import matches

from . import verifying

FAR = 10**9
"""A page beyond every list; larger numbers are no pages."""


def _number(value: Any) -> Any:
    """A JSON number, not a text that looks like one; never through a float."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number, from 1.01 to 1001 and within the bookmaker's limits")
    return Decimal(value)


Number = Annotated[Decimal, BeforeValidator(_number, json_schema_input_type=float)]


def _seconds(value: Any) -> Any:
    """Whether it is within the range is the bookmaker's to say."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number of seconds, from 1 to the bookmaker's longest duration")
    return value


Seconds = Annotated[int, BeforeValidator(_seconds, json_schema_input_type=int)]


class PriceOrder(Schema):
    """000 "Optional manual overrides"; what is needed with what is decision P2. Keys that are not known are ignored."""

    model_config = ConfigDict(extra="ignore")

    oddKey: StrictStr = Field(description="market#outcome, as in `odds`")
    oddValue: Number | None = None
    durationSeconds: Seconds | None = None
    suspended: StrictBool | None = None
    throughPoints: StrictBool = False
    reason: StrictStr = ""


def _page(value: Any) -> Any:
    """Checked here, so that whoever sent another is told both ends of the range."""
    if not re.fullmatch(r"[0-9]{1,10}", str(value)) or int(value) > FAR:
        raise ValueError(f"must be a whole number from 0 to {FAR}")
    return int(value)


class ListQuery(Schema):
    """000 "Available query parameters"."""

    page: Annotated[int, BeforeValidator(_page), Field(ge=0, le=FAR)] = 0
    league: str = ""
    homeTeam: str = ""
    awayTeam: str = ""
    status: Literal["live", "upcoming"] | None = None


class Which(Schema):
    oddKey: str = Field(description="market#outcome, as in `odds`; `#` is written %23")


S = TypeVar("S", bound=Schema)


def _as_read(struct: type[Struct]) -> Callable[[type[S]], type[S]]:
    """A shape whose members are those of the struct that is served, said there once."""

    def shaped(shape: type[S]) -> type[S]:
        types = get_type_hints(struct)
        members: dict[str, Any] = {field.encode_name: (types[field.name], ...) for field in fields(struct)}
        return create_model(shape.__name__, __base__=shape, __doc__=shape.__doc__, __module__=shape.__module__, **members)

    return shaped


@_as_read(matches.Card)
class BookmakerCard(Schema):
    """The bookmaker as it sees itself."""


@_as_read(matches.MatchRow)
class MatchRow(Schema):
    """``linkedMatchIds``: under which other numbers the same match is listed, since another feed knows it too."""


class OverrideEntry(Schema):
    """``id``: as on the stream of overrides, ``None`` once it is no more.

    ``version``: of the selection after the command, for If-Match (P1); only answers to commands have it.
    """

    id: str | None = None
    oddKey: str
    oddValue: float | None
    suspended: bool
    endsAt: datetime | None
    by: str
    reason: str
    version: int | None = None


class OutcomeResult(Schema):
    status: str
    percentageWin: float | None
    percentagePush: float | None
    place: int | None
    countInPlace: int | None


class Price(Schema):
    """``suspended`` false is an offer for ``validForMs``; ``reasons``: ``code: words``. ``feedValue``: the provider's own."""

    value: float | None
    suspended: bool
    reasons: list[str]
    validForMs: Annotated[int, Field(ge=0, le=10_000)]
    id: str
    name: str
    competitorId: str | None
    version: int
    feedValue: float | None
    numerator: int | None
    denominator: int | None
    result: OutcomeResult | None


class EachWay(Schema):
    places: int
    numerator: int
    denominator: int


class MarketScore(Schema):
    first: int | None
    second: int | None


class Market(Schema):
    id: str
    name: str
    typeId: str
    group: str = Field(description="The key of `odds` that it stands under")
    inPlay: bool
    line: float | None
    sequence: int | None
    status: str
    tradable: bool
    expiry: datetime | None
    cashOutStatus: str | None
    eachWay: EachWay | None
    score: MarketScore | None
    resultRevision: int | None


class MatchPayload(Schema):
    """``odds``: group → market key → outcome key → price; ``markets`` by market key."""

    matchId: int | None
    sport: str
    phase: Literal["upcoming", "live", "postponed", "finished"]
    revision: int
    bookmakerRevision: int
    stateHash: str
    linkedMatchIds: list[int]
    odds: dict[str, dict[str, dict[str, Price]]]
    markets: dict[str, Market]
    override: list[OverrideEntry]


class PublicMatch(MatchRow, MatchPayload):
    """A row of the list and the match's whole payload in one object."""


@_as_read(verifying.Verification)
class Verification(Schema):
    """``problems``: ``code: words``; empty when ``verified``."""


class Tick(Schema):
    """From ``time`` on the feed's price was ``feed_value``; ``offered``: its market was Open and it was Trading, as the feed said."""

    match_id: int
    odd_type: str
    odd_key: str
    time: datetime
    feed_value: float | None
    offered: bool


@_as_read(matches.League)
class League(Schema):
    """Its class is the region that its feed gives it."""


@_as_read(matches.Class)
class SportClass(Schema):
    """A region with leagues."""


class Books(Schema):
    """Of one feed: received = applied + superseded + duplicate + quarantined + pending; ``state`` in a word, ``reason`` in a sentence."""

    feed: str
    received: int
    applied: int
    superseded: int
    duplicate: int
    quarantined: int
    pending: int
    oldestPendingMs: int | None
    state: Literal["ok", "never heard", "silent", "slow", "held", "gap", "off"]
    reason: str


class Kept(Schema):
    """One kept frame of a message; ``outcome`` is null while it waits, ``fixtureId`` the provider's."""

    receivedAt: datetime
    retry: int
    outcome: str | None
    reason: str
    notes: list[str]
    fixtureId: str | None
    appliedAt: datetime | None


class Probe(Schema):
    """``problems``: why it is not ready; ``degraded``: what is broken and keeps nobody from being served."""

    status: str
    problems: list[str] | None = None
    degraded: list[str] | None = None


class Error(Schema):
    """``fields`` (422): what is wrong with each, and what would be right."""

    error: str
    detail: str
    requestId: str
    fields: dict[str, str] | None = None


class Conflict(Error):
    """``current``: what is there now, whose it is, and its version."""

    current: dict[str, Any]
