"""What a page shows of an offer: the same values rendered into its first HTML and pushed by the hub, so that the two cannot disagree.

Templates: ``board/_row.html`` gets ``{"row": BoardRow}``, ``fixture/_market.html`` gets ``{"market": MarketView}``; the hub renders both
for new structure, once per bookmaker, so they may depend on nothing else (no user, no request). Nothing here changes by the mere
passing of time: ages are counted by the browser from ``since`` and from the feeds' ``heardAt``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from markets.domain import sequence
from markets.domain.links import Link
from markets.domain.messages import Market, Selection
from markets.domain.pricing import Override
from markets.domain.publish import IN_PLAY_MS, PRE_MATCH_MS, MarketRow, PublishedMarket, PublishedSelection
from markets.domain.rules import Code, Reason, survey
from markets.domain.values import MarketStatus, OverrideKind, Phase
from markets.selectors.offer import Offer

from .frames import FixtureCell, MarketCell, OverrideCell, PriceCell, milliseconds
from .points import MatchView, doubt, match_view, points_cell, score_line, standing
from .scores import score_text

STALE = frozenset({Code.LEASE, Code.BACKLOG, Code.STORE})
"""Nobody vouches for what is shown: it may be old."""
HELD = frozenset({Code.HOLD, Code.GAP, Code.QUARANTINE, Code.RESULT_WITHDRAWN, Code.DISABLED})
"""The desk holds what the feed may offer: a person can let it go."""


class PriceView(Struct, frozen=True):
    """One selection: ``id`` is its row id (``id="p-<id>"``), ``name`` as shown, ``cell`` what changes."""

    id: int
    key: str
    name: str
    cell: PriceCell


class MarketView(Struct, frozen=True):
    """One market (``id="m-<id>"``) with its selections in order. ``line``: the handicap as text, empty without one.

    ``part``: main, sets, games or points; ``place``: which of them (``set 2, game 5``), empty for a market of the whole fixture.
    """

    id: int
    key: str
    group: str
    name: str
    line: str
    in_play: bool
    fixture_id: int
    cell: MarketCell
    prices: tuple[PriceView, ...]
    part: str = "main"
    place: str = ""

    @property
    def structure(self) -> tuple[object, ...]:
        """What only HTML can change."""
        return (self.id, self.name, self.line, self.group, self.place, tuple((p.id, p.name) for p in self.prices))


class Heading(Struct, frozen=True):
    """What a fixture is called wherever it is shown."""

    id: int
    name: str
    sport: str
    sport_name: str
    competition: str
    start: datetime | None
    phase: str
    simulated: bool


class BoardRow(Heading, frozen=True):
    """One fixture of the board (``id="f-<id>"``). ``main`` is its main market, ``None`` when it has none.

    ``source``: slug of its feed; ``link``: to the fixture of another feed that is the same match, ``None`` without one.
    """

    source: str
    link: Link | None
    cell: FixtureCell
    main: MarketView | None

    @property
    def structure(self) -> tuple[object, ...]:
        """What only HTML can change."""
        return (self.name, self.competition, self.start, self.simulated, self.link, self.main.structure if self.main else None)


class FixtureView(Heading, frozen=True):
    """A fixture's page: heading and every listed market."""

    cell: FixtureCell
    markets: tuple[MarketView, ...]
    points: MatchView | None = None


def board_cells(offer: Offer) -> BoardRow:
    """The row of the board for one offer."""
    main = _main_market(offer)
    s = offer.snapshot
    return BoardRow(
        s.id, s.name, s.sport, s.sport_name, s.competition_name, s.start, s.phase.value, s.simulated, s.source, s.facts.link,
        cell=_fixture_cell(offer, main[1] if main else None),
        main=_market_view(offer, *main) if main else None,
    )  # fmt: skip


def fixture_cells(offer: Offer) -> FixtureView:
    """The fixture page for one offer."""
    main = _main_market(offer)
    s, match = offer.snapshot, match_view(offer)
    cell = _fixture_cell(offer, main[1] if main else None)
    return FixtureView(
        s.id, s.name, s.sport, s.sport_name, s.competition_name, s.start, s.phase.value, s.simulated,
        cell=msgspec.structs.replace(cell, points=points_cell(offer, match)) if match else cell,
        markets=tuple(_market_view(offer, row, published) for row, published in _markets(offer)),
        points=match,
    )  # fmt: skip


def price_text(price: Decimal | None) -> str:
    """At least two decimals, no trailing zeros beyond them; empty without a price."""
    if price is None:
        return ""
    text = f"{price:f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}"


def _markets(offer: Offer) -> Iterator[tuple[MarketRow, PublishedMarket]]:
    return zip(offer.snapshot.markets, offer.published, strict=True)


