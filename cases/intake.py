"""How bytes come into a case: rights first, then the vault, then the ledger."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from uuid import UUID, uuid4, uuid5

from cases import policy, reads
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.refusals import Forbidden, Invalid, Refused
from cases.rules.acquisition import AcquisitionFacts, SealedBytes, accepted
from cases.rules.acting import Actor
from cases.rules.custody import AcquireEvidence
from evidence.vault import DamagedBlob, Sealed, VaultError, VaultFull, WrongHash, vault

__all__ = ["AcquisitionFacts", "may_receive", "receive"]

CHUNK = 1 << 20


class Readable(Protocol):
    """A stream of bytes, such as an open file."""

    def read(self, size: int, /) -> bytes: ...


class Unsealed(Protocol):
    """Bytes that lie in the vault's tmp/ already: an Intake or a VaultUpload."""

    def seal(self, declared_sha256: str | None = None, /) -> Sealed: ...


def may_receive(actor: Actor, case: Case) -> None:
    """Raise Forbidden or Refused unless the actor may add evidence to this case now. Call before reading any
    bytes."""
    if not policy.may(actor, "AcquireEvidence", part=case.my_part, status=case.status):
        if case.status == "closed":
            raise Refused("case-status", policy.NOT_NOW["AcquireEvidence"])
        raise Forbidden("role", "Your role in this case does not let you add evidence.")


def receive(
    source: Readable | Unsealed,
    *,
    actor: Actor,
    case: Case,
    facts: AcquisitionFacts,
    filename: str,
    declared_sha256: str | None = None,
    command_id: UUID | None = None,
) -> EvidenceItem:
    """Seal the bytes of `source` into the vault and acquire them as a new item of `case`; its custody has
    begun when this returns. A wrong declared hash raises Invalid("sha256") and leaves nothing. The same
    `command_id` with the same bytes and facts gives the same item. Raises Invalid where facts are not
    acceptable, Refused(status=507) where the vault is full.

    A crash between sealing and the commit leaves a blob that no item names: nobody sees it, and the same
    bytes sent again will use it.
    """
    may_receive(actor, case)
    id_ = command_id or uuid4()
    item = uuid5(id_, "item")
    facts = replace(facts, declared_sha256=declared_sha256 or facts.declared_sha256)
    declared = accepted(facts)["declared_sha256"]
    sealed = _seal(source, declared or None)
    perform(
        AcquireEvidence(
            id=id_,
            case=case.pk,
            item=item,
            facts=facts,
            sealed=SealedBytes(
                sha256=sealed.sha256,
                blake3=sealed.blake3,
                sha1=sealed.sha1,
                md5=sealed.md5,
                size=sealed.size,
                filename=_basename(filename),
            ),
        ),
        actor=actor,
    )
    return reads.item(actor, case, item)


def _seal(source: Readable | Unsealed, declared: str | None) -> Sealed:
    try:
        seal: Callable[[str | None], Sealed] | None = getattr(source, "seal", None)
        if seal is not None:
            return seal(declared)
        with vault().intake() as intake:
            while chunk := source.read(CHUNK):  # type: ignore[union-attr]
                intake.write(chunk)
            return intake.seal(declared)
    except WrongHash as error:
        raise Invalid("sha256", error.sentence, code="wrong-hash") from error
    except VaultFull as error:
        raise Refused("vault-full", error.sentence, status=507) from error
    except (DamagedBlob, VaultError) as error:
        raise Refused("vault", error.sentence, status=503) from error


def _basename(filename: str) -> str:
    """The last part of a path of either kind, whatever a client sent."""
    return filename.replace("\\", "/").rsplit("/", 1)[-1].strip()[-255:]
