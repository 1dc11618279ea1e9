"""The read models: what the events say, in the shape that pages need. Only cases/projections writes them."""

from cases.models.case import Case, CaseGroupObjectPermission, Participation
from cases.models.evidence import CustodyEvent, EvidenceItem
from cases.models.keys import PartyKey
from cases.models.parties import ApiToken, Member, Party
from cases.models.proposals import Proposal, ProposalAnswer
from cases.models.referral import Referral, ReferralConsent, ReferralNote
from cases.models.sharing import Share, ShareItem
from cases.models.stamping import AuthorityHealth
from cases.models.transfer import CustodyOffer, Disposal, Holding
from cases.models.wall import EvidenceItemGroupObjectPermission, EvidenceItemUserObjectPermission

__all__ = [
    "ApiToken",
    "AuthorityHealth",
    "Case",
    "CaseGroupObjectPermission",
    "CustodyEvent",
    "CustodyOffer",
    "Disposal",
    "EvidenceItem",
    "EvidenceItemGroupObjectPermission",
    "EvidenceItemUserObjectPermission",
    "Holding",
    "Member",
    "Participation",
    "Party",
    "PartyKey",
    "Proposal",
    "ProposalAnswer",
    "Referral",
    "ReferralConsent",
    "ReferralNote",
    "Share",
    "ShareItem",
]
