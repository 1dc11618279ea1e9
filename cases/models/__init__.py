"""The read models: what the events say, in the shape that pages need. Only cases/projections writes them."""

from cases.models.case import Case, CaseGroupObjectPermission, Participation
from cases.models.evidence import CustodyEvent, EvidenceItem, EvidenceItemGroupObjectPermission
from cases.models.keys import PartyKey
from cases.models.parties import ApiToken, Member, Party
from cases.models.stamping import AuthorityHealth

__all__ = [
    "ApiToken",
    "AuthorityHealth",
    "Case",
    "CaseGroupObjectPermission",
    "CustodyEvent",
    "EvidenceItem",
    "EvidenceItemGroupObjectPermission",
    "Member",
    "Participation",
    "Party",
    "PartyKey",
]
