"""What each packet of an umpire's feed does to a match (feeds.md 1.2–1.5; decisions T1, T2, T4, T6, U13; promise A9)."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from markets.domain.sports.tennis import Card, Games, Kind, Packet, Place, Server, Side, Tennis, closed_words, place, reduce, score_words
from tests.domain.says import at
from tests.domain.umpire import LATE, Umpire, score


def begun() -> Umpire:
    return Umpire().begins()


def since(umpire: Umpire) -> datetime | None:
    return umpire.now.settled_kept


# Before the match


def test_nothing_is_open_before_a_match_is_heard_of() -> None:
    assert closed_words(None) == "nothing heard of the match yet"
    assert closed_words(Tennis()) == "not started"


def test_the_states_before_play_are_told_and_open_nothing() -> None:
    umpire = Umpire()
    told = []
    for state in ("NotStarted", "UmpireOnCourt", "PlayersArriveOnCourt", "Warmup"):
        umpire.state(state)
        told.append(closed_words(umpire.match))
        assert (umpire.open, umpire.now.started) == (False, False)
    assert told == ["not started", "umpire on court", "players arrive on court", "warm-up"]


def test_u13_in_progress_starts_the_match_and_settles_it() -> None:
    umpire = begun()
    assert umpire.now.started
    assert (since(umpire), umpire.now.settled_at) == (at(4), at(3.9))
    assert closed_words(umpire.match) == ""


def test_u13_a_point_that_starts_without_in_progress_starts_the_match_too() -> None:
    umpire = Umpire()
    umpire.state("Warmup")
    umpire.starts()
    assert (umpire.now.started, closed_words(umpire.match)) == (True, "point in play")
    umpire.scores(score("15-0"))
    assert umpire.open


def test_a_suspension_that_is_over_before_the_match_opens_nothing() -> None:
    umpire = Umpire()
    umpire.state("Suspended", suspensionType="Other")
    assert closed_words(umpire.match) == "play suspended (other)"
    umpire.state("Unsuspended")
    assert (umpire.open, closed_words(umpire.match)) == (False, "not started")


def test_what_a_later_card_does_not_say_is_not_forgotten() -> None:
    umpire = begun()
    umpire.says(Kind.STATUS, state="InProgress", card=Card(court="7"))
    assert (umpire.now.card.umpire, umpire.now.card.court, umpire.now.card.sets) == ("M. PETROVIC", "7", 3)


# 1. The point


def test_a_point_closes_from_its_start_to_its_score() -> None:
    umpire = begun()
    umpire.starts(Side.B)
    assert (umpire.open, umpire.now.point_kept, umpire.now.server) == (False, at(5), Server(Side.B))
    for kind in (Kind.FAULT, Kind.LET):
        umpire.says(kind)
        assert (umpire.open, closed_words(umpire.match)) == (False, "point in play")
    umpire.scores(score("0-15"), Side.B)
    assert (since(umpire), umpire.now.score.points_b, umpire.now.faults) == (at(8), "15", 0)


def test_the_time_suspended_runs_from_the_points_start_to_the_next_settling() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.starts()
    umpire.says(Kind.FAULT)
    umpire.starts()
    umpire.scores(score("30-0"))
    assert (umpire.now.points, umpire.now.suspended_seconds) == (2, 1 + 3)


def test_the_time_suspended_is_that_of_points_seen_as_they_were_played() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    packets = [
        Packet(umpire.seq + 1, Kind.POINT_STARTED, "PointStarted", at=at(100)),
        Packet(umpire.seq + 2, Kind.SCORED, "PointScored", at=at(106), score=score("30-0")),
    ]
    match = umpire.now
    for packet in packets:
        match = reduce(match, packet, at(300)).match
    assert (match.points, match.points_seen, match.suspended_seconds) == (2, 1, 1)
    late = reduce(reduce(umpire.now, packets[0], at(300)).match, packets[1], at(301)).match
    assert (late.points, late.points_seen, late.suspended_seconds) == (2, 1, 1)
    heard = reduce(reduce(umpire.now, packets[0], at(100)).match, packets[1], at(106)).match
    assert (heard.points, heard.points_seen, heard.suspended_seconds) == (2, 2, 1 + 6)


def test_a_replayed_point_ends_without_a_score() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.starts()
    umpire.says(Kind.REPLAYED)
    assert (umpire.open, umpire.now.score) == (True, score("15-0"))


def test_a_fault_without_a_start_is_a_point_in_play_all_the_same() -> None:
    umpire = begun()
    umpire.says(Kind.FAULT)
    assert closed_words(umpire.match) == "point in play"


def test_a2_each_points_end_settles_anew_even_if_its_start_was_never_told() -> None:
    umpire = begun()
    umpire.scores(score("15-0"))
    first = since(umpire)
    umpire.scores(score("30-0"))
    assert first is not None
    assert since(umpire) == at(6)


def test_what_is_no_end_of_a_point_leaves_the_settling_where_it_was() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    settled = since(umpire)
    umpire.says(Kind.TIME)
    umpire.says(Kind.PHYSIO, team=Side.A)
    umpire.says(Kind.VIOLATION, team=Side.B, reason="BallAbuse")
    umpire.state("InProgress")
    assert since(umpire) == settled


def test_a_point_scored_without_a_score_opens_nothing_until_a_whole_point_was_played() -> None:
    umpire = begun()
    umpire.starts()
    umpire.says(Kind.SCORED)
    assert closed_words(umpire.match) == "point scored without a readable score"
    umpire.plays(score("30-0"))
    assert umpire.open


def test_the_server_of_the_next_point_is_shown_after_a_point() -> None:
    umpire = begun()
    assert umpire.now.server == Server(Side.A)
    umpire.starts(Side.A)
    umpire.says(Kind.SCORED, score=score("0-0", "1-0"), server=Server(Side.A), next_server=Server(Side.B, 2))
    assert umpire.now.server == Server(Side.B, 2)


# 2. Challenge


def test_a_challenge_stays_closed_until_the_point_packet() -> None:
    umpire = begun()
    umpire.starts()
    umpire.state("ChallengeInProgress", team=Side.B)
    assert closed_words(umpire.match) == "challenge in progress"
    umpire.state("ChallengeInProgress", team=Side.B, challengeEnded="2022-06-28T21:01:20", won="TeamA")
    umpire.state("InProgress")
    assert (umpire.open, closed_words(umpire.match)) == (False, "point in play")
    umpire.scores(score("15-0"))
    assert umpire.open


def test_a_point_given_during_a_challenge_waits_for_in_progress() -> None:
    umpire = begun()
    umpire.starts()
    umpire.state("ChallengeInProgress")
    umpire.scores(score("15-0"))
    assert closed_words(umpire.match) == "challenge in progress"
    umpire.state("InProgress")
    assert since(umpire) == at(8)


# 3. Undo and correction


def test_t6_a_corrected_point_opens_only_with_the_keystroke_that_is_issued_again() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.plays(score("30-0"))
    umpire.state("CorrectionMode")
    assert closed_words(umpire.match) == "correction under way"
    umpire.scores(score("15-15"), Side.B)
    assert umpire.last is not None
    assert umpire.last.undone
    assert (umpire.open, closed_words(umpire.match), umpire.now.score) == (False, "correction under way", score("15-15"))
    umpire.scores(score("15-15"), Side.B)
    assert (umpire.last.undone, umpire.open) == (False, True)
    assert umpire.now.state == "InProgress"


def test_t6_an_undo_leaves_the_point_in_play_until_it_is_given_anew() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.plays(score("30-0"))
    umpire.state("CorrectionMode")
    umpire.says(Kind.UNDO, score=score("15-0"))
    umpire.state("InProgress")
    assert (umpire.open, closed_words(umpire.match)) == (False, "point in play")
    umpire.scores(score("15-15"), Side.B)
    assert umpire.open


def test_t6_a_start_that_is_issued_again_ends_the_correction_and_its_end_opens() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.plays(score("30-0"))
    umpire.state("CorrectionMode")
    umpire.says(Kind.UNDO, score=score("15-0"))
    umpire.starts()
    assert (umpire.now.correcting, closed_words(umpire.match)) == (False, "point in play")
    umpire.scores(score("15-15"), Side.B)
    assert umpire.open


@pytest.mark.parametrize("kind", [Kind.SCORED, Kind.UNDO, Kind.UNRECOGNISED, Kind.TIME, Kind.STATUS])
def test_t6_a_score_that_goes_back_is_an_undo_whatever_its_type(kind: Kind) -> None:
    umpire = begun()
    umpire.plays(score("40-30", "2-2", "6-4"))
    umpire.says(kind, score=score("30-30", "2-2", "6-4"), state="InProgress" if kind is Kind.STATUS else "")
    assert umpire.last is not None
    assert (umpire.last.undone, umpire.open, umpire.last.entries[0].mark) == (True, False, "undo")
    assert "the score went back from 6–4 2–2, 40–30" in umpire.last.notes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (score("40-A"), score("40-40")),
        (score("40-30"), score("0-0", "1-0")),
        (score("6-5", "6-6"), score("0-0", "0-0", "7-6")),
        (score("9-8", "6-6"), score("9-9", "6-6")),
        (score("30-0"), score("30-0")),
        (score("0-0", "5-4"), score("0-0", "0-0", "6-4")),
    ],
)
def test_play_is_no_undo(before: object, after: object) -> None:
    umpire = begun()
    umpire.plays(before)  # type: ignore[arg-type]
    umpire.plays(after)  # type: ignore[arg-type]
    assert umpire.last is not None
    assert (umpire.last.undone, umpire.open) == (False, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (score("15-0"), score("0-15")),
        (score("0-0", "1-0"), score("40-30")),
        (score("0-0", "0-1"), score("0-0", "1-0")),
        (score("0-0", "0-0", "6-4"), score("40-0", "5-4")),
        (score("0-0", "0-0", "6-4"), score("0-0", "0-0", "4-6")),
        (score("10-9", "6-6"), score("9-9", "6-6")),
        (score("A-40"), score("40-30")),
        (score("0-0", "3-3", "6-4"), score("0-0", "3-3", "7-5")),
    ],
)
def test_points_games_and_sets_that_are_taken_away_are_an_undo(before: object, after: object) -> None:
    umpire = begun()
    umpire.plays(before)  # type: ignore[arg-type]
    umpire.plays(after)  # type: ignore[arg-type]
    assert umpire.last is not None
    assert umpire.last.undone


def test_a_break_keyed_in_by_mistake_is_corrected_by_the_last_point_issued_again() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.state("ToiletBreak", team=Side.A)
    umpire.state("CorrectionMode")
    umpire.scores(score("15-0"))
    assert umpire.open


def test_a_late_packet_ends_no_correction() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.state("CorrectionMode")
    umpire.state("InProgress", delay=LATE)
    umpire.scores(score("15-0"), delay="DELAYED")
    assert closed_words(umpire.match) == "correction under way"


# 4. Medical treatment, toilet, rain


def test_a_medical_treatment_closes_until_in_progress_and_a_physio_only_alerts() -> None:
    umpire = begun()
    umpire.plays(score("0-0", "1-0"))
    umpire.says(Kind.PHYSIO, team=Side.A)
    assert (umpire.open, umpire.now.alerts) == (True, ("physio called for H. SQUIRE",))
    umpire.state("MedicalTreatment", team=Side.A, evaluationStarted="2022-06-20T12:38:10", treatmentLocation="OnCourt")
    began = umpire.now.state_kept
    umpire.state("MedicalTreatment", team=Side.A, treatmentStarted="2022-06-20T12:39:10", treatmentLocation="OnCourt")
    assert (umpire.open, closed_words(umpire.match), umpire.now.state_kept) == (False, "medical treatment (on court)", began)
    umpire.says(Kind.TIME)
    assert not umpire.open
    umpire.state("InProgress")
    assert (since(umpire), umpire.now.alerts) == (at(umpire.seconds), ())


def test_t4_breaks_leave_the_calm_since_the_last_point_as_it_was() -> None:
    umpire = begun()
    umpire.plays(score("0-0", "1-0"))
    calm = umpire.now.calm_kept
    assert calm == since(umpire)
    umpire.state("ToiletBreak", team=Side.A)
    assert (umpire.open, umpire.now.calm_kept, umpire.now.breaks) == (False, calm, ("ToiletBreak",))
    umpire.state("InProgress")
    assert (umpire.open, umpire.now.calm_kept) == (True, calm)
    umpire.plays(score("15-0", "1-0"))
    assert (umpire.now.calm_kept, umpire.now.breaks) == (since(umpire), ())


def test_a_toilet_break_that_is_over_waits_for_in_progress() -> None:
    umpire = begun()
    umpire.state("ToiletBreak", team=Side.A)
    umpire.state("ToiletBreak", team=Side.A, toiletBreakEnded="2022-06-28T14:18:45")
    assert umpire.last is not None
    assert umpire.last.entries[0].words == "toilet break over, H. SQUIRE"
    assert closed_words(umpire.match) == "toilet break"
    umpire.state("InProgress")
    assert umpire.open


def test_rain_closes_until_play_is_unsuspended() -> None:
    umpire = begun()
    umpire.state("Suspended", suspensionType="Rain")
    assert (closed_words(umpire.match), umpire.now.calm_kept) == ("play suspended (rain)", None)
    umpire.state("Unsuspended", suspensionType="Rain", suspensionEnded="2022-07-01T13:19:09")
    assert umpire.open


def test_rain_in_a_point_leaves_the_point_in_play() -> None:
    umpire = begun()
    umpire.starts()
    umpire.state("Suspended", suspensionType="Rain")
    umpire.state("Unsuspended")
    assert closed_words(umpire.match) == "point in play"
    umpire.says(Kind.REPLAYED)
    assert umpire.open


@pytest.mark.parametrize("state", ["Suspended", "ToiletBreak", "MedicalTreatment", "ChallengeInProgress", "BallMarkInspection"])
def test_t4_a_point_ends_no_other_state(state: str) -> None:
    umpire = begun()
    umpire.state(state)
    umpire.plays(score("15-0"))
    assert not umpire.open


def test_violations_are_alerts_of_which_the_last_are_kept() -> None:
    umpire = begun()
    for number in range(12):
        umpire.says(Kind.VIOLATION, team=Side.B, reason=f"Abuse{number}")
    assert len(umpire.now.alerts) == 8
    assert umpire.now.alerts[-1] == "code violation, J. RODIONOV: “Abuse11”"
    assert umpire.open


# 5. Outage


def test_an_alarm_closes_until_a_later_live_packet_tells_how_play_stands() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    applied = umpire.now.applied
    umpire.says(Kind.ALARM, number=99)
    umpire.says(Kind.ALARM, number=None)
    assert (umpire.now.applied, closed_words(umpire.match)) == (applied, "alarm: connection to the court lost")
    umpire.starts(delay=LATE)
    umpire.scores(score("30-0"), delay=LATE)
    assert (umpire.open, umpire.now.alarm, umpire.now.score) == (False, True, score("30-0"))
    umpire.says(Kind.TIME)
    assert (umpire.open, umpire.now.alarm) == (False, False)
    assert closed_words(umpire.match) == "point feed not live: waiting for a live packet"
    umpire.plays(score("40-0"))
    assert umpire.open


def test_what_left_the_court_before_an_alarm_does_not_end_it() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    umpire.says(Kind.ALARM, last_received_at=at(umpire.seconds + 3))
    umpire.plays(score("30-0"))
    assert (umpire.open, umpire.now.alarm, umpire.now.score) == (False, True, score("30-0"))
    umpire.plays(score("40-0"))
    assert (umpire.open, umpire.now.alarm) == (True, False)


def test_what_waited_for_a_gap_since_before_an_alarm_does_not_end_it() -> None:
    umpire = begun()
    umpire.plays(score("15-0"))
    waited = umpire.seconds
    umpire.seconds += 5
    umpire.says(Kind.ALARM)
    umpire.seconds = waited
    umpire.plays(score("30-0"))
    assert (umpire.open, umpire.now.alarm, umpire.now.score) == (False, True, score("30-0"))


@pytest.mark.parametrize("delay", ["DELAYED", "RECONSTRUCTED", "unheard of"])
def test_a_packet_that_is_not_live_moves_the_score_and_settles_nothing(delay: str) -> None:
    umpire = begun()
    umpire.starts()
    umpire.scores(score("15-0"), delay=delay)
    assert (umpire.open, umpire.now.live, umpire.now.score) == (False, False, score("15-0"))
    umpire.state("InProgress")
    assert umpire.open


def test_a_late_word_about_play_closes_at_once() -> None:
    umpire = begun()
    umpire.state("InProgress", delay="DELAYED")
    assert not umpire.open


def test_an_alarm_before_anything_else_is_shown_and_opens_nothing() -> None:
    umpire = Umpire()
    umpire.says(Kind.ALARM, number=5)
    assert (umpire.now.applied, closed_words(umpire.match)) == (None, "alarm: connection to the court lost")


# Unknown words (A9)


def test_a9_an_unknown_type_holds_until_a_whole_live_point_was_played() -> None:
    umpire = begun()
    umpire.starts()
    umpire.says(Kind.UNRECOGNISED, kind_text="SwapServer")
    assert closed_words(umpire.match) == "packet of unknown type “SwapServer”"
    umpire.scores(score("15-0"))
    assert not umpire.open, "its start was before what nobody knows"
    umpire.starts(delay=LATE)
    umpire.scores(score("30-0"))
    assert not umpire.open, "its start was not live"
    umpire.plays(score("40-0"))
    assert umpire.open


def test_a9_an_unknown_state_holds_until_in_progress() -> None:
    umpire = begun()
    umpire.state("Interrupted")
    assert umpire.last is not None
    assert (closed_words(umpire.match), umpire.last.entries[0].mark) == ("unknown match state “Interrupted”", "unknown")
    umpire.state("InProgress", delay=LATE)
    assert not umpire.open
    umpire.state("InProgress")
    assert umpire.open


def test_a9_an_unknown_state_holds_until_a_whole_live_point_was_played() -> None:
    umpire = begun()
    umpire.state("PostSuspensionMatchRestart")
    umpire.plays(score("15-0"))
    assert (umpire.open, umpire.now.state) == (True, "InProgress")


def test_a9_a_state_that_is_missing_is_unknown() -> None:
    umpire = begun()
    umpire.says(Kind.STATUS)
    assert closed_words(umpire.match) == "unknown match state “”"


def test_a_packet_without_a_number_closes_but_never_opens() -> None:
    umpire = begun()
    umpire.starts(number=None)
    assert closed_words(umpire.match) == "point in play"
    umpire.scores(score("15-0"), number=None)
    assert (umpire.open, umpire.now.applied) == (False, 4)


# Order


@pytest.mark.parametrize(
    ("applied", "seq", "where"),
    [
        (None, 0, Place.NEXT),
        (None, 1, Place.NEXT),
        (None, 2, Place.BEYOND),
        (0, 1, Place.NEXT),
        (4, 4, Place.LATE),
        (4, 0, Place.LATE),
        (4, 5, Place.NEXT),
        (4, 6, Place.BEYOND),
        (4, None, Place.NEXT),
    ],
)
def test_t2_a_packet_is_placed_by_its_number(applied: int | None, seq: int | None, where: Place) -> None:
    assert place(Tennis(applied=applied), Packet(seq, Kind.TIME, "TimeAnnouncement")) is where


@pytest.mark.parametrize("seq", [None, 0, 4, 5, 600])
def test_t2_alarms_have_no_place_in_the_stream(seq: int | None) -> None:
    assert place(Tennis(applied=4), Packet(seq, Kind.ALARM, "Alarm")) is Place.NEXT


def test_packets_that_never_came_are_told_and_hold_until_play_is_known_again() -> None:
    umpire = begun()
    umpire.seq = 9
    umpire.scores(score("30-0"), jumped=True)
    assert umpire.last is not None
    assert [entry.mark for entry in umpire.last.entries] == ["gap", "point"]
    assert umpire.last.notes == ("packets 5 to 9 never came: applied as reconstructed",)
    assert (umpire.now.applied, umpire.open, closed_words(umpire.match)) == (10, False, "packets 5 to 9 never came")
    umpire.plays(score("40-0"))
    assert umpire.open


def test_a_gap_that_swallowed_the_end_of_a_break_ends_with_the_first_whole_point() -> None:
    umpire = begun()
    umpire.state("Suspended", suspensionType="Rain")
    umpire.seq += 3
    umpire.starts(jumped=True)
    umpire.scores(score("15-0"))
    assert not umpire.open
    umpire.plays(score("30-0"))
    assert (umpire.open, umpire.now.state) == (True, "InProgress")


# The end


def test_the_end_is_inferred_from_the_score() -> None:
    umpire = begun()
    umpire.plays(score("40-0", "5-3", "6-4"))
    assert umpire.open
    umpire.plays(score("0-0", "0-0", "6-4", "6-3"))
    assert (umpire.now.ended, closed_words(umpire.match)) == (True, "match over: finished, by the score")
    assert umpire.last is not None
    assert [entry.words for entry in umpire.last.entries] == ["set to H. SQUIRE", "match over: finished, by the score"]


def test_the_end_is_inferred_before_the_last_set_is_booked() -> None:
    umpire = begun()
    umpire.plays(score("0-0", "6-3", "6-4"))
    assert umpire.now.ended


def test_a_set_that_is_over_does_not_end_a_match_that_is_not() -> None:
    umpire = begun()
    umpire.plays(score("0-0", "3-6", "6-4"))
    assert not umpire.now.ended


@pytest.mark.parametrize("card", [Card(scoring="Golden", sets=3), Card(scoring="Standard"), Card(sets=3), Card(scoring="Standard", sets=4)])
def test_no_end_is_inferred_where_the_way_of_counting_is_not_known(card: Card) -> None:
    umpire = Umpire(card).begins()
    umpire.plays(score("0-0", "0-0", "6-4", "6-4", "6-4"))
    assert (umpire.now.ended, umpire.open) == (False, True)


def test_a_match_that_was_over_and_is_undone_goes_on() -> None:
    umpire = begun()
    umpire.plays(score("40-0", "5-3", "6-4"))
    umpire.plays(score("0-0", "0-0", "6-4", "6-3"))
    umpire.state("CorrectionMode")
    umpire.says(Kind.UNDO, score=score("40-0", "5-3", "6-4"))
    assert not umpire.now.ended
    umpire.plays(score("40-15", "5-3", "6-4"), Side.B)
    assert umpire.open


def test_a_score_that_must_be_the_last_never_opens_whatever_comes_after_it() -> None:
    umpire = begun()
    umpire.plays(score("0-0", "0-0", "6-4", "6-3"))
    umpire.starts()
    umpire.says(Kind.REPLAYED)
    assert (umpire.open, umpire.now.ended) == (False, True)


@pytest.mark.parametrize(
    ("reason", "outcome"), [("Normally", "finished"), ("Retirement", "retired"), ("", "finished"), ("Abandoned", "abandoned")]
)
def test_match_finished_ends_it_with_its_reason(reason: str, outcome: str) -> None:
    umpire = begun()
    umpire.says(Kind.FINISHED, reason=reason, team=Side.A)
    assert (umpire.now.ended, umpire.now.outcome, umpire.open) == (True, outcome, False)
    assert umpire.last is not None
    assert umpire.last.entries[0].words.startswith("match finished: H. SQUIRE won")


def test_a_walkover_before_the_match_ends_it() -> None:
    umpire = Umpire()
    umpire.state("UmpireOnCourt")
    umpire.state("Retire", team=Side.A, reason="Walkover")
    assert (umpire.now.ended, umpire.now.outcome, umpire.now.started) == (True, "walkover", False)


def test_a_retirement_ends_it_and_live_play_takes_it_back() -> None:
    umpire = begun()
    umpire.state("Retire", team=Side.B, reason="Injury")
    assert closed_words(umpire.match) == "match over: retired"
    umpire.state("InProgress", delay=LATE)
    assert umpire.now.ended
    umpire.state("InProgress")
    assert (umpire.now.ended, umpire.open) == (False, True)


# Words


def test_each_packet_is_a_line_of_the_timeline() -> None:
    umpire = begun()
    lines = []

    def line(_: Tennis) -> None:
        assert umpire.last is not None
        (entry,) = umpire.last.entries
        assert (entry.at, entry.at_kept) == (at(umpire.seconds - 0.1), at(umpire.seconds))
        lines.append((entry.mark, entry.words, entry.score))

    line(umpire.starts(Side.B))
    line(umpire.says(Kind.FAULT))
    line(umpire.starts(Side.B))
    line(umpire.scores(score("15-0")))
    line(umpire.says(Kind.SCORED, score=score("30-0"), scored_by=Side.A, point_type="Ace"))
    line(umpire.scores(score("0-0", "1-0")))
    line(umpire.state("Suspended", suspensionType="Rain"))
    line(umpire.says(Kind.ALARM))
    assert lines == [
        ("started", "point started, J. RODIONOV to serve", "0–0, 0–0"),
        ("started", "fault", "0–0, 0–0"),
        ("started", "second serve", "0–0, 0–0"),
        ("point", "point to H. SQUIRE", "0–0, 15–0"),
        ("point", "point to H. SQUIRE (ace)", "0–0, 30–0"),
        ("point", "game to H. SQUIRE", "1–0, 0–0"),
        ("state", "play suspended (rain)", "1–0, 0–0"),
        ("alarm", "alarm: connection to the court lost", "1–0, 0–0"),
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Standard", "point to H. SQUIRE"),
        ("Ace", "point to H. SQUIRE (ace)"),
        ("DoubleFault", "point to H. SQUIRE (double fault)"),
        ("UnknownPointType", "point to H. SQUIRE"),
        ("NetCord", "point to H. SQUIRE (“NetCord”)"),
    ],
)
def test_documented_values_are_told_in_words_and_others_as_sent_in_quotes(said: str, told: str) -> None:
    umpire = begun()
    umpire.starts()
    umpire.says(Kind.SCORED, score=score("15-0"), scored_by=Side.A, point_type=said)
    assert umpire.last is not None
    assert umpire.last.entries[0].words == told


@pytest.mark.parametrize(
    ("said", "told"), [("Rain", "rain"), ("HeatBreak", "heat break"), ("heat_break", "heat break"), ("Hail", "“Hail”")]
)
def test_why_play_is_suspended_is_told_in_words(said: str, told: str) -> None:
    umpire = begun()
    umpire.state("Suspended", suspensionType=said)
    assert closed_words(umpire.match) == f"play suspended ({told})"


def test_not_started_is_said_anew_with_another_card_until_the_stream_begins() -> None:
    umpire = Umpire()
    umpire.says(Kind.STATUS, number=0, state="NotStarted", card=Card(court="1", sets=3))
    umpire.says(Kind.STATUS, number=0, state="NotStarted", card=Card(court="7"))
    assert (umpire.now.applied, umpire.now.card.court, umpire.now.card.sets, umpire.open) == (0, "7", 3, False)
    umpire.begins()
    assert place(umpire.now, Packet(0, Kind.STATUS, "MatchStatusUpdate", state="NotStarted")) is Place.LATE


def test_a_line_fits_its_row_whatever_the_feed_says() -> None:
    long = "x" * 5000
    facts = {"suspensionType": long, "reason": long, "treatmentLocation": long}
    packet = Packet(1, Kind.STATUS, long, state="Suspended", state_facts=facts, delay=long)
    (entry,) = reduce(None, packet, at(1)).entries
    assert (len(entry.kind), len(entry.words) <= 300, len(entry.delay)) == (60, True, 20)
    many = replace(score("0-0", "99-99", *["99-98"] * 20), points_a=long)
    (entry,) = reduce(None, Packet(1, Kind.SCORED, "PointScored", score=many), at(1)).entries
    assert len(entry.score) == 80


def test_a_score_is_told_in_sets_games_and_points() -> None:
    assert score_words(score("40-A", "3-2", "6-4")) == "6–4 3–2, 40–A"
    assert score_words(score("0-0", "0-0", "6-4")) == "6–4"
    assert score_words(score()) == "0–0, 0–0"
    assert score("0-0", "0-0", "6-4", "4-6").sets == Games(1, 1)


def test_a_match_that_is_joined_late_lacks_everything_from_its_first_packet_on() -> None:
    umpire = Umpire()
    umpire.seq = 41
    umpire.state("InProgress", delay="")
    packet = replace(umpire.packets[-1], jumped=True)
    assert closed_words(reduce(None, packet, at(1)).match) == "packets 1 to 41 never came"
