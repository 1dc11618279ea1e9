"""Erasing: a party takes back what a free text of its own entry says. That the entry is there, by whom and
when, stays, and so does every proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Forbidden, Invalid, Refused, Unseen
from cases.rules import values
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, Rules

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

ERASED = "(erased)"
"""What is read where a text was erased."""

OF_THE_CASE: Mapping[str, tuple[str, ...]] = {
    "CaseCreated": ("title", "summary"),
    "CaseRevised": ("title", "summary"),
    "CaseContained": ("reason",),
    "CaseClosed": ("reason",),
    "CaseReopened": ("reason",),
    "LegalHoldPlaced": ("reason",),
    "LegalHoldLifted": ("reason",),
    "PartyLeft": ("reason",),
    "PartyObjected": ("reason",),
    "ClosingProposed": ("reason",),
    "ClosingDissented": ("reason",),
    "LeadRefused": ("reason",),
    "ProposalWithdrawn": ("reason",),
}
ERASABLE: Mapping[str, tuple[str, ...]] = {
    **OF_THE_CASE,
    "EvidenceAcquired": (
        "title",
        "source_system",
        "account",
        "tenant",
        "host",
        "acquired_by",
        "method",
        "query",
        "legal_basis",
        "note",
    ),
    "EvidenceReceived": ("filename",),
    "EvidenceSealed": ("filename",),
    "EvidenceDerived": ("title", "note"),
    "EvidenceDisclosed": ("purpose", "legal_basis"),
    "ShareOffered": ("purpose", "legal_basis", "agreement", "summary"),
    "ShareTermsChanged": ("purpose", "legal_basis", "agreement", "summary"),
    "ShareRefused": ("reason",),
    "ShareRevoked": ("reason",),
    "ShareGivenUp": ("reason",),
    "ReferralSent": ("summary", "purpose", "legal_basis", "agreement"),
    "ReferralAsked": ("question",),
    "ReferralAnswered": ("text",),
    "ReferralRefused": ("reason",),
    "ReferralWithdrawn": ("reason",),
    "ReferralObjected": ("reason",),
    "CustodyTransferOffered": ("purpose", "condition", "place"),
    "CustodyTransferAccepted": ("condition", "place"),
    "CustodyTransferRefused": ("reason",),
    "CustodyTransferWithdrawn": ("reason",),
    "PhysicalItemStored": ("place",),
    "PhysicalItemMoved": ("place", "reason"),
    "EvidenceReleased": ("recipient", "reason", "condition", "place"),
    "DisposalProposed": ("reason", "remaining"),
    "DisposalCancelled": ("reason",),
    "EvidenceDisposed": ("reason", "remaining"),
    "CustodyCorrected": ("text",),
    "EvidenceExamined": ("query", "purpose"),
    "ValuesErased": ("reason",),
}
"""The fields of each event in which people write freely, and so about persons. Hashes, ids, times, states,
numbers and markings are what rules and proofs stand on: they stay."""


@dataclass(frozen=True, kw_only=True)
class EraseValues(CaseCommand):
    """Destroy values of an entry that the actor's party made. The same words in the other entries of that act
    go with them."""

    entry: int
    names: tuple[str, ...]
    reason: str

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, f"erasure/{self.id}")


@dataclass(frozen=True, kw_only=True)
class ValuesErased(Event):
    """The fields `names` of an entry that told an `event` were erased; `digests` are what stands for them.
    Who may read that entry may read this one: `items` and `owner` say as much of it as that takes."""

    erasure: UUID
    entry: int
    event: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    items: tuple[UUID, ...]
    owner: UUID | None
    reason: str

    @property
    def stream(self) -> str:
        # What a case's own stream said is remembered by every process that decides on the case; there they
        # learn that they must forget it. Everything else is nobody's memory, and keeps its streams short.
        return CASE_STREAM if self.event in OF_THE_CASE else f"erasure/{self.erasure}"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An entry as it stands: whose it is, and what there is to erase. `signed`: a member's own signature is
    over what it says. `lost`: its opening is not on this host."""

    index: int
    party: UUID
    type: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()
    items: tuple[UUID, ...] = ()
    owner: UUID | None = None
    signed: bool = False
    lost: bool = False

    @property
    def left(self) -> tuple[str, ...]:
        """The fields that may be erased and say something."""
        return tuple(name for name in ERASABLE.get(self.type, ()) if self.texts.get(name))


def erase_values(command: EraseValues, state: "Known", actor: "Actor") -> Sequence[Event]:
    """The entry comes first, then those of the same act that hold the same words."""
    act = state.around.act
    entry = next((one for one in act if one.index == command.entry), None)
    if entry is None:
        raise Unseen
    if entry.party != actor.party:
        raise Forbidden("not-yours", "Only the party that made an entry may erase what it says.")
    if state.case.holds:
        raise Refused("legal-hold", "A legal hold is on this case: nothing is erased while it stands.")
    if entry.lost:
        raise Refused("not-erasable", "What this entry says is not on this host; there is nothing to erase.")
    if any(one.signed for one in act):
        raise Refused("signed", "A member signed this act; erasing its words would undo the signature.")
    names = tuple(dict.fromkeys(command.names))
    for name in names:
        _may_go(entry, name)
    if not names:
        raise Invalid("names", "Name at least one value.")
    gone = {entry.texts[name] for name in names}
    reason = values.text(command.reason, "reason", "The reason", most=2_000, needed=True)
    # Three letters may well stand in any reason.
    if any(len(text) > 3 and text.casefold() in reason.casefold() for text in gone):
        raise Invalid("reason", "The reason repeats what is to be erased; it stays in the ledger.")
    others = [
        (one, tuple(name for name in one.left if one.texts[name] in gone))
        for one in act
        if one.index != entry.index and not one.lost
    ]
    return [
        ValuesErased(
            erasure=command.id,
            entry=one.index,
            event=one.type,
            names=names,
            digests=tuple(one.digests[name] for name in names),
            items=one.items,
            owner=one.owner,
            reason=reason,
        )
        for one, names in ((entry, names), *others)
        if names
    ]


def _may_go(entry: Recorded, name: str) -> None:
    if name in entry.erased:
        raise Refused("erased-already", f"The {name} of this entry was erased before.", field="names")
    if name not in ERASABLE.get(entry.type, ()):
        raise Refused(
            "not-erasable",
            f"The {name} of this entry stays: only free texts are erased, never what a proof stands on.",
            field="names",
        )
    if name not in entry.left:
        raise Refused("nothing-there", f"The {name} of this entry says nothing.", field="names")


RULES: Rules = {EraseValues: erase_values}
EVENTS = (ValuesErased,)
