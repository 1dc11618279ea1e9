"""Who may do what, and in which state: one table. check() enforces it, offers() draws the buttons from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.refusals import Forbidden, Refused, Unseen
from cases.rules.acting import Actor
from cases.rules.case import CreateCase
from cases.rules.custody import ExamineEvidence
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
    no: str = ""


LEADS = "lead_investigator"
ALL = "lead_investigator investigator custodian counsel viewer"
LIVE = "draft open contained"
ANY = "draft open contained closed"

# fmt: off
POLICY: Mapping[str, Row] = {
    # command                     who                                            part                     case status        item states           own item, why not
    "RegisterParty":          Row("operator"),
    "AdmitMember":            Row("operator"),
    "DisableMember":          Row("operator"),
    "EnableMember":           Row("operator"),
    "IssueToken":             Row(f"operator {ALL}"),  # a member: only for itself
    "RevokeToken":            Row(f"operator {ALL}"),

    "CreateCase":             Row("lead_investigator investigator"),
    "ReviseCase":             Row("lead_investigator investigator",              "lead",                  LIVE,              no="A closed case is not revised; reopen it first."),
    "OpenCase":               Row(LEADS,                                         "lead",                  "draft",           no="Only a draft is opened."),
    "ContainCase":            Row(LEADS,                                         "lead",                  "open",            no="Only an open case becomes contained."),
    "CloseCase":              Row("lead_investigator counsel",                   "lead",                  "open contained",  no="Only an open or contained case is closed."),
    "ReopenCase":             Row(LEADS,                                         "lead",                  "closed contained", no="Only a closed or contained case is reopened."),
    "PlaceLegalHold":         Row("lead_investigator counsel",                   "lead partner",          ANY),
    "LiftLegalHold":          Row("lead_investigator counsel",                   "lead partner",          ANY),
    "AddParty":               Row(LEADS,                                         "lead",                  LIVE,              no="No party joins a closed case."),

    "AcquireEvidence":        Row("lead_investigator investigator custodian",    "lead partner",          LIVE,              no="A closed case takes no evidence; reopen it first."),
    "DiscloseEvidence":       Row("lead_investigator custodian counsel",         "lead partner",          LIVE,              "sealed searchable indexed quarantined", True, no="Nothing is disclosed in a closed case; reopen it first."),
    "ExamineEvidence":        Row(f"worker {ALL}",                               "lead partner observer", ANY,               "sealed searchable indexed quarantined"),

    "DeriveEvidence":         Row("worker",                                      "lead partner observer", ANY),
    "VerifyEvidence":         Row("worker",                                      "lead partner observer", ANY,               "sealed",             True),
    "MakeEvidenceSearchable": Row("worker",                                      "lead partner observer", ANY,               "sealed",             True),
    "IndexEvidence":          Row("worker",                                      "lead partner observer", ANY,               "sealed searchable",  True),
    "QuarantineEvidence":     Row("worker",                                      "lead partner observer", ANY,               "sealed searchable",  True),
    "RetryEvidence":          Row("operator",                                    "",                      ANY,               "quarantined"),
}
# fmt: on

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
        raise Refused("case-status", row.no or f"This cannot be done while the case is {state.case.status}.")
    if known and row.item and known.state not in row.item.split():
        raise Refused("item-state", f"This cannot be done while the item is {known.state}.")


def offers(actor: Actor, thing: "Case | EvidenceItem") -> set[str]:
    """The names of the commands that this actor may give on a case or item, as it stands. `thing` comes from reads."""
    case = getattr(thing, "case", thing)
    item = thing if case is not thing else None
    return {
        name
        for name, row in POLICY.items()
        if actor.role in row.who.split()
        and case.my_part in row.part.split()
        and case.status in row.case.split()
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
    return False
