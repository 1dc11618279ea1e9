"""The facts in the life of an evidence item."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.rules.shape import Event, item_stream


@dataclass(frozen=True, kw_only=True)
class ItemEvent(Event):
    """A fact about one item, kept in that item's own stream."""

    item: UUID

    @property
    def stream(self) -> str:
        return item_stream(self.item)


@dataclass(frozen=True, kw_only=True)
class EvidenceAcquired(ItemEvent):
    number: int
    title: str
    kind: str
    source_system: str
    account: str
    tenant: str
    host: str
    acquired_by: str
    acquired_at: datetime | None
    acquired_at_text: str
    method: str
    tool: str
    tool_version: str
    query: str
    covers_from: datetime | None
    covers_from_text: str
    covers_until: datetime | None
    covers_until_text: str
    declared_sha256: str
    legal_basis: str
    owner: UUID
    marking: str
    note: str


@dataclass(frozen=True, kw_only=True)
class EvidenceReceived(ItemEvent):
    holder: UUID
    filename: str
    size: int
    via: str


@dataclass(frozen=True, kw_only=True)
class EvidenceSealed(ItemEvent):
    sha256: str
    blake3: str
    sha1: str
    md5: str
    size: int
    filename: str


@dataclass(frozen=True, kw_only=True)
class EvidenceDerived(ItemEvent):
    """Made from another item. An extract says which records of it were taken: those that `query` found from
    `start` until before `end`, only the `columns` named, or all but with the `masked` ones blotted out."""

    number: int
    parent: UUID
    title: str
    kind: str
    owner: UUID
    marking: str
    tool: str
    tool_version: str
    note: str
    hash_before: str
    query: str = ""
    start: datetime | None = None
    end: datetime | None = None
    columns: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    records: int | None = None


@dataclass(frozen=True, kw_only=True)
class EvidenceUnpacked(ItemEvent):
    """The parent's side of a derivation."""

    derived: UUID
    number: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class EvidenceVerified(ItemEvent):
    """The bytes were read again and have this hash. `offer`: they were read for whom custody is offered
    to."""

    sha256: str
    offer: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class EvidenceMadeSearchable(ItemEvent):
    format: str
    parser: str
    parser_version: str
    lines: int
    records: int
    rejects: int
    first_time: datetime | None
    last_time: datetime | None


@dataclass(frozen=True, kw_only=True)
class EvidenceIndexed(ItemEvent):
    format: str


@dataclass(frozen=True, kw_only=True)
class EvidenceQuarantined(ItemEvent):
    step: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class EvidenceRetried(ItemEvent):
    """`state` is the one that the item had before its quarantine."""

    state: str


@dataclass(frozen=True, kw_only=True)
class EvidenceDisclosed(ItemEvent):
    """A party may see the item and read its content from here on."""

    party: UUID
    purpose: str
    legal_basis: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How many records of an item an examination showed."""

    item: UUID
    records: int


@dataclass(frozen=True, kw_only=True)
class EvidenceExamined(Event):
    """Items of one owner were read in one act. Each examination is a stream of its own: it decides nothing
    later, so an item's stream stays short however often the item is read."""

    examination: UUID
    owner: UUID
    how: str
    query: str
    purpose: str
    items: tuple[Shown, ...]

    @property
    def stream(self) -> str:
        return f"examination/{self.examination}"


@dataclass(frozen=True, kw_only=True)
class DownloadBrokenOff(Event):
    """A download was stopped on its way: its reader may no longer have the bytes. `sent` had left by then."""

    examination: UUID
    owner: UUID
    reader: UUID
    item: UUID
    sent: int

    @property
    def stream(self) -> str:
        return f"examination/{self.examination}"


EVENTS = (
    EvidenceAcquired,
    EvidenceReceived,
    EvidenceSealed,
    EvidenceDerived,
    EvidenceUnpacked,
    EvidenceVerified,
    EvidenceMadeSearchable,
    EvidenceIndexed,
    EvidenceQuarantined,
    EvidenceRetried,
    EvidenceDisclosed,
    EvidenceExamined,
    DownloadBrokenOff,
)
