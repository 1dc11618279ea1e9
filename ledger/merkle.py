"""The Merkle tree of RFC 9162 section 2.1, pure: hashes, the growing right edge, proofs, their checks.

A subtree is named by (level, index): it covers 2^level leaves from index·2^level on. The peaks of a tree are
its largest complete subtrees from left to right, one for each set bit of its size: all that an append reads.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from ledger.errors import VerificationError

EMPTY_ROOT = sha256().digest()
HASH_SIZE = 32


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def root_of(peaks: Sequence[bytes]) -> bytes:
    """The root of the tree, or of a range of leaves from a subtree's edge on, whose peaks these are."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def push(peaks: list[bytes], size: int, leaf: bytes) -> list[bytes]:
    """Add a leaf hash to the peaks of a tree of `size`, in place.

    Return the nodes it completes, level 1 upward.
    """
    completed = []
    peaks.append(leaf)
    while size & 1:
        right, left = peaks.pop(), peaks.pop()
        peaks.append(node_hash(left, right))
        completed.append(peaks[-1])
        size >>= 1
    return completed


def root_of_leaves(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order."""
    peaks: list[bytes] = []
    for size, leaf in enumerate(leaf_hashes):
        push(peaks, size, leaf)
    return root_of(peaks)


def subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees, left to right, of the leaves from `start`, at a subtree's edge, up to `end`."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def _split(start: int, end: int) -> int:
    """Where RFC 9162 splits a range: after the largest power of two smaller than its length."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges whose roots prove that leaf `index` is in the tree of `size`, nearest the leaf first."""
    if not 0 <= index < size:
        raise ValueError("An inclusion proof needs 0 <= index < size.")
    ranges, start, end = [], 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(size1: int, size2: int) -> list[tuple[int, int]]:
    """The ranges whose roots prove that the tree of `size1` is a prefix of the tree of `size2`.

    Empty for equal sizes.
    """
    if not 0 < size1 <= size2:
        raise ValueError("A consistency proof needs 0 < size1 <= size2.")
    ranges, start, end = [], 0, size2
    while end != size1:
        middle = _split(start, end)
        if size1 <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise the last range is the whole old tree, whose root the verifier brings along
        ranges.append((start, end))
    return ranges[::-1]


def _check_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH_SIZE for one in hashes):
        raise VerificationError("A hash in the proof is not 32 bytes long.")


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise VerificationError unless `proof` shows that `leaf_hash` is leaf `index` under `root` of `size`.

    The steps are those of RFC 9162 section 2.1.3.2.
    """
    _check_hashes(leaf_hash, root, *proof)
    if not 0 <= index < size:
        raise VerificationError(f"A tree of {size} leaves has no leaf {index}.")
    node, last, found = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            raise VerificationError("The inclusion proof is longer than the tree is deep.")
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise VerificationError("The inclusion proof is shorter than the tree is deep.")
    if found != root:
        raise VerificationError(f"The inclusion proof of leaf {index} does not lead to the root.")


def _verify_nothing_added(size: int, proof: Sequence[bytes], root: bytes, same: bytes | None) -> None:
    if proof:
        raise VerificationError("Nothing is to be shown here, so the consistency proof must be empty.")
    if (same is not None and root != same) or (size == 0 and root != EMPTY_ROOT):
        raise VerificationError("Two trees of one size differ, or the empty tree has a root of its own.")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Raise VerificationError unless `proof` shows that the tree of `size2` begins with that of `size1`.

    The steps are those of RFC 9162 section 2.1.4.2, which leaves size 0 open: every tree follows from it, so
    only the empty root with an empty proof is accepted there.
    """
    _check_hashes(root1, root2, *proof)
    if not 0 <= size1 <= size2:
        raise VerificationError(f"A tree of {size2} leaves cannot follow one of {size1}.")
    if size1 in (0, size2):
        _verify_nothing_added(size1, proof, root1, root2 if size1 == size2 else None)
        return
    path = [root1, *proof] if size1.bit_count() == 1 else list(proof)
    if not path:
        raise VerificationError("The consistency proof is empty.")
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            raise VerificationError("The consistency proof is longer than the tree is deep.")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise VerificationError("The consistency proof is shorter than the tree is deep.")
    if old != root1:
        raise VerificationError(f"The consistency proof does not lead to the older root, of size {size1}.")
    if new != root2:
        raise VerificationError(f"The consistency proof does not lead to the newer root, of size {size2}.")
