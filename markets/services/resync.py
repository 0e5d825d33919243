"""Beginning a match's stream anew, the markets' side of it (decision T2, ADR 0014); the inbox's side is ``feeds.anew``.

A trader may: it opens nothing. The match is held for every bookmaker until each has confirmed its own re-opening (A5 iii), as a trader
may do by P4 as well; and the replay that then comes is the provider's whole word.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from markets.domain.sports.tennis import ANEW, Entry, Tennis, anew_line, begun_anew
from markets.models import Gap

from . import audit, matches, sources
from .actor import Actor
from .errors import Refused
from .matches import Place
from .typed import problem

ACTION = "stream begun anew"
_WHY = "say why the stream is begun anew"


def demand_reason(reason: str) -> None:
    """Raises Refused without one, or for one that cannot be stored."""
    if wrong := problem(reason) or ("" if reason.strip() else _WHY):
        raise Refused("reason", wrong, {"reason": wrong})


def begin_anew(actor: Actor, place: Place, reason: str) -> None:
    """Hold the match and set it back before its first packet; audited. Call with its lane held, inside ``transaction.atomic()``."""
    done = matches.change(place.match, _anew)
    gap_id = sources.open_gap(place.match.source_id, ANEW, fixture_ref=place.match.ref, sticky=True)
    _merge(place, gap_id)
    audit.told(
        actor,
        done.at,
        action=ACTION,
        bookmaker_id=place.bookmaker.pk,
        fixture_id=place.fixture.pk,
        object_words=f"{place.fixture} and match {place.match.ref}",
        before={"applied": done.before.applied, "turn": done.before.course.turn, "points": done.before.points},
        after={"applied": None, "turn": done.after.course.turn},
        reason=reason,
    )


def _anew(match: Tennis, at: datetime) -> tuple[Tennis, Entry]:
    return begun_anew(match, at), anew_line(at)


def _merge(place: Place, gap_id: int) -> None:
    """Numbers that never came, and earlier beginnings: one word of a trader is for all of it."""
    earlier = Gap.objects.filter(Q(pk__lt=gap_id), fixture=place.match, frame_id=None, closed_at=None)
    for pk in earlier.values_list("pk", flat=True):
        sources.close_gap(pk, "feed", ANEW)
