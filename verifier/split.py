"""Two views of one log: a mirror, another party's bundle, and proofs of fraud that stand alone."""

import json
from base64 import b64encode
from itertools import zip_longest
from pathlib import Path
from typing import Any

from verifier.bundle import Bundle
from verifier.check import Audit
from verifier.entries import parse
from verifier.merkle import leaf_hash, need, prove_inclusion, verify_inclusion
from verifier.note import Note, Policy, base64, parse_note

KIND = "countersign/fraud/v1"


def difference(one: Bundle, other: Bundle) -> tuple[int, bytes | None, bytes | None]:
    """The first index where two files of leaves differ, and the leaves there; nothing where one has ended."""
    pairs = zip_longest(one.lines("leaves.jsonl"), other.lines("leaves.jsonl"))
    return next(((index, a, b) for index, (a, b) in enumerate(pairs) if a != b), (0, None, None))


def compare_mirror(audit: Audit, mirror: Bundle) -> None:
    """The witness's own copy against the bundle, byte for byte."""
    index, ours, kept = difference(audit.bundle, mirror)
    if kept is not None:
        what = "another leaf here" if ours else "this entry and maybe more; the host has gone back"
        audit.findings.append((index, f"The mirror holds {what}."))


def side(note: Note, leaf: bytes = b"", proof: list[bytes] | None = None) -> dict[str, Any]:
    """One half of a proof of fraud."""
    shown = {"leaf": b64encode(leaf).decode(), "proof": [one.hex() for one in proof or []]}
    return {"checkpoint": note.raw.decode(), **(shown if leaf else {})}


def compare(audit: Audit, other: Audit, target: Path) -> None:
    """Another party's bundle of the same log; a split view is written to `target` as a proof of fraud."""
    need(audit.origin == other.origin, "The other bundle is of another log.")
    for size in sorted(audit.checkpoints.keys() & other.checkpoints.keys()):
        if audit.checkpoints[size].root != other.checkpoints[size].root:
            write_fraud(audit, target, [side(one.checkpoints[size]) for one in (audit, other)])
            break
    index, *leaves = difference(audit.bundle, other.bundle)
    if None not in leaves:
        audit.findings.append((index, "The two bundles differ here."))
        both = [(one.checkpoints[one.size], prove_inclusion(one.hashes, index)) for one in (audit, other)]
        halves = [side(note, leaf or b"", proof) for (note, proof), leaf in zip(both, leaves, strict=True)]
        write_fraud(audit, target, halves, index=index)


def write_fraud(audit: Audit, target: Path, halves: list[dict[str, Any]], **index: int) -> None:
    """Write a proof of fraud, if it is one."""
    data = json.dumps({"fraud": KIND, "a": halves[0], "b": halves[1], **index}, indent=1).encode()
    audit.findings.append((index.get("index"), f"{check_fraud(data, audit.policy)} The proof is {target}."))
    target.write_bytes(data)


def check_fraud(data: bytes, policy: Policy) -> str:
    """What a proof of fraud shows, given nothing but the policy; whatever is raised, it shows nothing."""
    proof = parse(data)
    need(proof["fraud"] == KIND, "This is not a proof of fraud.")
    halves = [proof["a"], proof["b"]]
    one, two = notes = [parse_note(half["checkpoint"].encode()) for half in halves]
    need(all(policy.check(note) is not None for note in notes) and one.origin == two.origin, "Two logs.")
    if one.size == two.size and one.root != two.root:
        return f"The host signed two histories, with different roots for size {one.size}, of {one.origin}."
    need(halves[0]["leaf"] != halves[1]["leaf"], "Both halves show the same.")
    for note, half in zip(notes, halves, strict=True):
        path = [bytes.fromhex(step) for step in half["proof"]]
        verify_inclusion(proof["index"], note.size, leaf_hash(base64(half["leaf"])), path, note.root)
    return f"The host signed two histories, with different entries {proof['index']}, of {one.origin}."
