"""What all pages of one case have in common."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from cases import listings, policy, reads
from cases import proof as proofs
from cases.actors import Actor
from cases.models import Case, Participation, PartyKey
from cases.proof import Standing
from web import proofwords


@dataclass
class CasePage:
    """A case that the actor sees, with what its header shows. Raises Unseen for a stranger."""

    actor: Actor
    reference: str
    tab: str
    case: Case = field(init=False)
    parts: list[Participation] = field(init=False)
    past: list[Participation] = field(init=False)
    offers: set[str] = field(init=False)
    with_members: bool = False

    def __post_init__(self) -> None:
        self.case = reads.case(self.actor, self.reference)
        everyone = (
            listings.parts_with_members(self.actor, self.case)
            if self.with_members
            else list(reads.everyone_in(self.actor, self.case))
        )
        self.parts = [part for part in everyone if part.left_at is None]
        self.past = [part for part in everyone if part.left_at is not None]
        self.offers = policy.offers(self.actor, self.case)

    @property
    def parties(self) -> dict[UUID, Any]:
        """The parties of the case by id."""
        return {part.party_id: part.party for part in self.parts}

    @property
    def known_parties(self) -> dict[UUID, Any]:
        """The same with those that have left, whose acts stay in the history."""
        return {part.party_id: part.party for part in (*self.parts, *self.past)}

    @cached_property
    def standing(self) -> Standing:
        """How far the case is countersigned, for the header of its pages. Two queries."""
        return proofs.standing(self.actor, self.case, parts=self.parts)

    @property
    def own_keys(self) -> list[PartyKey]:
        """The keys that the actor itself may sign with now."""
        return [key for side in self.standing.sides for key in side.own]

    def context(self, **more: Any) -> dict[str, Any]:
        """The header's context with the page's own. How the proof stands is asked when the header is drawn,
        after whatever the page itself has recorded."""
        now = timezone.now()
        proof = SimpleLazyObject(lambda: more.get("proof") or self.standing)
        return {
            "case": self.case,
            "parts": self.parts,
            "past": self.past,
            "acting_party": self.parties[self.actor.party],
            "offers": self.offers,
            "proof": proof,
            "doubt": SimpleLazyObject(lambda: proof.doubt),
            "glance": SimpleLazyObject(lambda: proofwords.glance(more.get("proof") or self.standing, now)),
            "ledger_head": SimpleLazyObject(lambda: proof.head),
            "now": now,
            "place": "case",
            "tab": self.tab,
            **more,
        }
