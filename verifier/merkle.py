"""The tree of RFC 9162; its proofs are checked by the steps of sections 2.1.3.2 and 2.1.4.2."""

from collections.abc import Sequence
from functools import reduce
from hashlib import sha256

EMPTY = sha256().digest()  # the root of the tree without leaves


class VerificationError(Exception):
    """Something does not show what it claims to show; the text says so in one sentence."""


def need(holds: object, sentence: str) -> None:
    """Raise VerificationError with this sentence unless something holds."""
    if not holds:
        raise VerificationError(sentence)


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _check(small: int, large: int, proof: Sequence[bytes], *hashes: bytes) -> None:
    need({type(small), type(large)} == {int} and 0 <= small <= large < 2**63, "No such size or index can be.")
    need(isinstance(proof, list | tuple) and len(proof) < 65, "A proof is a list of at most 64 hashes.")
    need(all(type(one) is bytes and len(one) == 32 for one in (*hashes, *proof)), "A hash is not 32 bytes.")


def _walk(node: int, last: int, old: bytes, new: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the older and the newer tree to which a proof leads, from a node that both have."""
    for step in proof:
        need(last, "The proof is too long.")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    need(last == 0, "The proof is too short.")
    return old, new


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise VerificationError unless `leaf_hash` is leaf `index` of the tree of `size` under `root`."""
    _check(index, size, proof, leaf_hash, root)
    need(index < size, "The tree has no such leaf.")
    _, found = _walk(index, size - 1, leaf_hash, leaf_hash, proof)
    need(found == root, "The inclusion proof does not lead to the root.")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Raise VerificationError unless the tree of `size2` begins with that of `size1`.

    From size 0 only the empty root with an empty proof passes; every tree follows it, so it shows nothing.
    """
    _check(size1, size2, proof, root1, root2)
    if size1 in {0, size2}:
        good = not proof and root1 == (root2 if size1 == size2 else EMPTY) and (size1 or root1 == EMPTY)
        need(good, "Between equal sizes, or from 0, there is nothing to be proven.")
        return
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    path = [*proof] if node else [root1, *proof]  # a complete older tree is left out of the proof
    need(path, "The proof is too short.")
    found = _walk(node, last, path[0], path[0], path[1:])
    need(found == (root1, root2), "The consistency proof does not lead to both roots.")


def push(peaks: list[bytes], size: int, leaf: bytes) -> None:
    """Add a leaf hash to the peaks of a tree of `size`: the roots of its complete subtrees."""
    while size & 1:
        leaf, size = node_hash(peaks.pop(), leaf), size >> 1
    peaks.append(leaf)


def root_of_peaks(peaks: Sequence[bytes]) -> bytes:
    return reduce(lambda root, peak: node_hash(peak, root), reversed(peaks)) if peaks else EMPTY


def root_of(hashes: Sequence[bytes]) -> bytes:
    peaks: list[bytes] = []
    for size, leaf in enumerate(hashes):
        push(peaks, size, leaf)
    return root_of_peaks(peaks)


def prove_inclusion(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion proof of leaf `index`, nearest the leaf first."""
    if len(hashes) < 2:
        return []
    cut = 1 << (len(hashes) - 1).bit_length() - 1  # how many leaves are on the left
    near, far = (hashes[:cut], hashes[cut:]) if index < cut else (hashes[cut:], hashes[:cut])
    return [*prove_inclusion(near, index % cut), root_of(far)]
