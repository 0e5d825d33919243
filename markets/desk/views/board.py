"""The live board: the page, and the parts beside it that need no socket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from markets.db import now
from markets.desk import graph, notices
from markets.desk.access import DeskRequest, for_bookmaker, here, page, preference_of
from markets.desk.forms import TABS, BoardViewForm
from markets.desk.views.commands import valid
from markets.domain.preferences import BoardView
from markets.live import fences
from markets.live.cells import PriceView, board_cells
from markets.selectors import board, health, journal, offer, ticks
from markets.selectors.offer import Offer
from markets.services import preferences
from markets.services.errors import Refused

SPARK_MINUTES = 15


@for_bookmaker
def board_page(request: DeskRequest) -> HttpResponse:
    """Every fixture that may be listed, with its main market; tabs and filter only hide rows, so that pushed changes reach them all."""
    place = here(request)
    listed = board.candidates(place.id, request.seat.user_id)
    found = offer.offers(place.id, [c.id for c in listed], ears=fences.ears())
    shown = [found[c.id] for c in listed if c.id in found]
    return page(
        request,
        "board/board.html",
        {
            "page": "board",
            "now": shown[0].now if shown else now(),
            "tabs": TABS.items(),
            "views": _shown(preferences.views(preference_of(request))),
            "rows": [board_cells(o) for o in shown],
            "watched": [c.id for c in listed if c.watched],
            "mine": [c.id for c in listed if c.watched or c.overridden],
            "sports": sorted({(o.snapshot.sport, o.snapshot.sport_name) for o in shown}),
            "competitions": competitions(shown),
        },
    )


@require_POST
@for_bookmaker
def keep_view(request: DeskRequest) -> HttpResponse:
    """The board as the person looks at it now, under a name; an older view of that name goes."""
    try:
        return _views_part(request, preferences.keep_view(request.seat.user_id, BoardView(**valid(BoardViewForm(request.POST)))))
    except Refused as refused:
        return _views_part(request, preferences.views(preference_of(request)), refused.words)


@require_POST
@for_bookmaker
def forget_view(request: DeskRequest) -> HttpResponse:
    return _views_part(request, preferences.forget_view(request.seat.user_id, request.POST.get("name", "")))


def _views_part(request: DeskRequest, views: Iterable[BoardView], wrong: str = "") -> HttpResponse:
    return page(request, "board/_views.html", {"views": _shown(views), "wrong": wrong}, status=422 if wrong else 200)


def _shown(views: Iterable[BoardView]) -> list[tuple[BoardView, str]]:
    """Each with what it shows in words."""
    return [(view, TABS.get(view.tab, view.tab) + (f", “{view.words}”" if view.words else "")) for view in views]


@for_bookmaker
def extras(request: DeskRequest) -> HttpResponse:
    """Sparklines and who holds what, swapped into the rows out of band."""
    place = here(request)
    found = offer.offers(place.id, [c.id for c in board.candidates(place.id)], ears=fences.ears())
    rows = {i: board_cells(o) for i, o in found.items()}
    since, until = graph.window(now(), SPARK_MINUTES)
    first = {i: row.main.prices[0] for i, row in rows.items() if row.main and row.main.prices}
    moved = ticks.recent([price.id for price in first.values()], since, until)
    sparks = [(i, graph.sparkline(moved.get(p.id) or _unmoved(p, since), since, until)) for i, p in first.items()]
    return page(request, "board/_extras.html", {"sparks": sparks, "owners": _owners(found, request.seat.name)})


@for_bookmaker
def aside(request: DeskRequest) -> HttpResponse:
    """Alerts, holds in force and the feeds' states."""
    place, at = here(request), now()
    fetched = notices.fetchings(fences.ears())
    feeds = journal.unanswered(health.load_health(), place.id)
    shown = [(i, h) for i, h in feeds.items() if h.enabled and (place.demo or not h.simulated)]
    return page(
        request,
        "board/_aside.html",
        {
            "now": at,
            "alerts": notices.alerts(place.id, at),
            "holds": journal.holds(place.id, at),
            "feeds": [notices.feed_state(h, at, fetched.get(i)) for i, h in shown],
        },
    )


def _unmoved(price: PriceView, since: datetime) -> list[ticks.Tick]:
    """Without a tick in the window the price has stood still."""
    return [ticks.Tick(since, Decimal(price.cell.feed), offered=True)] if price.cell.feed else []


def competitions(shown: list[Offer]) -> list[tuple[str, str]]:
    """A hold's target for each competition, with its name (``<source id>:<competition ref>``)."""
    named = {
        f"{o.snapshot.source_id}:{o.snapshot.competition_ref}": o.snapshot.competition_name for o in shown if o.snapshot.competition_ref
    }
    return sorted(named.items(), key=lambda pair: pair[1])


def _owners(found: dict[int, Offer], me: str) -> list[tuple[int, str]]:
    """Who has an override or a hold of his own on the fixture."""
    people: dict[int, set[str]] = defaultdict(set)
    for fixture_id, o in found.items():
        people[fixture_id] |= {v.by for v in o.terms.terms.overrides.values()}
        people[fixture_id] |= {h.by for h in notices.narrow_holds(o)}
    return [(i, ", ".join("you" if who == me else who for who in sorted(people[i]))) for i in found]
