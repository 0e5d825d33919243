"""The fence of a fixture: what its point feed closes, and what a price must prove after a point (promises A1–A5, A9, A12, A13)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from markets.domain.fences import Policy, Signs, fence, joint_phase, next_change
from markets.domain.heard import NOTHING_HEARD, Heard
from markets.domain.leases import Line
from markets.domain.pricing import Override
from markets.domain.publish import MarketRow, PublishedSelection, SelectionRow, Terms, publish
from markets.domain.rules import (
    NO_FENCE,
    UNKNOWN_FENCE,
    Circumstances,
    Code,
    Confirmation,
    FeedHealth,
    Fence,
    FixtureFacts,
    Gap,
    MarketFacts,
    Reason,
    Reopening,
    Verdict,
    gate,
)
from markets.domain.sports.tennis import Kind, Tennis
from markets.domain.values import FixtureStatus, OverrideKind, Phase
from tests.domain import says
from tests.domain.points import LEASE, QUIET, Played, between, seconds, signs

NOW = says.at(100)
MS = timedelta(milliseconds=1)
FIXTURE = FixtureFacts(1, True, FixtureStatus.SCHEDULED, False, "tennis", "5:55", says.coverage())
IN_PLAY = MarketFacts(10, says.market("7", in_play=True, type_name="Current Game Winner"), seen_at=NOW, fresh_kept=NOW)
PRE_MATCH = MarketFacts(11, says.market("8"), seen_at=NOW, fresh_kept=NOW)
DEMANDED = Policy(required=True)


def up(known: Signs, policy: Policy = DEMANDED, now: datetime = NOW) -> Fence:
    return fence(known, policy, now)


def codes(found: Fence) -> list[Code]:
    assert all(reason.words and reason.clears for reason in found.reasons)
    return [reason.code for reason in found.reasons]


def judged(found: Fence, market: MarketFacts = IN_PLAY, now: datetime = NOW) -> Verdict:
    around = Circumstances(now, FIXTURE, FeedHealth("wire", now), fence=found, store_confirmed_at=now)
    return gate(market.market.selections[0], 100, market, around)


def first(found: Verdict) -> Reason:
    assert not found.tradable
    return found.reasons[0]


# A13


def test_a13_without_a_binding_a_demanded_point_feed_closes_in_play_only() -> None:
    found = up(Signs())
    assert codes(found) == [Code.POINT_FEED]
    assert not judged(found).tradable
    assert judged(found, PRE_MATCH).tradable
    assert up(Signs(), Policy()) == NO_FENCE


@pytest.mark.parametrize("policy", [DEMANDED, Policy()])
def test_a13_a_bound_match_counts_whether_demanded_or_not(policy: Policy) -> None:
    assert judged(up(signs(between()), policy)).tradable
    played = Played(between(), 5)
    assert codes(up(signs(played.start(95)), policy)) == [Code.POINT]


def test_a13_a_broken_binding_closes_even_between_points() -> None:
    known = signs(between())
    assert known.points is not None
    broken = replace(known, points=replace(known.points, broken_at=NOW, broken_cause="TeamA is another player"))
    found = up(broken, Policy())
    assert codes(found) == [Code.BINDING]
    assert "another player" in found.reasons[0].words


# A1


def test_a1_a_point_in_play_closes_and_says_since_when() -> None:
    found = up(signs(Played(between(), 5).start(95)))
    reason = first(judged(found))
    assert (reason.code, reason.words, reason.since) == (Code.POINT, "a point is in play", says.at(95))


def test_a1_an_announced_number_beyond_the_applied_one_closes() -> None:
    match = between()
    assert match.applied is not None
    for beyond, closed in ((0, False), (1, True)):
        heard = Heard(joined=True, announced=match.applied + beyond, silent_in=2.0, read_at=NOW)
        assert codes(up(signs(match, heard=heard))) == ([Code.FENCE] if closed else [])


@pytest.mark.parametrize(
    "heard",
    [NOTHING_HEARD, replace(QUIET, unsettled=True), replace(QUIET, doubt="the reader has stopped beating"), replace(QUIET, announced=99)],
    ids=["not joined", "an alarm on its way", "no beats", "a number on its way"],
)
def test_a1_whatever_is_not_known_closes_in_play(heard: Heard) -> None:
    found = up(signs(between(), heard=heard))
    assert codes(found) == [Code.FENCE]
    assert judged(found, PRE_MATCH).reasons[0].code is Code.STARTED


def test_u13_pre_match_waits_while_the_start_itself_may_be_on_its_way() -> None:
    match = Played().state(50, "Warmup")
    assert judged(up(signs(match)), PRE_MATCH).tradable
    assert first(judged(up(signs(match, heard=replace(QUIET, announced=2))), PRE_MATCH)).code is Code.FENCE
    assert first(judged(UNKNOWN_FENCE, PRE_MATCH)).code is Code.FENCE


def test_u13_pre_match_ends_with_the_first_in_progress() -> None:
    match = Played().state(50, "InProgress")
    assert first(judged(up(signs(match)), PRE_MATCH)).code is Code.STARTED


# T4, A9


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ChallengeInProgress", "challenge in progress"),
        ("CorrectionMode", "the umpire corrects the score"),
        ("Suspended", "play suspended"),
        ("ToiletBreak", "toilet break"),
        ("MedicalTreatment", "medical"),
    ],
)
def test_t4_every_other_state_closes_and_is_named(state: str, words: str) -> None:
    found = up(signs(Played(between(), 5).state(95, state)))
    assert found.reasons
    assert any(words in reason.words for reason in found.reasons), [r.words for r in found.reasons]


def test_t4_before_the_match_in_play_is_closed() -> None:
    assert codes(up(signs(None))) == [Code.MATCH_STATE]
    assert codes(up(signs(Played().state(50, "Warmup")))) == [Code.MATCH_STATE]


def test_a9_an_unknown_state_or_packet_closes() -> None:
    assert Code.POINT_FEED in codes(up(signs(Played(between(), 5).state(95, "RainDance"))))
    assert Code.POINT_FEED in codes(up(signs(Played(between(), 5).hear(95, Kind.UNRECOGNISED))))


def test_u12_the_end_of_the_match_closes_for_good() -> None:
    played = Played(between(), 5)
    played.hear(95, Kind.FINISHED)
    found = up(signs(played.match))
    assert found.ended
    assert any("over" in reason.words for reason in found.reasons)


@pytest.mark.parametrize("doubtful", ["alarm", "delayed", "reconstructed"])
def test_a2_an_alarm_or_a_late_packet_opens_nothing(doubtful: str) -> None:
    played = Played(between(), 5)
    if doubtful == "alarm":
        played.alarm(95)
    else:
        played.start(94)
        played.score(95, delay=doubtful.upper())
    assert Code.POINT_FEED in codes(up(signs(played.match)))


BREAK = ("ToiletBreak", "MedicalTreatment")


@pytest.mark.parametrize("opted", [(), BREAK[:1], BREAK[1:], BREAK])
@pytest.mark.parametrize("state", BREAK)
def test_t4_a_bookmaker_may_stay_open_in_its_own_breaks(state: str, opted: tuple[str, ...]) -> None:
    played = Played(between(90), 5)
    policy = replace(DEMANDED, open_in_breaks=frozenset(opted))
    price = replace(IN_PLAY, seen_at=says.at(91), fresh_kept=says.at(91))
    played.state(92, state)
    assert judged(up(signs(played.match), policy), price).tradable is (state in opted)
    played.state(95, "InProgress")
    assert judged(up(signs(played.match), policy), price).tradable is (state in opted)


def test_t4_a_break_that_was_not_opted_for_needs_a_newer_price_whatever_follows() -> None:
    played = Played(between(90), 5)
    policy = replace(DEMANDED, open_in_breaks=frozenset({"ToiletBreak"}))
    price = replace(IN_PLAY, seen_at=says.at(91), fresh_kept=says.at(91))
    for second, state in ((92, "MedicalTreatment"), (94, "InProgress"), (95, "ToiletBreak"), (96, "InProgress")):
        played.state(second, state)
        assert not judged(up(signs(played.match), policy), price).tradable


def test_t4_nothing_but_breaks_can_be_opted_for() -> None:
    match = Played(between(), 5).state(95, "Suspended")
    policy = replace(DEMANDED, open_in_breaks=frozenset({"Suspended", "ToiletBreak"}))
    assert codes(up(signs(match), policy)) == [Code.MATCH_STATE]


# A2, T5


@pytest.mark.parametrize(("kept", "open_"), [(0.0, False), (0.1, False), (0.101, True), (5.0, True)])
def test_a2_only_a_price_kept_a_tenth_of_a_second_after_the_point_opens(kept: float, open_: bool) -> None:
    price = replace(IN_PLAY, seen_at=says.at(90 + kept), fresh_kept=says.at(90 + kept))
    found = judged(up(signs(between(90))), price)
    assert found.tradable is open_
    if not open_:
        assert (found.reasons[0].code, found.reasons[0].since) == (Code.AFTER_POINT, says.at(90))


def test_t5_a_retry_seen_first_opens_nothing() -> None:
    retried = replace(IN_PLAY, seen_at=says.at(95), fresh_kept=None)
    assert first(judged(up(signs(between(90))), retried)).code is Code.AFTER_POINT


@pytest.mark.parametrize(("sent", "open_"), [(-0.501, False), (-0.5, True), (3.0, True), (None, True)])
def test_t5_a_price_sent_before_the_point_s_end_opens_nothing(sent: float | None, open_: bool) -> None:
    price = replace(IN_PLAY, fresh_sent=None if sent is None else says.at(90 + sent))
    assert judged(up(signs(between(90))), price).tradable is open_
    strict = replace(DEMANDED, tolerance=timedelta(0))
    assert judged(up(signs(between(90)), strict), price).tradable is (sent is None or sent >= 0)


def test_a2_without_a_point_feed_no_price_need_be_fresh() -> None:
    assert judged(NO_FENCE, replace(IN_PLAY, fresh_kept=None)).tradable


OLD = replace(IN_PLAY, seen_at=says.at(80), fresh_kept=says.at(80))
RULES = replace(DEMANDED, reopenings=(Reopening("9", "Next Game Winner", seconds(8)),))


def test_a2_a_market_type_s_family_may_open_by_time_alone() -> None:
    found = up(signs(between(90)), RULES)
    assert first(judged(found, OLD, says.at(97.999))).code is Code.AFTER_POINT
    assert "its rule at" in first(judged(found, OLD, says.at(97.999))).clears
    assert judged(found, OLD, says.at(98)).tradable
    other = replace(OLD, market=replace(OLD.market, type_name="Match Winner"))
    assert first(judged(found, other, says.at(98))).code is Code.AFTER_POINT


def test_a2_types_without_a_name_are_no_family() -> None:
    nameless = replace(DEMANDED, reopenings=(Reopening("9", "", seconds(8)),))
    unnamed = replace(OLD, market=replace(OLD.market, type_name=""))
    assert first(judged(up(signs(between(90)), nameless), unnamed, says.at(98))).code is Code.AFTER_POINT


def test_a2_a_type_s_own_rule_goes_before_its_family_s() -> None:
    own = Reopening(OLD.market.type_id, "Current Game Winner", seconds(2))
    found = up(signs(between(90)), replace(RULES, reopenings=(*RULES.reopenings, own)))
    assert judged(found, OLD, says.at(92)).tradable


def test_a2_time_alone_opens_nothing_while_a_point_is_in_play() -> None:
    match = Played(between(90), 5).start(95)
    found = up(signs(match), RULES)
    assert not judged(found, OLD, says.at(99)).tradable
    assert next_change(found, [OLD.market], says.at(99)) == says.at(102)  # the beats', not the rule's


def test_a2_the_next_instant_at_which_time_changes_something_is_known() -> None:
    found = up(signs(between(90)), RULES, says.at(97))
    assert next_change(found, [OLD.market], says.at(97)) == says.at(98)
    assert next_change(found, [OLD.market], says.at(98)) == says.at(99)
    assert next_change(NO_FENCE, [OLD.market], NOW) is None


# A2: overrides


def offered(override: Override, found: Fence) -> PublishedSelection:
    rows = tuple(SelectionRow(100 + n, s.id, f"runner-{s.id}") for n, s in enumerate(IN_PLAY.market.selections))
    around = Circumstances(NOW, FIXTURE, FeedHealth("wire", NOW), fence=found, store_confirmed_at=NOW)
    return publish((MarketRow(10, "m", "set-time", IN_PLAY, rows),), Terms(overrides={100: override}), around)[0].selections[0]


def typed(second: float, kind: OverrideKind = OverrideKind.PRICE, value: str = "2.10") -> Override:
    return Override(1, kind, Decimal(value), says.at(second), says.at(200), "Ann")


def test_a2_a_price_typed_before_the_point_s_end_is_hidden_until_confirmed() -> None:
    found = up(signs(between(90)))
    hidden = offered(typed(85), found)
    assert (hidden.tradable, [r.words for r in hidden.reasons]) == (False, ["override from before the point"])
    assert hidden.override is not None  # P3: the suspension does not end it
    assert offered(replace(typed(85), confirmed_at=says.at(95)), found).tradable
    assert not offered(replace(typed(85), confirmed_at=says.at(89)), found).tradable
    assert offered(typed(95), found).tradable
    assert offered(replace(typed(85), through_points=True), found).tradable
    assert offered(typed(85), NO_FENCE).tradable


@pytest.mark.parametrize(("kind", "value", "price"), [(OverrideKind.OFFSET, "0.10", "2.10"), (OverrideKind.PERCENT, "10", "2.20")])
def test_a2_offset_and_percent_follow_the_new_price(kind: OverrideKind, value: str, price: str) -> None:
    found = offered(typed(85, kind, value), up(signs(between(90))))
    assert (found.tradable, found.price) == (True, Decimal(price))


def test_a2_time_alone_brings_no_old_override_back() -> None:
    rule = replace(DEMANDED, reopenings=(Reopening(IN_PLAY.market.type_id, "Game", seconds(1)),))
    assert Code.OLD_OVERRIDE in [r.code for r in offered(typed(85), up(signs(between(90)), rule)).reasons]


# A3, A4, A5, A12


@pytest.mark.parametrize(("silent", "open_"), [(LEASE - 0.001, True), (LEASE, False)])
@pytest.mark.parametrize("whose", ["feed", "match"])
def test_a3_the_lease_of_the_point_feed_and_of_the_match_lapse_at_their_end(silent: float, open_: bool, whose: str) -> None:
    known = signs(between(90))
    heard_at = NOW - seconds(silent)
    assert known.feed is not None
    quiet = replace(known, line=Line(heard_at)) if whose == "match" else replace(known, feed=replace(known.feed, heard_at=heard_at))
    assert codes(up(quiet)) == ([] if open_ else [Code.POINT_FEED])


LESS: list[Callable[[Signs], Signs]] = [
    lambda known: replace(known, line=None),
    lambda known: replace(known, line=Line(NOW, "lost", "silent for 15 s")),
    lambda known: replace(known, line=Line(NOW, "connecting")),
    lambda known: replace(known, line=Line(NOW, "gap", "packet 7 is missing")),
    lambda known: replace(known, feed=None),
    lambda known: replace(known, feed=replace(known.feed, enabled=False) if known.feed else None),
    lambda known: replace(known, feed=replace(known.feed, backlog_known=False) if known.feed else None),
    lambda known: replace(known, feed=replace(known.feed, oldest_pending_at=NOW - seconds(2)) if known.feed else None),
    lambda known: replace(known, feed=replace(known.feed, slow_until=NOW) if known.feed else None),
]


@pytest.mark.parametrize("lack", LESS)
def test_a4_a_point_feed_that_is_slow_off_or_not_known_closes(lack: Callable[[Signs], Signs]) -> None:
    assert codes(up(lack(signs(between(90))))) == [Code.POINT_FEED]


def test_a5_a_gap_of_the_match_closes_until_a_person_or_a_later_point_s_end() -> None:
    for sticky in (False, True):
        for opened, of in ((95, 77), (85, 77), (95, None)):
            gap = Gap(3, says.at(opened), "packets 6 to 8 never came", of, sticky)
            closed = sticky or opened > 90
            assert codes(up(signs(between(90), gaps=(gap,)))) == ([Code.POINT_FEED] if closed else [])
    assert codes(up(signs(between(90), gaps=(Gap(3, says.at(95), "another match", 78),)))) == []


@pytest.mark.parametrize(
    ("word", "clears"),
    [
        ({"fixture_id": 77, "gap_id": 3}, True),
        ({"gap_id": 3}, True),
        ({}, True),
        ({"fixture_id": 77}, False),
        ({"fixture_id": 78, "gap_id": 3}, False),
        ({"gap_id": 4}, False),
        ({"fixture_id": 77, "gap_id": 3, "market_id": 10}, False),
    ],
)
def test_a5_a_confirmation_clears_the_gap_that_it_names(word: dict[str, int], clears: bool) -> None:
    known = signs(between(90), gaps=(Gap(3, says.at(95), "packets never came", 77, sticky=True),))
    for at, counts in ((96, clears), (95, False)):
        confirmed = replace(known, confirmations=(Confirmation(says.at(at), **word),))
        assert codes(up(confirmed)) == ([] if counts else [Code.POINT_FEED])


@pytest.mark.parametrize(("feed", "match", "beats", "until"), [(14, 14, 2, 101), (0, 14.5, 2, 100.5), (0, 0, 2, 102), (0, 0, 0.25, 100.25)])
def test_a12_an_open_price_is_valid_no_longer_than_the_point_feed(feed: float, match: float, beats: float, until: float) -> None:
    known = signs(between(90), heard_at=NOW - seconds(feed))
    heard = replace(known.heard, silent_in=beats)
    found = up(replace(known, line=Line(NOW - seconds(match)), heard=heard))
    assert judged(found).until == says.at(until)


# U12


@pytest.mark.parametrize(
    ("match", "own", "joint"),
    [
        (None, Phase.UPCOMING, Phase.UPCOMING),
        (Tennis(), Phase.UPCOMING, Phase.UPCOMING),
        (Tennis(started=True), Phase.UPCOMING, Phase.LIVE),
        (Tennis(started=True, ended=True), Phase.LIVE, Phase.FINISHED),
        (Tennis(started=True), Phase.FINISHED, Phase.FINISHED),
    ],
)
def test_u12_the_phase_is_that_of_both_feeds(match: Tennis | None, own: Phase, joint: Phase) -> None:
    points = signs(match).points
    assert points is not None
    assert joint_phase(own, points) is joint
    assert joint_phase(own, replace(points, broken_at=NOW)) is own
    assert joint_phase(own, None) is own
