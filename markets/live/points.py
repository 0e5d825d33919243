"""What a page shows of a bound match of a point feed: its state in a word, the scoreboard by home and away, the match card.

As in :mod:`.cells`, nothing here changes by the mere passing of time: "point in play 3.1 s" is counted by the browser from ``since``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zlib import crc32

from msgspec import Struct

from markets.domain.fences import Points, stuck
from markets.domain.rules import Code, Hold, MarketFacts, Reason
from markets.domain.sports.tennis import OPEN_STATES, Card, Games, Player, Score, Side, Tennis, doubted, end_words, state_words, value_words
from markets.domain.values import Scope
from markets.selectors.offer import Offer

from .frames import PointsCell, SideCell, milliseconds

UNKNOWN = "–"
TIE_BREAK = "TieBreak"
LABELS = {
    "NotStarted": ("wait", "NOT STARTED"),
    "UmpireOnCourt": ("warm", "UMPIRE"),
    "PlayersArriveOnCourt": ("warm", "PLAYERS"),
    "Warmup": ("warm", "WARM-UP"),
    "ChallengeInProgress": ("alert", "CHALLENGE"),
    "BallMarkInspection": ("alert", "BALL MARK"),
    "CorrectionMode": ("alert", "CORRECTION"),
    "ToiletBreak": ("break", "TOILET"),
    "MedicalTreatment": ("alert", "MEDICAL"),
    "Suspended": ("break", "SUSPENDED"),
}
"""A match state's colour and its word on the pill; one that is not here is not known."""
LONGEST_LABEL = 11
MOST_NAMED = 5


class Standing(Struct, frozen=True):
    """How the match stands for trading: ``state`` is the colour, ``label`` the pill's word, ``words`` the sentence beside it.

    ``since``: from when the sentence counts. ``clears``: what opens it again.
    """

    state: str
    label: str
    words: str
    since: datetime | None = None
    clears: str = ""

    @property
    def warming_up(self) -> bool:
        """The court is alive, and play has not begun."""
        return self.state == "warm"


class MatchView(Struct, frozen=True):
    """The structure of a bound match: what only HTML can change. ``facts``: (name, value) of the match card; ``alerts`` newest first.

    ``fixture``: the one that is bound to it. ``stuck``: why its stream may be begun anew. ``by_hand``: the outcome that a person set, with
    his name for his own bookmaker's people (E1).
    """

    id: int
    ref: str
    source: str
    facts: tuple[tuple[str, str], ...]
    alerts: tuple[str, ...]
    fixture: int
    stuck: str = ""
    by_hand: str = ""

    @property
    def version(self) -> str:
        """Differs where the structure does."""
        return f"{self.id}-{crc32(repr((self.facts, self.alerts, self.stuck, self.by_hand)).encode()):08x}"


def standing(offer: Offer) -> Standing | None:
    """``None`` for a fixture that is bound to no match."""
    points = offer.snapshot.points
    if points is None:
        return None
    match = points.match or Tennis()
    found = _over(match) or _trouble(offer, points, match) or _state(offer, match) or _point(match) or _announced(offer)
    return found or _between(offer)


def points_cell(offer: Offer, view: MatchView) -> PointsCell | None:
    """The live part of a fixture's page."""
    points, stands = offer.snapshot.points, standing(offer)
    if points is None or stands is None:
        return None
    match = points.match or Tennis()
    manual = manual_hold(offer)
    return PointsCell(
        match=points.fixture_id,
        version=view.version,
        told=points.revision,
        state=stands.state,
        label=stands.label,
        words=stands.words,
        since=milliseconds(stands.since) if stands.since else None,
        clears=_opens_with(offer, stands),
        home=_side_cell(match, _side(points, home=True)),
        away=_side_cell(match, _side(points, home=False)),
        tie_break=in_tie_break(match.score),
        match_time=match.match_time or UNKNOWN,
        points=match.points,
        mean=_mean(match),
        alert=match.alerts[-1] if match.alerts else "",
        manual=f"held by {manual.by}" if manual else "",
        heard=_last(offer),
        waits=waiting(offer) is not None,
    )


def _mean(match: Tennis) -> str:
    """How long a point suspended, of those that were seen as they were played."""
    seen = match.points_seen
    return f"{match.suspended_seconds / seen:.1f} s over {seen} point{'' if seen == 1 else 's'}" if seen else UNKNOWN


