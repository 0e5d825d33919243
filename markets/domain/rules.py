"""The gate: is this selection open, right now, for this bookmaker?

One pure function, called by whoever serves a price; "open" is never stored (promises A1–A13, docs/architecture.md 4).
Every input that opens is a lease or a fact with an age; whatever is unknown suspends.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from .links import Link
from .messages import Coverage, Market, MatchState, Selection
from .sequence import family
from .state import Result
from .values import FixtureStatus, HoldOwner, MarketStatus, Scope, SelectionStatus

BACKLOG_LIMIT = timedelta(seconds=2)
"""A4: how old the oldest message without outcome may be."""
STORE_LIMIT = timedelta(seconds=2)
"""F4: how long ago the store may have answered last."""
CLOCK_LIMIT = timedelta(seconds=5)
"""A stamp further in the future than this is no stamp: the clock jumped."""
AFTER_POINT = timedelta(milliseconds=100)
"""A2: how much later than a point's end a price must have been kept, both in database time."""
SENT_TOLERANCE = timedelta(milliseconds=500)
"""T5: how much earlier than the point's end a provider may say that it sent a price that still counts as read after it."""
MATCH_STATE_FEED = "MatchState"
TRADING_STATE_FEED = "TradingState"


class Code(StrEnum):
    """Why a selection is suspended; ``docs/glossary.md`` gives each in words."""

    MARKET = "market"
    SELECTION = "selection"
    PRICE = "price"
    NOT_LISTED = "not-listed"
    UPSTREAM = "upstream"
    NO_FIXTURE = "no-fixture"
    FIXTURE_STATUS = "fixture-status"
    STARTED = "started"
    EXPIRED = "expired"
    RESULTED = "resulted"
    RESULT_WITHDRAWN = "result-withdrawn"
    COVERAGE = "coverage"
    BET_ACCEPT = "bet-accept"
    DISABLED = "disabled"
    LEASE = "lease"
    BACKLOG = "backlog"
    GAP = "gap"
    QUARANTINE = "quarantine"
    HOLD = "hold"
    STORE = "store"
    FENCE = "fence"
    POINT = "point"
    MATCH_STATE = "match-state"
    POINT_FEED = "point-feed"
    BINDING = "binding"
    AFTER_POINT = "after-point"
    OLD_OVERRIDE = "old-override"
    OTHER_SOURCE = "other-source"
    LINK = "link"
    SIMULATED = "simulated"
    LIMITS = "limits"


class Reason(Struct, frozen=True):
    """One thing that holds a price closed, in words a trader can act on."""

    code: Code
    words: str
    since: datetime | None = None
    clears: str = ""


class Gap(Struct, frozen=True):
    """A reason to believe that something was missed (A5).

    ``sticky``: a newer message does not clear it, only a dismissal or a retry does (B7).
    ``fixture_id`` is ``None`` for a gap of the whole feed.
    """

    id: int
    opened_at: datetime
    cause: str
    fixture_id: int | None = None
    sticky: bool = False
    frame_id: int | None = None


class Confirmation(Struct, frozen=True):
    """A person's audited word that what is on screen may open (A5 iii).

    Covers what it names: a market (``market_id``), a fixture (``fixture_id``), else the whole feed; ``gap_id`` names one gap.
    """

    at: datetime
    fixture_id: int | None = None
    market_id: int | None = None
    gap_id: int | None = None


class FeedHealth(Struct, frozen=True):
    """The state of one source as the store records it, read in the same snapshot as the prices.

    ``heard_at``: last heartbeat or message. ``oldest_pending_at``: keep time of the oldest row without outcome.
    ``slow_until``: re-opening time after a backlog (A4). ``backlog_known``: somebody could say what is pending (A10).
    ``each_match``: every match has a connection of its own, which holds its prices open beside the source's lease (O2);
    ``live_data_seconds``, ``upcoming_data_seconds``: how long its data counts while it is played, and before.
    Times are database times.
    """

    source: str
    heard_at: datetime | None
    lease_seconds: float = 25.0
    oldest_pending_at: datetime | None = None
    slow_until: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    coverage_expected: bool = True
    simulated: bool = False
    enabled: bool = True
    backlog_known: bool = True
    each_match: bool = False
    live_data_seconds: float = 60.0
    upcoming_data_seconds: float = 300.0


