"""Addresses under ``/bookmaker/`` and ``/api/``, and the seeded sports; whatever else is under the first is 404 in the one form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from markets import http

from . import docs
from .base import api

View = Callable[..., HttpResponse]


def _in_one_form(view: View) -> View:
    """The library knows no HEAD, and its own 405 says nothing in JSON."""

    @http.prompt
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if http.is_preflight(request):
            return http.preflight(request)
        if request.method == "HEAD":
            return http.head(request, lambda: _asked(view, request, *args, **kwargs))
        return _asked(view, request, *args, **kwargs)

    return answered


def _asked(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    response = view(request, *args, **kwargs)
    if response.status_code != 405:
        return response
    return http.not_allowed(request, response["Allow"].replace("GET", http.READS))


@csrf_exempt
def _nowhere(request: HttpRequest) -> HttpResponse:
    return http.not_found(request)


def _patterns() -> list[URLPattern]:
    found = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for pattern in found:
        pattern.callback = _in_one_form(pattern.callback)
    return found


app_name = "bookmaker-api"
urlpatterns = [
    path("api/docs", docs.page, name="docs"),
    path("api/openapi.json", docs.openapi, name="openapi-json"),
    path("bookmaker/openapi.json", docs.openapi),
    *_patterns(),
    path("bookmaker/", _nowhere, name="api-root"),
    re_path(r"^bookmaker(?:/.*)?$", _nowhere, name="nowhere"),
]
