"""Logs to write to, and a superuser to damage them with."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from config.embedded.postgres import ADMIN
from ledger import signing
from ledger.cosigning import Cosigned, WitnessKey, cosigned_message
from ledger.entries import Draft, Receipt
from ledger.log import open_for_writing
from tests.cluster import url, worker_name

TABLES = (
    "ledger_head",
    "ledger_entry",
    "ledger_node",
    "ledger_checkpoint",
    "ledger_opening",
    "ledger_cosignature",
    "ledger_timestamp",
    "ledger_refeed",
)
NORTHWIND = UUID("11111111-1111-4111-8111-111111111111")
ALICE = {"kind": "member", "name": "alice"}


@dataclass
class Writer:
    """Somebody who appends to one log, as perform() does."""

    log: UUID = field(default_factory=uuid4)

    def write(self, *drafts: Draft, command: UUID | None = None, digest: str = "d", **more: Any) -> Receipt:
        """One command: its receipt, or the earlier receipt where the command was known."""
        command = command or uuid4()
        streams = more.pop("streams", None) or sorted({draft.stream for draft in drafts})
        with transaction.atomic(durable=more.pop("durable", True)):
            opened = open_for_writing(
                self.log, kind="case", command_id=command, command_digest=digest, streams=streams
            )
            if opened.receipt is not None:
                return opened.receipt
            return opened.log.append(
                drafts, party=NORTHWIND, actor=ALICE, command_id=command, command_digest=digest, **more
            )

    def grow(self, counts: Sequence[int]) -> None:
        """One append for each count, of so many events."""
        for number, count in enumerate(counts):
            self.write(*(draft(f"item/{(number + n) % 3}", number=number, n=n) for n in range(count)))


@dataclass(frozen=True)
class Witness:
    """A party's witness, trusting enough to cosign whatever it is shown."""

    name: str
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> WitnessKey:
        return WitnessKey(self.name, self.private.public_key().public_bytes_raw())

    def cosign(self, note: str, at: int = 1_770_547_450) -> str:
        """Its signature line for the checkpoint in a note."""
        text = signing.parse_checkpoint(note).text
        return Cosigned(self.key, at, self.private.sign(cosigned_message(text, at))).line


def draft(stream: str = "case", **fields: Any) -> Draft:
    """An event of a made-up kind."""
    return Draft(stream, "EvidenceExamined", 1, fields or {"purpose": "see"})


@pytest.fixture
def writer(committed_db: None) -> Writer:
    """A writer to a log of its own, committed for good."""
    return Writer()


@dataclass(frozen=True)
class Superuser:
    """Whoever holds the database itself: switches the guards off, changes rows, switches them on again."""

    connection: psycopg.Connection

    @contextmanager
    def guards_off(self) -> Iterator[psycopg.Cursor]:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            yield cursor
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
                cursor.execute(
                    "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
                    (table,),
                )
                for (name,) in cursor.fetchall():
                    cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")

    def change(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Run one statement with the guards off; it must touch something."""
        with self.guards_off() as cursor:
            cursor.execute(statement, parameters)
            assert cursor.rowcount > 0


@pytest.fixture
def superuser(run_root: Path, committed_db: None) -> Iterator[Superuser]:
    """The database's superuser."""
    with psycopg.connect(url(run_root, ADMIN, f"countersign_{worker_name()}")) as connection:
        yield Superuser(connection)
