"""One match that two feeds of prices know, and which of them its markets are taken from (docs/architecture.md 5)."""

from __future__ import annotations

from django.db import models

from .joining import Joining


class Link(Joining):
    """A person's word that the fixtures of two feeds are one match; where it is broken, both are suspended.

    ``fixture`` leads: what no :class:`SourceChoice` names is taken from its feed. ``…_home``/``…_away``: competitor ids of each side,
    sorted; ``crossed``: the other feed's home is our away. ``version`` is part of both fixtures' revisions while it stands.
    """

    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="leads")
    other = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="led_by")
    fixture_home = models.JSONField()
    fixture_away = models.JSONField()
    other_home = models.JSONField()
    other_away = models.JSONField()
    crossed = models.BooleanField()
    version = models.IntegerField(default=0)
    linked_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["fixture"], condition=models.Q(ended_at__isnull=True), name="one_link_each_leading_fixture"),
            models.UniqueConstraint(fields=["other"], condition=models.Q(ended_at__isnull=True), name="one_link_each_led_fixture"),
        )


class SourceChoice(models.Model):
    """From which feed the markets of an odd group are taken, of every linked match of a sport that this feed knows."""

    sport = models.ForeignKey("markets.Sport", on_delete=models.CASCADE, related_name="source_choices")
    odd_group = models.CharField(max_length=40, help_text="As market types name it, e.g. set-time.")
    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE, related_name="chosen_for")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["sport", "odd_group"], name="one_source_each_group"),)
        verbose_name = "source of an odd group"
        verbose_name_plural = "sources of odd groups"

    def __str__(self) -> str:
        return f"{self.odd_group} of {self.sport}"
