"""What a binding and a link have in common: a person's word that two fixtures are one match."""

from __future__ import annotations

from django.db import models


class Joining(models.Model):
    """Rows are ended, never deleted. ``bookmaker``: whose trader said so; ``by`` and ``why`` are for its people only (E1).

    ``broken_at``: an id on either side has changed since; such a row suspends until it is ended.
    """

    bookmaker = models.ForeignKey("markets.Bookmaker", on_delete=models.PROTECT, null=True, db_constraint=False)
    by = models.CharField(max_length=150)
    why = models.CharField(max_length=300, blank=True, help_text="By hand, or the proposal's score and reasons.")
    broken_at = models.DateTimeField(null=True)
    broken_cause = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        abstract = True
