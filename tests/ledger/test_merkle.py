"""The Merkle tree: exhaustive in small trees, against another implementation, and against forged proofs."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from ledger import merkle
from ledger.errors import VerificationError

LARGEST = 33


@cache
def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"leaf %d" % n) for n in range(count)]


def root(start: int, end: int) -> bytes:
    """The tree hash as RFC 9162 section 2.1.1 defines it, by recursion."""
    if start == end:
        return merkle.EMPTY_ROOT
    if end - start == 1:
        return leaves(LARGEST)[start]
    half = 1
    while half * 2 < end - start:
        half *= 2
    return merkle.node_hash(root(start, start + half), root(start + half, end))


def inclusion(index: int, size: int) -> list[bytes]:
    return [root(*span) for span in merkle.inclusion_ranges(index, size)]


def consistency(old: int, new: int) -> list[bytes]:
    return [root(*span) for span in merkle.consistency_ranges(old, new)] if old else []


def test_roots_grow_as_the_recursion_says() -> None:
    for size in range(LARGEST + 1):
        assert merkle.root_of_leaves(leaves(LARGEST)[:size]) == root(0, size)


def test_push_names_each_completed_node_once() -> None:
    peaks: list[bytes] = []
    for index, leaf in enumerate(leaves(LARGEST)):
        for level, node in enumerate(merkle.push(peaks, index, leaf), start=1):
            assert node == root(index + 1 - (1 << level), index + 1)
        assert len(peaks) == (index + 1).bit_count()


def test_every_proof_in_small_trees_verifies_and_only_at_its_place() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = inclusion(index, size)
            merkle.verify_inclusion(index, size, leaves(LARGEST)[index], proof, root(0, size))
            for other in {index ^ 1, index + 1, index - 1, size, -1} - {index}:
                with pytest.raises(VerificationError):
                    merkle.verify_inclusion(other, size, leaves(LARGEST)[index], proof, root(0, size))
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            merkle.verify_consistency(old, new, consistency(old, new), root(0, old), root(0, new))


def test_roots_and_proofs_are_those_of_pymerkle() -> None:
    other = InmemoryTree(algorithm="sha256")
    for n in range(LARGEST):
        other.append_entry(b"leaf %d" % n)
    for size in range(1, LARGEST + 1):
        assert other.get_root(size) == root(0, size)
        for index in range(size):  # pymerkle names the leaf in the path and orders it by its own rule
            path = other.prove_inclusion(index + 1, size).path
            assert sorted(path) == sorted([leaves(LARGEST)[index], *inclusion(index, size)])
        for old in range(1, size):
            verify_consistency(root(0, old), root(0, size), other.prove_consistency(old, size))


@given(st.data())
def test_a_changed_proof_never_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, LARGEST))
    old = data.draw(st.integers(1, new))
    index = data.draw(st.integers(0, new - 1))
    which = data.draw(st.sampled_from(["flip", "drop", "add", "root", "short"]))

    def changed(proof: list[bytes], target: bytes) -> tuple[list[bytes], bytes]:
        at = data.draw(st.integers(0, max(0, len(proof) - 1)))
        bit = bytes([1 << data.draw(st.integers(0, 7))])
        if which == "add":
            return [*proof[:at], target, *proof[at:]], target
        if which == "root" or not proof:
            return proof, bytes([target[0] ^ bit[0]]) + target[1:]
        if which == "drop":
            return proof[:at] + proof[at + 1 :], target
        if which == "short":
            return [*proof[:at], proof[at][:-1], *proof[at + 1 :]], target
        return [*proof[:at], bytes([proof[at][0] ^ bit[0]]) + proof[at][1:], *proof[at + 1 :]], target

    with pytest.raises(VerificationError):
        merkle.verify_inclusion(
            index, new, leaves(LARGEST)[index], *changed(inclusion(index, new), root(0, new))
        )
    proof, newer = changed(consistency(old, new), root(0, new))
    with pytest.raises(VerificationError):
        merkle.verify_consistency(old, new, proof, root(0, old), newer)


def test_edges_of_consistency() -> None:
    empty, one, two = root(0, 0), root(0, 1), root(0, 2)
    merkle.verify_consistency(0, 0, [], empty, empty)
    merkle.verify_consistency(0, 2, [], empty, two)
    for size1, size2, proof, root1, root2 in [
        (0, 2, [two], empty, two),
        (0, 2, [], one, two),
        (0, 0, [], empty, one),
        (2, 2, [], two, one),
        (2, 2, [two], two, two),
        (2, 1, [], two, one),
        (1, 2, [], one, two),
        (-1, 2, [], one, two),
        (1, 2, [two[:31]], one, two),
        (1, 2, consistency(1, 2), one + b"x", two),
    ]:
        with pytest.raises(VerificationError):
            merkle.verify_consistency(size1, size2, proof, root1, root2)
    with pytest.raises(ValueError, match="size1"):
        merkle.consistency_ranges(0, 2)
    with pytest.raises(ValueError, match="index"):
        merkle.inclusion_ranges(2, 2)
