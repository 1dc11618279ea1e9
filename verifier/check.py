"""The whole check of a bundle, alone and against another view of its log: every byte is computed again.

A bundle is a folder or its zip, read by expected names alone and never further than a limit.
"""

import io
import re
import struct
import sys
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise, zip_longest
from pathlib import Path
from stat import S_ISLNK
from typing import Any, cast

from cryptography import exceptions, x509

from verifier import entries, merkle
from verifier.entries import SKEW, History, Leaf
from verifier.merkle import VerificationError, leaf_hash, need, prove_inclusion
from verifier.note import Body, Note, Policy, agree, base64, canonical, check_stamp, parse

KIND = "countersign/fraud/v1"


EXPECTED = re.compile(
    r"bundle\.json|README\.txt|checkpoint|(leaves|openings|evidence)\.jsonl|checkpoints/([0-9]{1,19}\.note)?|"
    r"timestamps/([0-9]{1,19}\.[0-9]{1,9}\.(tsr|pem|note))?"
)
BROKEN = (  # whatever reading hostile bytes raises
    *(VerificationError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error),
    *(exceptions.InvalidSignature, exceptions.UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.ExtensionNotFound, x509.DuplicateExtension),
)
LARGEST, PLAIN = 1 << 20, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def told(error: BaseException) -> str:
    """What broke a check, in a sentence."""
    plain = isinstance(error, VerificationError | OSError)
    return str(error) if plain else f"It is malformed, or its signature is wrong ({type(error).__name__})."


