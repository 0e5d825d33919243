"""004's packets, word for word, by value."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from feeds.tennis.mapping import content_digest, hint, parse
from feeds.tennis.wire import Hint
from markets.domain.fold import Stamp, fold
from markets.domain.messages import Message
from markets.domain.sports.tennis import Card, Kind, Packet, Player, Server, Side, closed_words
from markets.domain.state import FixtureState

pytestmark = pytest.mark.modeless

EVENT = "2022-0784-MS001"
ORDER = ("not-started", "umpire-on-court", "players-arrive-on-court", "warmup", "in-progress", "point-started")
SQUIRE, RODIONOV = Player("S0AK", "H. SQUIRE", "GER"), Player("R09X", "J. RODIONOV", "AUT")
CARD = Card(
    umpire="M. PETROVIC",
    umpire_code="PETRMA",
    umpire_country="SRB",
    court="1",
    sets=3,
    scoring="Standard",
    tie_break="TieBreakInFinalSet",
    team_a=(SQUIRE,),
    team_b=(RODIONOV,),
)
TOSSED = replace(CARD, toss_winner=Side.A, toss_choice="Serve", first_server=Side.B)


def sample(name: str) -> bytes:
    return (Path(__file__).parent / "samples" / f"{name}.json").read_bytes()


def message(name: str) -> Message:
    return parse(sample(name), EVENT)


def packet(name: str) -> Packet:
    (part,) = message(name).parts
    assert isinstance(part, Packet)
    return part


def moment(said: str) -> datetime:
    return datetime.fromisoformat(f"2022-08-16T{said}").replace(tzinfo=UTC)


def state(seq: int, at: str, word: str, local: str, card: Card) -> Packet:
    facts = {"locationTimestamp": f"2022-08-16T{local}"}
    return Packet(
        seq, Kind.STATUS, "MatchStatusUpdate", at=moment(at), match_time="00:00:00", card=card, state=word, state_facts=facts
    )  # fmt: skip


def test_the_placeholder_before_a_match_says_nothing_but_not_started() -> None:
    said = packet("not-started")
    assert said == Packet(0, Kind.STATUS, "MatchStatusUpdate", match_time="00:00:00", card=Card(), state="NotStarted")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("umpire-on-court", state(1, "07:47:54.985", "UmpireOnCourt", "09:47:54", CARD)),
        ("players-arrive-on-court", state(2, "08:01:48.211", "PlayersArriveOnCourt", "10:01:47", CARD)),
        ("warmup", state(3, "08:04:23.606", "Warmup", "10:04:22", TOSSED)),
        ("in-progress", state(4, "08:10:20.959", "InProgress", "10:10:20", TOSSED)),
    ],
)
def test_each_state_is_read_whole(name: str, said: Packet) -> None:
    assert packet(name) == said


def test_point_started_is_read_whole() -> None:
    assert packet("point-started") == Packet(
        5,
        Kind.POINT_STARTED,
        "PointStarted",
        at=moment("08:10:25.182"),
        match_time="00:00:04",
        server=Server(Side.B),
        next_server=Server(Side.B),
    )


@pytest.mark.parametrize(("number", "name"), list(enumerate(ORDER)))
def test_each_packet_is_named_by_its_event_and_number(number: int, name: str) -> None:
    said = message(name)
    named = f"{EVENT}#{number}" if number else f"{EVENT}#0@{content_digest(sample(name))[:24]}"  # 0 is said anew with whatever is known
    assert (said.guid, said.fixture_ref, said.notes) == (named, EVENT, ())
    urgent = name == "point-started"
    assert hint(sample(name), EVENT) == Hint(named, EVENT, number, urgent)


def test_the_whole_sequence_leads_to_a_point_in_play() -> None:
    told, words = FixtureState(), []
    for name in ORDER:
        told = fold(told, message(name), Stamp(moment("10:00:00"))).state
        words.append(closed_words(told.tennis))
    assert words == ["not started", "umpire on court", "players arrive on court", "warm-up", "", "point in play"]
    assert told.started
    assert told.tennis is not None
    assert (told.tennis.card, told.tennis.server) == (TOSSED, Server(Side.B))


def test_every_sample_has_a_content_of_its_own() -> None:
    assert len({content_digest(sample(name)) for name in ORDER}) == len(ORDER)
