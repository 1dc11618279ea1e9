"""Private keys in members' hands, for tests: an Ed25519 key, and a passkey as an authenticator answers."""

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class FileKey:
    """An Ed25519 key."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    alg: str = "ed25519"

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    @property
    def id(self) -> str:
        return sha256(bytes.fromhex(self.public)).hexdigest()

    def sign(self, text: str) -> dict[str, str]:
        """The signature over a text, as countersign-sign prints it."""
        return {"sig": b64encode(self.private.sign(text.encode())).decode()}


@dataclass(frozen=True)
class SoftPasskey:
    """A passkey of one site."""

    origin: str
    rp: str = "localhost"
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    alg: str = "webauthn"

    @property
    def public(self) -> str:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return point.hex()

    @property
    def id(self) -> str:
        return sha256(bytes.fromhex(self.public)).hexdigest()

    @property
    def spki(self) -> str:
        """The public key as a browser tells it."""
        der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(der).decode()

    @property
    def credential(self) -> str:
        return self.id[:32]

    def sign(self, text: str) -> dict[str, str]:
        """The answer to navigator.credentials.get with the text's challenge."""
        challenge = urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
        client = json.dumps(
            {"type": "webauthn.get", "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        ).encode()
        data = sha256(self.rp.encode()).digest() + b"\x05" + (7).to_bytes(4, "big")
        sig = self.private.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return {
            "sig": b64encode(sig).decode(),
            "authenticator_data": b64encode(data).decode(),
            "client_data": b64encode(client).decode(),
        }
