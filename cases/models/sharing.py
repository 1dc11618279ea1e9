"""Shares: what one party lets another see of a case, and under which terms."""

from django.db import models

from cases.models.case import Case
from cases.models.evidence import EvidenceItem
from cases.models.parties import Party
from cases.rules.share_events import STATUSES
from cases.rules.share_terms import SCOPES
from cases.rules.values import TLP


class Share(models.Model):
    """One share between two parties. Its terms are those offered or in force; `proposed` are newer ones that
    wait for the receiver."""

    id = models.UUIDField(primary_key=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="shares")
    giver = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="shares_given")
    receiver = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="shares_received")
    status = models.CharField(max_length=10, choices=list(STATUSES.items()))

    scope = models.CharField(max_length=10, choices=list(SCOPES.items()))
    roles = models.JSONField(default=list)
    members = models.JSONField(default=list)  # ids as text; no role and no member: the whole party
    operations = models.JSONField(default=list)  # as they were named, without what they imply
    purpose = models.CharField(max_length=500)
    legal_basis = models.CharField(max_length=500, blank=True)
    agreement = models.CharField(max_length=200, blank=True)
    tlp = models.CharField("marking", max_length=20, choices=list(TLP.items()))
    not_before = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    onward = models.BooleanField(default=False)
    watermark = models.BooleanField(default=False)
    summary = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)  # of these terms; empty for a disclosure of old

    terms = models.PositiveIntegerField(default=1)  # how often terms were offered or changed
    pending = models.BooleanField(default=False)  # newer terms wait for the receiver
    proposed = models.JSONField(null=True)  # those terms, as plain JSON
    proposed_digest = models.CharField(max_length=64, blank=True)

    offered_at = models.DateTimeField()
    offered_by = models.CharField(max_length=200)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=0)  # of the share's stream

    class Meta:
        ordering = ["-offered_at", "id"]
        indexes = [
            models.Index(fields=["case", "receiver", "status"], name="cases_share_to"),
            models.Index(fields=["case", "giver", "status"], name="cases_share_by"),
            models.Index(fields=["expires_at"], name="cases_share_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.giver} to {self.receiver}: {self.purpose}"


class ShareItem(models.Model):
    """An item that the terms of a share name. What was derived from it goes along."""

    id = models.UUIDField(primary_key=True, editable=False)
    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="named")
    item = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE, related_name="named_in")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["share", "item"], name="cases_shareitem_once")]
