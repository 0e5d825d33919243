"""The state machine of one match's stream, without I/O: positions, holes, refusals, states (T1, T2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import Hopeless, NotYet, Refused, Retryable
from feeds.outgoing import Line, Read
from feeds.tennis.protocol import Habits, MatchStream
from feeds.transport.backoff import Backoff
from feeds.transport.ws import Closed

pytestmark = pytest.mark.modeless

REF = "2026-0540-MS001"


def packet(seq: Any, kind: str = "PointScored", **more: Any) -> bytes:
    return json.dumps({"eventElementType": kind, "seqNum": seq, **more}).encode()


def opened(position: int | None = None, **habits: Any) -> MatchStream:
    """Open since second 0."""
    stream = MatchStream(REF, position, Habits(**habits))
    stream.opened(0.0)
    return stream


def keep(stream: MatchStream, *bodies: bytes, now: float = 1.0) -> list[Read]:
    """Receive and keep each."""
    reads = []
    for body in bodies:
        reads.append(stream.received(body, now))
        stream.kept(reads[-1])
    return reads


def shown(stream: MatchStream, now: float = 5.0) -> tuple[Line, int | None]:
    report = stream.report(now)
    return report.state, report.last_seq


def test_it_begins_at_the_beginning_and_goes_on_after_the_last_one_kept() -> None:
    stream = opened()
    assert [stream.start_position] == [None]
    keep(stream, packet(1), packet(2))
    stream.received(packet(3), 1.0)
    assert [stream.start_position] == [3]
    assert shown(stream) == (Line.LIVE, 3)


def test_it_counts_as_live_only_once_it_has_caught_up() -> None:
    stream = opened(7, settle_seconds=1.0)
    keep(stream, packet(8), now=0.1)
    assert shown(stream, 0.9)[0] is Line.CONNECTING
    assert shown(stream, 1.1)[0] is Line.LIVE


def test_nothing_said_yet_is_not_live() -> None:
    assert shown(opened(7))[0] is Line.CONNECTING


def test_not_started_waits_and_moves_to_the_first_packet() -> None:
    stream = opened()
    keep(stream, packet(0, "MatchStatusUpdate"))
    assert (shown(stream), stream.start_position) == ((Line.WAITING, 0), 1)
    assert keep(stream, packet(1))[0].trouble is None
    assert shown(stream) == (Line.LIVE, 1)


def test_t2_an_alarm_moves_nothing_and_is_urgent_whatever_its_number() -> None:
    stream = opened()
    reads = keep(stream, packet(1), packet(500, "Alarm"), packet(2))
    assert [(r.seq, r.urgent, r.advances, r.trouble) for r in reads] == [(1, False, 1, None), (None, True, None, None), (2, False, 2, None)]


@pytest.mark.parametrize("seq", [1, 3, 9, None, "x"])
def test_t2_point_started_is_urgent_whatever_its_number(seq: object) -> None:
    stream = opened(3)
    assert stream.received(packet(seq, "PointStarted"), 1.0).urgent


def test_a_hole_is_kept_and_asked_for_again_from_its_beginning() -> None:
    stream = opened()
    *_, beyond = keep(stream, packet(1), packet(4))
    assert (beyond.keep, beyond.seq, beyond.advances) == (True, 4, None)
    assert isinstance(beyond.trouble, Retryable)
    assert stream.start_position == 2
    stream.lost(beyond.trouble)
    assert shown(stream)[0] is Line.GAP
    stream.opened(6.0)
    keep(stream, packet(2), packet(3), packet(4), now=6.1)
    assert shown(stream, 8.0) == (Line.LIVE, 4)
    assert stream.report(8.0).gaps == 1


def test_several_packets_beyond_a_hole_are_one_question() -> None:
    stream = opened(gap_tries=2)
    keep(stream, packet(1), packet(4), packet(5), packet(6))
    stream.opened(2.0)
    assert keep(stream, packet(4), packet(5))[0].trouble is not None
    stream.opened(3.0)
    assert keep(stream, packet(4), packet(5))[0].trouble is None
    assert stream.report(4.0).gaps == 1


def test_a_hole_asked_for_often_enough_is_passed_over_and_shown_for_a_while() -> None:
    stream = opened(gap_tries=1, gap_seconds=30)
    (trouble,) = [r.trouble for r in keep(stream, packet(1), packet(3)) if r.trouble]
    stream.lost(trouble)
    stream.opened(2.0)
    assert keep(stream, packet(3), packet(4), now=2.0)[1].trouble is None
    assert (stream.start_position, shown(stream, 20.0)[0], shown(stream, 33.0)[0]) == (5, Line.GAP, Line.LIVE)


def test_a_replay_of_what_is_kept_is_borne() -> None:
    stream = opened(50)
    assert not any(r.trouble for r in keep(stream, *(packet(n) for n in range(1, 53))))
    assert stream.start_position == 53


def test_a_number_that_goes_back_with_other_content_is_trouble_and_a_repeat_is_none() -> None:
    stream = opened()
    reads = keep(stream, packet(1), packet(2), packet(1), packet(1, other=True))
    assert [r.trouble is not None for r in reads] == [False, False, False, True]


@pytest.mark.parametrize(
    "answer",
    [
        {"authorised": False, "reason": "bad token"},
        {"authorized": "false", "reason": "bad token"},
        {"Authorised": 0, "reason": "bad token"},
        {"error": "bad token", "status": 401},
        {"reason": "bad token"},
    ],
)
def test_an_answer_that_is_a_no_is_refused_with_its_reason(answer: dict[str, Any]) -> None:
    read = opened().received(json.dumps(answer).encode(), 0.1)
    assert isinstance(read.trouble, Refused)
    assert "bad token" in read.trouble.words
    assert not read.keep


@pytest.mark.parametrize(
    "answer", [{"authorised": True, "reason": ""}, {"authorized": "true"}, {}, {"status": "ok"}, {"message": "welcome"}]
)
def test_any_other_answer_lets_us_in(answer: dict[str, Any]) -> None:
    stream = opened(3)
    assert stream.received(json.dumps(answer).encode(), 0.1) == Read(False)
    assert stream.steady(2.0)


def test_t1_what_a_heartbeat_is_is_a_setting() -> None:
    stream = opened(heartbeat_types=("KeepAlive",))
    assert not stream.received(packet(9, "KeepAlive"), 0.1).keep
    assert opened(heartbeat_without=("seqNum",)).received(b'{"eventElementType": "Tick"}', 0.1) == Read(False)


@pytest.mark.parametrize("code", [1008, 3000, 4401, 4403])
def test_a_close_before_anything_was_said_is_a_refusal(code: int) -> None:
    stream = opened()
    assert isinstance(stream.lost(Closed(code, "")), Refused)
    assert shown(stream)[0] is Line.REFUSED


@pytest.mark.parametrize(
    ("trouble", "line"),
    [(NotYet("204"), Line.WAITING), (Retryable("gone"), Line.LOST), (Refused("401"), Line.REFUSED), (Hopeless("TLS"), Line.REFUSED)],
)
def test_each_trouble_has_its_state(trouble: Any, line: Line) -> None:
    stream = opened()
    keep(stream, packet(1))
    stream.lost(trouble)
    assert (shown(stream)[0], stream.report(5.0).words) == (line, trouble.words)


@given(
    st.lists(
        st.binary(max_size=40)
        | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
    )
)
def test_it_never_raises_and_never_moves_for_content(bodies: list[bytes]) -> None:
    stream = opened(3)
    for body in bodies:
        stream.kept(stream.received(body, 1.0))
        stream.report(2.0)
    assert stream.start_position == 4


@given(st.lists(st.integers(0, 12), max_size=60), st.randoms())
def test_whatever_the_order_only_unbroken_numbers_move_the_position(numbers: list[int], random: Any) -> None:
    stream = opened(gap_tries=1_000)
    kept: set[int] = set()
    for n in numbers:
        read = stream.received(packet(n), 1.0)
        kept.add(n)
        stream.kept(read)
        if read.trouble:
            stream.lost(read.trouble)
            stream.opened(1.0)
    position = stream.start_position
    assert position is None or set(range(1, position)) <= kept


def test_waits_grow_and_differ() -> None:
    waits = Backoff(1.0, 30.0)
    found = [waits.next() for _ in range(8)]
    assert all(
        low <= wait <= high for wait, low, high in zip(found, [0.5, 1, 2, 4, 8, 15, 15, 15], [1, 2, 4, 8, 16, 30, 30, 30], strict=True)
    )
    assert len({Backoff(1.0).next() for _ in range(20)}) > 10
