"""Updategrams in small parts, to be put together as a test wants them (003)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

_HEAD = '<Updategram xmlns="http://schemas.sportsdataservices.com/integrationService/v3">'


def letter(part: str, *, guid: str = "", order: int | None = None, retry: int = 0, sent: str = "") -> bytes:
    """A whole message."""
    number = "" if order is None else f"<MessageFixtureOrder>{order}</MessageFixtureOrder>"
    stamp = sent or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    head = f"<MessageGuid>{guid or uuid.uuid4()}</MessageGuid><TimeStampUtc>{stamp}</TimeStampUtc><Retry>{retry}</Retry>{number}"
    return f"{_HEAD}<Header>{head}</Header>{part}</Updategram>".encode()


SPORTS = {"football": 10, "tennis": 24, "table-tennis": 269467}


def fixture(ref: int, *, status: str = "Scheduled", off: bool = False, starts: str = "", sport: str = "football") -> str:
    """Of ``SPORTS``; its competitors are ``ref * 10 + 1`` at home and ``ref * 10 + 2`` away."""
    kind = f"<Sport><Id>{SPORTS[sport]}</Id><Name>{sport.title()}</Name></Sport>"
    league = "<Competition><Id>77</Id><Name>Test League</Name></Competition>"
    sides = "".join(
        f"<Competitor><Id>{ref * 10 + n}</Id><Name>{side} {ref}</Name><HomeAway>{side}</HomeAway></Competitor>"
        for n, side in enumerate(("Home", "Away"), 1)
    )
    head = f"<Id>{ref}</Id><Name>Home {ref} v Away {ref}</Name><FixtureType>Match</FixtureType><Status>{status}</Status>"
    start = f"<StartTimeUtc>{starts or f'{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}'}</StartTimeUtc>"
    return f"<Fixture>{head}{start}{kind}{league}<Competitors>{sides}</Competitors><IsOff>{str(off).lower()}</IsOff></Fixture>"


def coverage(ref: int, *, licensed: bool = True) -> str:
    feeds = "".join(
        f"<Feed><IsLicensed>{str(licensed).lower()}</IsLicensed><Type>{kind}</Type></Feed>" for kind in ("MatchState", "TradingState")
    )
    return f"<Coverage><FixtureId>{ref}</FixtureId><IsBooked>true</IsBooked><AvailableFeeds>{feeds}</AvailableFeeds></Coverage>"


def price_of(decimal: str) -> str:
    hundredths = round(Decimal(decimal) * 100) - 100
    return f"<Numerator>{hundredths}</Numerator><Denominator>100</Denominator><Decimal>{decimal}</Decimal>"


def market(
    number: int,
    prices: Mapping[int, str],
    *,
    status: str = "Open",
    in_play: bool = False,
    expiry: datetime | None = None,
    line: str = "",
    trading: str = "Trading",
    type_id: int = 2,
) -> str:
    """``prices``: selection id → decimal price, or markup that stands in its place."""
    ends = f"<ExpiryUtc>{expiry:%Y-%m-%dT%H:%M:%S.%fZ}</ExpiryUtc>" if expiry else ""
    handicap = f"<Handicap>{line}</Handicap>" if line else ""
    selections = "".join(
        f"<Selection><Id>{id_}</Id><Name>Runner {id_}</Name><TradingStatus>{trading}</TradingStatus>"
        f"{price if price.startswith('<') else price_of(price)}</Selection>"
        for id_, price in prices.items()
    )
    kind = f"<MarketType><Id>{type_id}</Id><Name>Type {type_id}</Name></MarketType>"
    head = f"<Id>{number}</Id><Name>Market {number}</Name><TradingStatus>{status}</TradingStatus>{ends}{handicap}"
    return f"<Market>{head}<InPlay>{str(in_play).lower()}</InPlay>{kind}<Selections>{selections}</Selections></Market>"


def market_set(ref: int, *markets: str) -> str:
    return f"<MarketSet><FixtureId>{ref}</FixtureId><Markets>{''.join(markets)}</Markets></MarketSet>"


def result_set(ref: int, number: int, outcomes: Mapping[int, str]) -> str:
    """``outcomes``: selection id → result status."""
    one = "".join(
        f"<SelectionResult><ResultStatus>{said}</ResultStatus><SelectionId>{id_}</SelectionId></SelectionResult>"
        for id_, said in outcomes.items()
    )
    result = f"<MarketResult><MarketId>{number}</MarketId><Results>{one}</Results></MarketResult>"
    return f"<ResultSet><FixtureId>{ref}</FixtureId><Results>{result}</Results></ResultSet>"


def cut_short(ref: int | None, guid: str = "") -> bytes:
    """Unreadable; with its fixture still to be seen, or not."""
    at = "" if ref is None else f"<FixtureId>{ref}</FixtureId>"
    return letter("", guid=guid).replace(b"</Updategram>", b"") + f"<MarketSet>{at}<Markets><Market>".encode()
