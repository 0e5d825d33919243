"""The product against a simple model: retries, duplicates, swaps, missing orders and restarts give equal state (B2, F3).

Every message takes the whole road: bytes kept in the inbox, drained, parsed, applied. The same test runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from feeds import inbox
from feeds.keeping import lane_of
from feeds.models import Frame
from markets.models import Fixture, Market, Result, Selection, Source
from markets.services import ingest
from markets.services.factstore import CACHE
from tests.campaign.model import Content, Model, Said
from tests.feeds import frames

FIXTURES = ("100", "200")
STREAMS = ("", "7026")
PRICES = ("1.50", "2.00", "3.25")
FAR_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)
FULL = os.environ.get("DESK_CAMPAIGN") == "1"

refs = st.sampled_from(("7", "8"))
trading = st.sampled_from(("Trading", "Trading", "Suspended", "Unpriced"))
selections = st.dictionaries(st.sampled_from(("1", "2", "3")), st.tuples(trading, st.sampled_from(PRICES)), min_size=1)
statuses = st.sampled_from(("Open", "Open", "Suspended", "Closed"))
lines = st.sampled_from((None, "0.5", "1.5"))
results = st.dictionaries(st.sampled_from(("1", "2")), st.sampled_from(("None", "Winner", "Loser")), min_size=1)
contents = st.one_of(
    st.tuples(st.just("market"), refs, statuses, lines, selections),
    st.tuples(st.just("market"), refs, statuses, lines, selections),
    st.tuples(st.just("result"), refs, results),
    st.tuples(st.just("coverage"), st.booleans()),
    st.tuples(
        st.just("details"),
        st.sampled_from(("Ajax v PSV", "Ajax - PSV")),
        st.sampled_from(("Scheduled", "Unknown", "Deleted")),
        st.booleans(),
    ),
    st.tuples(st.just("state"), st.booleans(), st.booleans()),
)


class Histories(RuleBasedStateMachine):
    """A provider that writes messages in order, and a wire that delivers them as wires do."""

    def __init__(self) -> None:
        super().__init__()
        CACHE.clear()
        self.source = frames.feed(f"feed-{Source.objects.count()}")
        self.model = Model()
        self.written = 0
        self.orders: dict[tuple[str, str], int] = {}
        self.waiting: list[Said] = []
        self.delivered: list[Said] = []

    @rule(
        fixture=st.sampled_from(FIXTURES), said=st.lists(contents, min_size=1, max_size=3), numbered=st.sampled_from((True, False, "lost")),
        stream=st.sampled_from(STREAMS), step=st.sampled_from((1, 1, 1, 0, 3)), seconds=st.sampled_from((1, 1, 0, -2, None)),
    )  # fmt: skip
    def write(self, fixture: str, said: list[Content], numbered: bool | str, stream: str, step: int, seconds: int | None) -> None:
        """``step`` 0 gives the same order again, 3 leaves a hole; ``seconds`` −2 is a clock that goes back, ``None`` one far ahead."""
        self.written += 1
        order = max(1, self.orders.get((fixture, stream), 0) + step)
        self.orders[fixture, stream] = order
        sent = None if seconds is None else self.written + seconds
        number = Source.objects.count() * 10_000 + self.written
        readable = order if numbered is True else None
        self.waiting.append(Said(number, fixture, _once(said), readable, stream, sent, numbered == "lost"))

    @precondition(lambda self: self.waiting)
    @rule(place=st.integers(0, 3))
    def deliver(self, place: int) -> None:
        """The next one, or one further back: a swap."""
        said = self.waiting.pop(min(place, len(self.waiting) - 1))
        self.delivered.append(said)
        self._keep(said, retry=0)

    @precondition(lambda self: self.delivered)
    @rule(place=st.integers(0, 50), retry=st.integers(0, 2))
    def deliver_again(self, place: int, retry: int) -> None:
        self._keep(self.delivered[place % len(self.delivered)], retry)

    @rule()
    def drain(self) -> None:
        for fixture in FIXTURES:
            inbox.drain(lane_of(self.source.pk, fixture))
        self._compare()

    @rule()
    def restart(self) -> None:
        CACHE.clear()

    def teardown(self) -> None:
        for said in list(self.waiting):
            self._keep(said, retry=0)
        self.drain()

    def _keep(self, said: Said, retry: int) -> None:
        frames.keep(self.source, xml(said, retry))
        self.model.deliver(said)

    def _compare(self) -> None:
        assert outcomes(self.source) == self.model.outcomes
        for ref, entities in self.model.fixtures.items():
            fixture = Fixture.objects.get(source=self.source, ref=ref)
            assert stored(fixture) == {name: entity["value"] for name, entity in entities.items()}
            assert fixture.started == self.model.started[ref]
            assert fixture.total_odds == _priced(entities)


def _once(said: list[Content]) -> list[Content]:
    """Each entity at most once in a message; a message that names one twice has tests of its own."""
    return list({content[:2] if content[0] in ("market", "result") else content[0]: content for content in said}.values())


def _priced(entities: dict[str, dict[str, Any]]) -> int:
    markets = [entity["value"] for name, entity in entities.items() if name.startswith("market/")]
    return sum(listed and price is not None for market in markets for _, price, listed in market["selections"].values())


def outcomes(source: Source) -> dict[str, int]:
    rows = list(Frame.objects.filter(source=source).values_list("outcome", flat=True))
    counted = {name: rows.count(name) for name in ("applied", "superseded", "duplicate")}
    assert sum(counted.values()) == len(rows)
    return counted


def stored(fixture: Fixture) -> dict[str, Any]:
    """The rows as they lie in the store, in the model's words."""
    state = ingest.feed_state(fixture.pk)
    found: dict[str, Any] = {f"market/{row.ref}": _market(row) for row in Market.objects.filter(fixture=fixture)}
    found |= {f"result/{row.market_ref}": _result(row) for row in Result.objects.filter(fixture=fixture)}
    if state.coverage:
        found["coverage"] = (state.coverage.is_booked,)
    if state.details:
        found["details"] = (fixture.name, fixture.status, state.details.is_off)
    for match_state in state.match_states.values():
        found["state"] = (match_state.in_play, match_state.bet_accept_ok)
    return found


