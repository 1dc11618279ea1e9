"""Referrals: what one party puts before another that is not in the case."""

from django.db import models

from cases.models.case import Case
from cases.models.parties import Party
from cases.rules.referral_events import STATUSES
from cases.rules.values import TLP


class Referral(models.Model):
    """One referral. Its receiver sees it from `released_at` on, and of it neither case nor items."""

    id = models.UUIDField(primary_key=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="referrals")
    sender = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="referrals_sent")
    receiver = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="referrals_received")
    status = models.CharField(max_length=10, choices=list(STATUSES.items()))

    summary = models.TextField()
    indicators = models.JSONField(default=list)
    items = models.JSONField(default=list)  # ids as text: for the sender's eyes
    labels = models.JSONField(default=list)  # what the receiver may know of them
    tlp = models.CharField("marking", max_length=20, choices=list(TLP.items()))
    purpose = models.CharField(max_length=500)
    legal_basis = models.CharField(max_length=500, blank=True)
    agreement = models.CharField(max_length=200, blank=True)
    allowed = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)
    onward = models.BooleanField(default=False)
    digest = models.CharField(max_length=64)  # of these words; the receiver says by it what it accepts

    sent_at = models.DateTimeField()
    sent_by = models.CharField(max_length=200)
    released_at = models.DateTimeField(null=True)
    asking = models.BooleanField(default=False)  # the receiver's question waits for the sender
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=0)  # of the referral's stream

    # What cases/referring.py says for an actor: sent or received; whether it has run out; whose turn it is.
    side: str
    run_out: bool
    waits: bool

    class Meta:
        ordering = ["-sent_at", "id"]
        indexes = [
            models.Index(fields=["receiver", "-sent_at"], name="cases_referral_to"),
            models.Index(fields=["sender", "-sent_at"], name="cases_referral_by"),
            models.Index(fields=["case"], name="cases_referral_case"),
        ]

    def __str__(self) -> str:
        return f"{self.sender} to {self.receiver}: {self.purpose}"


class ReferralNote(models.Model):
    """A question of the receiver, or the sender's answer."""

    id = models.UUIDField(primary_key=True, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=10, choices=[("question", "Question"), ("answer", "Answer")])
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    text = models.TextField()
    version = models.PositiveIntegerField()

    class Meta:
        ordering = ["version", "id"]


class ReferralConsent(models.Model):
    """A party of the case that is asked whether the receiver may be brought in; `agreed` None: not yet."""

    id = models.UUIDField(primary_key=True, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="consents")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="referral_consents")
    agreed = models.BooleanField(null=True)
    by = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["referral", "party"], name="cases_referralconsent_once")
        ]
