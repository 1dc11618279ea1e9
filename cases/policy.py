"""Who may do what, and in which state: one table. check() enforces it, offers() draws the buttons from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from cases.refusals import Forbidden, Refused, Unseen
from cases.rules.acting import Actor
from cases.rules.case import CreateCase
from cases.rules.custody import ItemState
from cases.rules.examining import ExamineEvidence
from cases.rules.keys import CopyKeys, RegisterKey, RequireSignatures, RevokeKey
from cases.rules.known import Known
from cases.rules.parties import IssueToken, RevokeToken
from cases.rules.referral import OVER
from cases.rules.referral_events import STATUSES as REFERRALS
from cases.rules.shape import CaseCommand, Command
from cases.rules.share_events import STATUSES
from cases.rules.transfer import CheckOfferedBytes

if TYPE_CHECKING:
    from cases.models import Case, EvidenceItem


@dataclass(frozen=True)
class Row:
    """Who (roles of members, or the worker, or the operator), whose part in the case, and which states; of a
    share also which side."""

    who: str
    part: str = ""
    case: str = ""
    item: str = ""
    own: bool = False
    held: bool = False
    side: str = ""
    share: str = ""
    referral: str = ""


HOST, WORKER = "operator", "worker"
LEADERS = "lead_investigator"
INVESTIGATORS = "lead_investigator investigator"
COLLECTORS = "lead_investigator investigator custodian"
SHARERS = "lead_investigator custodian counsel"
LAWYERS = "lead_investigator counsel"
ANSWERERS = "lead_investigator investigator counsel"
EVERYBODY = "lead_investigator investigator custodian counsel viewer"

LEAD, PARTNER, ACTIVE, PRESENT = "lead", "partner", "lead partner", "lead partner observer"
LIVE, ANY = "draft open contained", "draft open contained closed"
KEPT = "sealed searchable indexed quarantined"
THERE = f"{KEPT} stored"  # an object is there, and has no content
EVER = f"{THERE} released disposed"
OWN = HELD = True
GIVER, RECEIVER, GOING = "giver", "receiver", "offered accepted"
SENDER, ASKED = "sender", "asked"
CONSENTING, UNANSWERED = "consenting", "consenting waiting"

# fmt: off
POLICY: Mapping[str, Row] = {
    # command                     who                       part     case   item state           own item
    "RegisterParty":          Row(HOST),
    "AdmitMember":            Row(HOST),
    "DisableMember":          Row(HOST),
    "EnableMember":           Row(HOST),
    "IssueToken":             Row(f"{HOST} {EVERYBODY}"),  # a member: only its own
    "RevokeToken":            Row(f"{HOST} {EVERYBODY}"),
    "RegisterKey":            Row(EVERYBODY),  # its own; a witness's: LAWYERS
    "RotateKey":              Row(EVERYBODY),  # as RegisterKey
    "RevokeKey":              Row(EVERYBODY),  # its own; any of the party's: LAWYERS
    "RequireSignatures":      Row(LAWYERS),

    "CreateCase":             Row(INVESTIGATORS),
    "ReviseCase":             Row(INVESTIGATORS,            LEAD,    LIVE),
    "OpenCase":               Row(LEADERS,                  LEAD,    "draft"),
    "ContainCase":            Row(LEADERS,                  LEAD,    "open"),
    "CloseCase":              Row(LAWYERS,                  LEAD,    "open contained"),  # others are asked
    "AgreeToClose":           Row(LAWYERS,                  ACTIVE,  "open contained"),
    "DissentFromClosing":     Row(LAWYERS,                  ACTIVE,  "open contained"),
    "ReopenCase":             Row(LEADERS,                  LEAD,    "contained closed"),
    "PlaceLegalHold":         Row(LAWYERS,                  ACTIVE,  ANY),
    "LiftLegalHold":          Row(LAWYERS,                  ACTIVE,  ANY),
    "AddParty":               Row(LEADERS,                  ACTIVE,  LIVE),  # others are asked
    "ConsentToParty":         Row(LAWYERS,                  ACTIVE,  LIVE),
    "ObjectToParty":          Row(LAWYERS,                  ACTIVE,  LIVE),
    "OfferLead":              Row(LAWYERS,                  LEAD,    ANY),
    "AcceptLead":             Row(LAWYERS,                  PARTNER, ANY),
    "RefuseLead":             Row(LAWYERS,                  PARTNER, ANY),
    "WithdrawProposal":       Row(LAWYERS,                  ACTIVE,  ANY),  # what its own party proposed
    "LeaveCase":              Row(LAWYERS,                  PRESENT, ANY),  # not the lead, nor who holds it

    "AcquireEvidence":        Row(COLLECTORS,               ACTIVE,  LIVE),
    "ExamineEvidence":        Row(EVERYBODY,               PRESENT, ANY,  KEPT),
    "EraseValues":            Row(LAWYERS,                  PRESENT, ANY),  # its own entries, and no hold

    # of a share:                                                                    whose    its state
    "OfferShare":             Row(SHARERS,                  ACTIVE,  LIVE),
    "ChangeShare":            Row(SHARERS,                  ACTIVE,  LIVE, side=GIVER,    share=GOING),
    "AcceptShare":            Row(SHARERS,                  PRESENT, LIVE, side=RECEIVER, share=GOING),
    "RefuseShare":            Row(SHARERS,                  PRESENT, ANY,  side=RECEIVER, share=GOING),
    "RevokeShare":            Row(SHARERS,                  PRESENT, ANY,  side=GIVER,    share=GOING),
    "GiveUpShare":            Row(SHARERS,                  PRESENT, ANY,  side=RECEIVER, share="accepted"),

    # of a referral: its receiver has no part in the case                              whose    its state
    "SendReferral":           Row(LAWYERS,                  ACTIVE,  LIVE),
    "AskBack":                Row(ANSWERERS,                "",      LIVE, side=RECEIVER, referral="waiting"),
    "AnswerReferral":         Row(ANSWERERS,                ACTIVE,  LIVE, side=SENDER,   referral="waiting"),
    "AcceptReferral":         Row(LAWYERS,                  "",      LIVE, side=RECEIVER, referral="waiting"),
    "RefuseReferral":         Row(LAWYERS,                  "",      ANY,  side=RECEIVER, referral="waiting"),
    "WithdrawReferral":       Row(LAWYERS,                  PRESENT, ANY,  side=SENDER, referral=UNANSWERED),
    "ConsentToReferral":      Row(LAWYERS,                  ACTIVE,  LIVE, side=ASKED, referral=CONSENTING),
    "ObjectToReferral":       Row(LAWYERS,                  ACTIVE,  LIVE, side=ASKED, referral=CONSENTING),

    # of custody:                                                                       held by oneself
    "OfferCustodyTransfer":   Row(SHARERS,                  ACTIVE,  LIVE, THERE,               held=HELD),
    "AcceptCustodyTransfer":  Row(SHARERS,                  ACTIVE,  LIVE, THERE),  # whom it is offered to
    "RefuseCustodyTransfer":  Row(SHARERS,                  ACTIVE,  ANY,  THERE),  # the same
    "WithdrawCustodyTransfer": Row(SHARERS,                 ACTIVE,  ANY,  THERE),  # who offered
    "ExtractEvidence":        Row(COLLECTORS,               ACTIVE,  LIVE),  # from its own
    "RecordPhysicalItem":     Row(COLLECTORS,               ACTIVE,  LIVE),
    "MovePhysicalItem":       Row(COLLECTORS,               ACTIVE,  ANY,  "stored",            held=HELD),
    "ReleaseEvidence":        Row(LAWYERS,                  ACTIVE,  ANY,  THERE,               OWN, HELD),
    "ProposeDisposal":        Row(LAWYERS,                  ACTIVE,  ANY,  f"{THERE} released", OWN, HELD),
    "DisposeEvidence":        Row(EVERYBODY,                PRESENT, ANY,  f"{THERE} released"),  # witness
    "CancelDisposal":         Row(EVERYBODY,                PRESENT, ANY,  f"{THERE} released"),
    "CorrectCustody":         Row(EVERYBODY,                PRESENT, ANY,  EVER),  # its own party's entries

    "CheckOfferedBytes":      Row(WORKER,                   PRESENT, ANY,  THERE),
    "CopyKeys":               Row(WORKER,                   PRESENT, ANY),
    "DeriveEvidence":         Row(WORKER,                   PRESENT, ANY),
    "VerifyEvidence":         Row(WORKER,                   PRESENT, ANY,  "sealed",            OWN),
    "MakeEvidenceSearchable": Row(WORKER,                   PRESENT, ANY,  "sealed",            OWN),
    "IndexEvidence":          Row(WORKER,                   PRESENT, ANY,  "sealed searchable", OWN),
    "QuarantineEvidence":     Row(WORKER,                   PRESENT, ANY,  "sealed searchable", OWN),
    "BreakOffDownload":       Row(WORKER,                   PRESENT, ANY,  own=OWN),
    "RetryEvidence":          Row(HOST,                     "",      ANY,  "quarantined"),
}
# fmt: on

NOT_NOW: Mapping[str, str] = {
    "ReviseCase": "A closed case is not revised; reopen it first.",
    "OpenCase": "Only a draft is opened.",
    "ContainCase": "Only an open case becomes contained.",
    "CloseCase": "Only an open or contained case is closed.",
    "ReopenCase": "Only a contained or closed case is reopened.",
    "AgreeToClose": "Only an open or contained case is closed.",
    "DissentFromClosing": "Only an open or contained case is closed.",
    "AddParty": "No party joins a closed case.",
    "ConsentToParty": "No party joins a closed case.",
    "ObjectToParty": "No party joins a closed case.",
    "AcquireEvidence": "A closed case takes no evidence; reopen it first.",
    "OfferShare": "Nothing is shared in a closed case; reopen it first.",
    "OfferCustodyTransfer": "Custody is not offered in a closed case; reopen it first.",
    "AcceptCustodyTransfer": "Custody is not taken over in a closed case; reopen it first.",
    "ExtractEvidence": "No extract is made in a closed case; reopen it first.",
    "RecordPhysicalItem": "A closed case takes no evidence; reopen it first.",
    "ChangeShare": "No terms are changed in a closed case; reopen it first.",
    "AcceptShare": "No share is accepted in a closed case; reopen it first.",
    "SendReferral": "Nothing is referred from a closed case; reopen it first.",
    "AnswerReferral": "Nothing is answered in a closed case; reopen it first.",
    "ConsentToReferral": "No party is brought into a closed case.",
    "ObjectToReferral": "No party is brought into a closed case.",
    # Whoever hears these is not in the case, and must not learn how it stands.
    "AcceptReferral": OVER,
    "AskBack": "Nothing more can be asked about this referral.",
}
"""What a person hears whose command does not fit the case's status."""

