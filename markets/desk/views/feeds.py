"""Feeds and audit: each feed's state in words, messages that need a look, confirm re-opening, the audit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from markets.db import now
from markets.desk import courtside, notices
from markets.desk.access import DeskRequest, actor, for_bookmaker, here, page
from markets.desk.forms import AuditForm, ConfirmForm
from markets.desk.inbox import Pace, inbox
from markets.desk.views.commands import confirm_targets
from markets.domain.rules import FeedHealth
from markets.live import fences
from markets.models import AuditRecord
from markets.selectors import health, journal, timelines
from markets.selectors.seat import Place
from markets.services import confirmations
from markets.services.errors import NotFound, ServiceError

AUDIT_ROWS = 200
RAW_SHOWN = 200_000
CSV_ROWS = 100_000
COLUMNS = ("time", "who", "action", "object", "old", "new", "reason", "via", "request", "message")
LIFE_TONES = {"live": "ok", "waiting": "mut", "ended": "mut", "connecting": "warn", "gap": "warn"}

STILL = Pace(rate=0.0, lag=None)
"""Of a feed from which nothing came lately."""


@for_bookmaker
def feeds_page(request: DeskRequest) -> HttpResponse:
    form = AuditForm(request.GET)
    return page(
        request,
        "feeds/feeds.html",
        {"page": "feeds", "form": form, "actions": _actions(request), **_cards(request), **_audit(request, form)},
    )


@for_bookmaker
def cards(request: DeskRequest) -> HttpResponse:
    """The feeds' cards and the messages that need a look, renewed every few seconds."""
    return page(request, "feeds/_cards.html", _cards(request))


@for_bookmaker
def audit(request: DeskRequest) -> HttpResponse:
    return page(request, "feeds/_audit.html", _audit(request, AuditForm(request.GET)))


@for_bookmaker
def audit_csv(request: DeskRequest) -> HttpResponseBase:
    """The filtered audit, streamed; a cell that a spreadsheet would take for a formula is quoted."""
    form = AuditForm(request.GET)
    rows = _filtered(request, form)[:CSV_ROWS]
    answer = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="audit.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


@for_bookmaker
def raw(request: DeskRequest, frame_id: int) -> HttpResponse:
    """A message exactly as received, as text that is never markup."""
    try:
        body = inbox().raw(frame_id)
    except NotFound as gone:
        return page(request, "feeds/_raw.html", {"text": gone.words, "size": 0}, status=404)
    return page(request, "feeds/_raw.html", {"text": as_text(body[:RAW_SHOWN]), "size": len(body), "cut": len(body) > RAW_SHOWN})


@for_bookmaker
def would_open(request: DeskRequest) -> HttpResponse:
    """What a confirmation would open, at which prices, before anybody gives it (promise A5)."""
    form = ConfirmForm(request.GET)
    context: dict[str, Any] = {"fields": [(k, v) for k in ("source", "fixture", "gap", "market") for v in request.GET.getlist(k)]}
    try:
        data = form.cleaned_data if form.is_valid() else {}
        whose = None if data["everyone"] else here(request).id
        opening = confirmations.would_open(actor(request), whose, confirm_targets(request, data), ears=fences.ears())
        stand = courtside.standings(here(request).id, opening.fixtures, fences.ears())
        context |= {"opening": opening, "everyone": data["everyone"], "now": now(), "standings": stand}
    except (ServiceError, KeyError) as refused:
        context["wrong"] = getattr(refused, "words", "nothing was chosen")
    return page(request, "desk/_confirm.html", context)


def as_text(body: bytes) -> str:
    """Bytes to look at: by their mark, else as UTF-8 with what is not shown as such."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", errors="replace")
    return body.decode("utf-8-sig", errors="backslashreplace")


def _cards(request: DeskRequest) -> dict[str, Any]:
    at, place = now(), here(request)
    counted, paces = {row["feed"]: row for row in inbox().accounting()}, inbox().paces()
    heard = journal.unanswered(health.load_health(), place.id)
    shown = {i: h for i, h in heard.items() if place.demo or request.seat.staff or not h.simulated}
    fetched = notices.fetchings(fences.ears())
    states = [
        (i, notices.feed_state(h, at, fetched.get(i)), counted.get(h.source, {}), paces.get(i, STILL), notices.open_gaps(h))
        for i, h in shown.items()
    ]
    waiting = [w for w in inbox().pending(place.id) if w.source_id in shown]
    lives = _lives(place, shown)
    priced = [life for life in lives if shown[life[0].source_id].each_match]
    points = [life for life in lives if not shown[life[0].source_id].each_match]
    lists = [(shown[one.source_id].source, one) for one in inbox().lists() if one.source_id in shown]
    return {"now": at, "feeds": states, "waiting": waiting, "lives": points, "priced": priced, "lists": lists}


def _lives(place: Place, shown: Mapping[int, FeedHealth]) -> list[tuple[timelines.MatchLife, str, str]]:
    """Each match of the feeds that we fetch, with its feed's name and the tone of its state."""
    return [(life, shown[life.source_id].source, LIFE_TONES.get(life.state, "bad")) for life in timelines.lives(place.id, shown.keys())]


def _audit(request: DeskRequest, form: AuditForm) -> dict[str, Any]:
    rows = list(_filtered(request, form)[: AUDIT_ROWS + 1])
    return {"records": rows[:AUDIT_ROWS], "more": len(rows) > AUDIT_ROWS, "query": request.GET.urlencode()}


def _filtered(request: DeskRequest, form: AuditForm) -> QuerySet[AuditRecord]:
    rows = journal.records(here(request).id)
    wanted = form.cleaned_data if form.is_valid() else {}
    if wanted.get("q"):
        rows = journal.search(rows, wanted["q"])
    if wanted.get("action"):
        rows = rows.filter(action=wanted["action"])
    since, until = _span(wanted)
    if since:
        rows = rows.filter(at__gte=since)
    return rows.filter(at__lt=until) if until else rows


def _span(wanted: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    if not any(wanted.get(name) for name in ("day", "since", "until")):
        return None, None
    day = wanted.get("day") or now().date()
    since = datetime.combine(day, wanted.get("since") or time(0), UTC)
    if wanted.get("until"):
        return since, datetime.combine(day, wanted["until"], UTC) + timedelta(minutes=1)
    return since, datetime.combine(day, time(0), UTC) + timedelta(days=1)


def _actions(request: DeskRequest) -> list[str]:
    """Kinds of action in the newest records, for the filter."""
    newest = journal.records(here(request).id).values_list("action", flat=True)[:2000]
    return sorted(set(newest))


class _Echo:
    """A file that hands each line back."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: QuerySet[AuditRecord]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for r in rows.iterator(chunk_size=2000):
        values = (_json(r.before), _json(r.after))
        cells = (r.at.isoformat(), r.actor_name, r.action, r.object_words, *values, r.reason, r.via, r.request_id, r.message)
        yield writer.writerow([_harmless(c) for c in cells])


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
