"""Bookmakers (tenants), their people and their keys."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from markets.domain.values import Role


class Bookmaker(models.Model):
    """The tenant. ``revision`` rises with what reaches beyond one fixture (margin, limits, wide holds)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    sports = models.ManyToManyField("markets.Sport", related_name="bookmakers", blank=True)
    margin_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    soft_limit_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=5, help_text="An override further from the feed price must be confirmed."
    )
    hard_limit_percent = models.DecimalField(
        max_digits=6, decimal_places=2, default=50, help_text="An override further from the feed price is refused."
    )
    max_override_seconds = models.PositiveIntegerField(default=86_400)
    low_price = models.DecimalField(max_digits=8, decimal_places=2, default="1.01")
    high_price = models.DecimalField(max_digits=8, decimal_places=2, default="1001")
    point_sports = models.ManyToManyField(
        "markets.Sport", related_name="+", blank=True, help_text="In-play markets of these need a live, bound point feed (A13)."
    )
    open_in_breaks = models.JSONField(
        default=list, blank=True, help_text="Match states that do not suspend: ToiletBreak, MedicalTreatment."
    )
    demo = models.BooleanField(default=False, help_text="May be served simulated fixtures.")
    origins = models.JSONField(default=list, blank=True, help_text="Web origins whose pages may read with its keys (O5).")
    requests_per_second = models.PositiveIntegerField(default=200, help_text="What each of its keys may ask in a second; more is 429.")
    revision = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person's role for a bookmaker (P4)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    bookmaker = models.ForeignKey(Bookmaker, on_delete=models.CASCADE, related_name="members")
    role = models.CharField(max_length=12, choices=[(r.value, r.value) for r in Role])

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "bookmaker"], name="one_role_each_bookmaker"),)

    def __str__(self) -> str:
        return f"{self.user}, {self.role}"


class ApiKey(models.Model):
    """A key's public prefix and hash; the key itself is shown once and never stored."""

    bookmaker = models.ForeignKey(Bookmaker, on_delete=models.CASCADE, related_name="keys")
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=128)
    scopes = models.CharField(max_length=100, default="odds", help_text="Words apart by blanks: odds, ops.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix}…"


class BookmakerFixture(models.Model):
    """The bookmaker's own revision of a fixture; what its people do raises it."""

    bookmaker = models.ForeignKey(Bookmaker, on_delete=models.CASCADE)
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE)
    revision = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["bookmaker", "fixture"], name="one_revision_each_bookmaker"),)


class SelectionBook(models.Model):
    """A selection's override-and-hold version for a bookmaker (P1); its row is the lock of C4."""

    bookmaker = models.ForeignKey(Bookmaker, on_delete=models.CASCADE)
    selection = models.ForeignKey("markets.Selection", on_delete=models.CASCADE)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["bookmaker", "selection"], name="one_book_each_selection"),)


class IdempotencyKey(models.Model):
    """The answer that a command got, kept 24 h so that a retry has one effect (C3)."""

    bookmaker = models.ForeignKey(Bookmaker, on_delete=models.CASCADE, null=True)
    caller = models.CharField(max_length=160)
    key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=64)
    status = models.IntegerField()
    answer = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["caller", "key"], name="one_answer_each_key"),)
        indexes = (models.Index(fields=["created_at"]),)


class ReopenRule(models.Model):
    """Markets of this type re-open ``seconds`` after a point without a newer price (A2, opted in one by one)."""

    bookmaker = models.ForeignKey(Bookmaker, on_delete=models.CASCADE, related_name="reopen_rules")
    type = models.ForeignKey("markets.MarketType", on_delete=models.CASCADE)
    seconds = models.DecimalField(max_digits=5, decimal_places=1)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["bookmaker", "type"], name="one_reopen_rule_each_type"),)
