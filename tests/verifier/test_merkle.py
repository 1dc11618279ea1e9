"""Proofs: every one in small trees against the ledger's own, and the traps that other verifiers fell into."""

import json
from pathlib import Path

import pytest

from ledger import merkle as theirs
from verifier.merkle import (
    VerificationError,
    leaf_hash,
    node_hash,
    prove_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)

HASHES = [leaf_hash(str(n).encode()) for n in range(17)]
EMPTY = root_of([])
VECTORS = json.loads((Path(__file__).parents[1] / "ledger" / "vectors" / "merkle.json").read_text())


def consistency(old: int, new: int) -> list[bytes]:
    """The proof that ledger/ makes."""
    return [theirs.root_of_leaves(HASHES[a:b]) for a, b in theirs.consistency_ranges(old, new)]


@pytest.mark.parametrize("size", range(1, 18))
def test_all_proofs_of_small_trees(size: int) -> None:
    root = theirs.root_of_leaves(HASHES[:size])
    assert root_of(HASHES[:size]) == root
    for index in range(size):
        proof = prove_inclusion(HASHES[:size], index)
        verify_inclusion(index, size, HASHES[index], proof, root)
        for other in range(size):
            if other != index:
                with pytest.raises(VerificationError):
                    verify_inclusion(other, size, HASHES[index], proof, root)
        for bad in (proof[1:], [*proof, root], [root, *proof], [*proof[:-1], EMPTY], [EMPTY]):
            if bad != proof:
                with pytest.raises(VerificationError):
                    verify_inclusion(index, size, HASHES[index], bad, root)
    for old in range(1, size + 1):
        proof, older = consistency(old, size), root_of(HASHES[:old])
        verify_consistency(old, size, proof, older, root)
        for bad in (proof[1:], [*proof, root], [older, *proof], [EMPTY, *proof[1:]], []):
            if bad != proof:
                with pytest.raises(VerificationError):
                    verify_consistency(old, size, bad, older, root)
        for one, two in ((EMPTY, root), (older, EMPTY), *([(root, older)] if old < size else [])):
            with pytest.raises(VerificationError):
                verify_consistency(old, size, proof, one, two)


def test_published_vectors_of_the_format() -> None:
    root = bytes.fromhex(VECTORS["roots"][7])
    for one in VECTORS["inclusion"]:
        proof = [bytes.fromhex(step) for step in one["proof"]]
        verify_inclusion(one["index"], 7, bytes.fromhex(VECTORS["leaf_hashes"][one["index"]]), proof, root)
    for one in VECTORS["consistency"]:
        proof = [bytes.fromhex(step) for step in one["proof"]]
        verify_consistency(one["size1"], 7, proof, bytes.fromhex(VECTORS["roots"][one["size1"]]), root)


def test_size_0_shows_nothing_and_accepts_nothing_else() -> None:
    root = root_of(HASHES)
    verify_consistency(0, 0, [], EMPTY, EMPTY)
    verify_consistency(0, 17, [], EMPTY, root)
    for old, new, proof, one, two in (
        (0, 17, [], root, root),
        (0, 17, [root], EMPTY, root),
        (0, 0, [], root, root),
        (0, 0, [], EMPTY, root),
        (0, 0, [EMPTY], EMPTY, EMPTY),
        (17, 17, [], root, EMPTY),
        (17, 17, [root], root, root),
        (17, 16, [], root, root),
    ):
        with pytest.raises(VerificationError):
            verify_consistency(old, new, proof, one, two)
    with pytest.raises(VerificationError):
        verify_inclusion(0, 0, EMPTY, [], EMPTY)


def test_a_root_made_to_fit_a_proof_of_wrong_length() -> None:
    """Whoever signs any root can make one to which a proof that is too long leads; the sizes forbid it."""
    leaf, step = HASHES[0], HASHES[1]
    for size in range(1, 5):
        proof, index = prove_inclusion(HASHES[:size], size - 1), size - 1
        root = node_hash(step, root_of(HASHES[:size]))
        with pytest.raises(VerificationError):
            verify_inclusion(index, size, HASHES[index], [*proof, step], root)
        with pytest.raises(VerificationError):
            verify_inclusion(size, size, HASHES[index], proof, root_of(HASHES[:size]))
    with pytest.raises(VerificationError):
        verify_inclusion(1, 1, leaf, [], leaf)
    with pytest.raises(VerificationError):
        verify_consistency(1, 2, [step, step], node_hash(step, leaf), node_hash(step, node_hash(leaf, step)))


@pytest.mark.parametrize("number", [-1, 2**63, 10**400, True, 1.0, None, "1"])
def test_impossible_numbers(number: int) -> None:
    for numbers in ((number, 5), (1, number)):
        with pytest.raises(VerificationError):
            verify_inclusion(*numbers, HASHES[0], [HASHES[1]], HASHES[2])
        with pytest.raises(VerificationError):
            verify_consistency(*numbers, [HASHES[1]], HASHES[0], HASHES[2])


@pytest.mark.parametrize("wrong", [b"", b"x" * 31, b"x" * 33, "x" * 32, None, 7, bytearray(32)])
def test_hashes_of_another_length_or_kind(wrong: bytes) -> None:
    good = root_of(HASHES[:2])
    for leaf, proof, root in (
        (wrong, [HASHES[1]], good),
        (HASHES[0], [wrong], good),
        (HASHES[0], [HASHES[1]], wrong),
    ):
        with pytest.raises(VerificationError):
            verify_inclusion(0, 2, leaf, proof, root)
        with pytest.raises(VerificationError):
            verify_consistency(1, 2, proof, leaf, root)


@pytest.mark.parametrize("proof", [None, b"x" * 64, {HASHES[1]}, [HASHES[1]] * 65, iter([HASHES[1]])])
def test_what_is_no_list_of_hashes(proof: list[bytes]) -> None:
    with pytest.raises(VerificationError):
        verify_inclusion(0, 2, HASHES[0], proof, root_of(HASHES[:2]))


def test_a_huge_tree_costs_no_more_than_its_proof() -> None:
    for step in range(64):
        with pytest.raises(VerificationError):
            verify_inclusion(2**62, 2**63 - 1, HASHES[0], [HASHES[1]] * step, HASHES[2])
        with pytest.raises(VerificationError):
            verify_consistency(2**62 - 1, 2**63 - 1, [HASHES[1]] * step, HASHES[0], HASHES[2])
