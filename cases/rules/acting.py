"""Who acts, and the two fixed names of the host itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

Kind = Literal["member", "worker", "operator"]
Via = Literal["web", "api", "cli", "worker", "admin"]

HOST_LOG: UUID = uuid5(NAMESPACE_URL, "countersign/host/log")
"""The log of parties, members, tokens and the operator's acts; its origin carries the host's name."""

HOST_PARTY: UUID = uuid5(NAMESPACE_URL, "countersign/host/party")
"""Stands in the leaf's party field where the host acts for itself; never a party of a case."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person, worker or operator at the moment of one act; never kept across requests."""

    kind: Kind
    party: UUID
    member: UUID | None = None
    user_id: int | None = None
    role: str
    name: str
    via: Via

    def facts(self) -> Mapping[str, str | None]:
        """What the ledger's private body says about who acted."""
        return {
            "kind": self.kind,
            "member": str(self.member) if self.member else None,
            "name": self.name,
            "role": self.role,
            "via": self.via,
        }
