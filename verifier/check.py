"""The whole check of a bundle: every byte is computed again, and keys come from the policy alone."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any

from verifier import acts, entries, timestamps
from verifier.bundle import BROKEN, Bundle, told
from verifier.merkle import VerificationError, leaf_hash, need, push, root_of_peaks
from verifier.note import Note, Policy, parse_note

SKEW = timedelta(minutes=10)  # by how much a witness's clock and the host's may differ
Found = list[tuple[int | None, str]]


class Audit:
    """One bundle under check; `findings` are the failures, `notes` what was not or could not be checked."""

    def __init__(self, bundle: Bundle, policy: Policy, tsa: bytes = b"", *, pending: bool = False) -> None:
        self.bundle, self.policy, self.tsa, self.pending = bundle, policy, tsa, pending
        self.findings, self.notes = Found(), list[str]()
        self.leaves, self.hashes = list[entries.Leaf | None](), list[bytes]()
        self.origin, self.size, self.quorum, self.checkpoints = "", 0, -1, dict[int, Note]()
        self.seen: list[tuple[int, datetime, bool]] = []  # size, time, whether by a witness
        self.sealed: dict[int, dict[str, Any]] = {}  # the bodies of EvidenceSealed by index

    def trying(self, what: str, step: Callable[..., None], *given: Any) -> None:
        """Take one step of the check; whatever breaks it is a finding."""
        try:
            step(*given)
        except BROKEN as error:
            self.findings.append((None, f"{what}: {told(error)}"))

    def run(self) -> None:
        """Check everything that the bundle holds."""
        self.trying("checkpoint", self.checkpoint, "checkpoint")
        if self.origin:
            for name in self.bundle.names:
                if name.endswith(".note"):
                    self.trying(name, self.checkpoint, name)
            self.trying("leaves.jsonl", self.read_leaves)
            self.trying("openings.jsonl", self.read_openings)
            self.trying("evidence.jsonl", self.read_evidence)
            for name in self.bundle.names:
                if name.endswith(".tsr"):
                    self.trying(name, self.time_stamp, name)
            self.check_quorum()
            self.check_times()

    def checkpoint(self, name: str) -> None:
        """A checkpoint, the newest first: signed by the pinned key, of one log, its cosignatures right."""
        note = parse_note(self.bundle.read(name))
        signers = self.policy.check(note)
        if name == "checkpoint":
            self.origin, self.size = note.origin, note.size
        same = self.checkpoints.setdefault(note.size, note).root == note.root and note.origin == self.origin
        place = name in ("checkpoint", f"checkpoints/{note.size}.note") and note.size <= self.size
        need(same and place, "It is of another log, root or size than it must be.")
        for times in signers.values():
            self.seen += [(note.size, datetime.fromtimestamp(one, UTC), True) for one in times]
        self.quorum = max(self.quorum, note.size if self.policy.met(signers, self.policy.quorum) else -1)

    def read_leaves(self) -> None:
        """Every leaf and the whole tree; the root at the size of every checkpoint."""
        pattern, peaks, last, good = entries.leaf_pattern(self.origin), list[bytes](), None, 0
        for index, data in enumerate(self.bundle.lines("leaves.jsonl")):
            need(index < self.size, f"Entry {index} and what follows is covered by no checkpoint.")
            if index % 5000 == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{index} of {self.size} entries\r")
            leaf = None
            try:
                leaf = entries.parse_leaf(data, index, pattern)
                need(not last or leaf.at >= last.at, "Its time is before that of the entry before it.")
                last = leaf
            except VerificationError as error:
                self.findings.append((index, str(error)))
            self.leaves.append(leaf)
            self.hashes.append(leaf_hash(data))
            push(peaks, index, self.hashes[-1])
            if index + 1 in self.checkpoints:
                good_root = self.checkpoints[index + 1].root == root_of_peaks(peaks)
                need(
                    good_root,
                    f"One of the entries {good} to {index} was changed: the signed root is another.",
                )
                good = index + 1
        if len(self.hashes) < self.size:
            self.findings.append((len(self.hashes), f"It is missing; {self.size} entries are signed."))

    def check_quorum(self) -> None:
        """How far the policy's quorum of witnesses has countersigned."""
        text = f"The policy's quorum has countersigned up to size {max(self.quorum, 0)} of {self.size}."
        if self.quorum < self.size and self.pending and self.quorum > 0:
            self.notes.append(text)
        elif self.quorum < self.size:
            self.findings.append((max(self.quorum, 0), text))

    def read_openings(self) -> None:
        """Every opening against its commitment, the streams' versions, and the signed acts."""
        after, opened, acted = -1, 0, 0
        keys, streams = dict[str, acts.Registered](), dict[str, tuple[int, int]]()
        for line in self.bundle.lines("openings.jsonl"):
            after, body = entries.parse_opening(line, self.leaves, after)
            leaf, kind = self.leaves[after], body.get("type")
            try:
                if "stream" in body and "version" in body:
                    last, before = streams.get(body["stream"], (0, 0))
                    unseen, opened = after - opened, opened + 1  # a gap is as long as what is not opened
                    streams[body["stream"]] = body["version"], unseen
                    good = 0 < body["version"] - last <= 1 + unseen - before
                    need(good, f"Its version {body['version']} does not follow {last} in its stream.")
                if kind == "EvidenceSealed":
                    self.sealed[after] = body
                if leaf and kind == "KeyRegistered":
                    acts.learn(keys, after, body, leaf.party)  # first: a key may sign for itself
                if leaf and leaf.auth:
                    acts.check(keys, self.origin, after, body, leaf)
                    acted += 1
                if leaf and kind != "KeyRegistered":
                    acts.learn(keys, after, body, leaf.party)
            except BROKEN as error:
                self.findings.append((after, told(error)))
        signed = sum(leaf is not None and leaf.auth is not None for leaf in self.leaves)
        self.notes.append(
            f"{signed} entries are signed by members; {acted} signatures were checked and hold."
        )

    def read_evidence(self) -> None:
        """The list of evidence against what the openings say."""
        listed, names = set[int](), ("item", "filename", "size", "sha256")
        for line in self.bundle.lines("evidence.jsonl"):
            row = entries.parse(line)
            body, new = self.sealed[row["i"]], row["i"] not in listed
            good = new and all(row[one] == body[one] for one in names if one in body)
            need(good, f"That of entry {row['i']} says something else than its opening.")
            listed.add(row["i"])
        left = sorted(self.sealed.keys() - listed)
        need(not left, f"That of entry {left[:1]} is not listed.")

    def time_stamp(self, name: str) -> None:
        """An RFC 3161 token over a checkpoint, or over its text alone."""
        note = self.checkpoints[int(name.removeprefix("timestamps/").partition(".")[0])]
        chain = name.removesuffix("tsr") + "pem"
        extra = self.bundle.read(chain) if chain in self.bundle.names else b""
        digests = [sha256(one).digest() for one in (note.text, note.raw)]
        at, pinned = timestamps.check(self.bundle.read(name), digests, extra, self.tsa)
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
                if leaf and ((after and leaf.at < after - SKEW) or (by and leaf.at > by + SKEW)):
                    self.findings.append((index, f"Its time {leaf.at} is not between {after} and {by}."))
                    break
