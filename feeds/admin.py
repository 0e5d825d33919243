"""The admin of feeds and of the inbox. A feed's secret is typed or made here and never shown again (E7)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from feeds import registration, senders
from feeds.models import Feed, Frame
from feeds.registry import OUTGOING
from feeds.senders import path_of
from markets.admin_base import Bounded, ReadOnly, ServedAdmin, who
from markets.domain import leases
from markets.models import Source

_OF_MATCHES = ("live_data_seconds", "upcoming_data_seconds")
SHOWN = 64 * 1024
SECRET_HELP = f"At least {senders.SHORTEST_SECRET} characters."


def _senders(**given: Any) -> forms.CharField:
    """CIDR blocks, one a line."""
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), help_text="CIDR blocks of the senders, one a line.", **given)


def _secret(help_text: str) -> forms.CharField:
    """Typed, never shown; may stay empty."""
    hidden = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
    return forms.CharField(required=False, widget=hidden, help_text=help_text)


class FeedForm(forms.ModelForm):  # type: ignore[type-arg]
    """Settings of a feed that exists; the secret field is always empty."""

    name = forms.CharField(max_length=120)
    enabled = forms.BooleanField(required=False)
    lease_seconds = forms.FloatField(min_value=1, max_value=60, help_text="Silence after which its prices close.")
    live_data_seconds = forms.FloatField(min_value=5, max_value=60, help_text="Age at which data closes a match that is played.")
    upcoming_data_seconds = forms.FloatField(min_value=5, max_value=300, help_text="Age at which data closes a match to come.")
    coverage_expected = forms.BooleanField(required=False, help_text="Off: in-play needs no coverage message.")
    order_contiguous = forms.BooleanField(required=False, help_text="On: the provider's order proves that nothing was missed.")
    stream_url_template = forms.CharField(max_length=400, required=False, help_text="Link to a stream; {id} is the association id.")
    senders = _senders()
    secret = _secret(f"Sets a new secret; the one before stays valid until the next. {SECRET_HELP}")

    class Meta:
        model = Feed
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            now = registration.settings_of(self.instance)
            self.initial.update({name: getattr(now, name) for name in registration.PLAIN}, senders="\n".join(now.networks))
            if self.instance.source.provider not in leases.PROVIDERS:
                self._without_matches()
            if self.instance.source.provider in OUTGOING:
                self._of_fetched()

    def _of_fetched(self) -> None:
        self.fields["senders"].required = False
        self.fields["senders"].disabled = True
        self.fields["senders"].help_text = "Nobody pushes this feed: the desk fetches it."
        self.fields["secret"].label = "Token"
        self.fields["secret"].help_text = "Puts another token in place of the one that the desk shows to the provider; stored sealed."

    def _without_matches(self) -> None:
        """Only where each match has a connection of its own does the age of its data count (O2)."""
        for name in _OF_MATCHES:
            self.fields[name].disabled = True
            self.fields[name].help_text = "Counts only where each match has a connection of its own."

    def settings(self) -> registration.FeedSettings:
        """What was typed."""
        plain = {name: self.cleaned_data[name] for name in registration.PLAIN}
        return registration.FeedSettings(**plain, networks=tuple(self.cleaned_data["senders"].split()))


class NewFeedForm(forms.ModelForm):  # type: ignore[type-arg]
    provider = forms.ChoiceField(
        choices=[(p, p) for p in registration.PUSHING], help_text="Those that the desk fetches: manage.py addfeed."
    )
    slug = forms.SlugField(max_length=50)
    name = forms.CharField(max_length=120, required=False)
    senders = _senders(initial=registration.GENIUS_NETWORK)
    secret = _secret(f"{SECRET_HELP} Left empty, one is made and shown once.")

    class Meta:
        model = Feed
        fields: tuple[str, ...] = ()


@admin.register(Feed)
class FeedAdmin(ServedAdmin):
    list_display = ("source", "provider", "enabled", "senders", "secrets")
    list_select_related = ("source",)

    def get_form(self, request: HttpRequest, obj: Feed | None = None, change: bool = False, **kwargs: Any) -> Any:
        return FeedForm if obj else NewFeedForm

    def get_fields(self, request: HttpRequest, obj: Feed | None = None) -> tuple[str, ...]:
        return tuple((FeedForm if obj else NewFeedForm).base_fields)

    def save_model(self, request: HttpRequest, obj: Feed, form: Any, change: bool) -> None:
        if change:
            self._change(request, obj, form)
        else:
            self._add(request, obj, form.cleaned_data)

    def _change(self, request: HttpRequest, obj: Feed, form: FeedForm) -> None:
        registration.change(who(request), obj.pk, form.settings())
        given = form.cleaned_data["secret"]
        if given and obj.source.provider in OUTGOING:
            registration.rotate_outgoing(who(request), obj.source.slug, token=given)
            self.message_user(request, "The connections are made anew with the new token.")
        elif given:
            registration.rotate(who(request), obj.source.slug, given)
            self.message_user(request, "The new secret is valid now; the one before until the next rotation.")

    def _add(self, request: HttpRequest, obj: Feed, said: dict[str, Any]) -> None:
        new = registration.NewFeed(said["provider"], said["slug"], said["secret"], tuple(said["senders"].split()), said["name"])
        secret = registration.add(who(request), new)
        obj.source = Source.objects.get(slug=new.slug)
        obj._state.adding = False
        if not new.secret:
            self.message_user(request, f"Secret {secret} — copy it now, it is not shown again.", messages.WARNING)
        self.message_user(request, f"Senders push to {path_of(new.slug)}/ProcessMessage and …/Heartbeat.")

    @admin.display(ordering="source__provider")
    def provider(self, obj: Feed) -> str:
        return obj.source.provider

    @admin.display(boolean=True, ordering="source__enabled")
    def enabled(self, obj: Feed) -> bool:
        return obj.source.enabled

    @admin.display
    def senders(self, obj: Feed) -> str:
        return ", ".join(obj.networks)

    @admin.display
    def secrets(self, obj: Feed) -> str:
        if obj.source.provider in OUTGOING:
            return f"token in {obj.token_env}" if obj.token_env else "token sealed"
        return f"{len(obj.secret_hashes)} valid"


@admin.register(Frame)
class FrameAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """The inbox as it is: what came, what became of it, and its bytes as text."""

    list_display = ("id", "source", "kept_at", "outcome", "reason", "guid", "fixture_ref", "size", "resolution")
    list_filter = ("outcome", "source", "resolution")
    list_select_related = ("source",)
    search_fields = ("=guid", "=fixture_ref")
    ordering = ("-id",)
    paginator = Bounded
    show_full_result_count = False
    exclude = ("body",)
    readonly_fields = ("raw",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Frame]:
        return super().get_queryset(request).defer("body")

    @admin.display(description="as received")
    def raw(self, obj: Frame) -> SafeString:
        """The first bytes as text, escaped; the whole by a link."""
        shown = obj.body[:SHOWN]
        text = bytes(shown).decode("utf-16" if bytes(shown[:2]) in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
        return format_html('<pre>{}</pre><a href="{}">all {} bytes</a>', text, reverse("admin:feeds_frame_raw", args=[obj.pk]), obj.size)

    def get_urls(self) -> list[URLPattern]:
        whole = path("<int:frame_id>/raw", self.admin_site.admin_view(self.whole), name="feeds_frame_raw")
        return [whole, *super().get_urls()]

    def whole(self, request: HttpRequest, frame_id: int) -> HttpResponse:
        """The exact bytes, as a download that no browser interprets."""
        frame = get_object_or_404(Frame, pk=frame_id)
        answer = HttpResponse(bytes(frame.body), content_type="application/octet-stream")
        answer["Content-Disposition"] = f'attachment; filename="frame-{frame_id}.bin"'
        answer["X-Content-Type-Options"] = "nosniff"
        return answer
