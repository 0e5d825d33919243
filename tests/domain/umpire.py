"""An umpire for tests: says packets one after another and keeps the match that they make."""

from __future__ import annotations

from typing import Any

from markets.domain.sports.tennis import Card, Games, Kind, Packet, Place, Player, Reduced, Score, Server, Side, Tennis, place, reduce
from markets.domain.sports.tennis_rules import Format, Play, point, start

from .says import at

CARD = Card(
    umpire="M. PETROVIC",
    sets=3,
    scoring="Standard",
    tie_break="TieBreakInFinalSet",
    first_server=Side.A,
    team_a=(Player("S0AK", "H. SQUIRE", "GER"),),
    team_b=(Player("R09X", "J. RODIONOV", "AUT"),),
)
STANDARD = Format()
LATE = "RECONSTRUCTED"


def score(points: str = "0-0", games: str = "0-0", *previous: str) -> Score:
    """``score("15-0", "3-2", "6-4")``; the sets are those of ``previous``."""
    over = tuple(_games(one) for one in previous)
    sets = Games(sum(g.a > g.b for g in over), sum(g.b > g.a for g in over))
    a, b = points.split("-")
    return Score(a, b, "StandardGame", _games(games), over, sets)


def _games(said: str) -> Games:
    a, b = said.split("-")
    return Games(int(a), int(b))


class Umpire:
    """``match`` is what was made of all that was said; each packet is kept one second after the one before it."""

    def __init__(self, card: Card = CARD) -> None:
        self.match: Tennis | None = None
        self.card = card
        self.seq = 0
        self.seconds = 0.0
        self.packets: list[Packet] = []
        self.last: Reduced | None = None

    @property
    def now(self) -> Tennis:
        assert self.match is not None
        return self.match

    @property
    def open(self) -> bool:
        return self.now.between_points

    def says(self, kind: Kind, **facts: Any) -> Tennis:
        """The next packet of the stream. ``number``: another seqNum, or ``None`` for none."""
        if kind is not Kind.ALARM and "number" not in facts:
            self.seq += 1
        number = facts.pop("number", self.seq)
        facts.setdefault("kind_text", kind.value)
        return self.hands(Packet(number, kind, at=at(self.seconds + 0.9), **facts))

    def hands(self, packet: Packet) -> Tennis:
        """A packet as it is."""
        self.seconds += 1
        self.packets.append(packet)
        self.last = reduce(self.match, packet, at(self.seconds))
        self.match = self.last.match
        return self.match

    def state(self, state: str, **facts: Any) -> Tennis:
        delay = facts.pop("delay", "")
        team = facts.pop("team", None)
        return self.says(Kind.STATUS, state=state, state_facts=facts, team=team, card=self.card, delay=delay)

    def begins(self) -> Umpire:
        """Up to the first InProgress."""
        for state in ("UmpireOnCourt", "PlayersArriveOnCourt", "Warmup", "InProgress"):
            self.state(state)
        return self

    def starts(self, server: Side = Side.A, **facts: Any) -> Tennis:
        return self.says(Kind.POINT_STARTED, server=Server(server), next_server=Server(server), **facts)

    def scores(self, after: Score, by: Side = Side.A, **facts: Any) -> Tennis:
        return self.says(Kind.SCORED, score=after, scored_by=by, point_type="Standard", **facts)

    def plays(self, after: Score, by: Side = Side.A) -> Tennis:
        """A whole point."""
        self.starts()
        return self.scores(after, by)


def whole_match(umpire: Umpire, format: Format, winners: list[Side], doubles: bool = False) -> Play:
    """Play until the winners run out, or the match is over; the last position."""
    play = start(format, Side.A, doubles)
    for by in winners:
        if play.over:
            break
        after = point(play, by)
        umpire.says(Kind.POINT_STARTED, server=play.server, next_server=play.server)
        umpire.says(Kind.SCORED, server=play.server, next_server=after.server, score=after.score, scored_by=by)
        play = after
    return play


def replayed(packets: list[Packet]) -> Tennis | None:
    """The match of packets in any order, some twice, as the store applies them: what is beyond waits, what is late is left."""
    match: Tennis | None = None
    waiting = list(packets)
    moved = True
    while moved:
        moved = False
        for packet in list(waiting):
            where = place(match, packet)
            if where is Place.BEYOND:
                continue
            waiting.remove(packet)
            moved = True
            if where is Place.NEXT:
                match = reduce(match, packet, at(1)).match
    return match
