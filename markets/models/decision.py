"""What people decide: overrides and holds. Rows are ended, never deleted."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from markets.domain.values import HoldOwner, OddsFormat, OverrideKind, Scope


class Override(models.Model):
    """A bookmaker's price for a selection until ``ends_at``; in effect only while ``ended_at`` is null and now < ends_at."""

    bookmaker = models.ForeignKey("markets.Bookmaker", on_delete=models.CASCADE, related_name="overrides")
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="overrides")
    market = models.ForeignKey("markets.Market", on_delete=models.CASCADE, related_name="overrides")
    selection = models.ForeignKey("markets.Selection", on_delete=models.CASCADE, related_name="overrides")
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in OverrideKind], default=OverrideKind.PRICE.value)
    value = models.DecimalField(max_digits=12, decimal_places=4)
    through_points = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    owner = models.CharField(max_length=160, help_text="user:<id> or key:<prefix>")
    by = models.CharField(max_length=150, help_text="The owner's name, as shown.")
    set_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, help_text="A person's word, after a point, that it still holds (A2).")
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_cause = models.CharField(max_length=40, blank=True, help_text="expired, cancelled, replaced, resulted, deleted, line moved")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["bookmaker", "selection"], condition=models.Q(ended_at__isnull=True), name="one_override_in_effect"
            ),
        )
        indexes = (models.Index(fields=["fixture", "ended_at"]), models.Index(fields=["ended_at", "ends_at"]))


class Hold(models.Model):
    """An owned suspension of a scope; ``bookmaker`` null: for all, by staff.

    ``target`` names the scope's object: a selection's, market's or fixture's row id, ``<source id>:<competition ref>``,
    a sport's slug, or empty for everything. ``fixture`` is set for the three narrow scopes.
    """

    bookmaker = models.ForeignKey("markets.Bookmaker", on_delete=models.CASCADE, null=True, related_name="holds")
    owner_kind = models.CharField(max_length=12, choices=[(o.value, o.value) for o in HoldOwner])
    scope = models.CharField(max_length=12, choices=[(s.value, s.value) for s in Scope])
    target = models.CharField(max_length=120, blank=True)
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, null=True, related_name="holds")
    reason = models.CharField(max_length=300, blank=True)
    owner = models.CharField(max_length=160)
    by = models.CharField(max_length=150)
    since = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes = (models.Index(fields=["released_at", "scope"]), models.Index(fields=["fixture", "released_at"]))


class Preference(models.Model):
    """How a person likes the desk shown, and told. ``sounds``: cues heard, with commas between; empty: none.

    ``views``: of the board, as ``markets.domain.preferences.BoardView``, in the order kept. ``keys``: action → key, where it is another
    than the desk's own; empty: none.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference")
    odds = models.CharField(max_length=10, default=OddsFormat.DECIMAL.value)
    sounds = models.CharField(max_length=60, blank=True, default="")
    views = models.JSONField(default=list)
    keys = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.user}, {self.odds}"


class Watch(models.Model):
    """A fixture that a person follows or holds manually on the board."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "fixture"], name="watched_once"),)
