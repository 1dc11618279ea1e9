"""Members' own signatures (docs/format.md sections 14 and 15), pure: keys, their ids, what a signature shows.

Ed25519 signs the text itself. A passkey (WebAuthn Level 3, section 7.2) signs authenticator data and the hash
of client data, in which the challenge stands for the text.
"""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.errors import VerificationError

ED25519: Final = "ed25519"
WEBAUTHN: Final = "webauthn"
ALGORITHMS: Final = (ED25519, WEBAUTHN)
LONGEST: Final = 8 * 1024
"""No part of a signature is longer, in base64; what authenticators really answer is far below."""

_HASH_AND_FLAGS = 32 + 1 + 4  # of the authenticator data: hash of the site's id, flags, counter
_USER_PRESENT = 0x01


@dataclass(frozen=True)
class Signature:
    """A signature as it travels and is stored: texts in base64. The last two come from passkeys only."""

    sig: str
    authenticator_data: str = ""
    client_data: str = ""

    def fields(self) -> dict[str, str]:
        """The parts that there are, by name."""
        return {name: part for name, part in vars(self).items() if part}


def key_id(public: bytes) -> str:
    """The name of a key everywhere: SHA-256 of its raw public half, in hex."""
    return sha256(public).hexdigest()


def challenge_of(text: bytes) -> str:
    """What a passkey is given to sign a text: SHA-256 of it in base64url without padding."""
    return base64.urlsafe_b64encode(sha256(text).digest()).rstrip(b"=").decode()


def check_public(alg: str, public: bytes) -> None:
    """Raise VerificationError unless these bytes are a public key of that kind, in the one form that has an
    id: 32 bytes for Ed25519, the uncompressed point of P-256 for a passkey."""
    try:
        _ed25519(public) if alg == ED25519 else _p256(alg, public)
    except ValueError as error:
        raise VerificationError(f"This is no public key of the kind {alg}.") from error


def verify(
    alg: str,
    public: bytes,
    text: bytes,
    signature: Signature,
    *,
    rp_id: str | None = None,
    origins: Collection[str] | None = None,
) -> None:
    """Raise VerificationError unless the key signed this text.

    For a passkey `rp_id` and `origins` name the site that must have asked; None leaves that open.
    """
    check_public(alg, public)
    sig = _decoded(signature.sig)
    try:
        if alg == ED25519:
            if signature.authenticator_data or signature.client_data:
                raise VerificationError("An Ed25519 signature stands alone.")
            _ed25519(public).verify(sig, text)
            return
        data, client = _decoded(signature.authenticator_data), _decoded(signature.client_data)
        _check_client(client, challenge_of(text), origins)
        _check_authenticator(data, rp_id)
        _p256(alg, public).verify(sig, data + sha256(client).digest(), ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise VerificationError("The signature does not hold for this text and key.") from error


def _check_client(client: bytes, challenge: str, origins: Collection[str] | None) -> None:
    try:
        told = json.loads(client.decode())
    except (ValueError, RecursionError) as error:
        raise VerificationError("What the browser said is not JSON.") from error
    if not isinstance(told, dict) or told.get("type") != "webauthn.get":
        raise VerificationError("The passkey was not asked for a signature.")
    if told.get("challenge") != challenge:
        raise VerificationError("The passkey signed another text.")
    if origins is not None and told.get("origin") not in origins:
        raise VerificationError("The passkey was asked by another site.")


def _check_authenticator(data: bytes, rp_id: str | None) -> None:
    if len(data) < _HASH_AND_FLAGS:
        raise VerificationError("What the authenticator said is too short.")
    if rp_id is not None and data[:32] != sha256(rp_id.encode()).digest():
        raise VerificationError("The passkey belongs to another site.")
    if not data[32] & _USER_PRESENT:
        raise VerificationError("The passkey signed without anybody being there.")


def _ed25519(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def _p256(alg: str, public: bytes) -> ec.EllipticCurvePublicKey:
    # A compressed point would be the same key under another id.
    if alg != WEBAUTHN or len(public) != 65:
        raise ValueError
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)


def _decoded(text: str) -> bytes:
    if len(text) > LONGEST:
        raise VerificationError("A part of this signature is too long.")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerificationError("A signature's parts are texts in base64.") from error
    # Two texts must never stand for one signature.
    if not raw or base64.b64encode(raw).decode() != text:
        raise VerificationError("A signature's parts are texts in base64.")
    return raw
