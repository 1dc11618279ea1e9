"""Private keys as members and witnesses hold them: they never reach the host, only what they sign does."""

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from cases.intents import Authorship, intent_for
from cases.perform import perform
from cases.rules import keys
from cases.rules.keys import RegisterKey, RotateKey
from cases.rules.shape import Command
from ledger.authorship import Signature, challenge_of, key_id
from tests.cast import Person


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class Holder(Protocol):
    """Whoever can sign with one key."""

    @property
    def alg(self) -> str: ...

    @property
    def public(self) -> bytes: ...

    def sign(self, text: str) -> Signature: ...


@dataclass(frozen=True)
class FileKey:
    """An Ed25519 key in a file of its holder, used by countersign-sign or a witness."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    alg: str = "ed25519"

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    def sign(self, text: str) -> Signature:
        return Signature(b64(self.private.sign(text.encode())))


@dataclass(frozen=True)
class Passkey:
    """A passkey, and the browser that asks it."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    rp_id: str = settings.WEBAUTHN_RP_ID
    origin: str = settings.WEBAUTHN_ORIGINS[0]
    kind: str = "webauthn.get"
    flags: int = 0x05
    alg: str = "webauthn"

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def sign(self, text: str) -> Signature:
        told = {
            "type": self.kind,
            "challenge": challenge_of(text.encode()),
            "origin": self.origin,
            "crossOrigin": False,
        }
        client = json.dumps(told).encode()
        data = sha256(self.rp_id.encode()).digest() + bytes([self.flags]) + (7).to_bytes(4)
        raw = self.private.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return Signature(b64(raw), b64(data), b64(client))


def registering(
    holder: Holder,
    *,
    party: UUID,
    member: UUID | None,
    name: str = "",
    host: str = settings.HOST_NAME,
) -> RegisterKey:
    """The command that registers a key; a witness's where no member is named."""
    told = {
        "party": party,
        "member": member,
        "purpose": "member" if member else "witness",
        "name": name,
        "alg": holder.alg,
        "public": holder.public.hex(),
    }
    text = keys.statement(host=host, **told)  # type: ignore[arg-type]
    return RegisterKey(**told, statement=text, proof=holder.sign(text))  # type: ignore[arg-type]


def rotating(
    new: Holder,
    old: Holder,
    *,
    party: UUID,
    member: UUID | None,
    name: str = "",
    host: str = settings.HOST_NAME,
) -> RotateKey:
    """The command that puts a new key in the place of an old one."""
    told = {
        "party": party,
        "member": member,
        "purpose": "member" if member else "witness",
        "name": name,
        "alg": new.alg,
        "public": new.public.hex(),
        "replaces": key_id(old.public),
    }
    text = keys.statement(host=host, **told)  # type: ignore[arg-type]
    return RotateKey(**told, statement=text, proof=new.sign(text), old_proof=old.sign(text))  # type: ignore[arg-type]


def register(holder: Holder, *, by: Person, name: str = "") -> str:
    """Register a member's own key; its id."""
    perform(registering(holder, party=by.party, member=by.member, name=name), actor=by.actor)
    return key_id(holder.public)


def register_witness(holder: Holder, *, by: Person, name: str = "example.org/witness") -> str:
    """Register a key of a witness of the person's party; its id."""
    perform(registering(holder, party=by.party, member=None, name=name), actor=by.actor)
    return key_id(holder.public)


def sign(holder: Holder, command: Command, *, intent: str | None = None) -> Authorship:
    """A member's signature over a command."""
    text = intent_for(command) if intent is None else intent
    return Authorship(key=key_id(holder.public), alg=holder.alg, intent=text, signature=holder.sign(text))
