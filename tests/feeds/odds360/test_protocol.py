"""The ways in of one match, without I/O: roads, re-reads, leases, what is kept (O2, A3, A5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import Absent, Gone, Hopeless, Refused, Retryable, Trouble
from feeds.odds360.leg import PUSHING, Habits, Road
from feeds.odds360.protocol import STREAMS, MatchLink
from feeds.odds360.revisions import UNTOLD, Revision
from feeds.odds360.subjects import Kind
from feeds.outgoing import Line
from feeds.transport.ws import Closed

pytestmark = pytest.mark.modeless
ROADS = (*PUSHING, Road.POLL)
HABITS = Habits()
ODDS = {"fullTime": {"winner": {"home": 1.85, "away": 1.95}}}


def frame(type_: str, **fields: Any) -> bytes:
    return json.dumps({"type": type_, "matchId": 1, **fields}).encode()


def played(now: float = 0.0, *, opened: bool = True) -> MatchLink:
    """A live match with both streams open by WebSocket and one good payload, at ``now``."""
    link = MatchLink("1", HABITS, ROADS)
    link.live(now)
    if opened:
        for kind in STREAMS:
            link.opened(kind, Road.WEBSOCKET, now)
    reread(link, now)
    return link


def reread(link: MatchLink, now: float, content: bytes = b"same") -> bool:
    """A good answer at once; whether it was kept."""
    link.asked(now)
    if link.overtaken(UNTOLD, now):
        return False
    news = link.news(content)
    link.answered(content)
    return news


def holds(link: MatchLink, now: float) -> bool:
    """As the gate judges (O2): the lease runs, and there were data within a minute."""
    vital = link.vital(now)
    leased = vital.heard_at is not None and vital.lease_seconds is not None and now <= vital.heard_at + vital.lease_seconds
    return leased and vital.data_at is not None and now <= vital.data_at + HABITS.live_data


def test_a_match_on_websockets_holds_for_ten_seconds_after_the_last_sign_of_life() -> None:
    link = played()
    for leg in link.legs.values():
        leg.alive(30.0)
    assert holds(link, 39.9)
    assert not holds(link, 40.1)
    assert link.report(39.9).state is Line.LIVE
    assert link.report(40.1).state is not Line.LIVE


def test_the_stream_that_was_heard_less_lately_decides() -> None:
    link = played()
    link.legs[Kind.UPDATES].alive(9.0)
    assert not holds(link, 11.0)


def test_no_data_for_a_minute_closes_though_pings_are_answered() -> None:
    link = played()
    for leg in link.legs.values():
        leg.alive(60.0)
    assert holds(link, 59.9)
    assert not holds(link, 60.5)
    link.received(Kind.UPDATES, frame("update", odds=ODDS), 60.5)
    link.kept(Kind.UPDATES, 60.5)
    assert holds(link, 61.0)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"nonsense {",
        b'{"info": 1}',
        b'{"type": "BEAT"}',
        b'{"type": "update", "matchId": 1}',
        b'{"type": "update", "matchId": 1, "odds": {}}',
        b'{"type": "update", "matchId": 1, "odds": {"fullTime": 7}}',
        b'{"type": "update", "matchId": 1, "odds": {"fullTime": {"winner": {"home": "?"}}}}',
        b'{"type": "update", "matchId": 9, "odds": {"fullTime": {"winner": {"home": 1.85}}}}',
        b'{"type": "whatever", "matchId": 1, "odds": {"fullTime": {"winner": {"home": 1.85}}}}',
    ],
)
def test_o2_only_odds_that_can_be_read_are_data(body: bytes) -> None:
    link = played()
    link.received(Kind.UPDATES, body, 59.0)
    link.kept(Kind.UPDATES, 59.0)
    for leg in link.legs.values():
        leg.alive(60.5)
    assert not holds(link, 60.5)


@pytest.mark.parametrize("type_", ["update", "snapshot", None])
def test_o2_odds_by_a_stream_are_data(type_: str | None) -> None:
    link = played()
    link.received(Kind.UPDATES, json.dumps({"type": type_, "matchId": 1, "odds": ODDS}).encode(), 59.0)
    link.kept(Kind.UPDATES, 59.0)
    for leg in link.legs.values():
        leg.alive(60.5)
    assert holds(link, 60.5)


def test_an_event_stream_lives_by_its_bytes_or_by_rereads() -> None:
    link = played(opened=False)
    for kind in STREAMS:
        link.opened(kind, Road.EVENTS, 0.0)
    assert holds(link, 9.9)
    assert not holds(link, 10.1)
    reread(link, 8.0)
    assert holds(link, 17.9)
    assert not holds(link, 18.1)


def test_polling_counts_for_two_intervals() -> None:
    link = played(opened=False)
    assert holds(link, 2 * HABITS.poll)
    assert not holds(link, 2 * HABITS.poll + 0.1)


def test_before_the_match_a_good_read_counts_for_five_minutes() -> None:
    link = MatchLink("1", HABITS, ROADS)
    assert link.due_at(5.0) == 5.0
    reread(link, 5.0)
    vital = link.vital(6.0)
    assert (vital.heard_at, vital.lease_seconds, vital.data_at, vital.road) == (5.0, 300.0, 5.0, "pre-match")
    assert link.due_at(6.0) == 125.0


def test_a_live_match_is_read_again_within_25_seconds_and_at_once_after_a_stream_opens_or_ends() -> None:
    link = played()
    assert 0 < link.due_at(0.0) <= 25.0
    link.lost(Kind.UPDATES, Closed(1006, ""), 3.0)
    assert link.due_at(3.0) == 3.0
    reread(link, 3.0)
    assert link.due_at(3.0) == 3.0 + HABITS.poll
    link.opened(Kind.UPDATES, Road.WEBSOCKET, 4.0)
    assert link.due_at(4.0) == 4.0


def test_a_silent_event_stream_is_read_again_at_the_interval_of_polling() -> None:
    link = played(opened=False)
    for kind in STREAMS:
        link.opened(kind, Road.EVENTS, 0.0)
    reread(link, 0.0)
    assert link.due_at(0.0) == HABITS.poll
    for leg in link.legs.values():
        leg.alive(4.0)
    assert link.due_at(4.0) == 4.0 + HABITS.poll


def test_a_road_that_fails_twice_gives_way_to_the_next_and_is_tried_again_later() -> None:
    leg = MatchLink("1", HABITS, ROADS).legs[Kind.UPDATES]
    seen = [leg.road]
    for now in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        leg.failed(Retryable("no"), now)
        seen.append(leg.road)
    ws, sse, poll = ROADS
    assert seen == [ws, ws, sse, sse, poll, poll, poll]
    assert leg.better() == (ws, sse)
    assert leg.better_at is not None
    assert leg.better_at > 4.0
    first = leg.better_at
    leg.not_better(Retryable("no"), first)
    assert leg.better_at - first > HABITS.better_after
    leg.opened(Road.WEBSOCKET, 100.0)
    assert leg.road is ws
    assert leg.better() == ()


@pytest.mark.parametrize("trouble", [Refused("401"), Absent("404"), Gone("404"), Hopeless("no websocket there")])
def test_what_waiting_does_not_mend_gives_way_at_once(trouble: Trouble) -> None:
    leg = MatchLink("1", HABITS, ROADS).legs[Kind.UPDATES]
    leg.failed(trouble, 1.0)
    assert leg.road is Road.EVENTS


def test_a_connection_that_lasted_is_no_failure_of_its_road() -> None:
    link = played()
    for n in range(5):
        link.lost(Kind.UPDATES, Closed(1001, "going away"), 10.0 * n + 9)
        link.opened(Kind.UPDATES, Road.WEBSOCKET, 10.0 * n + 10)
    assert link.legs[Kind.UPDATES].road is Road.WEBSOCKET


def test_beats_are_not_kept_and_everything_else_is() -> None:
    link = played()
    assert not link.received(Kind.UPDATES, frame("beat", seq=1), 1.0).keep
    for body in (b"nonsense {", b'"text"', b"[]", b"{}", frame("update"), frame("whatever"), b"\xff\x00"):
        assert link.received(Kind.UPDATES, body, 1.0).keep, body
    assert link.received(Kind.OVERRIDES, b"\x00", 1.0, text=False).keep


SHUT = {"fullTime": {"winner": {"home": {"value": 1.7, "suspended": True}}}}


@pytest.mark.parametrize(
    "said", [{"odds": SHUT}, {"suspended": True}, {"override": [{"oddKey": "winner#home"}]}, {"markets": {"winner": {}}}]
)
def test_a9_a_beat_that_says_something_of_prices_is_kept(said: dict[str, Any]) -> None:
    assert played().received(Kind.UPDATES, frame("beat", **said), 1.0).keep


@pytest.mark.parametrize("said", [{}, {"odds": {}}, {"odds": {"fullTime": {"winner": {"home": {"validForMs": 900}}}}}, {"override": []}])
def test_a_beat_that_says_how_long_prices_may_be_believed_is_not_kept(said: dict[str, Any]) -> None:
    assert not played().received(Kind.UPDATES, frame("beat", validForMs=2000, now="2026-11-20T09:00:00Z", **said), 1.0).keep


def test_a3_a_socket_that_sent_beats_and_sends_none_any_more_is_down_though_it_answers_pings() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("beat", seq=1), 1.0)
    link.legs[Kind.UPDATES].alive(9.0)
    link.legs[Kind.OVERRIDES].alive(9.0)
    assert link.legs[Kind.UPDATES].silent_at() == 11.0
    assert not holds(link, 11.5)


@pytest.mark.parametrize(
    ("frames", "missing"),
    [
        ([frame("snapshot", seq=4), frame("update", seq=5, prevSeq=4)], False),
        ([frame("snapshot", seq=4), frame("update", seq=6, prevSeq=5)], True),
        ([frame("snapshot", seq=4), frame("update", seq=6)], True),
        ([frame("snapshot", seq=4), frame("beat", seq=4, prevSeq=4), frame("update", seq=5, prevSeq=4)], False),
        ([frame("snapshot", seq=4), frame("beat", seq=5, prevSeq=5)], True),
        ([frame("snapshot", seq=4), frame("beat", seq=5, prevSeq=4), frame("update", seq=6, prevSeq=5)], False),
        ([frame("snapshot", seq=4), frame("update", seq=5, prevSeq=4), frame("update", seq=5, prevSeq=4)], False),
        ([frame("update", seq=9, prevSeq=8)], False),
        ([frame("snapshot", seq=4), frame("snapshot", seq=9, prevSeq=None)], False),
        ([frame("update"), frame("update", seq="5"), frame("update", seq="6")], False),
        ([frame("update", seq="5"), frame("update", seq="7")], True),
        ([frame("update", seq=True), frame("update", seq=[]), frame("update", seq=5)], False),
        ([frame("snapshot", seq=4), frame("ping"), frame("beat", seq=None), frame("update", seq=5, prevSeq=4)], False),
        ([frame("snapshot", seq=4), frame("update", seq=5, prevSeq=2)], True),
    ],
)
def test_a5_numbers_that_jump_are_a_hole_until_the_payload_came(frames: list[bytes], missing: bool) -> None:
    link = played()
    for one in frames:
        link.received(Kind.UPDATES, one, 1.0)
    assert bool(link.missing) is missing
    if missing:
        assert link.report(1.0).gaps == 1
        link.gap_opened()
        assert not link.missing
        assert link.due_at(2.0) == 2.0
        assert reread(link, 2.0), "kept although it says what the last one said: it is the newer message"


@pytest.mark.parametrize(
    "body",
    [
        frame("update", odds=ODDS),
        frame("update", seq=None, prevSeq=4),
        frame("suspend"),
        frame("snapshot", odds=ODDS),
        b"nonsense {",
        b"[]",
    ],
)
@pytest.mark.parametrize("kind", STREAMS)
def test_a5_a_frame_without_a_number_on_a_stream_that_counts_is_a_hole_of_its_own(kind: Kind, body: bytes) -> None:
    link = played()
    link.received(kind, frame("snapshot", seq=4), 1.0)
    link.answered(b"same")
    read = link.received(kind, body, 59.0)
    link.kept(kind, 59.0)
    assert (read.keep, read.unplaced, read.trouble, link.missing) == (True, True, None, "")
    assert (link.due_at(59.0), link.report(59.0).gaps) == (59.0, 1)
    assert link.vital(59.0).data_at == 0.0, "it may be older than what is known"
    assert reread(link, 59.0), "kept although it says what the last one said"
    assert not link.received(kind, frame("update", seq=5, prevSeq=4), 60.0).unplaced
    assert not link.missing
    link.received(kind, frame("update", seq=7, prevSeq=6), 61.0)
    assert "missing before number 7" in link.missing


def test_a_stream_that_never_counts_has_no_holes() -> None:
    link = played()
    for kind in STREAMS:
        for n in range(3):
            read = link.received(kind, frame("update", at=n), 1.0)
            assert (read.keep, read.unplaced, link.missing) == (True, False, "")


AHEAD = frame("update", seq=101, prevSeq=100)


@pytest.mark.parametrize(
    "late",
    [
        frame("update", seq=90, prevSeq=89, odds=ODDS),
        frame("update", seq="90", prevSeq="89", odds=ODDS),
        frame("update", seq=90.0, odds=ODDS),
        frame("update", seq=True, odds=ODDS),
        frame("update", seq=-1, odds=ODDS),
        frame("update", seq=101, prevSeq=100, odds=ODDS),
        frame("snapshot", seq=90, odds=ODDS),
        frame("snapshot", seq=101, odds=ODDS),
        frame("beat", seq=90, prevSeq=90),
        frame("update", seq=2**62, odds=ODDS),
        frame("snapshot", seq=2**62, odds=ODDS),
        frame("beat", seq=2**62, prevSeq=2**62),
        frame("update", seq=90, note="\ud800", odds=ODDS),
        json.dumps({"seq": 90, "matchId": 1, "odds": ODDS}).encode(),
    ],
)
@pytest.mark.parametrize("text", [True, False])
def test_a6_a_frame_whose_number_does_not_follow_is_not_kept_and_the_payload_is_asked_for(late: bytes, text: bool) -> None:
    link = played()
    link.received(Kind.UPDATES, AHEAD, 1.0)
    read = link.received(Kind.UPDATES, late, 1.0, text=text)
    assert (read.keep, isinstance(read.trouble, Retryable), bool(link.missing)) == (False, True, True)
    assert link.due_at(1.0) == 1.0


def test_a6_the_very_frame_that_came_before_is_neither_kept_nor_a_hole() -> None:
    link = played()
    before = frame("update", seq=100, prevSeq=99)
    for body in (before, AHEAD):
        assert link.received(Kind.UPDATES, body, 1.0).keep
    for body in (AHEAD, before):
        read = link.received(Kind.UPDATES, body, 1.0)
        assert (read.keep, read.trouble, link.missing) == (False, None, "")


def test_a5_a_wild_number_hides_no_later_hole() -> None:
    link = played()
    link.received(Kind.UPDATES, AHEAD, 1.0)
    link.received(Kind.UPDATES, frame("beat", seq=2**62, prevSeq=2**62), 1.0)
    assert link.missing
    link.gap_opened()
    assert link.received(Kind.UPDATES, frame("update", seq=103, prevSeq=102), 1.0).keep
    assert link.missing


def test_a_new_connection_counts_anew() -> None:
    link = played()
    link.received(Kind.UPDATES, AHEAD, 1.0)
    link.lost(Kind.UPDATES, Closed(1006, ""), 2.0)
    link.opened(Kind.UPDATES, Road.WEBSOCKET, 3.0)
    assert link.received(Kind.UPDATES, frame("snapshot", seq=7), 3.0).keep
    assert link.received(Kind.UPDATES, frame("update", seq=8, prevSeq=7), 3.0).keep
    assert not link.missing


def test_an_unchanged_payload_is_kept_once_and_again_after_a_frame_or_a_gap() -> None:
    link = played()
    assert not reread(link, 20.0)
    assert reread(link, 40.0, b"other")
    assert not reread(link, 60.0, b"other")
    link.received(Kind.UPDATES, frame("update"), 61.0)
    link.kept(Kind.UPDATES, 61.0)
    assert reread(link, 80.0, b"other"), "the frame may have said something that the payload takes back"
    link.gap_opened()
    assert reread(link, 100.0, b"other")


def test_an_answer_that_a_frame_has_overtaken_never_counts_and_the_first_that_none_overtakes_does() -> None:
    link = played()
    due = []
    for n in range(0, 10, 2):
        link.asked(20.0 + n)
        link.received(Kind.OVERRIDES, frame("update"), 20.5 + n)
        assert link.overtaken(UNTOLD, 20.6 + n), "nobody can say which was newer"
        due.append(round(link.due_at(20.6 + n) - 20.6 - n, 3))
    assert due == [0.0, 0.0, 1.0, 1.0, 1.0], "at once at first, then less often"
    link.asked(40.0)
    assert not link.overtaken(UNTOLD, 40.1)


OLDER, SAME, HALF, NEWER = Revision(41, 3), Revision(42, 4), Revision(43, 4), Revision(43, 5)


@pytest.mark.parametrize(
    ("frames", "answer", "counts"),
    [
        ([frame("update", revision=42)], Revision(42), False),
        ([frame("update", revision=42)], Revision(43), True),
        ([frame("update", revision=42, bookmakerRevision=4)], OLDER, False),
        ([frame("update", revision=42, bookmakerRevision=4)], SAME, False),
        ([frame("update", revision=42, bookmakerRevision=4)], HALF, False),
        ([frame("update", revision=42, bookmakerRevision=4)], Revision(43), False),
        ([frame("update", revision=42, bookmakerRevision=4)], NEWER, True),
        ([frame("suspend", revision=42, bookmakerRevision=4)], NEWER, False),
        ([frame("suspend", revision=42, bookmakerRevision=3), frame("update", revision=42, bookmakerRevision=4)], NEWER, False),
        ([frame("update", revision=42), frame("update")], NEWER, False),
    ],
)
def test_a6_an_answer_that_frames_have_overtaken_counts_only_if_it_is_beyond_all_they_told_and_none_suspended(
    frames: list[bytes], answer: Revision, counts: bool
) -> None:
    link = played()
    link.asked(20.0)
    for body in frames:
        link.received(Kind.UPDATES, body, 20.5)
    assert link.overtaken(answer, 20.6) is not counts


def test_a6_an_answer_from_before_a_frame_that_could_not_be_used_does_not_count() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("update", seq=5), 19.0)
    reread(link, 19.5)
    link.asked(20.0)
    assert not link.received(Kind.UPDATES, frame("update", seq=3), 20.5).keep
    assert link.overtaken(UNTOLD, 20.6)


def test_a5_an_answer_from_before_a_hole_or_a_gap_was_known_does_not_count() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("update", seq=5), 19.0)
    reread(link, 19.5)
    link.asked(20.0)
    assert not link.received(Kind.UPDATES, frame("beat", seq=7, prevSeq=7), 20.5).keep
    assert link.missing
    assert link.overtaken(UNTOLD, 20.6)
    link.asked(21.0)
    link.gap_opened()
    assert link.overtaken(UNTOLD, 21.5)
    link.asked(22.0)
    assert not link.overtaken(UNTOLD, 22.5)
    assert link.news(b"same")


def test_a6_a_frame_of_an_older_revision_than_its_stream_told_holds_the_match_on_a_new_connection_too() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("update", seq=2, prevSeq=1, revision=20), 10.0)
    link.lost(Kind.UPDATES, Closed(1006, ""), 11.0)
    link.opened(Kind.UPDATES, Road.WEBSOCKET, 12.0)
    reread(link, 12.0)
    assert link.received(Kind.UPDATES, frame("snapshot", seq=1, revision=10), 12.5).unplaced
    assert link.due_at(12.5) == 12.5, "the payload says what holds"
    assert link.received(Kind.UPDATES, frame("update", seq=2, prevSeq=1, revision=19), 12.6).unplaced
    assert not link.received(Kind.UPDATES, frame("update", seq=3, prevSeq=2, revision=20), 12.7).unplaced
    assert link.received(Kind.UPDATES, frame("update", seq=4, prevSeq=3, revision=20, bookmakerRevision=7), 12.8).keep
    assert link.received(Kind.UPDATES, frame("update", seq=5, prevSeq=4, revision=20, bookmakerRevision=6), 12.9).unplaced


def test_a6_a_frame_of_an_older_revision_than_the_payload_holds_the_match() -> None:
    link = played()
    link.asked(20.0)
    assert not link.overtaken(Revision(9), 20.1)
    link.answered(b"nine")
    assert link.received(Kind.UPDATES, frame("update", revision=8), 20.2).unplaced
    assert not link.received(Kind.UPDATES, frame("update", revision=9), 20.3).unplaced


def test_the_streams_count_apart_since_neither_waits_for_the_other() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("update", revision=20), 10.0)
    assert not link.received(Kind.OVERRIDES, frame("update", revision=19, override=[]), 10.1).unplaced


def test_a6_an_answer_behind_what_was_told_never_counts_unless_the_provider_counts_anew_for_as_long_as_data_live() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("update", revision=20), 10.0)
    counted = []
    for n in range(0, 140, 10):
        link.asked(20.0 + n)
        counted.append(not link.overtaken(Revision(3 + n), 20.0 + n) if n else not link.overtaken(Revision(3), 20.0))
        if counted[-1]:
            break
    assert counted == [False, False, True], "3, 13, and 23 is no older"
    late = played()
    late.received(Kind.UPDATES, frame("update", revision=20), 10.0)
    answers = []
    for n in range(0, 70, 10):
        late.asked(20.0 + n)
        answers.append(late.overtaken(Revision(3), 20.0 + n))
        assert answers[-1] is False or late.due_at(20.0 + n) > 20.0 + n, "it is not asked for all the time"
    assert answers == [True] * 6 + [False]
    assert not late.received(Kind.UPDATES, frame("update", revision=4), 81.0).unplaced, "it counts from there on"


def test_a_provider_that_counts_anew_has_to_stay_with_it() -> None:
    link = played()
    link.received(Kind.UPDATES, frame("update", revision=20), 10.0)
    for n in range(0, 200, 10):
        link.asked(20.0 + n)
        assert link.overtaken(Revision(3 if n % 20 else 4), 20.0 + n), "two that answer in turn"
    for n in range(0, 200, 10):
        link.received(Kind.UPDATES, frame("update", revision=20 + n), 300.0 + n)
        link.asked(300.0 + n)
        assert link.overtaken(Revision(3), 300.5 + n), "the streams go on from where they were"


def test_a_match_that_the_provider_does_not_know_holds_nothing() -> None:
    link = played()
    link.asked(1.0)
    link.missed(Gone("127.0.0.1 answers 404"), 5.0, 1.0)
    assert not holds(link, 2.0)
    assert link.report(2.0).state is Line.WAITING
    assert "404" in link.report(2.0).words
    reread(link, 6.0)
    assert holds(link, 6.0)


def test_a_match_that_is_not_known_holds_nothing_from_that_very_instant() -> None:
    link = played()
    link.asked(0.0)
    link.missed(Gone("127.0.0.1 answers 404"), 5.0, 0.0)
    assert not holds(link, 0.0)


def test_a_refusal_is_told_and_a_push_that_goes_on_still_holds() -> None:
    link = played()
    link.asked(1.0)
    link.missed(Refused("refuses the token (401)"), 60.0, 1.0)
    assert link.report(2.0).state is Line.LIVE
    assert "401" in link.report(2.0).words
    assert link.report(30.0).state is Line.REFUSED
    assert link.due_at(2.0) == 61.0


def test_the_loss_of_a_stream_is_a_hole_only_while_no_reread_stands_in_for_it() -> None:
    link = played()
    link.lost(Kind.UPDATES, Closed(1006, ""), 10.0)
    assert link.lost_at(11.0) == 10.0
    reread(link, 12.0)
    assert link.lost_at(13.0) is None
    assert link.lost_at(12.0 + 2 * HABITS.poll + 1) == 12.0 + 2 * HABITS.poll


@pytest.mark.parametrize(
    ("said", "finished"),
    [
        ([{"type": "gone"}], True),
        ([{"type": "gone"}, {"type": "update"}], True),
        ([{"type": "gone"}, {"type": "snapshot", "phase": "live"}], False),
        ([{"status": "finished", "odds": {}}], True),
        ([{"status": {"type": "ended"}}, {"odds": {}}], True),
        ([{"status_type": "finished"}, {"status_type": "live"}], False),
        ([{"type": "update", "phase": "live"}], False),
        ([{"status": "in the coffee break"}], False),
    ],
)
def test_what_has_ended_by_the_last_word_on_it_has_fallen_back_to_no_road(said: list[dict[str, Any]], finished: bool) -> None:
    link = played()
    for one in said:
        link.received(Kind.UPDATES, json.dumps(one).encode(), 1.0)
    link.lost(Kind.UPDATES, Closed(1000, ""), 2.0)
    for now in (2.0, 3.0, 4.0):
        link.legs[Kind.UPDATES].failed(Absent("404"), now)
    assert (link.finished, link.fallen_to()) == (finished, None if finished else Road.POLL)


_kinds = st.sampled_from(STREAMS)
_troubles = st.sampled_from(
    [Retryable("x"), Absent("404"), Refused("401"), Hopeless("no"), Gone("404"), Closed(1006, ""), Closed(4401, "")]
)
_numbers = st.none() | st.integers(0, 30)
_frames = st.builds(
    lambda type_, seq, before: frame(type_, seq=seq, prevSeq=before),
    st.sampled_from(["snapshot", "update", "beat", "suspend", "gone", "else"]),
    _numbers,
    _numbers,
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), _kinds, st.sampled_from(PUSHING)),
        st.tuples(st.just("lose"), _kinds, _troubles),
        st.tuples(st.just("fail"), _kinds, _troubles),
        st.tuples(st.just("frame"), _kinds, _frames | st.binary(max_size=40)),
        st.tuples(st.just("alive"), _kinds, st.none()),
        st.tuples(st.just("good"), st.none(), st.binary(max_size=1)),
        st.tuples(st.just("bad"), st.none(), _troubles),
        st.tuples(st.just("gap"), st.none(), st.none()),
    ),
    max_size=60,
)


@given(_steps, st.lists(st.floats(0.0, 15.0), min_size=60, max_size=60))
def test_whatever_happens_no_lease_outlives_what_was_heard_and_the_next_read_is_always_due(
    steps: list[tuple[str, Any, Any]], pauses: list[float]
) -> None:
    link = MatchLink("1", HABITS, ROADS)
    link.live(0.0)
    now, signs, good = 0.0, dict.fromkeys(STREAMS, -1e9), -1e9
    for (what, kind, thing), pause in zip(steps, pauses, strict=False):
        now += pause
        match what:
            case "open":
                link.opened(kind, thing, now)
                signs[kind] = now
            case "lose" if link.legs[kind].open_on is not None:
                link.lost(kind, thing, now)
            case "fail" if link.legs[kind].open_on is None:
                link.legs[kind].failed(thing, now)
            case "frame" if link.legs[kind].open_on is not None:
                link.received(kind, thing, now)
                link.kept(kind, now)
                signs[kind] = now
            case "alive" if link.legs[kind].open_on is not None:
                link.legs[kind].alive(now)
                signs[kind] = now
            case "good":
                reread(link, now, thing)
                good = now
            case "bad":
                link.asked(now)
                link.missed(thing, 1.0, now)
            case "gap":
                link.gap_opened()
        heard = {k: max(signs[k], good) if link.legs[k].open_on else good for k in STREAMS}
        if holds(link, now):
            assert all(now - at <= max(HABITS.push_lease, 2 * HABITS.poll) for at in heard.values())
        assert (link.report(now).state is Line.LIVE) == holds(link, now)
        assert link.due_at(now) - now <= max(HABITS.live_reread, 1.0)
        for leg in link.legs.values():
            assert leg.road in ROADS
            assert (leg.better_at is None) == (leg.road is Road.WEBSOCKET)
