"""The audit: who did what, written in the transaction that did it."""

from __future__ import annotations

from django.db import models


class AuditRecord(models.Model):
    """One command, one applied message that suspends or re-opens, or one change by time (F1). Append only.

    ``bookmaker`` null: shared by all (feed events, staff acts). ``actor`` is ``user:<id>``, ``key:<prefix>``, ``feed:<slug>`` or ``clock``.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=160)
    actor_name = models.CharField(max_length=150)
    bookmaker = models.ForeignKey("markets.Bookmaker", on_delete=models.PROTECT, null=True, db_constraint=False)
    action = models.CharField(max_length=40)
    fixture_id = models.BigIntegerField(null=True)
    market_id = models.BigIntegerField(null=True)
    selection_id = models.BigIntegerField(null=True)
    object_words = models.CharField(max_length=400, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=400, blank=True)
    via = models.CharField(max_length=12)
    request_id = models.CharField(max_length=64, blank=True)
    message = models.CharField(max_length=80, blank=True, help_text="Guid of the message that caused it.")

    class Meta:
        indexes = (models.Index(fields=["fixture_id", "id"]), models.Index(fields=["bookmaker", "id"]))
