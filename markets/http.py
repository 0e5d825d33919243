"""What every REST door shares: who calls, one form for answers, one form for errors.

An error is ``{"error", "detail", "requestId"}`` with ``fields`` (422) or ``current`` (409) where they help. A foreign id and one that never
existed answer the same bytes apart from the request id (promise E1).

A web page of another origin may read with a key, if the key's bookmaker lists that origin (decision O5); what a session opens stays on
our own pages.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.defaults import bad_request, page_not_found, server_error

from markets import patience
from markets.services import actor, bookmakers, rates, throttle
from markets.services.actor import Actor
from markets.services.errors import Conflict, Forbidden, NotFound, Refused, ServiceError

log = logging.getLogger(__name__)
P = ParamSpec("P")
STORE_SECONDS = 2.0
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
READS = "GET, HEAD"
_MACHINES = ("/bookmaker/", "/api/", "/live/")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_encoder = msgspec.json.Encoder(decimal_format="number")


class NotAuthenticated(ServiceError):
    """No key, a wrong one, or no signed-in person (401)."""


class TooMany(ServiceError):
    """Guessing keys (promise E6), or asking more often than a key may (429); ``seconds``: how long to wait."""

    def __init__(self, words: str, seconds: int) -> None:
        super().__init__(f"{words}: wait {seconds} s")
        self.seconds = seconds


class StoreDown(ServiceError):
    """The database does not answer: nothing is offered and nothing can be promised (503, promise F4)."""


class TooLarge(ServiceError):
    """The body is longer than any command needs (413)."""


class Malformed(ServiceError):
    """The body is not what the method takes at all (400)."""


def request_id(request: HttpRequest) -> str:
    """The caller's ``X-Request-Id`` where it is a plain word, else one of ours; the same for the whole request."""
    known: str = getattr(request, "request_id", "")
    if not known:
        given = request.headers.get("X-Request-Id", "")
        known = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        request.request_id = known  # type: ignore[attr-defined]
    return known


def head(request: HttpRequest, answer_get: Callable[[], HttpResponse]) -> HttpResponse:
    """HEAD (RFC 9110): the status and headers of the GET, its length too, without the body."""
    request.method = "GET"
    try:
        response = answer_get()
    finally:
        request.method = "HEAD"
    if response.status_code != 304:
        response["Content-Length"] = str(len(response.content))
    response.content = b""
    return response


