"""Reading frames of the umpire feed, good and bad (decisions T1, T2, T4, T7; promises A9, B3, B7, E4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import Unreadable
from feeds.tennis.mapping import content_digest, hint, parse, same_content
from feeds.tennis.wire import MOST_BYTES, Hint
from markets.domain.fold import Stamp, fold
from markets.domain.messages import Competition, Competitor, FixtureDetails, Message, Ref
from markets.domain.sports.tennis import Games, Kind, Packet, Player, Score, Server, Side
from markets.domain.state import FixtureState
from markets.domain.values import FixtureStatus

pytestmark = pytest.mark.modeless

EVENT = "2024-0083-MD013"
AT = "2024-07-14T13:11:00.694Z"
SCORE = {
    "currentGameScore": {"gameType": "StandardGame", "pointsA": "40", "pointsB": "A"},
    "currentSetScore": {"gamesA": 3, "gamesB": 2},
    "overallSetScore": {"setsA": 1, "setsB": 0},
    "previousSetsScore": [{"gamesA": 7, "gamesB": 6, "tieBreakScore": {"pointsA": 7, "pointsB": 4}}],
}
LIVE_EVENT = {
    "startTime": {"status": "NotBefore", "time": "2024-07-14T13:00:00.000Z"},
    "teamA": {
        "status": "KnownTennisTeam",
        "team": {
            "player1": {"id": "S0AK  ", "firstName": "Henri", "lastName": "Squire", "country": "GER"},
            "entryType": "DirectAcceptance",
            "seed": 3,
        },
    },
    "teamB": {
        "status": "KnownTennisTeam",
        "team": {
            "player1": {"id": "R09X  ", "firstName": "Jurij", "lastName": "Rodionov", "country": "AUT"},
            "player2": {"id": "M0EJ", "firstName": "Lucas", "lastName": "Miedler", "country": "AUT"},
        },
    },
    "eventId": EVENT,
}


def frame(**said: Any) -> bytes:
    return msgspec.json.encode({"seqNum": 9, "eventElementType": "PointScored", "timestamp": AT, **said})


def read(body: bytes) -> tuple[Message, Packet]:
    message = parse(body, EVENT)
    (packet,) = message.parts
    assert isinstance(packet, Packet)
    return message, packet


def packet(**said: Any) -> Packet:
    return read(frame(**said))[1]


def card(**said: Any) -> Packet:
    return packet(eventElementType="MatchStatusUpdate", matchStatus={"matchState": {"state": "Warmup"}, **said})


def parsed(body: bytes) -> Message | None:
    try:
        return parse(body, EVENT)
    except Unreadable:
        return None


def why(body: bytes, stream: str = EVENT) -> Unreadable:
    with pytest.raises(Unreadable) as raised:
        parse(body, stream)
    return raised.value


# Packets


def test_a_point_is_read_with_its_score() -> None:
    said = packet(
        score=SCORE, details={"scoredBy": "TeamB", "pointType": "Ace"}, server={"team": "TeamA", "member": 2}, matchTime="00:10:01"
    )
    assert said.score == Score("40", "A", "StandardGame", Games(3, 2), (Games(7, 6),), Games(1, 0))
    assert (said.scored_by, said.point_type, said.server, said.match_time) == (Side.B, "Ace", Server(Side.A, 2), "00:10:01")
    assert said.at == datetime(2024, 7, 14, 13, 11, 0, 694000, UTC)


def test_sets_are_counted_where_an_older_packet_does_not_count_them() -> None:
    score = {name: value for name, value in SCORE.items() if name != "overallSetScore"}
    read_score = packet(score=score).score
    assert read_score is not None
    assert read_score.sets == Games(1, 0)


@pytest.mark.parametrize(
    "broken",
    [
        {"currentGameScore": {"pointsA": "15"}},
        {"currentGameScore": None},
        {"currentSetScore": {"gamesA": "x", "gamesB": 2}},
        {"currentSetScore": {"gamesA": -1, "gamesB": 2}},
        {"currentSetScore": {"gamesA": 3}},
        {"overallSetScore": {"setsA": 1.5, "setsB": 0}},
        {"overallSetScore": []},
        {"previousSetsScore": "6-4"},
        {"previousSetsScore": [{"gamesA": 6}]},
        {"previousSetsScore": [6]},
        {"previousSetsScore": [{"gamesA": 6, "gamesB": 4}] * 10},
    ],
)
def test_half_a_score_is_none(broken: dict[str, Any]) -> None:
    message, said = read(frame(score=SCORE | broken))
    assert said.score is None
    assert "the score cannot be read" in message.notes


def test_numbers_that_come_as_texts_are_numbers() -> None:
    score = SCORE | {"currentSetScore": {"gamesA": "3", "gamesB": " 2 "}, "currentGameScore": {"pointsA": 15, "pointsB": 0}}
    said = packet(score=score).score
    assert said is not None
    assert (said.games, said.points_a, said.points_b) == (Games(3, 2), "15", "0")


@pytest.mark.parametrize(("court", "read_as"), [(7, "7"), ("Court 7", "Court 7"), (-1, ""), ("Unknown", ""), (None, ""), ([], "")])
def test_a_court_is_a_number_or_a_text(court: object, read_as: str) -> None:
    said = card(courtNum=court).card
    assert said is not None
    assert said.court == read_as


@pytest.mark.parametrize(
    ("sets", "read_as"), [(3, 3), ("5", 5), (-1, None), (2, None), (0, None), (99, None), ("three", None), (None, None)]
)
def test_a_number_of_sets_that_cannot_be_is_unknown(sets: object, read_as: int | None) -> None:
    said = card(numSets=sets).card
    assert said is not None
    assert said.sets == read_as


def test_ids_are_read_without_their_padding_and_doubles_have_two() -> None:
    details = {"player1Id": "S0AK  ", "player1Country": "GER", "player2Id": " 000WPL", "player2Country": "Unknown"}
    said = card(teamAPlayer1="H. SQUIRE", teamAPlayer2="Unknown", teamAPlayersDetails=details).card
    assert said is not None
    assert said.team_a == (Player("S0AK", "H. SQUIRE", "GER"), Player("000WPL"))


def test_t4_unknown_words_are_none_and_no_unknown_values() -> None:
    message, said = read(
        frame(
            eventElementType="MatchStatusUpdate",
            matchStatus={"matchState": {"state": "Warmup"}, "scoringType": "UnknownScoringType", "tossChooser": "UnknownTossChooser"},
            server={"team": "UnknownTeam"},
        )
    )
    assert said.card is not None
    assert (said.card.scoring, said.card.toss_choice, said.server, message.notes) == ("", "", None, ())


def test_what_stands_beside_a_state_is_kept_as_sent() -> None:
    state = {
        "state": "MedicalTreatment",
        "team": "TeamB",
        "playerId": 1,
        "treatmentLocation": "OnCourt",
        "locationTimestamp": "2022-06-20T12:38:10",
    }
    said = card(matchState=state)
    assert (said.state, said.team, said.player_id) == ("MedicalTreatment", Side.B, "1")
    assert said.state_facts == {name: value for name, value in state.items() if name != "state"}


def test_a_violation_a_physio_an_alarm_and_an_end_are_read() -> None:
    violation = packet(eventElementType="CodeViolation", team="TeamA", playerId=1, reason="UnsportsmanlikeConduct")
    assert (violation.team, violation.player_id, violation.reason) == (Side.A, "1", "UnsportsmanlikeConduct")
    assert packet(eventElementType="PhysioCalled", team="TeamB").team is Side.B
    alarm = packet(eventElementType="Alarm", lastReceivedTimestamp="2022-06-27T15:10:55.471Z")
    assert (alarm.kind, alarm.last_received_at) == (Kind.ALARM, datetime(2022, 6, 27, 15, 10, 55, 471000, UTC))
    end = packet(eventElementType="MatchFinished", reason="Normally", won="TeamB")
    assert (end.kind, end.reason, end.team) == (Kind.FINISHED, "Normally", Side.B)


def test_fields_that_nobody_knows_are_kept() -> None:
    said = packet(eventElementType="TimeAnnouncement", time="Time", weather={"wind": [1, 2.5, True, None]})
    assert said.facts == {"time": "Time", "weather": {"wind": [1, 2.5, True, None]}}


@pytest.mark.parametrize(
    ("delay", "read_as"), [("DELAYED", "DELAYED"), ("RECONSTRUCTED", "RECONSTRUCTED"), ("", "unreadable"), (None, "unreadable"), (7, "7")]
)
def test_presence_of_a_delay_means_not_live(delay: object, read_as: str) -> None:
    assert packet(delayStatus=delay).delay == read_as


def test_a_packet_without_a_delay_is_live() -> None:
    assert packet().delay == ""


@pytest.mark.parametrize("kind", ["SwapServer", "", None, 5, ["PointStarted"], "pointstarted"])
def test_a9_a_type_that_nobody_knows_is_a_packet_of_unknown_type(kind: object) -> None:
    said = packet(eventElementType=kind)
    assert (said.kind, said.kind_text) == (Kind.UNRECOGNISED, kind if isinstance(kind, str) else "")


@pytest.mark.parametrize(
    ("timestamp", "read_as"),
    [
        ("1970-01-01T00:00:00.000Z", None),
        (0, None),
        ("2022-08-16T09:47:54", None),
        ("2022-08-16T09:47:54+02:00", datetime(2022, 8, 16, 7, 47, 54, tzinfo=UTC)),
        (1660636074985, datetime(2022, 8, 16, 7, 47, 54, 985000, UTC)),
        ("yesterday", None),
        ("9999-12-31T23:59:59-14:00", None),
        (10**300, None),
        (-5, None),
        ({}, None),
    ],
)
def test_only_a_time_with_its_zone_is_a_time(timestamp: object, read_as: datetime | None) -> None:
    body = b'{"seqNum":9,"eventElementType":"PointLet","timestamp":%s}' % (
        str(timestamp).encode() if isinstance(timestamp, int) else msgspec.json.encode(timestamp)
    )
    assert read(body)[1].at == read_as


# Numbers and names


@pytest.mark.parametrize("seq", ["9", 9.5, -1, True, None, [], 10_000, 2**63, 10**40])
def test_a_number_that_cannot_be_read_is_none_and_noted(seq: object) -> None:
    body = b'{"eventElementType":"PointStarted","seqNum":%s}' % (str(seq).encode() if type(seq) is int else msgspec.json.encode(seq))
    message, said = read(body)
    assert (said.seq, message.notes[0]) == (None, "no readable seqNum: the packet opens nothing")
    assert hint(body, EVENT) == Hint("", EVENT, None, urgent=True)


def test_t2_a_repeat_has_the_name_and_the_content_of_the_first() -> None:
    first, again = frame(score=SCORE), b" " + frame(score=SCORE).replace(b'":', b'" : ')
    assert parse(first, EVENT).guid == parse(again, EVENT).guid == f"{EVENT}#9"
    assert same_content(first, again)
    assert content_digest(first) == content_digest(again)


def test_t2_another_content_under_the_same_number_is_told_apart() -> None:
    one, other = frame(score=SCORE), frame(score=SCORE | {"currentSetScore": {"gamesA": 3, "gamesB": 3}})
    assert parse(one, EVENT).guid == parse(other, EVENT).guid
    assert not same_content(one, other)


def test_t2_an_alarm_every_25_seconds_is_another_message_whatever_its_number() -> None:
    one = frame(eventElementType="Alarm")
    again = frame(eventElementType="Alarm", timestamp="2024-07-14T13:11:25.694Z")
    assert parse(one, EVENT).guid == f"{EVENT}#alarm@{AT}" == hint(one, EVENT).guid
    assert parse(again, EVENT).guid != parse(one, EVENT).guid
    assert hint(one, EVENT) == Hint(f"{EVENT}#alarm@{AT}", EVENT, None, urgent=True)


def test_packets_without_a_number_are_named_by_their_content() -> None:
    one, other = (frame(seqNum=None, eventElementType=kind) for kind in ("PointLet", "PointFault"))
    assert parse(one, EVENT).guid == parse(b" " + one, EVENT).guid != parse(other, EVENT).guid


def test_names_stay_apart_however_long_the_event_is_called() -> None:
    event = "E" * 64
    guids = {parse(frame(seqNum=seq), event).guid for seq in range(100)}
    assert len(guids) == 100
    assert max(map(len, guids)) <= 64


def test_a_packet_of_another_match_is_unreadable_and_holds_only_the_stream_it_came_on() -> None:
    error = why(frame(eventId="2024-0083-MD014"))
    assert (error.reason, error.fixture_refs) == ("a packet of another match: 2024-0083-MD014", (EVENT,))
    assert read(frame(eventId=EVENT))[1].seq == 9


def test_a_packet_without_a_stream_needs_its_own_name() -> None:
    assert parse(frame(eventId=EVENT), "").fixture_ref == EVENT
    assert why(frame(), "").fixture_refs == ()


# Live events and heartbeats


def test_a_live_event_is_the_fixtures_details() -> None:
    message = parse(msgspec.json.encode(LIVE_EVENT), "")
    player = Competitor("S0AK", "Henri Squire", "Person", first_name="Henri", last_name="Squire")
    pair = (
        Competitor("R09X", "Jurij Rodionov", "Person", first_name="Jurij", last_name="Rodionov"),
        Competitor("M0EJ", "Lucas Miedler", "Person", first_name="Lucas", last_name="Miedler"),
    )
    assert (message.fixture_ref, message.notes) == (EVENT, ())
    assert message.parts == (
        FixtureDetails(
            name="Henri Squire v Jurij Rodionov/Lucas Miedler",
            type="Match",
            status=FixtureStatus.SCHEDULED,
            status_text="",
            start=datetime(2024, 7, 14, 13, tzinfo=UTC),
            sport=Ref("tennis", "Tennis"),
            competition=Competition("0083"),
            competitors=(
                Competitor("TeamA", "Henri Squire", "Person", competitors=(player,)),
                Competitor("TeamB", "Jurij Rodionov/Lucas Miedler", "DoublesPartnership", competitors=pair),
            ),
        ),
    )


def test_a_live_event_has_no_name_for_what_was_said_before_may_hold_again() -> None:
    one = parse(msgspec.json.encode(LIVE_EVENT), "")
    moved = parse(msgspec.json.encode(LIVE_EVENT | {"startTime": {"status": "FollowsPrevious", "time": "2024-07-14T15:00:00Z"}}), EVENT)
    assert one.guid == moved.guid == ""
    assert one.parts == parse(msgspec.json.encode(LIVE_EVENT, order="sorted"), EVENT).parts
    assert moved.notes == ("the start time is a guess: the match follows another",)
    assert hint(msgspec.json.encode(LIVE_EVENT), "") == Hint(fixture_ref=EVENT)


def test_a_side_that_is_not_drawn_yet_has_no_players() -> None:
    message = parse(msgspec.json.encode(LIVE_EVENT | {"teamB": {"status": "UnknownTennisTeam"}}), "")
    (details,) = message.parts
    assert isinstance(details, FixtureDetails)
    assert details.competitors[1] == Competitor("TeamB", "", "Person")
    assert details.name == "Henri Squire v TeamB"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"status":"authorised"}', b'{"type":"heartbeat","at":1}', b'{"eventId":"E","teamA":1,"teamB":2}']
)
def test_t1_an_object_with_neither_type_nor_number_holds_nothing(body: bytes) -> None:
    message = parse(body, EVENT)
    assert (message.fixture_ref, message.parts) == ("", ())


# Bad input


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"hello",
        b"\x00\x01\x02\xff",
        b"[]",
        b'"PointStarted"',
        b"7",
        b"null",
        b'{"seqNum":9',
        b'{"seqNum":9}{"seqNum":10}',
        b'{"seqNum":NaN}',
        b'{"seqNum":1e999}',
        b'{"matchTime":"\\ud800"}',
        b"[" * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"seqNum":9,"x":"' + b"y" * MOST_BYTES + b'"}',
    ],
)
def test_b7_what_is_no_packet_is_quarantined_for_its_match_alone(body: bytes) -> None:
    error = why(body)
    assert error.reason
    assert error.fixture_refs == (EVENT,)
    assert why(body, "").fixture_refs == ()
    assert hint(body[:4096], EVENT).fixture_ref == EVENT
    assert len(content_digest(body)) == 64


def test_a1_a_point_that_starts_is_urgent_even_when_the_frame_is_broken_or_long() -> None:
    long = frame(eventElementType="PointStarted", seqNum=12, x="y" * 9000)
    assert hint(long[:4096], EVENT) == Hint("", EVENT, None, urgent=True)
    assert hint(b'{"eventElementType": "Alarm", "seqNum": 12, "x', EVENT) == Hint("", EVENT, None, urgent=True)
    assert hint(b'{"eventElementType": "PointLet", "seqNum": 12, "x', EVENT) == Hint("", EVENT, None, urgent=False)


def test_a1_no_number_is_believed_that_stands_inside_another_object_or_in_what_cannot_be_read() -> None:
    inside = frame(eventElementType="PointLet", a={"seqNum": 5000}, x="y" * 9000, seqNum=12)
    assert hint(inside[:4096], EVENT) == Hint("", EVENT, None)
    assert hint(frame(a={"seqNum": 5000}, eventElementType="PointLet", seqNum=12), EVENT).seq == 12
    assert hint(b'{"a": {"seqNum": 5000}, "x', EVENT).seq is None
    assert hint(b'{"seqNum": 5000, "a":' + b'{"a":' * 40 + b"1" + b"}" * 41, EVENT).seq is None


def test_what_a_store_cannot_take_is_made_plain() -> None:
    said = packet(eventElementType="X\x00Y", text="a\x00b\n c", deep=[[[[[[1]]]]]], long="y" * 9000, many=list(range(999)), **{"k\x00": 1})
    assert said.kind_text == "X Y"
    assert (said.facts["text"], said.facts["k"], said.facts["deep"]) == ("a b  c", 1, [[[["…"]]]])
    assert (len(said.facts["long"]), len(said.facts["many"])) == (300, 40)
    huge = read(b'{"seqNum":9,"eventElementType":"X","n":%d}' % 10**400)[1]
    assert msgspec.json.decode(msgspec.json.encode(huge.facts)) == huge.facts


ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        "seqNum", "eventElementType", "timestamp", "matchTime", "delayStatus", "server", "nextServer", "matchStatus", "score", "details",
        "team", "playerId", "reason", "eventId", "teamA", "teamB", "startTime", "matchState", "currentGameScore", "previousSetsScore",
    ]
)  # fmt: skip
NESTED = st.dictionaries(NAMES, st.one_of(ANYTHING, st.dictionaries(NAMES, ANYTHING, max_size=4)), max_size=8)


@settings(deadline=None, max_examples=150)
@given(NESTED)
def test_whatever_an_object_holds_it_is_a_message_or_unreadable(said: dict[str, Any]) -> None:
    body = json.dumps(said).encode()
    hint(body, EVENT)
    content_digest(body)
    message = parsed(body)
    if message is None:
        return
    folded = fold(FixtureState(), message, Stamp(datetime(2026, 1, 1, tzinfo=UTC)))
    assert msgspec.json.encode(folded.state)
    assert "\\u0000" not in msgspec.json.encode(folded.state).decode()


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_a_message_or_unreadable(body: bytes) -> None:
    hint(body, EVENT)
    content_digest(body)
    message = parsed(body)
    assert message is None or message.fixture_ref in {"", EVENT}
