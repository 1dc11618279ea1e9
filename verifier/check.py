"""The whole check of a bundle: every byte is computed again, and keys come from the policy alone."""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from verifier import entries, timestamps
from verifier.acts import SKEW, Acts
from verifier.bundle import BROKEN, Bundle, told
from verifier.merkle import VerificationError, leaf_hash, need, push, root_of_peaks
from verifier.note import Note, Policy, parse_note

Found = list[tuple[int | None, str]]


class Audit:
    """One bundle under check; `findings` are the failures, `notes` what was not or could not be checked."""

    def __init__(self, bundle: Bundle, policy: Policy, tsa: bytes = b"", *, pending: bool = False) -> None:
        self.bundle, self.policy, self.tsa, self.pending = bundle, policy, tsa, pending
        self.findings, self.notes = Found(), list[str]()
        self.leaves, self.hashes = list[entries.Leaf](), list[bytes]()
        self.origin, self.size, self.quorum, self.checkpoints = "", 0, 0, dict[int, Note]()
        self.seen: list[tuple[int, datetime, bool]] = []  # size, time, whether by a witness
        self.sealed: dict[int, dict[str, Any]] = {}  # the bodies of EvidenceSealed by index

    def trying(self, what: str, step: Callable[..., object], *given: Any) -> None:
        """Take one step of the check; whatever breaks it is a finding."""
        try:
            step(*given)
        except BROKEN as error:
            self.findings.append((None, f"{what}: {told(error)}"))

    def run(self) -> None:
        """Check everything that the bundle holds."""
        self.trying("checkpoint", self.checkpoint, "checkpoint")
        if not self.origin:
            return
        for name in self.bundle.names:
            if name.endswith(".note"):
                self.trying(name, self.checkpoint, name)
        self.trying("leaves.jsonl", self.read_leaves)
        self.trying("openings.jsonl", self.read_openings)
        self.trying("evidence.jsonl", self.read_evidence)
        for name in self.bundle.names:
            if name.endswith(".tsr"):
                self.trying(name, self.time_stamp, name.removesuffix(".tsr"))
        self.check_quorum()
        self.check_times()

    def checkpoint(self, name: str) -> Note:
        """A checkpoint, the newest first: signed by the pinned key, of one log, its cosignatures right.

        A note that was stamped is a checkpoint like any other, whether the bundle holds one beside it or not.
        """
        note = parse_note(self.bundle.read(name))
        signers = self.policy.check(note)
        if name == "checkpoint":
            self.origin, self.size = note.origin, note.size
        same = self.checkpoints.setdefault(note.size, note).root == note.root and note.origin == self.origin
        place = re.fullmatch(
            rf"checkpoint|checkpoints/{note.size}\.note|timestamps/{note.size}\.\d+\.note", name
        )
        need(
            same and place and 0 < note.size <= self.size,
            "It is of another log, root or size than it must be.",
        )
        for times in signers.values():
            self.seen += [(note.size, datetime.fromtimestamp(one, UTC), True) for one in times]
        if self.policy.met(signers, self.policy.quorum):
            self.quorum = max(self.quorum, note.size)
        return note

    def read_leaves(self) -> None:
        """Every leaf and the whole tree, up to the first that is wrong; the root at every checkpoint."""
        pattern, peaks, good = entries.leaf_pattern(self.origin), list[bytes](), 0
        for index, data in enumerate(self.bundle.lines("leaves.jsonl")):
            need(index < self.size, f"Entry {index} and what follows is covered by no checkpoint.")
            if index % 5000 == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{index} of {self.size} entries\r")
            try:
                leaf = entries.parse_leaf(data, index, pattern)
                late = not self.leaves or leaf.at >= self.leaves[-1].at
                need(late, "Its time is before that of the entry before it.")
            except VerificationError as error:
                self.findings.append((index, str(error)))
                return
            self.leaves.append(leaf)
            self.hashes.append(leaf_hash(data))
            push(peaks, index, self.hashes[-1])
            if note := self.checkpoints.get(index + 1):
                text = f"One of the entries {good} to {index} was changed: the signed root is another."
                need(note.root == root_of_peaks(peaks), text)
                good = index + 1
        if len(self.leaves) < self.size:
            self.findings.append((len(self.leaves), f"It is missing; {self.size} entries are signed."))

    def check_quorum(self) -> None:
        """How far the policy's quorum of witnesses has countersigned."""
        text = f"The policy's quorum has countersigned up to size {self.quorum} of {self.size}."
        if self.quorum < self.size and self.pending and self.quorum > 0:
            self.notes.append(text)
        elif self.quorum < self.size:
            self.findings.append((self.quorum, text))

    def read_openings(self) -> None:
        """Every opening against its commitment, the streams' versions, the keys and the signed acts."""
        after, opened, streams = -1, 0, dict[str, tuple[int, int]]()
        acts = Acts(self.origin, self.policy.pins)
        for line in self.bundle.lines("openings.jsonl"):
            after, body, whole = entries.parse_opening(line, self.leaves, after)
            try:
                if "stream" in body and "version" in body:
                    last, before = streams.get(body["stream"], (0, 0))
                    unseen, opened = after - opened, opened + 1  # a gap is as long as what is not opened
                    streams[body["stream"]] = body["version"], unseen
                    good = 0 < body["version"] - last <= 1 + unseen - before
                    need(good, f"Its version {body['version']} does not follow {last} in its stream.")
                if body.get("type") == "EvidenceSealed":
                    self.sealed[after] = body
                acts.take(after, body, self.leaves[after], whole=whole)
            except BROKEN as error:
                self.findings.append((after, told(error)))
        signed, held = sum(leaf.auth is not None for leaf in self.leaves), len(acts.commands)
        text = f"{signed} acts are signed by members; {held} of them are shown and hold"
        if signed:
            self.notes.append(f"{text}, {acts.unpinned} by keys that the policy does not pin (#key).")

    def read_evidence(self) -> None:
        """The list of evidence against what the openings say."""
        for (index, body), line in zip(self.sealed.items(), self.bundle.lines("evidence.jsonl"), strict=True):
            row, names = entries.parse(line), body.keys() & {"item", "filename", "size", "sha256"}
            good = row["i"] == index and all(row[name] == body[name] for name in names)
            need(good, f"That of entry {index} is not listed as its opening says.")

    def time_stamp(self, name: str) -> None:
        """An RFC 3161 token over the note beside it, byte for byte, which must be a checkpoint."""
        note = self.checkpoint(f"{name}.note")
        extra = self.bundle.read(f"{name}.pem") if f"{name}.pem" in self.bundle.names else b""
        at, pinned = timestamps.check(self.bundle.read(f"{name}.tsr"), note.raw, extra, self.tsa)
        need(pinned or not self.tsa, "Its chain does not end at a certificate of --tsa valid at its time.")
        if pinned:
            self.seen.append((note.size, at, False))
        else:
            self.notes.append(f"{name}: its TSA is not pinned (--tsa), so its time counts for nothing.")

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

    def check_times(self) -> None:
        """No entry claims a time before a witness saw the log without it, or after one saw it."""
        for start, end, after, by in self.bounds():
            for index, leaf in enumerate(self.leaves[start:end], start):
                if (after and leaf.at < after - SKEW) or (by and leaf.at > by + SKEW):
                    self.findings.append((index, f"Its time {leaf.at} is not between {after} and {by}."))
                    break
