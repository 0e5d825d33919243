"""What the admin's pages share: staff only, every write through a service, one audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import cached_property

from markets.http import request_id
from markets.services import actor
from markets.services.actor import Actor
from markets.services.errors import Refused, ServiceError

MOST_LISTED = 5_000


def who(request: HttpRequest) -> Actor:
    """The signed-in member of staff as services know them."""
    return actor.of_user(request.user, via="admin", request_id=request_id(request))


def sign_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    """The admin has no door of its own: guessing is limited at the desk's sign-in (E6)."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or "/admin/", login_url="sign-in")


@contextmanager
def said_at_fields(form: forms.BaseForm) -> Iterator[None]:
    """What a service refuses is said at the form's own fields."""
    try:
        yield
    except Refused as refused:
        for name, words in refused.fields.items():
            form.add_error(name, words)


class Bounded(Paginator):  # type: ignore[type-arg]
    """Counts no further than :data:`MOST_LISTED` rows: the inbox and the audit are long."""

    @cached_property
    def count(self) -> int:
        return int(cast("QuerySet[Any]", self.object_list)[:MOST_LISTED].count())


class StaffOnly:
    """Permissions by being staff (P4), not by Django's table of permissions; nothing is deleted, and the audit is the one log."""

    def _staff(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._staff(request)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return self._staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Django's own log is not written: the services write the audit."""
        return LogEntry()

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """See :meth:`log_addition`."""
        return LogEntry()

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[LogEntry]:
        """See :meth:`log_addition`."""
        return []


class ReadOnly(StaffOnly):
    """To be looked at."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ServedAdmin(StaffOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Saves through a service; what the service refuses is said on the form's page and nothing is written."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> list[Any]:
        """For the log that is not written."""
        return []

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ServiceError as refused:
            self.message_user(request, refused.words, messages.ERROR)
            return redirect(request.get_full_path())
