"""Text of any length has the same outcome on both databases: what is read is never longer than the column it goes to (F3)."""

from __future__ import annotations

import pytest
from django.db.models import CharField, Model

from feeds.updategram import markets, matchstate, reading, values
from markets.models import Fixture, Market, MarketType, MatchStateRow, Selection, SportRef
from tests.feeds import frames

COLUMNS: list[tuple[int, type[Model], str]] = [
    (values.ID_LIMIT, Fixture, "ref"),
    (values.ID_LIMIT, Fixture, "competition_ref"),
    (values.ID_LIMIT, Fixture, "home_ref"),
    (values.ID_LIMIT, Selection, "ref"),
    (values.ID_LIMIT, MarketType, "ref"),
    (values.ID_LIMIT, SportRef, "ref"),
    (markets.TYPE_NAME_LIMIT, MarketType, "name"),
    (matchstate.KIND_LIMIT, MatchStateRow, "element"),
    *((reading.NAME_LIMIT, model, "name") for model in (Fixture, Market, Selection)),
    (reading.NAME_LIMIT, Fixture, "competition_name"),
    (reading.NAME_LIMIT, Fixture, "home_name"),
]


@pytest.mark.parametrize(("limit", "model", "column"), COLUMNS)
def test_f3_what_is_read_fits_its_column(limit: int, model: type[Model], column: str) -> None:
    field = model._meta.get_field(column)
    assert isinstance(field, CharField)
    assert limit <= (field.max_length or 0)


def _long(length: int) -> str:
    """A whole message, every free text of which has ``length`` characters."""
    x = "x" * length
    ref = f"<Id>{x}</Id><Name>{x}</Name>"
    sides = "".join(f"<Competitor>{ref}<HomeAway>{side}</HomeAway></Competitor>" for side in ("Home", "Away"))
    fixture = (
        f"<Fixture><Id>100</Id><Name>{x}</Name><FixtureType>{x}</FixtureType><Status>{x}</Status><Sport>{ref}</Sport>"
        f"<Competition>{ref}<Gender>{x}</Gender></Competition><Competitors>{sides}</Competitors></Fixture>"
    )
    selection = f"<Selection><Id>71</Id><Name>{x}</Name><TradingStatus>{x}</TradingStatus><Outcome>{ref}</Outcome></Selection>"
    market = (
        f"<Market><Id>7</Id><Name>{x}</Name><TradingStatus>{x}</TradingStatus><MarketType>{ref}</MarketType>"
        f"<Selections>{selection}</Selections></Market>"
    )
    state = f"<{x}MatchDetails><FixtureId>100</FixtureId><CurrentPhase>{x}</CurrentPhase></{x}MatchDetails>"
    markets = f"<MarketSet><FixtureId>100</FixtureId><Markets>{market}</Markets></MarketSet>"
    unknown = f"<{x}><FixtureId>100</FixtureId></{x}>"
    return f"{fixture}{markets}{state}{unknown}"


@pytest.mark.django_db
@pytest.mark.parametrize("length", [40, 41, 64, 65, 81, 301, 5000])
def test_f3_long_text_is_applied(length: int) -> None:
    head = frames.header(frames.guid()).replace("<Retry>", f"<CustomerId>{'9' * length}</CustomerId><Retry>")
    body = f'<Updategram xmlns="http://schemas.sportsdataservices.com/integrationService/v3">{head}{_long(length)}</Updategram>'
    (row,) = frames.send(frames.feed(), body.encode())
    assert (row.outcome, row.reason) == ("applied", "")
