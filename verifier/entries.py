"""Entries: canonical JSON in the narrow profile, leaves, and openings against their commitments."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from verifier.merkle import VerificationError, need

SIX = {"type": str, "schema": int, "actor": dict, "stream": str, "version": int, "command": str}
_key, _hex32 = (re.compile(one).fullmatch for one in ("[a-z0-9_]{1,40}", "[0-9a-f]{64}"))
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
        return depth < 32 and all(map(_key, value)) and all(_plain(one, depth + 1) for one in value.values())
    if kind is list:
        return depth < 32 and all(_plain(one, depth + 1) for one in value)
    return value is None or kind is bool or (kind is int and -(2**53) < value < 2**53)


def leaf_pattern(origin: str) -> re.Pattern[bytes]:
    """What a log's leaves look like, byte for byte: anything else is no canonical leaf of it."""
    hex32, log = rb'"([0-9a-f]{64})"', re.escape(canonical(origin))
    auth = rb'"auth":\{"alg":"(ed25519|webauthn)","intent":%b,"key":%b,"sig":"([A-Za-z0-9+/]+=*)"\},'
    uuid = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    time = rb"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z"
    leaf = rb'\{(?:%b)?"commit":%b,"i":(0|[1-9]\d{0,15}),"log":%b,"party":"(%b)","ts":"(%b)","v":1\}'
    return re.compile(leaf % (auth % (hex32, hex32), hex32, log, uuid, time))


@dataclass(slots=True)
class Leaf:
    """What an entry says in the open."""

    commit: str
    party: str
    at: datetime
    auth: dict[str, str]  # empty where no member signed


def parse_leaf(data: bytes, index: int, pattern: re.Pattern[bytes]) -> Leaf:
    """The leaf that must stand at `index`; ValueError where its time is none of the calendar."""
    if len(data) > 32 * 1024 or not (found := pattern.fullmatch(data)):
        raise VerificationError("It is not a canonical leaf of this log.")
    *auth, commit, number, party, time = found.groups()
    need(int(number) == index, f"It says that it is entry {int(number)}.")
    shown = [one.decode() for one in auth if one]
    signed = dict(zip(("alg", "intent", "key", "sig"), shown, strict=True)) if shown else {}
    return Leaf(commit.decode(), party.decode(), datetime.fromisoformat(time.decode()), signed)


def parse_opening(line: bytes, leaves: Sequence[Leaf], after: int) -> tuple[int, dict[str, Any], bool]:
    """Index and shown fields of an opening, checked against its leaf's commitment, and if they are all."""
    value, body = parse(line), {}
    need(type(value) is dict and value.keys() == {"i", "fields", "hidden"}, "It is not i, fields and hidden.")
    index, hidden = value["i"], value["hidden"]
    need(type(index) is int and after < index < len(leaves), f"After entry {after} it opens none that holds.")
    need(type(hidden) is list and all(map(_hex32, hidden)), "It hides something else than digests.")
    digests = [bytes.fromhex(one) for one in hidden]
    for name, (salt, shown) in value["fields"].items():
        # Were a salt of another length taken, what is salt and what is value would be open.
        need(_hex32(salt) and _key(name), f"A field of entry {index} has an odd name or no salt.")
        hashed = b'%b["%b",%b]' % (bytes.fromhex(salt), name.encode(), canonical(shown, 1))
        digests.append(sha256(b"countersign/field/v1\n" + hashed).digest())
        body[name] = shown
    commit = sha256(b"countersign/body/v1\n" + b"".join(sorted(digests))).hexdigest()
    need(leaves[index].commit == commit, f"That of entry {index} is not what its leaf commits to.")
    good = all(type(body[name]) is kind if name in body else hidden for name, kind in SIX.items())
    need(good, f"That of entry {index} lacks one of the six fields that every entry has.")
    return index, body, not hidden
