"""A tiny maker of logs and bundles, by the words of docs/format.md and without any of our code."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "countersign/example.org/case/0f0e0d0c-0b0a-4908-8706-050403020100"
NORTHWIND, CONTOSO = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "12")
ALICE = "22222222-2222-4222-8222-222222222222"
START = datetime(2026, 2, 8, 10, 0, tzinfo=UTC)
DATA = b"the bytes of exhibit one\n"


def jcs(value: object) -> bytes:
    """Canonical JSON of ASCII keys and whole numbers."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key(name: str) -> Ed25519PrivateKey:
    """A key that anybody can make again."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def public(private: Ed25519PrivateKey) -> bytes:
    """The public half."""
    return private.public_key().public_bytes_raw()


def vkey(name: str, kind: int, raw: bytes) -> str:
    """A verifier key line."""
    tail = bytes([kind]) + raw
    return f"{name}+{sha256(name.encode() + bytes([10]) + tail).hexdigest()[:8]}+{b64(tail)}"


def b64(raw: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(raw).decode()


def root(hashes: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    cut = 1
    while cut * 2 < len(hashes):
        cut *= 2
    return sha256(b"\x01" + root(hashes[:cut]) + root(hashes[cut:])).digest()


def signed(name: str, kind: int, private: Ed25519PrivateKey, signature: bytes) -> str:
    """A signature line."""
    key_id = sha256(name.encode() + b"\n" + bytes([kind]) + public(private)).digest()[:4]
    return f"— {name} {b64(key_id + signature)}\n"


@dataclass
class Log:
    """A log that grows, with a host key and two witnesses."""

    host: Ed25519PrivateKey = field(default_factory=lambda: key("host"))
    witnesses: tuple[str, ...] = ("northwind.example/w", "contoso.example/w")
    leaves: list[bytes] = field(default_factory=list)
    openings: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    salt: str = "salt"
    salt_size: int = 32

    def at(self, index: int) -> datetime:
        """When an entry is recorded: one a minute."""
        return START + timedelta(minutes=index, microseconds=index)

    def add(
        self,
        kind: str = "EvidenceExamined",
        *,
        stream: str = "case",
        party: str = NORTHWIND,
        auth: Any = None,
        hide: tuple[str, ...] = (),
        opened: bool = True,
        event: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> int:
        """Append an entry and return its index."""
        index = len(self.leaves)
        self.streams[stream] = version = self.streams.get(stream, 0) + 1
        body = {
            "type": kind,
            "schema": 1,
            "actor": {"kind": "member", "member": ALICE, "name": "Zoë"},
            "stream": stream,
            "version": version,
            "command": f"00000000-0000-4000-8000-{index:012}",
            **fields,
            **(event or {}),
        }
        salts = {
            name: sha256(f"{self.salt} {index} {name}".encode()).digest()[: self.salt_size] for name in body
        }
        digests = {
            name: sha256(b"countersign/field/v1\n" + salts[name] + jcs([name, one])).digest()
            for name, one in body.items()
        }
        leaf = {
            "v": 1,
            "log": ORIGIN,
            "i": index,
            "party": party,
            "ts": self.at(index).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "commit": sha256(b"countersign/body/v1\n" + b"".join(sorted(digests.values()))).hexdigest(),
        }
        self.leaves.append(jcs(leaf | ({"auth": auth} if auth else {})))
        if opened:
            shown = {name: [salts[name].hex(), one] for name, one in body.items() if name not in hide}
            self.openings.append(
                {"i": index, "fields": shown, "hidden": sorted(digests[one].hex() for one in hide)}
            )
        return index

    def hashes(self) -> list[bytes]:
        """The leaf hashes."""
        return [sha256(b"\x00" + leaf).digest() for leaf in self.leaves]

    def checkpoint(self, *, by: int = 0, size: int | None = None, at: datetime | None = None) -> str:
        """Sign what there is, and let the first `by` witnesses cosign it."""
        size = len(self.leaves) if size is None else size
        text = f"{ORIGIN}\n{size}\n{b64(root(self.hashes()[:size]))}\n"
        note = text + "\n" + signed(ORIGIN, 1, self.host, self.host.sign(text.encode()))
        stamp = int((at or self.at(size)).timestamp())
        for name in self.witnesses[:by]:
            message = f"cosignature/v1\ntime {stamp}\n{text}".encode()
            note += signed(name, 4, key(name), stamp.to_bytes(8, "big") + key(name).sign(message))
        self.notes[size] = note
        return note

    def policy(self, quorum: str = "both") -> str:
        """The policy of somebody who pins this log and its witnesses."""
        lines = ["# ours", "log " + vkey(ORIGIN, 1, public(self.host))]
        lines += [f"witness w{n} {vkey(name, 4, public(key(name)))}" for n, name in enumerate(self.witnesses)]
        return "\n".join([*lines, "group both all w0 w1", "group one any both", f"quorum {quorum}", ""])

    def files(self) -> dict[str, bytes]:
        """The bundle of the log as it stands; the newest checkpoint is that of the largest size."""
        sealed = [
            {
                "i": one["i"],
                **{name: one["fields"][name][1] for name in ("item", "filename", "size", "sha256")},
            }
            for one in self.openings
            if one["fields"].get("type", [0, 0])[1] == "EvidenceSealed"
        ]
        newest = max(self.notes)
        found = {
            "bundle.json": jcs({"bundle": "countersign/bundle/v1", "origin": ORIGIN, "size": newest}),
            "leaves.jsonl": b"".join(one + b"\n" for one in self.leaves[:newest]),
            "openings.jsonl": b"".join(jcs(one) + b"\n" for one in self.openings if one["i"] < newest),
            "checkpoint": self.notes[newest].encode(),
            "evidence.jsonl": b"".join(jcs(one) + b"\n" for one in sealed),
        }
        return found | {
            f"checkpoints/{size}.note": note.encode() for size, note in self.notes.items() if size < newest
        }


def write(files: dict[str, bytes], into: Path) -> Path:
    """The files as a folder."""
    for name, data in files.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes(data)
    return into


def key_id(private: Ed25519PrivateKey) -> str:
    """The id of a key: the hash of its public half."""
    return sha256(public(private)).hexdigest()


def statement(**told: Any) -> str:
    """What the holder of a key signs with it, whatever may stand in it."""
    return jcs({"statement": "countersign/key/v1", "host": "example.org", "replaces": None} | told).decode()


def key_event(
    new: Ed25519PrivateKey,
    *,
    old: Ed25519PrivateKey | None = None,
    party: str = NORTHWIND,
    member: str | None = ALICE,
    purpose: str = "member",
    name: str = "",
) -> dict[str, Any]:
    """The fields of KeyRegistered or, with an old key, of KeyRotated."""
    raw, replaces = public(new).hex(), key_id(old) if old else None
    told = {
        "party": party,
        "member": member,
        "purpose": purpose,
        "name": name,
        "alg": "ed25519",
        "public": raw,
    }
    text = statement(replaces=replaces, **told)
    event = {**told, "key": key_id(new), "statement": text, "proof": {"sig": b64(new.sign(text.encode()))}}
    if old:
        event |= {"replaces": replaces, "old_proof": {"sig": b64(old.sign(text.encode()))}}
    return event


def register(log: "Log", new: Ed25519PrivateKey, *, party: str = NORTHWIND, **more: Any) -> int:
    """Append the registration of a key, or its rotation, as its party asked for it."""
    fields = key_event(new, party=party, **more)
    kind = "KeyRotated" if "replaces" in fields else "KeyRegistered"
    return log.add(kind, stream=f"keys/{party}", party=party, event=fields)


def revoke(log: "Log", old: Ed25519PrivateKey, *, party: str = NORTHWIND, **more: Any) -> int:
    """Append the end of a key, as its party asked for it."""
    fields = {"key": key_id(old), "party": party, "reason": "Lost."}
    return log.add("KeyRevoked", stream=f"keys/{party}", party=party, event=fields, **more)


def intent(log: Log, command: str, content: object, *, index: int | None = None) -> str:
    """The intent for the next entry of a log."""
    number = len(log.leaves) if index is None else index
    return jcs(
        {
            "intent": "countersign/intent/v1",
            "log": ORIGIN,
            "command": command,
            "made_at": "2026-02-08T10:00:00.000000Z",
            "command_id": f"00000000-0000-4000-8000-{number:012}",
            "content": sha256(jcs(content)).hexdigest(),
        }
    ).decode()


def auth_over(text: str, private: Ed25519PrivateKey) -> dict[str, Any]:
    """The signature of an act as its leaf shows it."""
    digest, sig = sha256(text.encode()).hexdigest(), b64(private.sign(text.encode()))
    return {"key": key_id(private), "alg": "ed25519", "intent": digest, "sig": sig}


def signed_act(
    log: Log, private: Ed25519PrivateKey, command: str, kind: str, *, party: str = NORTHWIND, **fields: Any
) -> int:
    """Append an act that a member signed."""
    text = intent(log, command, fields)
    body = {**fields, "intent": text, "signed": fields}
    return log.add(kind, party=party, auth=auth_over(text, private), event=body)


def example() -> Log:
    """Eleven entries: sealed evidence, keys, signed acts, hidden entries, and countersigned sizes."""
    log = Log()
    log.add("CaseCreated", title="Bulk extraction")
    register(log, key("alice"))
    log.checkpoint(by=2)
    log.add(
        "EvidenceSealed",
        stream="item-1",
        item="33333333-3333-4333-8333-333333333333",
        filename="one.log",
        size=len(DATA),
        sha256=sha256(DATA).hexdigest(),
    )
    log.add(
        "EvidenceSealed",
        stream="item-2",
        party=CONTOSO,
        opened=False,
        item="x",
        filename="y",
        size=1,
        sha256="z",
    )
    log.add(hide=("purpose", "actor"), purpose="secret")
    log.checkpoint(by=1)
    log.add("EvidenceMoved", stream="item-2", party=CONTOSO)
    signed_act(log, key("alice"), "CloseCase", "CaseClosed", reason="Settled.")
    register(log, key("alice2"), old=key("alice"))
    log.checkpoint()
    signed_act(
        log, key("alice2"), "ReopenCase", "CaseReopened", reason="Not settled.", numbers=[1, None, True]
    )
    revoke(log, key("alice2"))
    log.add(lines=["ä", "\u2028", "€"])
    log.checkpoint(by=2)
    return log
