"""What providers tell us, as typed immutable values.

One :class:`Message` speaks of one fixture and carries parts. A new kind of part is a dataclass here;
``mypy`` then names every ``match`` that has to answer it.

Units: times are aware UTC ``datetime``; prices, lines and percentages are ``Decimal``; ids are the
provider's own, as decimal text, and are only ever compared for equality.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from .sports.tennis import Packet
from .values import Extent, FixtureStatus, MarketStatus, ResultStatus, SelectionStatus


class Ref(Struct, frozen=True):
    """An id with its name. Map by ``id``; the name may change (003 "Entity IDs")."""

    id: str
    name: str = ""


class ExternalRef(Struct, frozen=True):
    """A customer's id for a fixture or competitor; ``source`` is empty in the old single form."""

    id: str
    source: str = ""


class Competition(Struct, frozen=True):
    id: str
    name: str = ""
    region: Ref | None = None
    gender: str = ""


class Venue(Struct, frozen=True):
    id: str
    name: str = ""
    region: Ref | None = None


class Competitor(Struct, frozen=True):
    """A team, a player, a pair …; ``competitors`` nests to any depth (003 "Competitor")."""

    id: str
    name: str = ""
    type: str = ""
    home_away: str = ""
    competitors: tuple[Competitor, ...] = ()
    first_name: str = ""
    last_name: str = ""
    squad_number: str = ""
    position: str = ""
    gender: str = ""
    age_category: str = ""
    external_ids: tuple[ExternalRef, ...] = ()


class FirstLeg(Struct, frozen=True):
    """003 "AggregateEventInfo"."""

    current_home_team_score: int | None = None
    current_away_team_score: int | None = None


class FootballProperties(Struct, frozen=True):
    """003 "FootballProperties"; durations in seconds."""

    match_seconds: int | None = None
    extra_time_seconds: int | None = None
    is_extra_time: bool | None = None
    is_second_leg: bool | None = None
    first_leg_id: str = ""
    straight_to_penalties: bool | None = None
    away_goals_after_normal_time: bool | None = None
    away_goals_after_extra_time: bool | None = None


class TennisProperties(Struct, frozen=True):
    """003 "TennisProperties"; the words are the provider's, unknown ones are kept as they are."""

    number_of_sets: int | None = None
    final_set: str = ""
    scoring_system: str = ""
    court_surface: str = ""


class BasketballProperties(Struct, frozen=True):
    """003 "BasketballProperties"."""

    association: str = ""


class FixtureDetails(Struct, frozen=True, tag_field="part", tag="fixture"):
    """The whole description of a fixture; a newer one replaces it, absent elements included (U4).

    ``partial``: what it leaves empty is as it was before, since the provider describes a match in rows of several shapes.
    """

    name: str
    type: str
    status: FixtureStatus
    status_text: str
    start: datetime | None
    sport: Ref | None
    competition: Competition | None = None
    season: Ref | None = None
    tour_season: Ref | None = None
    round: Ref | None = None
    venue: Venue | None = None
    competitors: tuple[Competitor, ...] = ()
    external_ids: tuple[ExternalRef, ...] = ()
    first_leg: FirstLeg | None = None
    football: FootballProperties | None = None
    tennis: TennisProperties | None = None
    basketball: BasketballProperties | None = None
    association_fixture_id: str = ""
    is_off: bool | None = None
    partial: bool = False


class EachWay(Struct, frozen=True):
    """003 "EachWayTerm"."""

    places: int
    numerator: int
    denominator: int


class Upstream(Struct, frozen=True):
    """What the provider's own traders have set for one selection beside its odds (O3); ``price`` is ``None`` where none can be read."""

    price: Decimal | None = None
    suspended: bool = False


class Selection(Struct, frozen=True):
    """One selection as the provider last sent it.

    ``price`` is set only when it is whole by promise A8 (plain decimal, in range, agreeing with the
    fraction); otherwise ``price_problem`` says in words why the selection cannot be offered.
    ``listed`` is false once a newer message of its market left it out (U4). ``key``: the provider's own key, where that is public.
    ``upstream``: an override of the provider's own people in effect.
    """

    id: str
    name: str
    status: SelectionStatus
    status_text: str = ""
    competitor_id: str = ""
    outcome: Ref | None = None
    range_low: Decimal | None = None
    range_high: Decimal | None = None
    numerator: int | None = None
    denominator: int | None = None
    price: Decimal | None = None
    price_text: str = ""
    price_problem: str = ""
    probability: Decimal | None = None
    external_id: str = ""
    listed: bool = True
    key: str = ""
    upstream: Upstream | None = None

    @property
    def overruled(self) -> bool:
        """Whether the provider's own people have suspended it, or set a price that its odds do not show (O3)."""
        return self.upstream is not None and (self.upstream.suspended or self.upstream.price is None or self.upstream.price != self.price)


