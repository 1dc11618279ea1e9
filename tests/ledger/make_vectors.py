"""The fixed-seed test vectors of docs/format.md.

`python -m tests.ledger.make_vectors` writes them anew.
"""

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cases.rules.keys import statement
from ledger import authorship, commitments, cosigning, jcs, leaf, merkle, signing

VECTORS = Path(__file__).parent / "vectors"
SEED = bytes(range(32))
WITNESS_SEED = bytes(range(32, 64))
MEMBER_SEED = bytes(range(64, 96))
PASSKEY_SECRET = int.from_bytes(bytes(range(96, 128)))
COSIGNED_AT = 1_770_547_500
CASE = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
ZOE = UUID("22222222-2222-4222-8222-222222222222")
NORTHWIND = UUID("11111111-1111-4111-8111-111111111111")
ORIGIN = f"countersign/example.org/case/{CASE}"
KEY = signing.HostKey(
    Ed25519PrivateKey.from_private_bytes(SEED),
    Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw(),
)


def body(index: int) -> dict[str, jcs.Json]:
    """The body of entry `index` of the example log."""
    return {
        "type": "EvidenceExamined",
        "schema": 1,
        "actor": {"kind": "member", "member": "22222222-2222-4222-8222-222222222222", "name": "Zoë"},
        "stream": "case",
        "version": index + 1,
        "command": str(UUID(int=index + 1)),
        "purpose": "Who asked for it?\n",
        "lines": [1, index, None, True],
    }


def salts(index: int, count: int) -> bytes:
    """Salts that anybody can make again: SHA-256 over the entry's index and the field's place by name."""
    return b"".join(sha256(f"salt {index} {n}".encode()).digest() for n in range(count))


def entry_vector(index: int) -> dict[str, Any]:
    """One entry with every step from its body to its leaf hash."""
    content, at = body(index), datetime(2026, 2, 8, 10, 44, 10, 123456 + index, tzinfo=UTC)
    salt = salts(index, len(content))
    single = commitments.split_salts(salt)
    commit = commitments.commit_body(content, salt)
    data = leaf.build(leaf.Leaf(ORIGIN, index, at, NORTHWIND, commit))
    return {
        "body": content,
        "salts": {name: one.hex() for name, one in zip(sorted(content), single, strict=True)},
        "field_digests": {
            name: commitments.field_digest(one, name, content[name]).hex()
            for name, one in zip(sorted(content), single, strict=True)
        },
        "commit": commit.hex(),
        "leaf": data.decode(),
        "leaf_hash": merkle.leaf_hash(data).hex(),
    }


def entries() -> dict[str, Any]:
    """A log of five entries, the checkpoints after each, and the key that signed them."""
    made = [entry_vector(index) for index in range(5)]
    hashes = [bytes.fromhex(one["leaf_hash"]) for one in made]
    return {
        "origin": ORIGIN,
        "private_key_seed": SEED.hex(),
        "public_key": KEY.public.hex(),
        "vkey": signing.vkey(ORIGIN, KEY.public),
        "entries": made,
        "checkpoints": [
            KEY.sign(ORIGIN, signing.checkpoint_text(ORIGIN, size, merkle.root_of_leaves(hashes[:size])))
            for size in range(1, 6)
        ],
    }


def proof(hashes: list[bytes], ranges: list[tuple[int, int]]) -> list[str]:
    """The hashes of the ranges, computed from the leaves."""
    return [merkle.root_of_leaves(hashes[start:end]).hex() for start, end in ranges]


def tree() -> dict[str, Any]:
    """Roots of the first sizes, and all proofs in a tree of seven leaves; leaf n is the decimal text of n."""
    hashes = [merkle.leaf_hash(str(n).encode()) for n in range(17)]
    return {
        "leaf_hashes": [one.hex() for one in hashes],
        "roots": [merkle.root_of_leaves(hashes[:size]).hex() for size in range(18)],
        "inclusion": [
            {"index": index, "size": 7, "proof": proof(hashes, merkle.inclusion_ranges(index, 7))}
            for index in range(7)
        ],
        "consistency": [
            {"size1": old, "size2": 7, "proof": proof(hashes, merkle.consistency_ranges(old, 7))}
            for old in range(1, 8)
        ],
    }


def witnessed() -> dict[str, Any]:
    """The newest checkpoint cosigned, a receipt as tlog-proof, and entry 3 without one field."""
    log = entries()
    private = Ed25519PrivateKey.from_private_bytes(WITNESS_SEED)
    key = cosigning.WitnessKey("contoso.example/witness", private.public_key().public_bytes_raw())
    note = log["checkpoints"][4]
    message = cosigning.cosigned_message(signing.parse_checkpoint(note).text, COSIGNED_AT)
    cosigned = note + cosigning.Cosigned(key, COSIGNED_AT, private.sign(message)).line
    hashes = [bytes.fromhex(one["leaf_hash"]) for one in log["entries"]]
    ranges = merkle.inclusion_ranges(3, 5)
    path = [base64.b64encode(merkle.root_of_leaves(hashes[start:end])).decode() for start, end in ranges]
    example = log["entries"][3]
    return {
        "witness_seed": WITNESS_SEED.hex(),
        "witness_vkey": key.vkey,
        "cosigned_message": message.decode(),
        "cosigned_note": cosigned,
        "tlog_proof": "\n".join(["c2sp.org/tlog-proof@v1", "index 3", *path, "", cosigned]),
        "erased": {
            "index": 3,
            "fields": {
                name: [example["salts"][name], value]
                for name, value in example["body"].items()
                if name != "purpose"
            },
            "erased": {"purpose": example["field_digests"]["purpose"]},
        },
    }


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def by_key(text: str) -> dict[str, str]:
    """The member's Ed25519 signature over a text."""
    return {"sig": b64(Ed25519PrivateKey.from_private_bytes(MEMBER_SEED).sign(text.encode()))}


