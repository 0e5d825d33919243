"""Which match of a point feed is which fixture: bound, unbound, proposed (decision T7)."""

from __future__ import annotations

from django.http import HttpResponse

from markets import db
from markets.desk.access import DeskRequest, for_bookmaker, here, page
from markets.selectors import bindings


@for_bookmaker
def bindings_page(request: DeskRequest) -> HttpResponse:
    return page(request, "bindings/bindings.html", {"page": "bindings", **_listing(request)})


@for_bookmaker
def lists(request: DeskRequest) -> HttpResponse:
    """The three lists alone, renewed every few seconds and after each command."""
    return page(request, "bindings/_lists.html", _listing(request))


def _listing(request: DeskRequest) -> dict[str, object]:
    found = bindings.listing(here(request).id)
    return {"listing": found, "bindable": [match for match in found.matches if match.bindable], "now": db.now()}
