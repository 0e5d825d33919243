"""How a match of tennis can end: what the rules, the reducer and the simulator are held to."""

from __future__ import annotations

from markets.domain.sports.tennis import Games, Score
from markets.domain.sports.tennis_rules import Format, deciding, legal_set, winner


def legal_end(format: Format, score: Score) -> bool:
    """Whether a match can be over at ``score``."""
    sides = [Games(int(g.a > g.b), int(g.b > g.a)) for g in score.previous]
    before = [Games(sum(s.a for s in sides[:n]), sum(s.b for s in sides[:n])) for n in range(len(sides) + 1)]
    return (
        winner(format, score) is not None
        and before[-1] == score.sets
        and all(max(s.a, s.b) < format.needed for s in before[:-1])
        and all(legal_set(format, games, deciding(format, s)) for games, s in zip(score.previous, before[:-1], strict=True))
    )
