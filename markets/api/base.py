"""What every REST route shares: the one form of errors, who calls, what the caller may know of (promise E1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from markets import http
from markets.domain.dialect import IGNORED
from markets.domain.values import Role
from markets.selectors import matches
from markets.services.actor import Actor
from markets.services.errors import Conflict, Forbidden, NotFound, Refused, ServiceError

from . import schemas
from .payload import Body

SLUG = re.compile(r"[a-z0-9-]{1,60}")
_NUMBER = re.compile(r"[0-9]{1,18}")
NO_ODDS = "this key has not the scope odds"
_json = msgspec.json.Decoder(float_hook=Decimal)


class ExactParser(Parser):
    """JSON whose numbers never pass through a float; NaN and Infinity are no JSON."""

    def parse_body(self, request: HttpRequest) -> Any:
        return _json.decode(request.body)


api = NinjaAPI(
    title="Tradingdesk for bookmakers",
    version="1",
    description="Prices of one bookmaker, gated at the instant of the answer. Not renewed within validForMs means suspended.",
    urls_namespace="bookmaker-api",
    docs_url=None,
    openapi_url=None,
    auth=http.caller,
    parser=ExactParser(),
)
ERRORS = dict.fromkeys((401, 403, 404, 422, 429, 503), schemas.Error)
CLASHES = {409: schemas.Conflict}
REFUSALS = {400: schemas.Error, 413: schemas.Error, **CLASHES}


@api.exception_handler(ServiceError)
def _on_service_error(request: HttpRequest, problem: ServiceError) -> HttpResponse:
    return http.error(request, _in_numbers(problem) if isinstance(problem, Conflict) else problem)


def _in_numbers(problem: Conflict) -> Conflict:
    """``current`` in the forms that the rest of the contract has: a price as a number, times with Z."""
    said = problem.current
    prices = {"value": Decimal(said["value"])} if said.get("value") else {}
    times = {name: datetime.fromisoformat(said[name]) for name in ("endsAt", "changedAt") if said.get(name)}
    return Conflict(problem.words, {**said, **prices, **times})


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _on_store_down(request: HttpRequest, _: Exception) -> HttpResponse:
    return http.store_down(request)


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, problem: ValidationError) -> HttpResponse:
    return http.error(request, refused({_field(one["loc"]): _in_words(one) for one in problem.errors}))


@api.exception_handler(RequestDataTooBig)
def _on_too_big(request: HttpRequest, _: Exception) -> HttpResponse:
    return http.error(request, http.TooLarge(f"a body has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes"))


@api.exception_handler(SuspiciousOperation)
def _on_unfit(request: HttpRequest, problem: Exception) -> HttpResponse:
    """Told here and not by Django, which would write a page of its log for each."""
    return http.unfit(request, problem)


@api.exception_handler(HttpError)
def _on_unreadable(request: HttpRequest, problem: HttpError) -> HttpResponse:
    return http.error(request, http.Malformed(str(problem)))


def _in_words(problem: Mapping[str, Any]) -> str:
    """What would be right; the library's own texts end no sentence that begins with the field's name."""
    said = str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return _WORDS.get(str(problem["type"]), said)


_WORDS = {"missing": "is required", "string_type": "must be a text", "bool_type": "must be true or false"}


def refused(fields: dict[str, str]) -> Refused:
    """422 for ``fields``: name → what is wrong and what would be right."""
    return Refused("invalid", "; ".join(f"{name}: {words}" for name, words in fields.items()), fields)


def _field(path: Sequence[str | int]) -> str:
    """``("body", "order", "oddValue")`` → ``oddValue``; the body itself is ``body``."""
    return str(path[2] if len(path) > 2 else path[-1] if path[0] == "query" else "body")


def actor_of(request: HttpRequest) -> Actor:
    found = request.auth  # type: ignore[attr-defined]
    assert isinstance(found, Actor)
    return found


def allowed(request: HttpRequest, bookmaker_id: str, *parameters: str) -> UUID:
    """The bookmaker of the path, when the caller may read for it.

    Raises NotFound, Forbidden for its own key without the scope, Refused for a query of other than ``parameters``.
    """
    found, actor = http.uuid_or_none(bookmaker_id), actor_of(request)
    if found is None or not actor.may(found, Role.VIEWER):
        raise NotFound if found is None or found != actor.bookmaker else Forbidden(NO_ODDS)
    _refuse_others(request, parameters)
    return found


def _refuse_others(request: HttpRequest, parameters: Collection[str]) -> None:
    """As the public routes do: who misspells a filter must not be answered with rows that nobody asked for (ADR 0017)."""
    known = f"understood are {', '.join(parameters)}" if parameters else "this address takes no parameters"
    problems = {name: f"is not understood; {known}" for name in request.GET if name not in (*parameters, *IGNORED)}
    if problems := problems | twice(request, parameters):
        raise refused(problems)


def twice(request: HttpRequest, parameters: Collection[str]) -> dict[str, str]:
    """Those of one value that came with several, of which all but one would be passed over; with words."""
    return {name: "is given more than once" for name in parameters if len(request.GET.getlist(name)) > 1}


def fixture_of(bookmaker_id: UUID, sport: str, match_id: str) -> int:
    """Row id. Raises NotFound."""
    if not SLUG.fullmatch(sport) or not _NUMBER.fullmatch(match_id):
        raise NotFound
    found = matches.fixture_id(bookmaker_id, sport, int(match_id))
    if found is None:
        raise NotFound
    return found


def renewable(request: HttpRequest, body: Body) -> HttpResponse:
    """200 with the body, or a 304 that renews it; both tell for how long."""
    headers = {"ETag": body.etag, "X-Valid-For-Ms": str(body.valid_for_ms)}
    if _unchanged(request.headers.get("If-None-Match", ""), body.etag):
        return http.raw_answer(request, b"", 304, headers)
    return http.raw_answer(request, body.content, 200, headers)


def _unchanged(if_none_match: str, etag: str) -> bool:
    """RFC 9110 weak comparison; several tags and ``*`` are allowed."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