def _market(row: Market) -> dict[str, Any]:
    selections = {s.ref: (s.status, f"{s.price:.2f}", s.facts["listed"]) for s in Selection.objects.filter(market=row)}
    return {"status": row.status, "line": row.facts["line"], "selections": selections}


def _result(row: Result) -> dict[str, Any]:
    statuses = {selection["selection_id"]: selection["status"] for selection in row.facts["result"]["selections"]}
    return {"statuses": statuses, "revision": row.revision}


def xml(said: Said, retry: int) -> bytes:
    """The message as the provider writes it (003)."""
    sent = FAR_AHEAD if said.sent is None else datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=said.sent)
    number = "soon" if said.lost else said.order
    order = "" if number is None else f"<MessageFixtureOrder>{number}</MessageFixtureOrder>"
    channel = f"<ChannelId>{said.stream}</ChannelId>" if said.stream else ""
    head = (
        f"<MessageGuid>{frames.guid(said.number)}</MessageGuid><TimeStampUtc>{sent:%Y-%m-%dT%H:%M:%SZ}</TimeStampUtc><Retry>{retry}</Retry>"
    )
    parts = "".join(_part(said.fixture, content) for content in said.contents)
    return (
        '<Updategram xmlns="http://schemas.sportsdataservices.com/integrationService/v3">'
        f"<Header>{head}{channel}{order}</Header>{parts}</Updategram>"
    ).encode()


def _part(fixture: str, content: Content) -> str:
    at = f"<FixtureId>{fixture}</FixtureId>"
    match content:
        case ("market", ref, status, line, offers):
            return f"<MarketSet>{at}<Markets>{_market_xml(ref, status, line, offers)}</Markets></MarketSet>"
        case ("result", ref, given):
            result = f"<MarketResult><MarketId>{ref}</MarketId><Results>{_results_xml(given)}</Results></MarketResult>"
            return f"<ResultSet>{at}<Results>{result}</Results></ResultSet>"
        case ("coverage", granted):
            return f"<Coverage>{at}<IsBooked>{str(granted).lower()}</IsBooked><AvailableFeeds>{_feeds_xml()}</AvailableFeeds></Coverage>"
        case ("details", name, status, off):
            return (
                f"<Fixture><Id>{fixture}</Id><Name>{name}</Name><FixtureType>Match</FixtureType><Status>{status}</Status>"
                f"<Sport><Id>10</Id><Name>Football</Name></Sport><IsOff>{str(off).lower()}</IsOff></Fixture>"
            )
        case ("state", in_play, accepts):
            phase = "FirstHalf" if in_play else "PreMatch"
            return (
                f"<FootballMatchSummary>{at}<CurrentPhase>{phase}</CurrentPhase>"
                f"<BetAcceptOk>{str(accepts).lower()}</BetAcceptOk></FootballMatchSummary>"
            )
    raise AssertionError(content)


def _market_xml(ref: str, status: str, line: str | None, offers: dict[str, tuple[str, str]]) -> str:
    rows = "".join(
        f"<Selection><Id>{i}</Id><TradingStatus>{s}</TradingStatus><Name>Runner {i}</Name>"
        f"<Numerator>{round(float(price) * 100) - 100}</Numerator><Denominator>100</Denominator><Decimal>{price}</Decimal></Selection>"
        for i, (s, price) in offers.items()
    )
    handicap = "" if line is None else f"<Handicap>{line}</Handicap>"
    return (
        f"<Market><Id>{ref}</Id><TradingStatus>{status}</TradingStatus><Name>Match Result</Name>{handicap}"
        f"<MarketType><Id>2</Id><Name>Match Result</Name><IsHandicap>false</IsHandicap></MarketType><InPlay>false</InPlay>"
        f"<Selections>{rows}</Selections></Market>"
    )


def _results_xml(given: dict[str, str]) -> str:
    row = "<SelectionResult><ResultStatus>{}</ResultStatus><SelectionId>{}</SelectionId></SelectionResult>"
    return "".join(row.format(status, ref) for ref, status in given.items())


def _feeds_xml() -> str:
    return "".join(f"<Feed><IsLicensed>true</IsLicensed><Type>{kind}</Type></Feed>" for kind in ("MatchState", "TradingState"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.campaign
@pytest.mark.timeout(3600 if FULL else 120)
def test_b2_f3_random_histories_give_the_state_of_a_simple_model() -> None:
    checks = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
    run_state_machine_as_test(
        Histories,
        settings=settings(max_examples=1500 if FULL else 25, stateful_step_count=30, deadline=None, suppress_health_check=checks),
    )
