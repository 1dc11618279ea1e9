"""What goes into the ledger and what comes out of it. Pure, so that rules may use it without a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ledger.jcs import Json

RESERVED = frozenset({"type", "schema", "actor", "stream", "version", "command"})


@dataclass(frozen=True)
class Draft:
    """An event that a rule has decided on and nobody has recorded yet.

    `fields` are top-level fields of its body. `auth` is a member's own signature over the act; it stands in
    the leaf, in the open.
    """

    stream: str
    type: str
    schema: int
    fields: Mapping[str, Json]
    auth: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class StoredEvent:
    """An event as the ledger holds it. `type` and `schema` are as written.

    Whoever reads old schemas upcasts them.
    """

    log: UUID
    index: int
    stream: str
    version: int
    type: str
    schema: int
    party: UUID
    actor: Mapping[str, Json]
    command: UUID
    recorded_at: datetime
    fields: Mapping[str, Json]


@dataclass(frozen=True)
class Receipt:
    """What a writer gets back.

    `replayed` says that the command had been recorded before and nothing was written now.
    """

    log: UUID
    first: int
    count: int
    size: int
    leaf_hashes: tuple[str, ...]
    checkpoint: str
    recorded_at: datetime
    replayed: bool
    events: tuple[StoredEvent, ...]


Opening = dict[str, tuple[str, Json]]  # field name → salt in hex, value


@dataclass(frozen=True)
class EntryRow:
    """One sealed entry with its opening, and the digests, in hex, of the fields erased from it.

    Whether a reader may see the opening is not the ledger's business.
    """

    index: int
    leaf: bytes
    leaf_hash: bytes
    recorded_at: datetime
    party: UUID
    opening: Opening | None
    erased: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    """Where a log stands: its size, its root and the host's signed word for both."""

    size: int
    root_hex: str
    checkpoint_text: str
    recorded_at: datetime


@dataclass(frozen=True)
class LogInfo:
    """A log as the host lists it."""

    id: UUID
    kind: str
    origin: str
    size: int
