"""How the world comes in: feeds, and every frame that they sent us."""

from __future__ import annotations

from datetime import date

from django.db import models

LANES = 64
FEED_LANE = LANES  # frames in which no fixture could be read wait here


class Feed(models.Model):
    """Our connection to a provider. Secrets are stored as hashes (two during a rotation) and never shown again (E7).

    A feed that we go and fetch has ``settings`` (hosts, paths, intervals) and a credential: the name of the environment variable that
    holds it, or the credential itself, sealed.
    """

    source = models.OneToOneField("markets.Source", on_delete=models.PROTECT, primary_key=True, related_name="feed")
    secret_hashes = models.JSONField(default=list)
    networks = models.JSONField(default=list, help_text="CIDR blocks a sender's address must be in.")
    settings = models.JSONField(default=dict)
    token_env = models.CharField(max_length=100, blank=True)
    token_sealed = models.BinaryField(default=b"")

    def __str__(self) -> str:
        return str(self.source)


class Frame(models.Model):
    """The inbox: exact bytes as received. ``outcome`` null means pending; the work list is those of them that are not parked.

    ``kept_at`` is database time, different for every frame of a process. ``hint_*`` come from a bounded scan of the first bytes and
    only route.
    ``guid``, ``fixture_ref`` and ``retry`` are what the parser read (the hints until then). ``applied_at`` is when the outcome was given:
    with ``id`` it tells the order of application within a lane. Partitioned by ``day`` on PostgreSQL, where the primary key is (id, day);
    no foreign keys point here. Rows of day ``KEPT`` outlived their day: they wait for an outcome, or for a person. ``hint_seq`` is counted
    through all beginnings of its stream (``markets.domain.sports.tennis.TURN``).
    """

    KEPT = date(1970, 1, 1)

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    source = models.ForeignKey("markets.Source", on_delete=models.PROTECT, db_constraint=False, db_index=False)
    lane = models.SmallIntegerField()
    received_at = models.DateTimeField()
    kept_at = models.DateTimeField()
    content_type = models.CharField(max_length=200, blank=True)
    peer = models.CharField(max_length=64, blank=True)
    size = models.IntegerField(help_text="Bytes of the body.")
    body = models.BinaryField()
    stream = models.CharField(max_length=64, default="", help_text="Subject of the connection it came on; empty for pushed frames.")
    hint_guid = models.CharField(max_length=64, blank=True)
    hint_fixture = models.CharField(max_length=64, blank=True)
    hint_seq = models.BigIntegerField(null=True, help_text="Number in its stream: as the first bytes say, of a parked frame as parsed.")
    parked = models.BooleanField(
        default=False, help_text="Waits beyond a gap of its stream; with an outcome: applied though the gap was never filled."
    )
    taken_up_at = models.DateTimeField(null=True, help_text="When the gap before it was filled, and it became work.")
    outcome = models.CharField(max_length=12, null=True)
    reason = models.CharField(max_length=500, blank=True)
    notes = models.JSONField(default=list)
    guid = models.CharField(max_length=64, blank=True)
    fixture_ref = models.CharField(max_length=64, blank=True)
    retry = models.IntegerField(default=0)
    applied_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=12, blank=True, help_text="Of a quarantined frame: retried or dismissed.")
    resolved_by = models.CharField(max_length=150, blank=True)
    resolved_reason = models.CharField(max_length=300, blank=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["lane", "id"], condition=models.Q(outcome__isnull=True, parked=False), name="frame_waiting"),
            models.Index(
                fields=["source", "kept_at", "taken_up_at"],
                condition=models.Q(outcome__isnull=True, parked=False),
                name="frame_oldest_waiting",
            ),
            models.Index(
                fields=["source", "stream", "hint_seq"],
                condition=models.Q(outcome__isnull=True) & ~models.Q(stream=""),
                name="frame_stream_pending",
            ),
            models.Index(fields=["source", "guid"], name="frame_guid"),
            models.Index(fields=["source", "id"], condition=models.Q(outcome="quarantined"), name="frame_quarantined"),
        )


class MessageGuid(models.Model):
    """The first frame of each guid with the digest of its content apart from Retry (U8)."""

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE)
    guid = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    frame_id = models.BigIntegerField()
    day = models.DateField(help_text="Of the frame: the partition it lies in, and when it may be forgotten.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "guid"], name="guid_once"),)
        indexes = (models.Index(fields=["day"], name="guid_day"),)


class Lane(models.Model):
    """A row to lock: who holds it drains that lane, in order."""

    number = models.SmallIntegerField(primary_key=True)


class ReceivedCount(models.Model):
    """Frames kept per source, one row a writing process slot so that keepers do not wait for each other."""

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE)
    slot = models.SmallIntegerField()
    received = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "slot"], name="received_once_a_slot"),)


class OutcomeCount(models.Model):
    """Outcomes per source and lane, written in the transaction that gave them (B5)."""

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE)
    lane = models.SmallIntegerField()
    applied = models.BigIntegerField(default=0)
    superseded = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "lane"], name="outcomes_once_a_lane"),)


class ProviderList(models.Model):
    """A slow list of a provider that we fetch, as it was read last. Whoever moves ``due_at`` reads it."""

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE)
    name = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    rows = models.IntegerField(default=0)
    words = models.CharField(max_length=300, blank=True, help_text="Why it could not be read whole; empty when it was.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "name"], name="provider_list_once"),)


class ListedObject(models.Model):
    """What a list said of an object last, so that only what has changed is kept again.

    ``body``: the object as sent where it is about no match (a league, a class); those of matches are frames.
    """

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE)
    list = models.CharField(max_length=40)
    ref = models.CharField(max_length=64)
    content = models.BinaryField(max_length=16)
    body = models.BinaryField(default=b"")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "list", "ref"], name="listed_object_once"),)
        indexes = (models.Index(fields=["seen_at"], name="listed_object_seen"),)


class SentOverride(models.Model):
    """What became of an override of ours at the provider (O3). ``until``: the end that the provider was told; null before."""

    WAITING, SENT, ENDED, GIVEN_UP = "waiting", "sent", "ended", "given up"

    source = models.ForeignKey("markets.Source", on_delete=models.CASCADE)
    override = models.OneToOneField("markets.Override", on_delete=models.CASCADE, primary_key=True, related_name="sent")
    state = models.CharField(max_length=10, default=WAITING)
    until = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    words = models.CharField(max_length=300, blank=True, help_text="Why the last attempt failed.")

    class Meta:
        indexes = (models.Index(fields=["source", "state"], name="sent_override_state"),)
