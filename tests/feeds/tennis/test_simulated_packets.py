"""What the simulated umpire writes: the documented shapes, matches by the rules, and nothing that our own reader has to wonder about."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from feeds.playing.court import Happened
from feeds.playing.tennis import Chances, Happening, Match, What, plan
from feeds.tennis.mapping import parse
from feeds.tennis.simulation.packets import INVENTED, Scribe, abandoned, alarm, not_started, unknown
from markets.domain.sports import tennis_rules as rules
from markets.domain.sports.tennis import Kind, Packet, Side, Tennis, reduce
from tests.domain.tennis_ends import legal_end

pytestmark = pytest.mark.modeless

SAMPLES = Path(__file__).parent / "samples"
EVENT = "2026-0580-MS001"
BEGAN = datetime(2026, 11, 20, 9, tzinfo=UTC)
EVENTFUL = Chances(
    let=0.2, fault=0.4, ace=0.2, double=0.2, replay=0.05, challenge=0.1, correction=0.1, violation=0.05, physio=0.3, toilet=0.5, rain=0.02
)
OF_SAMPLE = {
    "umpire-on-court": What.UMPIRE,
    "players-arrive-on-court": What.PLAYERS,
    "warmup": What.WARMUP,
    "in-progress": What.PLAY,
    "point-started": What.POINT,
}


def played(seed: int, chances: Chances = EVENTFUL, **wanted: str) -> list[tuple[Happening, dict[str, Any]]]:
    """A whole match: what happened, and the packet that tells it."""
    random = Random(seed)
    match = Match(plan(random, seed, **wanted), random, chances)  # type: ignore[arg-type]  # draw and scoring are texts
    scribe, at, told = Scribe(match, Random(seed)), BEGAN, []
    for number, happening in enumerate(match.happenings(), 1):
        at += timedelta(seconds=happening.wait)
        told.append((happening, scribe.packet(Happened(at, happening)) | {"seqNum": number}))
    return told


def read(said: dict[str, Any]) -> Packet:
    message = parse(msgspec.json.encode(said), EVENT)
    assert message.notes == ()
    (part,) = message.parts
    assert isinstance(part, Packet)
    return part


def reduced(told: list[tuple[Happening, dict[str, Any]]]) -> Tennis:
    state: Tennis | None = None
    for number, (_, said) in enumerate(told):
        state = reduce(state, read(said), BEGAN + timedelta(seconds=number)).match
    assert state is not None
    return state


def shape(said: object) -> object:
    """Names and kinds of values, without the values."""
    return {name: shape(value) for name, value in said.items()} if isinstance(said, dict) else type(said)


@pytest.mark.parametrize("sample", OF_SAMPLE)
def test_it_writes_the_documented_packets_name_by_name(sample: str) -> None:
    documented = json.loads((SAMPLES / f"{sample}.json").read_text())
    ours = next(said for happening, said in played(1, draw="MS", scoring="Standard") if happening.what is OF_SAMPLE[sample])
    assert shape(ours) == shape(documented)


def test_it_answers_not_started_word_for_word() -> None:
    assert not_started() == json.loads((SAMPLES / "not-started.json").read_text())


def test_it_pads_the_ids_of_players_as_the_samples_do() -> None:
    card = played(1, draw="MD")[0][1]["matchStatus"]
    ids = [card[team][f"player{n}Id"] for team in ("teamAPlayersDetails", "teamBPlayersDetails") for n in (1, 2)]
    assert all(len(one) == 6 and one.endswith("  ") for one in ids)
    assert len({one.strip() for one in ids}) == 4


@pytest.mark.parametrize("scoring", rules.KINDS)
@pytest.mark.parametrize("draw", ["LS", "MD"])
def test_it_plays_every_scoring_type_to_a_legal_end_that_our_reducer_reaches(scoring: str, draw: str) -> None:
    told = played(7, scoring=scoring, draw=draw)
    last = told[-1][0]
    assert legal_end(last.play.format, last.score)
    state = reduced(told)
    assert (state.score, state.applied, state.ended, state.outcome, state.unknown) == (last.score, len(told), True, "finished", "")
    assert state.card.scoring == scoring


def test_it_tells_all_kinds_of_packets_and_states_and_every_one_is_read_without_a_note() -> None:
    told = [one for seed in range(1, 13) for one in played(seed)]
    assert {happening.what for happening, _ in told} == set(What)
    kinds = Counter(read(said).kind for _, said in told)
    assert set(kinds) == set(Kind) - {Kind.ALARM, Kind.UNDO, Kind.FINISHED, Kind.UNRECOGNISED}
    assert read(alarm(3, BEGAN, BEGAN)).kind is Kind.ALARM
    assert read(abandoned(BEGAN) | {"seqNum": 9}).kind is Kind.FINISHED
    assert read(unknown(BEGAN) | {"seqNum": 9}).kind is Kind.UNRECOGNISED


def test_every_score_on_the_wire_is_the_score_on_court() -> None:
    scored = [(happening, read(said)) for happening, said in played(3) if happening.what is What.SCORED]
    assert len(scored) > 60
    for happening, packet in scored:
        assert (packet.score, packet.scored_by, packet.server) == (happening.score, happening.side, happening.server)


def test_it_serves_in_turn_in_doubles_with_the_member() -> None:
    servers = [read(said).server for happening, said in played(5, draw="MD", scoring="ProSet") if happening.what is What.POINT]
    seen = list(dict.fromkeys(servers))
    assert len(seen) == 4
    assert [one.side for one in seen if one] in ([Side.A, Side.B] * 2, [Side.B, Side.A] * 2)
    assert {one.member for one in seen if one} == {1, 2}


def test_it_marks_the_words_that_it_invents() -> None:
    states = [said["matchStatus"]["matchState"] for _, said in played(2) if "matchStatus" in said]
    assert {state["state"] for state in states if "invented" in state} >= {"Finished", "ChallengeInProgress"}
    for state in states:
        assert ("invented" in state) == bool(INVENTED & {state["state"], *state})


def test_a_correction_gives_the_last_right_keystroke_again_and_then_play_goes_on() -> None:
    told = [one for seed in range(1, 6) for one in played(seed)]
    at = next(n for n, (happening, _) in enumerate(told) if happening.what is What.CORRECTION)
    wrong, _, right, again, goes_on = (happening for happening, _ in told[at - 1 : at + 4])
    assert (wrong.what, right.what, again.what, goes_on.what) == (What.SCORED, What.SCORED, What.SCORED, What.PLAY)
    assert wrong.score != right.score == again.score
    assert wrong.side != right.side


def test_a_retired_match_ends_without_a_winner_by_score() -> None:
    told = played(4, Chances(retire=1.0))
    state = reduced(told)
    assert (state.ended, state.outcome) == (True, "retired")


def test_the_same_seed_plays_the_same_match_and_another_another() -> None:
    assert played(8) == played(8)
    assert played(8) != played(9)
