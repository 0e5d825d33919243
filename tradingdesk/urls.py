"""Every address of the desk; what pushes and streams enters in front of Django (``tradingdesk.routing``)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from markets.api import streams_asyncapi

from . import probes

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("api/asyncapi.json", streams_asyncapi.view, name="asyncapi-json"),
    path("", include("feeds.urls")),
    path("", include("markets.api.urls")),
    path("", include("markets.desk.urls")),
]

handler400 = "markets.http.unfit"
handler404 = "markets.http.nowhere"
handler500 = "markets.http.failed"
