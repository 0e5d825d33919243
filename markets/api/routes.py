"""The bookmaker's own routes of the Odds360 contract (000 "Dashboard and bookmaker flow"; decisions O4, O6, P1, P2).

Every view first asks who calls; a bookmaker, sport or match that the caller may not know of answers exactly like one that never
existed (promise E1).
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query

from markets import http
from markets.domain.values import Phase
from markets.live import fences
from markets.selectors import matches, offer
from markets.services import idempotency
from markets.services.errors import NotFound
from markets.services.idempotency import Answer

from . import payload, pricing, schemas, verifying
from .base import CLASHES, ERRORS, REFUSALS, SLUG, actor_of, allowed, api, fixture_of, renewable


@api.get("/bookmaker/{bookmaker_id}", response={200: schemas.BookmakerCard, **ERRORS}, summary="The bookmaker and its sports")
def bookmaker(request: HttpRequest, bookmaker_id: str) -> HttpResponse:
    card = matches.card(allowed(request, bookmaker_id))
    if card is None:
        raise NotFound
    return http.answer(request, card)


@api.get(
    "/bookmaker/{bookmaker_id}/{sport}/matches",
    response={200: list[schemas.MatchRow], **ERRORS},
    summary="Live and upcoming matches with prices, 100 a page",
)
def match_list(request: HttpRequest, bookmaker_id: str, sport: str, query: Query[schemas.ListQuery]) -> HttpResponse:
    own = allowed(request, bookmaker_id, *schemas.ListQuery.model_fields)
    if not SLUG.fullmatch(sport):
        raise NotFound
    status = Phase(query.status) if query.status else None
    rows = matches.page(own, sport, matches.Filters(query.page, query.league, query.homeTeam, query.awayTeam, status))
    if not rows and not matches.covers(own, sport):
        raise NotFound
    return http.answer(request, rows)


@api.get(
    "/bookmaker/{bookmaker_id}/{sport}/{match_id}",
    response={200: schemas.MatchPayload, 304: None, **ERRORS},
    summary="Every price of one match; 304 renews X-Valid-For-Ms",
)
def match(request: HttpRequest, bookmaker_id: str, sport: str, match_id: str) -> HttpResponse:
    own = allowed(request, bookmaker_id)
    fixture_id = fixture_of(own, sport, match_id)
    return renewable(request, payload.of_match(_offer(own, fixture_id)))


@api.get(
    "/bookmaker/{bookmaker_id}/{sport}/{match_id}/verify",
    response={200: schemas.Verification, **ERRORS},
    summary="Whether what is served of a match is what the feeds said, and what may be missing",
)
def verify(request: HttpRequest, bookmaker_id: str, sport: str, match_id: str) -> HttpResponse:
    own = allowed(request, bookmaker_id)
    return http.answer(request, verifying.verify(own, fixture_of(own, sport, match_id)))


@api.get(
    "/bookmaker/{bookmaker_id}/{sport}/{match_id}/override",
    response={200: list[schemas.OverrideEntry], **ERRORS},
    summary="Every override in effect of one match, as in its payload",
)
def override_list(request: HttpRequest, bookmaker_id: str, sport: str, match_id: str) -> HttpResponse:
    own = allowed(request, bookmaker_id)
    return http.answer(request, payload.overrides(_offer(own, fixture_of(own, sport, match_id))))


@api.patch(
    "/bookmaker/{bookmaker_id}/{sport}/{match_id}/{odd_type}",
    response={200: schemas.OverrideEntry, **ERRORS, **REFUSALS},
    summary="Override or suspend one price for a while",
)
def override(request: HttpRequest, bookmaker_id: str, sport: str, match_id: str, odd_type: str, order: schemas.PriceOrder) -> HttpResponse:
    """Headers: ``If-Match: "<version>"`` (409 when it moved on), ``Idempotency-Key`` (a repeat within 24 h gets the first answer)."""
    pricing.check(order)
    own = allowed(request, bookmaker_id)
    place = _place(own, sport, match_id, odd_type, order.oddKey)
    return _command(request, place, lambda version: pricing.apply(actor_of(request), place, order, version))


@api.delete(
    "/bookmaker/{bookmaker_id}/{sport}/{match_id}/{odd_type}",
    response={200: schemas.OverrideEntry, **ERRORS, **CLASHES},
    summary="End the override of one price",
)
def end_override(
    request: HttpRequest, bookmaker_id: str, sport: str, match_id: str, odd_type: str, query: Query[schemas.Which]
) -> HttpResponse:
    """Answers with what there is then; where there is none already, nothing changes. A suspension stays: PATCH ``suspended: false``.

    Headers: ``If-Match: "<version>"`` (409 when it moved on), ``Idempotency-Key``.
    """
    own = allowed(request, bookmaker_id, *schemas.Which.model_fields)
    place = _place(own, sport, match_id, odd_type, query.oddKey)
    return _command(request, place, lambda version: pricing.end(actor_of(request), place, version))


def _place(own: UUID, sport: str, match_id: str, odd_type: str, odd_key: str) -> pricing.Place:
    """Where a command acts. Raises NotFound, Refused for a key that names no price at all."""
    fixture_id = fixture_of(own, sport, match_id)
    if not SLUG.fullmatch(odd_type):
        raise NotFound
    return pricing.Place(own, fixture_id, pricing.selection_id(fixture_id, odd_type, odd_key))


def _command(request: HttpRequest, place: pricing.Place, do: Callable[[int | None], Answer]) -> HttpResponse:
    """Once for an Idempotency-Key, on the version of If-Match; the answer carries the version after it."""
    if_match = request.headers.get("If-Match")
    version = pricing.version_of(if_match)
    done = idempotency.run(
        actor_of(request).id,
        place.bookmaker,
        request.headers.get("Idempotency-Key", ""),
        idempotency.digest(request.method or "", request.get_full_path(), if_match or "", request.body),
        lambda: do(version),
    )
    headers = {"ETag": f'"{done.body["version"]}"'} if "version" in done.body else {}
    return http.answer(request, done.body, done.status, headers)


def _offer(bookmaker_id: UUID, fixture_id: int) -> offer.Offer:
    """Raises NotFound."""
    found = offer.offers(bookmaker_id, [fixture_id], ears=fences.ears()).get(fixture_id)
    if found is None:
        raise NotFound
    return found