class Lease(Struct, frozen=True):
    """What a fixture's own connection says of its prices now (``markets.domain.leases`` makes it); ``until``: when that lapses."""

    reasons: tuple[Reason, ...] = ()
    until: datetime | None = None


class Hold(Struct, frozen=True):
    """An owned suspension. ``id`` 0 is a value that is not stored."""

    id: int
    owner: HoldOwner
    scope: Scope
    target: str
    since: datetime
    by: str
    reason: str = ""
    ends_at: datetime | None = None
    bookmaker: str | None = None


class Reopening(Struct, frozen=True):
    """Markets of this type re-open ``after`` a point without a newer price (A2). ``name``: the type's, for its family (U14)."""

    type_id: str
    name: str
    after: timedelta


class Fence(Struct, frozen=True):
    """What a fixture's point feed says of its markets, for one bookmaker, now (``markets.domain.fences`` makes it).

    ``reasons`` close every in-play market, ``pre_match`` every pre-match one. ``settled_kept``/``settled_at``: when the last point (or
    whatever else closed) was over, by the database's and the provider's clock; in-play markets need a price read after it (A2, T5),
    or one of ``reopenings``. Both are ``None`` where no point feed is bound and none is demanded.
    ``started``, ``ended``: the point feed says so (U12, U13). ``until``: when ``reasons`` will hold unless something is heard again.
    """

    reasons: tuple[Reason, ...] = ()
    pre_match: tuple[Reason, ...] = ()
    settled_kept: datetime | None = None
    settled_at: datetime | None = None
    started: bool = False
    ended: bool = False
    until: datetime | None = None
    reopenings: tuple[Reopening, ...] = ()
    tolerance: timedelta = SENT_TOLERANCE

    @property
    def raised(self) -> bool:
        """Whether every in-play market is closed, whatever its price."""
        return bool(self.reasons)

    def reopens_at(self, market: Market) -> datetime | None:
        """When ``market`` opens without a newer price, if its type or its type's family was opted in."""
        if self.settled_kept is None or not self.reopenings:
            return None
        own = next((r for r in self.reopenings if r.type_id == market.type_id), None)
        shared = family(market.type_name)
        rule = own or next((r for r in self.reopenings if shared and family(r.name) == shared), None)
        return None if rule is None else self.settled_kept + rule.after


NO_FENCE = Fence()
_NOT_LOADED = Reason(Code.FENCE, "point fences not loaded", clears="loading them")
UNKNOWN_FENCE = Fence(reasons=(_NOT_LOADED,), pre_match=(_NOT_LOADED,))


class FixtureFacts(Struct, frozen=True):
    """What the gate asks of a fixture.

    ``sport``: slug. ``competition``: ``"<source id>:<competition ref>"``, as a hold's target names it; empty when not known.
    ``link``: to the fixture of another feed that is the same match.
    """

    id: int
    has_details: bool
    status: FixtureStatus
    started: bool
    sport: str
    competition: str
    coverage: Coverage | None
    match_states: tuple[MatchState, ...] = ()
    simulated: bool = False
    status_text: str = ""
    link: Link | None = None


class Verdict(Struct, frozen=True):
    """``until``: the earliest deadline that holds it open (lease, expiry); ``None`` when closed or without one."""

    tradable: bool
    reasons: tuple[Reason, ...] = ()
    until: datetime | None = None


class Limits(Struct, frozen=True):
    """Published prices must lie in here (A8; per-sport setting narrowed by the bookmaker)."""

    low: Decimal = Decimal("1.01")
    high: Decimal = Decimal("1001")


class MarketFacts(Struct, frozen=True):
    """One market with what the gate needs beside the provider's own words.

    ``seen_at``: keep time of the newest applied message that named it. ``fresh_kept``, ``fresh_sent``: keep time and provider time of
    that message, ``None`` where it was a retry (T5). ``group``: its odd group, kebab-case.
    """

    id: int
    market: Market
    seen_at: datetime
    result: Result | None = None
    result_seen_at: datetime | None = None
    fresh_kept: datetime | None = None
    fresh_sent: datetime | None = None
    group: str = ""


