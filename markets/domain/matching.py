"""Which match of a point feed is which fixture: ids by side, and proposals for a person to confirm (decision T7).

Pure. A proposal only ever proposes; what binds are the ids, and a person's word. Names are compared here because the two providers share
no ids; after that no name is looked at again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from .messages import Competitor, FixtureDetails
from .sports.tennis import Player, Tennis

ENOUGH = 0.6
"""The least score that is proposed."""
_NAMES, _START, _TOURNAMENT = 0.7, 0.2, 0.1
_UNKNOWN = 0.5
_SAME_START_SECONDS = 15 * 60
_OTHER_START_SECONDS = 6 * 3600
_WORD = re.compile(r"[^\W\d_]+")


class Sides(Struct, frozen=True):
    """Competitor ids of the two sides, each sorted: (home, away) of a fixture, (TeamA, TeamB) of a match. Empty while not known."""

    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        return bool(self.first and self.second)


class Look(Struct, frozen=True):
    """What is compared of either: the players' names of each side, the start, the tournament's name."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    start: datetime | None = None
    tournament: str = ""


class Proposal(Struct, frozen=True):
    """``score`` 0…1, ``why`` in words; ``team_a_home``: TeamA is the home side."""

    score: float
    team_a_home: bool
    why: str


def fixture_sides(details: FixtureDetails | None) -> Sides:
    """Ids of a fixture's home and away side, members included."""
    home, away = _home_and_away(details)
    return Sides(_ids(home), _ids(away))


def match_sides(details: FixtureDetails | None, match: Tennis | None) -> Sides:
    """Player ids of TeamA and TeamB: as the umpire's card says, else as the list of events does."""
    if match is not None and match.card.team_a and match.card.team_b:
        return Sides(_player_ids(match.card.team_a), _player_ids(match.card.team_b))
    a, b = _teams(details)
    return Sides(_member_ids(a), _member_ids(b))


def differs(bound: Sides, now: Sides) -> bool:
    """Whether an id on either side is another than the one that was bound; a side that is not known now tells nothing."""
    return bool((now.first and now.first != bound.first) or (now.second and now.second != bound.second))


def fixture_look(details: FixtureDetails | None) -> Look:
    home, away = _home_and_away(details)
    return Look(_names(home), _names(away), details.start if details else None, _tournament(details))


def match_look(details: FixtureDetails | None, match: Tennis | None) -> Look:
    a, b = _teams(details)
    card = match.card if match else None
    first = _names(a) or (tuple(player.name for player in card.team_a) if card else ())
    second = _names(b) or (tuple(player.name for player in card.team_b) if card else ())
    return Look(first, second, details.start if details else None, _tournament(details))


def propose(fixture: Look, match: Look) -> Proposal | None:
    """How well a match fits a fixture; ``None`` below :data:`ENOUGH`, or where a side has nobody in common."""
    straight = _both(_alike(match.first, fixture.first), _alike(match.second, fixture.second))
    crossed = _both(_alike(match.first, fixture.second), _alike(match.second, fixture.first))
    names, team_a_home = (straight, True) if straight >= crossed else (crossed, False)
    if not names:
        return None
    start, start_words = _starts(fixture.start, match.start)
    tournament = _overlap(fixture.tournament, match.tournament) if fixture.tournament and match.tournament else _UNKNOWN
    score = round(_NAMES * names + _START * start + _TOURNAMENT * tournament, 2)
    if score < ENOUGH:
        return None
    return Proposal(score, team_a_home, f"names {names:.0%} alike, {start_words}" + _tournament_words(fixture, match, tournament))


def _both(first: float, second: float) -> float:
    return (first + second) / 2 if first and second else 0.0


def _alike(some: Sequence[str], others: Sequence[str]) -> float:
    """0…1: each person beside the most similar one of the other list; sides of different size are never alike."""
    if not some or len(some) != len(others):
        return 0.0
    best = [max(_person(one, other) for other in others) for one in some]
    return sum(best) / len(best) if all(best) else 0.0


def _person(one: str, other: str) -> float:
    """``H. SQUIRE`` and ``Henri Squire``: a family name in common, and first names that do not contradict each other."""
    mine, theirs = _words(one), _words(other)
    if mine == theirs:
        return 1.0 if any(len(word) > 1 for word in mine) else 0.0
    shared = {word for word in mine & theirs if len(word) > 1}
    if not shared:
        return 0.0
    rest, others = mine - shared, theirs - shared
    if not rest or not others:
        return 1.0 if rest == others else 0.9
    agree = any(a.startswith(b) or b.startswith(a) for a in rest for b in others)
    return 0.95 if agree else 0.3


def _words(name: str) -> set[str]:
    """Words without accents, folded: ``Novák-Löw`` → {novak, low}."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return {word.casefold() for word in _WORD.findall(plain)}


def _overlap(one: str, other: str) -> float:
    mine, theirs = _words(one), _words(other)
    return len(mine & theirs) / min(len(mine), len(theirs)) if mine and theirs else 0.0


def _starts(fixture: datetime | None, match: datetime | None) -> tuple[float, str]:
    if fixture is None or match is None:
        return _UNKNOWN, "one start not known"
    apart = abs((fixture - match).total_seconds())
    words = "the same start" if apart < 60 else f"starts {apart / 60:.0f} min apart"
    beyond = max(0.0, apart - _SAME_START_SECONDS)
    return max(0.0, 1 - beyond / (_OTHER_START_SECONDS - _SAME_START_SECONDS)), words


def _tournament_words(fixture: Look, match: Look, alike: float) -> str:
    if not (fixture.tournament and match.tournament):
        return ""
    return f", tournament {alike:.0%} alike"


def _tournament(details: FixtureDetails | None) -> str:
    return details.competition.name if details and details.competition else ""


def _home_and_away(details: FixtureDetails | None) -> tuple[Competitor | None, Competitor | None]:
    competitors = details.competitors if details else ()
    by_side = {one.home_away.casefold(): one for one in competitors}
    if "home" in by_side and "away" in by_side:
        return by_side["home"], by_side["away"]
    return (competitors[0], competitors[1]) if len(competitors) == 2 else (None, None)


def _teams(details: FixtureDetails | None) -> tuple[Competitor | None, Competitor | None]:
    competitors = details.competitors if details else ()
    return (competitors[0], competitors[1]) if len(competitors) == 2 else (None, None)


def _ids(competitor: Competitor | None) -> tuple[str, ...]:
    return tuple(sorted(one.id for one in _all(competitor))) if competitor else ()


def _member_ids(team: Competitor | None) -> tuple[str, ...]:
    """A team of a point feed has no id of its own, only its players have."""
    return tuple(sorted(one.id for one in team.competitors)) if team else ()


def _player_ids(players: Iterable[Player]) -> tuple[str, ...]:
    return tuple(sorted(player.id for player in players))


def _all(competitor: Competitor) -> Iterable[Competitor]:
    yield competitor
    for inner in competitor.competitors:
        yield from _all(inner)


def _names(competitor: Competitor | None) -> tuple[str, ...]:
    """Of its members, else its own; a pair that has no members is told apart by its dash."""
    if competitor is None:
        return ()
    if competitor.competitors:
        return tuple(one.name for one in competitor.competitors if one.name)
    return tuple(name.strip() for name in competitor.name.split("/") if name.strip())
