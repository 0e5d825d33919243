"""One fixture: every market with feed beside published, and the parts around it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from markets.db import now
from markets.desk import courtside, graph, notices
from markets.desk.access import DeskRequest, actor, for_bookmaker, here, page
from markets.desk.facts import details_of, results_of, stream_link
from markets.desk.forms import plain_decimal, row_id
from markets.desk.views.board import competitions
from markets.desk.words import object_words
from markets.domain.publish import PublishedMarket, PublishedSelection
from markets.domain.values import OverrideKind
from markets.live import fences
from markets.live.cells import board_cells
from markets.models import Selection
from markets.selectors import bindings, board, journal, offer, ticks
from markets.selectors.offer import Offer
from markets.services import overrides
from markets.services.errors import ServiceError

PARTS = (
    ("all", "All"),
    ("main", "Main"),
    ("sets", "Sets"),
    ("games", "Games"),
    ("points", "Points"),
    ("overridden", "Overridden"),
    ("over", "Over"),
)
GRAPH_MINUTES = 20
AUDIT_ROWS = 40


@for_bookmaker
def fixture_page(request: DeskRequest, fixture_id: int) -> HttpResponse:
    try:
        found, stream_template = _found(request, fixture_id)
    except Http404:
        return _match_page(request, fixture_id)
    s = found.snapshot
    return page(
        request,
        "fixture/fixture.html",
        {
            "page": "fixture",
            "popped": request.GET.get("pop") == "1",
            "now": found.now,
            "fixture_id": fixture_id,
            "parts": PARTS,
            "snapshot": s,
            "details": details_of(s),
            "results": results_of(s),
            "stream": stream_link(stream_template, s.details),
            "competitors": s.details.competitors if s.details else (),
            "coverage": s.facts.coverage,
            "states": s.facts.match_states,
            "health": notices.feed_state(found.around.feed, found.now, _fetching(found)),
            "points_feed": _points_feed(found),
            "line": found.signs.line,
            "gaps": [g for g in found.around.feed.gaps if g.fixture_id in (None, fixture_id)],
            "sports": [(s.sport, s.sport_name)],
            "competitions": competitions([found]),
            "graphed": _graphed(found),
            **courtside.context(here(request).id, found),
        },
    )


@for_bookmaker
def states(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """What the feed says of the match as it is played, renewed every few seconds."""
    found = _offer(request, fixture_id)
    context = {"now": found.now, "snapshot": found.snapshot, "states": found.snapshot.facts.match_states}
    return page(request, "fixture/_states.html", context)


@for_bookmaker
def points(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """Everything of a point feed on the page, when what it is bound to has changed."""
    found = _offer(request, fixture_id)
    return page(request, "points/_fresh.html", {"now": found.now, "fixture_id": fixture_id, **courtside.context(here(request).id, found)})


@for_bookmaker
def timeline(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """Lines of the timeline after the row id ``after`` of the match ``match``; nothing where another one is bound by now."""
    found = _offer(request, fixture_id)
    match, after = row_id(request.GET.get("match", "")), row_id(request.GET.get("after", "")) or 0
    bound = found.snapshot.points
    if bound is None or bound.fixture_id != match:
        return HttpResponse(status=204)
    return page(request, "points/_fresh_lines.html", {"now": found.now, **courtside.lines(found, bound, after)})


@for_bookmaker
def active(request: DeskRequest, fixture_id: int) -> HttpResponse:
    """Overrides in effect, those hidden by a suspension too."""
    found = _offer(request, fixture_id)
    names = {m.id: m.facts.market.name for m in found.snapshot.markets}
    rows = [(names[m.id], s) for m in found.published for s in m.selections if s.override]
    holds = notices.narrow_holds(found)
    return page(request, "fixture/_active.html", {"now": found.now, "rows": rows, "holds": holds, "targets": _target_names(found)})


@for_bookmaker
def audit(request: DeskRequest, fixture_id: int) -> HttpResponse:
    place = here(request)
    name = board.visible(place.id).filter(pk=fixture_id).values_list("name", flat=True).first()
    if name is None:
        raise Http404
    rows = journal.records(place.id).filter(fixture_id=fixture_id)[:AUDIT_ROWS]
    told = [(r, notices.alert(r), object_words(r.object_words).removeprefix(name).strip(" ·").removeprefix("and ")) for r in rows]
    return page(request, "fixture/_audit.html", {"rows": told})


@for_bookmaker
def price_graph(request: DeskRequest, selection_id: int) -> HttpResponse:
    """The last minutes of one selection: feed solid, overrides dashed, suspensions as bands."""
    found, market, selection = _selection(request, selection_id)
    since, until = graph.window(now(), GRAPH_MINUTES)
    moved = ticks.recent([selection_id], since, until).get(selection_id) or _as_it_stands(selection, since)
    laid = ticks.overridden(here(request).id, selection_id, since)
    held = ticks.held(here(request).id, ticks.Place(found.snapshot.id, market.id, selection_id), since)
    drawn = graph.draw(moved, laid, held, since, until)
    context = {"graph": drawn, "market": _market_name(found, market), "selection": selection, "minutes": GRAPH_MINUTES}
    return page(request, "fixture/_graph.html", context)


@for_bookmaker
def explain(request: DeskRequest, selection_id: int) -> HttpResponse:
    """Where a price comes from, step by step, and what holds it, with who and when."""
    found, market, selection = _selection(request, selection_id)
    context = {"now": found.now, "market": _market_name(found, market), "selection": selection, "fixture": found.snapshot.name}
    return page(request, "fixture/_explain.html", context)


@for_bookmaker
def preview(request: DeskRequest) -> HttpResponse:
    """What an override would do, while it is typed."""
    given = request.GET
    context: dict[str, Any] = {"wrong": "", "now": now()}
    try:
        found, _, selection = _selection(request, int(given.get("selection", "0")))
        context |= {"now": found.now, "selection": selection, "value": given.get("value", "")}
        context["preview"] = overrides.preview(
            actor(request),
            here(request).id,
            selection.id,
            kind=OverrideKind(given.get("kind", OverrideKind.PRICE.value)),
            value=plain_decimal(given.get("value", "").strip()),
            seconds=int(given.get("seconds", "")),
            reason=given.get("reason", "")[:300],
        )
    except ValueError:
        context["wrong"] = "A price like 1.85 and whole seconds, please."
    except ServiceError as refused:
        context["wrong"] = refused.words
    return page(request, "fixture/_preview.html", context)


def _offer(request: DeskRequest, fixture_id: int) -> Offer:
    return _found(request, fixture_id)[0]


def _match_page(request: DeskRequest, match_id: int) -> HttpResponse:
    """A point feed's match is seen in the fixture that it is bound to, or among the unbound. Raises Http404 for all else."""
    place = bindings.place_of(here(request).id, match_id)
    if place is None:
        raise Http404
    return redirect("bindings") if place.fixture_id is None else redirect("fixture", place.fixture_id)