def _main_market(offer: Offer) -> tuple[MarketRow, PublishedMarket] | None:
    """Of the main types the one that fits the phase and is not over; the first that came, so that it does not jump about."""
    live = offer.snapshot.phase is Phase.LIVE
    pairs = list(_markets(offer))
    return min(
        [p for p in pairs if p[0].main] or [p for p in pairs if _could_be_main(p[0])],
        key=lambda pair: (_over(pair[0]), pair[0].facts.market.in_play is not live, pair[0].id),
        default=None,
    )


def _could_be_main(row: MarketRow) -> bool:
    """Where no type is marked as main: two or three ways of the whole fixture, without a line."""
    return row.group == sequence.FULL_TIME and row.facts.market.line is None and len(row.selections) in (2, 3)


def _over(row: MarketRow) -> bool:
    """Closed or resulted: nothing of it waits to be opened."""
    result = row.facts.result
    return row.facts.market.status is MarketStatus.CLOSED or (result is not None and not result.result.withdrawn)


def _market_view(offer: Offer, row: MarketRow, published: PublishedMarket) -> MarketView:
    market = row.facts.market
    values = {s.id: s for s in market.selections}
    part, place = part_of(row)
    return MarketView(
        id=row.id,
        key=row.key,
        group=row.group,
        name=market.name,
        line=_line_text(market),
        in_play=market.in_play,
        fixture_id=offer.snapshot.id,
        cell=_market_cell(offer, row, published),
        prices=tuple(PriceView(s.id, s.key, s.name, _price_cell(s, row, values.get(s.provider_id))) for s in published.selections),
        part=part,
        place=place,
    )


def _market_cell(offer: Offer, row: MarketRow, published: PublishedMarket) -> MarketCell:
    match = offer.snapshot.points.match if offer.snapshot.points else None
    words, book = _market_words(published), book_text(published.book_percent)
    return MarketCell(published.tradable, words, book, _over(row), doubt(match, row.facts))


def _line_text(market: Market) -> str:
    """The handicap, unless the market's name says it already."""
    text = "" if market.line is None else f"{market.line.normalize():f}"
    return "" if text and market.name.endswith(f" {text}") else text


def part_of(row: MarketRow) -> tuple[str, str]:
    """Where in the fixture a market belongs, and in words which set, game and point it is about (U14),
    unless its name says so."""
    market = row.facts.market
    if row.group != sequence.SET_TIME:
        return "main", ""
    at = sequence.decode(market.type_id, market.sequence, sequence.default_meaning(market.type_id, market.type_name))
    told = [(name, number) for name, number in (("set", at.set), ("game", at.game), ("point", at.point)) if number is not None]
    part = f"{told[-1][0]}s" if told else "sets"
    place = ", ".join(f"{name} {number}" for name, number in told)
    return part, "" if place in market.name.lower() else place


def _market_words(published: PublishedMarket) -> str:
    if published.tradable:
        return ""
    return _since_words(published.reasons or _common(s.reasons for s in published.selections))


def book_text(percent: Decimal | None) -> str:
    """``105.3 %``; empty when a price is missing."""
    return "" if percent is None else f"{percent:.1f}%"


def _price_cell(published: PublishedSelection, row: MarketRow, value: Selection | None) -> PriceCell:
    first = published.reasons[0] if published.reasons else None
    in_play = row.facts.market.in_play
    return PriceCell(
        value=price_text(published.price),
        feed=price_text(published.feed_price),
        open=published.tradable,
        state=_state(published),
        reason=words_of(published.reasons),
        clears=first.clears if first else "",
        since=milliseconds(first.since) if first and first.since else None,
        ttl=(IN_PLAY_MS if in_play else PRE_MATCH_MS) if published.tradable else 0,
        until=_until(published, row) if published.tradable else None,
        override=_override_cell(published.override),
        version=published.version,
        old=next((milliseconds(r.since) for r in published.reasons if r.code is Code.OLD_OVERRIDE and r.since), None),
        probability=f"{value.probability * 100:.1f}%" if value and value.probability is not None else "",
    )


def _state(published: PublishedSelection) -> Literal["open", "suspended", "override", "none"]:
    if published.tradable:
        return "override" if published.override else "open"
    return "suspended" if published.price is not None else "none"


def _until(published: PublishedSelection, row: MarketRow) -> int | None:
    """The lease is not in here: it moves with every heartbeat, and travels once per feed in the beats."""
    market = row.facts.market
    ends = [published.override.ends_at if published.override else None, None if market.in_play else market.expiry]
    return min((milliseconds(at) for at in ends if at is not None), default=None)


def _override_cell(override: Override | None) -> OverrideCell | None:
    if override is None:
        return None
    return OverrideCell(_override_text(override), milliseconds(override.ends_at), override.by)


def _override_text(override: Override) -> str:
    match override.kind:
        case OverrideKind.PRICE:
            return price_text(override.value)
        case OverrideKind.OFFSET:
            return f"{override.value.normalize():+f}"
        case OverrideKind.PERCENT:
            return f"{override.value.normalize():+f}%"


