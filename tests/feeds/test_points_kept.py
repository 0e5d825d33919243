"""Packets of a point feed on their way through the inbox: order, gaps, repeats (A5, A6, B1–B7, F1; decision T2)."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from feeds import accounting, lanes, parking, quarantine
from feeds.keeping import lane_of
from feeds.models import Frame
from feeds.sweep import Sweeper
from markets import db
from markets.domain import facts
from markets.domain.sports.tennis import Tennis
from markets.live import fences
from markets.models import AuditRecord, Fixture, Gap, PointState, Source, SourceLiveness, TimelineEntry
from markets.selectors import points as point_selectors
from markets.services import clearing, doorbell, factstore, ingest, sources
from markets.services.errors import Refused
from tests.feeds import frames, points
from tests.processes import until
from tests.services.world import STAFF

pytestmark = pytest.mark.django_db


def told(event: str = points.EVENT) -> Tennis:
    """The match as the store has it."""
    return facts.tennis_from(PointState.objects.get(fixture__ref=event).state)


def books(slug: str = "umpire") -> dict[str, Any]:
    """The feed's books, checked to balance."""
    (entry,) = [one for one in accounting.accounting() if one["feed"] == slug]
    assert entry["received"] == sum(entry[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending"))
    return entry


def waiting() -> list[int | None]:
    return list(Frame.objects.filter(outcome=None, parked=True).order_by("hint_seq").values_list("hint_seq", flat=True))


def test_b1_a_packet_is_kept_with_its_stream_and_number() -> None:
    source = points.feed()
    body = points.match(most=3)[2]
    (frame_id,) = points.keep(source, body)
    row = Frame.objects.get(pk=frame_id)
    assert bytes(row.body) == body
    assert (row.stream, row.hint_seq, row.hint_fixture, row.parked, row.outcome) == (points.EVENT, 3, points.EVENT, False, None)


def test_it_tells_who_reads_pending_frames_how_far_each_match_has_come_in() -> None:
    source = points.feed()
    packets = points.match(most=5)
    points.keep(source, *packets)
    points.keep(source, packets[0], points.changed(packets[1], seqNum=None), event="2026-0580-LS001")
    assert accounting.pending_of_streams() == {(source.pk, points.EVENT): (5, False), (source.pk, "2026-0580-LS001"): (1, True)}
    assert point_selectors.pending() is not None
    points.drain()
    assert accounting.pending_of_streams() == {}


def test_it_applies_a_whole_match_and_keeps_its_timeline() -> None:
    source = points.feed()
    packets = points.match()
    assert {row.outcome for row in points.send(source, *packets)} == {"applied"}
    match = told()
    assert (match.applied, match.ended) == (len(packets), True)
    assert points.fixture(source).phase == "finished"
    lines = TimelineEntry.objects.filter(fixture__ref=points.EVENT).order_by("pk")
    assert [line.seq for line in lines] == sorted(line.seq or 0 for line in lines)
    assert lines.count() > match.points
    assert books()["applied"] == len(packets)


def test_it_gives_the_fixture_of_a_match_its_names_but_no_public_number() -> None:
    source = points.feed()
    points.send(source, points.live_event())
    row = points.fixture(source)
    assert (row.home_name, row.away_name, row.has_details) == ("Ann Squire", "Ann Rodionov", True)
    assert row.sport is not None
    assert (row.sport.slug, row.match_id) == ("tennis", None)


def test_names_that_change_and_change_back_are_the_first_again() -> None:
    source = points.feed()
    first, other = points.live_event(), points.live_event(b="X0ZZ")
    rows = points.send(source, first, other, first)
    assert {row.outcome for row in rows} == {"applied"}
    details = factstore.feed_state(points.fixture(source).pk).details
    assert details is not None
    assert [player.id for team in details.competitors for player in team.competitors] == ["S0AK", "R09X"]


def test_each_packet_raises_the_revision_of_its_match() -> None:
    source = points.feed()
    packets = points.match(most=6)
    points.send(source, *packets[:4])
    before = points.fixture(source).revision
    points.send(source, packets[4])
    assert points.fixture(source).revision == before + 1


def test_a6_packets_in_any_order_of_arrival_give_the_same_match() -> None:
    packets = points.match(seed=3, most=120)
    ordered = points.feed("ordered")
    points.send(ordered, *packets)
    expected = ingest.feed_hash(ordered.pk)
    for seed in range(3):
        chance = random.Random(seed)
        shuffled = list(packets)
        for start in range(0, len(shuffled), 12):
            part = shuffled[start : start + 12]
            chance.shuffle(part)
            shuffled[start : start + 12] = part
        source = points.feed(f"shuffled-{seed}")
        while shuffled:
            count = chance.choice((1, 2, 5, 40))
            points.send(source, *shuffled[:count], *chance.sample(packets, 2))
            del shuffled[:count]
        assert waiting() == []
        assert ingest.feed_hash(source.pk) == expected
        assert not Gap.objects.filter(source=source).exists()
        assert books(source.slug)["applied"] == len(packets)


def test_a_packet_beyond_a_gap_waits_and_is_applied_when_the_gap_fills() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    first, second = points.send(source, packets[7], packets[8])
    assert (first.outcome, first.parked, first.reason) == (None, True, "number 8 waits for those before it")
    assert waiting() == [8, 9]
    assert told().applied == 5
    points.send(source, packets[6])
    assert waiting() == [7, 8, 9]
    points.send(source, packets[5])
    assert waiting() == []
    assert told().applied == 9
    second.refresh_from_db()
    assert (second.outcome, second.parked, second.reason) == ("applied", False, "")
    assert not Gap.objects.exists()


def test_b5_what_is_parked_is_pending_but_no_backlog_of_the_feed() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    ids = points.keep(source, *packets[7:])
    points.drain()
    points.wait(*ids, seconds=20)
    entry = books()
    assert (entry["pending"], entry["oldestPendingMs"], entry["applied"]) == (3, None, 5)
    assert accounting.oldest_pending() == {}
    assert accounting.pending_of_streams() == {(source.pk, points.EVENT): (10, False)}
    points.send(source, *packets[5:7])
    assert books()["pending"] == 0
    assert SourceLiveness.objects.get(source=source).slow_until is None


def test_a4_a_taken_up_packet_counts_as_late_from_when_its_gap_was_filled() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    (parked,) = points.send(source, packets[6])
    points.wait(parked.pk, seconds=20)
    parking.take_up({(source.pk, points.EVENT): 6}, db.now())
    (oldest,) = accounting.oldest_pending().values()
    assert (db.now() - oldest).total_seconds() < 2


def test_a_gap_that_nothing_fills_is_given_up_after_30_s_and_stays_open_until_a_person_looks() -> None:
    source = points.feed()
    packets = points.match(most=30)
    points.send(source, *packets[:16])
    rows = points.send(source, *packets[19:25])
    points.wait(*(row.pk for row in rows), seconds=29)
    assert points.sweep() == 0
    assert not Gap.objects.exists()
    points.wait(*(row.pk for row in rows), seconds=1.1)
    assert points.sweep() == 6
    assert told().applied == 25
    gap = Gap.objects.get()
    assert (gap.cause, gap.sticky, gap.fixture, gap.closed_at) == ("packets 17–19 never came", True, points.fixture(source), None)
    jumped = Frame.objects.get(pk=rows[0].pk)
    assert (jumped.outcome, jumped.parked) == ("applied", True)
    assert "packets 17–19 never came" in jumped.notes
    assert TimelineEntry.objects.filter(mark="gap").exists()
    assert books()["pending"] == 0


def test_the_patience_with_a_gap_is_a_setting_of_the_feed() -> None:
    source = points.feed(gap_seconds=5)
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    (row,) = points.send(source, packets[6])
    points.wait(row.pk, seconds=5.1)
    assert points.sweep() == 1
    assert Gap.objects.get().cause == "packet 6 never came"


def test_a_second_gap_behind_the_first_is_given_up_by_itself() -> None:
    source = points.feed()
    packets = points.match(most=30)
    points.send(source, *packets[:5])
    early = points.send(source, packets[7], packets[8])
    late = points.send(source, packets[20])
    points.wait(*(row.pk for row in early), seconds=31)
    assert points.sweep() == 2
    assert (told().applied, waiting()) == (9, [21])
    points.wait(late[0].pk, seconds=31)
    assert points.sweep() == 1
    assert sorted(Gap.objects.values_list("cause", flat=True)) == ["packets 10–20 never came", "packets 6–7 never came"]


def test_a_gap_filled_while_the_sweep_was_about_to_give_it_up_is_no_gap() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    (row,) = points.send(source, packets[6])
    points.wait(row.pk, seconds=31)
    (late,) = parking.overdue(db.now())
    points.send(source, packets[5])
    assert lanes.give_up(late) == 0
    assert not Gap.objects.exists()
    assert told().applied == 7


def test_what_comes_after_its_gap_was_given_up_is_superseded_and_changes_nothing() -> None:
    source = points.feed()
    packets = points.match(most=30)
    points.send(source, *packets[:16])
    rows = points.send(source, *packets[19:25])
    points.wait(*(row.pk for row in rows), seconds=31)
    points.sweep()
    before = ingest.feed_hash(source.pk)
    assert [row.outcome for row in points.send(source, *packets[16:19])] == ["superseded"] * 3
    assert ingest.feed_hash(source.pk) == before
    assert Gap.objects.get().closed_at is None


def a_point(number: int | None, at: str | None, kind: str = "PointStarted") -> bytes:
    """Like the first point's start of a match, by whatever number and time."""
    start = next(body for body in points.match(most=30) if b"PointStarted" in body)
    return points.changed(start, seqNum=number, timestamp=at, eventElementType=kind)


def between_points(source: Source) -> list[bytes]:
    """Sends a match up to the end of its second point; what follows it."""
    packets = points.match(most=40)
    ends = [number for number, body in enumerate(packets) if b"PointScored" in body]
    points.send(source, *packets[: ends[1] + 1])
    assert told().between_points
    return packets[ends[1] + 1 :]


def test_t2_play_under_a_number_that_was_given_up_closes_if_it_began_after_the_last_point() -> None:
    source = points.feed()
    packets = points.match(most=60)
    ends = [number for number, body in enumerate(packets) if b"PointScored" in body]
    points.send(source, *packets[: ends[1] + 1])
    rows = points.send(source, *packets[ends[2] : ends[4] + 1])
    points.wait(*(row.pk for row in rows), seconds=31)
    points.sweep()
    assert told().between_points
    applied = told().applied
    (row,) = points.send(source, a_point(ends[2], "2026-11-20T12:00:00Z"))
    assert (row.outcome, told().in_point, told().between_points, told().applied) == ("applied", True, False, applied)


@pytest.mark.parametrize("kind", ["PointStarted", "Alarm"])
def test_t2_what_has_neither_number_nor_time_closes_each_time_it_comes(kind: str) -> None:
    source = points.feed()
    rest = between_points(source)
    body = a_point(None, None, kind)
    points.send(source, body)
    assert not told().between_points
    points.send(source, *rest[: 1 + next(place for place, one in enumerate(rest) if b"PointScored" in one)])
    assert told().between_points
    points.send(source, body)
    assert not told().between_points


def test_a_wild_number_closes_but_does_not_end_the_stream() -> None:
    source = points.feed()
    rest = between_points(source)
    (row,) = points.send(source, a_point(10**9, "2026-11-20T12:00:00Z"))
    assert (row.outcome, told().in_point, told().between_points) == ("applied", True, False)
    points.wait(row.pk, seconds=31)
    assert points.sweep() == 0
    points.send(source, *rest[: 1 + next(place for place, one in enumerate(rest) if b"PointScored" in one)])
    assert told().between_points


def test_b2_a_repeat_is_a_duplicate_also_of_a_packet_that_waits() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    assert [row.outcome for row in points.send(source, packets[2], packets[8], packets[8])] == ["duplicate", None, "duplicate"]
    assert [row.outcome for row in points.send(source, *packets)] == ["duplicate"] * 5 + ["applied"] * 3 + ["duplicate", "applied"]
    assert told().applied == 10


@pytest.mark.parametrize("number", [3, 9])
def test_t2_the_same_number_with_other_content_is_quarantined_and_holds_its_match_until_a_person_looks(number: int) -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5], packets[8])
    (row,) = points.send(source, points.changed(packets[number - 1], matchTime="09:09:09"))
    assert row.outcome == "quarantined"
    gap = Gap.objects.get()
    assert (gap.fixture, gap.sticky, gap.frame_id) == (points.fixture(source), True, row.pk)
    assert told().applied == 5


