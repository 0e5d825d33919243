"""When a match closed its markets, read back from its timeline; scores turned to home and away."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from markets.domain.sports.tennis import Entry, Kind, Packet, Tennis, turned
from markets.domain.sports.tennis_bands import bands, waits
from tests.domain.says import T0, at
from tests.domain.umpire import LATE, Umpire, score

Spans = list[tuple[int, int | None]]


class Told(Umpire):
    """Keeps the timeline."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def hands(self, packet: Packet) -> Tennis:
        match = super().hands(packet)
        assert self.last is not None
        self.entries += self.last.entries
        return match

    def spans(self) -> Spans:
        """Seconds from when until when it was closed, since play began."""
        found = [(_second(b.since), None if b.until is None else _second(b.until)) for b in bands(self.entries, self.now)]
        return [(since - 4, None if until is None else until - 4) for since, until in found if since > 4]


def _second(when: datetime) -> int:
    return int((when - T0).total_seconds())


@pytest.fixture
def umpire() -> Told:
    told = Told()
    told.begins()
    assert told.spans() == []
    return told


def test_a_point_closes_from_its_start_to_its_end(umpire: Told) -> None:
    umpire.plays(score("15-0"))
    umpire.starts()
    assert umpire.spans() == [(1, 2), (3, None)]


def test_a_challenge_ends_no_point(umpire: Told) -> None:
    umpire.starts()
    umpire.state("ChallengeInProgress")
    umpire.state("InProgress")
    umpire.scores(score("15-0"))
    assert umpire.spans() == [(1, 4)]


def test_rain_closes_until_play_goes_on_and_an_alert_closes_nothing(umpire: Told) -> None:
    umpire.says(Kind.PHYSIO)
    umpire.state("Suspended", suspensionType="Rain")
    umpire.state("InProgress")
    assert umpire.spans() == [(2, 3)]


def test_what_was_told_late_opens_nothing(umpire: Told) -> None:
    umpire.starts()
    umpire.scores(score("15-0"), delay=LATE)
    assert umpire.spans() == [(1, None)]


def test_a_correction_closes_until_the_point_is_given_anew(umpire: Told) -> None:
    umpire.plays(score("15-0"))
    umpire.state("CorrectionMode")
    umpire.scores(score("0-15"))
    umpire.scores(score("0-15"))
    assert umpire.spans() == [(1, 2), (3, 5)]


@pytest.mark.parametrize(("told", "other"), [("6–4 3–2, 40–15", "4–6 2–3, 15–40"), ("0–0, A–40", "0–0, 40–A"), ("7–6", "6–7"), ("", "")])
def test_a_score_is_turned_for_a_team_that_is_away(told: str, other: str) -> None:
    assert turned(told) == other


# The wait for a price


def waited(umpire: Told, *priced: float, rule: float | None = None, now: float = 60) -> Spans:
    """Seconds since play began; prices of in-play markets kept at ``priced``."""
    closed = [band for band in bands(umpire.entries, umpire.now) if _second(band.since) > 4]
    kept = [at(second + 4) for second in priced]
    after = None if rule is None else timedelta(seconds=rule)
    found = waits(closed, kept, margin=timedelta(seconds=0.1), rule=after, now=at(now + 4))
    assert {band.words for band in found} <= {"waiting for a price after the point"}
    return [(_second(b.since) - 4, None if b.until is None else _second(b.until) - 4) for b in found]


def test_after_a_point_the_wait_goes_on_until_a_price_from_after_it(umpire: Told) -> None:
    umpire.plays(score("15-0"))
    assert umpire.spans() == [(1, 2)]
    assert waited(umpire) == [(2, None)]
    assert waited(umpire, 1.5, 2.05) == [(2, None)], "from before the end, or within the margin"
    assert waited(umpire, 5, 9) == [(2, 5)]


def test_a_wait_ends_with_the_next_point_and_begins_anew_after_it(umpire: Told) -> None:
    umpire.plays(score("15-0"))
    umpire.plays(score("30-0"))
    assert umpire.spans() == [(1, 2), (3, 4)]
    assert waited(umpire, 7) == [(2, 3), (4, 7)]


def test_nothing_is_waited_for_while_a_point_is_in_play(umpire: Told) -> None:
    umpire.starts()
    assert waited(umpire) == []


def test_a_market_that_opens_by_time_alone_ends_the_wait_once_it_has(umpire: Told) -> None:
    umpire.plays(score("15-0"))
    assert waited(umpire, rule=6, now=7) == [(2, None)]
    assert waited(umpire, rule=6, now=8) == [(2, 8)]
    assert waited(umpire, 5, rule=6, now=60) == [(2, 5)]
