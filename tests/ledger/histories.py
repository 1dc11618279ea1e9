"""Attacks on a log's whole history: written anew, forked, put back; signed by the host's own key."""

from dataclasses import replace

from ledger import commitments, leaf, merkle, reading, signing
from ledger.host import host_key, memory
from tests.ledger.scene import HERE, Scene


def rewrite(scene: Scene, index: int, *, until: int | None = None) -> None:
    """Make the whole log anew from `index` on, everything in agreement, signed by the host's own key."""
    rows = reading.read_entries(scene.log, limit=10_000)[:until]
    peaks: list[bytes] = []
    origin = leaf.parse(rows[0].leaf).log
    scene.run(f"DELETE FROM ledger_node WHERE log = %(log)s AND last_leaf >= {index}")
    with scene.superuser.guards_off() as cursor:
        for row in rows:
            data = row.leaf
            if row.index >= index:
                body = {name: value for name, (_, value) in (row.opening or {}).items()}
                if row.index == index:
                    body["n"] = scene.chance.randrange(1000, 10**9)
                salts = commitments.new_salts(len(body))
                data = leaf.build(replace(leaf.parse(row.leaf), commit=commitments.commit_body(body, salts)))
                values = {"log": scene.log, "index": row.index, "leaf": data, "salts": salts}
                cursor.execute(
                    "UPDATE ledger_entry SET leaf = %(leaf)s, leaf_hash = sha256('\\x00'::bytea || %(leaf)s)"
                    f" {HERE}",
                    values,
                )
                cursor.execute(
                    "UPDATE ledger_opening SET salts = %(salts)s, body = jsonb_set(body, '{n}', %(n)s::jsonb)"
                    f" {HERE}",
                    values | {"n": str(body["n"])},
                )
            made = merkle.push(peaks, row.index, merkle.leaf_hash(data))
            root, size = merkle.root_of(peaks), row.index + 1
            if row.index < index:
                continue
            for level, node in enumerate(made, start=1):
                cursor.execute(
                    "INSERT INTO ledger_node VALUES (%s, %s, %s, %s)", (scene.log, row.index, level, node)
                )
            note = host_key().sign(origin, signing.checkpoint_text(origin, size, root))
            cursor.execute(
                "UPDATE ledger_checkpoint SET root = %s, note = %s WHERE log = %s AND size = %s",
                (root, note, scene.log, size),
            )
        cursor.execute(
            "UPDATE ledger_head SET root = %s, peaks = %s WHERE log = %s",
            (merkle.root_of(peaks), b"".join(peaks), scene.log),
        )


def rewrite_and_sign_anew(scene: Scene) -> int:
    index = scene.somewhere()
    rewrite(scene, index)
    return index


def rewrite_and_make_the_signer_forget(scene: Scene) -> int:
    index = rewrite_and_sign_anew(scene)
    (memory().folder / str(scene.log)).unlink()
    return index


def fork(scene: Scene) -> int:
    """Back to an older state, then another history with real appends, the signer's memory taken back too."""
    index = scene.chance.randrange(1, len(scene.mirror))
    _back_to(scene, index)
    (memory().folder / str(scene.log)).unlink()
    scene.writer.grow([1] * (len(scene.mirror) - index + scene.chance.randrange(3)))
    return index


def restore_an_old_dump(scene: Scene) -> int:
    index = scene.chance.randrange(1, len(scene.mirror))
    _back_to(scene, index)
    return index


def restore_an_old_dump_and_forget(scene: Scene) -> int:
    index = restore_an_old_dump(scene)
    (memory().folder / str(scene.log)).unlink()
    return index


def _back_to(scene: Scene, size: int) -> None:
    """The rows that a dump taken at `size` would have held."""
    peaks: list[bytes] = []
    for n, data in enumerate(scene.mirror[:size]):
        merkle.push(peaks, n, merkle.leaf_hash(data))
    beyond = f"WHERE log = %(log)s AND index >= {size}"
    scene.run(
        f"DELETE FROM ledger_entry {beyond}",
        f"DELETE FROM ledger_opening {beyond}",
        f"DELETE FROM ledger_node WHERE log = %(log)s AND last_leaf >= {size}",
        f"DELETE FROM ledger_checkpoint WHERE log = %(log)s AND size > {size}",
        "UPDATE ledger_head h SET size = e.index + 1, root = %(root)s, peaks = %(peaks)s,"
        " recorded_at = e.recorded_at FROM ledger_entry e"
        f" WHERE h.log = %(log)s AND e.log = h.log AND e.index = {size - 1}",
        root=merkle.root_of(peaks), peaks=b"".join(peaks),
    )  # fmt: skip
