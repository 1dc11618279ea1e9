"""Shares: their terms, and where they stand."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import (
    OPERATIONS,
    ROLES,
    SHARE_SCOPES,
    SHARE_STATUSES,
    SIDES,
    Instant,
    Marking,
    PlainChoice,
    StrictSerializer,
)
from api.serializers.receipts import PartyAnswer, ReceiptAnswer
from api.serializers.signatures import AuthorshipParts


class ShareTerms(StrictSerializer):
    """What the other party may do, with what, until when, and under which marking."""

    scope = PlainChoice(choices=SHARE_SCOPES, default="items")
    items = serializers.ListField(
        child=serializers.CharField(max_length=64),
        default=list,
        max_length=1_000,
        help_text="Ids or numbers; for the whole case none.",
    )
    roles = serializers.ListField(
        child=PlainChoice(choices=ROLES),
        default=list,
        help_text="Only these roles. No role and no member: the whole party.",
    )
    members = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=200)
    operations = serializers.ListField(
        child=PlainChoice(choices=OPERATIONS),
        allow_empty=False,
        help_text="Metadata includes exists; search, preview, download and export include metadata.",
    )
    purpose = serializers.CharField(max_length=500)
    legal_basis = serializers.CharField(max_length=500, allow_blank=True, default="")
    agreement = serializers.CharField(max_length=200, allow_blank=True, default="")
    tlp = Marking(default="TLP:AMBER")
    not_before = Instant(allow_null=True, default=None)
    expires_at = Instant(allow_null=True, default=None)
    onward = serializers.BooleanField(default=False, help_text="With the operation share_on, or neither.")
    watermark = serializers.BooleanField(default=False)
    summary = serializers.CharField(
        max_length=4_000, allow_blank=True, default="", help_text="What the receiver reads before it accepts."
    )


class NewShare(ShareTerms):
    """An offer to another party of the case."""

    to = serializers.UUIDField()
    authorship = AuthorshipParts(required=False)


class ChangedTerms(ShareTerms):
    """New terms; what is left out stays as it is. They wait for the receiver to accept them."""

    authorship = AuthorshipParts(required=False)


class Acceptance(StrictSerializer):
    """Which terms are accepted: `terms` is their digest as you have read them; without it, the newest."""

    terms = serializers.CharField(max_length=64, allow_blank=True, default="")
    authorship = AuthorshipParts(required=False)


class ShareEnding(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=2_000)


class ShareRevocation(ShareEnding):
    """Why, and perhaps under your own signature."""

    authorship = AuthorshipParts(required=False)


class ShareItemAnswer(serializers.Serializer[Any]):
    """An item of a share; its title only where you may see particulars."""

    id = serializers.UUIDField()
    number = serializers.CharField(source="label")
    title = serializers.SerializerMethodField(help_text="Null where you may only know that it exists.")

    def get_title(self, item: Any) -> str | None:
        """Its title, for those who may see particulars."""
        return str(item.title) if item.seen else None


class ShareAnswer(serializers.Serializer[Any]):
    """A share that your party gives or is given."""

    id = serializers.UUIDField()
    side = serializers.SerializerMethodField()
    giver = PartyAnswer()
    receiver = PartyAnswer()
    status = serializers.ChoiceField(choices=SHARE_STATUSES)
    scope = serializers.ChoiceField(choices=SHARE_SCOPES)
    item_count = serializers.IntegerField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=ROLES))
    members = serializers.ListField(child=serializers.UUIDField())
    operations = serializers.ListField(child=serializers.ChoiceField(choices=OPERATIONS))
    purpose = serializers.CharField()
    legal_basis = serializers.CharField()
    agreement = serializers.CharField()
    tlp = Marking()
    not_before = Instant(allow_null=True)
    expires_at = Instant(allow_null=True)
    onward = serializers.BooleanField()
    watermark = serializers.BooleanField()
    summary = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of these terms; goes into an acceptance as `terms`.")
    terms = serializers.IntegerField(help_text="How often terms were offered or changed.")
    pending = serializers.BooleanField(help_text="Whether newer terms wait for the receiver.")
    proposed = serializers.SerializerMethodField(help_text="Those newer terms, with the number of items.")
    proposed_digest = serializers.CharField()
    offered_at = Instant()
    offered_by = serializers.CharField()
    decided_at = Instant(allow_null=True)
    decided_by = serializers.CharField()
    ended_at = Instant(allow_null=True)
    reason = serializers.CharField()
    version = serializers.IntegerField()

    def get_side(self, share: Any) -> str:
        """Whether your party gives it or is given it."""
        return SIDES[0] if share.giver_id == self.context["actor"].party else SIDES[1]

    def get_proposed(self, share: Any) -> dict[str, Any] | None:
        """The newer terms; of their items only how many there are."""
        if share.proposed is None:
            return None
        told = dict(share.proposed)
        return told | {"items": len(told["items"])}


class ShareDetail(ShareAnswer):
    """One share, with the items of it that you may know of."""

    items = ShareItemAnswer(many=True)


class SharePage(serializers.Serializer[Any]):
    """Shares, the newest first."""

    results = ShareAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class ShareWithReceipt(ShareAnswer):
    """The share after the command, and the command's receipt."""

    receipt = ReceiptAnswer()
