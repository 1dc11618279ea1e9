"""The whole check of a bundle: every byte is computed again, and keys come from the policy alone."""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from verifier import timestamps
from verifier.bundle import BROKEN, Bundle, told
from verifier.entries import Leaf, leaf_pattern, parse, parse_leaf, parse_opening
from verifier.history import SKEW, History
from verifier.merkle import leaf_hash, need, push, root_of_peaks
from verifier.note import Note, Policy, parse_note

Time = datetime | None


class Audit:
    """One bundle, checked; `findings` are the failures, `notes` what was not or could not be checked."""

    def __init__(self, bundle: Bundle, policy: Policy, tsa: bytes = b"", *, pending: bool = False) -> None:
        self.bundle, self.policy, self.tsa = bundle, policy, tsa
        self.findings, self.notes = list[tuple[int | None, str]](), list[str]()
        self.origin, self.size, self.quorum, self.checkpoints = "", 0, 0, dict[int, Note]()
        self.leaves, self.hashes = list[Leaf](), list[bytes]()
        self.sealed = dict[int, dict[str, Any]]()  # the bodies of EvidenceSealed by index
        self.seen = list[tuple[int, datetime, bool]]()  # size, time, whether by a witness
        self.trying("checkpoint: ", self.checkpoint, "checkpoint")
        steps: dict[str, Callable[[str], object]] = {
            ".note": self.checkpoint,
            "leaves.jsonl": self.read_leaves,
        }
        steps |= {"openings.jsonl": self.read_openings, "evidence.jsonl": self.read_evidence}
        steps |= {".tsr": self.time_stamp}
        for ending in steps if self.origin else ():
            for name in [one for one in bundle.names if one.endswith(ending)]:
                self.trying(f"{name}: ", steps[ending], name)
        self.check_quorum(pending=pending)
        self.check_times()

    def trying(self, what: str, step: Callable[..., object], *given: Any, at: int | None = None) -> None:
        """Take one step of the check; whatever breaks it is a finding."""
        try:
            step(*given)
        except BROKEN as error:
            self.findings.append((at, what + told(error)))

    def checkpoint(self, name: str) -> Note:
        """A checkpoint, the newest first: signed by the pinned key, of one log, its cosignatures right.

        A note that was stamped is a checkpoint like any other, whether the bundle holds one beside it or not.
        """
        note = parse_note(self.bundle.read(name))
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
        pattern, peaks, good = leaf_pattern(self.origin), list[bytes](), 0
        for index, data in enumerate(self.bundle.lines(name)):
            need(index < self.size, f"Entry {index} and what follows is covered by no checkpoint.")
            if index % 5000 == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{index} of {self.size} entries\r")
            self.trying("", self.read_leaf, data, index, pattern, at=index)
            if len(self.leaves) == index:
                return
            push(peaks, index, self.hashes[-1])
            if note := self.checkpoints.get(index + 1):
                text = f"One of the entries {good} to {index} was changed: the signed root is another."
                need(note.root == root_of_peaks(peaks), text)
                good = index + 1
        if len(self.leaves) < self.size:
            self.findings.append((len(self.leaves), f"It is missing; {self.size} entries are signed."))

    def read_leaf(self, data: bytes, index: int, pattern: re.Pattern[bytes]) -> None:
        """One leaf, not dated before the last one."""
        leaf = parse_leaf(data, index, pattern)
        late = not self.leaves or leaf.at >= self.leaves[-1].at
        need(late, "Its time is before that of the entry before it.")
        self.leaves.append(leaf)
        self.hashes.append(leaf_hash(data))

    def read_openings(self, name: str) -> None:
        """Every opening against its commitment, and what they tell, one after the other."""
        index, history = -1, History(self.origin, self.policy.pins)
        self.sealed = history.sealed
        for line in self.bundle.lines(name):
            index, body, whole = parse_opening(line, self.leaves, index)
            self.trying("", history.take, index, body, self.leaves[index], whole, at=index)
        signed, held = sum(leaf.auth != {} for leaf in self.leaves), len(history.acts)
        text = f"{signed} acts are signed by members; {held} of them are shown and hold"
        if signed:
            self.notes.append(f"{text}, {history.unpinned} by keys that the policy does not pin (#key).")

    def read_evidence(self, name: str) -> None:
        """The list of evidence against what the openings say."""
        for (index, body), line in zip(self.sealed.items(), self.bundle.lines(name), strict=True):
            row, names = parse(line), body.keys() & {"item", "filename", "size", "sha256"}
            good = row["i"] == index and all(row[one] == body[one] for one in names)
            need(good, f"That of entry {index} is not listed as its opening says.")

    def time_stamp(self, name: str) -> None:
        """An RFC 3161 answer about the note beside it, byte for byte, which must be a checkpoint."""
        note, chain = self.checkpoint(name[:-3] + "note"), self.bundle.read(name[:-3] + "pem")
        at, pinned = timestamps.check(self.bundle.read(name), note.raw, chain, self.tsa)
        need(pinned or not self.tsa, "Its chain does not end at a certificate of --tsa valid at its time.")
        if pinned:
            self.seen.append((note.size, at, False))
        else:
            self.notes.append(f"{name}: its TSA is not pinned (--tsa), so its time counts for nothing.")

    def bounds(self) -> Iterator[tuple[int, int, Time, Time]]:
        """For runs of entries: the newest cosignature at or below, the oldest cosignature or stamp above."""
        sizes = sorted({0, self.size, *(size for size, _, _ in self.seen)})
        for start, end in pairwise(sizes):
            after = max((at for size, at, witness in self.seen if witness and size <= start), default=None)
            by = min((at for size, at, _ in self.seen if size >= end), default=None)
            yield start, end, after, by

    def check_quorum(self, *, pending: bool) -> None:
        """How far the policy's quorum of witnesses has countersigned."""
        text = f"The policy's quorum has countersigned up to size {self.quorum} of {self.size}."
        if pending and 0 < self.quorum < self.size:
            self.notes.append(text)
        elif self.quorum < self.size:
            self.findings.append((self.quorum, text))

    def check_times(self) -> None:
        """No entry claims a time before a witness saw the log without it, or after one saw it."""
        for start, end, after, by in self.bounds():
            for index, leaf in enumerate(self.leaves[start:end], start):
                if (after and leaf.at < after - SKEW) or (by and leaf.at > by + SKEW):
                    self.findings.append((index, f"Its time {leaf.at} is not between {after} and {by}."))
                    break