BINDING = frozenset(
    {
        "CloseCase",
        "ReopenCase",
        "AddParty",
        "ConsentToParty",
        "ObjectToParty",
        "AgreeToClose",
        "DissentFromClosing",
        "OfferLead",
        "AcceptLead",
        "RefuseLead",
        "WithdrawProposal",
        "LeaveCase",
        "OfferShare",
        "ChangeShare",
        "AcceptShare",
        "RevokeShare",
        "SendReferral",
        "AcceptReferral",
        "OfferCustodyTransfer",
        "AcceptCustodyTransfer",
        "RefuseCustodyTransfer",
        "ReleaseEvidence",
        "ProposeDisposal",
        "DisposeEvidence",
        "PlaceLegalHold",
        "LiftLegalHold",
        "RevokeKey",
        "RequireSignatures",
    }
)
"""Commands that bind a party: they may carry the member's own signature, and a party may ask for it."""

DIGEST = hashlib.sha256(
    json.dumps({name: vars(row) for name, row in POLICY.items()}, sort_keys=True).encode()
).hexdigest()
"""Goes into index 0 of every log, so that each party can tell by which table it is run."""


def check(command: Command, state: Known, actor: Actor) -> None:
    """Refuse unless this actor may do this now. Who may not know of a thing hears that there is none."""
    row = POLICY[type(command).__name__]
    if not isinstance(command, CaseCommand):
        _allowed(row, actor)
        if actor.kind == "member" and not _about_itself(command, state, actor):
            raise Unseen
        _lawyers_keys(command, state, actor)
        return
    if isinstance(command, CreateCase):
        _allowed(row, actor)
        return
    part = state.case.parts.get(actor.party, "")
    if row.referral:
        _referral(command, row, state, actor, part)
        return
    if isinstance(command, CopyKeys) and state.around.awaited:
        _allowed(row, actor)  # it may sign its answer, and so its keys come first
        return
    if not state.case.exists or (not part and actor.kind != "operator"):
        raise Unseen
    known = _known_of(command, row, state, actor)
    _allowed(row, actor)
    if row.part and part not in row.part.split():
        raise Forbidden("part", f"Your party's part in this case, {part}, does not allow this.")
    if row.side and getattr(state.share, row.side) != actor.party:
        raise Forbidden(f"not-{row.side}", f"Only the {row.side} of this share may do this.")
    if known:
        _owns_or_holds(known, row, actor)
    if state.case.status not in row.case.split():
        raise Refused("case-status", NOT_NOW[type(command).__name__])
    if known and row.item and known.state not in row.item.split():
        raise Refused("item-state", f"This cannot be done while the item is {known.state}.")
    if row.share and state.share.status not in row.share.split():
        named = STATUSES[state.share.status].lower()
        raise Refused("share-state", f"This cannot be done any more: the share is {named}.")


