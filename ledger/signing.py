"""The host's Ed25519 key and the checkpoint notes it signs (C2SP signed-note and tlog-checkpoint).

The key name in a signature is the log's origin, as tlog-checkpoint recommends and tlog-policy demands; one
host key thus has another four-byte key id for each log.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.errors import HostKeyError, MalformedNote, VerificationError

ED25519 = b"\x01"  # signature type of signed-note
COSIGNATURE = b"\x04"  # signature type of tlog-cosignature: timestamped, by a witness
DASH = "\N{EM DASH} "
LARGEST_NOTE = 64 * 1024
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """The four bytes by which a signature line names its key."""
    return sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def vkey(name: str, public: bytes, kind: bytes = ED25519) -> str:
    """A public key as one line to pin: name+id+base64."""
    return f"{name}+{key_id(name, public, kind).hex()}+{base64.b64encode(kind + public).decode()}"


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The text that a checkpoint's signatures cover."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


@dataclass(frozen=True)
class HostKey:
    """The key with which this host signs its checkpoints."""

    private: Ed25519PrivateKey
    public: bytes

    def sign(self, name: str, text: str) -> str:
        """`text` as a signed note, with one signature under the key name `name`."""
        signature = base64.b64encode(key_id(name, self.public) + self.private.sign(text.encode()))
        return f"{text}\n{DASH}{name} {signature.decode()}\n"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint note says, before anybody has checked who signed it."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]  # key name, key id, signature


def parse_checkpoint(note: str) -> Checkpoint:
    """The parts of a checkpoint note, or MalformedNote.

    Extension lines are refused: nobody could audit them.
    """
    if len(note) > LARGEST_NOTE or any(mark < " " and mark != "\n" for mark in note):
        raise MalformedNote("A note is at most 64 KiB of text without control characters.")
    text, gap, tail = note.rpartition("\n\n")
    lines = text.split("\n")
    if not gap or not tail.endswith("\n") or len(lines) != 3 or not lines[0]:
        raise MalformedNote("A checkpoint is three lines, an empty line and its signatures.")
    if not _SIZE.fullmatch(lines[1]):
        raise MalformedNote("A checkpoint's size is a decimal number without leading zeroes.")
    root = _base64(lines[2])
    if len(root) != 32:
        raise MalformedNote("A checkpoint's root is base64 of 32 bytes.")
    return Checkpoint(lines[0], int(lines[1]), root, text + "\n", parse_signatures(tail))


def parse_signatures(lines: str) -> tuple[tuple[str, bytes, bytes], ...]:
    """Key name, key id and signature of each signature line, or MalformedNote; nothing is checked yet."""
    if len(lines) > LARGEST_NOTE or not lines.endswith("\n"):
        raise MalformedNote("Signature lines are at most 64 KiB, each with a newline at its end.")
    signatures = []
    for line in lines[:-1].split("\n"):
        name, space, encoded = line.removeprefix(DASH).partition(" ")
        raw = _base64(encoded)
        odd = not name or "+" in name or any(mark.isspace() for mark in name)
        if not line.startswith(DASH) or not space or odd or len(raw) < 5:
            raise MalformedNote(
                "A signature line is a dash, a key name, and base64 of a key id and a signature."
            )
        signatures.append((name, raw[:4], raw[4:]))
    return tuple(signatures)


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedNote("A note holds something that is not base64.") from error
    if base64.b64encode(raw).decode() != text:
        raise MalformedNote("A note holds base64 that is not in its one canonical form.")
    return raw


def verify_checkpoint(note: str, *, name: str, public: bytes) -> Checkpoint:
    """The checkpoint in `note`, of the log `name` and signed by the key `public`, or VerificationError.

    As signed-note asks, unknown keys are passed over and every signature of the known one must hold.
    """
    found = parse_checkpoint(note)
    if found.origin != name:
        raise VerificationError(f"The checkpoint is of the log {found.origin}, not of {name}.")
    ours = [
        signature for who, key, signature in found.signatures if who == name and key == key_id(name, public)
    ]
    if not ours:
        raise VerificationError("The checkpoint is not signed by the expected key.")
    key = Ed25519PublicKey.from_public_bytes(public)
    for signature in ours:
        try:
            key.verify(signature, found.text.encode())
        except InvalidSignature as error:
            raise VerificationError("The signature on the checkpoint is wrong.") from error
    return found


@lru_cache(maxsize=8)
def host_key(path: Path) -> HostKey:
    """The host's key from its file, made at first use. Two processes that race get the same key."""
    if not path.exists():
        _create(path)
    try:
        mode, pem = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise HostKeyError(f"The host key {path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise HostKeyError(f"The host key {path} is open to others; set its mode to 0600.")
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise HostKeyError(f"The host key {path} is not an unencrypted PEM key.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise HostKeyError(f"The host key {path} is not an Ed25519 key.")
    return HostKey(private, private.public_key().public_bytes_raw())


def _create(path: Path) -> None:
    """Write a new key beside `path` and link it there: a crash leaves a stray .new file, never half a key."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, pem)
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first; its key is the host's key
        finally:
            fresh.unlink()
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise HostKeyError(f"The host key {path} cannot be made: {error.strerror}.") from error