def _fixture_cell(offer: Offer, main: PublishedMarket | None) -> FixtureCell:
    counts = _Counts.of(offer)
    reasons = () if counts.open else _fixture_reasons(offer)
    state, state_words = _fixture_state(offer, reasons, counts)
    return FixtureCell(
        revision=offer.revision,
        bookmaker_revision=offer.bookmaker_revision,
        state=state,
        state_words=state_words,
        score=_score(offer),
        open=counts.open,
        suspended=counts.suspended,
        overrides=counts.overrides,
        book=book_text(main.book_percent) if main else "",
        source=offer.snapshot.source_id,
        reason=_since_words(reasons) or ("" if counts.open else _mostly(offer)),
    )


def _score(offer: Offer) -> str:
    """The point feed's, which is ahead of every other; else the feed's own scoreboard."""
    points = offer.snapshot.points
    return (score_line(points) if points and points.broken_at is None else "") or score_text(offer.snapshot.scoreboard)


class _Counts(Struct):
    """Of priced selections in markets that are not over."""

    open: int = 0
    suspended: int = 0
    overrides: int = 0

    @classmethod
    def of(cls, offer: Offer) -> _Counts:
        counts = cls()
        for row, published in _markets(offer):
            over = _over(row)
            for selection in published.selections:
                counts.open += selection.tradable
                counts.suspended += not selection.tradable and selection.price is not None and not over
                counts.overrides += selection.override is not None
        return counts


def _fixture_reasons(offer: Offer) -> tuple[Reason, ...]:
    """What closes the whole fixture; without such a thing, what every market that is not over has in common."""
    if wide := survey(offer.around).wide:
        return wide
    return _common(published.reasons for row, published in _markets(offer) if not _over(row))


def _mostly(offer: Offer) -> str:
    """What closes the most prices, where nothing closes all of them."""
    every = [s.reasons for row, published in _markets(offer) if not _over(row) for s in published.selections if s.price is not None]
    told = Counter(words for reasons in every for words in dict.fromkeys(r.words for r in reasons))
    return f"mostly: {told.most_common(1)[0][0]}" if told else ""


def _common(groups: Iterable[tuple[Reason, ...]]) -> tuple[Reason, ...]:
    found = list(groups)
    if not found:
        return ()
    words = [{r.words for r in group} for group in found]
    return tuple(r for r in found[0] if all(r.words in others for others in words))


PHASES = {
    Phase.LIVE: ("live", "LIVE"),
    Phase.UPCOMING: ("soon", "SOON"),
    Phase.FINISHED: ("finished", "ENDED"),
    Phase.POSTPONED: ("postponed", "POSTPONED"),
}


def _fixture_state(offer: Offer, reasons: tuple[Reason, ...], counts: _Counts) -> tuple[str, str]:
    if offer.snapshot.phase in (Phase.FINISHED, Phase.POSTPONED):
        return PHASES[offer.snapshot.phase]
    return _closed_state(offer, {r.code for r in reasons}, counts) or _match_state(offer) or _open_state(offer, reasons, counts)


def _closed_state(offer: Offer, codes: set[Code], counts: _Counts) -> tuple[str, str] | None:
    """What a person has to look at, whatever is played."""
    if codes & {Code.NO_FIXTURE, Code.FIXTURE_STATUS, Code.SIMULATED}:
        return ("gone", "CLOSED")
    if codes & STALE:
        return ("stale", "STALE")
    if codes & HELD or (not counts.open and _only_held(offer)):
        return ("held", "HELD")
    return None


def _match_state(offer: Offer) -> tuple[str, str] | None:
    """How its point feed's match stands, from the umpire's first word on."""
    stands = standing(offer)
    if stands and (offer.snapshot.phase is Phase.LIVE or stands.warming_up):
        return stands.state, stands.label
    return None


def _open_state(offer: Offer, reasons: tuple[Reason, ...], counts: _Counts) -> tuple[str, str]:
    if not counts.open and (counts.suspended or (reasons and offer.snapshot.phase is Phase.LIVE)):
        return ("suspended", "SUSP")
    return PHASES[offer.snapshot.phase]


def _only_held(offer: Offer) -> bool:
    """Whether the desk alone holds something that the feed offers."""
    prices = (s for row, published in _markets(offer) if not _over(row) for s in published.selections if s.price is not None)
    return any({r.code for r in s.reasons} <= HELD for s in prices if s.reasons)


def words_of(reasons: Iterable[Reason]) -> str:
    """Every reason once, the narrowest first."""
    return "; ".join(dict.fromkeys(r.words for r in reasons))


def _since_words(reasons: Iterable[Reason]) -> str:
    """:func:`words_of` with the clock time (UTC) from which the first of them holds: a cell without room for a tooltip."""
    found = tuple(reasons)
    since = next((r.since for r in found if r.since), None)
    return f"since {since.astimezone(UTC):%H:%M:%S}: {words_of(found)}" if since else words_of(found)
