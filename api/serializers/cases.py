"""Cases, parties and the ledger, as the API takes and gives them."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import (
    CASE_STATUSES,
    CATEGORIES,
    PARTS,
    PROOF_STATES,
    SEVERITIES,
    STATUS_GOALS,
    Instant,
    Marking,
    PlainChoice,
    StrictSerializer,
)
from api.serializers.proof import CountersignedAnswer, StampAnswer, WitnessedAnswer
from api.serializers.proposals import ProposalAnswer
from api.serializers.receipts import PartyAnswer, ReceiptAnswer
from api.serializers.signatures import AuthorshipParts


class MeAnswer(serializers.Serializer[Any]):
    """Who this token acts as."""

    member = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.CharField()
    party = PartyAnswer()


class NewCase(StrictSerializer):
    """A case to be created, in draft, led by your party."""

    title = serializers.CharField(max_length=200)
    summary = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    category = PlainChoice(choices=CATEGORIES, default="other")
    severity = PlainChoice(choices=SEVERITIES, default="medium")
    tlp = Marking(default="TLP:AMBER")
    reference = serializers.CharField(
        max_length=40,
        allow_blank=True,
        default="",
        help_text="Left out, the host draws a free one: CS-2026-0417.",
    )


class CaseRevision(StrictSerializer):
    """What shall be said otherwise; fields left out stay as they are."""

    title = serializers.CharField(max_length=200, required=False)
    summary = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    category = PlainChoice(choices=CATEGORIES, required=False)
    severity = PlainChoice(choices=SEVERITIES, required=False)
    tlp = Marking(required=False)


class CaseAnswer(serializers.Serializer[Any]):
    """A case as your party sees it."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    category = serializers.ChoiceField(choices=CATEGORIES)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    tlp = Marking()
    status = serializers.ChoiceField(choices=CASE_STATUSES)
    status_reason = serializers.CharField()
    legal_hold = serializers.BooleanField()
    lead = PartyAnswer()
    my_part = serializers.ChoiceField(choices=PARTS)
    created_at = Instant()
    updated_at = Instant()
    closed_at = Instant(allow_null=True)


class CaseWithReceipt(CaseAnswer):
    """The case after the command, and the command's receipt; where closing was proposed, what waits for
    whom."""

    closing = ProposalAnswer(allow_null=True)
    receipt = ReceiptAnswer()


class CasePage(serializers.Serializer[Any]):
    """Some cases, the newest first."""

    results = CaseAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The `cursor` of the next page; null at the end.")


class StatusChange(StrictSerializer):
    """Where the case shall go, and why."""

    to = PlainChoice(choices=STATUS_GOALS)
    reason = serializers.CharField(
        max_length=2_000, allow_blank=True, default="", help_text="Needed for all but opening a draft."
    )
    authorship = AuthorshipParts(required=False)


class HoldChange(StrictSerializer):
    """Place (hold: true) or lift (hold: false) your party's legal hold, and why."""

    hold = serializers.BooleanField()
    reason = serializers.CharField(max_length=2_000)
    authorship = AuthorshipParts(required=False)


class HeadAnswer(serializers.Serializer[Any]):
    """Where the case's log stands."""

    size = serializers.IntegerField()
    root = serializers.CharField(help_text="The Merkle root (RFC 9162), in hex.")  # type: ignore[assignment]
    checkpoint = serializers.CharField(help_text="A C2SP tlog-checkpoint note, signed by the host.")
    recorded_at = Instant()
    countersigned = serializers.IntegerField(help_text="Entries that every needed party has countersigned.")
    waiting = serializers.IntegerField(allow_null=True, help_text="The first entry that is not; null: none.")
    waiting_since = Instant(allow_null=True, help_text="When that entry was recorded.")
    witnesses = WitnessedAnswer(many=True)
    stamps = StampAnswer(many=True, help_text="The newest of each authority.")
    doubt = serializers.CharField(
        allow_null=True, help_text="Why nothing is written to the log just now; null where all is well."
    )


class LedgerEntry(serializers.Serializer[Any]):
    """One entry. `opening` is null where it stays sealed for your party;
    its place and its hash are yours to check."""

    index = serializers.IntegerField()
    recorded_at = Instant()
    party = serializers.UUIDField()
    party_name = serializers.CharField()
    leaf = serializers.CharField(help_text="The exact bytes of the leaf, in base64.")
    leaf_hash = serializers.CharField()
    type = serializers.CharField(allow_null=True)
    sentence = serializers.CharField()
    opening = serializers.DictField(
        child=serializers.JSONField(),
        allow_null=True,
        help_text="Each field of the body by name: [salt in hex, value].",
    )
    erased = serializers.DictField(
        child=serializers.CharField(),
        help_text="Of an opened entry the fields whose value and salt were destroyed, with their digests.",
    )
    state = serializers.ChoiceField(choices=PROOF_STATES)
    signed_by = serializers.ListField(
        child=serializers.UUIDField(), help_text="The parties whose witnesses cover the entry."
    )


class LedgerPage(serializers.Serializer[Any]):
    """Entries in order; `next` is the `after` of the next page, null at the end."""

    entries = LedgerEntry(many=True)
    next = serializers.IntegerField(allow_null=True)


class ProvenEntry(LedgerEntry):
    """One entry and the proof that the log of this size includes it."""

    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]
    checkpoint = serializers.CharField()
    proof = serializers.ListField(
        child=serializers.CharField(), help_text="RFC 9162 inclusion proof, hashes in hex."
    )
    countersigned_by = CountersignedAnswer(many=True)
    countersigned_at = Instant(allow_null=True, help_text="When the last needed party had.")
    stamped = StampAnswer(many=True, help_text="Of each authority the first above the entry.")
    after = Instant(
        allow_null=True, help_text="The newest cosignature over the log without it: not recorded before then."
    )
