"""Who may do what, and in which state: one table. check() enforces it, offers() draws the buttons from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from cases.refusals import Forbidden, Refused, Unseen
from cases.rules.acting import Actor
from cases.rules.case import CreateCase
from cases.rules.custody import ExamineEvidence
from cases.rules.keys import RegisterKey, RequireSignatures, RevokeKey
from cases.rules.known import Known
from cases.rules.parties import IssueToken, RevokeToken
from cases.rules.shape import CaseCommand, Command

if TYPE_CHECKING:
    from cases.models import Case, EvidenceItem


@dataclass(frozen=True)
class Row:
    """Who (roles of members, or the worker, or the operator), whose part in the case, and which states."""

    who: str
    part: str = ""
    case: str = ""
    item: str = ""
    own: bool = False


HOST, WORKER = "operator", "worker"
LEADERS = "lead_investigator"
INVESTIGATORS = "lead_investigator investigator"
COLLECTORS = "lead_investigator investigator custodian"
DISCLOSERS = "lead_investigator custodian counsel"
LAWYERS = "lead_investigator counsel"
EVERYBODY = "lead_investigator investigator custodian counsel viewer"

LEAD, ACTIVE, PRESENT = "lead", "lead partner", "lead partner observer"
LIVE, ANY = "draft open contained", "draft open contained closed"
KEPT = "sealed searchable indexed quarantined"
OWN = True

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
    "CloseCase":              Row(LAWYERS,                  LEAD,    "open contained"),
    "ReopenCase":             Row(LEADERS,                  LEAD,    "contained closed"),
    "PlaceLegalHold":         Row(LAWYERS,                  ACTIVE,  ANY),
    "LiftLegalHold":          Row(LAWYERS,                  ACTIVE,  ANY),
    "AddParty":               Row(LEADERS,                  LEAD,    LIVE),

    "AcquireEvidence":        Row(COLLECTORS,               ACTIVE,  LIVE),
    "DiscloseEvidence":       Row(DISCLOSERS,               ACTIVE,  LIVE, KEPT,                OWN),
    "ExamineEvidence":        Row(EVERYBODY,               PRESENT, ANY,  KEPT),
    "EraseValues":            Row(LAWYERS,                  PRESENT, ANY),  # its own entries, and no hold

    "CopyKeys":               Row(WORKER,                   PRESENT, ANY),
    "DeriveEvidence":         Row(WORKER,                   PRESENT, ANY),
    "VerifyEvidence":         Row(WORKER,                   PRESENT, ANY,  "sealed",            OWN),
    "MakeEvidenceSearchable": Row(WORKER,                   PRESENT, ANY,  "sealed",            OWN),
    "IndexEvidence":          Row(WORKER,                   PRESENT, ANY,  "sealed searchable", OWN),
    "QuarantineEvidence":     Row(WORKER,                   PRESENT, ANY,  "sealed searchable", OWN),
    "RetryEvidence":          Row(HOST,                     "",      ANY,  "quarantined"),
}
# fmt: on

NOT_NOW: Mapping[str, str] = {
    "ReviseCase": "A closed case is not revised; reopen it first.",
    "OpenCase": "Only a draft is opened.",
    "ContainCase": "Only an open case becomes contained.",
    "CloseCase": "Only an open or contained case is closed.",
    "ReopenCase": "Only a contained or closed case is reopened.",
    "AddParty": "No party joins a closed case.",
    "AcquireEvidence": "A closed case takes no evidence; reopen it first.",
    "DiscloseEvidence": "Nothing is disclosed in a closed case; reopen it first.",
}
"""What a person hears whose command does not fit the case's status."""

BINDING = frozenset(
    {
        "CloseCase",
        "ReopenCase",
        "DiscloseEvidence",
        "AddParty",
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
    if not state.case.exists or (not part and actor.kind != "operator"):
        raise Unseen
    item = getattr(command, "item", None) if getattr(command, "item", None) in state.items else None
    known = state.items[item] if item else None
    if known and known.exists and not known.seen_by(actor.party) and actor.kind != "operator":
        raise Unseen
    if known and not known.exists and row.item:
        raise Unseen
    if isinstance(command, ExamineEvidence) and any(
        each.item not in state.around.readable for each in command.examinations
    ):
        raise Unseen
    _allowed(row, actor)
    if row.part and part not in row.part.split():
        raise Forbidden("part", f"Your party's part in this case, {part}, does not allow this.")
    if known and row.own and known.owner != actor.party:
        raise Forbidden("not-owner", "Only the party that owns the item may do this.")
    if state.case.status not in row.case.split():
        raise Refused("case-status", NOT_NOW[type(command).__name__])
    if known and row.item and known.state not in row.item.split():
        raise Refused("item-state", f"This cannot be done while the item is {known.state}.")


def offers(actor: Actor, thing: "Case | EvidenceItem") -> set[str]:
    """The commands, by name, that this actor may give on a case or item as it stands; `thing` comes from
    reads."""
    item = None if hasattr(thing, "my_part") else thing
    case = item.case if item is not None else cast("Case", thing)
    return {
        name
        for name, row in POLICY.items()
        if may(actor, name, part=case.my_part, status=case.status)
        and bool(row.item) == (item is not None)
        and (item is None or item.state in row.item.split())
        and (item is None or not row.own or item.owner_id == actor.party)
    }


def may(actor: Actor, name: str, *, part: str, status: str) -> bool:
    """Whether the table lets this actor give a command of this name in a case where its party has `part`."""
    row = POLICY[name]
    return actor.role in row.who.split() and part in row.part.split() and status in row.case.split()


def _allowed(row: Row, actor: Actor) -> None:
    if actor.role not in row.who.split():
        raise Forbidden("role", f"Your role, {actor.role.replace('_', ' ')}, does not allow this.")


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
