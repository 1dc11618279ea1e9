"""What parties of a case propose to each other, as the API takes and gives it."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import (
    ANSWERS_GIVEN,
    NEW_PARTS,
    PARTS,
    PROPOSAL_KINDS,
    PROPOSAL_STATES,
    Instant,
    PlainChoice,
    StrictSerializer,
)
from api.serializers.receipts import PartyAnswer, ReceiptAnswer
from api.serializers.signatures import AuthorshipParts


class GivenAnswer(serializers.Serializer[Any]):
    """What one party has answered."""

    party = PartyAnswer()
    who = serializers.CharField(help_text="The member who answered for it.")
    answer = serializers.ChoiceField(choices=ANSWERS_GIVEN)
    reason = serializers.CharField()
    at = Instant(source="answered_at")
    entry = serializers.IntegerField()


class ProposalAnswer(serializers.Serializer[Any]):
    """A proposal: that a party joins or leads, or that the case is closed."""

    id = serializers.UUIDField(source="proposal.id")
    kind = serializers.ChoiceField(choices=PROPOSAL_KINDS, source="proposal.kind")
    status = serializers.ChoiceField(choices=PROPOSAL_STATES, source="proposal.status")
    by = PartyAnswer(source="proposal.by")
    who = serializers.CharField(source="proposal.who", help_text="The member who proposed it.")
    party = PartyAnswer(allow_null=True, source="proposal.party", help_text="Who shall join or lead.")
    role = serializers.CharField(source="proposal.role")
    reason = serializers.CharField(source="proposal.reason")
    proposed_at = Instant(source="proposal.proposed_at")
    entry = serializers.IntegerField(source="proposal.entry")
    ended_at = Instant(allow_null=True, source="proposal.ended_at")
    end_reason = serializers.CharField(
        source="proposal.end_reason",
        help_text="Of a withdrawal: why. Of a lapse: what happened before all had answered (status, joined,"
        " left or lead).",
    )
    answers = GivenAnswer(many=True)
    waits_for = PartyAnswer(many=True, help_text="The parties that are still to answer.")


class ProposalWithReceipt(ProposalAnswer):
    """The proposal after the command, and the command's receipt."""

    receipt = ReceiptAnswer()


class NewParticipation(StrictSerializer):
    """The party that shall join, and its part."""

    party = serializers.UUIDField()
    role = PlainChoice(choices=NEW_PARTS)
    authorship = AuthorshipParts(required=False)


class ParticipationAnswer(serializers.Serializer[Any]):
    """A party's part in the case."""

    party = PartyAnswer()
    role = serializers.ChoiceField(choices=PARTS)
    joined_at = Instant()


class PastParticipation(ParticipationAnswer):
    """The part of a party that has left."""

    left_at = Instant()
    reason = serializers.CharField(source="left_reason")


class Participations(serializers.Serializer[Any]):
    """Everybody in the case, who has left, and what is proposed; `candidates` are those that could join, told
    only to those who may propose one."""

    results = ParticipationAnswer(many=True)
    candidates = PartyAnswer(many=True)
    past = PastParticipation(many=True)
    proposals = ProposalAnswer(many=True, help_text="The newest first; only so many.")


class JoiningWithReceipt(serializers.Serializer[Any]):
    """The part of the party: `joined_at` where it is in, else the proposal that waits for the others."""

    party = PartyAnswer()
    role = serializers.ChoiceField(choices=PARTS)
    joined_at = Instant(allow_null=True)
    proposal = ProposalAnswer(allow_null=True)
    receipt = ReceiptAnswer()


class Leaving(StrictSerializer):
    """Why your party leaves."""

    reason = serializers.CharField(max_length=2_000)
    authorship = AuthorshipParts(required=False)


class Left(serializers.Serializer[Any]):
    """The receipt of a party that has left. It sees nothing of the case from here on."""

    receipt = ReceiptAnswer()


class LeadOffer(StrictSerializer):
    """The partner that shall lead."""

    to = serializers.UUIDField()
    authorship = AuthorshipParts(required=False)


class AnswerToProposal(StrictSerializer):
    """An answer; with the reason of an objection, refusal or dissent, which is needed, or of a withdrawal,
    which is not."""

    reason = serializers.CharField(max_length=2_000, allow_blank=True, default="")
    authorship = AuthorshipParts(required=False)
