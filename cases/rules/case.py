"""A case: its life from draft to closed, its holds, and the parties in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Invalid, Refused
from cases.rules import proposal_events, values
from cases.rules.proposal_events import LeadAccepted, Proposal, ProposalEvent, lapsing
from cases.rules.shape import CASE_STREAM, LOG_STREAM, CaseCommand, Event, Rules

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

# Commands


@dataclass(frozen=True, kw_only=True)
class CreateCase(CaseCommand):
    """Start a case, in draft, led by the actor's party. An empty reference lets the host draw a free one."""

    reference: str = ""
    title: str
    summary: str = ""
    category: str = "other"
    severity: str = "medium"
    tlp: str = "TLP:AMBER"

    @property
    def streams(self) -> tuple[str, ...]:
        return (LOG_STREAM, CASE_STREAM)


@dataclass(frozen=True, kw_only=True)
class ReviseCase(CaseCommand):
    """Change what is said about a case; None leaves a field as it is."""

    title: str | None = None
    summary: str | None = None
    category: str | None = None
    severity: str | None = None
    tlp: str | None = None


@dataclass(frozen=True, kw_only=True)
class OpenCase(CaseCommand):
    """Take a case out of draft."""


@dataclass(frozen=True, kw_only=True)
class _WithReason(CaseCommand):
    reason: str


@dataclass(frozen=True, kw_only=True)
class ContainCase(_WithReason):
    """Say that the abuse is stopped while the case goes on."""


@dataclass(frozen=True, kw_only=True)
class CloseCase(_WithReason):
    """End a case: proposed where another party has to agree, else at once."""


@dataclass(frozen=True, kw_only=True)
class ReopenCase(_WithReason):
    """Take up a closed case again."""


@dataclass(frozen=True, kw_only=True)
class PlaceLegalHold(_WithReason):
    """Forbid disposal of anything in the case, for the actor's party."""


@dataclass(frozen=True, kw_only=True)
class LiftLegalHold(_WithReason):
    """End the hold of the actor's own party."""


@dataclass(frozen=True, kw_only=True)
class AddParty(CaseCommand):
    """Bring another party into a case, as partner or observer: proposed where another party has to consent,
    else at once."""

    party: UUID
    role: str


# Events


@dataclass(frozen=True, kw_only=True)
class PartyKeys:
    """A party named at index 0 of a log, with its public keys."""

    party: UUID
    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LogOpened(Event):
    """Index 0 of every log: what it is, whose key signs it, who is in it, and by which policy it is run."""

    origin: str
    host_key_id: str
    host_key: str
    parties: tuple[PartyKeys, ...]
    policy: str

    @property
    def stream(self) -> str:
        return LOG_STREAM


@dataclass(frozen=True, kw_only=True)
class _CaseEvent(Event):
    @property
    def stream(self) -> str:
        return CASE_STREAM


@dataclass(frozen=True, kw_only=True)
class CaseCreated(_CaseEvent):
    reference: str
    title: str
    summary: str
    category: str
    severity: str
    tlp: str
    lead: UUID


@dataclass(frozen=True, kw_only=True)
class CaseRevised(_CaseEvent):
    title: str | None
    summary: str | None
    category: str | None
    severity: str | None
    tlp: str | None


@dataclass(frozen=True, kw_only=True)
class CaseOpened(_CaseEvent):
    pass


@dataclass(frozen=True, kw_only=True)
class CaseContained(_CaseEvent):
    reason: str


@dataclass(frozen=True, kw_only=True)
class CaseClosed(_CaseEvent):
    """With the proposal that all have answered, whose reason is the case's; without one the lead closed it
    alone."""

    reason: str
    proposal: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class CaseReopened(_CaseEvent):
    reason: str


@dataclass(frozen=True, kw_only=True)
class LegalHoldPlaced(_CaseEvent):
    party: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class LegalHoldLifted(_CaseEvent):
    party: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class PartyAdded(_CaseEvent):
    party: UUID
    name: str
    role: str
    keys: tuple[str, ...] = ()
    proposal: UUID | None = None
    again: bool = False
    """Whether it was in the case before, and had left."""


@dataclass(frozen=True, kw_only=True)
class PartyLeft(_CaseEvent):
    """The party sees nothing of the case from here on, and what it had shared in it is shared no longer."""

    party: UUID
    reason: str


# State