def match_view(offer: Offer) -> MatchView | None:
    """The match card and the alerts."""
    points = offer.snapshot.points
    if points is None:
        return None
    match = points.match or Tennis()
    facts = tuple((name, value or UNKNOWN) for name, value in _facts(points, match.card))
    return MatchView(
        id=points.fixture_id,
        ref=points.ref,
        source=points.source,
        facts=facts,
        alerts=(*_contradictions(offer, match), *reversed(match.alerts)),
        fixture=offer.snapshot.id,
        stuck=stuck(offer.signs),
        by_hand=_by_hand(offer, match),
    )


def _by_hand(offer: Offer, match: Tennis) -> str:
    if match.hand is None:
        return ""
    own = match.hand.bookmaker == str(offer.terms.bookmaker)
    return end_words(match) + (f" by {match.hand.by}" if own else "")


def _contradictions(offer: Offer, match: Tennis) -> Iterator[str]:
    """What the match went back on: results that rest on a score taken back, an outcome that a person set (T6)."""
    if match.hand and match.hand.disputed:
        yield f"outcome set by hand is disputed: {match.hand.disputed}"
    named: dict[str, list[str]] = {}
    for row in offer.snapshot.markets:
        if words := doubt(match, row.facts):
            named.setdefault(words, []).append(row.facts.market.name)
    for words, names in named.items():
        more = len(names) - MOST_NAMED
        yield f"{words}: {', '.join(names[:MOST_NAMED])}" + (f" and {more} more" if more > 0 else "")


def doubt(match: Tennis | None, market: MarketFacts) -> str:
    """Why the market's result may rest on a score that was taken back; empty without such a result."""
    if market.result is None or market.result.result.withdrawn:
        return ""
    return doubted(match, market.result_seen_at)


def manual_hold(offer: Offer) -> Hold | None:
    """A person's hold of the whole fixture without an end: nothing re-opens by itself."""
    own = (h for h in offer.around.holds if h.scope is Scope.FIXTURE and h.target == str(offer.snapshot.id) and h.ends_at is None)
    return next(own, None)


def score_line(points: Points) -> str:
    """``6-4 3-2 40:30 ●``, home first; the ball stands beside who serves: before the line home, after it away."""
    match = points.match
    if match is None or not match.started:
        return ""
    home, away = (_side_cell(match, _side(points, home=h)) for h in (True, False))
    games = " ".join(f"{h}-{a}" for h, a in zip(home.games, away.games, strict=True))
    line = games if match.ended else f"{games} {home.points}:{away.points}"
    return f"{'● ' if home.serves else ''}{line}{' ●' if away.serves else ''}"


def in_tie_break(score: Score) -> bool:
    return TIE_BREAK.lower() in score.game_type.lower()


# How it stands


def _over(match: Tennis) -> Standing | None:
    return Standing("finished", "ENDED", f"the match is over: {end_words(match) or UNKNOWN}") if match.ended else None


def _trouble(offer: Offer, points: Points, match: Tennis) -> Standing | None:
    """What nobody can rely on, before anything that the match itself says."""
    if points.broken_at is not None:
        return _told("trouble", "BINDING", _first(offer, Code.BINDING))
    if match.alarm:
        return Standing("trouble", "ALARM", "the venue has lost its connection", match.closed_kept, "packets from the venue")
    if match.unknown:
        return Standing("trouble", "UNKNOWN", match.unknown, match.closed_kept, "the next point's end, and a price from after it")
    if match.correcting:
        return Standing("alert", "CORRECTION", "the umpire corrects the score", match.closed_kept, "the corrected point")
    if not match.live:
        return _told("trouble", "DELAYED", _first(offer, Code.POINT_FEED))
    return _told("trouble", "NO POINTS", _first(offer, Code.POINT_FEED))


def _state(offer: Offer, match: Tennis) -> Standing | None:
    if match.state in OPEN_STATES:
        return None
    state, label = LABELS.get(match.state, ("trouble", "UNKNOWN"))
    kind = str(match.state_facts.get("suspensionType") or "")
    if kind and match.state == "Suspended":
        label = kind.upper()[:LONGEST_LABEL]
    words = state_words(match.state) + (f" ({value_words(kind)})" if value_words(kind) else "")
    clears = "match state in progress, and a price from after it" if offer.around.fence.raised else ""
    return Standing(state, label, words, match.state_kept, clears)


def _point(match: Tennis) -> Standing | None:
    if not match.in_point:
        return None
    words = "second serve, point in play" if match.faults else "point in play"
    return Standing("point", "POINT", words, match.point_kept, "the point's end and a price from after it")


def _announced(offer: Offer) -> Standing | None:
    return _told("point", "CLOSING", _first(offer, Code.FENCE))


