"""The shapes that callers send and get, for checking and for the OpenAPI document at ``/api/openapi.json``."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, StrictBool, StrictInt, StrictStr

FAR = 10**9
"""A page beyond every list; larger numbers are no pages."""


def _number(value: Any) -> Any:
    """A JSON number, not a text that looks like one; never through a float."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    return Decimal(value)


Number = Annotated[Decimal, BeforeValidator(_number, json_schema_input_type=float)]


class PriceOrder(Schema):
    """000 "Optional manual overrides"; what is needed with what is decision P2. Keys that are not known are ignored."""

    model_config = ConfigDict(extra="ignore")

    oddKey: StrictStr = Field(description="market#outcome, as in `odds`")
    oddValue: Number | None = None
    durationSeconds: StrictInt | None = None
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


class BookmakerCard(Schema):
    id: str
    name: str
    sports: list[str]


class MatchRow(Schema):
    id: int
    match_id: int
    league_id: str | None
    league_name: str
    home_team_name: str
    away_team_name: str
    start_time: datetime | None
    status_type: str
    totalOdds: int


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
    odds: dict[str, dict[str, dict[str, Price]]]
    markets: dict[str, Market]
    override: list[OverrideEntry]


class PublicMatch(MatchRow, MatchPayload):
    """A row of the list and the match's whole payload in one object."""


class Verification(Schema):
    """``problems``: ``code: words``; empty when ``verified``."""

    matchId: int | None
    sport: str
    verified: bool
    revision: int
    stateHash: str
    checkedAt: datetime
    problems: list[str]


class Tick(Schema):
    """From ``time`` on the feed's price was ``feed_value``; ``offered``: its market was Open and it was Trading, as the feed said."""

    match_id: int
    odd_type: str
    odd_key: str
    time: datetime
    feed_value: float | None
    offered: bool


class League(Schema):
    id: str | None
    name: str
    class_id: str | None
    class_name: str | None
    matches: int


class SportClass(Schema):
    id: str
    name: str
    leagues: int
    matches: int


class Error(Schema):
    """``fields`` (422): what is wrong with each, and what would be right."""

    error: str
    detail: str
    requestId: str
    fields: dict[str, str] | None = None


class Conflict(Error):
    """``current``: what is there now, whose it is, and its version."""

    current: dict[str, Any]
