"""Keys and members' own signatures, as the API takes and gives them."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import (
    KEY_KINDS,
    KEY_PURPOSES,
    NEW_PARTS,
    SIGNED_ACTS,
    SIGNED_KEY_ACTS,
    Instant,
    PlainChoice,
    StrictSerializer,
)
from api.serializers.receipts import ReceiptAnswer
from api.serializers.sharing import ChangedTerms, NewShare
from api.serializers.signatures import AuthorshipParts, SignatureParts


class KeyAnswer(serializers.Serializer[Any]):
    """A public key of your party."""

    id = serializers.CharField(help_text="SHA-256 of the public half, in hex.")
    alg = serializers.ChoiceField(choices=KEY_KINDS)
    public = serializers.CharField(help_text="In hex: 32 bytes, or an uncompressed point of P-256.")
    purpose = serializers.ChoiceField(choices=KEY_PURPOSES)
    name = serializers.CharField()
    vkey = serializers.SerializerMethodField(help_text="The line to pin a witness by; null for a member's.")
    member = serializers.UUIDField(source="member_id", allow_null=True)
    member_name = serializers.CharField(source="member.name", allow_null=True, default=None)
    registered_at = Instant()
    ended_at = Instant(allow_null=True)
    ended_why = serializers.CharField(help_text="Empty, rotated or revoked.")
    replaced_by = serializers.CharField(source="replaced_by_id", allow_null=True)

    def get_vkey(self, key: Any) -> str | None:
        """Its C2SP verifier key, as countersignatures are checked with."""
        return str(key.vkey) if key.purpose == "witness" else None


class KeyList(serializers.Serializer[Any]):
    """The keys of your party, those in use first; and whether its members must sign what binds it."""

    results = KeyAnswer(many=True)
    signatures_required = serializers.BooleanField()


class KeyWithReceipt(KeyAnswer):
    """The key after the command, and the command's receipt."""

    receipt = ReceiptAnswer()


class KeyFacts(StrictSerializer):
    """What is said of a new key."""

    purpose = PlainChoice(choices=KEY_PURPOSES, default="member")
    name = serializers.CharField(
        max_length=120,
        allow_blank=True,
        default="",
        help_text="A witness's: its key name, without blanks. A member's: for yourself.",
    )
    alg = serializers.ChoiceField(choices=KEY_KINDS, default="ed25519")
    public = serializers.CharField(max_length=130)


class StatementWanted(KeyFacts):
    """The key for which the statement is to be drawn; `replaces` names the key whose place it shall take."""

    replaces = serializers.CharField(max_length=64, allow_null=True, default=None)


class StatementAnswer(serializers.Serializer[Any]):
    """What the holder of the key signs with it."""

    statement = serializers.CharField(help_text="The exact text.")
    challenge = serializers.CharField(help_text="For a passkey: SHA-256 of the text, base64url.")


class NewKey(KeyFacts):
    """A new key, with its holder's signature over the statement."""

    statement = serializers.CharField(max_length=4_096, trim_whitespace=False)
    proof = SignatureParts()


class Rotation(NewKey):
    """A new key in the place of the one in the path; both sign the same statement."""

    old_proof = SignatureParts()


class Revocation(StrictSerializer):
    """Why the key ends."""

    reason = serializers.CharField(max_length=2_000)
    authorship = AuthorshipParts(required=False)


class SignatureRule(StrictSerializer):
    """Whether your party's members must sign what binds it."""

    required = serializers.BooleanField()  # type: ignore[assignment]
    authorship = AuthorshipParts(required=False)


class SignatureRuleWithReceipt(serializers.Serializer[Any]):
    """The rule as it now stands."""

    required = serializers.BooleanField()  # type: ignore[assignment]
    receipt = ReceiptAnswer()


class IntentWanted(StrictSerializer):
    """The act to be signed, by its command's name, with just the fields that this command takes."""

    command = serializers.ChoiceField(choices=SIGNED_ACTS)
    reason = serializers.CharField(
        max_length=2_000,
        required=False,
        help_text="CloseCase, DissentFromClosing, ReopenCase, PlaceLegalHold, LiftLegalHold, ObjectToParty,"
        " RefuseLead, LeaveCase, RevokeShare; WithdrawProposal, where it may be left out.",
    )
    proposal = serializers.UUIDField(
        required=False,
        help_text="AgreeToClose, DissentFromClosing, ConsentToParty, ObjectToParty, AcceptLead, RefuseLead,"
        " WithdrawProposal.",
    )
    to = serializers.UUIDField(required=False, help_text="OfferLead.")
    party = serializers.UUIDField(required=False, help_text="AddParty.")
    role = PlainChoice(choices=NEW_PARTS, required=False, help_text="AddParty.")
    share = serializers.UUIDField(required=False, help_text="AcceptShare, ChangeShare, RevokeShare.")
    terms = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="AcceptShare; may be left out."
    )
    offer = NewShare(required=False, help_text="OfferShare: the body of the offer.")
    change = ChangedTerms(required=False, partial=True, help_text="ChangeShare: the body of the change.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """All fields of the command and no other."""
        return just_its_fields(attrs)


class KeyIntentWanted(StrictSerializer):
    """The act on your party's keys to be signed, with just the fields that it takes."""

    command = serializers.ChoiceField(choices=SIGNED_KEY_ACTS)
    key = serializers.CharField(max_length=64, required=False, help_text="RevokeKey.")
    reason = serializers.CharField(max_length=2_000, required=False, help_text="RevokeKey.")
    required = serializers.BooleanField(required=False, help_text="RequireSignatures.")  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """All fields of the command and no other."""
        return just_its_fields(attrs)


TAKES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CloseCase": (("reason",), ()),
    "AgreeToClose": (("proposal",), ()),
    "DissentFromClosing": (("proposal", "reason"), ()),
    "ReopenCase": (("reason",), ()),
    "PlaceLegalHold": (("reason",), ()),
    "LiftLegalHold": (("reason",), ()),
    "AddParty": (("party", "role"), ()),
    "ConsentToParty": (("proposal",), ()),
    "ObjectToParty": (("proposal", "reason"), ()),
    "OfferLead": (("to",), ()),
    "AcceptLead": (("proposal",), ()),
    "RefuseLead": (("proposal", "reason"), ()),
    "WithdrawProposal": (("proposal",), ("reason",)),
    "LeaveCase": (("reason",), ()),
    "OfferShare": (("offer",), ()),
    "ChangeShare": (("share", "change"), ()),
    "AcceptShare": (("share",), ("terms",)),
    "RevokeShare": (("share", "reason"), ()),
    "RevokeKey": (("key", "reason"), ()),
    "RequireSignatures": (("required",), ()),
}
"""The fields that a command needs, and those that it also takes."""


def just_its_fields(attrs: dict[str, Any]) -> dict[str, Any]:
    """Refuse what the command does not take, and what it lacks."""
    needed, may = TAKES[attrs["command"]]
    wrong = {name: ["This act takes no such field."] for name in attrs.keys() - {"command", *needed, *may}}
    wrong |= {name: ["This field is required."] for name in needed if name not in attrs}
    if wrong:
        raise serializers.ValidationError(wrong)
    return attrs | {name: "" for name in may if name not in attrs}


class IntentAnswer(serializers.Serializer[Any]):
    """What the member signs. The command's own route takes it back as `authorship`."""

    intent = serializers.CharField(help_text="The exact text.")
    command_id = serializers.UUIDField()
    challenge = serializers.CharField(help_text="For a passkey: SHA-256 of the text, base64url.")
    content = serializers.CharField(help_text="The text whose SHA-256 the intent names as its content.")