def test_not_started_with_another_card_updates_the_card_until_the_stream_begins() -> None:
    source = points.feed()
    rows = points.send(source, points.not_started(court=1), points.not_started(court=7), points.not_started(court=7))
    assert [row.outcome for row in rows] == ["applied", "applied", "duplicate"]
    assert (told().card.court, told().applied) == ("7", 0)
    assert not Gap.objects.exists()
    packets = points.match(most=4)
    assert {row.outcome for row in points.send(source, *packets)} == {"applied"}
    (late,) = points.send(source, points.not_started(court=9))
    assert (late.outcome, told().applied, told().card.court == "9") == ("superseded", 4, False)


def test_b7_a_quarantined_packet_is_not_retried_before_those_that_it_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    source = points.feed()
    packets = points.match(most=10)
    with monkeypatch.context() as faulty:
        faulty.setattr(ingest, "apply", lambda *_: 1 / 0)
        first, second = points.send(source, packets[0], packets[1])
    assert (first.outcome, second.outcome) == ("quarantined", "quarantined")
    with pytest.raises(Refused, match="packets before it"):
        quarantine.retry(second.pk, STAFF)
    assert [quarantine.retry(row.pk, STAFF) for row in (first, second)] == ["applied", "applied"]
    assert told().applied == 2
    assert not Gap.objects.filter(closed_at=None).exists()


