"""Fixtures that two feeds know: proposed, linked, one beside the other (docs/architecture.md 5)."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from markets import db
from markets.desk import beside
from markets.desk.access import DeskRequest, for_bookmaker, here, page
from markets.live import fences
from markets.selectors import board, links, offer


@for_bookmaker
def links_page(request: DeskRequest) -> HttpResponse:
    return page(request, "links/links.html", {"page": "links", **_listing(request)})


@for_bookmaker
def lists(request: DeskRequest) -> HttpResponse:
    """The lists alone, renewed every few seconds and after each command."""
    return page(request, "links/_lists.html", _listing(request))


@for_bookmaker
def side_by_side(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """Both feeds' prices of a linked fixture, as they are published now; empty once it is linked no more."""
    place = here(request).id
    ears = fences.ears()
    if not board.visible(place).filter(pk=fixture_id).exists():
        raise Http404
    own = offer.offers(place, [fixture_id], ears=ears).get(fixture_id)
    link = own.snapshot.facts.link if own else None
    if own is None or link is None:
        return page(request, "links/_beside.html", {"now": db.now()})
    other = offer.offers(place, [link.other_id], ears=ears).get(link.other_id)
    rows = beside.rows(own, other, link) if other else ()
    return page(request, "links/_beside.html", {"now": own.now, "link": link, "rows": rows})


def _listing(request: DeskRequest) -> dict[str, object]:
    return {"listing": links.listing(here(request).id), "now": db.now()}
