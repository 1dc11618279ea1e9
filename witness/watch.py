"""One look at the host: verify, mirror, persist, cosign, hand in. In this order, whatever interrupts it."""

import time
from collections.abc import Callable, Iterator

from verifier.check import KIND, side
from verifier.entries import leaf_pattern, parse_leaf
from verifier.merkle import VerificationError, leaf_hash, prove_inclusion, root_of
from verifier.note import Key, Note, parse_note
from witness.errors import Absent, Forked, Refused, RolledBack, Trouble
from witness.host import PAGE, Host
from witness.keys import Signer, bare
from witness.store import Store, last_seen

FRESH = 60.0  # seconds: a cosignature's time says when this was the largest tree; a slow mirror looks again


class Watch:
    """A witness of one log."""

    def __init__(
        self, log: Key, signer: Signer, host: Host, store: Store, *, say: Callable[[str], None]
    ) -> None:
        self.log, self.signer, self.host, self.store, self.say = log, signer, host, store, say

    def once(self) -> int:
        """Look until what was verified is fresh, cosign it, hand it in; the size that was cosigned."""
        while True:
            asked = time.time()
            note = self._signed(self._shown())
            self._follow(note)
            if time.time() - asked < FRESH:
                break
        if note.size == 0:
            return 0
        line = self.signer.cosign(note, int(time.time()))
        self.store.vouch(note, line)
        self.host.submit(note.size, line)
        self.say(f"Cosigned size {note.size} of {note.origin}.")
        return note.size

    def _shown(self) -> bytes:
        """The host's newest checkpoint. Where this witness has seen one, the log cannot have ceased to be."""
        try:
            return self.host.checkpoint()
        except Absent as absent:
            seen = last_seen(self.store.folder)
            if seen is None:
                raise
            evidence = {"alarm": "absent", "origin": seen.origin, "a": side(seen)}
            path = self.store.alarm("absent", evidence)
            raise RolledBack(
                f"The host shows nothing of this log any more, and it had signed {seen.size} entries: it was "
                f"put back to a state before the case, or hides it from you. Evidence: {path}. {absent}"
            ) from absent

    def _signed(self, raw: bytes) -> Note:
        try:
            note = parse_note(raw)
            if note.origin != self.log.name:
                raise Refused(f"The host showed a checkpoint of {note.origin!r}, not of {self.log.name}.")
            if not note.signers([self.log]):
                raise Refused("The host's checkpoint is not signed by the key that you pinned.")
        except (VerificationError, ValueError) as error:
            raise Refused(f"The host's checkpoint does not verify. {error}") from error
        return parse_note(bare(note, self.log))

    def _follow(self, note: Note) -> None:
        """Mirror up to a signed checkpoint, computing every root that this witness vouched for on the way."""
        seen, store = last_seen(self.store.folder), self.store
        if seen and note.size < seen.size:
            evidence = {"alarm": "rollback", "origin": note.origin, "a": side(seen), "b": side(note)}
            path = store.alarm("rollback", evidence)
            self._show(seen)
            raise RolledBack(
                f"The host has gone back: it shows {note.size} entries, and it had signed {seen.size}. "
                f"Evidence: {path}. Give the missing entries back with `countersign-witness refeed`."
            )
        for target in (seen, note) if seen else (note,):
            for page in self._pages(store.size, target.size):
                store.append(page)
            if store.root() != target.root:
                store.cut_back()  # what the host has just told leads nowhere
                raise self._fork(seen, note)

    def _show(self, seen: Note) -> None:
        """Show the host what it signed, so that it stops and tells everybody; no alarm rests on it."""
        try:
            self.host.seen(bare(seen, self.log))
        except Trouble as trouble:
            self.say(f"The host was shown its own checkpoint of size {seen.size} in vain. {trouble}")

    def _pages(self, at: int, end: int) -> Iterator[list[bytes]]:
        """Leaves from the host, page by page, each checked for its form and place."""
        pattern = leaf_pattern(self.log.name)
        while at < end:
            page = self.host.leaves(at, end)
            if not page:
                raise Refused(f"The host signed {end} entries and does not show entry {at}.")
            for index, leaf in enumerate(page, at):
                try:
                    parse_leaf(leaf, index, pattern)
                except (VerificationError, ValueError) as error:
                    raise Refused(f"Entry {index} of the host is wrong. {error}") from error
            yield page
            at += len(page)

    def _fork(self, seen: Note | None, note: Note) -> Trouble:
        """What to raise when the host's leaves do not lead from what was seen to what it signed now.

        The host is asked for its whole story once more: where that is one that it signed, the first entry
        that differs from the mirror makes a proof of fraud that everybody can check alone.
        """
        if seen is None:
            return Refused(f"The host's entries do not lead to the root that it signed for size {note.size}.")
        proof: dict[str, object] = {"fraud": KIND, "origin": note.origin, "a": side(seen), "b": side(note)}
        proven = seen.size == note.size and seen.root != note.root
        if not proven:
            theirs = [leaf for page in self._pages(0, note.size) for leaf in page]
            ours = self.store.read(0, self.store.size)
            index = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            hashes = [leaf_hash(leaf) for leaf in theirs]
            proven = index is not None and root_of(hashes) == note.root and seen.size == len(ours)
            if index is not None and proven:
                mine = prove_inclusion([leaf_hash(leaf) for leaf in ours], index)
                proof |= {"index": index, "a": side(seen, ours[index], mine)}
                proof |= {"b": side(note, theirs[index], prove_inclusion(hashes, index))}
        if proven:
            path = self.store.alarm("fraud", proof)
            self._show(seen)
            return Forked(
                f"The host signed two histories of {note.origin}. The proof is {path}; "
                "anybody who has your policy checks it with `countersign-verify --fraud-proof`."
            )
        path = self.store.alarm("unexplained", proof)
        return Refused(
            f"The host's entries do not lead to the root that it signed. Both checkpoints are in {path}."
        )

    def refeed(self) -> int:
        """Give the host the mirrored entries that it lost, and the cosignatures made on them; how many
        entries."""
        note, seen = self._signed(self.host.checkpoint()), self.store.seen
        if seen is None:
            raise Trouble("The mirror is empty; there is nothing to give back.")
        lacking = max(0, seen.size - note.size)
        if lacking:
            self._give_leaves(note, seen)
        given = self._give_cosignatures()
        if not lacking:
            self.say(f"The host lacks no entry that the mirror has. It was given {given} cosignatures.")
        return lacking

    def _give_leaves(self, note: Note, seen: Note) -> None:
        ours = [leaf_hash(leaf) for leaf in self.store.read(0, note.size)]
        if root_of(ours) != note.root:
            raise self._fork(seen, note)
        self.host.seen(bare(seen, self.log))
        for start in range(note.size, seen.size, PAGE):
            self.host.refeed(start, self.store.read(start, min(seen.size, start + PAGE)))
        missing = self.host.refeed_checkpoint(seen.raw)
        self.say(f"Gave back entries {note.size} to {seen.size - 1} of {note.origin}. {missing}".rstrip())

    def _give_cosignatures(self) -> int:
        """Hand in what this witness has cosigned, newest first, until the host has it already; how many."""
        key, given = self.signer.key, 0
        for kept in self.store.cosigned():
            try:
                held = parse_note(self.host.checkpoint(kept.size))
                if (key.name, key.id) in {(name, key_id) for name, key_id, _ in held.signatures}:
                    break
                self.host.submit(kept.size, bare(kept, key).partition(b"\n\n")[2].decode())
            except Absent:
                continue  # what several appends of one moment brought may have come back as one
            given += 1
        return given
