"""A tennis match, made up point by point by the rules of :mod:`markets.domain.sports.tennis_rules`. Pure; a seed plays it again.

``Match.happenings`` is its whole life, each with the seconds that pass before it on a real court. Who tells of it is for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from markets.domain.sports import tennis_rules as rules
from markets.domain.sports.tennis import Score, Server, Side
from markets.domain.sports.tennis_rules import Play

from .people import MEN, TENNIS_TOURNAMENTS, WOMEN, Person, people

TO_PLAYERS, TO_WARMUP, WARMUP_SECONDS = 60.0, 60.0, 300.0
LEAD = TO_PLAYERS + TO_WARMUP + WARMUP_SECONDS
"""Seconds from the umpire's coming to the first point's state."""
CHANGEOVER, TIME_CALLED = 120.0, 90.0
CHALLENGES_A_SET = 3
VIOLATIONS = ("Audible obscenity", "Ball abuse", "Racquet abuse", "Time violation")
TREATED = ("Ankle", "Back", "Shoulder", "Thigh")
PLAYED_SETS = 2.3  # of a best of three, on average


class What(Enum):
    """What can happen. A point: POINT (FAULT | LET)* SCORED or REPLAYED; everything else lies between or inside of them."""

    UMPIRE = auto()
    PLAYERS = auto()
    WARMUP = auto()
    PLAY = auto()
    POINT = auto()
    FAULT = auto()
    LET = auto()
    REPLAYED = auto()
    SCORED = auto()
    CHALLENGE = auto()
    CHALLENGED = auto()
    CORRECTION = auto()
    PHYSIO = auto()
    EVALUATION = auto()
    TREATMENT = auto()
    TOILET = auto()
    TOILET_OVER = auto()
    VIOLATION = auto()
    TIME = auto()
    SUSPENDED = auto()
    UNSUSPENDED = auto()
    FINISHED = auto()


class Plan(Struct, frozen=True):
    """What is settled before the match. ``draw``: MS, LS, MD, LD, XD; ``number``: place in it. ``scoring``, ``tie_break``: the umpire
    feed's words. ``serve``: chance of a point on serve, A's and B's. ``a_is_home``: whether a bookmaker's feed calls TeamA the home side.
    """

    number: int
    draw: str
    tournament: int
    team_a: tuple[Person, ...]
    team_b: tuple[Person, ...]
    umpire: Person
    court: int
    scoring: str = "Standard"
    sets: int = 3
    tie_break: str = "TieBreakInFinalSet"
    serve: tuple[float, float] = (0.63, 0.63)
    a_is_home: bool = True

    @property
    def doubles(self) -> bool:
        return len(self.team_a) == 2

    @property
    def tournament_name(self) -> str:
        return TENNIS_TOURNAMENTS[self.tournament]

    @property
    def format(self) -> rules.Format:
        """Raises ``ValueError`` for a scoring type that nobody knows."""
        found = rules.format_of(self.scoring, self.sets, self.tie_break)
        if found is None:
            raise ValueError(f"no format {self.scoring} over {self.sets} sets")
        return found


FORMS = (("MS", "Standard"), ("LS", "StandardWithNoAdv"), ("MD", "MatchTieBreak"), ("LS", "Standard"))
_FIRST_NAMES = {"M": MEN, "L": WOMEN, "X": MEN + WOMEN}


def plan(random: Random, number: int, draw: str = "", scoring: str = "", sets: int = 3) -> Plan:
    """A plan as chance has it; draw and scoring go in turn unless they are given."""
    usual_draw, usual_scoring = FORMS[(number - 1) % len(FORMS)]
    draw, scoring = draw or usual_draw, scoring or usual_scoring
    each = 2 if draw.endswith("D") else 1
    found = people(random, _FIRST_NAMES[draw[0]], 2 * each + 1)  # the last is the umpire
    return Plan(
        number=number,
        draw=draw,
        tournament=random.randrange(len(TENNIS_TOURNAMENTS)),
        team_a=tuple(found[:each]),
        team_b=tuple(found[each:-1]),
        umpire=found[-1],
        court=random.randint(1, 9),
        scoring=scoring,
        sets=1 if scoring == "ProSet" else sets,
        serve=(round(random.uniform(0.58, 0.69), 3), round(random.uniform(0.58, 0.69), 3)),
        a_is_home=number % 3 != 0,
    )


class Chances(Struct, frozen=True):
    """0–1: for each point, ``physio`` and ``retire`` for each changeover, ``toilet`` for each set, ``ace`` and ``double`` for each point
    that the server wins or loses.
    """

    let: float = 0.03
    fault: float = 0.35
    ace: float = 0.12
    double: float = 0.12
    replay: float = 0.006
    challenge: float = 0.012
    correction: float = 0.005
    violation: float = 0.002
    physio: float = 0.02
    toilet: float = 0.25
    rain: float = 0.0006
    retire: float = 0.0


class Happening(Struct, frozen=True):
    """``wait``: seconds since the one before. ``play``: the match after it. ``server``: of the point in play, else of the next.

    ``side``: who scored, is treated, violates, challenges. ``how``: kind of point, reason, place, outcome. ``game``, ``set``: who won it
    by this.
    """

    what: What
    wait: float
    play: Play
    server: Server
    next_server: Server
    side: Side | None = None
    how: str = ""
    game: Side | None = None
    set: Side | None = None

    @property
    def score(self) -> Score:
        return self.play.score


def progress(play: Play) -> float:
    """0 at the first point, near 1 towards the end of a usual match."""
    score = play.score
    return min(0.95, (score.sets.a + score.sets.b + (score.games.a + score.games.b) / 10) / (PLAYED_SETS if play.format.sets > 1 else 1.0))


class Match:
    """One match; ``happenings`` may be gone through once."""

    def __init__(self, plan: Plan, random: Random, chances: Chances = Chances()) -> None:  # noqa: B008 - frozen
        self.plan, self._random, self._chances = plan, random, chances
        self.toss_winner = random.choice((Side.A, Side.B))
        self.toss_choice = random.choice(("Serve", "Serve", "Ends"))
        chosen = self.toss_choice == "Serve" or random.random() < 0.5
        self.first_server = self.toss_winner if chosen else rules.other(self.toss_winner)
        self.opening = self.play = rules.start(plan.format, self.first_server, plan.doubles)
        self._rest = 20.0
        self._challenges = dict.fromkeys(Side, CHALLENGES_A_SET)
        self._retired: Side | None = None

    def happenings(self) -> Iterator[Happening]:
        """From the umpire's coming to the end."""
        yield self._now(What.UMPIRE, 0.0)
        yield self._now(What.PLAYERS, TO_PLAYERS)
        yield self._now(What.WARMUP, TO_WARMUP)
        yield self._now(What.PLAY, WARMUP_SECONDS)
        while not self.play.over and self._retired is None:
            before = self.play
            yield from self._point()
            if not self.play.over:
                yield from self._between(before)
        yield self._end()

    def _end(self) -> Happening:
        if self._retired is not None:
            return self._now(What.FINISHED, 30.0, self._retired, "Retired")
        return self._now(What.FINISHED, 10.0, self.play.winner, "Finished")

    # a point

    def _point(self) -> Iterator[Happening]:
        """What it comes to is drawn first, so that faults change no chances."""
        server = self.play.server
        assert server.side is not None
        served_well = self._random.random() < self.plan.serve[0 if server.side is Side.A else 1]
        winner = server.side if served_well else rules.other(server.side)
        double = not served_well and self._by(self._chances.double)
        yield self._now(What.POINT, self._rest)
        yield from self._serves(double)
        if not double and self._by(self._chances.challenge):
            yield from self._challenge()
        if not double and self._by(self._chances.replay):
            yield self._now(What.REPLAYED, 5.0)
            self._rest = 20.0
            return
        how = "DoubleFault" if double else "Ace" if served_well and self._by(self._chances.ace) else "Standard"
        yield from self._decided(winner, how)

    def _serves(self, double: bool) -> Iterator[Happening]:
        if self._by(self._chances.let):
            yield self._now(What.LET, 3.0)
        if double or self._by(self._chances.fault):
            yield self._now(What.FAULT, 3.0)
            if self._by(self._chances.let):
                yield self._now(What.LET, 9.0)

    def _challenge(self) -> Iterator[Happening]:
        """Three wrong ones a set; the point goes on only in the umpire's books."""
        able = [side for side, left in self._challenges.items() if left]
        if not able:
            return
        side = self._random.choice(able)
        right = self._by(0.3)
        self._challenges[side] -= not right
        yield self._now(What.CHALLENGE, 6.0, side)
        yield self._now(What.CHALLENGED, 20.0, side, "Won" if right else "Lost")
        yield self._now(What.PLAY, 5.0)

    def _decided(self, winner: Side, how: str) -> Iterator[Happening]:
        wait = {"Ace": 1.5, "DoubleFault": 10.0}.get(how) or self._random.uniform(3, 14)
        wrong = rules.other(winner)
        plain = all(rules.point(self.play, side).score.games == self.play.score.games for side in (winner, wrong))
        if plain and not rules.in_tie_break(self.play.format, self.play.score) and self._by(self._chances.correction):
            yield from self._corrected(winner, how, wait)
        else:
            yield self._scored(self.play, winner, how, wait)

    def _corrected(self, winner: Side, how: str, wait: float) -> Iterator[Happening]:
        """The wrong key, correction mode, the right one, and the last right one again; no game hangs on it (feeds.md 1.5)."""
        before = self.play
        yield self._scored(before, rules.other(winner), "Standard", wait)
        yield self._now(What.CORRECTION, 8.0)
        yield self._scored(before, winner, how, 5.0)
        yield self._scored(before, winner, how, 2.0)
        yield self._now(What.PLAY, 3.0)

    def _scored(self, before: Play, winner: Side, how: str, wait: float) -> Happening:
        self.play = rules.point(before, winner)
        then, now = before.score, self.play.score
        took_set = winner if now.sets != then.sets else None
        took_game = winner if took_set or now.games != then.games else None
        return replace(self._now(What.SCORED, wait, winner, how), game=took_game, set=took_set)

    # between points

    def _between(self, before: Play) -> Iterator[Happening]:
        then, now = before.score, self.play.score
        self._rest = self._random.uniform(14, 24)
        games = now.games.a + now.games.b
        if now.sets != then.sets:
            self._challenges = dict.fromkeys(Side, CHALLENGES_A_SET)
            yield from self._set_break()
        elif now.games != then.games and games % 2 and games > 1:
            yield from self._changeover()
        elif self._by(self._chances.rain):
            yield from self._rain()
        elif self._by(self._chances.violation):
            yield self._now(What.VIOLATION, 5.0, self._either(), self._random.choice(VIOLATIONS))

    def _set_break(self) -> Iterator[Happening]:
        if not self._by(self._chances.toilet):
            yield from self._changeover()
            return
        side = self._either()
        yield self._now(What.TOILET, 20.0, side)
        yield self._now(What.TOILET_OVER, 200.0, side)
        yield self._now(What.PLAY, 20.0)

    def _changeover(self) -> Iterator[Happening]:
        if self._by(self._chances.retire):
            self._retired = self._either()
        elif self._by(self._chances.physio):
            yield from self._medical()
        else:
            yield self._now(What.TIME, TIME_CALLED)
            self._rest = CHANGEOVER - TIME_CALLED

    def _medical(self) -> Iterator[Happening]:
        side, where = self._either(), self._random.choice(TREATED)
        yield self._now(What.PHYSIO, 10.0, side)
        yield self._now(What.EVALUATION, 50.0, side, where)
        yield self._now(What.TREATMENT, 60.0, side, where)
        yield self._now(What.PLAY, 180.0)

    def _rain(self) -> Iterator[Happening]:
        yield self._now(What.SUSPENDED, 10.0, how="Rain")
        yield self._now(What.UNSUSPENDED, 900.0, how="Rain")
        yield self._now(What.PLAY, WARMUP_SECONDS)

    # small things

    def _by(self, chance: float) -> bool:
        return self._random.random() < chance

    def _either(self) -> Side:
        return self._random.choice((Side.A, Side.B))

    def _now(self, what: What, wait: float, side: Side | None = None, how: str = "") -> Happening:
        return Happening(what, wait, self.play, self.play.server, _after(self.play), side, how)


def _after(play: Play) -> Server:
    """Who serves the point after the next, if the game goes on."""
    if not rules.in_tie_break(play.format, play.score):
        return play.server
    return replace(play, points=(play.points[0] + 1, play.points[1])).server
