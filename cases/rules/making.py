"""Items without an upload: extracts and redactions made from another item, and objects that have no bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Forbidden, Invalid, Refused, Unseen
from cases.rules import values
from cases.rules.acquisition import AcquisitionFacts, SealedBytes, accepted, accepted_bytes
from cases.rules.custody import OneItem, fresh, into_the_vault
from cases.rules.custody_events import EvidenceAcquired, EvidenceDerived
from cases.rules.shape import CASE_STREAM, Event, Rules, item_stream
from cases.rules.transfer import as_received
from cases.rules.transfer_events import EvidenceExtracted, PhysicalItemMoved, PhysicalItemStored

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

MOST_COLUMNS = 200
LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class ExtractEvidence(OneItem):
    """Record an item that holds selected records of another, of each only some columns or all with some of
    them masked. Its bytes already lie in the vault."""

    parent: UUID
    title: str
    query: str = ""
    start: datetime | None = None
    end: datetime | None = None
    columns: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    records: int
    tool: str
    tool_version: str
    note: str = ""
    marking: str = ""
    sealed: SealedBytes

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, item_stream(self.parent), item_stream(self.item))


@dataclass(frozen=True, kw_only=True)
class RecordPhysicalItem(OneItem):
    """Take an object into custody that has no bytes: a disk, a phone, a notebook."""

    facts: AcquisitionFacts
    barcode: str = ""
    seal: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class MovePhysicalItem(OneItem):
    """Record where an object is kept from now on."""

    place: str
    seal: str = ""
    reason: str


def extract_evidence(command: ExtractEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    fresh(command, state)
    parent, sealed = state.items[command.parent], accepted_bytes(command.sealed)
    if parent.owner != actor.party:
        raise (
            Unseen
            if command.parent not in state.around.visible
            else Forbidden("not-owner", "Only the party that owns the item may do this.")
        )
    if parent.state not in ("searchable", "indexed"):
        raise Refused("not-searchable", "An extract is made from records, which this item does not have.")
    columns, masked = selected(command.columns, command.masked)
    if command.records < 0:
        raise Invalid("records", "A number of records cannot be negative.")
    derived = EvidenceDerived(
        item=command.item,
        number=state.around.next_number,
        parent=command.parent,
        title=values.text(command.title, "title", "The title", most=200, needed=True),
        kind="export",
        owner=actor.party,
        marking=values.choice(command.marking or parent.marking, "marking", "The marking", values.TLP),
        tool=values.text(command.tool, "tool", "The tool", most=200, needed=True),
        tool_version=values.text(command.tool_version, "tool_version", "The tool's version", most=100),
        note=values.text(command.note, "note", "The note", most=10_000),
        hash_before=parent.sha256,
        query=values.text(command.query, "query", "The query", most=10_000),
        start=command.start,
        end=command.end,
        columns=columns,
        masked=masked,
        records=command.records,
    )
    made = EvidenceExtracted(
        item=command.parent,
        derived=command.item,
        number=derived.number,
        sha256=sealed.sha256,
        records=command.records,
        how="redaction" if masked else "extract",
    )
    return [derived, *into_the_vault(command.item, sealed, actor)[1:], made]


def selected(columns: Sequence[str], masked: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which columns an extract keeps (none named: all of them) and which it masks; each once."""
    for field, names in (("columns", columns), ("masked", masked)):
        if len(names) > MOST_COLUMNS:
            raise Invalid(field, f"At most {MOST_COLUMNS} columns can be named.")
        for name in names:
            values.text(name, field, "A column's name", most=LONGEST_NAME, needed=True)
    if columns and masked:
        raise Invalid("masked", "Name the columns to keep, or those to mask, not both.")
    return tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(masked))


def record_physical_item(command: RecordPhysicalItem, state: "Known", actor: "Actor") -> Sequence[Event]:
    fresh(command, state)
    if command.facts.declared_sha256:
        raise Invalid("sha256", "An object has no bytes, so it has no hash.")
    told = accepted(replace(command.facts, kind="other")) | {"kind": "physical"}
    acquired = EvidenceAcquired(item=command.item, number=state.around.next_number, owner=actor.party, **told)
    barcode = values.text(command.barcode, "barcode", "The barcode", most=100)
    where = as_received(command, "seal", "place")
    stored = PhysicalItemStored(item=command.item, holder=actor.party, barcode=barcode, **where)
    return [acquired, stored]


def move_physical_item(command: MovePhysicalItem, state: "Known", actor: "Actor") -> Sequence[Event]:
    if not state.items[command.item].custody.physical:
        raise Refused("not-physical", "Only an object is moved; bytes lie in the vault.")
    if not command.place.strip():
        raise Invalid("place", "The place is missing.")
    reason = values.text(command.reason, "reason", "The reason", most=2_000, needed=True)
    return [PhysicalItemMoved(item=command.item, reason=reason, **as_received(command, "seal", "place"))]


RULES: Rules = {
    ExtractEvidence: extract_evidence,
    RecordPhysicalItem: record_physical_item,
    MovePhysicalItem: move_physical_item,
}
