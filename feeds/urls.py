"""The feeds' own addresses in Django; pushed messages enter by the bare door in front of it."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("feeds/accounting", views.accounting, name="feeds-accounting"),
    path("feeds/messages/<slug:slug>/<str:guid>", views.messages, name="feeds-messages"),
]
