"""Who takes part in a case, who leads, when it is closed: proposed by one party, answered by the others."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers.proposals import (
    AnswerToProposal,
    JoiningWithReceipt,
    LeadOffer,
    Leaving,
    Left,
    NewParticipation,
    Participations,
    ProposalWithReceipt,
)
from api.views.cases import CASE, KEY
from api.views.door import Door, receipt_facts
from cases import policy, reads, together
from cases.perform import perform
from cases.refusals import Unseen
from cases.rules import proposals
from cases.rules.case import AddParty
from cases.rules.proposals import LeaveCase, OfferLead
from cases.together import Question
from ledger.entries import Receipt

ANSWERS: dict[str, dict[str, tuple[str, bool]]] = {
    "party": {
        "consent": ("ConsentToParty", False),
        "object": ("ObjectToParty", True),
        "withdraw": ("WithdrawProposal", True),
    },
    "closing": {
        "agree": ("AgreeToClose", False),
        "dissent": ("DissentFromClosing", True),
        "withdraw": ("WithdrawProposal", True),
    },
    "lead": {
        "accept": ("AcceptLead", False),
        "refuse": ("RefuseLead", True),
        "withdraw": ("WithdrawProposal", True),
    },
}
"""Kind of proposal → answer → its command, and whether that takes a reason."""


def _answer(kind: str) -> OpenApiParameter:
    return OpenApiParameter("answer", str, OpenApiParameter.PATH, enum=list(ANSWERS[kind]))


PROPOSAL = OpenApiParameter("proposal", str, OpenApiParameter.PATH, description="The proposal's id.")


class CaseParties(Door):
    """Who takes part in a case."""

    @extend_schema(operation_id="cases_parties", parameters=[CASE], responses=Participations, tags=["Cases"])
    def get(self, request: Request, case: str) -> Response:
        """The parties of the case, those that have left, and what is proposed; and the parties that could
        join, told only to those who may propose one."""
        found = self.case(case)
        may_add = "AddParty" in policy.offers(self.actor, found)
        everyone = list(reads.everyone_in(self.actor, found))
        parts = [part for part in everyone if part.left_at is None]
        told = {
            "results": parts,
            "candidates": reads.candidates(self.actor, found) if may_add else [],
            "past": [part for part in everyone if part.left_at is not None],
            "proposals": together.questions(self.actor, found, everyone=everyone),
        }
        return Response(Participations(told).data)

    @extend_schema(
        operation_id="cases_add_party",
        parameters=[CASE, KEY],
        request=NewParticipation,
        responses={201: JoiningWithReceipt},
        tags=["Cases"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Bring another party into the case: at once where your party decides alone, else as a proposal that
        every other lead or partner has to consent to."""
        found = self.case(case)
        asked = self.asked(NewParticipation)
        id_, signed = self.signed(asked)
        command = AddParty(id=id_, case=found.pk, **asked)
        receipt = perform(command, actor=self.actor, authorship=signed)
        told: dict[str, Any] = {"proposal": None, "joined_at": None, "receipt": receipt_facts(receipt)}
        if receipt.events[0].type == "PartyProposed":
            waiting = together.question(self.actor, found, proposals.proposal_of(command))
            told |= {"party": waiting.proposal.party, "role": asked["role"], "proposal": waiting}
        else:
            joined = reads.everyone_in(self.actor, found).get(party=asked["party"])
            told |= {"party": joined.party, "role": joined.role, "joined_at": joined.joined_at}
        return Response(JoiningWithReceipt(told).data, status=201)


class Leave(Door):
    """Your party's leaving."""

    @extend_schema(
        operation_id="cases_leave", parameters=[CASE, KEY], request=Leaving, responses=Left, tags=["Cases"]
    )
    def post(self, request: Request, case: str) -> Response:
        """Leave the case. Your party sees nothing of it from then on, and what it had shared in it is shared
        no longer. The lead hands the case over first; a legal hold is lifted first."""
        found = self.case(case)
        asked = self.asked(Leaving)
        id_, signed = self.signed(asked)
        command = LeaveCase(id=id_, case=found.pk, **asked)
        receipt = perform(command, actor=self.actor, authorship=signed)
        return Response(Left({"receipt": receipt_facts(receipt)}).data)


class Lead(Door):
    """The lead of a case."""

    @extend_schema(
        operation_id="cases_offer_lead",
        parameters=[CASE, KEY],
        request=LeadOffer,
        responses={201: ProposalWithReceipt},
        tags=["Cases"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Offer the lead to a partner; it passes on once that party accepts."""
        found = self.case(case)
        asked = self.asked(LeadOffer)
        id_, signed = self.signed(asked)
        command = OfferLead(id=id_, case=found.pk, **asked)
        receipt = perform(command, actor=self.actor, authorship=signed)
        offered = together.question(self.actor, found, proposals.proposal_of(command))
        return Response(_told(offered, receipt), status=201)


class _Answer(Door):
    kind: str

    def answered(self, case: str, proposal: str, answer: str) -> Response:
        """Give an answer of this kind to a proposal of this kind."""
        found = self.case(case)
        known = together.question(self.actor, found, proposal, kind=self.kind)
        if answer not in ANSWERS[self.kind]:
            raise Unseen
        name, reasoned = ANSWERS[self.kind][answer]
        asked = self.asked(AnswerToProposal)
        id_, signed = self.signed(asked)
        said = {"reason": asked["reason"]} if reasoned else {}
        command = getattr(proposals, name)(id=id_, case=found.pk, proposal=known.proposal.pk, **said)
        receipt = perform(command, actor=self.actor, authorship=signed)
        return Response(_told(together.question(self.actor, found, known.proposal.pk), receipt))


class PartyProposal(_Answer):
    """A party that is proposed."""

    kind = "party"

    @extend_schema(
        operation_id="cases_answer_party",
        parameters=[CASE, PROPOSAL, _answer("party"), KEY],
        request=AnswerToProposal,
        responses=ProposalWithReceipt,
        tags=["Cases"],
    )
    def post(self, request: Request, case: str, proposal: str, answer: str) -> Response:
        """Consent to a proposed party, object to it, or withdraw your own proposal. The last consent lets the
        party in; one objection ends the proposal."""
        return self.answered(case, proposal, answer)


class Closing(_Answer):
    """A closing that is proposed."""

    kind = "closing"

    @extend_schema(
        operation_id="cases_answer_closing",
        parameters=[CASE, PROPOSAL, _answer("closing"), KEY],
        request=AnswerToProposal,
        responses=ProposalWithReceipt,
        tags=["Cases"],
    )
    def post(self, request: Request, case: str, proposal: str, answer: str) -> Response:
        """Agree that the case is closed, dissent, which is recorded with its reason, or withdraw your own
        proposal. The last answer closes the case."""
        return self.answered(case, proposal, answer)


class LeadProposal(_Answer):
    """A lead that is offered."""

    kind = "lead"

    @extend_schema(
        operation_id="cases_answer_lead",
        parameters=[CASE, PROPOSAL, _answer("lead"), KEY],
        request=AnswerToProposal,
        responses=ProposalWithReceipt,
        tags=["Cases"],
    )
    def post(self, request: Request, case: str, proposal: str, answer: str) -> Response:
        """Accept the lead, refuse it, or withdraw your own offer."""
        return self.answered(case, proposal, answer)


def _told(question: Question, receipt: Receipt) -> dict[str, Any]:
    told = {
        "proposal": question.proposal,
        "answers": question.answers,
        "waits_for": question.waits_for,
        "receipt": receipt_facts(receipt),
    }
    return dict(ProposalWithReceipt(told).data)
