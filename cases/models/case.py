"""Cases, and which party has which part in them."""

from django.db import models
from guardian.models import GroupObjectPermissionBase

from cases.models.parties import Party
from cases.rules.values import CATEGORIES, PARTS, SEVERITIES, TLP

STATUSES = {"draft": "Draft", "open": "Open", "contained": "Contained", "closed": "Closed"}


class Case(models.Model):
    """One joint investigation. `my_part` is there on every case that cases/reads.py returns."""

    id = models.UUIDField(primary_key=True, editable=False)
    reference = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    category = models.CharField(max_length=24, choices=list(CATEGORIES.items()))
    severity = models.CharField(max_length=10, choices=list(SEVERITIES.items()))
    tlp = models.CharField("marking", max_length=20, choices=list(TLP.items()))
    status = models.CharField(max_length=10, choices=list(STATUSES.items()))
    status_reason = models.TextField(blank=True)
    legal_hold = models.BooleanField(default=False)
    lead = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="led_cases")
    # How many items the case has, whoever owns them: shown to nobody, the next item takes the next number.
    last_number = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(
        default=0
    )  # of the case's own stream; a form sends it back as `expect`
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    my_part: str  # cases/reads.py asks for it

    class Meta:
        ordering = ["-updated_at", "id"]
        indexes = [
            models.Index(fields=["-updated_at", "id"], name="cases_case_recent"),
            models.Index(fields=["status", "-updated_at"], name="cases_case_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"


class Participation(models.Model):
    """A party's part in a case, and whether it holds the case."""

    id = models.UUIDField(primary_key=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="participations")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="participations")
    role = models.CharField(max_length=10, choices=list(PARTS.items()))
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)  # then it sees nothing of the case, and the row is history
    left_reason = models.TextField(blank=True)
    hold_reason = models.TextField(blank=True)
    # How many of the party's key events this case's log has; fewer than Party.keys: some are still to come.
    keys = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["joined_at", "id"]
        constraints = [models.UniqueConstraint(fields=["case", "party"], name="cases_participation_once")]


class CaseGroupObjectPermission(GroupObjectPermissionBase):
    """guardian: which party's group may see which case. A projection like any other table here."""

    id = models.UUIDField(primary_key=True, editable=False)
    content_object = models.ForeignKey(Case, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False
