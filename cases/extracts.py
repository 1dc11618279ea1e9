"""Extracts and redactions: selected records of an item become an item of their own, with their own hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from cases import policy, reads
from cases.models import EvidenceItem
from cases.perform import perform
from cases.refusals import Forbidden, Invalid, Refused
from cases.rules.acquisition import SealedBytes
from cases.rules.acting import Actor
from cases.rules.making import ExtractEvidence, selected
from evidence import extract as extracting
from evidence.extract import UnknownColumn
from evidence.search import QueryError, SearchLimit, Source
from evidence.segments import segment_dir
from evidence.vault import VaultError, VaultFull, vault
from ledger.entries import Receipt


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which records, and of each what: some columns, or all with some masked. Nothing named: all."""

    query: str = ""
    start: datetime | None = None
    end: datetime | None = None
    columns: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()


def make(
    actor: Actor,
    parent: EvidenceItem,
    selection: Selection,
    *,
    title: str,
    note: str = "",
    marking: str = "",
    command_id: UUID,
) -> tuple[EvidenceItem, Receipt]:
    """Make an item from selected records of `parent`, which the actor's party owns. It is searchable once the
    worker has been at it. The same `command_id` with the same selection gives the same item.

    A crash before the commit leaves bytes that no item names: nobody sees them, and making the extract again
    gives the same ones.
    """
    may_extract(actor, parent)
    selected(selection.columns, selection.masked)
    source = Source(
        item=parent.pk,
        number=parent.label,
        segment=segment_dir(parent.pk),
        sealed=vault().path(parent.sha256),
        indexed=parent.state == "indexed",
    )
    item = uuid5(command_id, "extract")
    sealed, records = _sealed(source, selection, filename=f"{parent.label}-{item.hex[:8]}.jsonl")
    receipt = perform(
        ExtractEvidence(
            id=command_id,
            case=parent.case_id,
            item=item,
            parent=parent.pk,
            title=title,
            query=selection.query,
            start=selection.start,
            end=selection.end,
            columns=selection.columns,
            masked=selection.masked,
            records=records,
            tool=extracting.TOOL,
            tool_version=extracting.VERSION,
            note=note,
            marking=marking,
            sealed=sealed,
        ),
        actor=actor,
    )
    return reads.item(actor, parent.case, item), receipt


def may_extract(actor: Actor, parent: EvidenceItem) -> None:
    """Refuse before any record is read."""
    if not policy.may(actor, "ExtractEvidence", part=parent.case.my_part, status=parent.case.status):
        raise Forbidden("role", "Your role in this case does not let you make extracts.")
    if parent.owner_id != actor.party:
        raise Forbidden("not-owner", "Only the party that owns the item may do this.")
    if parent.state not in ("searchable", "indexed") or parent.format in reads.CONTAINERS:
        raise Refused("not-searchable", "An extract is made from records, which this item does not have.")


def columns_of(parent: EvidenceItem, names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns as a person lists them: without blanks and empty ones."""
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _sealed(source: Source, selection: Selection, *, filename: str) -> tuple[SealedBytes, int]:
    try:
        with vault().intake() as intake:
            made = extracting.extract(
                source,
                intake.write,
                query=selection.query,
                start=selection.start,
                end=selection.end,
                columns=selection.columns,
                masked=selection.masked,
            )
            sealed = intake.seal()
    except UnknownColumn as error:
        field = "masked" if selection.masked else "columns"
        raise Invalid(field, error.sentence, code="unknown-column") from error
    except QueryError as error:
        raise Invalid("query", error.sentence, code="bad-query", position=error.position) from error
    except SearchLimit as error:
        raise Refused("search-limit", error.sentence, status=503) from error
    except VaultFull as error:
        raise Refused("vault-full", error.sentence, status=507) from error
    except VaultError as error:
        raise Refused("vault", error.sentence, status=503) from error
    return (
        SealedBytes(
            sha256=sealed.sha256,
            blake3=sealed.blake3,
            sha1=sealed.sha1,
            md5=sealed.md5,
            size=sealed.size,
            filename=filename,
        ),
        made.records,
    )