def test_t2_alarms_are_applied_whatever_their_number_and_move_none() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    rows = points.send(source, points.alarm(900), points.alarm(901, points.BEGAN.replace(second=25)))
    assert [row.outcome for row in rows] == ["applied", "applied"]
    assert (told().alarm, told().applied) == (True, 5)
    assert [row.outcome for row in points.send(source, packets[5])] == ["applied"]


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"seqNum": 6, "eventElementType": ', b"\xff\xfe\x00"])
def test_b7_what_cannot_be_read_holds_its_own_match_only(body: bytes) -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    (row,) = points.send(source, body)
    assert row.outcome == "quarantined"
    assert Gap.objects.get().fixture == points.fixture(source)
    assert {one.outcome for one in points.send(source, *packets[:3], event="2026-0580-LS001")} == {"applied"}
    assert books()["state"] == "ok"


def test_matches_do_not_touch_one_another() -> None:
    source = points.feed()
    here, there = points.match(seed=1, most=40), points.match(seed=2, most=40)
    points.send(source, *here[:20])
    points.send(source, *there[:10], event="2026-0580-LS002")
    points.send(source, *here[25:])
    points.send(source, *there[10:], event="2026-0580-LS002")
    assert told("2026-0580-LS002").applied == 40
    assert told().applied == 20
    lone = points.feed("lone")
    points.send(lone, *there, event="2026-0580-LS002")
    ours = factstore.feed_state(points.fixture(source, "2026-0580-LS002").pk).tennis
    theirs = factstore.feed_state(points.fixture(lone, "2026-0580-LS002").pk).tennis
    assert ours is not None
    assert theirs is not None
    assert (ours.score, ours.state, ours.points) == (theirs.score, theirs.state, theirs.points)