class Market(Struct, frozen=True):
    """One market as the provider last sent it; identity is (``id``, ``sequence``), the line is an
    attribute (U5).

    ``key``, ``group``: the provider's own public key and its odd group (kebab-case), where it has them. ``follows_match``: it is in play
    and expires as its match does, since the provider has one market for before the match and for all of it.
    """

    id: str
    sequence: int | None
    name: str
    status: MarketStatus
    type_id: str
    type_name: str
    in_play: bool
    status_text: str = ""
    is_handicap: bool = False
    line: Decimal | None = None
    expiry: datetime | None = None
    cash_out: str = ""
    each_way: EachWay | None = None
    external_id: str = ""
    selections: tuple[Selection, ...] = ()
    key: str = ""
    group: str = ""
    follows_match: bool = False

    @property
    def ref(self) -> str:
        """Natural key inside its fixture."""
        return market_ref(self.id, self.sequence)


def market_ref(market_id: str, sequence: int | None) -> str:
    """The natural key of a market inside its fixture: ``"100001331/0"``, or the bare id."""
    return market_id if sequence is None else f"{market_id}/{sequence}"


class MarketSet(Struct, frozen=True, tag_field="part", tag="markets"):
    """003 "MarketSet": markets to create or update; those not named are unchanged (U4), unless ``extent`` says otherwise."""

    markets: tuple[Market, ...]
    extent: Extent = Extent.MARKETS


class UpstreamChange(Struct, frozen=True):
    """One entry of the provider's overrides. ``group`` and ``id`` are empty where it names none; ``override``: ``None`` once it ended.

    ``value``: the price that it sets, or ``none`` for a suspension; ``ends``: when it ends (ISO 8601, UTC); each empty where the entry does
    not say it. By them one without an id is known again.
    """

    group: str
    market: str
    outcome: str
    override: Upstream | None
    id: str = ""
    value: str = ""
    ends: str = ""

    @property
    def place(self) -> str:
        return upstream_place(self.group, self.market, self.outcome)


def upstream_place(group: str, market: str, outcome: str) -> str:
    """``"set-time/winner#home"``; without its group ``"/winner#home"``."""
    return f"{group}/{market}#{outcome}"


class UpstreamSet(Struct, frozen=True, tag_field="part", tag="upstream"):
    """Overrides of the provider's own people (000 "Overrides", O3); ``whole``: all that are in effect."""

    changes: tuple[UpstreamChange, ...]
    whole: bool = False


class SelectionResult(Struct, frozen=True):
    """003 "SelectionResult" with its AdditionalResultData."""

    selection_id: str
    status: ResultStatus
    status_text: str = ""
    percentage_win: Decimal | None = None
    percentage_push: Decimal | None = None
    place: int | None = None
    count_in_place: int | None = None


class MarketResult(Struct, frozen=True):
    """003 "MarketResult"; ``score`` is (first, second) or ``None``."""

    market_id: str
    sequence: int | None
    selections: tuple[SelectionResult, ...]
    score: tuple[int | None, int | None] | None = None

    @property
    def ref(self) -> str:
        return market_ref(self.market_id, self.sequence)

    @property
    def withdrawn(self) -> bool:
        """All ``None`` takes an earlier result back (U10)."""
        return all(s.status is ResultStatus.NONE for s in self.selections)


class ResultSet(Struct, frozen=True, tag_field="part", tag="results"):
    results: tuple[MarketResult, ...]


class CoverageFeed(Struct, frozen=True):
    type: str
    licensed: bool


class Coverage(Struct, frozen=True, tag_field="part", tag="coverage"):
    """003 "Coverage"; in-play needs booked and both states licensed (U9)."""

    is_booked: bool
    feeds: tuple[CoverageFeed, ...] = ()
    external_fixture_id: str = ""

    def licensed(self, feed_type: str) -> bool:
        return any(f.type == feed_type and f.licensed for f in self.feeds)


class MatchState(Struct, frozen=True, tag_field="part", tag="match_state"):
    """A ``<Sport>MatchSummary`` or ``…MatchDetails`` (feeds.md 2.3).

    ``scoreboard`` holds what we can show (plain JSON values); ``raw`` the element's own text for the
    kinds that we do not read. ``in_play``/``ended`` say what the phase word means where we know it. ``overrides``: what the provider's
    own people have set, by its :func:`upstream_place`, the entry's id, its value and its end, parted by line breaks.
    """

    element: str
    phase: str = ""
    in_play: bool = False
    ended: bool = False
    bet_accept_ok: bool | None = None
    scoreboard: dict[str, Any] = {}
    raw: str = ""
    overrides: dict[str, Upstream] = {}


class UnknownPart(Struct, frozen=True, tag_field="part", tag="unknown"):
    """A child that we do not know: it holds its fixture (U6)."""

    element: str


class Doubt(Struct, frozen=True, tag_field="part", tag="doubt"):
    """The message says, in ``words``, that what was told before cannot be relied on: the fixture is held like after a gap (A5)."""

    words: str


Part = FixtureDetails | MarketSet | UpstreamSet | ResultSet | Coverage | MatchState | Packet | UnknownPart | Doubt


class Message(Struct, frozen=True):
    """One message about one fixture, ready to be applied.

    ``order`` is comparable only within ``stream`` (U1). ``order_lost``: one was sent that cannot be read, so that nobody can say
    that the message is newer (ADR 0009). ``notes`` say in words what was tolerated.
    """

    guid: str
    fixture_ref: str
    parts: tuple[Part, ...]
    sent_at: datetime | None = None
    order: int | None = None
    stream: str = ""
    order_lost: bool = False
    retry: int = 0
    notes: tuple[str, ...] = ()
