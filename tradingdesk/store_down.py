"""A store that does not answer is told in words, never as an internal error (promise F4): 503 to a person as to a machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from markets import http, patience

PAGE_SECONDS = 2.0
WORDS = "The store does not answer: treat every price as suspended. Nothing was changed by this page; try again in a moment."

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class StoreDown:
    """Middleware. Whoever waits for the store waits :data:`PAGE_SECONDS` at most, and is told."""

    async_capable = sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self._answer = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        if self._is_async:
            return self._later(request)
        with patience.at_most(PAGE_SECONDS):
            return self._answer(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with patience.at_most(PAGE_SECONDS):
            return await cast("Awaitable[HttpResponseBase]", self._answer(request))

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """What a view met; anything but the store is somebody else's."""
        return answer(request) if isinstance(problem, (OperationalError, InterfaceError)) else None


def answer(request: HttpRequest) -> HttpResponse:
    """A page for a browser, words for a part of a page, JSON for everyone else."""
    if request.headers.get("HX-Request"):
        told = HttpResponse(WORDS, status=503, content_type="text/plain; charset=utf-8")
    elif "text/html" in request.headers.get("Accept", ""):
        told = HttpResponse(render_to_string("store_down.html", {"words": WORDS}), status=503)
    else:
        return http.store_down(request)
    told["Cache-Control"], told["Retry-After"] = "no-store", "1"
    return told