class Circumstances(Struct, frozen=True):
    """Everything around a market, for one bookmaker, at one instant ``now`` (database time).

    ``store_confirmed_at``: when the store last answered (F4: over 2 s suspends).
    ``demo``: simulated fixtures may be served (P5). ``lease``: of the fixture's own connection, where its feed has one each match (O2).
    """

    now: datetime
    fixture: FixtureFacts
    feed: FeedHealth
    holds: tuple[Hold, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    fence: Fence = UNKNOWN_FENCE
    store_confirmed_at: datetime | None = None
    demo: bool = False
    limits: Limits = Limits()
    lease: Lease | None = None


class Survey(Struct, frozen=True):
    """What holds for every market of a fixture, worked out once for all of them.

    ``wide`` closes everything, ``in_play`` and ``pre_match`` only such markets; narrow holds are by the target they name.
    """

    around: Circumstances
    wide: tuple[Reason, ...]
    in_play: tuple[Reason, ...]
    pre_match: tuple[Reason, ...]
    on_market: dict[str, tuple[Reason, ...]]
    on_selection: dict[str, tuple[Reason, ...]]
    gaps: tuple[Gap, ...]
    confirmations: tuple[Confirmation, ...]
    lease_until: datetime | None


def gate(selection: Selection, selection_id: int, market: MarketFacts, around: Circumstances) -> Verdict:
    """Whether ``selection`` is tradable now, and if not, every reason why not."""
    seen = survey(around)
    return selection_verdict(selection, selection_id, market, market_verdict(market, seen), seen)


def survey(around: Circumstances) -> Survey:
    """Everything about the fixture, its feed and its holds that does not depend on one market."""
    narrow = [h for h in around.holds if h.scope in _NARROW and _in_effect(h, around.now)]
    return Survey(
        around=around,
        wide=tuple(_wide(around)),
        in_play=tuple(_in_play(around)),
        pre_match=tuple(_pre_match(around)),
        on_market=_by_target(narrow, Scope.MARKET),
        on_selection=_by_target(narrow, Scope.SELECTION),
        gaps=tuple(g for g in around.feed.gaps if g.fixture_id in (None, around.fixture.id)),
        confirmations=tuple(c for c in around.confirmations if c.fixture_id in (None, around.fixture.id)),
        lease_until=_earliest(lease_until(around.feed), around.lease.until if around.lease else None),
    )


def market_verdict(market: MarketFacts, seen: Survey) -> Verdict:
    """What holds for every selection of ``market``; its ``until`` is theirs."""
    kind = seen.in_play if market.market.in_play else seen.pre_match
    held = seen.on_market.get(str(market.id), ()) if seen.on_market else ()
    reasons = (*held, *seen.wide, *kind, *_market(market, seen))
    if reasons:
        return Verdict(False, reasons)
    own_end = seen.around.fence.until if market.market.in_play else market.market.expiry
    return Verdict(True, (), _earliest(seen.lease_until, own_end))


def selection_verdict(selection: Selection, selection_id: int, market: MarketFacts, of_market: Verdict, seen: Survey) -> Verdict:
    """``of_market`` (from :func:`market_verdict`) with what holds ``selection`` alone."""
    held = seen.on_selection.get(str(selection_id), ()) if seen.on_selection else ()
    if not held and _whole(selection):
        return of_market
    own = (*held, *_selection(selection, market))
    return Verdict(False, (*own, *of_market.reasons))


_NARROW = (Scope.MARKET, Scope.SELECTION)
_BY_CONFIRMATION = "a newer message for the market, or a trader's confirmation"


def _wide(around: Circumstances) -> list[Reason]:
    wide = [_held(h) for h in around.holds if h.scope not in _NARROW and _in_effect(h, around.now) and _reaches(h, around.fixture)]
    return [*wide, *_fixture(around), *_store(around), *_feed(around.feed, around.now), *_connection(around)]


def _fixture(around: Circumstances) -> list[Reason]:
    fixture = around.fixture
    if not fixture.has_details:
        return [Reason(Code.NO_FIXTURE, "no fixture message yet", clears="the fixture's own message")]
    reasons = []
    if fixture.status is not FixtureStatus.SCHEDULED:
        reasons.append(Reason(Code.FIXTURE_STATUS, _fixture_words(fixture), clears="a message that says that it is on"))
    if (fixture.simulated or around.feed.simulated) and not around.demo:
        reasons.append(Reason(Code.SIMULATED, "simulated fixtures are for demo bookmakers only", clears="nothing"))
    return reasons


def _fixture_words(fixture: FixtureFacts) -> str:
    if fixture.status is FixtureStatus.UNRECOGNISED:
        return f"the feed gives the fixture a status that is not known: {fixture.status_text or 'none'}"
    return f"the feed says that the fixture is {fixture.status}"


def _store(around: Circumstances) -> list[Reason]:
    at = around.store_confirmed_at
    if at is None:
        return [Reason(Code.STORE, "the store has not answered yet", clears="an answer of the store")]
    if _fresh(at, STORE_LIMIT, around.now):
        return []
    return [Reason(Code.STORE, "the store does not answer", at + STORE_LIMIT, "an answer of the store")]


def _feed(feed: FeedHealth, now: datetime) -> list[Reason]:
    reasons = []
    if not feed.enabled:
        reasons.append(Reason(Code.DISABLED, f"feed {feed.source} is switched off", clears="an administrator who switches it on"))
    return [*reasons, *lease_reasons(feed, now), *backlog_reasons(feed, now)]


def _connection(around: Circumstances) -> tuple[Reason, ...]:
    """A3 of a feed with a connection for each match; one that nobody has asked for holds nothing open."""
    if not around.feed.each_match:
        return ()
    return _NOT_ASKED if around.lease is None else around.lease.reasons


_NOT_ASKED = (Reason(Code.LEASE, "the connection of the match is not known", clears="reading it"),)


def lease_reasons(feed: FeedHealth, now: datetime) -> list[Reason]:
    """A3: the feed has not been heard within its lease."""
    clears = "a heartbeat or a message"
    until = lease_until(feed)
    if feed.heard_at is None or until is None:
        return [Reason(Code.LEASE, f"feed {feed.source} has never been heard", clears=clears)]
    if now >= until:
        return [Reason(Code.LEASE, f"feed {feed.source} silent for over {feed.lease_seconds:g} s", until, clears)]
    if feed.heard_at - now > CLOCK_LIMIT:
        return [Reason(Code.LEASE, f"feed {feed.source} was last heard in the future: the clock jumped", clears="the clock")]
    return []


def backlog_reasons(feed: FeedHealth, now: datetime) -> list[Reason]:
    """A4: messages wait to be applied, or nobody knows."""
    clears = "the backlog staying under 1 s for 3 s"
    if not feed.backlog_known:
        return [Reason(Code.BACKLOG, f"the backlog of feed {feed.source} is not known", clears="reading it")]
    oldest = feed.oldest_pending_at
    if oldest is not None and now - oldest >= BACKLOG_LIMIT:
        words = f"messages of feed {feed.source} wait for over {BACKLOG_LIMIT.seconds} s"
        return [Reason(Code.BACKLOG, words, oldest + BACKLOG_LIMIT, clears)]
    if feed.slow_until is not None and now <= feed.slow_until:
        return [Reason(Code.BACKLOG, f"feed {feed.source} was slow and is proving itself", None, clears)]
    return []


def _in_play(around: Circumstances) -> list[Reason]:
    return [*around.fence.reasons, *_coverage(around), *_bet_accept(around.fixture)]


def _coverage(around: Circumstances) -> list[Reason]:
    clears = "a coverage message that is booked and licensed"
    coverage = around.fixture.coverage
    if coverage is None:
        missing = Reason(Code.COVERAGE, "no coverage message yet", clears=clears)
        return [missing] if around.feed.coverage_expected else []
    if not coverage.is_booked:
        return [Reason(Code.COVERAGE, "the fixture is not booked for in-play", clears=clears)]
    unlicensed = [t for t in (MATCH_STATE_FEED, TRADING_STATE_FEED) if not coverage.licensed(t)]
    return [Reason(Code.COVERAGE, f"{' and '.join(unlicensed)} not licensed", clears=clears)] if unlicensed else []


def _bet_accept(fixture: FixtureFacts) -> list[Reason]:
    return [
        Reason(Code.BET_ACCEPT, "the match state accepts no bets now", clears="a match state that accepts bets")
        for state in fixture.match_states
        if state.bet_accept_ok is False
    ]


def _pre_match(around: Circumstances) -> list[Reason]:
    fixture, fence = around.fixture, around.fence
    started = fixture.started or fence.started or any(state.in_play or state.ended for state in fixture.match_states)
    reasons = [Reason(Code.STARTED, "started", clears="nothing: pre-match markets end with the start")] if started else []
    return [*reasons, *fence.pre_match]


def _market(facts: MarketFacts, seen: Survey) -> list[Reason]:
    market, around = facts.market, seen.around
    reasons = []
    if market.status is not MarketStatus.OPEN:
        words = _status_words("market", market.status, market.status_text)
        reasons.append(Reason(Code.MARKET, words, facts.seen_at, "a message that says Open"))
    if not market.in_play and market.expiry is not None and around.now >= market.expiry:
        reasons.append(Reason(Code.EXPIRED, "past its expiry", market.expiry, "a message with a later expiry"))
    if around.fixture.link is not None:
        reasons += _linked(around.fixture.link, facts.group)
    if market.in_play and around.fence.settled_kept is not None:
        reasons += _after_point(facts, around.fence, around.now)
    if facts.result is not None:
        reasons += _result(facts, facts.result, seen.confirmations)
    if seen.gaps:
        reasons += [missed(g) for g in seen.gaps if _unproven(g, facts, seen.confirmations)]
    return reasons


def _linked(link: Link, group: str) -> list[Reason]:
    """Of two feeds that know a match, one at a time gives the prices of a group."""
    if link.broken_at is not None:
        words = f"the link to feed {link.other} is broken: {link.broken_cause}"
        return [Reason(Code.LINK, words, link.broken_at, "a supervisor who unlinks the fixtures")]
    taken = link.taken_from(group)
    if taken == link.own:
        return []
    clears = "an administrator who takes the group from this feed, or unlinking"
    return [Reason(Code.OTHER_SOURCE, f"{group or 'this group'} is taken from feed {taken}", None, clears)]


def _after_point(facts: MarketFacts, fence: Fence, now: datetime) -> list[Reason]:
    """A2: the price must be from after the point, unless time alone re-opens this type."""
    opens_at = fence.reopens_at(facts.market)
    if _fresh_price(facts, fence) or (opens_at is not None and now >= opens_at):
        return []
    clears = "a price read after the point's end"
    if opens_at is not None:
        clears += f", or its rule at {opens_at.astimezone(UTC):%H:%M:%S} UTC"
    return [Reason(Code.AFTER_POINT, "waiting for a price after the point", fence.settled_kept, clears)]


def _fresh_price(facts: MarketFacts, fence: Fence) -> bool:
    """T5."""
    if not after_point(facts.fresh_kept, fence):
        return False
    if facts.fresh_sent is None or fence.settled_at is None:
        return True
    return facts.fresh_sent >= fence.settled_at - fence.tolerance


def after_point(at: datetime | None, fence: Fence) -> bool:
    """Whether ``at`` (database time) lies after the last point's end; a ``None`` does not, unless there is no point feed."""
    if fence.settled_kept is None:
        return True
    return at is not None and at > fence.settled_kept + AFTER_POINT


def _result(facts: MarketFacts, result: Result, confirmations: tuple[Confirmation, ...]) -> list[Reason]:
    if not result.result.withdrawn:
        return [Reason(Code.RESULTED, "it has a result", facts.result_seen_at, "nothing but the feed's withdrawal of the result")]
    at = facts.result_seen_at
    if at is not None and any(c.at > at and c.gap_id is None and _covers(c, facts) for c in confirmations):
        return []
    return [Reason(Code.RESULT_WITHDRAWN, "its result was withdrawn", at, "a trader's confirmation")]


def _unproven(gap: Gap, facts: MarketFacts, confirmations: tuple[Confirmation, ...]) -> bool:
    if not gap.sticky and facts.seen_at > gap.opened_at:
        return False
    return not any(_answers(c, gap, facts) for c in confirmations)


def _answers(word: Confirmation, gap: Gap, facts: MarketFacts) -> bool:
    return _covers(word, facts) and answers(word, gap)


def answers(word: Confirmation, gap: Gap) -> bool:
    """Whether a person's word clears ``gap`` for what it covers (A5 iii); a sticky one only by its own name or for the whole feed (B7)."""
    if word.at <= gap.opened_at:
        return False
    whole_feed = word.gap_id is None and word.fixture_id is None and word.market_id is None
    return word.gap_id == gap.id or whole_feed or (word.gap_id is None and not gap.sticky)


def _covers(word: Confirmation, facts: MarketFacts) -> bool:
    return word.market_id is None or word.market_id == facts.id


def missed(gap: Gap) -> Reason:
    """A gap as a reason."""
    if gap.sticky:
        clears = "a retry or a dismissal of the quarantined message, or a trader's confirmation"
        return Reason(Code.QUARANTINE, gap.cause, gap.opened_at, clears)
    return Reason(Code.GAP, f"something may have been missed: {gap.cause}", gap.opened_at, _BY_CONFIRMATION)


def _whole(selection: Selection) -> bool:
    """Nothing of the selection's own keeps it closed (A8)."""
    price = selection.price
    return (
        selection.status is SelectionStatus.TRADING
        and selection.listed
        and not selection.overruled
        and not selection.price_problem
        and price is not None
        and price.is_finite()
        and _WHOLE.low <= price <= _WHOLE.high
    )


def _selection(selection: Selection, market: MarketFacts) -> list[Reason]:
    reasons = []
    if not selection.listed:
        reasons.append(Reason(Code.NOT_LISTED, "not in the last message", market.seen_at, "a message of its market that names it"))
    if selection.status is not SelectionStatus.TRADING:
        words = _status_words("selection", selection.status, selection.status_text)
        reasons.append(Reason(Code.SELECTION, words, market.seen_at, "a message that says Trading"))
    if selection.overruled:
        reasons.append(_overruled(selection, market))
    if problem := _price_problem(selection):
        reasons.append(Reason(Code.PRICE, problem, market.seen_at, "a message with a whole price"))
    return reasons


def _overruled(selection: Selection, market: MarketFacts) -> Reason:
    """O3."""
    said = selection.upstream
    if said is None or said.suspended or said.price is None:
        return Reason(Code.UPSTREAM, "the provider's traders have suspended it", market.seen_at, "the provider's traders")
    words = f"the provider's traders have set {said.price}, its odds say {selection.price or 'nothing'}"
    return Reason(Code.UPSTREAM, words, market.seen_at, "odds that agree, or the end of the provider's override")


def _price_problem(selection: Selection) -> str:
    if selection.price_problem:
        return selection.price_problem
    if selection.price is None:
        return "no price"
    if not selection.price.is_finite() or not _WHOLE.low <= selection.price <= _WHOLE.high:
        return f"the feed's price {selection.price} is not within {_WHOLE.low} and {_WHOLE.high}"
    return ""


def _status_words(thing: str, status: StrEnum, text: str) -> str:
    if status in (MarketStatus.UNRECOGNISED, SelectionStatus.UNRECOGNISED):
        return f"the feed gives the {thing} a status that is not known: {text or 'none'}"
    return f"the feed says that the {thing} is {status}"


def _in_effect(hold: Hold, now: datetime) -> bool:
    return hold.ends_at is None or now < hold.ends_at


def _reaches(hold: Hold, fixture: FixtureFacts) -> bool:
    """Of wide holds; a scope that is not known reaches everything."""
    match hold.scope:
        case Scope.FIXTURE:
            return hold.target == str(fixture.id)
        case Scope.COMPETITION:
            return hold.target == fixture.competition
        case Scope.SPORT:
            return hold.target == fixture.sport
        case _:
            return True


def _held(hold: Hold) -> Reason:
    why = f": {hold.reason}" if hold.reason else ""
    clears = f"its end at {hold.ends_at.astimezone(UTC):%H:%M:%S} UTC, or its release" if hold.ends_at else "its release"
    return Reason(Code.HOLD, f"{hold.scope} suspended by {hold.by} ({hold.owner}){why}", hold.since, clears)


def _by_target(holds: list[Hold], scope: Scope) -> dict[str, tuple[Reason, ...]]:
    found: dict[str, tuple[Reason, ...]] = {}
    for hold in holds:
        if hold.scope is scope:
            found[hold.target] = (*found.get(hold.target, ()), _held(hold))
    return found


def lease_until(feed: FeedHealth) -> datetime | None:
    """When the feed's markets close unless it is heard again."""
    return None if feed.heard_at is None else feed.heard_at + timedelta(seconds=feed.lease_seconds)


def _fresh(at: datetime, limit: timedelta, now: datetime) -> bool:
    return now - at < limit and at - now <= CLOCK_LIMIT


def _earliest(*times: datetime | None) -> datetime | None:
    return min((t for t in times if t is not None), default=None)


_WHOLE = Limits()
