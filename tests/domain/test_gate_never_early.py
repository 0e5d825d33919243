"""Gate, reducer, holds and leases together: whatever happens in whatever order, no in-play price is open while a point is in play, nor
one that was read before the point's end (promises A1–A5).

A small desk is driven by chance: an umpire who plays, a reader who loses, repeats, delays and re-orders packets, a store that applies
late, a feed of prices with retries and late ones, connections that fall silent, people who hold, confirm and type prices. Beside it
stands a plain record of what was read when. What is open is compared with that record only, never with what the desk made of it.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Struct
from msgspec.structs import replace

from markets.domain import fences
from markets.domain.fences import Points, Policy, Signs
from markets.domain.fold import Stamp, fold
from markets.domain.heard import Heard
from markets.domain.leases import Line
from markets.domain.messages import MarketSet, Message
from markets.domain.pricing import Override
from markets.domain.publish import MarketRow, PublishedSelection, SelectionRow, Terms, publish
from markets.domain.rules import Circumstances, Confirmation, FeedHealth, FixtureFacts, Gap, Hold, Limits, MarketFacts, Reopening
from markets.domain.sports.tennis import Games, Kind, Packet, Place, Score, Tennis, place, reduce
from markets.domain.state import FixtureState, market_mark
from markets.domain.values import FixtureStatus, HoldOwner, OverrideKind, Scope
from tests.domain import says

FIXTURE = FixtureFacts(1, True, FixtureStatus.SCHEDULED, False, "tennis", "5:55", says.coverage())
TYPE = "Current Game Winner"
GAP_SECONDS = 30.0
RULE_SECONDS = 20.0
MATCH_LEASE, WIRE_LEASE, BEATS = 15.0, 25.0, 2.0
STARTS, ENDS = (Kind.POINT_STARTED, Kind.FAULT, Kind.LET), (Kind.SCORED, Kind.REPLAYED)


class Frame(Struct, frozen=True):
    """A packet as it was read and kept."""

    packet: Packet
    kept: float


class Priced(Struct, frozen=True):
    """A message of prices as it was read."""

    kept: float
    sent: float
    retry: int
    price: Decimal


class Desk(RuleBasedStateMachine):
    """Seconds are those of the database; the umpire's and the price provider's clocks agree with it."""

    reopenings: tuple[Reopening, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.match: Tennis | None = None
        self.sent: list[Packet] = []
        self.playing = False
        self.points = 0
        self.read: dict[int, Frame] = {}
        self.lost: set[int] = set()
        self.waiting: list[Frame] = []
        self.alarm: Frame | None = None
        self.alarms: list[float] = []
        self.live_from = 0
        self.applied_at = -1.0
        self.wire = FixtureState()
        self.prices: list[Priced] = []
        self.heard = {"wire": 0.0, "feed": 0.0, "match": 0.0, "beat": 0.0}
        self.gaps: list[Gap] = []
        self.words: list[Confirmation] = []
        self.holds: list[Hold] = []
        self.override: Override | None = None

    @initialize()
    def begin(self) -> None:
        """The players are on court and the first prices are there."""
        for state in ("UmpireOnCourt", "Warmup", "InProgress"):
            self._send(Kind.STATUS, state=state)
            self._receive(self.sent[-1])
        self._apply()
        self.now += 1
        self._price(self.now, 0)

    # The umpire

    def _send(self, kind: Kind, **more: object) -> None:
        packet = Packet(len(self.sent) + 1, kind, kind.value, at=says.at(self.now))
        self.sent.append(replace(packet, **more))

    @precondition(lambda self: not self.playing)
    @rule()
    def a_point_starts(self) -> None:
        self._send(Kind.POINT_STARTED)
        self.playing = True

    @precondition(lambda self: self.playing)
    @rule(kind=st.sampled_from([Kind.FAULT, Kind.LET]))
    def a_serve_fails(self, kind: Kind) -> None:
        self._send(kind)

    @precondition(lambda self: self.playing)
    @rule(replayed=st.booleans(), delay=st.sampled_from(["", "", "", "DELAYED", "RECONSTRUCTED"]))
    def a_point_ends(self, replayed: bool, delay: str) -> None:
        self.playing = False
        if replayed:
            self._send(Kind.REPLAYED, delay=delay)
            return
        self.points += 1
        game, point = divmod(self.points, 4)
        self._send(Kind.SCORED, delay=delay, score=Score(("0", "15", "30", "40")[point], "0", games=Games(game % 6, 0)))

    @rule(state=st.sampled_from(["ToiletBreak", "MedicalTreatment", "Suspended", "InProgress", "InProgress", "ChallengeInProgress", "Odd"]))
    def the_state_changes(self, state: str) -> None:
        self._send(Kind.STATUS, state=state)

    # Calm stretches, so that prices are open now and then and there is something to close

    @rule(rally=st.sampled_from([0.05, 2.0, 8.0]), delay=st.sampled_from(["", "", "", "RECONSTRUCTED"]), replayed=st.booleans())
    def a_whole_point_is_played(self, rally: float, delay: str, replayed: bool) -> None:
        if not self.playing:
            self.a_point_starts()
        self._catch_up()
        self.now += rally
        self.a_point_ends(replayed, delay)
        self._catch_up()

    @rule(pause=st.sampled_from([0.05, 0.15, 1.0]))
    def play_goes_on_and_all_is_well(self, pause: float) -> None:
        if self.playing:
            self.a_point_ends(False, "")
        elif self.match and self.match.state != "InProgress":
            self.the_state_changes("InProgress")
        self._catch_up()
        self.the_hold_is_released()
        self.now += pause
        self._catch_up()
        self._price(self.now, 0)

    def _catch_up(self) -> None:
        for packet in self._unread():
            self._receive(packet)
        self._apply()
        self._beats(None)

    def _unread(self) -> list[Packet]:
        return [p for p in self.sent if p.seq not in self.read and p.seq not in self.lost]

    # The reader: an announcement goes before everything else, and is heard at once

    @precondition(lambda self: self._unread())
    @rule()
    def the_next_packet_is_read(self) -> None:
        self._receive(self._unread()[0])

    @precondition(lambda self: self._unread())
    @rule()
    def a_packet_is_lost_for_good(self) -> None:
        """The rest is read; half a minute later the store gives the packet up."""
        self.lost.add(self._unread()[0].seq or 0)
        self._catch_up()
        self.now += GAP_SECONDS
        self._catch_up()

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def some_packet_is_read(self, data: st.DataObject) -> None:
        """Out of order, or again."""
        self._receive(data.draw(st.sampled_from([p for p in self.sent if p.seq not in self.lost])))

    @rule()
    def an_alarm_is_read(self) -> None:
        self.alarm = Frame(Packet(1000, Kind.ALARM, "Alarm", at=says.at(self.now)), self.now)
        self.alarms.append(self.now)

    def _receive(self, packet: Packet) -> None:
        assert packet.seq is not None
        self.heard["match"] = self.heard["feed"] = self.now
        if packet.seq not in self.read:
            self.read[packet.seq] = Frame(packet, self.now)
            self.waiting.append(self.read[packet.seq])

    # The store applies when it can

    @rule()
    def the_store_applies(self) -> None:
        self._apply()

    def _apply(self) -> None:
        while (ready := self._ready()) is not None:
            if self.alarm and self.alarm.kept < ready.kept:
                self._apply_alarm(self.alarm)
            self.waiting.remove(ready)
            self._reduce(ready)
        if self.alarm:
            self._apply_alarm(self.alarm)

    def _apply_alarm(self, alarm: Frame) -> None:
        self.alarm = None
        self._reduce(alarm)

    def _ready(self) -> Frame | None:
        """The next of the stream; after 30 s in vain, the first beyond the gap, and a gap that a person must answer."""
        oldest = min((f.kept for f in self.waiting), default=self.now)
        for frame in sorted(self.waiting, key=lambda f: f.packet.seq or 0):
            where = place(self.match, frame.packet)
            if where is Place.NEXT:
                return frame
            if where is Place.BEYOND and self.now - oldest >= GAP_SECONDS:
                self.gaps.append(Gap(len(self.gaps) + 1, says.at(self.now), "packets never came", 77, sticky=True))
                self.waiting.remove(frame)
                self.waiting.append(jumped := Frame(replace(frame.packet, jumped=True), frame.kept))
                return jumped
        return None

    def _reduce(self, frame: Frame) -> None:
        self.match = reduce(self.match, frame.packet, says.at(frame.kept)).match

    # Prices

    @rule(
        after=st.sampled_from([0.0, 0.05, 0.15, 0.6]),
        behind=st.sampled_from([0.0, 0.0, 0.4, 3.0, 10.0]),
        retry=st.sampled_from([0, 0, 0, 1]),
    )
    def a_price_comes(self, after: float, behind: float, retry: int) -> None:
        self.now += after
        self._price(max(0.0, self.now - behind), retry)

    def _price(self, sent: float, retry: int) -> None:
        self.heard["wire"] = self.now
        price = Decimal(101 + len(self.prices)) / 50
        market = says.market("7", says.selection("1", str(price)), in_play=True, type_name=TYPE)
        stamp = Stamp(says.at(self.now), says.at(sent), retry=retry)
        message = Message(f"price-{len(self.prices)}", "1", (MarketSet((market,)),), says.at(sent))
        self.wire = fold(self.wire, message, stamp).state
        self.prices.append(Priced(self.now, sent, retry, price))

    # Time, connections, people

    @rule(
        seconds=st.sampled_from([0.01, 0.05, 0.12, 0.5, 1.0, 2.5, 16.0, 31.0]),
        silent=st.sampled_from([None, None, None, "wire", "feed", "match", "beat"]),
    )
    def time_passes(self, seconds: float, silent: str | None) -> None:
        """Everything is heard at its end, but for what falls silent."""
        self.now += seconds
        self._beats(silent)

    def _beats(self, silent: str | None) -> None:
        self.heard |= {whose: self.now for whose in self.heard if whose != silent}

    @rule()
    def a_trader_holds(self) -> None:
        self.holds = [Hold(1, HoldOwner.TRADER, Scope.FIXTURE, "1", says.at(self.now), "Ann")]

    @rule()
    def the_hold_is_released(self) -> None:
        self.holds = []

    @rule()
    def a_trader_confirms_the_gaps(self) -> None:
        self.words += [Confirmation(says.at(self.now), 77, gap_id=gap.id) for gap in self.gaps]

    @rule(kind=st.sampled_from(OverrideKind), through=st.sampled_from([False, False, True]))
    def a_price_is_typed(self, kind: OverrideKind, through: bool) -> None:
        value = Decimal("2.50") if kind is OverrideKind.PRICE else Decimal("0.10")
        self.override = Override(1, kind, value, says.at(self.now), says.at(self.now + 600), "Ann", through_points=through)

    @precondition(lambda self: self.override is not None)
    @rule()
    def the_typed_price_is_confirmed(self) -> None:
        assert self.override is not None
        self.override = replace(self.override, confirmed_at=says.at(self.now))

    @precondition(lambda self: self.override is not None)
    @rule()
    def the_typed_price_is_cancelled(self) -> None:
        self.override = None

    # What the desk serves

    def served(self) -> PublishedSelection:
        market, mark = self.wire.markets["7"], self.wire.marks[market_mark("7")]
        facts = MarketFacts(10, market, mark.seen_at, fresh_kept=mark.fresh_kept, fresh_sent=mark.fresh_sent)
        row = MarketRow(10, "m", "set-time", facts, (SelectionRow(100, "1", "runner-1"),))
        now = says.at(self.now)
        around = Circumstances(
            now, FIXTURE, FeedHealth("wire", says.at(self.heard["wire"]), WIRE_LEASE), tuple(self.holds), (),
            fences.fence(self._signs(), Policy(required=True, reopenings=self.reopenings), now), now, limits=Limits(),
        )  # fmt: skip
        terms = Terms(overrides={100: self.override} if self.override else {})
        return publish((row,), terms, around)[0].selections[0]

    def _signs(self) -> Signs:
        quiet = self.now - self.heard["beat"]
        heard = Heard(
            joined=True,
            announced=max(self.read, default=None),
            unsettled=self.alarm is not None,
            doubt="the reader has stopped beating" if quiet >= BEATS else "",
            silent_in=max(0.0, BEATS - quiet),
        )
        points = Points(77, 9, "umpire", "MS001", "Squire v Rodionov", 1, True, self.match)
        feed = FeedHealth("umpire", says.at(self.heard["feed"]), MATCH_LEASE, gaps=tuple(self.gaps))
        return Signs(points, feed, Line(says.at(self.heard["match"])), heard, tuple(self.words))

    # What must hold

    @invariant()
    def nothing_is_open_that_must_not_be(self) -> None:
        if not self.prices or not (found := self.served()).tradable:
            return
        event("a price was open")
        self._check_point()
        self._check_price(found)
        assert not self.holds
        for whose, lease in (("wire", WIRE_LEASE), ("feed", MATCH_LEASE), ("match", MATCH_LEASE), ("beat", BEATS)):
            assert self.now - self.heard[whose] < lease, whose
            assert found.valid_for_ms <= (lease - (self.now - self.heard[whose])) * 1000 + 1
        for gap in self.gaps:
            assert any(word.gap_id == gap.id and word.at > gap.opened_at for word in self.words)

    def _check_point(self) -> None:
        """A1, by what was read: the newest packet that speaks of a point speaks of its end, and the newest state is in progress."""
        told = [self.read[seq] for seq in sorted(self.read)]
        play = [f for f in told if f.packet.kind in (*STARTS, *ENDS)]
        assert not play or play[-1].packet.kind in ENDS
        states = [f.packet.state for f in told if f.packet.state]
        if states[-1] != "InProgress":  # then a whole point has been played since
            last = max(f.packet.seq or 0 for f in told if f.packet.state)
            assert Kind.POINT_STARTED in [f.packet.kind for f in play if (f.packet.seq or 0) > last], states[-1]
        assert not told[-1].packet.delay
        if self.alarms:
            assert told[-1].kept >= self.alarms[-1] or any(f.kept >= self.alarms[-1] for f in told)

    def _over_at(self) -> float:
        """When the last point's end was kept."""
        return max((f.kept for f in self.read.values() if f.packet.kind in ENDS), default=0.0)

    def _check_price(self, found: PublishedSelection) -> None:
        """A2, T5: the price shown was read after the end, is no retry, and was not sent before it."""
        over = self._over_at()
        said = next(p for p in reversed(self.prices) if p.price == found.feed_price)
        by_rule = self.reopenings and self.now - over >= RULE_SECONDS
        if not by_rule:
            assert said.retry == 0
            assert said.kept - over > 0.1 - 1e-6 or over == 0.0, (said, over)
            ends = [f.packet for f in self.read.values() if f.packet.kind in ENDS]
            last = max(ends, key=lambda p: p.seq or 0, default=None)
            if last is not None and last.at is not None:
                assert says.at(said.sent) >= last.at - timedelta(milliseconds=501)
        if found.override and found.override.kind is OverrideKind.PRICE and not found.override.through_points:
            assert found.override.meant_at > says.at(over)


class DeskWithRule(Desk):
    """The market's type was opted in to open by time."""

    reopenings = (Reopening("2", TYPE, timedelta(seconds=RULE_SECONDS)),)


Desk.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
DeskWithRule.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestNothingOpensEarly = Desk.TestCase
TestNothingOpensEarlyByTime = DeskWithRule.TestCase
