"""What holds for every match and every way its packets may come (decisions T2, T4, T6; promises A1, A6, A9)."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from markets.domain import facts
from markets.domain.sports.tennis import Card, Games, Kind, Packet, Score, Server, Side, Tennis, closed_words, reduce
from markets.domain.sports.tennis_reducer import is_live
from markets.domain.sports.tennis_rules import KINDS, NO_LAST_TIE_BREAK, format_of, point, start
from tests.domain.says import at
from tests.domain.tennis_ends import legal_end
from tests.domain.umpire import CARD, Umpire, replayed, whole_match

SCORINGS = st.sampled_from(sorted(KINDS))
WINNERS = st.lists(st.sampled_from(list(Side)), min_size=0, max_size=60)


@settings(deadline=None, max_examples=60)
@given(
    SCORINGS, st.sampled_from([1, 3, 5]), st.sampled_from(["TieBreakInFinalSet", NO_LAST_TIE_BREAK]), st.booleans(), st.randoms()
)  # fmt: skip
def test_any_legal_match_ends_with_a_legal_score_and_only_then(scoring: str, sets: int, tie_break: str, doubles: bool, random: Any) -> None:
    format = format_of(scoring, sets, tie_break)
    assert format is not None
    umpire = Umpire(replace(CARD, scoring=scoring, sets=sets, tie_break=tie_break)).begins()
    strength = random.uniform(0.3, 0.7)
    play = start(format, Side.A, doubles)
    while not play.over:
        after = point(play, Side.A if random.random() < strength else Side.B)
        umpire.says(Kind.POINT_STARTED, server=play.server)
        assert not umpire.open
        umpire.says(Kind.SCORED, server=play.server, next_server=after.server, score=after.score)
        assert umpire.last is not None
        assert not umpire.last.undone
        assert (umpire.open, umpire.now.ended) == (not after.over, after.over)
        assert umpire.now.server == after.server
        play = after
    assert legal_end(format, umpire.now.score)


def told(match: Tennis) -> Any:
    """Everything but the numbers of the packets, our times and what is counted of them."""
    left_out = {"applied", "points", "points_seen", "point_at", "suspended_seconds", "settled_at", "calm_at", "course"}
    return {name: getattr(match, name) for name in Tennis.__struct_fields__ if name not in left_out and not name.endswith("_kept")}


@settings(deadline=None, max_examples=80)
@given(WINNERS, st.data())
def test_t6_undo_then_replay_equals_never_having_erred(winners: list[Side], data: st.DataObject) -> None:
    format = format_of("Standard", 3)
    assert format is not None
    straight, erring = Umpire().begins(), Umpire().begins()
    play = start(format, Side.A)
    for by in winners:
        if play.over:
            break
        after = point(play, by)
        straight.says(Kind.POINT_STARTED, server=play.server, next_server=play.server)
        straight.says(Kind.SCORED, server=play.server, next_server=after.server, score=after.score, scored_by=by)
        erring.says(Kind.POINT_STARTED, server=play.server, next_server=play.server)
        if data.draw(st.booleans(), "errs"):
            wrong = point(play, Side.B if by is Side.A else Side.A)
            erring.says(Kind.SCORED, server=play.server, next_server=wrong.server, score=wrong.score, scored_by=by)
            erring.state("CorrectionMode")
            assert not erring.open
            _corrected(erring, play.score, play.server, data.draw(st.sampled_from(["undo", "again"]), "how"))
        erring.says(Kind.SCORED, server=play.server, next_server=after.server, score=after.score, scored_by=by)
        if erring.now.correcting:
            assert not erring.open
            erring.says(Kind.SCORED, server=play.server, next_server=after.server, score=after.score, scored_by=by)
        assert told(erring.now) == told(straight.now)
        assert erring.open is straight.open
        play = after


def _corrected(umpire: Umpire, before: Score, server: Server, how: str) -> None:
    if how == "undo":
        umpire.says(Kind.UNDO, score=before)
        assert not umpire.open
        umpire.says(Kind.POINT_STARTED, server=server, next_server=server)


@settings(deadline=None, max_examples=80)
@given(WINNERS, st.randoms())
def test_a6_duplicated_and_reordered_packets_change_nothing(winners: list[Side], random: Any) -> None:
    format = format_of("StandardWithNoAdv", 3)
    assert format is not None
    umpire = Umpire(replace(CARD, scoring="StandardWithNoAdv")).begins()
    whole_match(umpire, format, winners)
    muddled = umpire.packets + random.choices(umpire.packets, k=len(umpire.packets) // 3)
    random.shuffle(muddled)
    assert replayed(muddled) == replayed(umpire.packets)


GAMES = st.builds(Games, st.integers(0, 8), st.integers(0, 8))
SCORES = st.builds(
    Score,
    st.sampled_from(["0", "15", "30", "40", "A", "7", "x", ""]),
    st.sampled_from(["0", "15", "30", "40", "A", "11"]),
    st.just("StandardGame"),
    GAMES,
    st.lists(GAMES, max_size=3).map(tuple),
    st.builds(Games, st.integers(0, 2), st.integers(0, 2)),
)
STATES = st.sampled_from(
    [
        "NotStarted", "Warmup", "InProgress", "Unsuspended", "Suspended", "ChallengeInProgress", "CorrectionMode", "ToiletBreak",
        "MedicalTreatment", "Retire", "Finished", "Interrupted", "",
    ]
)  # fmt: skip
PACKETS = st.builds(
    Packet,
    seq=st.one_of(st.none(), st.integers(0, 5)),
    kind=st.sampled_from(list(Kind)),
    kind_text=st.text(max_size=5),
    at=st.one_of(st.none(), st.integers(0, 100).map(at)),
    delay=st.sampled_from(["", "", "", "DELAYED"]),
    server=st.one_of(st.none(), st.builds(Server, st.sampled_from(list(Side)), st.sampled_from([None, 1, 2]))),
    card=st.one_of(st.none(), st.builds(Card, sets=st.sampled_from([None, 1, 3]), scoring=st.sampled_from(["", "Standard", "Odd"]))),
    state=STATES,
    score=st.one_of(st.none(), SCORES),
    team=st.one_of(st.none(), st.sampled_from(list(Side))),
    reason=st.text(max_size=5),
    jumped=st.booleans(),
)


@settings(deadline=None, max_examples=120)
@given(st.lists(PACKETS, max_size=30))
def test_whatever_comes_a_match_is_open_only_on_a_live_word_between_points(packets: list[Packet]) -> None:
    match: Tennis | None = None
    for number, packet in enumerate(packets):
        before, match = match, reduce(match, packet, at(number)).match
        assert match.between_points is (closed_words(match) == "")
        assert facts.tennis_from(facts.encode(match)) == match
        if match.between_points:
            assert match.settled_kept is not None
            assert match.settled_kept <= at(number)
            assert not any((match.in_point, match.alarm, match.unknown, match.correcting, match.ended))
            assert match.live
            assert match.started
            assert match.state in {"InProgress", "Unsuspended"}
            assert is_live(packet)
        if before is not None and before.started:
            assert match.started, "started is never taken back"
        if packet.kind in {Kind.POINT_STARTED, Kind.ALARM, Kind.FAULT, Kind.LET}:
            assert not match.between_points


@given(PACKETS)
def test_whatever_comes_can_be_stored(packet: Packet) -> None:
    for entry in reduce(None, packet, at(1)).entries:
        assert msgspec.json.decode(msgspec.json.encode(entry))["words"] == entry.words
