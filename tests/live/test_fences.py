"""Fences by themselves: what a process has heard of a match, and what lowers it (A1, A10, T2, T3)."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from markets.domain.heard import Heard
from markets.live import fencebook
from markets.live.announcer import Announced, Announcer
from markets.live.fencebook import Changed, FenceBook
from markets.live.fencewords import EVERY, PAYLOAD_LIMIT, Beat, Said, Word, frames_of, payloads
from markets.selectors.points import Pending

SOURCE = 7
REF = "2026-580-MS001"
MATCH = (SOURCE, REF)
OTHER = "2026-580-MS002"
NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Pair:
    """A reader and a process that hears it, with readings of a store in which nothing waits unless said."""

    def __init__(self, *roads: str) -> None:
        self.book = FenceBook()
        self.book.open(roads)
        self.lost = False
        self.reader = Announcer(self._carry)

    def _carry(self, word: Word) -> None:
        if not self.lost:
            self.book.hear(word)

    def join(self) -> Pair:
        self.reader.beat(SOURCE)
        self.read()
        return self

    def announce(self, seq: int | None, urgent: bool = False, ref: str = REF) -> None:
        self.reader.announce(Announced(SOURCE, ref, seq, urgent, NOW))

    def keep(self, seq: int | None, ref: str = REF) -> None:
        self.reader.kept(SOURCE, ref, seq)

    def read(self, waits: Pending | None = None) -> Changed:
        return self.book.read(time.monotonic(), {MATCH: waits} if waits else {})

    def heard(self, ref: str = REF) -> Heard:
        return self.book.heard(SOURCE, ref)

    def closed(self, applied: int | None) -> bool:
        heard = self.heard()
        return not heard.joined or bool(heard.doubt) or heard.beyond(applied)


@pytest.fixture
def pair() -> Pair:
    return Pair().join()


# A10: nothing before it has joined


def test_a10_a_process_that_has_not_opened_its_ears_knows_nothing() -> None:
    assert FenceBook().heard(SOURCE, REF) == Heard()


def test_a10_a_process_knows_nothing_before_a_reading_that_began_after_all_roads_stood() -> None:
    pair = Pair("redis", "notify")
    pair.reader.beat(SOURCE)
    pair.read()
    assert not pair.heard().joined
    pair.book.stands("redis")
    pair.read()
    assert not pair.heard().joined
    early = time.monotonic()
    pair.book.stands("notify")
    pair.book.read(early, {})
    assert not pair.heard().joined
    pair.reader.beat(SOURCE)
    pair.read()
    assert pair.heard().joined
    assert not pair.closed(None)


def test_a10_where_nobody_can_say_what_is_pending_nothing_is_known() -> None:
    pair = Pair()
    pair.reader.beat(SOURCE)
    pair.book.read(time.monotonic(), None)
    assert not pair.heard().joined


def test_a10_pending_frames_of_before_the_start_fence() -> None:
    pair = Pair()
    pair.reader.beat(SOURCE)
    pair.read(waits=Pending(12))
    assert pair.closed(11)
    assert not pair.closed(12)


def test_a10_a_process_that_closes_its_ears_forgets(pair: Pair) -> None:
    pair.book.close()
    assert pair.closed(99)


# What was read and is not in the store


def test_a4_what_is_held_is_held_until_a_reading_that_began_after_the_first_beat_without_it(pair: Pair) -> None:
    pair.reader.beat(SOURCE, {REF: "it could not be stored"})
    pair.read()
    assert (pair.heard().held, pair.heard("another").held) == ("it could not be stored", "")
    early = time.monotonic()
    pair.reader.beat(SOURCE)
    assert pair.book.read(early, {}) == Changed()
    assert pair.heard().held, "the reading may have begun before the store knew"
    assert pair.read() == Changed(sources=frozenset({SOURCE}))
    assert not pair.heard().held


def test_a4_what_is_held_again_meanwhile_stays_held(pair: Pair) -> None:
    pair.reader.beat(SOURCE, {EVERY: "it waits"})
    pair.reader.beat(SOURCE)
    pair.reader.beat(SOURCE, {EVERY: "it waits"})
    pair.read()
    assert pair.heard("any").held == "it waits"


def test_a4_another_reader_does_not_let_go_what_the_one_before_held_at_once(pair: Pair) -> None:
    pair.reader.beat(SOURCE, {REF: "it could not be stored"})
    pair.book.hear(Beat(SOURCE, "another", 0))
    assert pair.heard().held
    pair.read()
    assert not pair.heard().held


# Numbers: only applied state lowers them


def test_t3_an_announced_number_fences_until_it_is_applied(pair: Pair) -> None:
    assert not pair.closed(4)
    pair.announce(5)
    assert pair.closed(4)
    pair.keep(5)
    pair.read()
    assert pair.closed(4)
    assert not pair.closed(5)


def test_t3_a_number_that_is_applied_already_fences_nothing(pair: Pair) -> None:
    pair.announce(5)
    assert not pair.closed(9)


def test_t3_the_highest_number_counts_whatever_the_order(pair: Pair) -> None:
    pair.announce(9)
    pair.announce(5)
    assert pair.closed(8)
    assert not pair.closed(9)


def test_a_match_that_is_announced_fences_no_other(pair: Pair) -> None:
    pair.announce(5, ref=OTHER)
    assert not pair.closed(4)
    assert pair.heard(OTHER).beyond(4)


# Urgent packets, and packets without a number: an outcome lowers them


def test_t2_a_point_started_with_a_low_number_fences_until_its_outcome_is_read(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    assert pair.closed(90)
    pair.read()
    assert pair.closed(90), "not kept yet: no reading can show an outcome"
    pair.keep(5)
    assert pair.closed(90), "kept, but no reading has begun since"
    pair.read(waits=Pending(5))
    assert pair.closed(90), "kept, but it waits to be applied"
    pair.read()
    assert not pair.closed(90)


def test_t2_a_reading_that_began_before_the_frame_was_kept_lowers_nothing(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    early = time.monotonic()
    pair.keep(5)
    pair.book.read(early, {})
    assert pair.closed(90)


def test_t2_a_packet_without_a_number_fences_while_anything_of_its_match_waits(pair: Pair) -> None:
    pair.announce(None)
    pair.keep(None)
    pair.read(waits=Pending(None, unnumbered=True))
    assert pair.closed(90)
    pair.read(waits=Pending(91))
    assert pair.closed(91)
    pair.read()
    assert not pair.closed(91)


def test_t2_two_packets_without_numbers_are_two(pair: Pair) -> None:
    pair.announce(None)
    pair.announce(None)
    pair.keep(None)
    pair.read()
    assert pair.closed(90)
    pair.keep(None)
    pair.read()
    assert not pair.closed(90)


def test_t2_packets_of_higher_numbers_that_are_lost_meanwhile_do_not_lower_an_alarm(pair: Pair) -> None:
    pair.announce(2, urgent=True)
    pair.announce(41)
    pair.keep(41)
    pair.read()
    assert pair.closed(90)


# Keeps that fail, readers that die


def test_a1_a_keep_that_failed_fences_until_the_stream_was_resumed_and_kept(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    pair.reader.failed(SOURCE, REF, 5)
    pair.reader.beat(SOURCE)
    pair.read()
    assert pair.closed(90)
    pair.announce(5, urgent=True)
    pair.read()
    assert pair.closed(90)
    pair.keep(5)
    pair.read()
    assert not pair.closed(90)


def test_a1_an_announcement_of_a_reader_that_died_fences_until_the_next_one_has_kept(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    pair.reader = Announcer(pair._carry)
    pair.join()
    assert pair.closed(90)
    pair.announce(5)
    pair.read()
    assert pair.closed(90)
    pair.keep(5)
    pair.read()
    assert not pair.closed(90)


def test_a_beat_heals_a_word_of_keeping_that_was_lost(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    pair.lost = True
    pair.keep(5)
    pair.lost = False
    pair.read()
    assert pair.closed(90)
    pair.reader.beat(SOURCE)
    pair.read()
    assert not pair.closed(90)


# The reader's beats


def test_a3_a_reader_that_never_beat_is_not_believed() -> None:
    pair = Pair()
    pair.read()
    assert pair.heard().doubt == fencebook.NEVER_HEARD


def test_a3_a_reader_that_stops_beating_is_not_believed_until_it_beats_and_the_pending_frames_are_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fencebook, "SILENT_SECONDS", 1.0)
    pair.reader.beat(SOURCE)
    pair.read()
    assert 0 < pair.heard().silent_in <= 1.0
    time.sleep(1.0)
    assert pair.heard().doubt == fencebook.SILENT
    monkeypatch.setattr(fencebook, "SILENT_SECONDS", 5.0)
    pair.lost = True
    pair.book.hear(Beat(SOURCE, "another", 0))
    assert pair.heard().doubt == fencebook.MISSED
    pair.read()
    assert pair.heard().doubt == ""


def test_a1_a_hole_in_the_numbers_is_not_believed_until_the_pending_frames_are_read(pair: Pair) -> None:
    pair.lost = True
    pair.announce(5, urgent=True)
    pair.lost = False
    assert not pair.closed(90)
    pair.reader.beat(SOURCE)
    assert pair.closed(90)
    pair.read()
    assert pair.heard(OTHER).doubt == "", "the other matches are believed again"
    assert pair.closed(90), "what the beat named as not durable stays fenced"
    pair.keep(5)
    pair.read()
    assert not pair.closed(90)


def test_a1_an_announcement_after_one_that_was_lost_shows_the_hole_at_once(pair: Pair) -> None:
    pair.lost = True
    pair.announce(5)
    pair.lost = False
    pair.announce(6, ref=OTHER)
    assert pair.heard().doubt == fencebook.MISSED
    pair.read()
    assert pair.heard().doubt == fencebook.MISSED, "no beat since"
    pair.keep(5)
    pair.reader.beat(SOURCE)
    pair.read()
    assert pair.heard().doubt == ""


@pytest.mark.parametrize("fault", ["stands", "fell"])
def test_a1_a_connection_made_anew_or_lost_is_not_believed_until_a_beat_and_a_reading(fault: str) -> None:
    pair = Pair("redis")
    pair.book.stands("redis")
    pair.join()
    assert not pair.closed(5)
    getattr(pair.book, fault)("redis")
    assert pair.closed(5)
    pair.read()
    assert pair.closed(5)
    pair.reader.beat(SOURCE)
    assert pair.closed(5)
    pair.read()
    assert not pair.closed(5)


def test_words_that_come_twice_change_nothing(pair: Pair) -> None:
    said = Said(SOURCE, REF, 5, False, NOW, "reader", 1)
    pair.book.hear(Beat(SOURCE, "reader", 0))
    pair.read()
    pair.book.hear(said)
    pair.book.hear(said)
    pair.book.hear(Beat(SOURCE, "reader", 1))
    assert not pair.closed(5)


# The second road


def test_a1_what_a_transaction_kept_fences_though_its_announcement_was_lost(pair: Pair) -> None:
    pair.book.notice([(SOURCE, REF, 5)])
    assert pair.closed(4)
    pair.read(waits=Pending(5))
    assert pair.closed(5)
    pair.read()
    assert pair.closed(4)
    assert not pair.closed(5)


def test_t2_a_kept_frame_without_a_number_fences_until_nothing_waits(pair: Pair) -> None:
    pair.book.notice([(SOURCE, REF, None)])
    assert pair.closed(90)
    pair.read()
    assert not pair.closed(90)


def test_the_payloads_of_a_transaction_name_each_frame_once_and_fit() -> None:
    frames = [(SOURCE, f"2026-580-MS{n:03}-ä", n or None) for n in range(600)]
    texts = list(payloads([*frames, *frames]))
    assert len(texts) > 1
    assert all(len(text.encode()) <= PAYLOAD_LIMIT for text in texts)
    assert [f for text in texts for f in frames_of(text)] == frames
    assert list(payloads([])) == []


# Who is told


def test_listeners_are_told_at_once_whose_fence_may_have_risen(pair: Pair) -> None:
    told: list[Changed] = []
    end = pair.book.listen(told.append)
    pair.announce(5)
    assert told == [Changed(frozenset({MATCH}))]
    pair.reader.beat(SOURCE)
    assert len(told) == 1, "a beat as usual is no news"
    pair.book.notice([(SOURCE, OTHER, 3)])
    assert told[-1] == Changed(frozenset({(SOURCE, OTHER)}))
    end()
    pair.announce(6)
    assert len(told) == 2


def test_a_reading_says_whose_fence_came_down(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    assert pair.read() == Changed()
    pair.keep(5)
    assert pair.read() == Changed(frozenset({MATCH}))


def test_an_answer_that_reads_the_store_is_closed_by_what_was_unsettled_before_or_after_its_reading(pair: Pair) -> None:
    pair.announce(5, urgent=True)
    before = pair.book.copy()
    pair.keep(5)
    pair.read()
    assert before.heard(*MATCH).and_also(pair.heard()).beyond(90)
    before = pair.book.copy()
    pair.announce(91)
    assert before.heard(*MATCH).and_also(pair.heard()).beyond(90)
