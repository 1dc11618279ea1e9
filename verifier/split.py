"""Two views of one log: a mirror, another party's bundle, and proofs of fraud that stand alone."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from verifier.bundle import Bundle
from verifier.check import Audit
from verifier.entries import parse
from verifier.merkle import leaf_hash, need, prove_inclusion, verify_inclusion
from verifier.note import Note, Policy, base64, parse_note

KIND = "countersign/fraud/v1"


def first_difference(one: Bundle, other: Bundle) -> tuple[int, bytes | None, bytes | None]:
    """The first index where two files of leaves differ, and the leaves there; None where one has ended."""
    mine, theirs, index = one.lines("leaves.jsonl"), other.lines("leaves.jsonl"), 0
    while (a := next(mine, None)) == (b := next(theirs, None)) and a is not None:
        index += 1
    return index, a, b


def compare_mirror(audit: Audit, mirror: Bundle) -> None:
    """The witness's own copy against the bundle, byte for byte."""
    index, ours, kept = first_difference(audit.bundle, mirror)
    if kept is not None:
        audit.findings.append(
            (index, "The mirror holds " + ("another leaf here." if ours else "it, the bundle does not."))
        )
    for name in mirror.names:
        if name == "checkpoint" or name.startswith("checkpoints/"):
            note = parse_note(mirror.read(name))
            audit.policy.check(note)
            known = audit.checkpoints.get(note.size, note)
            need(
                note.origin == audit.origin and known.root == note.root,
                f"The mirror's {name} has another root.",
            )
            need(
                note.size <= audit.size,
                f"The mirror's {name} is newer: the host has gone back to {audit.size} entries.",
            )


def side(note: Note, leaf: bytes = b"", proof: list[bytes] | None = None) -> dict[str, Any]:
    """One half of a proof of fraud."""
    texts = [one.hex() for one in proof or []]
    return {
        "checkpoint": note.raw.decode(),
        **({"leaf": b64encode(leaf).decode(), "proof": texts} if leaf else {}),
    }


def compare(audit: Audit, other: Audit, target: Path) -> None:
    """Another party's bundle of the same log; a split view is written to `target` as a proof of fraud."""
    need(audit.origin == other.origin, "The other bundle is of another log.")
    same = [size for size in audit.checkpoints.keys() & other.checkpoints.keys()]
    split = [size for size in same if audit.checkpoints[size].root != other.checkpoints[size].root]
    index, a, b = first_difference(audit.bundle, other.bundle)
    halves = [side(one.checkpoints[min(split)]) for one in (audit, other)] if split else []
    if a is not None and b is not None:
        mine, theirs = audit.checkpoints[audit.size], other.checkpoints[other.size]
        halves = halves or [
            side(mine, a, prove_inclusion(audit.hashes, index)),
            side(theirs, b, prove_inclusion(other.hashes, index)),
        ]
        audit.findings.append((index, "The two bundles differ here."))
    if halves:
        proof = {"fraud": KIND, "origin": audit.origin, "index": index, "a": halves[0], "b": halves[1]}
        check_fraud(json.dumps(proof).encode(), audit.policy)
        target.write_text(json.dumps(proof, indent=1) + "\n")
        audit.findings.append((index, f"The host signed two histories; the proof of it is {target}."))


def check_fraud(data: bytes, policy: Policy) -> str:
    """What a proof of fraud shows, or VerificationError: it stands alone, but for the policy."""
    proof = parse(data)
    good = type(proof) is dict and proof.get("fraud") == KIND and {*map(type, map(proof.get, "ab"))} == {dict}
    need(good, "This is not a proof of fraud.")
    halves = [proof["a"], proof["b"]]
    notes = [parse_note(str(half.get("checkpoint")).encode()) for half in halves]
    for note in notes:
        policy.check(note)
    need(notes[0].origin == notes[1].origin, "The checkpoints are of two logs.")
    if notes[0].size == notes[1].size and notes[0].root != notes[1].root:
        return f"The host signed two roots for size {notes[0].size} of {notes[0].origin}."
    leaves = [base64(half.get("leaf")) for half in halves]
    need(leaves[0] != leaves[1], "Both halves show the same.")
    for note, half, leaf in zip(notes, halves, leaves, strict=True):
        path = [bytes.fromhex(one) for one in half["proof"]] if type(half.get("proof")) is list else []
        verify_inclusion(proof.get("index"), note.size, leaf_hash(leaf), path, note.root)
    return f"The host signed two different entries {proof['index']} of {notes[0].origin}."
