"""Small rows that guard: guesses counted, sign-ins remembered, how far the clock's audit has come."""

from __future__ import annotations

from django.db import models


class Attempts(models.Model):
    """Failed sign-ins (or key checks) of one caller in the current window (E6); ``caller`` is a digest: the table tells no names."""

    kind = models.CharField(max_length=12)
    caller = models.CharField(max_length=64)
    since = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "caller"], name="one_count_each_caller"),)
        indexes = (models.Index(fields=["since"]),)


class ClockMark(models.Model):
    """Until when a kind of change by time is audited; moved on by conditional update so that several sweepers write one record (F1)."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
