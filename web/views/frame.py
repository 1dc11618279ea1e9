"""What all pages of one case have in common."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cases import listings, policy, reads
from cases.actors import Actor
from cases.models import Case, Participation


@dataclass
class CasePage:
    """A case that the actor sees, with what its header shows. Raises Unseen for a stranger."""

    actor: Actor
    reference: str
    tab: str
    case: Case = field(init=False)
    parts: list[Participation] = field(init=False)
    offers: set[str] = field(init=False)
    with_members: bool = False

    def __post_init__(self) -> None:
        self.case = reads.case(self.actor, self.reference)
        self.parts = (
            listings.parts_with_members(self.actor, self.case)
            if self.with_members
            else list(reads.parties_of(self.actor, self.case))
        )
        self.offers = policy.offers(self.actor, self.case)

    @property
    def parties(self) -> dict[UUID, Any]:
        """The parties of the case by id."""
        return {part.party_id: part.party for part in self.parts}

    def context(self, **more: Any) -> dict[str, Any]:
        """The header's context with the page's own."""
        return {
            "case": self.case,
            "parts": self.parts,
            "acting_party": self.parties[self.actor.party],
            "offers": self.offers,
            "ledger_head": more.get("ledger_head") or reads.ledger_head(self.actor, self.case),
            "place": "case",
            "tab": self.tab,
            **more,
        }
