"""Small Updategrams to order, for tests that need one thing different."""

from __future__ import annotations

from pathlib import Path

from feeds.updategram.reading import INSTANCE, NAMESPACE

SAMPLES = Path(__file__).parent / "samples"
GUID = "6a39609c-5d82-45b4-8ff0-d409286b90c1"
HEADER = f"<Header><MessageGuid>{GUID}</MessageGuid><TimeStampUtc>2018-04-12T19:06:57.344251Z</TimeStampUtc><Retry>0</Retry></Header>"
PRICE = "<Numerator>17</Numerator><Denominator>20</Denominator><Decimal>1.85</Decimal>"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.xml").read_bytes()


def updategram(*parts: str, header: str = HEADER) -> bytes:
    return f'<Updategram xmlns:i="{INSTANCE}" xmlns="{NAMESPACE}">{header}{"".join(parts)}</Updategram>'.encode()


def market_set(*markets: str, fixture_id: str = "3476056") -> str:
    return f"<MarketSet><FixtureId>{fixture_id}</FixtureId><Markets>{''.join(markets)}</Markets></MarketSet>"


def market(*selections: str, more: str = "", status: str = "Open", in_play: str = "<InPlay>false</InPlay>") -> str:
    kind = "<MarketType><Id>2</Id><Name>Match Result</Name><IsHandicap>false</IsHandicap></MarketType>"
    head = f"<Id>100001331</Id><TradingStatus>{status}</TradingStatus><Name>Match Result</Name>"
    return f"<Market>{head}{kind}{in_play}{more}<Selections>{''.join(selections)}</Selections></Market>"


def selection(price: str = PRICE, selection_id: str = "300053292", status: str = "Trading", more: str = "") -> str:
    head = f"<Id>{selection_id}</Id><TradingStatus>{status}</TradingStatus><Name>Draw</Name>"
    return f"<Selection>{head}{price}{more}</Selection>"


def fixture(more: str = "", fixture_id: str = "5235368", status: str = "Scheduled") -> str:
    head = f"<Id>{fixture_id}</Id><Name>A v B</Name><FixtureType>Match</FixtureType><Status>{status}</Status>"
    return f"<Fixture>{head}<StartTimeUtc>2018-04-12T19:05:00Z</StartTimeUtc>{more}</Fixture>"
