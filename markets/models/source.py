"""A source: the desk's key for one feed connection, with the leases that hold its prices open."""

from __future__ import annotations

from django.db import models


class Source(models.Model):
    """Liveness of a feed as the store records it. All times are database times.

    Written by receivers and drains at most once a second; read by everyone who serves a price.
    """

    slug = models.SlugField(unique=True)
    provider = models.CharField(max_length=32, help_text="updategram, tennis or odds360")
    name = models.CharField(max_length=120)
    lease_seconds = models.FloatField(default=25.0)
    live_data_seconds = models.FloatField(default=60.0, help_text="O2: how long data of a live match with its own connection counts.")
    upcoming_data_seconds = models.FloatField(default=300.0, help_text="O2: how long a good read counts before the match.")
    coverage_expected = models.BooleanField(default=True)
    order_contiguous = models.BooleanField(default=False)
    stream_url_template = models.CharField(max_length=400, blank=True, help_text="Link to a fixture's stream; {id} is the association id.")
    simulated = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class SourceLiveness(models.Model):
    """The hot columns of a source, apart from its settings so that a heartbeat never rewrites those."""

    source = models.OneToOneField(Source, on_delete=models.CASCADE, primary_key=True, related_name="liveness")
    heard_at = models.DateTimeField(null=True)
    listening_at = models.DateTimeField(null=True)
    slow_until = models.DateTimeField(null=True)
    recorded_state = models.CharField(max_length=40, default="unknown", help_text="Last state written to the audit by the sweeper.")
    recorded_at = models.DateTimeField(null=True)
    refused = models.BigIntegerField(default=0)
    heartbeats = models.BigIntegerField(default=0)


class Gap(models.Model):
    """A reason to believe that something was missed (promise A5)."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="gaps")
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, null=True, related_name="gaps")
    opened_at = models.DateTimeField()
    cause = models.CharField(max_length=300)
    sticky = models.BooleanField(default=False)
    frame_id = models.BigIntegerField(null=True, db_index=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closed_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (models.Index(fields=["source", "closed_at"]),)


class Confirmation(models.Model):
    """A person's word that held prices may open again (A5 iii); ``bookmaker`` null: for all, by staff."""

    bookmaker = models.ForeignKey("markets.Bookmaker", on_delete=models.CASCADE, null=True)
    source = models.ForeignKey(Source, on_delete=models.CASCADE)
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, null=True)
    market = models.ForeignKey("markets.Market", on_delete=models.CASCADE, null=True)
    gap = models.ForeignKey(Gap, on_delete=models.CASCADE, null=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        indexes = (models.Index(fields=["source", "at"]),)
