"""The admin of bookmakers, people, keys, market types and the audit. Every write goes through ``markets.services``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from markets.admin_base import Bounded, ReadOnly, ServedAdmin, StaffOnly, said_at_fields, sign_in, who
from markets.domain import fences
from markets.domain.sports.tennis import BREAKS, state_words
from markets.domain.values import Role
from markets.models import ApiKey, AuditRecord, Bookmaker, Market, MarketType, Member, ReopenRule, SourceChoice, Sport
from markets.services import bookmakers, links, market_types, people, reopening
from markets.services.api_keys import SCOPES
from markets.services.errors import ServiceError

admin.site.site_header = admin.site.site_title = "Trading desk"
admin.site.index_title = "Bookmakers, people and feeds"
admin.site.login = sign_in  # type: ignore[method-assign, assignment]
admin.site.unregister(Group)
admin.site.unregister(User)

LIMITS = (
    "margin_percent", "soft_limit_percent", "hard_limit_percent", "max_override_seconds", "low_price", "high_price", "requests_per_second",
)  # fmt: skip


SPORTS = ("sports", "point_sports")


class MemberInline(StaffOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Member
    extra = 0
    autocomplete_fields = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._staff(request)


class KeyInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ApiKey
    extra = 0
    fields = readonly_fields = ("prefix", "scopes", "created_at", "expires_at", "revoked_at")


class ReopenForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_seconds(self) -> Decimal:
        seconds: Decimal = self.cleaned_data["seconds"]
        if words := reopening.unfit(seconds):
            raise forms.ValidationError(words)
        return seconds


class ReopenInline(StaffOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Market types that re-open after a point by time alone (A2)."""

    model = ReopenRule
    form = ReopenForm
    extra = 0
    autocomplete_fields = ("type",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._staff(request)


class BookmakerForm(forms.ModelForm):  # type: ignore[type-arg]
    open_in_breaks = forms.MultipleChoiceField(
        choices=[(state, state_words(state)) for state in sorted(BREAKS)], required=False, widget=forms.CheckboxSelectMultiple
    )
    origins = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="Web origins whose pages may read with its keys, one a line."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["point_sports"].queryset = Sport.objects.filter(slug__in=fences.SPORTS)  # type: ignore[attr-defined]
        self.fields["point_sports"].help_text = "In-play markets of these need a live point feed that is bound to their fixture."
        self.fields["point_sports"].error_messages["invalid_choice"] = "No point feed is known for this sport: none can be demanded."
        self.fields["requests_per_second"].required = False
        self.initial["origins"] = "\n".join(self.instance.origins)

    def clean_requests_per_second(self) -> int:
        given: int | None = self.cleaned_data["requests_per_second"]
        return self.instance.requests_per_second if given is None else given

    def clean_origins(self) -> list[str]:
        origins = sorted(set(self.cleaned_data["origins"].split()))
        if words := bookmakers.origins_problem(origins):
            raise forms.ValidationError(words)
        return origins

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        given = {name: Decimal(found[name]) for name in LIMITS if found.get(name) is not None}
        for name, words in bookmakers.problems(given).items():
            self.add_error(name, words)
        return found


@admin.register(Bookmaker)
class BookmakerAdmin(ServedAdmin):
    form = BookmakerForm
    list_display = ("name", "id", "margin_percent", "demo")
    search_fields = ("name", "id")
    fields = ("id", "name", "sports", *LIMITS, "point_sports", "open_in_breaks", "origins", "demo", "revision", "created_at")
    readonly_fields = ("id", "revision", "created_at")
    filter_horizontal = ("sports",)
    inlines = (ReopenInline, MemberInline, KeyInline)

    def save_model(self, request: HttpRequest, obj: Bookmaker, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.changed_data if name not in SPORTS}
        sports, point_sports = ([sport.slug for sport in form.cleaned_data[name]] for name in SPORTS)
        if not change:
            made = bookmakers.create(who(request), obj.name, sports, demo=obj.demo)
            obj.pk, obj._state.adding = made.pk, False
            values = {name: form.cleaned_data[name] for name in (*LIMITS, "open_in_breaks", "origins")}
        bookmakers.update(who(request), obj.pk, sports=sports, point_sports=point_sports, **values)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Sports are saved already; the members and the rules are left."""
        for formset in formsets:
            if formset.model is Member:
                self._save_members(request, form.instance, formset)
            if formset.model is ReopenRule:
                self._save_rules(request, form.instance, formset)

    def _save_rules(self, request: HttpRequest, bookmaker: Bookmaker, formset: Any) -> None:
        formset.save(commit=False)
        for gone in formset.deleted_objects:
            reopening.set_rule(who(request), bookmaker.pk, gone.type_id, None)
        for rule, changed in formset.changed_objects:
            if "type" in changed:
                before = ReopenRule.objects.get(pk=rule.pk)
                reopening.set_rule(who(request), bookmaker.pk, before.type_id, None)
            reopening.set_rule(who(request), bookmaker.pk, rule.type_id, rule.seconds)
        for rule in formset.new_objects:
            reopening.set_rule(who(request), bookmaker.pk, rule.type_id, rule.seconds)

    def _save_members(self, request: HttpRequest, bookmaker: Bookmaker, formset: Any) -> None:
        formset.save(commit=False)
        for gone in formset.deleted_objects:
            bookmakers.set_role(who(request), bookmaker.pk, gone.user_id, None)
        for member, changed in formset.changed_objects:
            if "user" in changed:
                before = Member.objects.get(pk=member.pk)
                bookmakers.set_role(who(request), bookmaker.pk, before.user_id, None)
            bookmakers.set_role(who(request), bookmaker.pk, member.user_id, Role(member.role))
        for member in formset.new_objects:
            bookmakers.set_role(who(request), bookmaker.pk, member.user_id, Role(member.role))


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(choices=[(s, s) for s in sorted(SCOPES)], initial=["odds"], widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ApiKey
        fields = ("bookmaker", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(ServedAdmin):
    """A key's text is in one message on the page after it was made, and nowhere else."""

    list_display = ("prefix", "bookmaker", "scopes", "created_at", "expires_at", "revoked_at")
    list_filter = ("bookmaker",)
    list_select_related = ("bookmaker",)
    actions = ("revoke",)

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": KeyForm}) | kwargs)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        made = ("prefix", "bookmaker", "scopes", "created_at", "expires_at", "revoked_at")
        return made if obj else ("bookmaker", "scopes", "expires_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and self._staff(request)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        row, key = bookmakers.create_key(who(request), obj.bookmaker_id, scopes=asked["scopes"], expires_at=asked["expires_at"])
        obj.pk, obj.prefix, obj._state.adding = row.pk, row.prefix, False
        self.message_user(request, f"Key {key} — copy it now, it is not shown again.", messages.WARNING)

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for row in queryset:
            bookmakers.revoke_key(who(request), row.pk)
        self.message_user(request, "Revoked.")


@admin.register(User)
class PersonAdmin(StaffOnly, UserAdmin):  # type: ignore[type-arg]
    """Staff are superusers here: who may open the admin may do what it offers (P4)."""

    list_display = ("username", "first_name", "last_name", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name")}),
        ("May", {"fields": ("is_active", "is_staff")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        before = people.facts(User.objects.get(pk=obj.pk)) if change else None
        if not change:
            people.check_name(obj.username)
        obj.is_superuser = obj.is_staff
        super().save_model(request, obj, form, change)
        people.changed(who(request), obj, "person changed" if change else "person created", before)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ServiceError as refused:
            self.message_user(request, refused.words, messages.ERROR)
            return redirect(request.get_full_path())

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            if request.method == "POST" and answer.status_code == 302:
                people.changed(who(request), User.objects.get(pk=id), "password changed", None)
        return answer


class MarketTypeForm(forms.ModelForm):  # type: ignore[type-arg]
    sequence_meaning = forms.ChoiceField(choices=[(m, m) for m in market_types.MEANINGS])

    class Meta:
        model = MarketType
        fields = ("odd_group", "sequence_meaning", "is_main")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        with said_at_fields(self):
            market_types.check(found.get("odd_group", ""), found.get("sequence_meaning", ""))
        return found


@admin.register(MarketType)
class MarketTypeAdmin(ServedAdmin):
    form = MarketTypeForm
    list_display = ("ref", "name", "provider", "odd_group", "sequence_meaning", "is_main")
    list_filter = ("odd_group", "sequence_meaning", "is_main", "provider")
    search_fields = ("ref", "name")
    fields = ("provider", "ref", "name", "odd_group", "sequence_meaning", "is_main")
    readonly_fields = ("provider", "ref", "name")

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: MarketType, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        market_types.change(
            who(request), obj.pk, odd_group=asked["odd_group"], sequence_meaning=asked["sequence_meaning"], is_main=asked["is_main"]
        )


class SourceChoiceForm(forms.ModelForm):  # type: ignore[type-arg]
    odd_group = forms.ChoiceField(help_text="One that markets of the sport are in.")

    class Meta:
        model = SourceChoice
        fields = ("sport", "odd_group", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "odd_group" in self.fields:  # of a choice that stands, the feed alone can be changed
            groups = MarketType.objects.order_by("odd_group").values_list("odd_group", flat=True).distinct()
            self.fields["odd_group"].choices = [(group, group) for group in groups]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        source, sport, group = found.get("source"), found.get("sport"), found.get("odd_group")
        if known := group or self.instance.odd_group:
            with said_at_fields(self):
                links.check(known, source.pk if source else None)
        if sport and group and group not in (groups := _groups_of(sport)):
            words = f"{sport} has {', '.join(groups)}" if groups else f"no market of {sport} has come yet"
            self.add_error("odd_group", f"Not an odd group of this sport: {words}.")
        return found


def _groups_of(sport: Sport) -> list[str]:
    """Odd groups of the market types of which the sport has markets."""
    of_sport = Market.objects.filter(type=OuterRef("pk"), fixture__sport=sport)
    return sorted(set(MarketType.objects.filter(Exists(of_sport)).values_list("odd_group", flat=True)))


@admin.register(SourceChoice)
class SourceChoiceAdmin(ServedAdmin):
    """From which feed the markets of an odd group are taken, of matches that two feeds know; without a choice the leading fixture's."""

    form = SourceChoiceForm
    list_display = ("sport", "odd_group", "source")
    list_filter = ("sport", "source")
    list_select_related = ("sport", "source")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("sport", "odd_group") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._staff(request)

    def save_model(self, request: HttpRequest, obj: SourceChoice, form: Any, change: bool) -> None:
        chosen = links.choose(who(request), obj.sport_id, obj.odd_group, form.cleaned_data["source"].pk)
        assert chosen is not None
        obj.pk, obj._state.adding = chosen.pk, False

    def delete_model(self, request: HttpRequest, obj: SourceChoice) -> None:
        links.choose(who(request), obj.sport_id, obj.odd_group, None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SourceChoice]) -> None:
        for row in queryset:
            self.delete_model(request, row)


@admin.register(AuditRecord)
class AuditAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "actor_name", "action", "object_words", "bookmaker", "via", "reason")
    list_filter = ("via", "bookmaker")
    list_select_related = ("bookmaker",)
    search_fields = ("actor_name", "action", "object_words", "request_id", "message")
    ordering = ("-id",)
    paginator = Bounded
    show_full_result_count = False
