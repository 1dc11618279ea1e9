"""Cosignatures of parties' witnesses (C2SP tlog-cosignature, type 0x04), pure: keys, lines, their checks."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger import signing
from ledger.errors import MalformedNote, VerificationError

SIGNATURE_SIZE = 8 + 64  # seconds since 1970, big-endian, and the Ed25519 signature
LATEST = 2**63 - 1


@dataclass(frozen=True)
class WitnessKey:
    """A witness's public key under its name: what a party registers and a policy pins."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which its lines name it."""
        return signing.key_id(self.name, self.public, signing.COSIGNATURE)

    @property
    def vkey(self) -> str:
        """The one line to pin it by."""
        return signing.vkey(self.name, self.public, signing.COSIGNATURE)


def parse_vkey(text: str) -> WitnessKey:
    """The witness key in a vkey of type 0x04, or MalformedNote."""
    name, _, rest = text.partition("+")
    encoded = rest.partition("+")[2]
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedNote("A witness key ends in base64.") from error
    if len(raw) != 33 or raw[:1] != signing.COSIGNATURE or not name or any(mark.isspace() for mark in name):
        raise MalformedNote("A witness key is name+id+base64 of the byte 4 and 32 bytes of an Ed25519 key.")
    key = WitnessKey(name, raw[1:])
    if key.vkey != text:
        raise MalformedNote("A witness key's id is not that of its name and key.")
    return key


@dataclass(frozen=True)
class Cosigned:
    """One cosignature that holds."""

    key: WitnessKey
    timestamp: int
    signature: bytes

    @property
    def line(self) -> str:
        """Its line in a note."""
        raw = self.key.id + self.timestamp.to_bytes(8) + self.signature
        return f"{signing.DASH}{self.key.name} {base64.b64encode(raw).decode()}\n"


def cosigned_message(text: str, timestamp: int) -> bytes:
    """What a cosignature signs: its own header, its time, and the checkpoint's text."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def verify_cosignature(key: WitnessKey, text: str, timestamp: int, signature: bytes) -> None:
    """Raise VerificationError unless the witness signed this checkpoint's text at this time."""
    if not 0 < timestamp <= LATEST or len(signature) != 64:
        raise VerificationError(f"The cosignature of {key.name} has no valid time or length.")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, cosigned_message(text, timestamp))
    except InvalidSignature as error:
        raise VerificationError(
            f"The cosignature of {key.name} does not hold for this checkpoint."
        ) from error


def verified(
    text: str, signatures: Iterable[tuple[str, bytes, bytes]], keys: Iterable[WitnessKey]
) -> list[Cosigned]:
    """The cosignatures among a note's signatures that are by these keys; each of them must hold.

    Signatures by others are passed over, as signed-note asks.
    """
    known = {(key.name, key.id): key for key in keys}
    found = []
    for name, key_id, raw in signatures:
        if (key := known.get((name, key_id))) is None:
            continue
        if len(raw) != SIGNATURE_SIZE:
            raise VerificationError(f"The cosignature of {name} is not 72 bytes long.")
        one = Cosigned(key, int.from_bytes(raw[:8]), raw[8:])
        verify_cosignature(key, text, one.timestamp, one.signature)
        found.append(one)
    return found
