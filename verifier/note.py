"""Checkpoints, keys, cosignatures and the policy, as C2SP's signed-note and tlog-* specifications say."""

import re
from base64 import b64decode, b64encode
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.merkle import VerificationError, need

LOG, WITNESS = 1, 4  # signature types
DASH = "\N{EM DASH} "


def base64(text: object) -> bytes:
    """The bytes of base64 in its one canonical form; ValueError where it is none at all."""
    raw = b64decode(str(text), validate=True)
    need(raw and b64encode(raw).decode() == text, "Something that should be base64 is not.")
    return raw


@dataclass(frozen=True)
class Key:
    """An Ed25519 public key under a name, for signatures of one type."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    def time_of(self, text: bytes, signature: bytes) -> int:
        """Check a signature over a note's text; the time that a cosignature states, 0 for a log's own."""
        stamp = int.from_bytes(signature[:8], "big") if self.kind == WITNESS else 0
        if self.kind == WITNESS:
            signature, text = signature[8:], b"cosignature/v1\ntime %d\n" % stamp + text
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            raise VerificationError(f"A signature of {self.name} on a checkpoint is wrong.") from None
        need(stamp < 2**37, f"A cosignature of {self.name} states an impossible time.")
        return stamp


def parse_vkey(line: str, kind: int) -> Key:
    """The key of a vkey line; its id must be its own."""
    name, _, rest = line.partition("+")
    raw = base64(rest.partition("+")[2])
    key = Key(name, kind, raw[1:])
    good = name and raw[0] == kind and len(raw) == 33 and line == key.vkey and not re.search(r"\s", name)
    need(good, f"The key {line[:80]!r} is not an Ed25519 verifier key of type {kind}.")
    return key


@dataclass(frozen=True)
class Note:
    """A checkpoint as it is written: believe none of it before `signers` has been asked."""

    raw: bytes
    text: bytes
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes, bytes]]

    def signers(self, keys: Iterable[Key]) -> dict[Key, list[int]]:
        """Which of these keys signed, and when. Others are passed over; a wrong one spoils the note."""
        found: dict[Key, list[int]] = {}
        for key in keys:
            for name, key_id, signature in self.signatures:
                if (name, key_id) == (key.name, key.id):
                    found.setdefault(key, []).append(key.time_of(self.text, signature))
        return found


def signature_line(line: str) -> tuple[str, bytes, bytes]:
    """Key name, key id and signature of one signature line."""
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    good = line.startswith(DASH) and name and "+" not in name and not re.search(r"\s", name)
    need(good, "A line of signature is not a dash, a key name and base64.")
    raw = base64(encoded)
    return name, raw[:4], raw[4:]


def parse_note(raw: bytes) -> Note:
    """The parts of a checkpoint. Extension lines are refused: nobody could audit them."""
    whole = raw.decode()
    text, _, tail = whole.rpartition("\n\n")
    good = len(raw) <= 65536 and tail.endswith("\n") and not re.search("[\x00-\x09\x0b-\x1f]", whole)
    origin, size, root, *more = [*text.split("\n"), "", ""]
    good = good and origin != "" and len(more) == 2 and size.isascii() and size.isdecimal() and len(size) < 19
    good = good and size == str(int(size)) and len(base64(root)) == 32
    need(good, "A checkpoint is three lines, an empty line, and signatures.")
    signatures = [signature_line(line) for line in tail[:-1].split("\n")]
    return Note(raw, text.encode() + b"\n", origin, int(size), base64(root), signatures)


@dataclass
class Policy:
    """The party's pinned keys, and how many witnesses make a quorum."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=lambda: {"none": (0, [])})
    quorum: str = ""

    def met(self, signed: Container[Key], name: str) -> bool:
        """Whether these witnesses make the witness, group or quorum of this name."""
        if name in self.witnesses:
            return self.witnesses[name] in signed
        least, members = self.groups[name]
        return sum(self.met(signed, one) for one in members) >= least

    def check(self, note: Note) -> dict[Key, list[int]]:
        """The witnesses that cosigned, and when, if a pinned log key of the note's origin signed it."""
        keys = [key for key in self.logs if key.name == note.origin]
        need(keys, f"It is of {note.origin[:200]!r}, which the policy does not name.")
        need(note.signers(keys), f"That of size {note.size} is not signed by the host's pinned key.")
        return note.signers(self.witnesses.values())


def parse_policy(data: bytes) -> Policy:
    """The policy in a file's bytes."""
    need(len(data) < 2**20 and not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data), "The policy is no text.")
    policy, used = Policy(), set[str]()
    for line in data.decode().split("\n"):
        word, *rest = re.findall(r"[^ \t]+", line) or ["#"]
        known, name = {*policy.witnesses, *policy.groups}, rest[0] if rest else ""
        if word == "log" and len(rest) in (1, 2):
            policy.logs.append(parse_vkey(name, LOG))
        elif word == "witness" and len(rest) in (2, 3) and name not in known:
            policy.witnesses[name] = parse_vkey(rest[1], WITNESS)
        elif word == "group" and len(rest) > 2 and name not in known:
            members, least = rest[2:], {"all": str(len(rest) - 2), "any": "1"}.get(rest[1], rest[1])
            good = len({*members}) == len(members) and known - used - {"none"} >= {*members}
            good = good and least in map(str, range(1, len(members) + 1))
            need(good, f"The policy's group {name} is impossible, or takes in a name twice or too early.")
            policy.groups[name], used = (int(least), members), used | {*members}
        elif word == "quorum" and len(rest) == 1 and not policy.quorum and name in known:
            policy.quorum = name
        else:
            need(word.startswith("#"), f"The policy's line {line[:80]!r} is not understood.")
    keys = [key.public for key in policy.witnesses.values()]
    logs = {key.public for key in policy.logs}
    need(len(logs.union(keys)) == len(keys) + len(logs), "The policy names a witness's key twice.")
    need(policy.quorum and policy.logs, "The policy needs at least one log and exactly one quorum.")
    return policy