def _known_of(command: Command, row: Row, state: Known, actor: Actor) -> ItemState | None:
    """The item that a command is about, if there is one yet. Raises Unseen for an item, content or share that
    this actor may not know of."""
    item = getattr(command, "item", None) if getattr(command, "item", None) in state.items else None
    known = state.items[item] if item else None
    # The worker that hashes for who is asked tells whether a hash is equal, and no more.
    anyway = actor.kind == "operator" or isinstance(command, CheckOfferedBytes)
    if known and known.exists and item not in state.around.visible and not anyway:
        raise Unseen
    if known and not known.exists and row.item:
        raise Unseen
    if isinstance(command, ExamineEvidence) and any(
        (each.item, each.how) not in state.around.readable for each in command.examinations
    ):
        raise Unseen
    if row.share and actor.party not in (state.share.giver, state.share.receiver):
        raise Unseen
    return known


def _owns_or_holds(known: ItemState, row: Row, actor: Actor) -> None:
    if row.own and known.owner != actor.party:
        raise Forbidden("not-owner", "Only the party that owns the item may do this.")
    if row.held and known.custody.holder != actor.party:
        raise Forbidden("not-holder", "Only the party that holds the item may do this.")


def offers(actor: Actor, thing: "Case | EvidenceItem") -> set[str]:
    """The commands, by name, that this actor may give on a case or item as it stands; `thing` comes from
    reads. Those that belong to one side of a share or referral are not among them."""
    item = None if hasattr(thing, "my_part") else thing
    case = item.case if item is not None else cast("Case", thing)
    return {
        name
        for name, row in POLICY.items()
        if may(actor, name, part=case.my_part, status=case.status)
        and not row.side
        and bool(row.item) == (item is not None)
        and (item is None or item.state in row.item.split())
        and (item is None or not row.own or item.owner_id == actor.party)
        and (item is None or not row.held or item.holder_id == actor.party)
    }


