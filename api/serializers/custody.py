"""Acts of custody, as the API takes and answers them."""

from typing import Any

from rest_framework import serializers

from api.serializers.evidence import ItemAnswer
from api.serializers.fields import ITEM_STATES, Instant, Marking, StrictSerializer
from api.serializers.receipts import PartyAnswer, ReceiptAnswer
from api.serializers.signatures import AuthorshipParts
from cases.rules.acquisition import AcquisitionFacts
from cases.rules.making import LONGEST_NAME, MOST_COLUMNS
from cases.rules.transfer_events import OFFER_STATUSES

SIGNED = ["offer", "return", "accept", "refuse", "release", "disposal", "dispose"]
"""The acts that bind a party, by the last part of their routes."""


def _text(most: int, told: str, *, needed: bool = False) -> serializers.CharField:
    if needed:
        return serializers.CharField(max_length=most, help_text=told)
    return serializers.CharField(max_length=most, allow_blank=True, default="", help_text=told)


class _Condition(StrictSerializer):
    """In which condition, under which seal and where an item is."""

    condition = _text(500, "In which condition it is.")
    seal = _text(100, "The number of the seal on it.")
    place = _text(200, "Where it is.")


class NewOffer(_Condition):
    """Who shall take the item over, and what for. The party must see the item already."""

    to = serializers.UUIDField()
    purpose = _text(500, "What the custody is handed over for.", needed=True)
    authorship = AuthorshipParts(required=False)


class NewReturn(_Condition):
    """The item goes back to the party that it came from."""

    purpose = _text(500, "Why it goes back.", needed=True)
    authorship = AuthorshipParts(required=False)


class CustodyAcceptance(_Condition):
    """Which offer is accepted, and how the item was found. The bytes must have been hashed again first."""

    offer = serializers.UUIDField()
    authorship = AuthorshipParts(required=False)


class OfferRefusal(StrictSerializer):
    """Which offer is refused, and why."""

    offer = serializers.UUIDField()
    reason = _text(2_000, "Both parties read it.", needed=True)
    authorship = AuthorshipParts(required=False)


class OfferWithdrawal(StrictSerializer):
    """Which offer is taken back, and why."""

    offer = serializers.UUIDField()
    reason = _text(2_000, "Both parties read it.", needed=True)


class Release(_Condition):
    """Who outside of the case gets the item, and why."""

    recipient = _text(200, "A court, the person whose it is…", needed=True)
    reason = _text(2_000, "On which ground.", needed=True)
    authorship = AuthorshipParts(required=False)


class NewDisposal(StrictSerializer):
    """How and why an item is destroyed, before whom, and which copies there are elsewhere."""

    witness = serializers.UUIDField(help_text="A member, of another party where one sees the item.")
    method = _text(200, "How it is destroyed.", needed=True)
    reason = _text(2_000, "Why, and by which right.", needed=True)
    remaining = _text(2_000, "Which copies remain elsewhere; say so where there is none.", needed=True)
    authorship = AuthorshipParts(required=False)


class WitnessedDisposal(StrictSerializer):
    """The witness confirms, and the item is gone."""

    disposal = serializers.UUIDField()
    authorship = AuthorshipParts(required=False)


class DisposalEnd(StrictSerializer):
    """Why a disposal that waits for its witness is called off."""

    disposal = serializers.UUIDField()
    reason = _text(2_000, "Why.", needed=True)


class Correction(StrictSerializer):
    """What is wrong about an entry that your party made. The entry stays as it is."""

    entry = serializers.IntegerField(min_value=0, max_value=2**53 - 1)
    text = _text(2_000, "What is right.", needed=True)


class Move(StrictSerializer):
    """Where an object is kept from now on."""

    place = _text(200, "The new place.", needed=True)
    seal = _text(100, "The number of the seal on it now.")
    reason = _text(2_000, "Why it was moved.", needed=True)


class CustodyActAnswer(serializers.Serializer[Any]):
    """How the item stands after the act."""

    item = serializers.UUIDField()
    state = serializers.ChoiceField(choices=ITEM_STATES)
    holder = PartyAnswer()
    id = serializers.UUIDField(help_text="Of the act. An offer or a disposal is called by it afterwards.")
    receipt = ReceiptAnswer()


class OfferAnswer(serializers.Serializer[Any]):
    """An offer of custody and what became of it."""

    id = serializers.UUIDField()
    giver = PartyAnswer()
    receiver = PartyAnswer()
    status = serializers.ChoiceField(choices=list(OFFER_STATUSES))
    returns = serializers.UUIDField(
        source="returns_id", allow_null=True, help_text="The transfer that this one undoes."
    )
    purpose = serializers.CharField()
    condition = serializers.CharField()
    seal = serializers.CharField()
    place = serializers.CharField()
    sha256 = serializers.CharField()
    offered_at = Instant()
    rehashed_at = Instant(
        allow_null=True, help_text="When the bytes were found equal for the receiver; null: not yet."
    )
    decided_at = Instant(allow_null=True)
    reason = serializers.CharField()
    wrong = serializers.BooleanField(help_text="Refused by itself: the bytes are not those that were sealed.")


class OfferPage(serializers.Serializer[Any]):
    """Offers, the newest first."""

    results = OfferAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class CustodyIntent(StrictSerializer):
    """The act to be signed, by the last part of its route, with the body that the route takes."""

    act = serializers.ChoiceField(choices=SIGNED)
    body = serializers.DictField()


class NewExtract(StrictSerializer):
    """Which records of an item become an item of their own. Name columns to keep, or columns to mask."""

    title = _text(200, "What the extract is called.", needed=True)
    query = _text(10_000, "As in a search; left out, all records.")
    start = Instant(required=False, allow_null=True, default=None)
    end = Instant(required=False, allow_null=True, default=None)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_NAME),
        max_length=MOST_COLUMNS,
        default=list,
        help_text="The columns to keep; none: all.",
    )
    masked = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_NAME),
        max_length=MOST_COLUMNS,
        default=list,
        help_text="The columns whose values are replaced by a mark.",
    )
    marking = Marking(required=False, allow_null=True, default=None, help_text="Left out, the item's own.")
    note = _text(10_000, "Anything else.")


class MadeItem(ItemAnswer):
    """The new item, and the receipt of its making."""

    receipt = ReceiptAnswer()


class NewObject(_Condition):
    """An object without bytes that comes into custody."""

    condition = None  # type: ignore[assignment]
    title = _text(200, "What it is.", needed=True)
    barcode = _text(100, "The code on it.")
    acquired_by = _text(200, "Who took it.")
    acquired_at = _text(64, "When it was taken, with its zone.")
    method = _text(200, "How it was come by.")
    source_system = _text(200, "Where it comes from.")
    legal_basis = _text(500, "On which ground it was taken.")
    marking = Marking(default="TLP:AMBER")
    note = _text(10_000, "Anything else.")

    def parts(self) -> tuple[AcquisitionFacts, dict[str, str]]:
        """The facts of its acquisition, and where it is."""
        said = dict(self.validated_data)
        where = {name: said.pop(name) for name in ("barcode", "seal", "place")}
        return AcquisitionFacts(**said), where