def _found(request: DeskRequest, fixture_id: int) -> tuple[Offer, str]:
    """The offer and its source's stream template; 404 alike for what never existed and what is not to be known of (promise E1)."""
    place = here(request)
    template = board.visible(place.id).filter(pk=fixture_id).values_list("source__stream_url_template", flat=True).first()
    if template is None:
        raise Http404
    found = offer.offers(place.id, [fixture_id], ears=fences.ears()).get(fixture_id)
    if found is None:
        raise Http404
    return found, template


def _selection(request: DeskRequest, selection_id: int) -> tuple[Offer, PublishedMarket, PublishedSelection]:
    fixture_id = Selection.objects.filter(pk=selection_id).values_list("market__fixture_id", flat=True).first()
    if fixture_id is None:
        raise Http404
    found = _offer(request, fixture_id)
    for market in found.published:
        for selection in market.selections:
            if selection.id == selection_id:
                return found, market, selection
    raise Http404


def _market_name(found: Offer, market: PublishedMarket) -> str:
    return next(row.facts.market.name for row in found.snapshot.markets if row.id == market.id)


def _fetching(found: Offer) -> notices.Fetching | None:
    """Of the feed of its prices, where that has a reader of its own."""
    s = found.snapshot
    return notices.Fetching(fences.ears().heard(s.source_id, s.ref)) if found.around.feed.each_match else None


def _points_feed(found: Offer) -> notices.FeedState | None:
    """Of the match that it is bound to."""
    feed, heard = found.signs.feed, found.signs.heard
    return notices.feed_state(feed, found.now, notices.Fetching(heard)) if feed else None


def _graphed(found: Offer) -> int | None:
    """The selection whose graph is shown first: of the main market; None without a price."""
    main = board_cells(found).main
    return main.prices[0].id if main and main.prices else None


def _as_it_stands(selection: PublishedSelection, since: datetime) -> list[ticks.Tick]:
    """Without a tick in the window the price has stood still."""
    return [ticks.Tick(since, selection.feed_price, offered=True)]


def _target_names(found: Offer) -> dict[str, str]:
    """Words for the targets of narrow holds, by ``scope:target``."""
    names = {f"fixture:{found.snapshot.id}": "the fixture"}
    for row, published in zip(found.snapshot.markets, found.published, strict=True):
        names[f"market:{row.id}"] = row.facts.market.name
        names |= {f"selection:{s.id}": f"{row.facts.market.name}, {s.name}" for s in published.selections}
    return names