def test_f1_a_point_that_suspends_and_one_that_lets_open_have_one_record_each() -> None:
    source = points.feed()
    packets = points.match(most=60)
    points.send(source, *packets)
    match = told()
    records = AuditRecord.objects.filter(actor="feed:umpire", fixture_id=points.fixture(source).pk)
    closing, opening = records.filter(action="feed suspends"), records.filter(action="feed opens")
    assert closing.count() >= match.points
    assert opening.count() >= match.points
    assert len({record.message for record in records}) == records.count()
    started = closing.filter(reason__contains="point in play").first()
    assert started is not None
    assert (started.before, started.after) == ({"between points": True}, {"between points": False})


def test_a5_a_lost_connection_is_over_only_when_the_match_went_on_since() -> None:
    source = points.feed()
    packets = points.match(most=60)
    points.send(source, *packets[:40])
    gap_id = sources.open_gap(source.pk, "the connection was lost", fixture_ref=points.EVENT, at=db.now())
    soon = db.now() + 2 * clearing.SETTLING
    assert clearing.close_cleared(soon) == 0
    points.send(source, *packets[40:])
    assert told().between_points
    assert clearing.close_cleared(soon) == 1
    assert Gap.objects.get(pk=gap_id).closed_reason == clearing.PROVEN


def seconds_to_repeat(source: Source, packet: bytes) -> float:
    """How long it takes to keep and to drain ten repeats, one by one."""
    began = time.monotonic()
    for _ in range(10):
        points.keep(source, packet)
        lanes.drain(lane_of(source.pk, points.EVENT))
    return time.monotonic() - began


