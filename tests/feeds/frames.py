"""Updategrams for tests of the inbox, and the feed that they come from."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from feeds import inbox, lanes
from feeds.keeping import Arrived, Writer
from feeds.models import FEED_LANE, Feed, Frame
from feeds.senders import secret_hash
from markets import db
from markets.models import Source, SourceLiveness

SECRET = "a-secret-for-tests-only"
_HEAD = '<Updategram xmlns="http://schemas.sportsdataservices.com/integrationService/v3">'


def guid(number: object = None) -> str:
    """A MessageGuid: always the same one for the same number."""
    return str(uuid.uuid4() if number is None else uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def feed(slug: str = "genius") -> Source:
    """A feed that was heard just now."""
    source = Source.objects.create(slug=slug, provider="updategram", name=slug.title(), created_at=db.now())
    SourceLiveness.objects.update_or_create(source=source, defaults={"heard_at": db.now(), "listening_at": db.now()})
    Feed.objects.create(source=source, secret_hashes=[secret_hash(SECRET)], networks=["127.0.0.0/8"])
    return source


def header(message: str, order: int | None = None, retry: int = 0, sent: str = "2026-11-20T09:00:00Z") -> str:
    number = "" if order is None else f"<MessageFixtureOrder>{order}</MessageFixtureOrder>"
    return f"<Header><MessageGuid>{message}</MessageGuid><TimeStampUtc>{sent}</TimeStampUtc><Retry>{retry}</Retry>{number}</Header>"


def market_set(
    fixture: int | str, price: str = "1.85", *, message: str | None = None, market: int = 7, order: int | None = None, retry: int = 0
) -> bytes:
    """One market with one selection at ``price``."""
    selection = (
        "<Selection><Id>71</Id><Name>Home</Name><TradingStatus>Trading</TradingStatus>"
        f"<Numerator>{round(Decimal(price) * 100) - 100}</Numerator><Denominator>100</Denominator><Decimal>{price}</Decimal></Selection>"
    )
    one = (
        f"<Market><Id>{market}</Id><Name>Match Result</Name><TradingStatus>Open</TradingStatus><InPlay>false</InPlay>"
        f"<MarketType><Id>2</Id><Name>Match Result</Name></MarketType><Selections>{selection}</Selections></Market>"
    )
    body = f"<MarketSet><FixtureId>{fixture}</FixtureId><Markets>{one}</Markets></MarketSet>"
    return f"{_HEAD}{header(message or guid(), order, retry)}{body}</Updategram>".encode()


def broken(fixture: int | str | None, message: str | None = None) -> bytes:
    """Cut short; with its fixture still readable, or not."""
    at = "" if fixture is None else f"<FixtureId>{fixture}</FixtureId>"
    return f"{_HEAD}{header(message or guid())}<MarketSet>{at}<Markets><Market>".encode()


def arrived(source: Source, body: bytes) -> Arrived:
    return Arrived(source.pk, datetime.now(UTC), "text/xml", "127.0.0.1", body)


def keep(source: Source, *bodies: bytes) -> list[int]:
    """Keep them on this thread's connection, as the keeper's thread would."""
    return Writer().write([arrived(source, body) for body in bodies])[0]


def drain_all() -> int:
    """Every lane until none has work, as the sweep would."""
    done = 0
    while waiting := [lane for lane in range(FEED_LANE + 1) if lanes.pending(lane)]:
        done += sum(inbox.drain(lane) for lane in waiting)
    return done


def send(source: Source, *bodies: bytes) -> list[Frame]:
    """Keep, drain, and give the rows."""
    ids = keep(source, *bodies)
    drain_all()
    return [Frame.objects.get(pk=id_) for id_ in ids]


async def keep_together(keeper: inbox.Keeper, source: Source, bodies: Sequence[bytes]) -> list[int]:
    return await asyncio.gather(*(keeper.keep(arrived(source, body)) for body in bodies))
