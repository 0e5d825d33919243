"""Frames carry what changed, once, whole, and in an order that shows a hole."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from markets.live.frames import Cells, FixtureCell, Frame, PriceCell, Snapshot, decode
from markets.live.panes import Pane
from markets.live.topics import PageTopic

NOW = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)


def pane(values: dict[int, str], closed: frozenset[int] = frozenset()) -> Pane:
    prices = {
        i: PriceCell(v, v, i not in closed, "suspended" if i in closed else "open", "", "", None, 2000, None, None, 0)
        for i, v in values.items()
    }
    row = FixtureCell(1, 1, "live", "LIVE", "", len(values), 0, 0, "", 1, "")
    return Pane(Cells({7: row}, {}, prices), {})


def topic() -> PageTopic:
    made = PageTopic(uuid4(), "fixture:7", 7)
    made.show(7, pane({1: "2.00", 2: "3.00"}))
    made.snapshots(None, NOW, {})
    made.frames(NOW)
    return made


def last(made: PageTopic) -> Frame:
    frame = decode(made.frames(NOW)[-1].text)
    assert isinstance(frame, Frame)
    return frame


def test_it_is_whole_only_when_everything_was_worked_out_once() -> None:
    board = PageTopic(uuid4(), "board", None)
    assert not board.whole
    board.lists((7, 8))
    board.show(7, pane({1: "2.00"}))
    assert not board.whole
    board.fail(8, "broken")
    assert board.whole


def test_a_frame_has_the_changed_cells_only() -> None:
    made = topic()
    made.show(7, pane({1: "2.10", 2: "3.00"}))
    frame = last(made)
    assert {i: c.value for i, c in frame.prices.items()} == {1: "2.10"}
    assert frame.fixtures == {}
    assert (frame.prev_seq, frame.seq) == (1, 2)


def test_what_changes_back_before_it_was_sent_is_not_sent() -> None:
    made = topic()
    made.show(7, pane({1: "2.10", 2: "3.00"}))
    made.show(7, pane({1: "2.00", 2: "3.00"}))
    assert not made.changed


def test_a_price_that_closes_makes_haste_and_one_that_opens_does_not() -> None:
    made = topic()
    made.show(7, pane({1: "2.00", 2: "3.00"}, closed=frozenset({1})))
    assert made.closing
    last(made)
    made.show(7, pane({1: "2.00", 2: "3.00"}))
    assert made.changed
    assert not made.closing


def test_what_fails_is_suspended_with_words() -> None:
    made = topic()
    made.fail(7, "it could not be worked out")
    frame = last(made)
    assert {(c.open, c.state, c.reason, c.value) for c in frame.prices.values()} == {
        (False, "suspended", "it could not be worked out", "2.00"),
        (False, "suspended", "it could not be worked out", "3.00"),
    }
    assert (frame.fixtures[7].open, frame.fixtures[7].suspended) == (0, 2)


@given(st.lists(st.tuples(st.dictionaries(st.integers(1, 4), st.sampled_from(["2.00", "2.10", "2.20"])), st.booleans()), max_size=25))
def test_d3_a_snapshot_and_the_frames_after_it_make_what_a_later_snapshot_shows(steps: list[tuple[dict[int, str], bool]]) -> None:
    """Selections come and go; those that are gone are gone with their HTML."""
    made = topic()
    first = decode(made.snapshots(None, NOW, {})[0].text)
    assert isinstance(first, Snapshot)
    seen, seq = dict(first.prices), first.seq
    shown: set[int] = set(seen)
    for values, send in steps:
        made.show(7, pane(values))
        shown = set(values)
        if send:
            frame = last(made)
            assert frame.prev_seq == seq
            seq = frame.seq
            seen |= frame.prices
    if made.changed:
        seen |= last(made).prices
    late = decode(made.snapshots(None, NOW, {})[0].text)
    assert isinstance(late, Snapshot)
    assert {i: c for i, c in seen.items() if i in shown} == dict(late.prices)
