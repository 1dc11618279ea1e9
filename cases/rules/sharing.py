"""What one party lets another see of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Invalid, Refused
from cases.rules import values
from cases.rules.custody_events import EvidenceDisclosed
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, Rules, item_stream

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known


@dataclass(frozen=True, kw_only=True)
class DiscloseEvidence(CaseCommand):
    """Let another party of the case see an item and read its content, with all that was derived from it."""

    item: UUID
    party: UUID
    purpose: str
    legal_basis: str = ""

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, item_stream(self.item))


def disclose_evidence(command: DiscloseEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    """The item comes first, then what was derived from it and is not yet disclosed to the same party."""
    purpose = values.text(command.purpose, "purpose", "The purpose", most=500, needed=True)
    basis = values.text(command.legal_basis, "legal_basis", "The legal basis", most=500)
    if command.party not in state.case.parts:
        raise Invalid("party", "Evidence is disclosed only to a party of the case.")
    if state.items[command.item].seen_by(command.party):
        raise Refused("already-disclosed", "This party sees the item already.")
    if state.items[command.item].marking == "TLP:RED":
        raise Refused(
            "marked-red", "An item marked TLP:RED goes to named persons only, never to a whole party."
        )
    return [
        EvidenceDisclosed(item=item, party=command.party, purpose=purpose, legal_basis=basis)
        for item, known in state.items.items()
        if not known.seen_by(command.party)
    ]


RULES: Rules = {DiscloseEvidence: disclose_evidence}
