"""The work that evidence is waiting for. Not a read model: `rebuild` leaves it alone."""

from typing import ClassVar

from django.db import models


class Ingest(models.Model):
    """How far the worker has come with one item; the truth that Celery's messages only nudge towards.

    Who runs it holds a session advisory lock of the database, so there is no lease to expire: a dead worker's
    lock goes with its connection.
    """

    item = models.UUIDField(primary_key=True, editable=False)
    case = models.UUIDField(editable=False)
    sha256 = models.CharField(max_length=64)
    step = models.CharField(max_length=20, default="verify")
    attempts = models.PositiveSmallIntegerField(default=0)
    done_bytes = models.BigIntegerField(default=0)
    total_bytes = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    # False once the item is indexed or quarantined.
    pending = models.BooleanField(default=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["updated_at"], condition=models.Q(pending=True), name="evidence_ingest_pending"
            ),
            models.Index(fields=["case"], name="evidence_ingest_case"),
        ]
        verbose_name_plural = "ingest queue"

    def __str__(self) -> str:
        return f"{self.step} of {self.item}"


class Errand(models.Model):
    """Work on sealed bytes that an act asked for: to hash them again for whom custody is offered to, or to
    take bytes out of the vault whose item was disposed of. Like Ingest it is the truth that messages nudge
    towards, and `rebuild` leaves it alone."""

    KINDS: ClassVar = {"rehash": "Hash again", "remove": "Take out of the vault"}

    id = models.UUIDField(primary_key=True, editable=False)  # of the offer or the disposal
    kind = models.CharField(max_length=10, choices=list(KINDS.items()))
    case = models.UUIDField(editable=False)
    item = models.UUIDField(editable=False)
    party = models.UUIDField(editable=False)  # for which it is done
    sha256 = models.CharField(max_length=64)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_bytes = models.BigIntegerField(default=0)
    total_bytes = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    pending = models.BooleanField(default=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["updated_at"], condition=models.Q(pending=True), name="evidence_errand_pending"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.item}"
