"""An inclusion proof as the tree's own shape: the entry at the bottom, its neighbours, the root on top."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import merkle

# Pixels: from one level to the next, above the root, and below the entry.
STEP, TOP, FOOT = 56, 26, 42
LEFT, MIDDLE, RIGHT = "36%", "50%", "64%"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A hash in the drawing, and which entries lie under it."""

    hash: str
    x: str
    y: int
    said: str
    given: bool  # it came with the proof; the others are computed from the entry upward

    @property
    def short(self) -> str:
        return f"{self.hash[:8]}…"

    @property
    def anchor(self) -> str:
        """Words stand outside of the two lines."""
        return "end" if self.x == LEFT else "start" if self.x == RIGHT else "middle"

    @property
    def shift(self) -> int:
        return {LEFT: -13, RIGHT: 13}.get(self.x, 0)

    @property
    def below(self) -> int:
        return self.y + 12


@dataclass(frozen=True, kw_only=True)
class Level:
    """Two neighbours, and the node above that is made of both."""

    ours: Node
    theirs: Node
    above_x: str
    above_y: int

    @property
    def order(self) -> str:
        """How the two are put together, in words."""
        first, second = (self.theirs, self.ours) if self.theirs.x == LEFT else (self.ours, self.theirs)
        return f"{first.said} on the left, {second.said} on the right"


@dataclass(frozen=True, kw_only=True)
class ProofTree:
    """The drawing, from the entry's level upward; `root` is what the path gives, `holds` whether it is the
    signed one."""

    levels: tuple[Level, ...]
    leaf: Node
    root: Node
    holds: bool

    @property
    def height(self) -> int:
        return self.leaf.y + FOOT

    @property
    def alone(self) -> bool:
        return not self.levels


def _named(start: int, end: int) -> str:
    return f"entry {start:,}" if end - start == 1 else f"entries {start:,} to {end - 1:,}"


def proof_tree(*, index: int, size: int, leaf_hash: str, path: Sequence[str], root: str) -> ProofTree:
    """Draw the path from entry `index` to the root of a log of `size` entries, computing it anew."""
    ranges = merkle.inclusion_ranges(index, size)
    depth = len(ranges)
    levels: list[Level] = []
    found, start, end = bytes.fromhex(leaf_hash), index, index + 1
    leaf = Node(hash=leaf_hash, x=MIDDLE, y=TOP + depth * STEP, said=f"entry {index:,}", given=False)
    for n, ((from_, to), step) in enumerate(zip(ranges, path, strict=False)):
        y = TOP + (depth - n) * STEP
        right = from_ > start  # the neighbour lies after us
        beside = bytes.fromhex(step)
        ours = Node(hash=found.hex(), x=LEFT if right else RIGHT, y=y, said=_named(start, end), given=False)
        theirs = Node(hash=step, x=RIGHT if right else LEFT, y=y, said=_named(from_, to), given=True)
        found = merkle.node_hash(found, beside) if right else merkle.node_hash(beside, found)
        start, end = min(start, from_), max(end, to)
        above = ranges[n + 1][0] > start if n + 1 < depth else None
        levels.append(
            Level(
                ours=ours,
                theirs=theirs,
                above_x=MIDDLE if above is None else LEFT if above else RIGHT,
                above_y=y - STEP,
            )
        )
    if levels:
        leaf = levels[0].ours
    top = Node(hash=found.hex(), x=MIDDLE, y=TOP, said=f"root of {size:,} entries", given=False)
    holds = len(path) == depth and found.hex() == root
    return ProofTree(levels=tuple(levels), leaf=leaf, root=top, holds=holds)
