"""Sign in and out, change the password, choose the bookmaker, follow a fixture."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from markets.desk.access import DeskRequest, actor, for_bookmaker, here, page, seated, shortcuts_of
from markets.desk.forms import row_id
from markets.desk.shortcuts import ShortcutsForm
from markets.domain.values import Cue, OddsFormat
from markets.selectors import board, seat
from markets.services import people, preferences, throttle, watching

ODDS = (
    (OddsFormat.DECIMAL.value, "Decimal", "1.80 · 2.50"),
    (OddsFormat.FRACTION.value, "Fraction", "4/5 · 3/2"),
    (OddsFormat.AMERICAN.value, "American", "−125 · +150"),
)

CUES = (
    (Cue.POINT.value, "A point begins", "POINT"),
    (Cue.OPEN.value, "Markets open again", "OPEN"),
    (Cue.ALERT.value, "Physio, medical treatment, challenge, correction, a break", "ALERT"),
    (Cue.TROUBLE.value, "No points, an alarm, or the desk holds", "TROUBLE"),
)
"""Cue, what it tells, and the word that shows it."""


class SignIn(LoginView):
    """Guessing is limited by peer and name before the password is looked at (promise E6)."""

    template_name = "desk/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = throttle.blocked_for(throttle.SIGN_IN, _peer(request), request.POST.get("username", ""))
        if not wait:
            return super().post(request, *args, **kwargs)
        form = self.get_form()
        form.add_error(None, f"Too many attempts. Try again in {wait} s.")
        return self.render_to_response(self.get_context_data(form=form), status=429)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        throttle.succeeded(throttle.SIGN_IN, _peer(self.request), form.cleaned_data["username"])
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        throttle.failed(throttle.SIGN_IN, _peer(self.request), form.data.get("username", ""))
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"theme": self.request.COOKIES.get("theme", "")}


@seated
def account(request: DeskRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = PasswordChangeForm(user, request.POST or None)
    changed = request.method == "POST" and form.is_valid()
    if changed:
        people.set_password(actor(request), user.pk, form.cleaned_data["new_password1"])
        user.refresh_from_db()
        update_session_auth_hash(request, user)
        form = PasswordChangeForm(user)
    kept = {name: name in request.GET for name in ("shown", "heard", "bound")}
    return _account(request, form=form, changed=changed, **kept)


def _account(request: DeskRequest, **context: Any) -> HttpResponse:
    """The page; ``form``: of the password, ``keys``: of the shortcuts, where another one than as they are now."""
    whole = {
        "form": PasswordChangeForm(cast(User, request.user)),
        "keys": ShortcutsForm(initial={shortcut.action: shortcut.key for shortcut in shortcuts_of(request)}),
        "odds_formats": ODDS,
        "cues": CUES,
        "page": "account",
    }
    return page(request, "desk/account.html", whole | context)


@require_POST
@seated
def keys(request: DeskRequest) -> HttpResponse:
    """Where the person wants the single keys; ``reset`` puts them all back."""
    form = ShortcutsForm(request.POST)
    if "reset" not in request.POST and not form.is_valid():
        return _account(request, keys=form)
    preferences.bind_keys(request.seat.user_id, {} if "reset" in request.POST else form.changed)
    return redirect(f"{reverse('account')}?bound")


@require_POST
@seated
def odds_format(request: DeskRequest) -> HttpResponse:
    """Decimal, fraction or American: on screen only."""
    try:
        preferences.show_odds(request.seat.user_id, OddsFormat(request.POST.get("odds", "")))
    except ValueError:
        return redirect("account")
    return redirect(f"{reverse('account')}?shown")


@require_POST
@seated
def sounds(request: DeskRequest) -> HttpResponse:
    """Which cues are heard; what is not a cue is passed over."""
    known = {cue.value for cue in Cue}
    preferences.hear(request.seat.user_id, {Cue(given) for given in request.POST.getlist("cue") if given in known})
    return redirect(f"{reverse('account')}?heard")


@require_POST
@seated
def choose_bookmaker(request: DeskRequest) -> HttpResponse:
    """An id that is not one's own changes nothing, and looks like one that never existed (promise E1)."""
    chosen = request.POST.get("bookmaker", "")
    if any(str(b.id) == chosen for b in request.seat.bookmakers):
        request.session[seat.SESSION_KEY] = chosen
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and not back.startswith("/fixture/")
    return redirect(back if safe else "board")


@require_POST
@for_bookmaker
def watch(request: DeskRequest) -> HttpResponse:
    """Follow a fixture, or leave it; the star answers with how it stands now."""
    fixture = get_object_or_404(board.visible(here(request).id), pk=row_id(request.POST.get("fixture", "")))
    watched = watching.toggle(request.seat.user_id, fixture.pk)
    return page(request, "desk/_star.html", {"watched": watched, "fixture_id": fixture.pk, "fixture_name": fixture.name})


def _peer(request: HttpRequest) -> str:
    """The address that the server believes (declared proxies only); a header never decides here."""
    return str(request.META.get("REMOTE_ADDR", ""))
