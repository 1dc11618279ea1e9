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
            halves = [side(one.checkpoints[size]) for one in (audit, other)]
            write_fraud(audit, target, {"a": halves[0], "b": halves[1]})
            break
    index, ours, theirs = difference(audit.bundle, other.bundle)
    if ours is not None and theirs is not None:
        audit.findings.append((index, "The two bundles differ here."))
        proof = [prove_inclusion(one.hashes, index) for one in (audit, other)]
        mine = side(audit.checkpoints[audit.size], ours, proof[0])
        yours = side(other.checkpoints[other.size], theirs, proof[1])
        write_fraud(audit, target, {"index": index, "a": mine, "b": yours})


def write_fraud(audit: Audit, target: Path, proof: dict[str, Any]) -> None:
    """Write a proof of fraud, if it is one."""
    data = json.dumps({"fraud": KIND, **proof}, indent=1).encode()
    shown = check_fraud(data, audit.policy)
    target.write_bytes(data)
    audit.findings.append((proof.get("index"), f"{shown} The proof is {target}."))


def check_fraud(data: bytes, policy: Policy) -> str:
    """What a proof of fraud shows, given nothing but the policy; whatever is raised, it shows nothing."""
    proof = parse(data)
    need(proof["fraud"] == KIND, "This is not a proof of fraud.")
    halves = [proof["a"], proof["b"]]
    one, two = notes = [parse_note(str(half["checkpoint"]).encode()) for half in halves]
    good = all(policy.check(note) is not None for note in notes)
    need(good and one.origin == two.origin, "The checkpoints are of two logs.")
    if one.size == two.size and one.root != two.root:
        return f"The host signed two histories, with different roots for size {one.size}, of {one.origin}."
    leaves = [base64(half["leaf"]) for half in halves]
    need(leaves[0] != leaves[1], "Both halves show the same.")
    for note, half, leaf in zip(notes, halves, leaves, strict=True):
        path = [bytes.fromhex(step) for step in half["proof"]]
        verify_inclusion(proof["index"], note.size, leaf_hash(leaf), path, note.root)
    return f"The host signed two histories, with different entries {proof['index']}, of {one.origin}."
