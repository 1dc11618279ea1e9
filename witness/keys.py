"""The witness's own Ed25519 key: it never leaves this folder."""

import os
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verifier.note import DASH, WITNESS, Key, Note
from witness.errors import Trouble


@dataclass(frozen=True)
class Signer:
    """A private key and the name under which it cosigns."""

    key: Key
    private: Ed25519PrivateKey

    def cosign(self, note: Note, at: int) -> str:
        """The cosignature line (type 0x04) on a checkpoint: the largest consistent tree seen as of `at`."""
        signature = self.private.sign(b"cosignature/v1\ntime %d\n" % at + note.text)
        raw = self.key.id + at.to_bytes(8, "big") + signature
        return f"{DASH}{self.key.name} {b64encode(raw).decode()}\n"


def bare(note: Note, log: Key) -> bytes:
    """A checkpoint with the log's own signatures alone: what others added may be anything, of any size."""
    lines = [
        f"{DASH}{name} {b64encode(key_id + signature).decode()}\n"
        for name, key_id, signature in note.signatures[:16]
        if (name, key_id) == (log.name, log.id)
    ]
    return note.text + b"\n" + "".join(lines).encode()


def write_key(path: Path) -> Ed25519PrivateKey:
    """Make a key in a new file of mode 0600; a file that is there is never overwritten."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Trouble(f"The key {path} cannot be made: {error.strerror}.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return private


def read_private(path: Path) -> Ed25519PrivateKey:
    """The private key in a file that nobody else may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise Trouble(f"The key {path} is open to others; set its mode to 0600.")
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Trouble(f"The key {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise Trouble(f"The key {path} is not an unencrypted PEM key.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Trouble(f"The key {path} is not an Ed25519 key.")
    return private


def signer(path: Path, name: str) -> Signer:
    """The key in a file under the name of this witness."""
    private = read_private(path)
    return Signer(Key(name, WITNESS, private.public_key().public_bytes_raw()), private)


def member_key_id(public: bytes) -> str:
    """The id by which a member's key is known where nobody chose another: the SHA-256 of its public half."""
    return sha256(public).hexdigest()