def by_passkey(text: str) -> dict[str, str]:
    """The member's passkey's, with the nonce of RFC 6979 where a real one draws it."""
    told = {"type": "webauthn.get", "challenge": authorship.challenge_of(text.encode())}
    client = json.dumps(told | {"origin": "https://example.org", "crossOrigin": False}).encode()
    data = sha256(b"example.org").digest() + b"\x05" + (7).to_bytes(4)
    private = ec.derive_private_key(PASSKEY_SECRET, ec.SECP256R1())
    sig = private.sign(data + sha256(client).digest(), ec.ECDSA(SHA256(), deterministic_signing=True))
    return {"sig": b64(sig), "authenticator_data": b64(data), "client_data": b64(client)}


def signed() -> dict[str, Any]:
    """A member's key, the passkey that replaces it, and an act signed with each, as entries 5 and 6."""
    first = Ed25519PrivateKey.from_private_bytes(MEMBER_SEED).public_key().public_bytes_raw()
    point = ec.derive_private_key(PASSKEY_SECRET, ec.SECP256R1()).public_key()
    second = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    told = {"host": "example.org", "party": NORTHWIND, "member": ZOE, "purpose": "member"}
    old = statement(**told, name="file", alg="ed25519", public=first.hex())  # type: ignore[arg-type]
    new = statement(
        **told,  # type: ignore[arg-type]
        name="phone",
        alg="webauthn",
        public=second.hex(),
        replaces=authorship.key_id(first),
    )
    return {
        "member_seed": MEMBER_SEED.hex(),
        "passkey_secret": f"{PASSKEY_SECRET:064x}",
        "keys": [
            {"key": authorship.key_id(first), "public": first.hex(), "statement": old, "proof": by_key(old)},
            {
                "key": authorship.key_id(second),
                "public": second.hex(),
                "statement": new,
                "proof": by_passkey(new),
                "old_proof": by_key(new),
            },
        ],
        "acts": [
            act(5, "CloseCase", "CaseClosed", "Settled", "ed25519", authorship.key_id(first)),
            act(6, "ReopenCase", "CaseReopened", "Not settled", "webauthn", authorship.key_id(second)),
        ],
    }


def act(index: int, command: str, event: str, reason: str, alg: str, key: str) -> dict[str, Any]:
    """A signed entry of the example log."""
    asked: dict[str, jcs.Json] = {"reason": reason}
    intent = {
        "intent": "countersign/intent/v1",
        "log": ORIGIN,
        "command": command,
        "command_id": str(UUID(int=index + 1)),
        "content": sha256(jcs.canonical(asked)).hexdigest(),
        "made_at": "2026-02-08T10:44:09.000000Z",
    }
    text = jcs.canonical(intent).decode()
    parts = (by_key if alg == "ed25519" else by_passkey)(text)
    auth = {"key": key, "alg": alg, "intent": sha256(text.encode()).hexdigest(), "sig": parts.pop("sig")}
    body: dict[str, jcs.Json] = {
        "type": event,
        "schema": 1,
        "actor": {"kind": "member", "member": str(ZOE), "name": "Zoë"},
        "stream": "case",
        "version": index + 1,
        "command": intent["command_id"],
        "intent": text,
        "signed": asked,
        **asked,
        **parts,
    }
    salt = salts(index, len(body))
    at = datetime(2026, 2, 8, 10, 44, 10, 123456 + index, tzinfo=UTC)
    commit = commitments.commit_body(body, salt)
    data = leaf.build(leaf.Leaf(ORIGIN, index, at, NORTHWIND, commit, {**auth}))
    return {
        "body": body,
        "commit": commit.hex(),
        "leaf": data.decode(),
        "leaf_hash": merkle.leaf_hash(data).hex(),
    }


def canonical() -> dict[str, Any]:
    """Values with their canonical bytes in hex, and JSON texts that lie outside the profile."""
    values: list[Any] = [
        None, True, 0, -1, 2**53 - 1, "", 'a/b\\"\u007f\u2028é€😀', "\b\t\n\f\r\x01\x1f", [], {},
        [1, [2, {"b": 1, "a": [None]}]], {"z": 1, "a_1": 2, "10": 3, "_": 4, "1": 5},
    ]  # fmt: skip
    return {
        "canonical": [{"value": value, "hex": jcs.canonical(value).hex()} for value in values],
        "outside": [
            "1.0", "1e3", "9007199254740992", "-9007199254740992", "NaN", "Infinity",
            '"\\u0000"', '"\\ud800"', '{"A":1}', '{"":1}', '{"é":1}', '{"a b":1}',
            '{"' + "k" * 41 + '":1}', '{"a":1,"a":1}',
        ],
    }  # fmt: skip


ALL = {"entries": entries, "merkle": tree, "jcs": canonical, "witnessed": witnessed, "signed": signed}


def text(name: str) -> str:
    """The file of one set of vectors."""
    return json.dumps(ALL[name](), ensure_ascii=True, indent=1) + "\n"


if __name__ == "__main__":
    for name in ALL:
        (VECTORS / f"{name}.json").write_text(text(name), encoding="ascii")
