"""What parties of a case have proposed to each other, and what each has answered."""

from django.db import models

from cases.models.case import Case
from cases.models.parties import Party
from cases.rules.values import PARTS

KINDS = {"party": "New party", "closing": "Closing", "lead": "Lead"}
ENDS = {
    "open": "Open",
    "carried": "Carried",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
    "lapsed": "Lapsed",
}
ANSWERS = {"agreed": "Agreed", "objected": "Objected", "dissented": "Dissented"}


class Proposal(models.Model):
    """One proposal: that `party` joins as `role`, that `party` leads, or that the case is closed. `reason` is
    its maker's, `end_reason` that of a withdrawal or what made it lapse."""

    id = models.UUIDField(primary_key=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="proposals")
    kind = models.CharField(max_length=10, choices=list(KINDS.items()))
    by = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    who = models.CharField(max_length=200)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="+")
    role = models.CharField(max_length=10, blank=True, choices=list(PARTS.items()))
    reason = models.TextField(blank=True)
    proposed_at = models.DateTimeField()
    entry = models.PositiveBigIntegerField()
    status = models.CharField(max_length=10, choices=list(ENDS.items()))
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-entry", "id"]
        indexes = [models.Index(fields=["case", "-entry"], name="cases_proposal_of_case")]


class ProposalAnswer(models.Model):
    """What one party has answered, by the hand of whom, with the reason of an objection or dissent."""

    id = models.UUIDField(primary_key=True, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="answers")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    who = models.CharField(max_length=200)
    answer = models.CharField(max_length=10, choices=list(ANSWERS.items()))
    reason = models.TextField(blank=True)
    answered_at = models.DateTimeField()
    entry = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["entry", "id"]
        constraints = [models.UniqueConstraint(fields=["proposal", "party"], name="cases_answer_once")]
