"""Evidence items and what happened to each."""

from django.db import models

from cases.models.case import Case
from cases.models.parties import Member, Party
from cases.rules.share_terms import CODENAMES, OPERATIONS
from cases.rules.values import EVERY_KIND, TLP

STATES = {
    "received": "Received",
    "sealed": "Sealed",
    "searchable": "Searchable",
    "indexed": "Indexed",
    "quarantined": "Quarantined",
    "stored": "Stored",
    "released": "Released",
    "disposed": "Disposed",
}
CUSTODY_KINDS = {
    "acquired": "Acquired",
    "received": "Received",
    "sealed": "Sealed",
    "verified": "Verified",
    "derived": "Derived",
    "unpacked": "Unpacked",
    "searchable": "Made searchable",
    "indexed": "Indexed",
    "quarantined": "Quarantined",
    "retried": "Tried again",
    "examined": "Examined",
    "disclosed": "Disclosed",
    "extracted": "Extracted",
    "stored": "Stored",
    "moved": "Moved",
    "offered": "Custody offered",
    "accepted": "Custody accepted",
    "refused": "Custody refused",
    "withdrawn": "Offer withdrawn",
    "released": "Released",
    "disposal": "Disposal authorised",
    "cancelled": "Disposal called off",
    "disposed": "Disposed of",
    "corrected": "Corrected",
}


class EvidenceItem(models.Model):
    """One exhibit: who acquired it and how, its bytes by hash, and what the worker made of it."""

    id = models.UUIDField(primary_key=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=list(EVERY_KIND.items()))
    state = models.CharField(max_length=12, choices=list(STATES.items()))
    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="owned_items")
    holder = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="held_items")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="derived")
    marking = models.CharField(max_length=20, choices=list(TLP.items()))

    source_system = models.CharField(max_length=200, blank=True)
    account = models.CharField(max_length=200, blank=True)
    tenant = models.CharField(max_length=200, blank=True)
    host = models.CharField(max_length=253, blank=True)
    acquired_by = models.CharField(max_length=200, blank=True)
    acquired_at = models.DateTimeField(null=True)
    acquired_at_text = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=200, blank=True)
    tool = models.CharField(max_length=200, blank=True)
    tool_version = models.CharField(max_length=100, blank=True)
    query = models.TextField("command or query", blank=True)
    covers_from = models.DateTimeField(null=True)
    covers_from_text = models.CharField(max_length=64, blank=True)
    covers_until = models.DateTimeField(null=True)
    covers_until_text = models.CharField(max_length=64, blank=True)
    declared_sha256 = models.CharField(max_length=64, blank=True)
    legal_basis = models.CharField(max_length=500, blank=True)
    note = models.TextField(blank=True)

    filename = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    blake3 = models.CharField(max_length=64, blank=True)
    sha1 = models.CharField(max_length=40, blank=True)
    md5 = models.CharField(max_length=32, blank=True)
    sealed_at = models.DateTimeField(null=True)
    sealed_by = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, related_name="sealed_items")
    verified_at = models.DateTimeField(null=True)

    format = models.CharField(max_length=40, blank=True)
    parser = models.CharField(max_length=80, blank=True)
    parser_version = models.CharField(max_length=40, blank=True)
    lines = models.BigIntegerField(null=True)
    records = models.BigIntegerField(null=True)
    rejects = models.BigIntegerField(null=True)
    first_time = models.DateTimeField(null=True)
    last_time = models.DateTimeField(null=True)
    quarantine_step = models.CharField(max_length=20, blank=True)
    quarantine_reason = models.TextField(blank=True)
    quarantines = models.PositiveIntegerField(default=0)
    barcode = models.CharField(max_length=100, blank=True)
    seal = models.CharField(max_length=100, blank=True)
    place = models.CharField(max_length=200, blank=True)  # where it is kept, as was last said
    version = models.PositiveIntegerField(default=0)  # of the item's stream

    class Meta:
        ordering = ["number"]
        # Django makes "view" itself, which is what a share calls metadata.
        permissions = [
            (codename, f"{OPERATIONS[name]} (evidence item)")
            for name, codename in CODENAMES.items()
            if name != "metadata"
        ]
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="cases_item_number")]
        indexes = [models.Index(fields=["case", "owner", "number"], name="cases_item_by_owner")]

    def __str__(self) -> str:
        return f"{self.label} {self.title}"

    @property
    def label(self) -> str:
        """The exhibit number as people write it."""
        return f"E-{self.number}"


class CustodyEvent(models.Model):
    """One step in the life of an item."""

    id = models.UUIDField(primary_key=True, editable=False)
    item = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE, related_name="custody")
    entry = models.BigIntegerField()  # index in the case's log
    kind = models.CharField(max_length=12, choices=list(CUSTODY_KINDS.items()))
    who = models.CharField(max_length=200)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, related_name="custody_events")
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, related_name="custody_events"
    )  # null: host
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    place = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=500, blank=True)
    hash_before = models.CharField(max_length=64, blank=True)
    hash_after = models.CharField(max_length=64, blank=True)
    particulars = models.JSONField(default=dict)

    class Meta:
        ordering = ["entry", "id"]
        indexes = [models.Index(fields=["item", "entry"], name="cases_custody_by_item")]
