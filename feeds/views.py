"""The feeds' books by REST: for staff, and for keys with scope ``ops`` (promise B5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from markets import http
from markets.services.errors import Forbidden, ServiceError

from . import accounting as books

OPS = "ops"


def _operators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @csrf_exempt
    @http.prompt
    @http.reading
    @wraps(view)
    def opened(request: HttpRequest, **path: str) -> HttpResponse:
        try:
            actor = http.caller(request)
            if not actor.staff and OPS not in actor.scopes:
                raise Forbidden("staff, or a key with scope ops, may read this")
            return view(request, **path)
        except ServiceError as problem:
            return http.error(request, problem)
        except (OperationalError, InterfaceError):
            return http.store_down(request)

    return opened


@_operators_only
def accounting(request: HttpRequest) -> HttpResponse:
    """Per feed: received = applied + superseded + duplicate + quarantined + pending, its state, and why."""
    return http.answer(request, books.accounting())


@_operators_only
def messages(request: HttpRequest, slug: str, guid: str) -> HttpResponse:
    """What became of every kept frame with this guid; empty when there is none."""
    return http.answer(request, books.messages(slug, guid) if "\0" not in guid else [])
