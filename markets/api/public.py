"""The public routes of the Odds360 contract (000 "Use the raw Odds360 REST service"; decisions O1, O7): for whoever has a key.

They answer with the published prices of the key's bookmaker. Only the slugs of seeded sports match, so that no other address is hidden.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import register_converter

from markets import db, http
from markets.domain import dialect
from markets.domain.dialect import Asked, Column, Condition, Op, Unfit
from markets.domain.sports.catalogue import SPORTS
from markets.domain.values import Role
from markets.live import fences
from markets.selectors import matches, offer, ticks
from markets.services.errors import Forbidden, NotFound

from . import payload, schemas
from .base import ERRORS, NO_ODDS, actor_of, api, refused, renewable, twice

SLUGS = tuple(sorted(sport.slug for sport in SPORTS))
LONGEST = timedelta(days=31)
USUAL = timedelta(hours=24)
MATCHES = (
    dialect.number_column("id"),
    dialect.number_column("match_id"),
    dialect.word_column("league_id"),
    dialect.time_column("start_time"),
    dialect.choice_column("status_type", "live", "upcoming", "finished", "postponed"),
)
HISTORY = (
    dialect.number_column("match_id", (Op.EQ,)),
    dialect.word_column("market", (Op.EQ,)),
    dialect.word_column("outcome", (Op.EQ,)),
    dialect.time_column("time", (Op.GTE, Op.GT, Op.LT, Op.LTE)),
)


class Seeded:
    """A path part that is the slug of a seeded sport."""

    regex = "|".join(SLUGS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Seeded, "seeded")


def _described(columns: tuple[Column, ...], *plain: str, either: bool = False) -> dict[str, Any]:
    """The query's parameters for the OpenAPI document, from what reads them."""
    filters = [_parameter(c.name, {"type": "string", "pattern": c.pattern}, f"Begins with {c.allowed}.") for c in columns]
    words = [_parameter(name, {"type": "string"}, "Part of the name, whatever the case.") for name in plain]
    some = {"type": "string", "pattern": r"^\(match_id\.eq\.[0-9]{1,18}(,match_id\.eq\.[0-9]{1,18}){0,5}\)$"}
    words += [_parameter("or", some, "At least one holds: (match_id.eq.1,match_id.eq.2).")] if either else []
    whole = {"type": "integer", "minimum": 1, "maximum": dialect.MOST, "default": dialect.MOST}
    far = {"type": "integer", "minimum": 0, "maximum": dialect.FAR, "default": 0}
    ends = [_parameter("limit", whole, "Rows at most."), _parameter("offset", far, "Rows to pass over.")]
    return {"parameters": [*filters, *words, *ends]}


def _parameter(name: str, schema: dict[str, Any], words: str) -> dict[str, Any]:
    return {"in": "query", "name": name, "required": False, "schema": schema, "description": words}


@api.get(
    "/{seeded:sport}",
    auth=http.key_holder,
    response={200: list[schemas.PublicMatch], 304: None, **ERRORS},
    summary="Live and upcoming matches with every price; 304 renews X-Valid-For-Ms",
    openapi_extra=_described(MATCHES, "league", either=True),
)
def public_matches(request: HttpRequest, sport: str) -> HttpResponse:
    """A match that is named by ``match_id=eq.`` is answered whatever its phase."""
    own = _bookmaker(request, sport)
    chosen = matches.chosen(own, sport, _asked(request, MATCHES, "league", either=True))
    offers = offer.offers(own, [one.fixture_id for one in chosen], ears=fences.ears())
    return renewable(request, payload.of_list((one.row, offers[one.fixture_id]) for one in chosen if one.fixture_id in offers))


@api.get(
    "/{seeded:sport}-history",
    auth=http.key_holder,
    response={200: list[schemas.Tick], **ERRORS},
    summary="How the feed's prices of a match moved between two times",
    openapi_extra=_described(HISTORY),
)
def public_history(request: HttpRequest, sport: str) -> HttpResponse:
    """Needs ``match_id=eq.``. The feed's own prices: what was published of them at the time is not kept."""
    own = _bookmaker(request, sport)
    asked = _asked(request, HISTORY)
    match_id, stretch = _stretch(asked)
    fixture_id = matches.fixture_id(own, sport, match_id)
    rows = ticks.history(fixture_id, match_id, stretch, asked.limit, asked.offset) if fixture_id else []
    return http.answer(request, rows)


@api.get(
    "/{seeded:sport}-classes",
    auth=http.key_holder,
    response={200: list[schemas.SportClass], **ERRORS},
    summary="The regions that have leagues with live or upcoming matches",
    openapi_extra=_described(()),
)
def public_classes(request: HttpRequest, sport: str) -> HttpResponse:
    return http.answer(request, matches.classes(_bookmaker(request, sport), sport, _asked(request, ())))


@api.get(
    "/{seeded:sport}-leagues",
    auth=http.key_holder,
    response={200: list[schemas.League], **ERRORS},
    summary="The leagues that have live or upcoming matches",
    openapi_extra=_described((), "league"),
)
def public_leagues(request: HttpRequest, sport: str) -> HttpResponse:
    return http.answer(request, matches.leagues(_bookmaker(request, sport), sport, _asked(request, (), "league")))


def _bookmaker(request: HttpRequest, sport: str) -> UUID:
    """The key's own. Raises Forbidden for a key that reads no odds, NotFound for a sport that is not the bookmaker's."""
    actor = actor_of(request)
    own = actor.bookmaker
    if own is None or not actor.may(own, Role.VIEWER):
        raise Forbidden(NO_ODDS)
    if not matches.covers(own, sport):
        raise NotFound
    return own


def _asked(request: HttpRequest, columns: tuple[Column, ...], *plain: str, either: bool = False) -> Asked:
    given = [(name, value) for name, values in request.GET.lists() for value in values]
    if several := twice(request, (*plain, "limit", "offset")):
        raise refused(several)
    try:
        return dialect.read(given, columns, plain, either=either)
    except Unfit as unfit:
        raise refused(unfit.fields) from unfit


def _stretch(asked: Asked) -> tuple[int, ticks.Stretch]:
    """The match, and which of its ticks."""
    times = [c for c in asked.where if isinstance(c, Condition) and c.column == "time"]
    until = min((_instant(c) for c in times if c.op in (Op.LT, Op.LTE)), default=db.now())
    since = max((_instant(c) for c in times if c.op in (Op.GT, Op.GTE)), default=None) or until - USUAL
    if until - since > LONGEST:
        raise refused({"time": f"a stretch is {LONGEST.days} days at most"})
    if not asked.values("match_id"):
        raise refused({"match_id": "is required, like match_id=eq.2450840"})
    market, outcome = (str(next(iter(asked.values(name)), "")) for name in ("market", "outcome"))
    return int(str(asked.values("match_id")[0])), ticks.Stretch(since, until, market, outcome)


def _instant(condition: Condition) -> datetime:
    """An end of the stretch, which reaches from an instant to before another; times are kept to the microsecond."""
    (value,) = condition.values
    assert isinstance(value, datetime)
    return value + timedelta(microseconds=1) if condition.op in (Op.GT, Op.LTE) else value