def _between(offer: Offer) -> Standing:
    reason = waiting(offer)
    if reason:
        return Standing("between", "BETWEEN", reason.words, reason.since, reason.clears)
    return Standing("between", "BETWEEN", "between points", offer.around.fence.settled_kept)


def waiting(offer: Offer) -> Reason | None:
    """Why all in-play markets that wait for a price do so; ``None`` once one of them is open."""
    found: Reason | None = None
    for row, published in zip(offer.snapshot.markets, offer.published, strict=True):
        if not row.facts.market.in_play:
            continue
        if published.tradable:
            return None
        found = found or next((r for r in published.reasons if r.code is Code.AFTER_POINT), None)
    return found


_OF_POINTS = frozenset({Code.FENCE, Code.POINT, Code.MATCH_STATE, Code.POINT_FEED, Code.BINDING, Code.AFTER_POINT, Code.OLD_OVERRIDE})
_MOST_BESIDES = 2


def _opens_with(offer: Offer, stands: Standing) -> str:
    """What opens it again: for the match, and for whatever else holds all of its in-play markets."""
    besides = [f"{reason.clears} ({reason.words})" for reason in _besides(offer)[:_MOST_BESIDES] if reason.clears]
    return "; and ".join([*filter(None, [stands.clears]), *besides])


def _besides(offer: Offer) -> list[Reason]:
    """What holds every in-play market and is not of the point feed: holds, gaps, the feed of the prices."""
    found: list[Reason] | None = None
    for row, published in zip(offer.snapshot.markets, offer.published, strict=True):
        if not row.facts.market.in_play or row.facts.result is not None:
            continue
        reasons = [r for r in published.reasons if r.code not in _OF_POINTS]
        found = reasons if found is None else [r for r in found if r in reasons]
    return found or []


def _first(offer: Offer, code: Code) -> Reason | None:
    return next((reason for reason in offer.around.fence.reasons if reason.code is code), None)


def _told(state: str, label: str, reason: Reason | None) -> Standing | None:
    return Standing(state, label, reason.words, reason.since, reason.clears) if reason else None


# Sides


def _side(points: Points, *, home: bool) -> Side:
    return Side.A if points.team_a_home is home else Side.B


def _side_cell(match: Tennis, side: Side) -> SideCell:
    score = match.score
    sets = [*score.previous, *([] if match.ended and score.games == Games(0, 0) and score.previous else [score.games])]
    return SideCell(
        sets=_of(score.sets, side),
        games=tuple(str(_of(games, side)) for games in sets),
        points=score.points_a if side is Side.A else score.points_b,
        serves=bool(match.server and match.server.side is side) and not match.ended,
    )


def _of(games: Games, side: Side) -> int:
    return games.a if side is Side.A else games.b


def _last(offer: Offer) -> str:
    match = offer.snapshot.points.match if offer.snapshot.points else None
    return UNKNOWN if match is None or match.applied is None else f"#{match.applied}"


# The card


def _facts(points: Points, card: Card) -> Iterator[tuple[str, str]]:
    sides = {Side.A: "home", Side.B: "away"} if points.team_a_home else {Side.A: "away", Side.B: "home"}
    home, away = (card.team_a, card.team_b) if points.team_a_home else (card.team_b, card.team_a)
    yield "Umpire", _with(card.umpire, card.umpire_country)
    yield "Court", card.court
    yield "Home", _players(home)
    yield "Away", _players(away)
    yield "Sets", f"best of {card.sets}" if card.sets else ""
    yield "Scoring", _spaced(card.scoring)
    yield "Tie-break", _spaced(card.tie_break)
    yield "Toss won by", _team(points, card, sides, card.toss_winner)
    yield "Toss choice", _spaced(card.toss_choice)
    yield "First server", _team(points, card, sides, card.first_server)
    yield "Point feed", f"{points.source}, {points.ref}"


def _team(points: Points, card: Card, sides: dict[Side, str], side: Side | None) -> str:
    if side is None:
        return ""
    names = ", ".join(p.name for p in (card.team_a if side is Side.A else card.team_b) if p.name)
    return f"{names} ({sides[side]})" if names else sides[side]


def _players(players: tuple[Player, ...]) -> str:
    return ", ".join(_with(p.name or p.id, p.country) for p in players)


def _with(name: str, country: str) -> str:
    return f"{name} ({country})" if name and country else name or country


def _spaced(word: str) -> str:
    """``TieBreakInFinalSet`` → ``tie break in final set``."""
    out = "".join(f" {c}" if c.isupper() and at and not word[at - 1].isupper() else c for at, c in enumerate(word))
    return out.lower() if out != out.upper() else out
