"""Point feeds: what they tell of a match, and which fixture it belongs to (A1, A2, A13; decisions T1–T7)."""

from __future__ import annotations

from django.db import models

from .joining import Joining


class PointState(models.Model):
    """A match as its point feed told it (``markets.domain.sports.tennis.Tennis`` as JSON); ``fixture`` is the point feed's own."""

    fixture = models.OneToOneField("markets.Fixture", on_delete=models.CASCADE, primary_key=True, related_name="point_state")
    state = models.JSONField()


class TimelineEntry(models.Model):
    """A line of a match's timeline (``markets.domain.sports.tennis.Entry``). Append only."""

    id = models.BigAutoField(primary_key=True)
    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="timeline")
    seq = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=60)
    mark = models.CharField(max_length=12)
    words = models.CharField(max_length=300)
    score = models.CharField(max_length=80, blank=True)
    delay = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["fixture", "id"]),)


class PointLiveness(models.Model):
    """One match's connection as the runner sees it, written for all matches together at most once a second.

    ``heard_at``: database time of the last frame, ping or heartbeat. ``state``: connecting, live, waiting, gap, refused, lost, ended.
    ``lease_seconds``: how long ``heard_at`` counts on this connection, ``None`` where the source's own lease does. ``data_at``: database
    time of the last data or good re-read, for providers whose prices a connection alone does not hold open (O2). ``road``: the kind of
    connection in words of the feed; ``rereads``: how often all was asked for anew.
    """

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE, related_name="point_liveness")
    ref = models.CharField(max_length=64)
    heard_at = models.DateTimeField(null=True)
    lease_seconds = models.FloatField(null=True)
    data_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12)
    words = models.CharField(max_length=300, blank=True)
    last_seq = models.BigIntegerField(null=True)
    gaps = models.IntegerField(default=0)
    reconnects = models.IntegerField(default=0)
    road = models.CharField(max_length=16, blank=True)
    rereads = models.IntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "ref"], name="one_point_liveness_each_match"),)


class Binding(Joining):
    """A person's word that a fixture and a point feed's match are the same (T7).

    ``home_refs``/``away_refs``: competitor ids of the fixture; ``team_a_refs``/``team_b_refs``: trimmed player ids, all sorted.
    ``team_a_home``: TeamA is home.
    """

    fixture = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="bindings")
    points = models.ForeignKey("markets.Fixture", on_delete=models.CASCADE, related_name="bound_to")
    home_refs = models.JSONField()
    away_refs = models.JSONField()
    team_a_refs = models.JSONField()
    team_b_refs = models.JSONField()
    team_a_home = models.BooleanField()
    bound_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["fixture"], condition=models.Q(ended_at__isnull=True), name="one_binding_each_fixture"),
            models.UniqueConstraint(fields=["points"], condition=models.Q(ended_at__isnull=True), name="one_binding_each_match"),
        )
