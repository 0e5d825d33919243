"""Commands of the desk: one POST each, one effect each, answered by a short part that says what happened or why not.

A command changes nothing on the page by itself: its effect comes by the socket, as everyone's does (docs/architecture.md 6).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from markets.db import now
from markets.desk import undo
from markets.desk.access import DeskRequest, actor, for_bookmaker, here, page
from markets.desk.forms import (
    BindForm,
    ConfirmForm,
    HoldForm,
    LinkForm,
    OverrideChangeForm,
    OverrideConfirmForm,
    OverrideForm,
    ReasonForm,
    UnbindForm,
    row_id,
)
from markets.desk.inbox import inbox
from markets.desk.undo import Done
from markets.desk.words import clock_time, conflict_words, duration_words, price_words
from markets.domain.values import OverrideKind, Scope
from markets.live import fences
from markets.models import Selection
from markets.services import bindings, confirmations, holds, idempotency, links, overrides
from markets.services.errors import Conflict, Forbidden, NotFound, Refused, ServiceError

STATUS: dict[type[ServiceError], int] = {Refused: 422, Conflict: 409, NotFound: 404, Forbidden: 403}
MOST_TARGETS = 400
Do = Callable[[DeskRequest], Done]


def command(do: Do) -> Callable[..., HttpResponseBase]:
    """A POST with one effect for one Idempotency-Key (promise C3); ``do`` returns what happened, and its reverse."""

    @require_POST
    @for_bookmaker
    @wraps(do)
    def posted(request: DeskRequest) -> HttpResponse:
        try:
            words, reverse = _once(request, lambda: do(request))
            return _said(request, words, status=200, undo=None if request.POST.get("undone") else reverse)
        except ServiceError as refused:
            return _refused(request, refused)

    return posted


@command
def override(request: DeskRequest) -> Done:
    form = valid(OverrideForm(request.POST))
    entry = overrides.set_override(
        actor(request),
        here(request).id,
        form["selection"],
        kind=OverrideKind(form["kind"]),
        value=form["value"],
        seconds=form["seconds"],
        reason=form["reason"],
        through_points=form["through_points"],
        version=form["version"],
        confirmed=form["confirmed"],
    )
    return Done(f"{_selection(entry)}: {_price(entry)} until {clock_time(entry.ends_at)}", undo.of_override(entry))


@command
def cancel_override(request: DeskRequest) -> Done:
    form = valid(OverrideChangeForm(request.POST))
    entry = overrides.cancel(actor(request), here(request).id, form["selection"], version=form["version"])
    return Done(f"{_selection(entry)}: override cancelled", undo.of_cancel(entry))


@command
def extend_override(request: DeskRequest) -> Done:
    form = valid(OverrideChangeForm(request.POST))
    entry = overrides.extend(actor(request), here(request).id, form["selection"], form["seconds"] or 300, version=form["version"])
    return Done(f"{_selection(entry)}: until {clock_time(entry.ends_at)}")


@command
def confirm_override(request: DeskRequest) -> Done:
    """One key: the price typed before the point still holds (promise A2)."""
    form = valid(OverrideConfirmForm(request.POST))
    entry = overrides.confirm(
        actor(request),
        here(request).id,
        form["selection"],
        as_of=datetime.fromtimestamp(form["point_ended"] / 1000, UTC),
        version=form["version"],
        reason=form["reason"],
        confirmed=form["confirmed"],
        ears=fences.ears(),
    )
    return Done(f"{_selection(entry)}: {_price(entry)} still holds")


@command
def suspend(request: DeskRequest) -> Done:
    form, who = valid(HoldForm(request.POST)), actor(request)
    scope, bookmaker = Scope(form["scope"]), _whose(request, form)
    targets = _targets(request, scope)
    started = now()
    made = [
        holds.suspend(who, bookmaker, scope, target, seconds=form["seconds"], reason=form["reason"], version=form["version"])
        for target in targets
    ]
    span = f" for {duration_words(form['seconds'])}" if form["seconds"] else ""
    return Done(f"Suspended {_many(scope, targets)}{span}", undo.of_suspend(made, started))


@command
def resume(request: DeskRequest) -> Done:
    form, who = valid(HoldForm(request.POST)), actor(request)
    scope, bookmaker = Scope(form["scope"]), _whose(request, form)
    targets = _targets(request, scope)
    only = [_row(text) for text in request.POST.getlist("hold")] or None
    done = [holds.resume(who, bookmaker, scope, target, version=form["version"], only=only) for target in targets]
    left = {h.by for released in done for h in released.remaining}
    still = f"; still held by {', '.join(sorted(left))}" if left else ""
    return Done(f"Resumed {_many(scope, targets)}{still}", undo.of_resume(done))


@command
def panic(request: DeskRequest) -> Done:
    holds.panic(actor(request), here(request).id, reason=request.POST.get("reason", "").replace("\0", "")[:300])
    return Done(f"Everything of {here(request).name} is suspended")


@command
def confirm(request: DeskRequest) -> Done:
    form = valid(ConfirmForm(request.POST))
    opened = confirmations.confirm(
        actor(request),
        _whose(request, form),
        confirm_targets(request, form),
        as_of=_as_of(form["as_of"]),
        reason=form["reason"],
        ears=fences.ears(),
    )
    return Done(f"Confirmed: {len(opened.openings)}{'+' if opened.cut else ''} prices open")


@command
def retry_message(request: DeskRequest) -> Done:
    return Done(f"Read again: {inbox().retry(_frame(request), actor(request))}")


@command
def dismiss_message(request: DeskRequest) -> Done:
    form = valid(ReasonForm(request.POST))
    inbox().dismiss(_frame(request), actor(request), form["reason"])
    return Done("Dismissed; what it held may go on without it")


@command
def bind(request: DeskRequest) -> Done:
    form = valid(BindForm(request.POST))
    made = bindings.bind(
        actor(request), here(request).id, form["fixture"], form["points"], team_a_home=form["team_a"] == "home", why=form["why"]
    )
    return Done(f"{made.fixture} follows the points of {made.points.ref} now")


@command
def unbind(request: DeskRequest) -> Done:
    form = valid(UnbindForm(request.POST))
    ended = bindings.unbind(actor(request), here(request).id, form["fixture"], form["reason"])
    return Done(f"{ended.fixture} no longer follows the points of {ended.points.ref}")


@command
def link(request: DeskRequest) -> Done:
    form = valid(LinkForm(request.POST))
    made = links.link(actor(request), here(request).id, form["fixture"], form["other"], crossed=form["crossed"], why=form["why"])
    return Done(f"{made.fixture} and {made.other} of feed {made.other.source.slug} are one match now")


@command
def unlink(request: DeskRequest) -> Done:
    form = valid(UnbindForm(request.POST))
    ended = links.unlink(actor(request), here(request).id, form["fixture"], form["reason"])
    return Done(f"{ended.fixture} and {ended.other} of feed {ended.other.source.slug} are two matches again")


def _selection(entry: overrides.OverrideEntry) -> str:
    """``Match Result, Ajax``."""
    row = Selection.objects.select_related("market").only("name", "market__name").get(pk=entry.selection_id)
    return f"{row.market.name}, {row.name}"


def _price(entry: overrides.OverrideEntry) -> str:
    return price_words(entry.price) if entry.price is not None else f"{entry.kind} {entry.value.normalize():+f}"


def confirm_targets(request: HttpRequest, form: dict[str, Any]) -> list[confirmations.Target]:
    """What a confirmation names: each market ticked, else the fixture, else the feed; a gap narrows any of them."""
    gap = form["gap"]
    data = request.POST or request.GET
    if markets := [m for m in data.getlist("market") if m]:
        return [confirmations.Target(market=_row(m), gap=gap) for m in markets[:MOST_TARGETS]]
    if form["fixture"]:
        return [confirmations.Target(fixture=form["fixture"], gap=gap)]
    if form["source"]:
        return [confirmations.Target(source=form["source"], gap=gap)]
    if gap:
        return [confirmations.Target(gap=gap)]
    raise Refused("target", "nothing was chosen to re-open")


def _once(request: DeskRequest, do: Callable[[], Done]) -> tuple[str, str | None]:
    """What happened in words, and its reverse as JSON."""
    who = actor(request)
    key = request.POST.get("idempotency_key") or request.headers.get("Idempotency-Key") or ""
    answer = idempotency.run(who.id, here(request).id, key, _digest(request), lambda: _answer(do()))
    return str(answer.body["words"]), answer.body.get("undo")


def _answer(done: Done) -> idempotency.Answer:
    undo_text = msgspec.json.encode(done.undo).decode() if done.undo else None
    return idempotency.Answer(200, {"words": done.words, "undo": undo_text})


def _digest(request: DeskRequest) -> str:
    """Of the path and the fields that carry meaning, so that the same key with another body is noticed (P2)."""
    fields = {k: request.POST.getlist(k) for k in sorted(request.POST) if k not in ("csrfmiddlewaretoken", "idempotency_key")}
    return idempotency.digest(request.path, json.dumps(fields))


def valid(form: Any) -> dict[str, Any]:
    """What the form read. Raises Refused, by field."""
    if form.is_valid():
        return dict(form.cleaned_data)
    fields = {name: str(errors[0]) for name, errors in form.errors.items()}
    raise Refused("field", "; ".join(f"{name.replace('_', ' ')}: {words}" for name, words in fields.items()), fields)


def _whose(request: DeskRequest, form: dict[str, Any]) -> UUID | None:
    """``None`` is all bookmakers, which the services grant to staff only."""
    return None if form["everyone"] else here(request).id


def _targets(request: DeskRequest, scope: Scope) -> list[str]:
    if scope is Scope.EVERYTHING:
        return [""]
    targets = list(dict.fromkeys(t for t in request.POST.getlist("target") if t))
    if not targets or len(targets) > MOST_TARGETS:
        raise Refused("target", f"choose 1 to {MOST_TARGETS} to act on", {"target": "missing or too many"})
    return targets


def _many(scope: Scope, targets: list[str]) -> str:
    if scope is Scope.EVERYTHING:
        return "everything"
    plural = {Scope.FIXTURE: "fixtures", Scope.MARKET: "markets", Scope.SELECTION: "selections"}.get(scope, scope.value)
    return f"1 {scope.value}" if len(targets) == 1 else f"{len(targets)} {plural}"


def _frame(request: HttpRequest) -> int:
    return _row(request.POST.get("frame", ""))


def _row(text: str) -> int:
    """A number that cannot be one names nothing; it is never passed over, lest what was meant grows wider."""
    found = row_id(text)
    if found is None:
        raise NotFound
    return found


def _as_of(text: str) -> datetime:
    """The instant that the page showed, with its zone. Raises Refused."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused("as_of", "look at what would open first")


def _refused(request: DeskRequest, refused: ServiceError) -> HttpResponse:
    context: dict[str, Any] = {"confirm": isinstance(refused, Refused) and refused.code == "confirm"}
    words = refused.words
    if isinstance(refused, Refused) and refused.code == "reason":
        context["field"] = "reason"
    if isinstance(refused, Conflict):
        context["current"] = refused.current
        words = conflict_words(refused, request.POST.get("value"))
    return _said(request, words, status=STATUS[type(refused)], **context)


def _said(request: DeskRequest, words: str, status: int, **context: Any) -> HttpResponse:
    panel = request.POST.get("panel") == "1"
    answer = page(request, "desk/_said.html", {"words": words, "good": status == 200, "panel": panel, **context}, status=status)
    if status == 200:
        answer["HX-Trigger-After-Swap"] = "desk:done"
    return answer