@dataclass(frozen=True, kw_only=True)
class CaseState:
    """One case, as its stream tells."""

    status: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[UUID, str] = field(default_factory=dict)
    holds: frozenset[UUID] = frozenset()
    proposals: Mapping[UUID, Proposal] = field(default_factory=dict)
    left: frozenset[UUID] = frozenset()

    @property
    def exists(self) -> bool:
        return bool(self.status)

    def after(self, event: Event) -> "CaseState":
        match event:
            case CaseCreated():
                said = {name: getattr(event, name) for name in SAID}
                return CaseState(status="draft", said=said, parts={event.lead: "lead"})
            case CaseRevised():
                return replace(self, said={**self.said, **_changes(event)})
            case CaseOpened() | CaseReopened():
                return replace(self, status="open")
            case CaseContained():
                return replace(self, status="contained")
            case CaseClosed():
                rest = proposal_events.without(self.proposals, event.proposal)
                return replace(self, status="closed", proposals=rest)
            case PartyAdded():
                return replace(
                    self,
                    parts={**self.parts, event.party: event.role},
                    left=self.left - {event.party},
                    proposals=proposal_events.without(self.proposals, event.proposal),
                )
            case PartyLeft():
                parts = {party: part for party, part in self.parts.items() if party != event.party}
                return replace(self, parts=parts, left=self.left | {event.party})
            case ProposalEvent():
                parts = dict(self.parts)
                if isinstance(event, LeadAccepted):
                    parts |= {event.before: "partner", event.lead: "lead"}
                return replace(self, parts=parts, proposals=proposal_events.after(self.proposals, event))
            case LegalHoldPlaced():
                return replace(self, holds=self.holds | {event.party})
            case LegalHoldLifted():
                return replace(self, holds=self.holds - {event.party})
        return self


SAID = ("title", "summary", "category", "severity", "tlp")


def _changes(said: "CaseRevised") -> dict[str, str]:
    return {name: getattr(said, name) for name in SAID if getattr(said, name) is not None}


# Rules


def create_case(command: CreateCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    if state.case.exists:
        raise Refused("case-exists", "This case exists already.")
    reference = values.text(command.reference, "reference", "The reference", most=40)
    if reference and actor.via != "cli":
        # Who may choose could find out, by trying, which cases of others exist.
        raise Invalid("reference", "A case's reference is drawn by the host.", code="reference-drawn")
    if state.around.reference_taken:
        raise Invalid("reference", "Another case has this reference.", code="reference-taken")
    said = _said(command)
    return [CaseCreated(reference=reference or state.around.free_reference, lead=actor.party, **said)]


def revise_case(command: ReviseCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    said = {name: value for name, value in _said(command).items() if value != state.case.said[name]}
    if not said:
        raise Refused("nothing-changed", "Nothing would change.")
    return [CaseRevised(**{name: said.get(name) for name in SAID})]


def open_case(command: OpenCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [CaseOpened(), *lapsing(state.case.proposals, "status")]


def contain_case(command: ContainCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [CaseContained(reason=_reason(command)), *lapsing(state.case.proposals, "status")]


def reopen_case(command: ReopenCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [CaseReopened(reason=_reason(command)), *lapsing(state.case.proposals, "status")]


def place_legal_hold(command: PlaceLegalHold, state: "Known", actor: "Actor") -> Sequence[Event]:
    if actor.party in state.case.holds:
        raise Refused("hold-placed", "Your party holds this case already.")
    return [LegalHoldPlaced(party=actor.party, reason=_reason(command))]


def lift_legal_hold(command: LiftLegalHold, state: "Known", actor: "Actor") -> Sequence[Event]:
    if actor.party not in state.case.holds:
        raise Refused("no-hold", "Your party has no hold on this case.")
    return [LegalHoldLifted(party=actor.party, reason=_reason(command))]


def _reason(command: _WithReason) -> str:
    return values.text(command.reason, "reason", "The reason", most=2_000, needed=True)


def _said(command: CreateCase | ReviseCase) -> dict[str, str]:
    said: dict[str, str] = {}
    if command.title is not None:
        said["title"] = values.text(command.title, "title", "The title", most=200, needed=True)
    if command.summary is not None:
        said["summary"] = values.text(command.summary, "summary", "The summary", most=10_000)
    if command.category is not None:
        said["category"] = values.choice(command.category, "category", "The category", values.CATEGORIES)
    if command.severity is not None:
        said["severity"] = values.choice(command.severity, "severity", "The severity", values.SEVERITIES)
    if command.tlp is not None:
        said["tlp"] = values.choice(command.tlp, "tlp", "The marking", values.TLP)
    return said


RULES: Rules = {
    CreateCase: create_case,
    ReviseCase: revise_case,
    OpenCase: open_case,
    ContainCase: contain_case,
    ReopenCase: reopen_case,
    PlaceLegalHold: place_legal_hold,
    LiftLegalHold: lift_legal_hold,
}
EVENTS = (
    LogOpened,
    CaseCreated,
    CaseRevised,
    CaseOpened,
    CaseContained,
    CaseClosed,
    CaseReopened,
    LegalHoldPlaced,
    LegalHoldLifted,
    PartyAdded,
    PartyLeft,
)
