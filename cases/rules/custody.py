"""Evidence items: how one comes into the house, what the worker finds in it, and who has read it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Invalid, Refused
from cases.rules import values
from cases.rules.acquisition import AcquisitionFacts, SealedBytes, accepted, accepted_bytes
from cases.rules.custody_events import (
    EvidenceAcquired,
    EvidenceDerived,
    EvidenceIndexed,
    EvidenceMadeSearchable,
    EvidenceQuarantined,
    EvidenceReceived,
    EvidenceRetried,
    EvidenceSealed,
    EvidenceUnpacked,
    EvidenceVerified,
)
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, Rules, item_stream
from cases.rules.transfer_events import (
    CustodyState,
    EvidenceDisposed,
    EvidenceExtracted,
    EvidenceReleased,
    PhysicalItemStored,
)

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

# Commands


@dataclass(frozen=True, kw_only=True)
class OneItem(CaseCommand):
    """A command about one item."""

    item: UUID

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, item_stream(self.item))


@dataclass(frozen=True, kw_only=True)
class AcquireEvidence(OneItem):
    """Take an item into the case: its bytes already lie in the vault."""

    facts: AcquisitionFacts
    sealed: SealedBytes


@dataclass(frozen=True, kw_only=True)
class DeriveEvidence(OneItem):
    """Record an item that was made from another, such as the unpacked content of a gzip file."""

    parent: UUID
    tool: str
    tool_version: str
    note: str = ""
    sealed: SealedBytes

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, item_stream(self.parent), item_stream(self.item))


@dataclass(frozen=True, kw_only=True)
class VerifyEvidence(OneItem):
    """Record that the bytes in the vault still have this hash."""

    sha256: str


@dataclass(frozen=True, kw_only=True)
class MakeEvidenceSearchable(OneItem):
    """Record what parsing the item gave."""

    format: str
    parser: str
    parser_version: str
    lines: int
    records: int
    rejects: int
    first_time: datetime | None = None
    last_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class IndexEvidence(OneItem):
    """Record that every word of the item can be found; for a container, that its content is indexed."""

    format: str = ""


@dataclass(frozen=True, kw_only=True)
class QuarantineEvidence(OneItem):
    """Set an item aside that cannot be worked on."""

    step: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetryEvidence(OneItem):
    """Let the worker try a quarantined item again."""


# State


@dataclass(frozen=True, kw_only=True)
class ItemState:
    """One evidence item, as its stream tells."""

    state: str = ""
    number: int = 0
    title: str = ""
    kind: str = ""
    marking: str = ""
    owner: UUID | None = None
    sha256: str = ""
    verified: bool = False
    derived: tuple[UUID, ...] = ()
    before_quarantine: str = ""
    quarantines: int = 0
    custody: CustodyState = field(default_factory=CustodyState)

    @property
    def exists(self) -> bool:
        return bool(self.state)

    def after(self, event: Event) -> "ItemState":
        """The item once this has happened to it as well."""
        return replace(self._after(event), custody=self.custody.after(event))

    def _after(self, event: Event) -> "ItemState":
        match event:
            case EvidenceAcquired() | EvidenceDerived():
                return ItemState(
                    state="received",
                    number=event.number,
                    title=event.title,
                    kind=event.kind,
                    marking=event.marking,
                    owner=event.owner,
                )
            case EvidenceSealed():
                return replace(self, state="sealed", sha256=event.sha256)
            case EvidenceVerified():
                return replace(self, verified=True)
            case EvidenceUnpacked() | EvidenceExtracted():
                return replace(self, derived=(*self.derived, event.derived))
            case EvidenceMadeSearchable():
                return replace(self, state="searchable")
            case EvidenceIndexed():
                return replace(self, state="indexed")
            case EvidenceQuarantined():
                return replace(
                    self, state="quarantined", before_quarantine=self.state, quarantines=event.count
                )
            case EvidenceRetried():
                return replace(self, state=event.state)
            case PhysicalItemStored():
                return replace(self, state="stored")
            case EvidenceReleased():
                return replace(self, state="released")
            case EvidenceDisposed():
                return replace(self, state="disposed")
        return self


# Rules


def acquire_evidence(command: AcquireEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    fresh(command, state)
    sealed = accepted_bytes(command.sealed)
    told = accepted(command.facts)
    if told["declared_sha256"] not in ("", sealed.sha256):
        raise Invalid("sha256", "The bytes received do not have the declared SHA-256.", code="wrong-hash")
    acquired = EvidenceAcquired(item=command.item, number=state.around.next_number, owner=actor.party, **told)
    return [acquired, *into_the_vault(command.item, sealed, actor)]


def derive_evidence(command: DeriveEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    fresh(command, state)
    parent, sealed = state.items[command.parent], accepted_bytes(command.sealed)
    if not parent.verified:
        raise Refused("not-verified", "An item is derived only from bytes that were verified.")
    if command.item in parent.derived or parent.owner is None:
        raise Refused("item-exists", "This item exists already.")
    derived = EvidenceDerived(
        item=command.item,
        number=state.around.next_number,
        parent=command.parent,
        title=f"{parent.title[:189]}, unpacked",
        kind=parent.kind,
        owner=parent.owner,
        marking=parent.marking,
        tool=values.text(command.tool, "tool", "The tool", most=200, needed=True),
        tool_version=values.text(command.tool_version, "tool_version", "The tool's version", most=100),
        note=values.text(command.note, "note", "The note", most=10_000),
        hash_before=parent.sha256,
    )
    unpacked = EvidenceUnpacked(
        item=command.parent, derived=command.item, number=derived.number, sha256=sealed.sha256
    )
    return [derived, *into_the_vault(command.item, sealed, actor)[1:], unpacked]


def verify_evidence(command: VerifyEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    item = state.items[command.item]
    if item.verified:
        raise Refused("already-verified", "This item is verified already.")
    if command.sha256 != item.sha256:
        raise Refused("hash-differs", "The bytes no longer have the hash under which they were sealed.")
    return [EvidenceVerified(item=command.item, sha256=command.sha256)]


def make_evidence_searchable(
    command: MakeEvidenceSearchable, state: "Known", actor: "Actor"
) -> Sequence[Event]:
    if not state.items[command.item].verified:
        raise Refused("not-verified", "An item becomes searchable only after its bytes were verified.")
    return [
        EvidenceMadeSearchable(
            item=command.item,
            format=command.format,
            parser=command.parser,
            parser_version=command.parser_version,
            lines=command.lines,
            records=command.records,
            rejects=command.rejects,
            first_time=command.first_time,
            last_time=command.last_time,
        )
    ]


def index_evidence(command: IndexEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    item = state.items[command.item]
    if item.state == "sealed" and not item.derived:
        raise Refused("not-searchable", "An item is indexed only after it became searchable.")
    return [EvidenceIndexed(item=command.item, format=command.format)]


def quarantine_evidence(command: QuarantineEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    reason = values.text(command.reason[:2_000], "reason", "The reason", most=2_000, needed=True)
    count = state.items[command.item].quarantines + 1
    return [EvidenceQuarantined(item=command.item, step=command.step, reason=reason, count=count)]


def retry_evidence(command: RetryEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [EvidenceRetried(item=command.item, state=state.items[command.item].before_quarantine)]


def fresh(command: OneItem, state: "Known") -> None:
    """Refuse where the item that a command makes is there already."""
    if state.items[command.item].exists:
        raise Refused("item-exists", "This item exists already.")


def into_the_vault(item: UUID, sealed: SealedBytes, actor: "Actor") -> list[Event]:
    """That bytes came in, and that they are sealed."""
    received = EvidenceReceived(
        item=item, holder=actor.party, filename=sealed.filename, size=sealed.size, via=actor.via
    )
    return [
        received,
        EvidenceSealed(
            item=item,
            sha256=sealed.sha256,
            blake3=sealed.blake3,
            sha1=sealed.sha1,
            md5=sealed.md5,
            size=sealed.size,
            filename=sealed.filename,
        ),
    ]


RULES: Rules = {
    AcquireEvidence: acquire_evidence,
    DeriveEvidence: derive_evidence,
    VerifyEvidence: verify_evidence,
    MakeEvidenceSearchable: make_evidence_searchable,
    IndexEvidence: index_evidence,
    QuarantineEvidence: quarantine_evidence,
    RetryEvidence: retry_evidence,
}
