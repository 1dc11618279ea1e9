"""What a superuser with the guards off may try, each attack at random, and who notices.

`python -m tests.ledger` runs each of them twenty times and five hundred clean logs, and prints the table; the
tests run a few of each.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ledger import leaf, merkle
from ledger.verify import Finding, verify_log
from tests.ledger.conftest import Superuser
from tests.ledger.histories import (
    fork,
    restore_an_old_dump,
    restore_an_old_dump_and_forget,
    rewrite_and_make_the_signer_forget,
    rewrite_and_sign_anew,
)
from tests.ledger.scene import HERE, Scene, other_leaf, stage

REPEATS, CLEAN = 20, 500


def flip_a_leaf(scene: Scene) -> int:
    index = scene.somewhere()
    change = scene.bit("leaf", len(scene.mirror[index]))
    scene.run(f"UPDATE ledger_entry SET {change} {HERE}", index=index)
    return index


def flip_a_leaf_and_its_hash(scene: Scene) -> int:
    index = flip_a_leaf(scene)
    scene.run(f"UPDATE ledger_entry SET leaf_hash = sha256('\\x00'::bytea || leaf) {HERE}", index=index)
    return index


def change_a_body(scene: Scene) -> int:
    index = scene.somewhere()
    value = scene.chance.randrange(100, 10**9)
    scene.run(f"UPDATE ledger_opening SET body = jsonb_set(body, '{{n}}', '{value}') {HERE}", index=index)
    return index


def flip_a_salt(scene: Scene) -> int:
    index = scene.somewhere()
    scene.run(f"UPDATE ledger_opening SET {scene.bit('salts', 8 * 32)} {HERE}", index=index)
    return index


def change_a_time(scene: Scene) -> int:
    """In the column, the leaf and its hash alike."""
    index = scene.somewhere()
    row = scene.entry(index)
    sealed = leaf.parse(row.leaf)
    other = sealed.recorded_at.replace(
        microsecond=sealed.recorded_at.microsecond ^ (1 + scene.chance.randrange(9))
    )
    data = leaf.build(replace(sealed, recorded_at=other))
    scene.run(
        f"UPDATE ledger_entry SET leaf = %(leaf)s, leaf_hash = %(hash)s, recorded_at = %(at)s {HERE}",
        index=index, leaf=data, hash=merkle.leaf_hash(data), at=other,
    )  # fmt: skip
    return index


def replace_an_entry(scene: Scene) -> int:
    """Leaf, hash, opening and columns agree with each other; tree and signatures do not."""
    index = scene.somewhere()
    data = other_leaf(scene.mirror[index])
    scene.run(
        f"UPDATE ledger_entry SET leaf = %(leaf)s, leaf_hash = %(hash)s, party = %(party)s {HERE}",
        index=index, leaf=data, hash=merkle.leaf_hash(data), party=leaf.parse(data).party,
    )  # fmt: skip
    return index


def delete(scene: Scene, indexes: Sequence[int]) -> int:
    for table in ("entry", "opening"):
        scene.run(
            f"DELETE FROM ledger_{table} WHERE log = %(log)s AND index = ANY (%(gone)s)", gone=list(indexes)
        )
    return indexes[0]


def delete_from_the_middle(scene: Scene) -> int:
    return delete(scene, [scene.chance.randrange(1, len(scene.mirror) - 1)])


def delete_the_last(scene: Scene) -> int:
    return delete(scene, [len(scene.mirror) - 1])


def delete_the_tail(scene: Scene) -> int:
    return delete(scene, range(scene.chance.randrange(1, len(scene.mirror)), len(scene.mirror)))


def swap_two(scene: Scene) -> int:
    one, other = sorted(scene.chance.sample(range(len(scene.mirror)), 2))
    move = "UPDATE ledger_{0} SET index = CASE index WHEN {1} THEN -2 ELSE -1 END"
    back = "UPDATE ledger_{0} SET index = CASE index WHEN -1 THEN {1} ELSE {2} END"
    for table in ("entry", "opening"):
        scene.run(
            f"{move.format(table, other)} WHERE log = %(log)s AND index IN ({one}, {other})",
            f"{back.format(table, other, one)} WHERE log = %(log)s AND index < 0",
        )
    return one


def insert_one(scene: Scene) -> int:
    """A made-up entry in between; what follows moves up, the head counts one more."""
    index, size = scene.somewhere(), len(scene.mirror)
    for table in ("entry", "opening"):
        scene.run(
            f"UPDATE ledger_{table} SET index = -1 - index WHERE log = %(log)s AND index >= {index}",
            f"UPDATE ledger_{table} SET index = -index WHERE log = %(log)s AND index < 0",
        )
    data = other_leaf(scene.mirror[index])
    scene.run(
        "INSERT INTO ledger_entry VALUES (%(log)s, %(index)s, %(leaf)s, %(hash)s, %(at)s, %(party)s)",
        f"UPDATE ledger_head SET size = {size + 1} WHERE log = %(log)s",
        index=index, leaf=data, hash=merkle.leaf_hash(data), at=leaf.parse(data).recorded_at,
        party=leaf.parse(data).party,
    )  # fmt: skip
    return index


def edit_the_head(scene: Scene) -> None:
    size = len(scene.mirror)
    change = scene.chance.choice(
        [
            scene.bit("root", 32),
            scene.bit("peaks", 32),
            f"size = {scene.chance.randrange(1, size)}",
            f"size = {size + scene.chance.randrange(1, 9)}",
            "recorded_at = recorded_at + interval '1 microsecond'",
            "origin = origin || 'x'",
            "kind = 'host'",
        ]
    )
    scene.run(f"UPDATE ledger_head SET {change} WHERE log = %(log)s")


# Each with whether the log alone shows it: `manage.py verify` and the signer, no mirror at hand.
ATTACKS: dict[Callable[[Scene], int | None], bool] = {
    flip_a_leaf: True,
    flip_a_leaf_and_its_hash: True,
    change_a_body: True,
    flip_a_salt: True,
    change_a_time: True,
    replace_an_entry: True,
    delete_from_the_middle: True,
    delete_the_last: True,
    delete_the_tail: True,
    swap_two: True,
    insert_one: True,
    edit_the_head: True,
    rewrite_and_sign_anew: True,
    restore_an_old_dump: True,
    rewrite_and_make_the_signer_forget: False,
    fork: False,
    restore_an_old_dump_and_forget: False,
}
SINGLE = {fork, restore_an_old_dump, restore_an_old_dump_and_forget}


@dataclass(frozen=True)
class Outcome:
    """What was found of one attack, without and with a mirror."""

    at: int | None
    alone: list[Finding]
    mirrored: list[Finding]

    @property
    def exact(self) -> bool:
        """With a mirror the first finding is where the first changed entry is."""
        return bool(self.mirrored) and (self.at is None or self.mirrored[0].index == self.at)


def attempt(attack: Callable[[Scene], int | None], superuser: Superuser, seed: int) -> Outcome:
    """Stage a log, attack it, look."""
    scene = stage(superuser, random.Random(f"{attack.__name__} {seed}"), single=attack in SINGLE)
    assert verify_log(scene.log, mirror=scene.mirror) == []
    at = attack(scene)
    return Outcome(at, verify_log(scene.log), verify_log(scene.log, mirror=scene.mirror))


def clean_runs(superuser: Superuser, count: int) -> int:
    """How many of `count` untouched logs raise an alarm."""
    chance, alarms = random.Random("clean"), 0
    for _ in range(count):
        scene = stage(superuser, chance)
        alarms += bool(verify_log(scene.log) or verify_log(scene.log, mirror=scene.mirror))
    return alarms


def table(superuser: Superuser, *, repeats: int = REPEATS, clean: int = CLEAN) -> None:
    """Print how often each attack was found, and how often at the exact index."""
    print(
        f"{'attack':38} {'runs':>5} {'found alone':>12} {'exact alone':>12} {'with mirror':>12} {'exact':>6}"
    )
    for attack in ATTACKS:
        found = [attempt(attack, superuser, seed) for seed in range(repeats)]
        alone = sum(bool(one.alone) for one in found)
        exact_alone = sum(bool(one.alone) and one.alone[0].index == one.at for one in found)
        mirrored, exact = sum(bool(one.mirrored) for one in found), sum(one.exact for one in found)
        name = attack.__name__.replace("_", " ")
        print(f"{name:38} {repeats:5} {alone:12} {exact_alone:12} {mirrored:12} {exact:6}", flush=True)
    print(f"clean logs: {clean}, false alarms: {clean_runs(superuser, clean)}")
