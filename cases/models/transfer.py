"""Who held an item when, which offers of its custody were made, and how it was disposed of."""

from django.db import models
from django.db.models import Q

from cases.models.case import Case
from cases.models.evidence import EvidenceItem
from cases.models.parties import Member, Party
from cases.rules.transfer_events import DISPOSAL_STATUSES, OFFER_STATUSES


class Holding(models.Model):
    """One stretch of time in which one party held an item. Its id is the offer that began it, or the item.

    The database lets no item have two that last: there is one holder at any time.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    item = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE, related_name="holdings")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="holdings")
    entry = models.BigIntegerField()
    since = models.DateTimeField()
    until_entry = models.BigIntegerField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["entry"]
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=Q(until_entry=None), name="cases_one_holder"),
            models.CheckConstraint(
                condition=Q(until_entry=None) | Q(until_entry__gt=models.F("entry")),
                name="cases_holding_ends_after_it_began",
            ),
        ]


class CustodyOffer(models.Model):
    """An offer of an item's custody, and what became of it. At most one of an item waits."""

    id = models.UUIDField(primary_key=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="custody_offers")
    item = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE, related_name="custody_offers")
    giver = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="custody_offered")
    receiver = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="custody_asked")
    status = models.CharField(max_length=10, choices=list(OFFER_STATUSES.items()))
    returns = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="returned_by")

    purpose = models.CharField(max_length=500)
    condition = models.CharField(max_length=500, blank=True)
    seal = models.CharField(max_length=100, blank=True)
    place = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    offered_at = models.DateTimeField()
    offered_by = models.CharField(max_length=200)
    entry = models.BigIntegerField()

    rehashed_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_entry = models.BigIntegerField(null=True)
    reason = models.TextField(blank=True)
    wrong = models.BooleanField(default=False)  # the bytes were not those that were sealed

    class Meta:
        ordering = ["-entry"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(status="offered"), name="cases_one_open_offer"
            )
        ]
        indexes = [models.Index(fields=["receiver", "status"], name="cases_offer_to")]


class Disposal(models.Model):
    """A disposal that waits for its witness, was called off, or was carried out."""

    id = models.UUIDField(primary_key=True, editable=False)
    item = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE, related_name="disposals")
    status = models.CharField(max_length=10, choices=list(DISPOSAL_STATUSES.items()))
    authoriser = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="disposals_authorised")
    witness = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="disposals_witnessed")
    method = models.CharField(max_length=200)
    reason = models.TextField()
    remaining = models.TextField()
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    entry = models.BigIntegerField()

    class Meta:
        ordering = ["-entry"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(status="proposed"), name="cases_one_open_disposal"
            )
        ]