def reading(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that only reads: GET and HEAD, 405 in the one form for the rest."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "HEAD":
            return head(request, lambda: view(request, *args, **kwargs))
        return view(request, *args, **kwargs) if request.method == "GET" else not_allowed(request, READS)

    return asked


def prompt(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """A REST view that answers, if only that the store does not (promise F4)."""

    @wraps(view)
    def asked(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with patience.at_most(STORE_SECONDS):
            return view(*args, **kwargs)

    return asked


def caller(request: HttpRequest) -> Actor:
    """The key in ``Authorization: Bearer``, else the signed-in person. Raises NotAuthenticated, TooMany, Forbidden (CSRF)."""
    if authorization := request.headers.get("Authorization"):
        return _of_key(request, authorization)
    if not request.user.is_authenticated or not request.user.is_active:
        raise NotAuthenticated("a key (Authorization: Bearer …) or a signed-in session is required")
    if request.method not in SAFE_METHODS and _forged(request):
        raise Forbidden("a session caller must send the CSRF token (header X-CSRFToken)")
    return actor.of_user(request.user, via="api", request_id=request_id(request))


def key_holder(request: HttpRequest) -> Actor:
    """The key in ``Authorization: Bearer`` or ``?token=``; a session is nobody here (decision O7). Raises as :func:`caller`."""
    authorization = request.headers.get("Authorization")
    if authorization is None and (token := request.GET.get("token")):
        authorization = f"Bearer {token}"
    if authorization is None:
        raise NotAuthenticated("a key (Authorization: Bearer … or ?token=…) is required")
    return _of_key(request, authorization)


def _of_key(request: HttpRequest, authorization: str) -> Actor:
    """A right key opens whatever others guessed from its address: one proxy may stand before many (promise E6)."""
    scheme, _, token = authorization.partition(" ")
    key = bookmakers.verify_key(token.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise _wrong_key(str(request.META.get("REMOTE_ADDR", "")))
    request.readable_from = key.origins  # type: ignore[attr-defined]
    if wait := rates.wait_for(key.prefix, key.requests_per_second):
        raise TooMany(f"more than {key.requests_per_second} requests in a second", wait)
    return actor.of_key(key, request_id=request_id(request))


def _wrong_key(peer: str) -> ServiceError:
    if wait := throttle.blocked_for(throttle.KEY, peer):
        return TooMany("too many wrong keys", wait)
    throttle.failed(throttle.KEY, peer)
    return NotAuthenticated("this key is not valid")


def _forged(request: HttpRequest) -> bool:
    """Views that take keys are exempt from the middleware, so session callers are checked here."""
    check = CsrfViewMiddleware(lambda _: HttpResponse())
    request.csrf_processing_done = False  # type: ignore[attr-defined]
    check.process_request(request)
    return check.process_view(request, _no_view, (), {}) is not None


def _no_view(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


def answer(request: HttpRequest, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """``value`` as JSON: prices as plain numbers, times as RFC 3339. Never stored by anybody on the way."""
    return raw_answer(request, encode(value), status, headers)


def raw_answer(request: HttpRequest, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json")
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie, Origin"
    response["X-Request-Id"] = request_id(request)
    if _readable_elsewhere(request):
        response["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Request-Id, X-Valid-For-Ms"
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def _readable_elsewhere(request: HttpRequest) -> bool:
    """Only a caller with a key has ``readable_from``: what it was given it may read, but not change, from a web page."""
    return request.method in SAFE_METHODS and request.headers.get("Origin") in getattr(request, "readable_from", ())


def is_preflight(request: HttpRequest) -> bool:
    """A browser asks whether it may send what its page wants to."""
    return request.method == "OPTIONS" and "Origin" in request.headers and "Access-Control-Request-Method" in request.headers


def preflight(request: HttpRequest) -> HttpResponse:
    """A GET with a key may be tried from everywhere, and nothing else: no cookie goes with it, and only its answer says who may read.

    A preflight carries no key, so whatever it told of a bookmaker's origins it would tell to everybody (promise E1).
    """
    response = HttpResponse(status=204)
    if request.headers["Access-Control-Request-Method"] in ("GET", "HEAD"):
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Allow-Methods"] = READS
        response["Access-Control-Allow-Headers"] = "Authorization, If-None-Match, X-Request-Id"
        response["Access-Control-Max-Age"] = "600"
    return response


def encode(value: Any) -> bytes:
    return _encoder.encode(value)


def error(request: HttpRequest, problem: ServiceError) -> HttpResponse:
    """The answer to a problem, in the one form."""
    if isinstance(problem, NotFound):
        return not_found(request)
    status, code = next((known for kind, known in _ANSWERS.items() if isinstance(problem, kind)), (400, "malformed"))
    return _error(request, status, code, problem.words, *_details(problem))


_ANSWERS: dict[type[ServiceError], tuple[int, str]] = {
    NotAuthenticated: (401, "not-authenticated"),
    TooMany: (429, "too-many"),
    Forbidden: (403, "forbidden"),
    Conflict: (409, "conflict"),
    StoreDown: (503, "store"),
    TooLarge: (413, "too-large"),
    Refused: (422, "refused"),
}


def _details(problem: ServiceError) -> tuple[dict[str, Any], dict[str, str]]:
    """(What the body says beside the words, headers.)"""
    match problem:
        case NotAuthenticated():
            return {}, {"WWW-Authenticate": "Bearer"}
        case TooMany():
            return {}, {"Retry-After": str(problem.seconds)}
        case StoreDown():
            return {}, {"Retry-After": "1"}
        case Conflict():
            return {"current": problem.current}, {}
        case Refused():
            return {"error": problem.code, "fields": problem.fields}, {}
        case _:
            return {}, {}


def store_down(request: HttpRequest) -> HttpResponse:
    return error(request, StoreDown("the store does not answer: treat every price as suspended"))


def not_found(request: HttpRequest) -> HttpResponse:
    """The same for what never existed and for what is another's."""
    return _error(request, 404, "not-found", "not found", {}, {})


def nowhere(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No address of the desk."""
    return not_found(request) if _is_machine(request) else page_not_found(request, exception)


def unfit(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django itself refuses before any view: a host that is not ours, too many parameters."""
    if _is_machine(request):
        return error(request, Malformed("this request cannot be read: its host or the number of its parameters"))
    return bad_request(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """An error of ours; the log tells of it beside the request id."""
    log.error("request %s failed", request_id(request))
    if _is_machine(request):
        return _error(request, 500, "failed", "the desk failed to answer: treat every price as suspended", {}, {})
    return server_error(request)


def _is_machine(request: HttpRequest) -> bool:
    """Whoever comes with a key or to an address of the contract is told in the one form; people are shown a page.

    The query is looked at as it came, since it may be what cannot be read.
    """
    found = request.resolver_match
    named = request.path.startswith(_MACHINES) or (found is not None and found.namespace == "bookmaker-api")
    return named or "Authorization" in request.headers or "token=" in request.META.get("QUERY_STRING", "")


def not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    return _error(request, 405, "method-not-allowed", f"allowed: {allowed}", {}, {"Allow": allowed})


def _error(request: HttpRequest, status: int, code: str, detail: str, more: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
    return answer(request, {"error": code, "detail": detail, **more, "requestId": request_id(request)}, status, headers)


def uuid_or_none(text: str) -> UUID | None:
    """Only the usual form with hyphens (or without) counts; anything else names nothing."""
    try:
        return UUID(text)
    except ValueError:
        return None
