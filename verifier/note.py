"""What is signed, and by whom: canonical JSON, checkpoints, their keys, cosignatures and the policy as C2SP's
signed-note and tlog-* specifications say, members' keys, and RFC 3161 time stamps.

Whether a certificate was revoked is not looked up.
"""

import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Container, Iterable
from datetime import UTC, datetime
from hashlib import new, sha256
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from verifier.merkle import VerificationError, need

Body = dict[str, Any]
LOG, WITNESS = 1, 4  # signature types
DASH = "\N{EM DASH} "
# Origin, size, root, an empty line, signatures. Extension lines are refused: nobody could audit them.
_note = re.compile(
    rf"([^\0-\x1f]+)\n(0|[1-9][0-9]{{0,17}})\n([^\s=]{{43}}=)\n\n((?:{DASH}[^\s\0-\x1f+]+ \S+\n)+)"
).fullmatch
_pin = re.compile("[0-9a-f]{64} [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
SIGNED_DATA, TST_INFO = bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d0109100104")
DIGEST, SHA = bytes.fromhex("2a864886f70d010904"), bytes.fromhex("6086480165030402")
STAMPING = x509.oid.ExtendedKeyUsageOID.TIME_STAMPING
HASHES = {SHA + b"\1": hashes.SHA256(), SHA + b"\2": hashes.SHA384(), SHA + b"\3": hashes.SHA512()}
NAME = re.compile("[a-z0-9_]{1,40}").fullmatch  # of a field
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _once(pairs: list[tuple[str, Any]]) -> Body:
    need(len(found := dict(pairs)) == len(pairs), "An object names a key twice.")
    return found


_decode = json.JSONDecoder(object_pairs_hook=_once).decode


def parse(data: bytes) -> Any:
    """The value of JSON in UTF-8 without repeated keys; ValueError or RecursionError where it is none."""
    return _decode(data.decode())


def canonical(value: Any, depth: int = 0) -> bytes:
    """The one byte string of a value in the profile of docs/format.md."""
    need(_plain(value, depth), "A value lies outside the ledger's profile of JSON.")
    return _encode(value).encode()


def _plain(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind is str:
        return "\0" not in value and (value.isascii() or not re.search("[\ud800-\udfff]", value))
    if kind is dict:
        return depth < 32 and all(map(NAME, value)) and all(_plain(one, depth + 1) for one in value.values())
    if kind is list:
        return depth < 32 and all(_plain(one, depth + 1) for one in value)
    return value is None or kind is bool or (kind is int and -(2**53) < value < 2**53)


def agree(one: Body, other: Body) -> bool:
    """Whether what two objects both name has the same value in both."""
    return all(canonical(one[name]) == canonical(other[name]) for name in one.keys() & other.keys())


def base64(text: object) -> bytes:
    """The bytes of base64 in its one canonical form; ValueError where it is none at all."""
    raw = b64decode(str(text), validate=True)
    need(raw and b64encode(raw).decode() == text, "Something that should be base64 is not.")
    return raw


class Key(NamedTuple):
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
            ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            raise VerificationError(f"A signature of {self.name} on a checkpoint is wrong.") from None
        return stamp


def parse_vkey(line: str, kind: int) -> Key:
    """The key of a vkey line; its id must be its own."""
    name, raw = line.partition("+")[0], base64(line.split("+", 2)[-1])
    key = Key(name, kind, raw[1:])
    good = raw[0] == kind and len(raw) == 33 and line == key.vkey
    need(good and re.fullmatch(r"\S+", name), f"{line[:80]!r} is no Ed25519 verifier key of type {kind}.")
    return key


def verify(key: Body, text: bytes, shown: Body) -> None:
    """Raise unless `shown` holds a key's signature over a text: over the bytes, or as a passkey signs."""
    public, signature = bytes.fromhex(key["public"]), base64(shown["sig"])
    if key["alg"] == "ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    data, client = base64(shown["authenticator_data"]), base64(shown["client_data"])
    told, challenge = parse(client), urlsafe_b64encode(sha256(text).digest()).rstrip(b"=").decode()
    good = (told["type"], told["challenge"]) == ("webauthn.get", challenge) and len(data) > 36
    need(good and data[32] & 1, "The passkey signed something else, or nobody was there.")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    return point.verify(signature, data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))


class Note:
    """A checkpoint as it is written: believe none of it before `signers` has been asked."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) > 65536 or not (found := _note(raw.decode())):
            raise VerificationError("A checkpoint is three lines, an empty line, and signatures.")
        self.origin, size, root, tail = found.groups()
        self.raw, self.text = raw, raw[: raw.index(b"\n\n") + 1]
        self.size, self.root = int(size), base64(root)
        lines = [(name, base64(encoded)) for name, encoded in re.findall(r" (\S+) (\S+)\n", tail)]
        self.signatures = [(name, signed[:4], signed[4:]) for name, signed in lines]

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


def _der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The tag, content and whole bytes of the DER values that stand side by side, sorted or not."""
    found = []
    while data:
        head = 2 + max(0, data[1] - 0x80)  # the first byte of a long length says how many follow
        end = head + int.from_bytes(data[2:head] or data[1:2], "big")
        need(data[1] != 0x80 and end <= len(data), "The time stamp is not DER.")
        found.append((data[0], data[head:end], data[:end]))
        data = data[end:]
    return found


def _in(data: bytes, *path: int) -> bytes:
    """The content of the value that stands inside, in this place at each level."""
    for place in path:
        data = _der(data)[place][1]
    return data


def check_stamp(answer: bytes, message: bytes, extra: bytes, pinned: bytes) -> tuple[datetime, bool]:
    """When a TSA signed a message's SHA-256, and whether its chain ends at a pinned certificate.

    Whatever is raised means that it did not; a malformed answer raises what its reading happens to.
    """
    token = _der(_in(answer, 0))[1][2]
    signed, info = _der(_in(token, 0, 1, 0)), _in(token, 0, 1, 0, 2, 1, 0)
    signer, stamp = _der(_in(signed[-1][1], 0)), _der(_in(info, 0))
    imprint, time, digest = stamp[2][1], stamp[4][1].decode(), HASHES[_in(signer[2][1], 0)]
    good = _in(token, 0, 0) == SIGNED_DATA and _in(signed[2][1], 0) == TST_INFO
    good = good and _in(imprint, 0, 0) == SHA + b"\1" and _in(imprint, 1) == sha256(message).digest()
    need(good, "The time stamp is of something else than the note beside it.")
    at = datetime.strptime(time[:14] + "+0000", "%Y%m%d%H%M%S%z").astimezone(UTC)
    attributes = {_in(one, 0): _in(one, 1, 0) for _, one, _ in _der(signer[3][1])}
    need(attributes[DIGEST] == new(digest.name, info).digest(), "The time stamp's digest is wrong.")
    trusted = x509.load_pem_x509_certificates(pinned) if pinned else []
    given = trusted + (x509.load_pem_x509_certificates(extra) if extra else [])
    if signed[3][0] == 0xA0:
        given += [x509.load_der_x509_certificate(one) for _, _, one in _der(signed[3][1])]
    names = b"".join(attributes.values())  # one of them names the signer's certificate by its hash
    kinds = hashes.SHA256(), hashes.SHA1()  # noqa: S303 - RFC 2634 knows no other; the signature covers it
    chain = [one for one in given if any(one.fingerprint(kind) in names for kind in kinds)][:1]
    usage = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    need(STAMPING in usage, "The signer's certificate is for something else.")
    key: Any = chain[0].public_key()
    need(isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "The kind of key is not understood.")
    scheme = [padding.PKCS1v15(), digest] if isinstance(key, rsa.RSAPublicKey) else [ec.ECDSA(digest)]
    key.verify(signer[5][1], b"\x31" + signer[3][2][1:], *scheme)
    while chain[-1] not in trusted:
        issuers = [one for one in given if one.subject == chain[-1].issuer and one not in chain]
        if not issuers:
            return at, False
        chain[-1].verify_directly_issued_by(issuers[0])
        basic = issuers[0].extensions.get_extension_for_class(x509.BasicConstraints).value
        need(basic.ca, "A certificate in the chain may not issue others.")
        chain.append(issuers[0])
    return at, all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in chain)
