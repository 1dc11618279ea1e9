"""One entry's stored rows against each other: the leaf, its columns, its opening. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger import commitments, jcs, leaf
from ledger.entries import RESERVED
from ledger.errors import NotCanonical

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Row:
    """An entry's row and its opening's, if there is one."""

    index: int
    leaf: bytes
    leaf_hash: bytes
    recorded_at: datetime
    party: UUID
    stream: str
    version: int
    type: str
    schema: int
    command: UUID
    body: str | None
    salts: bytes | None
    erased: str | None


def faults_of_leaf(row: Row, sealed: leaf.Leaf, origin: str) -> Iterator[str]:
    """What the leaf says else than its place, its log and the columns beside it."""
    index = row.index
    if sealed.index != index:
        yield f"In the place of entry {index} lies entry {sealed.index}."
    if sealed.log != origin:
        yield f"Entry {index} was sealed for another log, {sealed.log}."
    if sealed.recorded_at != row.recorded_at:
        yield f"The time stored beside entry {index} is not the time sealed in it."
    if sealed.party != row.party:
        yield f"The party stored beside entry {index} is not the party sealed in it."


def fault_of_opening(row: Row, commit: bytes) -> str | None:
    """Why the opening is not what was sealed, as the end of a sentence, or None where it is."""
    if row.body is None or row.salts is None:
        return "is missing."
    try:
        body = jcs.plain(json.loads(row.body))
    except NotCanonical as error:
        return f"holds what no entry can hold. {error.sentence}"
    if not isinstance(body, dict) or len(row.salts) != commitments.SALT_SIZE * len(body):
        return "does not have one salt for each field."
    erased = json.loads(row.erased) if row.erased is not None else {}
    if not _well_erased(erased, body):
        return "does not name its erased fields as it should."
    digests = [*commitments.field_digests(body, bytes(row.salts)), *map(bytes.fromhex, erased.values())]
    if commitments.commit_digests(digests) != commit:
        return "is not what was sealed: a value or a salt was changed."
    if not body.keys() >= RESERVED:
        return "lacks a field that every event has."
    said = tuple(body[name] for name in ("stream", "version", "type", "schema", "command"))
    if said != (row.stream, row.version, row.type, row.schema, str(row.command)):
        return "says something else than what is stored beside it."
    return None


def _well_erased(erased: Any, body: dict[str, jcs.Json]) -> bool:
    """Names that the body has no more, each with a digest; the digests are sealed, the names are not."""
    return isinstance(erased, dict) and all(
        name not in body and isinstance(digest, str) and _DIGEST.fullmatch(digest)
        for name, digest in erased.items()
    )
