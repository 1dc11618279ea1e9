"""The drawing of an inclusion proof: it is the tree of RFC 9162, and what it draws it has recomputed."""

from hashlib import sha256
from itertools import pairwise

import pytest

from ledger import merkle
from web.charts import proof_tree
from web.charts.prooftree import LEFT, MIDDLE, ProofTree


def drawn(index: int, size: int, *, wrong: int | None = None) -> ProofTree:
    """The proof of an entry in a tree of `size`, with one hash of the path changed if asked."""
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(size)]
    path = [
        merkle.root_of_leaves(leaves[start:end]).hex() for start, end in merkle.inclusion_ranges(index, size)
    ]
    if wrong is not None:
        path[wrong] = sha256(b"another").hexdigest()
    root = merkle.root_of_leaves(leaves).hex()
    return proof_tree(index=index, size=size, leaf_hash=leaves[index].hex(), path=path, root=root)


def test_every_path_in_every_tree_ends_at_its_root() -> None:
    for size in range(1, 40):
        for index in range(size):
            tree = drawn(index, size)
            assert tree.holds, (index, size)
            assert tree.alone == (size == 1)


def test_each_mark_stands_where_its_two_children_lead() -> None:
    for index in range(21):
        levels = drawn(index, 21).levels
        for level, above in pairwise(levels):
            assert (level.above_x, level.above_y) == (above.ours.x, above.ours.y)
            assert {level.ours.x, level.theirs.x} == {above.ours.x, above.theirs.x}
        assert (levels[-1].above_x, levels[-1].above_y) == (MIDDLE, 26)
        for level in levels:
            left = level.ours if level.ours.x == LEFT else level.theirs
            right = level.theirs if left is level.ours else level.ours
            assert first_of(left.said) < first_of(right.said), "what came first stands on the left"


def first_of(said: str) -> int:
    return int(said.split()[1])


def test_the_marks_say_which_entries_lie_under_them() -> None:
    levels = drawn(9, 21).levels
    assert [level.theirs.said for level in levels] == [
        "entry 8",
        "entries 10 to 11",
        "entries 12 to 15",
        "entries 0 to 7",
        "entries 16 to 20",
    ]
    assert levels[-1].ours.said == "entries 0 to 15"
    assert levels[0].order == "entry 8 on the left, entry 9 on the right"


@pytest.mark.parametrize("wrong", range(5))
def test_a_changed_hash_does_not_end_at_the_root(wrong: int) -> None:
    assert not drawn(9, 21, wrong=wrong).holds


def test_a_path_cut_short_holds_nothing() -> None:
    whole = drawn(9, 21)
    path = [level.theirs.hash for level in whole.levels][:-1]
    cut = proof_tree(index=9, size=21, leaf_hash=whole.leaf.hash, path=path, root=whole.levels[-1].ours.hash)
    assert not cut.holds
