"""Referrals: what one party puts before another, and the answers."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import (
    CATEGORIES,
    OPERATIONS,
    REFERRAL_SIDES,
    REFERRAL_STATUSES,
    SEVERITIES,
    Instant,
    Marking,
    PlainChoice,
    StrictSerializer,
)
from api.serializers.receipts import PartyAnswer, ReceiptAnswer
from api.serializers.signatures import AuthorshipParts


class NewMatter(StrictSerializer):
    """A draft case, made for the referral."""

    title = serializers.CharField(max_length=200)
    summary = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    category = PlainChoice(choices=CATEGORIES, default="other")
    severity = PlainChoice(choices=SEVERITIES, default="medium")


class ReferralWords(StrictSerializer):
    """What the other party reads, and under which terms it may join. Either `case` or `matter` says which
    case it comes from."""

    case = serializers.CharField(max_length=64, required=False, help_text="A case's id or reference.")
    matter = NewMatter(required=False, help_text="Instead of a case: a draft is made with the referral.")
    to = serializers.UUIDField(help_text="A party that is not in the case.")
    summary = serializers.CharField(max_length=4_000)
    indicators = serializers.ListField(
        child=serializers.CharField(max_length=500), default=list, max_length=200
    )
    items = serializers.ListField(
        child=serializers.CharField(max_length=64),
        default=list,
        max_length=1_000,
        help_text="Ids or numbers of your party's own items; with an acceptance they are shared.",
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=200),
        default=list,
        max_length=1_000,
        help_text="What the other party may know of the items before it accepts.",
    )
    tlp = Marking(default="TLP:AMBER")
    purpose = serializers.CharField(max_length=500)
    legal_basis = serializers.CharField(max_length=500, allow_blank=True, default="")
    agreement = serializers.CharField(max_length=200, allow_blank=True, default="")
    allowed = serializers.ListField(
        child=PlainChoice(choices=OPERATIONS),
        default=list,
        help_text="What may be done with the items; only with items.",
    )
    expires_at = Instant(allow_null=True, default=None)
    onward = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if ("case" in attrs) is ("matter" in attrs):
            raise serializers.ValidationError({"case": ["Name a case or a new matter, and not both."]})
        return attrs


class NewReferral(ReferralWords):
    """A referral to be sent."""

    authorship = AuthorshipParts(required=False)


class ReferralAcceptance(StrictSerializer):
    """What is accepted: `terms` is the referral's digest as you read it; without it, whatever it says."""

    terms = serializers.CharField(max_length=64, allow_blank=True, default="")
    authorship = AuthorshipParts(required=False)


class AcceptanceWanted(StrictSerializer):
    """The acceptance to be signed."""

    terms = serializers.CharField(max_length=64, allow_blank=True, default="")


class ReferralReason(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=2_000)


class ReferralQuestion(StrictSerializer):
    """What you want to know before you decide."""

    question = serializers.CharField(max_length=2_000)


class ReferralReply(StrictSerializer):
    """What you answer."""

    text = serializers.CharField(max_length=4_000)


class ReferralConsentGiven(StrictSerializer):
    """Whether your party agrees; if not, why."""

    agreed = serializers.BooleanField()
    reason = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class ReferralNoteAnswer(serializers.Serializer[Any]):
    """A question or an answer."""

    kind = serializers.ChoiceField(choices=["question", "answer"])
    by = serializers.CharField()
    at = Instant()
    text = serializers.CharField()


class ReferralConsentAnswer(serializers.Serializer[Any]):
    """A party that was asked for its consent."""

    party = PartyAnswer()
    agreed = serializers.BooleanField(allow_null=True, help_text="Null: not yet.")
    at = Instant(allow_null=True)


class ReferralAnswer(serializers.Serializer[Any]):
    """A referral that your party has sent or received."""

    id = serializers.UUIDField()
    side = serializers.ChoiceField(choices=REFERRAL_SIDES)
    sender = PartyAnswer()
    receiver = PartyAnswer()
    status = serializers.ChoiceField(choices=REFERRAL_STATUSES)
    waits = serializers.BooleanField(help_text="Whether your party has the next word.")
    run_out = serializers.BooleanField(help_text="Whether it can no longer be accepted, by its expiry.")
    summary = serializers.CharField()
    indicators = serializers.ListField(child=serializers.CharField())
    item_count = serializers.SerializerMethodField()
    labels = serializers.ListField(child=serializers.CharField())
    tlp = Marking()
    purpose = serializers.CharField()
    legal_basis = serializers.CharField()
    agreement = serializers.CharField()
    allowed = serializers.ListField(child=serializers.ChoiceField(choices=OPERATIONS))
    expires_at = Instant(allow_null=True)
    onward = serializers.BooleanField()
    digest = serializers.CharField(help_text="Of all that was sent; goes into an acceptance as `terms`.")
    sent_at = Instant()
    sent_by = serializers.CharField()
    asking = serializers.BooleanField(help_text="Whether a question waits for the sender.")
    decided_at = Instant(allow_null=True)
    decided_by = serializers.CharField()
    reason = serializers.CharField()

    def get_item_count(self, referral: Any) -> int:
        """How many items come along."""
        return len(referral.items)


class AskedAnswer(serializers.Serializer[Any]):
    """A referral that your party is asked to consent to; its words are between the two others."""

    id = serializers.UUIDField()
    case = serializers.CharField(source="case.reference")
    sender = PartyAnswer()
    receiver = PartyAnswer()
    sent_at = Instant()


class ReferralPage(serializers.Serializer[Any]):
    """Referrals, the newest first, and those that need your party's consent."""

    results = ReferralAnswer(many=True)
    next = serializers.CharField(allow_null=True)
    consent_asked = AskedAnswer(many=True)


class ReferralDetail(ReferralAnswer):
    """One referral with questions and answers. Case, items and consents are the sender's; the receiver learns
    the case with its acceptance."""

    case = serializers.CharField(
        source="case_shown", allow_null=True, help_text="Its reference, where you see the case."
    )
    items = serializers.ListField(child=serializers.UUIDField(), source="shown_items")
    consents = ReferralConsentAnswer(many=True, source="shown_consents")
    notes = ReferralNoteAnswer(many=True, source="shown_notes")


class RecordedAnswer(serializers.Serializer[Any]):
    """What a party that is not in the case keeps of its own entry; its place would tell the log's size."""

    leaf_hash = serializers.CharField()
    recorded_at = Instant()
    replayed = serializers.BooleanField()


class ReferralWithReceipt(ReferralDetail):
    """The referral after the command. The receipt is there for who sees the case."""

    recorded = RecordedAnswer()
    receipt = ReceiptAnswer(allow_null=True)


class ConsentWithReceipt(serializers.Serializer[Any]):
    """What your party said, and the receipt."""

    agreed = serializers.BooleanField()
    receipt = ReceiptAnswer()
