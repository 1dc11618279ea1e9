"""The tree of RFC 9162, its proofs checked by the steps of sections 2.1.3.2 and 2.1.4.2."""

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
    good = {type(small), type(large)} == {int} and 0 <= small <= large < 2**63
    need(good, "A size or index is impossible.")
    need(isinstance(proof, list | tuple) and len(proof) < 65, "A proof is a list of at most 64 hashes.")
    good = all(type(one) is bytes and len(one) == 32 for one in (*hashes, *proof))
    need(good, "A hash is not 32 bytes long.")


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)  # the largest power of two below the size


def _climb(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    if size == 1 or not proof:
        need(size == 1 and not proof, "The inclusion proof is too long or too short.")
        return leaf
    cut = _split(size)
    if index < cut:
        return node_hash(_climb(index, cut, leaf, proof[:-1]), proof[-1])
    return node_hash(proof[-1], _climb(index - cut, size - cut, leaf, proof[:-1]))


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise VerificationError unless `leaf_hash` is leaf `index` of the tree of `size` under `root`."""
    _check(index, size, proof, leaf_hash, root)
    need(index < size, "The tree has no such leaf.")
    need(_climb(index, size, leaf_hash, proof) == root, "The inclusion proof does not lead to the root.")


def _both(old: int, size: int, whole: Sequence[bytes], proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots that the proof leads to; `whole` is the older one where the proof leaves it out."""
    if old == size or not proof:
        last = [*whole, *proof]
        need(old == size and len(last) == 1, "The consistency proof is too long or too short.")
        return last[0], last[0]
    cut, beside = _split(size), proof[-1]
    if old <= cut:
        first, second = _both(old, cut, whole, proof[:-1])
        return first, node_hash(second, beside)
    first, second = _both(old - cut, size - cut, [], proof[:-1])
    return node_hash(beside, first), node_hash(beside, second)


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Raise VerificationError unless the tree of `size2` begins with that of `size1`.

    From size 0 only the empty root with an empty proof passes; every tree follows it, so it shows nothing.
    """
    _check(size1, size2, proof, root1, root2)
    if size1 == 0:
        good = not proof and root1 == EMPTY and (size2 > 0 or root2 == EMPTY)
        need(good, "From size 0, whose root is that of nothing, there is nothing to be proven.")
    else:
        found = _both(size1, size2, [root1], proof)
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
    for size, one in enumerate(hashes):
        push(peaks, size, one)
    return root_of_peaks(peaks)


def prove_inclusion(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion proof of leaf `index`, nearest the leaf first."""
    if len(hashes) == 1:
        return []
    cut = _split(len(hashes))
    if index < cut:
        return [*prove_inclusion(hashes[:cut], index), root_of(hashes[cut:])]
    return [*prove_inclusion(hashes[cut:], index - cut), root_of(hashes[:cut])]
