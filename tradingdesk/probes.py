"""What a proxy or a supervisor asks: does the process answer, and may it be given work (promises A10, F4; decision P7)."""

from __future__ import annotations

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from feeds.inbox import low_disk
from markets import db, patience
from markets.live import fenceroads, hub
from markets.selectors import health

READY_WITHIN = 1.0
"""Seconds that one wait for the store may take: who asks gives up after a few."""


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; asks nothing of anybody."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when this process can serve prices and keep messages; 503 with the reasons in words otherwise.

    ``degraded``: what is broken and yet no reason to give the work to another process, which would do no better (F4).
    """
    problems, degraded = [words for words in (_store(), _hub(), _disk()) if words], [words for words in (_redis(),) if words]
    told = {"status": "not ready" if problems else "ready", "problems": problems, "degraded": degraded}
    return JsonResponse(told, status=503 if problems else 200)


def _store() -> str:
    try:
        with patience.at_most(READY_WITHIN):
            db.now()
            health.load_health()
    except Error:
        return "the store does not answer"
    return "" if health.backlog_reader_known() else "the backlog of the feeds cannot be read"


def _hub() -> str:
    running = hub.running()
    return "" if running is not None and running.alive else "the hub is not running"


def _disk() -> str:
    return "less than 5 % of the disk is free" if low_disk() else ""


def _redis() -> str:
    if not settings.DESK_SCALED or fenceroads.answers(settings.REDIS_URL):
        return ""
    return "Redis does not answer: matches with a point feed are suspended, each process counts requests by itself"
