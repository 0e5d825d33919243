"""Markets, selections, results and the ticks of their prices."""

from __future__ import annotations

from django.db import models


class MarketType(models.Model):
    """A provider's market type; odd group and meaning of the sequence are editable (U14, U16)."""

    provider = models.CharField(max_length=32)
    ref = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    odd_group = models.CharField(max_length=40, default="full-time")
    sequence_meaning = models.CharField(max_length=20, default="auto", help_text="auto, index, set, game, set-game or point")
    is_main = models.BooleanField(default=False, help_text="Shown on the live board.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "ref"], name="market_type_identity"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.ref})"


class Market(models.Model):
    """One market. Identity is fixture + ``ref`` (provider's market id and sequence, U5).

    ``key`` is public, made once and never re-derived. ``facts`` is ``markets.domain.messages.Market`` as JSON without its
    selections; the columns beside it exist to be searched. ``revision`` is the fixture's revision that last changed it.
    """

    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="markets")
    ref = models.CharField(max_length=100)
    key = models.CharField(max_length=160)
    type = models.ForeignKey(MarketType, on_delete=models.PROTECT)
    name = models.CharField(max_length=300)
    status = models.CharField(max_length=20)
    in_play = models.BooleanField()
    expiry = models.DateTimeField(null=True)
    facts = models.JSONField()
    revision = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["fixture", "ref"], name="market_identity"),
            models.UniqueConstraint(fields=["fixture", "key"], name="market_key_once"),
        )
        indexes = (models.Index(fields=["expiry"], condition=models.Q(in_play=False), name="market_pre_match_expiry"),)

    def __str__(self) -> str:
        return self.name


class Selection(models.Model):
    """One selection. ``facts`` is ``markets.domain.messages.Selection`` as JSON; ``price`` its whole price or null."""

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="selections")
    ref = models.CharField(max_length=64)
    key = models.CharField(max_length=160)
    position = models.IntegerField()
    name = models.CharField(max_length=300)
    status = models.CharField(max_length=20)
    price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    facts = models.JSONField()
    revision = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["market", "ref"], name="selection_identity"),
            models.UniqueConstraint(fields=["market", "key"], name="outcome_key_once"),
        )
        ordering = ("position",)

    def __str__(self) -> str:
        return self.name


class Result(models.Model):
    """A market's result (``markets.domain.state.Result`` as JSON); stands alone for a market never seen (U10)."""

    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="results")
    market_ref = models.CharField(max_length=100)
    facts = models.JSONField()
    revision = models.IntegerField()
    withdrawn = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["fixture", "market_ref"], name="one_result_each_market"),)


class PriceTick(models.Model):
    """A change of a selection's feed price or status. Partitioned by ``day`` on PostgreSQL."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    at = models.DateTimeField()
    fixture_id = models.BigIntegerField()
    selection_id = models.BigIntegerField()
    price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    offered = models.BooleanField(help_text="Market Open and selection Trading, as the feed said.")

    class Meta:
        indexes = (models.Index(fields=["selection_id", "at"]), models.Index(fields=["fixture_id", "at"]))
