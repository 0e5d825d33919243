"""Fixtures and what they belong to."""

from __future__ import annotations

from django.db import models


class Sport(models.Model):
    """A sport with its fixed slug (decision U15)."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class SportRef(models.Model):
    """A provider's id for a sport."""

    provider = models.CharField(max_length=32)
    ref = models.CharField(max_length=64)
    sport = models.ForeignKey(Sport, on_delete=models.CASCADE, related_name="refs")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "ref"], name="sport_ref_once"),)


class Fixture(models.Model):
    """One fixture of one source. Identity is (source, ref); everything else may change.

    ``details``/``coverage`` are the feed's facts as JSON of the domain types (``markets.domain.messages``);
    columns beside them exist to be searched. ``revision`` rises with every applied change.
    ``match_id`` is the public number of decision O6. A stub (``has_details`` false) is not tradable (U11).
    """

    source = models.ForeignKey("markets.Source", on_delete=models.PROTECT, related_name="fixtures")
    ref = models.CharField(max_length=64)
    match_id = models.BigIntegerField(null=True)
    sport = models.ForeignKey(Sport, on_delete=models.PROTECT, null=True, related_name="fixtures")
    name = models.CharField(max_length=300, blank=True)
    has_details = models.BooleanField(default=False)
    status = models.CharField(max_length=20, default="Unknown")
    start = models.DateTimeField(null=True)
    competition_ref = models.CharField(max_length=64, blank=True)
    competition_name = models.CharField(max_length=300, blank=True)
    home_ref = models.CharField(max_length=64, blank=True)
    home_name = models.CharField(max_length=300, blank=True)
    away_ref = models.CharField(max_length=64, blank=True)
    away_name = models.CharField(max_length=300, blank=True)
    phase = models.CharField(max_length=12, default="upcoming")
    started = models.BooleanField(default=False)
    total_odds = models.IntegerField(default=0, help_text="Selections with a price, suspended included (O4).")
    simulated = models.BooleanField(default=False)
    details = models.JSONField(null=True)
    coverage = models.JSONField(null=True)
    revision = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "ref"], name="fixture_identity"),
            models.UniqueConstraint(fields=["sport", "match_id"], name="match_id_once_a_sport"),
        )
        indexes = (
            models.Index(fields=["phase", "start"]),
            models.Index(fields=["sport", "phase", "start"]),
            models.Index(
                fields=["sport", "start", "match_id"],
                condition=models.Q(phase__in=["live", "upcoming"], total_odds__gt=0),
                name="matches_with_prices",
            ),
        )

    def __str__(self) -> str:
        return self.name or f"fixture {self.ref}"


class FixtureMarks(models.Model):
    """Per-entity order marks of a fixture (``markets.domain.state.Mark``) as one compact JSON text.

    Apart from the fixture so that a message that changes nothing rewrites no market row and no details.
    """

    fixture = models.OneToOneField(Fixture, on_delete=models.CASCADE, primary_key=True, related_name="marks")
    marks = models.BinaryField()


class MatchStateRow(models.Model):
    """The newest match state of each element kind (``markets.domain.messages.MatchState`` as JSON)."""

    fixture = models.ForeignKey(Fixture, on_delete=models.CASCADE, related_name="match_states")
    element = models.CharField(max_length=80)
    state = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["fixture", "element"], name="one_state_each_element"),)
