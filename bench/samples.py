"""Updategrams of any size, written as the provider writes them (tab-indented, namespaced)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<Updategram xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.sportsdataservices.com/integrationService/v3">
\t<Header>
\t\t<MessageGuid>{guid}</MessageGuid>
\t\t<TimeStampUtc>{now}</TimeStampUtc>
\t\t<Retry>0</Retry>
\t\t<ChannelId>7026</ChannelId>
\t\t<MessageFixtureOrder>{order}</MessageFixtureOrder>
\t</Header>
"""


def _head(order: int) -> str:
    return HEAD.format(guid=uuid.uuid4(), now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), order=order)


def fixture(fixture_id: int, order: int = 1) -> bytes:
    """A football fixture with two teams."""
    return f"""{_head(order)}\t<Fixture>
\t\t<Id>{fixture_id}</Id>
\t\t<Name>Northgate {fixture_id} v Harbour {fixture_id}</Name>
\t\t<FixtureType>Match</FixtureType>
\t\t<Status>Scheduled</Status>
\t\t<StartTimeUtc>{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</StartTimeUtc>
\t\t<Sport><Id>10</Id><Name>Football</Name></Sport>
\t\t<Competition><Id>1</Id><Name>Bench League</Name><Region><Id>6</Id><Name>Europe</Name></Region></Competition>
\t\t<Competitors>
{_competitor(f"{fixture_id}1", "Northgate", "Home")}{_competitor(f"{fixture_id}2", "Harbour", "Away")}\t\t</Competitors>
\t</Fixture>
</Updategram>
""".encode()


def _competitor(team_id: str, name: str, side: str) -> str:
    return f"""\t\t\t<Competitor>
\t\t\t\t<Id>{team_id}</Id>
\t\t\t\t<Name>{name}</Name>
\t\t\t\t<HomeAway>{side}</HomeAway>
\t\t\t\t<CompetitorType>Team</CompetitorType>
\t\t\t</Competitor>
"""


def coverage(fixture_id: int, order: int = 2) -> bytes:
    """Booked and licensed, so that in-play prices may open."""
    return f"""{_head(order)}\t<Coverage>
\t\t<FixtureId>{fixture_id}</FixtureId>
\t\t<IsBooked>true</IsBooked>
\t\t<AvailableFeeds>
\t\t\t<Feed><IsLicensed>true</IsLicensed><Type>MatchState</Type></Feed>
\t\t\t<Feed><IsLicensed>true</IsLicensed><Type>TradingState</Type></Feed>
\t\t</AvailableFeeds>
\t</Coverage>
</Updategram>
""".encode()


def market_set(fixture_id: int, markets: int = 20, selections: int = 3, order: int = 3) -> bytes:
    """In-play markets; each ``order`` moves the prices of every fifth market, beginning at another one (20 %)."""
    body = "".join(_market(fixture_id, m, selections, order - (order - m) % 5) for m in range(markets))
    head = f"{_head(order)}\t<MarketSet>\n\t\t<FixtureId>{fixture_id}</FixtureId>\n\t\t<Markets>\n"
    return f"{head}{body}\t\t</Markets>\n\t</MarketSet>\n</Updategram>\n".encode()


def _market(fixture_id: int, number: int, selections: int, salt: int) -> str:
    rows = "".join(_selection(fixture_id, number, s, salt) for s in range(selections))
    return f"""\t\t\t<Market>
\t\t\t\t<Id>{fixture_id}{number:03d}</Id>
\t\t\t\t<Sequence>{number}</Sequence>
\t\t\t\t<TradingStatus>Open</TradingStatus>
\t\t\t\t<Name>Bench market {number}</Name>
\t\t\t\t<ExpiryUtc>2036-01-01T00:00:00Z</ExpiryUtc>
\t\t\t\t<MarketType>
\t\t\t\t\t<Id>{2 if number == 0 else 9000 + number}</Id>
\t\t\t\t\t<Name>Bench type {number}</Name>
\t\t\t\t\t<IsHandicap>false</IsHandicap>
\t\t\t\t</MarketType>
\t\t\t\t<InPlay>true</InPlay>
\t\t\t\t<Selections>
{rows}\t\t\t\t</Selections>
\t\t\t</Market>
"""


def _selection(fixture_id: int, market: int, number: int, salt: int) -> str:
    numerator = 40 + (salt * 7 + number * 13 + market * 3) % 300
    decimal = (Decimal(numerator) / 100 + 1).quantize(Decimal("0.01"))
    return f"""\t\t\t\t\t<Selection>
\t\t\t\t\t\t<Id>{fixture_id}{market:03d}{number:02d}</Id>
\t\t\t\t\t\t<TradingStatus>Trading</TradingStatus>
\t\t\t\t\t\t<Name>Outcome {number}</Name>
\t\t\t\t\t\t<Outcome>
\t\t\t\t\t\t\t<Id>{number + 1}</Id>
\t\t\t\t\t\t\t<Name>Outcome {number}</Name>
\t\t\t\t\t\t</Outcome>
\t\t\t\t\t\t<Numerator>{numerator}</Numerator>
\t\t\t\t\t\t<Denominator>100</Denominator>
\t\t\t\t\t\t<Decimal>{decimal}</Decimal>
\t\t\t\t\t</Selection>
"""
