"""The provider's list of live events, in the shapes that it may have (feeds.md 1.1): one bad entry costs nobody else's match."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feeds.errors import Retryable
from feeds.tennis.discovery import MOST_EVENTS, LiveEvent, read

pytestmark = pytest.mark.modeless
ONE = b'{"eventId": "2026-0540-MS001", "courtNum": 1}'


@pytest.mark.parametrize("body", [b"[%s]" % ONE, b'{"events": [%s]}' % ONE, b'{"count": 1, "liveEvents": [%s]}' % ONE, b"\n [ %s ] " % ONE])
def test_the_events_are_read_with_their_exact_bytes(body: bytes) -> None:
    assert read(body) == [LiveEvent("2026-0540-MS001", ONE)]


@pytest.mark.parametrize("body", [b"", b" \n", b"[]", b'{"events": []}'])
def test_a_list_of_none_is_one(body: bytes) -> None:
    assert read(body) == []


@pytest.mark.parametrize(
    "odd",
    [
        b"7",
        b"null",
        b"[]",
        b"{}",
        b'{"eventId": 7}',
        b'{"eventId": ""}',
        b'{"eventId": "two words"}',
        b'{"eventId": "caf\xc3\xa9"}',
        b'{"eventId": "\xff"}',
        b'{"\xff": 1}',
        b'{"eventId": "%s"}' % (b"x" * 65),
        b'{"eventId": "line\\nbreak"}',
    ],
)
def test_an_entry_without_a_usable_id_is_left_out_alone(odd: bytes) -> None:
    assert read(b"[%s, %s]" % (odd, ONE)) == [LiveEvent("2026-0540-MS001", ONE)]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>",
        b'"text"',
        b"[" * 2_000,
        b'{"a": 1}',
        b'{"a": [], "b": []}',
        b'{"\xff": []}',
        b"\xff\xfe",
        b"[%s" % ONE,
        b"[%s,]" % ONE,
    ],
)
def test_what_is_no_list_is_asked_for_again(body: bytes) -> None:
    with pytest.raises(Retryable, match="cannot be read"):
        read(body)


def test_an_event_that_is_listed_twice_is_one_and_a_list_without_end_is_cut() -> None:
    events: list[Any] = [{"eventId": "again", "n": n} for n in range(2)] + [{"eventId": f"e{n}"} for n in range(MOST_EVENTS)]
    found = read(json.dumps(events).encode())
    assert found[0] == LiveEvent("again", json.dumps(events[1]).encode())
    assert len(found) == MOST_EVENTS - 1