def may(actor: Actor, name: str, *, part: str, status: str) -> bool:
    """Whether the table lets this actor give a command of this name in a case where its party has `part`."""
    row = POLICY[name]
    return actor.role in row.who.split() and part in row.part.split() and status in row.case.split()


def _allowed(row: Row, actor: Actor) -> None:
    if actor.role not in row.who.split():
        raise Forbidden("role", f"Your role, {actor.role.replace('_', ' ')}, does not allow this.")


def _referral(command: CaseCommand, row: Row, state: Known, actor: Actor, part: str) -> None:
    """Who has no part in the case may do what a receiver does with its own referral, and for the rest there
    is nothing here; the same goes for the other parties of the case."""
    side = state.referral.side_of(actor.party)
    if not state.case.exists or not side or (side != row.side and not part):
        raise Unseen
    _allowed(row, actor)
    if side != row.side:
        raise Forbidden(f"not-{row.side}", "This is for another side of the referral.")
    if row.part and part not in row.part.split():
        raise Forbidden("part", f"Your party's part in this case, {part or 'none'}, does not allow this.")
    if state.referral.status not in row.referral.split():
        named = REFERRALS[state.referral.status].lower()
        raise Refused("referral-state", f"This cannot be done any more: the referral is {named}.")
    if state.case.status not in row.case.split():
        raise Refused("case-status", NOT_NOW[type(command).__name__])


def _about_itself(command: Command, state: Known, actor: Actor) -> bool:
    match command:
        case IssueToken():
            return command.member == actor.member
        case RevokeToken():
            return state.token.member == actor.member
        case RegisterKey():
            return command.party == actor.party and command.member in (None, actor.member)
        case RevokeKey():
            return command.party == actor.party and command.key in state.keyring.keys
        case RequireSignatures():
            return command.party == actor.party
    return False


def _lawyers_keys(command: Command, state: Known, actor: Actor) -> None:
    match command:
        case RegisterKey():
            own = command.member is not None
        case RevokeKey():
            own = state.keyring.keys[command.key].member == actor.member
        case _:
            return
    if not own and actor.role not in LAWYERS.split():
        raise Forbidden("role", "Only a lead investigator or counsel decides on keys that are not its own.")