class Bundle:
    """The files of a bundle or, not `strict`, of a witness's mirror, which may hold others beside."""

    def __init__(self, path: Path, *, strict: bool = True) -> None:
        self.path, self.zip = path, None if path.is_dir() else zipfile.ZipFile(path)
        packed = self.zip.infolist() if self.zip else []
        inner = [one for one in path.rglob("*") if one.is_symlink() or not one.is_dir()]
        self.names = sorted([one.filename for one in packed] + [str(one.relative_to(path)) for one in inner])
        odd = [name for name in self.names if strict and not EXPECTED.fullmatch(name)]
        odd += [str(one) for one in inner if one.is_symlink() or not one.is_file()]
        odd += [one.filename for one in packed if S_ISLNK(one.external_attr >> 16)]
        odd += [one.filename for one in packed if one.compress_type not in PLAIN]
        need(not odd, f"The bundle holds {odd[:1]}, which is no part of a bundle.")
        missing = {"checkpoint", "leaves.jsonl", "openings.jsonl", "evidence.jsonl"} - {*self.names}
        need(not strict or not missing, f"The bundle lacks {sorted(missing)}.")
        need(len({*self.names}) == len(self.names), "The zip holds two files of one name.")

    def open(self, name: str) -> io.BufferedReader:
        """A file of the bundle, as a stream of bytes."""
        need(name in self.names, f"There is no file {name}.")
        file = self.zip.open(name) if self.zip else (self.path / name).open("rb")
        return io.BufferedReader(cast("io.RawIOBase", file), 1 << 18)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file without their newlines, one by one."""
        with self.open(name) as file:
            while line := file.readline(LARGEST + 1):
                need(line.endswith(b"\n"), f"{name} holds a line that is too long or has no end.")
                yield line[:-1]

    def read(self, name: str) -> bytes:
        """A small file whole."""
        with self.open(name) as file:
            data = file.read(LARGEST + 1)
        need(len(data) <= LARGEST, f"{name} is larger than it may be.")
        return data


class Audit:
    """One bundle, checked; `findings` are the failures, `notes` what was not or could not be checked."""

    def __init__(self, bundle: Bundle, policy: Policy, tsa: bytes = b"", *, pending: bool = False) -> None:
        self.bundle, self.policy, self.tsa = bundle, policy, tsa
        self.findings, self.notes = list[tuple[int | None, str]](), list[tuple[int | None, str]]()
        self.origin, self.size, self.quorum, self.checkpoints = "", 0, 0, dict[int, Note]()
        self.leaves, self.hashes = list[Leaf](), list[bytes]()
        self.seen = list[tuple[int, datetime, bool]]()  # size, time, whether by a witness
        self.trying("checkpoint: ", self.checkpoint, "checkpoint")
        self.history = History(self.origin, policy.pins)
        steps = {".note": self.checkpoint, "leaves.jsonl": self.read_leaves, ".tsr": self.time_stamp}
        steps |= {"openings.jsonl": self.read_openings, "evidence.jsonl": self.read_evidence}
        for ending in steps if self.origin else ():
            for name in [one for one in bundle.names if one.endswith(ending)]:
                self.trying(f"{name}: ", steps[ending], name)
        self.conclude(pending=pending)

    def trying(self, what: str, step: Callable[..., object], *given: Any, at: int | None = None) -> None:
        """Take one step of the check; whatever breaks it is a finding."""
        try:
            step(*given)
        except BROKEN as error:
            self.findings.append((at, what + told(error)))

    def note(self, text: str) -> None:
        """Tell what is no finding."""
        self.notes.append((None, text))

    def checkpoint(self, name: str) -> Note:
        """A checkpoint, the newest first: signed by the pinned key, of one log, its cosignatures right.

        A note that was stamped is a checkpoint like any other, whether the bundle holds one beside it or not.
        """
        note = Note(self.bundle.read(name))
        signers, size = self.policy.check(note), note.size
        if name == "checkpoint":
            self.origin, self.size = note.origin, size
        good = self.checkpoints.setdefault(size, note).root == note.root and note.origin == self.origin
        good = good and (name == "checkpoint" or re.split("[/.]", name)[1] == str(size))
        need(good and 0 < size <= self.size, "It is of another log, root or size than it must be.")
        self.seen += [(size, datetime.fromtimestamp(at, UTC), True) for _, at in signers]
        if self.policy.met({key for key, _ in signers}, self.policy.quorum):
            self.quorum = max(self.quorum, size)
        return note

    def read_leaves(self, name: str) -> None:
        """Every leaf and the whole tree, up to the first that is wrong; the root at every checkpoint."""
        pattern, peaks, good = entries.leaf_pattern(self.origin), list[bytes](), 0
        for index, data in enumerate(self.bundle.lines(name)):
            need(index < self.size, f"Entry {index} and what follows is covered by no checkpoint.")
            if index % 5000 == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{index} of {self.size} entries\r")
            self.trying("", self.read_leaf, data, index, pattern, at=index)
            if len(self.leaves) == index:
                return
            merkle.push(peaks, index, self.hashes[-1])
            if note := self.checkpoints.get(index + 1):
                text = f"One of the entries {good} to {index} was changed: the signed root is another."
                need(note.root == merkle.root_of_peaks(peaks), text)
                good = index + 1
        if len(self.leaves) < self.size:
            self.findings.append((len(self.leaves), f"It is missing; {self.size} entries are signed."))

    def read_leaf(self, data: bytes, index: int, pattern: re.Pattern[str]) -> None:
        """One leaf, not dated before the last one."""
        leaf = entries.parse_leaf(data, index, pattern)
        need(not self.leaves or leaf.at >= self.leaves[-1].at, "Its time is before that of the last entry.")
        self.leaves.append(leaf)
        self.hashes.append(leaf_hash(data))

    def read_openings(self, name: str) -> None:
        """Every opening against its commitment, and what they tell, one after the other."""
        index = -1
        for line in self.bundle.lines(name):
            index, body, whole = entries.parse_opening(line, self.leaves, index)
            self.trying("", self.history.take, index, body, self.leaves[index], whole, at=index)
        if self.history.partial:
            self.note(f"{len(self.history.partial)} entries hide fields: erased, or kept from you.")
        if signed := sum(leaf.auth != {} for leaf in self.leaves):
            text = f"{signed} acts are signed by members; {len(self.history.acts)} of them are shown and hold"
            self.note(f"{text}, {self.history.unpinned} by keys that the policy does not pin (#key).")

    def read_evidence(self, name: str) -> None:
        """The list of evidence against what the openings say."""
        for (index, body), line in zip(self.history.sealed.items(), self.bundle.lines(name), strict=True):
            row, names = parse(line), body.keys() & {"item", "filename", "size", "sha256"}
            good = row["i"] == index and all(row[one] == body[one] for one in names)
            need(good, f"That of entry {index} is not listed as its opening says.")

    def time_stamp(self, name: str) -> None:
        """An RFC 3161 answer about the note beside it, byte for byte, which must be a checkpoint."""
        note, chain = self.checkpoint(name[:-3] + "note"), self.bundle.read(name[:-3] + "pem")
        at, pinned = check_stamp(self.bundle.read(name), note.raw, chain, self.tsa)
        need(pinned or not self.tsa, "Its chain does not end at a certificate of --tsa valid at its time.")
        self.seen += [(note.size, at, False)] if pinned else []
        if not pinned:
            self.note(f"{name}: its TSA is not pinned (--tsa), so its time counts for nothing.")

    def bounds(self) -> Iterator[tuple[int, int, datetime | None, datetime | None]]:
        """For runs of entries: the newest cosignature at or below, the oldest cosignature or stamp above."""
        newest, oldest = dict[int, datetime | None](), dict[int, datetime]()
        after = by = None
        for size, at, witness in sorted(self.seen):
            newest[size] = after = max(after or at, at) if witness else after
        for size, at, _ in sorted(self.seen, reverse=True):
            oldest[size] = by = min(by or at, at)
        for start, end in pairwise(sorted({0, self.size, *newest})):
            yield start, end, newest.get(start), oldest.get(end)

    def conclude(self, *, pending: bool) -> None:
        """How far the policy's quorum has countersigned, and what time the countersigned entries claim.

        None may be dated before a witness saw the log without it, or after one saw it.
        """
        if self.quorum < self.size:
            text = f"The policy's quorum has countersigned up to size {self.quorum} of {self.size}."
            (self.notes if pending and self.quorum else self.findings).append((self.quorum, text))
        for start, end, after, by in self.bounds():
            for index, leaf in enumerate(self.leaves[start:end], start):
                if (after and leaf.at < after - SKEW) or (by and leaf.at > by + SKEW):
                    self.findings.append((index, f"Its time {leaf.at} is not between {after} and {by}."))
                    break


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


def side(note: Note, leaf: bytes = b"", proof: list[bytes] | None = None) -> Body:
    """One half of a proof of fraud."""
    shown = {"leaf": b64encode(leaf).decode(), "proof": [one.hex() for one in proof or []]}
    return {"checkpoint": note.raw.decode(), **(shown if leaf else {})}


def compare(audit: Audit, other: Audit, target: Path) -> None:
    """Another party's bundle of the same log; a split view is written to `target` as a proof of fraud."""
    for size in sorted(audit.checkpoints.keys() & other.checkpoints.keys()):
        if audit.checkpoints[size].root != other.checkpoints[size].root:
            write_fraud(audit, target, [side(one.checkpoints[size]) for one in (audit, other)])
            break
    for index in sorted(audit.history.partial.keys() & other.history.partial.keys()):
        if not agree(audit.history.partial[index], other.history.partial[index]):
            audit.findings.append((index, "The two parties are shown different bodies of this entry."))
    index, *leaves = difference(audit.bundle, other.bundle)
    if None not in leaves:
        audit.findings.append((index, "The two bundles differ here."))
        both = [(one.checkpoints[one.size], prove_inclusion(one.hashes, index)) for one in (audit, other)]
        halves = [side(note, leaf or b"", proof) for (note, proof), leaf in zip(both, leaves, strict=True)]
        write_fraud(audit, target, halves, index=index)


