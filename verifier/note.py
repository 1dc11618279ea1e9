"""Checkpoints, keys, cosignatures and the policy, as C2SP's signed-note and tlog-* specifications say."""

import re
from base64 import b64decode, b64encode
from collections.abc import Container, Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.merkle import VerificationError, need

LOG, WITNESS = 1, 4  # signature types
DASH = "\N{EM DASH} "
# Origin, size, root, an empty line, signatures. Extension lines are refused: nobody could audit them.
_note = re.compile(
    rf"([^\0-\x1f]+)\n(0|[1-9][0-9]{{0,17}})\n([^\s=]{{43}}=)\n\n((?:{DASH}[^\s\0-\x1f+]+ \S+\n)+)"
).fullmatch
_pin = re.compile("[0-9a-f]{64} [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


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
        stamp = 0
        if self.kind == WITNESS:
            stamp, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            text = b"cosignature/v1\ntime %d\n" % stamp + text
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            raise VerificationError(f"A signature of {self.name} on a checkpoint is wrong.") from None
        return stamp


def parse_vkey(line: str, kind: int) -> Key:
    """The key of a vkey line; its id must be its own."""
    name, _, rest = line.partition("+")
    raw = base64(rest.partition("+")[2])
    key = Key(name, kind, raw[1:])
    good = raw[0] == kind and len(raw) == 33 and line == key.vkey
    need(good and re.fullmatch(r"\S+", name), f"{line[:80]!r} is no Ed25519 verifier key of type {kind}.")
    return key


class Note:
    """A checkpoint as it is written: believe none of it before `signers` has been asked."""

    def __init__(self, raw: bytes) -> None:
        found = _note(raw.decode()) if len(raw) <= 65536 else None
        if not found:
            raise VerificationError("A checkpoint is three lines, an empty line, and signatures.")
        self.origin, size, root, tail = found.groups()
        self.raw, self.text, self.size, self.root = (
            raw,
            raw[: raw.index(b"\n\n") + 1],
            int(size),
            base64(root),
        )
        lines = [line.split(" ")[1:] for line in tail[:-1].split("\n")]
        self.signatures = [(name, base64(encoded)[:4], base64(encoded)[4:]) for name, encoded in lines]

    def signers(self, keys: Iterable[Key]) -> list[tuple[Key, int]]:
        """Which of these keys signed, and when. Others are passed over; a wrong one spoils the note."""
        known = {(key.name, key.id): key for key in keys}
        lines = [(known.get((name, key_id)), rest) for name, key_id, rest in self.signatures]
        return [(key, key.time_of(self.text, rest)) for key, rest in lines if key]


class Policy:
    """The party's pinned keys, and how many witnesses make a quorum.

    The file is a C2SP tlog-policy; members' keys are pinned in lines that begin `#key`.
    """

    def __init__(self, data: bytes) -> None:
        text = data.decode()
        need(len(data) < 2**20 and not re.search(r"[\0-\x08\x0b-\x1f\x7f]", text), "The policy is no text.")
        self.logs, self.witnesses, self.quorum = list[Key](), dict[str, Key](), ""
        self.groups: dict[str, tuple[int, list[str]]] = {"none": (0, [])}
        self.pins, used = dict[str, str](), set[str]()  # the party of each pinned member's key, by key id
        for line in text.split("\n"):
            known = {*self.witnesses, *self.groups}
            match re.findall(r"[^ \t]+", line):
                case ["log", vkey] | ["log", vkey, _]:
                    self.logs.append(parse_vkey(vkey, LOG))
                case ["witness", name, vkey] | ["witness", name, vkey, _] if name not in known:
                    self.witnesses[name] = parse_vkey(vkey, WITNESS)
                case ["group", name, least, *members] if name not in known:
                    counts = {str(n): n for n in range(len(members) + 1)} | {"all": len(members), "any": 1}
                    count, free = counts.get(least, 0), known - used - {"none"}
                    good = free >= {*members} and 0 < count <= len({*members}) == len(members)
                    need(good, f"The group {name} is impossible, or takes in a name twice or too early.")
                    self.groups[name], used = (count, members), used | {*members}
                case ["quorum", name] if not self.quorum and name in known:
                    self.quorum = name
                case ["#key", key, party] if _pin(f"{key} {party}") and key not in self.pins:
                    self.pins[key] = party
                case [word, *_] if word == "#key" or not word.startswith("#"):
                    raise VerificationError(f"The policy's line {line[:120]!r} is not understood.")
        keys = [key.public for key in self.witnesses.values()] + [*{key.public for key in self.logs}]
        need(len({*keys}) == len(keys), "The policy names a witness's key twice.")
        need(self.quorum and self.logs, "The policy needs at least one log and exactly one quorum.")

    def met(self, signed: Container[Key], name: str) -> bool:
        """Whether these witnesses make the witness, group or quorum of this name."""
        if name in self.witnesses:
            return self.witnesses[name] in signed
        least, members = self.groups[name]
        return sum(self.met(signed, one) for one in members) >= least

    def check(self, note: Note) -> list[tuple[Key, int]]:
        """The witnesses that cosigned, and when, if a pinned log key of the note's origin signed it."""
        keys = [key for key in self.logs if key.name == note.origin]
        need(note.signers(keys), f"The policy pins no key that signed this for {note.origin[:200]!r}.")
        return note.signers(self.witnesses.values())


parse_note, parse_policy = Note, Policy
