"""Who may open a page and who may send a command (decision P4, promises E1 and E2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from markets.desk.shortcuts import Shortcut, chosen
from markets.domain.values import OddsFormat
from markets.models import Preference
from markets.selectors import seat
from markets.selectors.seat import Place, Seat
from markets.services.actor import Actor

P = ParamSpec("P")


class DeskRequest(HttpRequest):
    """A request of a person with a seat."""

    seat: Seat
    htmx: HtmxDetails
    request_id: str


View = Callable[Concatenate[DeskRequest, P], HttpResponseBase]


def seated(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """For everyone signed in; the seat is read anew for each request, so that a changed role counts at once."""

    @wraps(view)
    def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        found = seat.load(request.user, request.session.get(seat.SESSION_KEY))
        if found is None:
            return _signed_out(request)
        desk_request = cast(DeskRequest, request)
        desk_request.seat = found
        desk_request.request_id = getattr(request, "request_id", "") or secrets.token_hex(6)
        return view(desk_request, *args, **kwargs)

    return opened


def for_bookmaker(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """For those who belong to a bookmaker; the others are told whom to ask."""

    @seated
    @wraps(view)
    def opened(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.seat.bookmaker is None:
            return page(request, "desk/no_bookmaker.html", {}, status=403)
        return view(request, *args, **kwargs)

    return opened


def here(request: DeskRequest) -> Place:
    """The bookmaker in front of the person; only behind :func:`for_bookmaker`."""
    assert request.seat.bookmaker is not None
    return request.seat.bookmaker


def actor(request: DeskRequest) -> Actor:
    """The person as services know them."""
    s = request.seat
    return Actor(
        id=f"user:{s.user_id}",
        name=s.name,
        via="page",
        request_id=request.request_id,
        user_id=s.user_id,
        roles=s.roles,
        staff=s.staff,
        bookmaker=s.bookmaker.id if s.bookmaker else None,
    )


def page(request: DeskRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A whole page or a part, with what every page needs."""
    from markets.db import now

    at = context.get("now") or now()
    theme = request.COOKIES.get("theme", "")
    whole = {
        "seat": request.seat,
        "now": at,
        "now_ms": int(at.timestamp() * 1000),
        "theme": theme if theme in ("dark", "light") else "",
        "odds": odds_of(request),
        "sounds": sounds_of(request),
        "shortcuts": shortcuts_of(request),
        **context,
    }
    answer = render(request, template, whole, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def preference_of(request: HttpRequest) -> Preference | None:
    """What the person has set for himself, as it was when the request came."""
    return getattr(request.user, "preference", None)


def odds_of(request: HttpRequest) -> str:
    """How the person likes odds shown; decimal until said otherwise."""
    preference = preference_of(request)
    return preference.odds if preference else OddsFormat.DECIMAL.value


def sounds_of(request: HttpRequest) -> str:
    """The cues that the person hears, with commas between; none until said otherwise."""
    preference = preference_of(request)
    return preference.sounds if preference else ""


def shortcuts_of(request: HttpRequest) -> tuple[Shortcut, ...]:
    """The single keys of the pages, where the person has put them."""
    preference = preference_of(request)
    return chosen(preference.keys if preference else {})


def _signed_out(request: HttpRequest) -> HttpResponse:
    """To the sign-in page; a part asked by htmx makes the whole browser go there."""
    if request.headers.get("HX-Request"):
        answer = HttpResponse("Signed out.", status=401)
        answer["HX-Redirect"] = "/sign-in"
        return answer
    return redirect_to_login(request.get_full_path())
