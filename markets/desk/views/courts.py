"""What a trader does to a match of a point feed: have its stream begun anew (T2), say how it ended (T6)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse

from markets.desk import undo
from markets.desk.access import DeskRequest, actor, for_bookmaker, here, page
from markets.desk.forms import AnewForm, OutcomeBackForm, OutcomeForm
from markets.desk.inbox import inbox
from markets.desk.undo import Done
from markets.desk.views.commands import command, valid
from markets.domain import fences as gate
from markets.domain.sports.tennis import Outcome, Tennis
from markets.live import fences
from markets.selectors import board, offer
from markets.selectors.offer import Offer
from markets.services import outcomes
from markets.services.outcomes import Said

OUTCOMES = (
    (Outcome.WINNER, "played to the end"),
    (Outcome.RETIRED, "retirement"),
    (Outcome.WALKOVER, "walkover"),
    (Outcome.ABANDONED, "abandoned"),
)


@for_bookmaker
def ask_anew(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """What beginning anew does, and why it is offered, before anybody does it."""
    found = _bound(request, fixture_id)
    match = found.snapshot.points.match if found.snapshot.points else None
    context = {"fixture_id": fixture_id, "found": found, "match": match or Tennis(), "stuck": gate.stuck(found.signs)}
    return page(request, "points/_anew.html", context)


@for_bookmaker
def ask_outcome(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """The form for how a match ended."""
    found = _bound(request, fixture_id)
    s = found.snapshot
    sides = (("home", s.home_name or "Home"), ("away", s.away_name or "Away"))
    return page(request, "points/_outcome.html", {"fixture_id": fixture_id, "snapshot": s, "outcomes": OUTCOMES, "sides": sides})


@command
def begin_anew(request: DeskRequest) -> Done:
    form = valid(AnewForm(request.POST))
    ref = inbox().begin_anew(actor(request), here(request).id, form["fixture"], form["reason"])
    return Done(f"The stream of {ref} is read from its start; confirm re-opening once the score is right")


@command
def set_outcome(request: DeskRequest) -> Done:
    form = valid(OutcomeForm(request.POST))
    words = outcomes.set_outcome(actor(request), here(request).id, form["fixture"], _said(form), form["reason"])
    return Done(f"Match over: {words}", undo.of_outcome(form["fixture"]))


@command
def take_back(request: DeskRequest) -> Done:
    form = valid(OutcomeBackForm(request.POST))
    words = outcomes.take_back(actor(request), here(request).id, form["fixture"], form["reason"])
    return Done(f"Taken back: {words}")


def _said(form: dict[str, Any]) -> Said:
    sets = None if form["sets_home"] is None else (form["sets_home"], form["sets_away"])
    return Said(Outcome(form["outcome"]), {"home": True, "away": False}.get(form["winner"]), sets)


def _bound(request: DeskRequest, fixture_id: int) -> Offer:
    """404 alike for what never existed, is not to be known of (promise E1), or follows no match."""
    of = here(request).id
    if not board.visible(of).filter(pk=fixture_id).exists():
        raise Http404
    found = offer.offers(of, [fixture_id], ears=fences.ears()).get(fixture_id)
    if found is None or found.snapshot.points is None:
        raise Http404
    return found
