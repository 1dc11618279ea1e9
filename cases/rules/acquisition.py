"""What is said about an item when it comes in, and what the vault says about its bytes."""

from dataclasses import dataclass
from typing import Any

from cases.refusals import Invalid
from cases.rules import values


@dataclass(frozen=True, kw_only=True)
class AcquisitionFacts:
    """What a person says about an item: how it was come by. Times are raw text with their zone."""

    title: str
    kind: str = "log"
    source_system: str = ""
    account: str = ""
    tenant: str = ""
    host: str = ""
    acquired_by: str = ""
    acquired_at: str = ""
    method: str = ""
    tool: str = ""
    tool_version: str = ""
    query: str = ""
    covers_from: str = ""
    covers_until: str = ""
    declared_sha256: str = ""
    legal_basis: str = ""
    marking: str = "TLP:AMBER"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SealedBytes:
    """What the vault says about the bytes that it holds."""

    sha256: str
    blake3: str
    sha1: str
    md5: str
    size: int
    filename: str


def accepted(facts: AcquisitionFacts) -> dict[str, Any]:
    """The facts as the event will hold them, or Invalid naming the first that cannot be accepted."""
    taken = values.instant(facts.acquired_at, "acquired_at", "The time of acquisition")
    begins = values.instant(facts.covers_from, "covers_from", "The start of the covered period")
    ends = values.instant(facts.covers_until, "covers_until", "The end of the covered period")
    if begins.utc and ends.utc and ends.utc < begins.utc:
        raise Invalid("covers_until", "The covered period ends before it starts.")
    return {
        "title": values.text(facts.title, "title", "The title", most=200, needed=True),
        "kind": values.choice(facts.kind, "kind", "The kind of item", values.ITEM_KINDS),
        "source_system": values.text(facts.source_system, "source_system", "The source system", most=200),
        "account": values.text(facts.account, "account", "The account", most=200),
        "tenant": values.text(facts.tenant, "tenant", "The tenant", most=200),
        "host": values.text(facts.host, "host", "The host", most=253),
        "acquired_by": values.text(facts.acquired_by, "acquired_by", "The name of who acquired it", most=200),
        "acquired_at": taken.utc,
        "acquired_at_text": taken.text,
        "method": values.text(facts.method, "method", "The method", most=200),
        "tool": values.text(facts.tool, "tool", "The tool", most=200),
        "tool_version": values.text(facts.tool_version, "tool_version", "The tool's version", most=100),
        "query": values.text(facts.query, "query", "The command or query", most=10_000),
        "covers_from": begins.utc,
        "covers_from_text": begins.text,
        "covers_until": ends.utc,
        "covers_until_text": ends.text,
        "declared_sha256": values.digest(
            facts.declared_sha256, "sha256", "The declared SHA-256", size=32, needed=False
        ),
        "legal_basis": values.text(facts.legal_basis, "legal_basis", "The legal basis", most=500),
        "marking": values.choice(facts.marking, "marking", "The marking", values.TLP),
        "note": values.text(facts.note, "note", "The note", most=10_000),
    }


def accepted_bytes(sealed: SealedBytes) -> SealedBytes:
    """The vault's word, with every hash in lower-case hex; Invalid where one is malformed."""
    if sealed.size < 0:
        raise Invalid("size", "A size cannot be negative.")
    return SealedBytes(
        sha256=values.digest(sealed.sha256, "sha256", "The SHA-256", size=32),
        blake3=values.digest(sealed.blake3, "blake3", "The BLAKE3", size=32),
        sha1=values.digest(sealed.sha1, "sha1", "The SHA-1", size=20),
        md5=values.digest(sealed.md5, "md5", "The MD5", size=16),
        size=sealed.size,
        filename=values.text(sealed.filename, "filename", "The file's name", most=255) or "unnamed",
    )
