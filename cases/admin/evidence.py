"""Cases, items and the ingest queue, as far as an operator needs them.

Shown: that a case exists, its status, marking and parties; of an item its state, owner, size, hashes and
counts. Left out: titles, summaries, reasons, notes, file names and every acquisition fact, because these tell
what a case is about, and records, queries and openings altogether. The operator runs the house and is no
party in it.
"""

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from cases.admin.pages import Act, OperatorAdmin
from cases.models import Case, EvidenceItem
from cases.rules.custody import RetryEvidence
from evidence.models import Ingest


@admin.register(Case)
class CaseAdmin(OperatorAdmin[Case]):
    """That cases exist, and whose they are."""

    list_display = (
        "reference",
        "status",
        "label",
        "legal_hold",
        "lead",
        "party_count",
        "item_count",
        "updated_at",
    )
    list_filter = ("status", "legal_hold", "lead")
    list_select_related = ("lead",)
    search_fields = ("reference", "id")
    ordering = ("-updated_at",)
    fields = (
        "id", "reference", "status", "label", "legal_hold", "lead", "parties", "item_count",
        "created_at", "updated_at", "closed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """With what the table counts; two subqueries, so that neither count multiplies the other."""
        parties = (
            Case.objects.filter(pk=OuterRef("pk"))
            .annotate(n=Count("participations", filter=Q(participations__left_at=None)))
            .values("n")
        )
        items = Case.objects.filter(pk=OuterRef("pk")).annotate(n=Count("items")).values("n")
        rows: QuerySet[Case] = super().get_queryset(request)
        return rows.annotate(parties_n=Subquery(parties), items_n=Subquery(items))

    def named(self, row: Case) -> str:
        """The reference alone."""
        return row.reference

    @admin.display(description="marking", ordering="tlp")
    def label(self, row: Case) -> str:
        """The TLP label."""
        return row.tlp

    @admin.display(description="parties", ordering="parties_n")
    def party_count(self, row: Case) -> int:
        """How many take part."""
        return int(row.parties_n)  # type: ignore[attr-defined]

    @admin.display(description="items", ordering="items_n")
    def item_count(self, row: Case) -> int:
        """How many items it has."""
        return int(row.items_n)  # type: ignore[attr-defined]

    @admin.display(description="parties")
    def parties(self, row: Case) -> str:
        """Who takes part, and as what."""
        parts = row.participations.filter(left_at=None).select_related("party")
        return ", ".join(f"{part.party} ({part.get_role_display().lower()})" for part in parts)


@admin.register(EvidenceItem)
class EvidenceItemAdmin(OperatorAdmin[EvidenceItem]):
    """That items exist, whole and searchable."""

    list_display = (
        "label",
        "reference",
        "state",
        "owner",
        "bytes",
        "format",
        "records",
        "rejects",
        "sealed_at",
    )
    list_filter = ("state", "format", "owner")
    list_select_related = ("case", "owner")
    search_fields = ("case__reference", "sha256", "id")
    ordering = ("-sealed_at",)
    fields = (
        "id", "label", "reference", "state", "owner", "holder", "tlp", "bytes", "sha256", "blake3",
        "sealed_at", "verified_at", "format", "parser", "parser_version", "lines", "records", "rejects",
        "quarantine_step", "quarantines",
    )  # fmt: skip
    acts = {
        "retry": Act(
            label="Try again",
            offered=lambda row: row.state == "quarantined",
            command=lambda row: RetryEvidence(case=row.case_id, item=row.pk),
            done="The worker will try this item again.",
        ),
    }

    def named(self, row: EvidenceItem) -> str:
        """Number and case."""
        return f"{row.label} in {row.case.reference}"

    @admin.display(description="item", ordering="number")
    def label(self, row: EvidenceItem) -> str:
        """The number."""
        return row.label

    @admin.display(description="case", ordering="case__reference")
    def reference(self, row: EvidenceItem) -> str:
        """The case's reference."""
        return row.case.reference

    @admin.display(description="marking", ordering="marking")
    def tlp(self, row: EvidenceItem) -> str:
        """The TLP label."""
        return row.marking

    @admin.display(description="size", ordering="size")
    def bytes(self, row: EvidenceItem) -> str:
        """The size in words."""
        return filesizeformat(row.size)


@admin.register(Ingest)
class IngestAdmin(OperatorAdmin[Ingest]):
    """The worker's queue: how far it is with each item, and what stopped it."""

    list_display = (
        "label",
        "reference",
        "state",
        "step",
        "attempts",
        "progress",
        "trouble",
        "pending",
        "updated_at",
    )
    list_filter = ("pending", "step")
    search_fields = ("item", "sha256")
    ordering = ("-pending", "-updated_at")
    fields = (
        "item",
        "label",
        "reference",
        "state",
        "step",
        "attempts",
        "progress",
        "trouble",
        "pending",
        "sha256",
        "updated_at",
    )
    acts = {
        "retry": Act(
            label="Try again",
            offered=lambda row: row.state == "quarantined",  # type: ignore[attr-defined]
            command=lambda row: RetryEvidence(case=row.case, item=row.item),
            done="The worker will try this item again.",
        ),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ingest]:
        """With the item's number, state and case: the queue itself knows only ids."""
        items = EvidenceItem.objects.filter(pk=OuterRef("item"))
        rows: QuerySet[Ingest] = super().get_queryset(request)
        return rows.annotate(
            number=Subquery(items.values("number")),
            state=Subquery(items.values("state")),
            reference=Subquery(items.values("case__reference")),
        )

    def named(self, row: Ingest) -> str:
        """Number and case."""
        return f"{self.label(row)} in {self.reference(row)}"

    @admin.display(description="item", ordering="number")
    def label(self, row: Ingest) -> str:
        """The item's number."""
        return f"E-{row.number}"  # type: ignore[attr-defined]

    @admin.display(description="case", ordering="reference")
    def reference(self, row: Ingest) -> str:
        """The case's reference."""
        return str(row.reference)  # type: ignore[attr-defined]

    @admin.display(description="state", ordering="state")
    def state(self, row: Ingest) -> str:
        """The item's state."""
        return str(row.state)  # type: ignore[attr-defined]

    @admin.display(description="progress")
    def progress(self, row: Ingest) -> str:
        """How far the running step is."""
        if not row.pending or not row.total_bytes:
            return ""
        return f"{min(100, 100 * row.done_bytes // row.total_bytes)} %"

    @admin.display(description="trouble")
    def trouble(self, row: Ingest) -> str:
        """What went wrong, up to the first colon: what follows may quote the evidence."""
        return row.error.partition(":")[0]
