"""How a match ended, set by a trader by hand where its feed does not say it, and taken back (decision T6; ADR 0015).

Like a binding it says what is the case, for all bookmakers: the match is over, and nothing of it is offered in-play. Who said it is for
the people of that bookmaker only (E1), and they alone, or staff, may take it back.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from msgspec import Struct

from markets.domain.sports.tennis import Entry, Games, Hand, Outcome, Side, Tennis, end_words, hand_words, set_by_hand, taken_back

from . import audit, matches
from .actor import Actor
from .errors import Conflict, Forbidden, Refused
from .matches import Place
from .typed import problem

MOST_SETS = 9
ACTION = "outcome set by hand"
BACK = "outcome taken back"


class Said(Struct, frozen=True):
    """What a trader says. ``winner``: True for home, ``None`` for nobody; ``sets``: won by home and away."""

    outcome: Outcome
    winner: bool | None = None
    sets: tuple[int, int] | None = None


def set_outcome(actor: Actor, bookmaker_id: UUID, fixture_id: int, said: Said, reason: str = "") -> str:
    """End the match that a fixture is bound to; traders, audited. What was set, in words.

    Raises NotFound, Forbidden, Refused (no winner where one is due, sets that he did not win), Conflict where it is set already.
    """
    place = matches.find(actor, bookmaker_id, fixture_id)
    _check(said, reason)
    with transaction.atomic():
        done = matches.change(place.match, lambda match, at: _set(match, _hand(actor, place, said, at)))
        words = end_words(done.after)
        _tell(actor, place, ACTION, done, reason)
    return words


def take_back(actor: Actor, bookmaker_id: UUID, fixture_id: int, reason: str = "") -> str:
    """The feed's word counts again; whoever may set it, of the bookmaker that did, or staff. What was taken back, in words.

    Nothing opens by it: the match is closed until a live packet tells how play stands. Raises NotFound, Forbidden, Refused, Conflict
    where nothing is set.
    """
    place = matches.find(actor, bookmaker_id, fixture_id)
    _refuse_text(reason)
    with transaction.atomic():
        done = matches.change(place.match, lambda match, at: _back(actor, place, match, at))
        _tell(actor, place, BACK, done, reason)
    return end_words(done.before)


def _check(said: Said, reason: str) -> None:
    _refuse_text(reason)
    if said.outcome is Outcome.WINNER and said.winner is None:
        raise Refused("winner", "say who won", {"winner": "say who won"})
    if said.outcome is Outcome.ABANDONED and said.winner is not None:
        raise Refused("winner", "a match that was abandoned has no winner", {"winner": "nobody won"})
    if said.sets is None:
        return
    if not all(0 <= n <= MOST_SETS for n in said.sets):
        raise Refused("sets", f"sets are 0 to {MOST_SETS}", {"sets": f"0 to {MOST_SETS}"})
    won, lost = said.sets if said.winner else said.sets[::-1]
    if said.outcome is Outcome.WINNER and won <= lost:
        raise Refused("sets", "the winner did not win more sets", {"sets": "the winner won more"})


def _refuse_text(reason: str) -> None:
    if wrong := problem(reason):
        raise Refused("reason", wrong, {"reason": wrong})


def _hand(actor: Actor, place: Place, said: Said, at: datetime) -> Hand:
    home, away = (Side.A, Side.B) if place.team_a_home else (Side.B, Side.A)
    winner = None if said.winner is None else home if said.winner else away
    sets = None if said.sets is None else Games(*(said.sets if place.team_a_home else reversed(said.sets)))
    return Hand(said.outcome, winner, sets, at, actor.name[:150], str(place.bookmaker.pk))


def _set(match: Tennis, hand: Hand) -> tuple[Tennis, Entry]:
    if match.hand is not None:
        own = match.hand.bookmaker == hand.bookmaker
        current = {"outcome": hand_words(match.card, match.hand), "by": match.hand.by if own else ""}
        raise Conflict(f"the outcome is set already{f' by {match.hand.by}' if own else ''}", current)
    told = set_by_hand(match, hand)
    return told.match, told.line


def _back(actor: Actor, place: Place, match: Tennis, at: datetime) -> tuple[Tennis, Entry]:
    if match.hand is None:
        raise Conflict("no outcome is set by hand", {"outcome": end_words(match)})
    if match.hand.bookmaker != str(place.bookmaker.pk) and not actor.staff:
        raise Forbidden("another bookmaker's trader set it")
    told = taken_back(match, at)
    return told.match, told.line


def _tell(actor: Actor, place: Place, action: str, done: matches.Change, reason: str) -> None:
    audit.told(
        actor,
        done.at,
        action=action,
        bookmaker_id=place.bookmaker.pk,
        fixture_id=place.fixture.pk,
        object_words=f"{place.fixture} and match {place.match.ref}",
        before=_facts(done.before),
        after=_facts(done.after),
        reason=reason,
    )


def _facts(match: Tennis) -> dict[str, object]:
    return {"ended": match.ended, "outcome": end_words(match), "disputed": match.hand.disputed if match.hand else ""}