def write_fraud(audit: Audit, target: Path, halves: list[Body], **index: int) -> None:
    """Write a proof of fraud, if it is one."""
    data = canonical({"fraud": KIND, "a": halves[0], "b": halves[1], **index})
    audit.findings.append((index.get("index"), f"{check_fraud(data, audit.policy)} The proof is {target}."))
    target.write_bytes(data)


def check_fraud(data: bytes, policy: Policy) -> str:
    """What a proof of fraud shows, given nothing but the policy; whatever is raised, it shows nothing."""
    proof = parse(data)
    need(proof["fraud"] == KIND, "This is not a proof of fraud.")
    halves = [proof["a"], proof["b"]]
    one, two = notes = [Note(half["checkpoint"].encode()) for half in halves]
    for note in notes:
        policy.check(note)
    need(one.origin == two.origin, "The checkpoints are of two logs.")
    if one.size == two.size and one.root != two.root:
        return f"The host signed two histories, with different roots for size {one.size}, of {one.origin}."
    need(halves[0]["leaf"] != halves[1]["leaf"], "Both halves show the same.")
    for note, half in zip(notes, halves, strict=True):
        path = [bytes.fromhex(step) for step in half["proof"]]
        merkle.verify_inclusion(proof["index"], note.size, leaf_hash(base64(half["leaf"])), path, note.root)
    return f"The host signed two histories, with different entries {proof['index']}, of {one.origin}."
