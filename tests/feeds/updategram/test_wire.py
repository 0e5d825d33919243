"""The document as a whole: spelling, header, identity, what is unknown, what is said twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from feeds.errors import Unreadable
from feeds.updategram.reading import NAMESPACE
from feeds.updategram.wire import parse
from markets.domain.messages import Coverage, FixtureDetails, Market, MarketSet, MatchState, ResultSet, UnknownPart
from markets.domain.values import FixtureStatus, MarketStatus, ResultStatus, SelectionStatus

from .building import GUID, HEADER, fixture, market, market_set, sample, selection, updategram

pytestmark = pytest.mark.modeless


def unreadable(body: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        parse(body)
    return caught.value


def only_market(body: bytes) -> Market:
    (part,) = parse(body).parts
    assert isinstance(part, MarketSet)
    return part.markets[0]


def only_fixture(body: bytes) -> FixtureDetails:
    (part,) = parse(body).parts
    assert isinstance(part, FixtureDetails)
    return part


# --- spelling (U7) ---

FOOTBALL = sample("fixture-football").decode()
SPELLINGS = {
    "bom": b"\xef\xbb\xbf" + FOOTBALL.encode(),
    "utf-16 with bom": FOOTBALL.replace('"utf-8"', '"utf-16"').encode("utf-16"),
    "utf-16-be with bom": b"\xfe\xff" + FOOTBALL.replace('"utf-8"', '"utf-16"').encode("utf-16-be"),
    "utf-16-le without bom": FOOTBALL.encode("utf-16-le"),
    "utf-16-be without bom": FOOTBALL.encode("utf-16-be"),
    "labelled utf-16, written utf-8": FOOTBALL.replace('"utf-8"', '"utf-16"').encode(),
    "windows-1252": FOOTBALL.replace('"utf-8"', '"windows-1252"').encode("windows-1252"),
    "no namespace": FOOTBALL.replace(f' xmlns="{NAMESPACE}"', "").encode(),
    "no declaration": FOOTBALL.partition("?>")[2].lstrip().encode(),
    "single quotes": FOOTBALL.replace(f'xmlns="{NAMESPACE}"', f"xmlns='{NAMESPACE}'").encode(),
    "no blanks": "".join(line.strip() for line in FOOTBALL.splitlines()[1:]).encode(),
    "prefix": FOOTBALL.replace("<", "<g:").replace("<g:/", "</g:").replace("<g:?", "<?").replace("xmlns=", "xmlns:g=").encode(),
}


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_it_reads_the_same_in_every_accepted_spelling(spelling: str) -> None:
    assert parse(SPELLINGS[spelling]) == parse(FOOTBALL.encode())


def test_it_trims_blanks_and_reads_booleans_in_any_case() -> None:
    body = updategram(market_set(market(in_play="<InPlay>  TRUE </InPlay>", more="<Sequence> 3.0 </Sequence>", status=" Open ")))
    found = only_market(body)
    assert (found.in_play, found.sequence, found.status) == (True, 3, MarketStatus.OPEN)


def test_it_takes_nil_as_absent_whatever_is_inside() -> None:
    body = updategram(market_set(market(more='<Handicap i:nil="true">2.5</Handicap><Sequence i:nil="1"/>')))
    assert (only_market(body).line, only_market(body).sequence) == (None, None)
    nil = only_fixture(updategram(fixture('<AggregateEventInfo i:nil="true"/><FootballProperties i:nil="true" />')))
    assert (nil.first_leg, nil.football) == (None, None)
    assert len(parse(updategram('<ResultSet i:nil="true"/>', fixture())).parts) == 1


# --- header ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-10-22T09:27:19Z", datetime(2015, 10, 22, 9, 27, 19, tzinfo=UTC)),
        ("2015-10-22T09:27:19.1Z", datetime(2015, 10, 22, 9, 27, 19, 100000, UTC)),
        ("2015-10-22T09:27:19.123456789Z", datetime(2015, 10, 22, 9, 27, 19, 123456, UTC)),
        ("2015-10-22T09:27:19", datetime(2015, 10, 22, 9, 27, 19, tzinfo=UTC)),
        ("2015-10-22T11:27:19+02:00", datetime(2015, 10, 22, 9, 27, 19, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("2015-13-22T09:27:19Z", None),
        ("yesterday", None),
    ],
)
def test_it_reads_times_with_up_to_nine_fractional_digits(text: str, expected: datetime | None) -> None:
    header = f"<Header><MessageGuid>{GUID}</MessageGuid><TimeStampUtc>{text}</TimeStampUtc></Header>"
    message = parse(updategram(fixture(), header=header))
    assert message.sent_at == expected
    assert (expected is None) == any("TimeStampUtc" in note for note in message.notes)


def test_it_reads_stream_order_and_retry() -> None:
    header = HEADER.replace("<Retry>0", "<CustomerId>6012</CustomerId><MessageFixtureOrder>215</MessageFixtureOrder><Retry>2")
    message = parse(updategram(fixture(), header=header))
    assert (message.stream, message.order, message.retry) == ("6012", 215, 2)
    both = header.replace("<Retry>", "<ChannelId>7026</ChannelId><Retry>")
    assert parse(updategram(fixture(), header=both)).stream == "6012/7026"


def ordered(order: str) -> bytes:
    return updategram(fixture(), header=HEADER.replace("<Retry>", f"<MessageFixtureOrder>{order}</MessageFixtureOrder><Retry>"))


@pytest.mark.parametrize("order", ["soon", "5.5", "99999999999999999999", "1" + "0" * 25, "1e3", "1<!-- -->0<b/>"])
def test_a6_an_order_that_is_no_whole_number_is_lost_and_not_absent(order: str) -> None:
    message = parse(ordered(order))
    assert (message.order, message.order_lost) == (None, True)
    assert any("MessageFixtureOrder" in note for note in message.notes)


def test_a6_an_order_that_is_given_twice_differently_is_lost() -> None:
    message = parse(ordered("5</MessageFixtureOrder><MessageFixtureOrder>6"))
    assert (message.order, message.order_lost) == (None, True)


@pytest.mark.parametrize(("order", "read"), [("-5", -5), ("10.0", 10), (str(-(2**63) + 1), -(2**63) + 1), ("", None)])
def test_u1_an_order_is_any_whole_number_of_64_bits(order: str, read: int | None) -> None:
    message = parse(ordered(order))
    assert (message.order, message.order_lost, message.notes) == (read, False, ())


@pytest.mark.parametrize("guid", [GUID.upper(), "{" + GUID + "}", f"\n  {GUID} "])
def test_it_reads_a_guid_in_any_usual_spelling(guid: str) -> None:
    assert parse(updategram(fixture(), header=HEADER.replace(GUID, guid))).guid == GUID


@pytest.mark.parametrize("guid", ["", "none", GUID[:-1], "00000000-0000-0000-0000-000000000000", GUID + "<b/>"])
def test_b3_a_missing_or_invalid_guid_is_quarantined_with_its_fixture(guid: str) -> None:
    error = unreadable(updategram(fixture(), header=HEADER.replace(GUID, guid)))
    assert "MessageGuid" in error.reason
    assert (error.guid, error.fixture_ref) == ("", "5235368")


def test_b3_a_missing_header_is_quarantined() -> None:
    assert "header is missing" in unreadable(updategram(fixture(), header="")).reason


def test_it_tolerates_a_heartbeat_dressed_as_an_updategram() -> None:
    message = parse(updategram(header=HEADER.replace("<Retry>", "<IsHeartbeat>true</IsHeartbeat><IsCompact>false</IsCompact><Retry>")))
    assert (message.fixture_ref, message.parts, message.notes) == ("", (), ())


# --- identity ---


def test_b3_a_message_that_names_no_fixture_is_quarantined() -> None:
    assert "names no fixture" in unreadable(updategram()).reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (updategram(fixture(fixture_id="")), "Fixture has no readable Id"),
        (updategram(market_set(market(), fixture_id="")), "MarketSet has no readable FixtureId"),
        (updategram(market_set(market().replace("100001331", ""))), "Market has no readable Id"),
        (updategram(market_set(market(selection(selection_id="x1")))), "Selection has no readable Id: “x1”"),
        (updategram("<Coverage><IsBooked>true</IsBooked></Coverage>"), "Coverage has no readable FixtureId"),
        (
            updategram("<ResultSet><FixtureId>1</FixtureId><Results><MarketResult/></Results></ResultSet>"),
            "MarketResult has no readable MarketId",
        ),
        (updategram(market_set(market(more="<Sequence>one</Sequence>"))), "Sequence “one” is no integer"),
        (updategram(market_set(market(selection(more="<Id>5</Id>")))), "Selection/Id is given twice"),
    ],
)
def test_b3_a_missing_id_quarantines_the_message(body: bytes, words: str) -> None:
    error = unreadable(body)
    assert words in error.reason
    assert error.line == 1
    assert error.guid == GUID


def test_b7_a_missing_market_id_holds_its_fixture_only() -> None:
    assert unreadable(updategram(market_set(market().replace("100001331", "")))).fixture_ref == "3476056"


def test_b7_a_message_about_two_fixtures_holds_both() -> None:
    error = unreadable(updategram(market_set(market()), fixture()))
    assert "several fixtures: 3476056, 5235368" in error.reason
    assert (error.fixture_ref, error.fixture_refs) == ("", ("3476056", "5235368"))


def test_b7_a_message_about_many_fixtures_holds_the_feed() -> None:
    assert unreadable(updategram(*(market_set(market(), fixture_id=str(n)) for n in range(1, 18)))).fixture_refs == ()


def test_it_reads_several_parts_about_one_fixture() -> None:
    coverage = "<Coverage><FixtureId>5235368</FixtureId><IsBooked>true</IsBooked><AvailableFeeds/></Coverage>"
    message = parse(updategram(fixture(), coverage, market_set(market(), fixture_id="5235368")))
    assert [type(p) for p in message.parts] == [FixtureDetails, Coverage, MarketSet]


# --- broken documents (B3, B7) ---


@pytest.mark.parametrize("cut", [200, 300, 500, 700])
def test_b7_truncated_xml_still_tells_guid_and_fixture(cut: int) -> None:
    body = sample("fragment-1686-match-result")[: 400 + cut]
    error = unreadable(body)
    assert error.fixture_ref == "3476056"
    assert len(error.guid) == 36


def test_b7_an_id_that_is_cut_off_is_not_taken_for_whole() -> None:
    body = updategram(market_set(market()))
    cut = body[: body.index(b"3476056") + 4]
    assert unreadable(cut).fixture_ref == ""


def test_b7_a_fixture_id_in_a_comment_is_not_the_fixture() -> None:
    body = updategram("<!-- <FixtureId>1</FixtureId> -->", market_set(market()))
    assert unreadable(body[:-5]).fixture_ref == "3476056"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "body is empty"),
        (b" \n\t", "body is empty"),
        (b"{}", "unreadable XML"),
        (b"\x00\x01\x02", "unreadable XML"),
        (b"<Updategram>\xff</Updategram>", "unreadable XML"),
        (b"\xff\xfe<\x00a\x00\x00\xd8", "not valid utf-16"),
        ("<a/>".encode("utf-32"), "utf-32 is not accepted"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "utf-7 is not accepted"),
        (b"<Fixture/>", "root element is Fixture"),
        (b'<Updategram xmlns="urn:other"/>', "root element is Updategram"),
        (b"<Updategram/><Updategram/>", "unreadable XML"),
    ],
)
def test_b3_what_is_no_updategram_is_quarantined_with_words(body: bytes, words: str) -> None:
    assert words in unreadable(body).reason


def test_it_names_the_line_of_the_fault() -> None:
    error = unreadable(updategram("\n\n\n<MarketSet>\n<FixtureId>3</Oops>"))
    assert error.line == 5
    assert error.words.startswith("line 5: unreadable XML")


# --- the closed world (A9, U6) ---


def test_a9_unknown_statuses_are_held_and_noted() -> None:
    body = updategram(market_set(market(selection(status="Maybe"), status="Ajar")))
    found = only_market(body)
    assert (found.status, found.status_text) == (MarketStatus.UNRECOGNISED, "Ajar")
    assert (found.selections[0].status, found.selections[0].status_text) == (SelectionStatus.UNRECOGNISED, "Maybe")
    assert len(parse(body).notes) == 2
    assert only_fixture(updategram(fixture(status="Paused"))).status is FixtureStatus.UNRECOGNISED


def test_a9_a_status_in_other_letters_is_another_status() -> None:
    assert only_market(updategram(market_set(market(status="open")))).status is MarketStatus.UNRECOGNISED


def test_a9_an_unknown_result_status_is_held() -> None:
    results = "<SelectionResult><SelectionId>2</SelectionId><ResultStatus>Void</ResultStatus></SelectionResult>"
    body = updategram(
        f"<ResultSet><FixtureId>1</FixtureId><Results><MarketResult><MarketId>1</MarketId><Results>{results}</Results></MarketResult></Results></ResultSet>"
    )
    (part,) = parse(body).parts
    assert isinstance(part, ResultSet)
    assert part.results[0].selections[0].status is ResultStatus.UNRECOGNISED


def test_a9_an_unknown_message_kind_holds_its_fixture() -> None:
    message = parse(updategram("<MultiBet><FixtureId>77</FixtureId></MultiBet>"))
    assert (message.fixture_ref, message.parts) == ("77", (UnknownPart("MultiBet"),))
    assert any("MultiBet" in note for note in message.notes)


def test_a9_an_unknown_message_kind_without_a_fixture_is_quarantined() -> None:
    assert "MultiBet has no readable Id" in unreadable(updategram("<MultiBet/>")).reason


def test_u6_an_unknown_message_kind_that_names_no_fixture_holds_that_of_its_message() -> None:
    for unknown in ("<Zork>1</Zork>", "<Zork><Id>5</Id></Zork>"):
        for parts in ((unknown, market_set(market())), (market_set(market()), unknown)):
            message = parse(updategram(*parts))
            assert message.fixture_ref == "3476056"
            assert [type(part) for part in message.parts] == [MarketSet, UnknownPart]


def test_b7_an_unknown_message_kind_of_another_fixture_holds_both() -> None:
    error = unreadable(updategram("<Zork><FixtureId>5</FixtureId></Zork>", market_set(market())))
    assert error.fixture_refs == ("3476056", "5")


def test_a9_a_known_name_in_a_foreign_namespace_is_unknown() -> None:
    message = parse(updategram('<o:Coverage xmlns:o="urn:o"><o:FixtureId>77</o:FixtureId></o:Coverage>'))
    assert message.parts == (UnknownPart("Coverage"),)


@pytest.mark.parametrize(
    ("market_xml", "words"),
    [
        (market(in_play=""), "InPlay is missing"),
        (market(in_play="<InPlay>perhaps</InPlay>"), "InPlay is missing"),
        (market(more="<Handicap>two</Handicap>"), "handicap line"),
        (market().replace("<IsHandicap>false", "<IsHandicap>true"), "handicap line"),
        (market(more="<ExpiryUtc>later</ExpiryUtc>"), "expiry time"),
        (market(more="<TradingStatus>Suspended</TradingStatus>"), "given twice"),
    ],
)
def test_a9_a_market_whose_decisive_fact_is_unreadable_is_held(market_xml: str, words: str) -> None:
    body = updategram(market_set(market_xml))
    assert only_market(body).status is MarketStatus.UNRECOGNISED
    assert any(words in note for note in parse(body).notes)


def test_it_keeps_unknown_descriptive_words_as_text_and_notes_them() -> None:
    competitor = (
        "<Competitors><Competitor><Id>1</Id><Name>A</Name><AgeCategory>U99</AgeCategory><Gender>Open</Gender></Competitor></Competitors>"
    )
    body = updategram(
        fixture(
            f"<Sport><Id>424242</Id><Name>Padel</Name></Sport>{competitor}<TennisProperties><CourtSurface>Ice</CourtSurface></TennisProperties>"
        )
    )
    found = only_fixture(body)
    assert (found.competitors[0].age_category, found.competitors[0].gender) == ("U99", "Open")
    assert found.tennis is not None
    assert found.tennis.court_surface == "Ice"
    notes = " ".join(parse(body).notes)
    assert all(word in notes for word in ("U99", "Open", "Ice", "424242"))


def test_it_notes_unknown_elements_and_attributes_once_with_their_path() -> None:
    body = updategram(
        market_set(market(selection(more='<ShortName kind="x">D</ShortName>'), selection(selection_id="2", more="<ShortName/>")))
    )
    assert parse(body).notes == (
        "unknown attribute MarketSet/Markets/Market/Selections/Selection/ShortName/@kind",
        "unknown element MarketSet/Markets/Market/Selections/Selection/ShortName",
    )


def test_it_bounds_its_notes() -> None:
    unknown = "".join(f"<E{n}/>" for n in range(500))
    notes = parse(updategram(fixture(unknown))).notes
    assert len(notes) == 41
    assert notes[-1] == "… and 460 more"


def test_it_cuts_text_that_the_store_cannot_hold() -> None:
    body = updategram(fixture().replace("A v B", "x" * 5000))
    assert len(only_fixture(body).name) == 300
    assert any("cut" in note for note in parse(body).notes)


# --- said twice ---


def test_it_holds_what_is_sent_twice_differently() -> None:
    twice = only_market(updategram(market_set(market(selection(), selection(price="")))))
    assert [s.status for s in twice.selections] == [SelectionStatus.UNRECOGNISED]
    body = updategram(market_set(market(), market(status="Closed")))
    assert only_market(body).status is MarketStatus.UNRECOGNISED


def test_it_takes_the_same_thing_said_twice_once() -> None:
    body = updategram(market_set(market(selection(), selection()), market(selection())))
    (part,) = parse(body).parts
    assert isinstance(part, MarketSet)
    assert [(m.status, len(m.selections)) for m in part.markets] == [(MarketStatus.OPEN, 1)]


def test_it_reads_an_id_whole_even_with_a_comment_inside() -> None:
    body = updategram(market_set(market(), fixture_id="34<!-- x -->76"))
    assert parse(body).fixture_ref == "3476"
    assert "no readable FixtureId" in unreadable(updategram(market_set(market(), fixture_id="34<b/>76"))).reason


# --- match state, coverage ---


def test_a9_a_bet_accept_that_cannot_be_read_is_taken_as_false() -> None:
    body = updategram("<FootballMatchSummary><FixtureId>1</FixtureId><BetAcceptOk>maybe</BetAcceptOk></FootballMatchSummary>")
    (part,) = parse(body).parts
    assert isinstance(part, MatchState)
    assert part.bet_accept_ok is False


@pytest.mark.parametrize("said", [("false", "true"), ("true", "false"), ("true", "maybe"), ("false", "false")])
def test_a9_a_bet_accept_that_is_given_twice_is_false_unless_both_are_true(said: tuple[str, str]) -> None:
    twice = "".join(f"<BetAcceptOk>{word}</BetAcceptOk>" for word in said)
    (part,) = parse(updategram(f"<FootballMatchSummary><FixtureId>1</FixtureId>{twice}</FootballMatchSummary>")).parts
    assert isinstance(part, MatchState)
    assert part.bet_accept_ok is False


def test_b7_a_match_state_that_names_two_fixtures_is_quarantined() -> None:
    error = unreadable(updategram("<FootballMatchSummary><FixtureId>1</FixtureId><FixtureId>2</FixtureId></FootballMatchSummary>"))
    assert "given twice" in error.reason
    assert error.fixture_refs == ("1", "2")


def test_it_cuts_a_long_kind_of_match_state_so_that_no_two_become_one() -> None:
    kinds = [f"{'Padel' * 20}{n}MatchDetails" for n in range(2)]
    message = parse(updategram(*(f"<{kind}><FixtureId>1</FixtureId></{kind}>" for kind in kinds)))
    names = {part.element for part in message.parts if isinstance(part, MatchState)}
    assert (len(names), max(map(len, names))) == (2, 80)


@pytest.mark.parametrize(
    ("phase", "in_play", "ended"),
    [("PreMatch", False, False), ("", False, False), ("HalfTime", True, False), ("GoldenGoal", True, False), ("PostMatch", False, True)],
)
def test_it_reads_the_phase_of_a_match(phase: str, in_play: bool, ended: bool) -> None:
    body = updategram(f"<FootballMatchSummary><FixtureId>1</FixtureId><CurrentPhase>{phase}</CurrentPhase></FootballMatchSummary>")
    (part,) = parse(body).parts
    assert isinstance(part, MatchState)
    assert (part.in_play, part.ended) == (in_play, ended)
    assert bool(parse(body).notes) == (phase == "GoldenGoal")


def test_it_shows_a_long_raw_match_state_in_part() -> None:
    body = updategram(f"<CricketMatchDetails><FixtureId>1</FixtureId><Ball>{'x' * 50_000}</Ball></CricketMatchDetails>")
    (part,) = parse(body).parts
    assert isinstance(part, MatchState)
    assert len(part.raw) == 32_000
    assert "kept frame" in parse(body).notes[0]


def test_a9_coverage_that_cannot_be_read_is_not_booked() -> None:
    feeds = "<Feed><IsLicensed>sure</IsLicensed><Type>MatchState</Type></Feed><Feed><Type>Radar</Type></Feed>"
    body = updategram(f"<Coverage><FixtureId>1</FixtureId><IsBooked>yes</IsBooked><AvailableFeeds>{feeds}</AvailableFeeds></Coverage>")
    (part,) = parse(body).parts
    assert isinstance(part, Coverage)
    assert (part.is_booked, part.licensed("MatchState"), part.feeds[1].type) == (False, False, "Radar")
    assert len(parse(body).notes) == 3


def test_it_reads_nested_competitors_to_any_depth() -> None:
    inner = ""
    for depth in range(60):
        inner = f"<Competitors><Competitor><Id>{depth}</Id><Name>n</Name>{inner}</Competitor></Competitors>"
    found = only_fixture(updategram(fixture(inner)))
    depth = 0
    competitors = found.competitors
    while competitors:
        depth += 1
        competitors = competitors[0].competitors
    assert depth == 60


def test_it_reads_the_same_message_equal_apart_from_retry() -> None:
    again = parse(sample("fragment-0118-header").replace(b"<Retry>0", b"<Retry>1"))
    assert replace(again, retry=0) == parse(sample("fragment-0118-header"))