@pytest.mark.django_db(transaction=True)
def test_thousands_that_wait_beyond_a_gap_cost_little_and_are_all_applied() -> None:
    source = points.feed()
    packets = points.match(most=11)
    many = [points.changed(packets[10], seqNum=number, matchTime=f"{number:08}") for number in range(12, 3_012)]
    points.send(source, *packets[:10])
    alone = seconds_to_repeat(source, packets[0])
    points.keep(source, *many)
    points.drain()
    assert len(waiting()) == 3_000
    assert seconds_to_repeat(source, packets[0]) < 4 * alone + 0.2
    points.send(source, packets[10])
    assert waiting() == []
    assert told().applied == 3_011


@contextmanager
def rings() -> Iterator[set[str]]:
    """What the doorbell rings meanwhile: by NOTIFY on PostgreSQL, by a call elsewhere."""
    heard: set[str] = set()
    if connection.vendor != "postgresql":
        forget = doorbell.listen(heard.update)
        yield heard
        forget()
        return
    with notified(doorbell.CHANNEL) as payloads:
        yield heard
    heard.update(*map(doorbell.topics_of, payloads))


@contextmanager
def notified(channel: str) -> Iterator[list[str]]:
    """Payloads of PostgreSQL's notifications meanwhile, once it is over."""
    payloads: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {channel}")
    yield payloads
    payloads += [notice.payload for notice in connection.connection.notifies(timeout=0.5)]
    with connection.cursor() as cursor:
        cursor.execute(f"UNLISTEN {channel}")


@pytest.mark.django_db(transaction=True)
def test_the_doorbell_of_a_bound_fixture_rings_with_its_match() -> None:
    source = points.feed()
    packets = points.match(most=6)
    points.send(source, *packets[:4])
    other = Fixture.objects.create(source=frames.feed(), ref="700", name="Squire v Rodionov", changed_at=db.now())
    points.bind(other, points.fixture(source))
    with rings() as rung:
        points.send(source, packets[4])
    assert {doorbell.fixture(points.fixture(source).pk), doorbell.fixture(other.pk)} <= rung


@pytest.mark.scaled
@pytest.mark.django_db(transaction=True)
def test_a1_keeping_a_packet_tells_every_process_by_the_second_road() -> None:
    source = points.feed()
    packets = points.match(most=300)
    pushed = frames.feed()
    with notified(fences.CHANNEL) as payloads:
        frames.keep(pushed, frames.market_set(100))
        points.keep(source, *packets)
    heard = [frame for payload in payloads for frame in fences.frames_of(payload)]
    assert sorted(heard) == [(source.pk, points.EVENT, number) for number in range(1, 301)]


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_has_just_started_leaves_the_readers_time_to_fill_a_gap() -> None:
    source = points.feed()
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    (row,) = points.send(source, packets[6])
    points.wait(row.pk, seconds=3_600)
    (unread,) = points.keep(source, points.alarm())
    sweeper = Sweeper(interval=0.01)
    sweeper.start()
    try:
        assert until(lambda: Frame.objects.get(pk=unread).outcome == "applied")
        time.sleep(0.05)
    finally:
        sweeper.stop()
    assert waiting() == [7]


@pytest.mark.django_db(transaction=True)
def test_the_sweep_gives_up_what_nothing_fills() -> None:
    source = points.feed(gap_seconds=0.5)
    packets = points.match(most=10)
    points.send(source, *packets[:5])
    (row,) = points.send(source, packets[6])
    sweeper = Sweeper(interval=0.05, patience=0)
    sweeper.start()
    try:
        assert until(lambda: Frame.objects.get(pk=row.pk).outcome == "applied")
    finally:
        sweeper.stop()
    assert Gap.objects.get().cause == "packet 6 never came"
