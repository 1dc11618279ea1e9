"""Parties' witnesses for tests: a registered key that countersigns checkpoints as a real one does."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from ledger import cosigning, signing
from ledger.cosignatures import Held, add_cosignatures, checkpoint_note
from ledger.cosigning import Cosigned, WitnessKey
from tests.cast import Person
from tests.keyholders import FileKey, register_witness


@dataclass(frozen=True)
class Witness:
    """One party's witness, with its key."""

    name: str
    key: FileKey = field(default_factory=FileKey)

    @property
    def vkey(self) -> str:
        return WitnessKey(self.name, self.key.public).vkey

    def cosign(self, log: UUID, *, size: int | None = None, at: datetime | None = None) -> list[Held]:
        """Countersign the log's checkpoint of `size`, or its newest one, at a time of the witness's clock."""
        text = signing.parse_checkpoint(checkpoint_note(log, size)).text
        timestamp = int((at or datetime.now(UTC)).timestamp())
        signature = base64.b64decode(self.key.sign(cosigning.cosigned_message(text, timestamp).decode()).sig)
        line = Cosigned(WitnessKey(self.name, self.key.public), timestamp, signature).line
        return add_cosignatures(log, f"{text}\n{line}", [self.vkey])


def witness_of(person: Person, *, name: str = "") -> Witness:
    """A new witness of the person's party, registered by that person."""
    witness = Witness(name or f"witness.example/{person.party.hex[:12]}")
    register_witness(witness.key, by=person, name=witness.name)
    return witness
